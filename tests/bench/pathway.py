"""(6) From a message to the ledger that knows it, with a region's expectations in the store."""

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from urllib.request import urlopen
from uuid import UUID

from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.dialects import sqlite

from gateway.core.contributions import Target
from gateway.core.facts import ExpectationRow, Status
from gateway.entry import wiring
from gateway.entry.settings import Settings, StoreSettings
from gateway.store.codec import instant_text
from gateway.store.tables import TABLES
from gateway.store.watchcodec import expectation_columns
from gateway.store.watchrules import Watch
from tests.bench import inputs, load, servers
from tests.bench.figures import Report, cpu_seconds, resident_mb

_RATE, _SECONDS = 200, 30
_PER_PERSON = 4
_BATCH = 20_000
_METRIC = "relais_pathway_latency_seconds"


def latency(report: Report, runs: int, expectations: int) -> None:
    """Send movements at a steady rate to stores with few and with many expectations."""
    bodies = inputs.movements(_RATE * _SECONDS)
    for _ in range(runs):
        for live in sorted({0, expectations}):
            _one(report, f"pathway {live:,} expectations", bodies, live)
    report.table(f"Message to ledger, {_RATE} messages/s over {_SECONDS} s", "pathway")


def _one(report: Report, name: str, bodies: list[bytes], live: int) -> None:
    with servers.relais(prepare=partial(_fill, live=live)) as server:
        before = cpu_seconds(server.pid)
        found = load.pace(server.port, bodies, _RATE)
        waited = _until_looked(server.http_port)
        after, memory = cpu_seconds(server.pid), resident_mb(server.pid)
        buckets = _buckets(server.http_port)
    report.add(f"{name} messages", "1/s", found.messages / found.seconds)
    report.add(f"{name} ACK p50", "ms", 1e3 * found.p50)
    report.add(f"{name} ACK p99", "ms", 1e3 * found.p99)
    for share in (0.5, 0.99):
        report.add(f"{name} ledger p{share * 100:.0f} at most", "ms", 1e3 * _bound(buckets, share))
    if before is not None and after is not None:
        report.add(f"{name} CPU a message", "ms", 1e3 * (after - before) / found.messages)
    if memory is not None:
        report.add(f"{name} memory after", "MB", memory)
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


def _fill(path: Path, live: int) -> None:
    """Make the tables, then put pending expectations of other persons into them."""
    asyncio.run(_tables(path))
    if not live:
        return
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA synchronous=OFF")
        rows = _expectations(live)
        while batch := list(islice(rows, _BATCH)):
            _insert(database, "expectation", batch)
        persons = (
            (_uuid(n), *Watch(wake=instant_text(_due(n)), looked_until=instant_text(_START)))
            for n in range(0, live, _PER_PERSON)
        )
        while batch := list(islice(persons, _BATCH)):
            _insert(database, "watched", batch)
        _insert(database, "tally", [("TRX-01", Status.PENDING.value, live)])
        database.execute("ANALYZE")


async def _tables(path: Path) -> None:
    store = wiring.build_store(Settings(store=StoreSettings(url=f"sqlite:///{path}")))
    await store.open()
    await store.close()


def _insert(database: sqlite3.Connection, table: str, rows: list[tuple[object, ...]]) -> None:
    statement = str(TABLES[table].insert().compile(dialect=sqlite.dialect()))
    database.executemany(statement, rows)


_START = datetime.now(UTC).replace(microsecond=0)


def _due(number: int) -> datetime:
    """Return a deadline within the next three months: nothing is due while we measure."""
    return _START + timedelta(days=2, seconds=number % (90 * 86_400))


def _uuid(number: int) -> str:
    return str(UUID(int=(number * 0x9E3779B97F4A7C15F39CC0605CEDC835) % 2**128))


def _expectations(live: int) -> Iterator[tuple[object, ...]]:
    pattern = ExpectationRow(
        gap_id="",
        x="0" * 32,
        person_id="",
        patient=Target("Patient", ""),
        rule="TRX-01",
        rule_version=1,
        severity="critical",
        status=Status.PENDING,
        trigger="ENC.DISCHARGE:990002008#V00000001",
        anchor=_START,
        deadline=_START,
        theta=_START,
        evidence=("ENC.DISCHARGE:990002008#V00000001",),
        details={"estab": "990002008", "destination": "SMR"},
    )
    for number in range(live):
        person, due = _uuid(number - number % _PER_PERSON), _due(number)
        row = replace(
            pattern,
            gap_id=f"{number:032x}",
            person_id=person,
            patient=Target("Patient", person),
            deadline=due,
            theta=due,
        )
        yield tuple(expectation_columns(row))
