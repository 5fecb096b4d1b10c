"""(6) From a message to the ledger that knows it, with a region's expectations in the store."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.bench import filled, inputs, load, servers
from tests.bench.figures import Report, cpu_seconds, resident_mb
from tests.support import postgres

_RATE = 200
_METRIC = "relais_pathway_latency_seconds"
#: The process with the doors and the one that looks; on SQLite they are one.
Pair = tuple[servers.Server, servers.Server]
Start = Callable[[], AbstractContextManager[Pair]]


def latency(report: Report, runs: int, expectations: int, seconds: int = 30) -> None:
    """Send movements at a steady rate to stores with few and with many expectations."""
    bodies = inputs.movements(_RATE * seconds * (runs + 1))
    with ExitStack() as stack:
        starts: dict[str, Start] = {
            f"pathway sqlite {live:,}": partial(_on_sqlite, live)
            for live in sorted({1, expectations})
        }
        try:
            url = stack.enter_context(_postgresql(expectations))
            starts[f"pathway postgresql {expectations:,}"] = partial(servers.roles, url)
        except (pytest.skip.Exception, servers.UnavailableError) as why:
            report.note(f"pathway postgresql: not measured: {why}")
        for run in range(runs):
            part = bodies[run * _RATE * seconds :][: _RATE * seconds]
            for name, start in starts.items():
                _one(report, name, start, part)
    report.table(f"Message to ledger, {_RATE} messages/s over {seconds} s", "pathway")


@contextmanager
def _on_sqlite(live: int) -> Iterator[Pair]:
    with servers.relais(prepare=partial(filled.fill, size=filled.Size(live))) as server:
        yield server, server


@contextmanager
def _postgresql(live: int) -> Iterator[str]:
    with postgres.server() as address, postgres.database(address) as url:
        filled.fill_postgresql(url, filled.Size(live))
        yield url


def _one(report: Report, name: str, start: Start, bodies: Sequence[bytes]) -> None:
    with start() as (doors, worker):
        processes = sorted({doors.pid, worker.pid})
        before = [cpu_seconds(pid) for pid in processes]
        found = load.pace(doors.port, bodies, _RATE)
        waited = _until_looked(worker.http_port)
        after = [cpu_seconds(pid) for pid in processes]
        memory = [resident_mb(pid) for pid in processes]
        buckets = _buckets(worker.http_port)
    report.add(f"{name} messages", "1/s", found.messages / found.seconds)
    report.add(f"{name} ACK p50", "ms", 1e3 * found.p50)
    report.add(f"{name} ACK p99", "ms", 1e3 * found.p99)
    for share in (0.5, 0.99, 1.0):
        report.add(f"{name} ledger p{share * 100:.0f} at most", "ms", 1e3 * _bound(buckets, share))
    used = zip(("doors", "worker") if len(processes) > 1 else ("all",), before, after, memory,
               strict=True)  # fmt: skip
    for role, start_s, end_s, held in used:
        if start_s is not None and end_s is not None:
            each = 1e3 * (end_s - start_s) / found.messages
            report.add(f"{name} CPU a message, {role}", "ms", each)
        if held is not None:
            report.add(f"{name} memory after, {role}", "MB", held)
    report.note(f"{name}: {buckets[-1][1]:.0f} inputs in the ledger, the last {waited:.1f} s after")
    if set(found.codes) != {"AA"}:
        report.note(f"{name}: acknowledgements {found.codes}: not a fair figure")


def _until_looked(port: int) -> float:
    """Wait until the number of inputs the ledger knows stands still; return the seconds."""
    start, last, since = time.monotonic(), -1.0, time.monotonic()
    while time.monotonic() - since < 2:
        known = _buckets(port)[-1][1]
        if known != last:
            last, since = known, time.monotonic()
        time.sleep(0.2)
    return since - start


def _buckets(port: int) -> list[tuple[float, float]]:
    """Return (upper bound in seconds, inputs up to it) of the latency."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return [
        (float(sample.labels["le"]), sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == f"{_METRIC}_bucket"
    ]


def _bound(buckets: list[tuple[float, float]], share: float) -> float:
    """Return the upper bound of the bucket that holds a quantile."""
    wanted = share * buckets[-1][1]
    return next(bound for bound, count in buckets if count >= wanted)
