"""(9) The same requests beside the JPA server of HAPI FHIR, which keeps its data on disk too.

Both hold the same Patients and Encounters, stay up, and are asked in turn, one at a time.
"""

import http.client
from collections.abc import Iterator
from contextlib import ExitStack

import orjson

from gateway.core.contributions import Json
from tests.bench import hapi_jpa, rest, servers
from tests.bench.asking import ask
from tests.bench.figures import Report, family_cpu_seconds, resident_mb

#: It takes about a hundred persons a second: more than this would be filled for minutes.
MOST = 10_000
_VERSION = "8.6.0"
_PERSONS_A_TRANSACTION = 100
_CONNECTIONS = 8
_SAMPLE = 500
#: Whose answers are laid side by side before anything is measured.
_ALIKE = (1, 7, 40)
_FIGURES = (("", "1/s"), (" p50", "ms"), (" p99", "ms"), (" cpu", "ms"))
_NAMES = ("sqlite", "hapi jpa")
#: The order of "newest" is ours when nothing is said; the peer must be told.
_NEWEST = "_sort=-_lastUpdated"


def beside(report: Report, runs: int, persons: int, seconds: float) -> None:
    """Measure each kind of request at both in turn, after a round that is not counted."""
    persons = min(persons, MOST)
    report.note(
        f"rest beside: hapi-fhir-jpaserver-base {_VERSION} on Jetty over an H2 file, -Xmx2g, its "
        "reuse of the results of the last minute off; it writes each search into its database"
    )
    with ExitStack() as up:
        try:
            peer = up.enter_context(hapi_jpa.serve(f"{_VERSION}-{persons}", _batches(persons)))
        except servers.UnavailableError as why:
            report.note(f"rest beside: not measured: {why}")
            return
        both = {"sqlite": up.enter_context(rest.on_sqlite(persons)), "hapi jpa": peer}
        for kind in rest.KINDS:
            _compare(report, kind, both)
        for run in range(runs + 1):
            for kind in rest.KINDS:
                for name, server in both.items():
                    _measure(report if run else Report(), name, kind, server, persons, seconds)
        for name, server in both.items():
            if (memory := resident_mb(server.pid)) is not None:
                report.add(f"beside {name} memory after", "MB", memory)
    head = ("request", *(f"{name}{what} {unit}" for name in _NAMES for what, unit in _FIGURES))
    report.rows(f"REST beside, {persons} persons, median of {runs}", head, _rows(report))


def _batches(persons: int) -> Iterator[list[Json]]:
    for first in range(0, persons, _PERSONS_A_TRANSACTION):
        numbers = range(first, min(first + _PERSONS_A_TRANSACTION, persons))
        yield [one for number in numbers for one in (rest.patient(number), rest.stay(number))]


def _path(kind: str, number: int) -> str:
    path = rest.KINDS[kind](number)
    is_sorted = kind.startswith("newest") or kind == "stays of a day"
    return f"{path}&{_NEWEST}" if is_sorted else path


def _compare(report: Report, kind: str, both: dict[str, servers.Server]) -> None:
    """Note a kind whose answers hold other resources here than there."""
    for number in _ALIKE:
        path = _path(kind, number)
        found = [_named(server.http_port, path) for server in both.values()]
        if kind.startswith("newest"):
            # Which are newest follows the order of the load: their number must be the same.
            found = [sorted(name.split("/")[0] for name in one) for one in found]
        if found[0] != found[1]:
            sizes = " and ".join(str(len(one)) for one in found)
            report.note(f"beside {kind}: other resources for {path}: {sizes}")
            return


def _named(port: int, path: str) -> list[str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers={"Accept": "application/fhir+json"})
    body = orjson.loads(connection.getresponse().read())
    connection.close()
    is_bundle = body["resourceType"] == "Bundle"
    given = [entry["resource"] for entry in body.get("entry", ())] if is_bundle else [body]
    return sorted(f"{one['resourceType']}/{one.get('id')}" for one in given)


def _measure(
    report: Report, name: str, kind: str, server: servers.Server, persons: int, seconds: float
) -> None:
    paths = [_path(kind, number) for number in range(0, persons, max(1, persons // _SAMPLE))]
    before = family_cpu_seconds(server.pid)
    found = ask(server.http_port, paths, _CONNECTIONS, seconds)
    after = family_cpu_seconds(server.pid)
    title = f"beside {name} {kind}"
    report.add(title, "1/s", found.answers / found.seconds)
    report.add(f"{title} p50", "ms", 1e3 * found.p50)
    report.add(f"{title} p99", "ms", 1e3 * found.p99)
    if before is not None and after is not None:
        report.add(f"{title} cpu", "ms", 1e3 * (after - before) / found.answers)
    if found.statuses != {200}:
        report.note(f"{title}: answers {sorted(found.statuses)}: not a fair figure")


def _rows(report: Report) -> list[list[str]]:
    ends = [(f"beside {name}", what) for name in _NAMES for what, _ in _FIGURES]
    return [
        [kind, *(rest.cell(report, f"{name} {kind}{what}") for name, what in ends)]
        for kind in rest.KINDS
    ]
