"""(9) Reads and searches a second over HTTP with 100,000 persons, on SQLite and PostgreSQL.

Beside them the same reads from a plain server of HAPI FHIR in memory (its JPA server: stored.py).
"""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from uuid import UUID

import orjson
import psycopg

from gateway.core.contributions import Json, Target
from gateway.core.ports import NewVersion, StoredResource
from gateway.fhir import search
from gateway.store.factory import migrate, open_store
from gateway.store.migrate import HEAD
from gateway.store.tables import TABLES
from tests.bench import hapi, servers
from tests.bench.asking import ask
from tests.bench.figures import Report, resident_mb
from tests.support import postgres

_START = datetime(2026, 3, 1, tzinfo=UTC)
_BATCH = 1000
_CONNECTIONS = 8
#: Who is measured, and by what, in the order of the columns.
_NAMES, _UNITS = ("sqlite", "postgresql", "hapi"), ("1/s", "p99 ms")
_SAMPLE = 500
INS = "urn:oid:1.2.250.1.213.1.4.10"
#: Words that names are made of; some are frequent, as names are.
_SYLLABLES = ("MA", "RO", "TI", "LE", "BU", "DA", "NO", "SE", "VI", "CHE")


def rest(report: Report, runs: int, persons: int, seconds: float) -> None:
    """Measure each kind of request by itself, on both databases in alternating runs."""
    report.note(
        "rest hapi: reads alone, of a plain hapi-fhir-server with its provider in memory, which "
        "keeps nothing on disk and has no index; its JPA server has a table of its own below"
    )
    for _ in range(runs):
        for name, serve in (("sqlite", on_sqlite), ("postgresql", _postgresql)):
            with serve(persons) as server:
                _measure(report, f"rest {name}", server, persons, seconds)
        try:
            with hapi.serve(patient(number) for number in range(persons)) as server:
                _measure(report, "rest hapi", server, persons, seconds, ("read",))
        except servers.UnavailableError as why:
            report.note(f"rest hapi: not measured: {why}")
    title = (
        f"REST, {persons} persons with a stay each, {_CONNECTIONS} connections, median of {runs}"
    )
    report.rows(
        title, ("request", *(f"{name} {unit}" for name in _NAMES for unit in _UNITS)), _rows(report)
    )


def _rows(report: Report) -> list[list[str]]:
    """Return a row for each kind of request: answers a second and p99 of each server."""
    return [
        [
            kind,
            *(cell(report, f"rest {name} {kind}{end}") for name in _NAMES for end in ("", " p99")),
        ]
        for kind in KINDS
    ]


def cell(report: Report, figure: str) -> str:
    """Return the median of a figure; a dash where it was not measured."""
    found = report.series.get(figure)
    return "-" if found is None else f"{median(found.values):,.1f}"


