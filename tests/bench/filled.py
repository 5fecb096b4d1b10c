"""A store that already knows a region: built once a day, copied for each run.

Rows are written to the tables straight, in the order of their keys and without the other indexes,
which are made in the end; a million expectations take about a minute. Ids are spread over the
whole range of keys, as hashes are, so that what is measured meets every page of the tables.
"""

import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from uuid import UUID

import psycopg
from sqlalchemy.dialects import sqlite

from gateway.core.contributions import Target
from gateway.core.facts import Assertion, ExpectationRow, Op, Span, Status
from gateway.store.codec import instant_text
from gateway.store.factory import migrate
from gateway.store.migrate import HEAD
from gateway.store.tables import TABLES
from gateway.store.watchcodec import assertion_columns, expectation_columns
from gateway.store.watchrules import Watch
from tests.bench.servers import WORK

_BATCH = 20_000
_FILLED = ("expectation", "watched", "assertion", "tally")
_START = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
_RULE = "TRX-01"
Row = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Size:
    """What the store holds.

    Attributes:
        patients: each is a person, with two facts and a timer.
        each: pending expectations of each.
    """

    patients: int
    each: int = 1

    @property
    def live(self) -> int:
        """Return how many expectations wait."""
        return self.patients * self.each


def kept(size: Size) -> Path:
    """Return the file that copies are made of, built when there is none of today."""
    found = WORK / f"filled-{HEAD}-{_START:%Y%m%d}-{size.patients}-{size.each}.db"
    if not found.exists():
        WORK.mkdir(exist_ok=True)
        draft = found.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        _build(draft, size)
        draft.replace(found)
    return found


def fill(path: Path, size: Size) -> None:
    """Put a store of this size at a path."""
    shutil.copyfile(kept(size), path)


def fill_postgresql(url: str, size: Size) -> None:
    """Put the same rows into a new PostgreSQL database."""
    migrate(url)
    with sqlite3.connect(kept(size)) as source, psycopg.connect(url, autocommit=True) as target:
        for table in _FILLED:
            rows = source.execute(f"SELECT * FROM {table}")  # noqa: S608 (a constant)
            names = ", ".join(TABLES[table].c.keys())
            with target.cursor().copy(f"COPY {table} ({names}) FROM STDIN") as copied:
                for row in rows:
                    copied.write_row(row)
        target.execute("ANALYZE")


def _build(path: Path, size: Size) -> None:
    migrate(f"sqlite:///{path}")
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA journal_mode=OFF")
        database.execute("PRAGMA synchronous=OFF")
        database.execute("PRAGMA cache_size=-262144")
        indexes = database.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql NOT NULL"
            " AND tbl_name IN ('assertion', 'expectation', 'watched')"
        ).fetchall()
        for name, _ in indexes:
            database.execute(f"DROP INDEX {name}")
        for table, rows in _rows(size):
            _insert(database, table, rows)
        for _, made in indexes:
            database.execute(made)
        database.execute("ANALYZE")
        database.commit()
        database.execute("PRAGMA journal_mode=WAL")


def _insert(database: sqlite3.Connection, table: str, rows: Iterable[Row]) -> None:
    statement = str(TABLES[table].insert().compile(dialect=sqlite.dialect()))
    given = iter(rows)
    while batch := list(islice(given, _BATCH)):
        database.executemany(statement, batch)


def _rows(size: Size) -> Iterator[tuple[str, Iterable[Row]]]:
    """Yield the rows of each table, in the order of its key."""
    yield "expectation", _expectations(size)
    yield (
        "watched",
        (
            (
                _patient(n, size),
                *Watch(wake=instant_text(_due(n)), looked_until=instant_text(_START)),
            )
            for n in range(size.patients)
        ),
    )
    yield "assertion", _assertions(size)
    yield "tally", [(_RULE, Status.PENDING.value, size.live)]


def _due(number: int) -> datetime:
    """Return a deadline within the next three months: nothing is due while we measure."""
    return _START + timedelta(days=3, seconds=number * 7919 % (90 * 86_400))


def _patient(number: int, size: Size) -> str:
    return str(UUID(int=number * 2**128 // size.patients))


def _expectations(size: Size) -> Iterator[Row]:
    pattern = ExpectationRow(
        gap_id="",
        x="0" * 64,
        person_id="",
        patient=Target("Patient", ""),
        rule=_RULE,
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
    for number in range(size.live):
        person, due = _patient(number // size.each, size), _due(number // size.each)
        row = replace(
            pattern,
            gap_id=f"{number * 2**256 // size.live:064x}",
            person_id=person,
            patient=Target("Patient", person),
            deadline=due,
            theta=due,
        )
        yield tuple(expectation_columns(row))


def _assertions(size: Size) -> Iterator[Row]:
    """Yield an admission and a discharge of each; inputs yet to come have other numbers."""
    stay = timedelta(days=4)
    for number in range(size.patients):
        for place, event in enumerate(("ENC.ADMIT", "ENC.DISCHARGE")):
            at = _START - stay * (2 - place)
            said = Assertion(
                aid=f"{number:032x}{place}",
                event=event,
                key=f"{event}:990002008#V{number:08d}",
                op=Op.ASSERT,
                revision=instant_text(at),
                when=Span(at, at),
                sent_at=at,
                patient=Target("Patient", _patient(number, size)),
                source="990002008:ADT",
                attributes={"estab": "990002008", "visit": f"V{number:08d}", "unit": "0110"},
            )
            yield tuple(assertion_columns(number - size.patients, at, said))