def _measure(
    report: Report,
    name: str,
    server: servers.Server,
    persons: int,
    seconds: float,
    kinds: Sequence[str] = (),
) -> None:
    for kind in kinds or KINDS:
        make = KINDS[kind]
        step = max(1, persons // _SAMPLE)
        paths = [make(number) for number in range(0, persons, step)]
        ask(server.http_port, paths[:20], 1, 0.2)
        found = ask(server.http_port, paths, _CONNECTIONS, seconds)
        report.add(f"{name} {kind}", "1/s", found.answers / found.seconds)
        report.add(f"{name} {kind} p99", "ms", 1e3 * found.p99)
        if found.statuses != {200}:
            report.note(f"{name} {kind}: answers {sorted(found.statuses)}: not a fair figure")
    if (memory := resident_mb(server.pid)) is not None:
        report.add(f"{name} memory after", "MB", memory)


KINDS: dict[str, Callable[[int], str]] = {
    "read": lambda n: f"/fhir/Patient/{_id(n)}",
    "search by id": lambda n: f"/fhir/Patient?_id={_id(n)}",
    "search by INS": lambda n: f"/fhir/Patient?identifier={INS}|{_ins(n)}",
    "search by name and birth": lambda n: f"/fhir/Patient?family={_family(n)}&birthdate={_born(n)}",
    "stays of a person": lambda n: f"/fhir/Encounter?patient={_id(n)}&_include=Encounter:subject",
    "stays by INS": lambda n: f"/fhir/Encounter?subject:Patient.identifier={INS}|{_ins(n)}",
    "stays of a day": lambda n: f"/fhir/Encounter?date={_day(n)}&status=finished&_count=20",
    "newest persons": lambda _: "/fhir/Patient?_count=20",
    "newest persons, counted": lambda _: "/fhir/Patient?_count=20&_total=accurate",
    "newest women": lambda _: "/fhir/Patient?gender=female&_count=20",
    "everything": lambda n: f"/fhir/Patient/{_id(n)}/$everything",
    "history of a person": lambda n: f"/fhir/Patient/{_id(n)}/_history",
    "history of a type": lambda _: "/fhir/Encounter/_history?_count=20",
    "history of all": lambda _: "/fhir/_history?_count=20",
}


@contextmanager
def on_sqlite(persons: int) -> Iterator[servers.Server]:
    def prepare(path: Path) -> None:
        shutil.copyfile(kept(persons), path)

    with servers.relais(prepare=prepare) as server:
        yield server


@contextmanager
def _postgresql(persons: int) -> Iterator[servers.Server]:
    with postgres.server() as address, postgres.database(address) as url:
        _fill_postgresql(url, persons)
        with servers.roles(url) as (doors, _):
            yield doors


def kept(persons: int) -> Path:
    """Return the SQLite file that copies are made of, built when there is none."""
    found = servers.WORK / f"rest-{HEAD}-{persons}.db"
    if not found.exists():
        servers.WORK.mkdir(exist_ok=True)
        draft = found.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        asyncio.run(_fill(f"sqlite:///{draft}", persons))
        draft.replace(found)
    return found


def _fill_postgresql(url: str, persons: int) -> None:
    """Put the rows of the SQLite file into a new PostgreSQL database, as its own bulk load does."""
    migrate(url)
    with sqlite3.connect(kept(persons)) as source, psycopg.connect(url, autocommit=True) as target:
        for name, table in TABLES.items():
            columns = ", ".join(f'"{column}"' for column in table.c.keys())  # noqa: SIM118 (no dict)
            rows = source.execute(f"SELECT {columns} FROM {name}")  # noqa: S608 (names of ours)
            with target.cursor().copy(f"COPY {name} ({columns}) FROM STDIN") as copied:
                for row in rows:
                    copied.write_row(row)
        # As autovacuum does a minute after a load.
        target.execute("ANALYZE")


async def _fill(url: str, persons: int) -> None:
    store = open_store(url, timeout_s=600.0)
    await store.open()
    for first in range(0, persons, _BATCH):
        rows = [
            _version(resource, number)
            for number in range(first, min(first + _BATCH, persons))
            for resource in (patient(number), stay(number))
        ]
        await store.write(lambda tx, rows=rows: tx.resources.put(rows))  # type: ignore[misc]
    # No client has a territory: what would be decided about each person is not measured here.
    while marks := await store.read(lambda tx: tx.access.marks(_START, _BATCH)):
        await store.write(lambda tx, marks=marks: tx.access.settle(marks, (), ()))  # type: ignore[misc]
    await store.close()


def _version(resource: Json, number: int) -> NewVersion:
    at = _START + timedelta(seconds=number)
    meta = {"versionId": "1", "lastUpdated": at.isoformat(timespec="milliseconds")}
    key = (resource["resourceType"], resource["id"])
    body = orjson.dumps({**resource, "meta": meta})
    row = StoredResource(*key, 1, at, body, False, f"{number}", Target(*key))
    return NewVersion(row, search.index(resource))


def patient(number: int) -> Json:
    return {
        "resourceType": "Patient",
        "id": _id(number),
        "identifier": [{"use": "official", "system": INS, "value": _ins(number)}],
        "active": True,
        "name": [{"use": "official", "family": _family(number), "given": [_given(number)]}],
        "gender": ("female", "male")[number % 2],
        "birthDate": _born(number),
        "address": [{"line": [f"{number % 90} rue de l'Essai"], "postalCode": "63000"}],
    }


def stay(number: int) -> Json:
    begin = _START - timedelta(days=number % 365, hours=number % 24)
    period = {"start": begin.isoformat(), "end": (begin + timedelta(days=3)).isoformat()}
    return {
        "resourceType": "Encounter",
        "id": _id(number),
        "identifier": [{"system": "urn:oid:2.999.1.2", "value": f"V{number:08d}"}],
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "subject": {"reference": f"Patient/{_id(number)}"},
        "period": period,
    }


def _id(number: int) -> str:
    # Spread over the whole range, as hashes are.
    return str(UUID(int=number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128))


def _ins(number: int) -> str:
    return f"2{number:012d}{97 - number % 97:02d}"


def _family(number: int) -> str:
    return "".join(_SYLLABLES[int(digit)] for digit in f"{number * 7919 % 10_000:04d}")


def _given(number: int) -> str:
    return "".join(_SYLLABLES[int(digit)] for digit in f"{number % 1000:03d}").capitalize()


def _born(number: int) -> str:
    return (datetime(1930, 1, 1, tzinfo=UTC) + timedelta(days=number % 32_000)).date().isoformat()


def _day(number: int) -> str:
    return (_START - timedelta(days=number % 365)).date().isoformat()
