"""What a search costs: it does not grow with the store, with statistics of the database or none."""

import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from gateway.core.contributions import Target
from gateway.core.ports import Condition, IndexEntry, NewVersion, Sort, Store, StoredResource
from gateway.store.factory import migrate, open_store
from gateway.store.sqltext import Session, Sql
from tests.contract.store.builders import NOON, at
from tests.support import postgres

#: Persons with a stay each, then twice as many.
SIZE = 1500
FEW, WINDOW, LISTED = 100, 60, 120
#: By how much a search may cost more in a store twice as large.
GROWTH = 1.25
Asked = list[tuple[Sql, tuple[Any, ...]]]
Look = Callable[[Store], Awaitable[object]]


def entry(param: str, value: str, system: str = "") -> IndexEntry:
    return IndexEntry(param, value=value, system=system)


def written(type_: str, number: int, *index: IndexEntry) -> NewVersion:
    key = (type_, f"{type_[0].lower()}{number * 7919 % 1_000_003:07d}")
    row = StoredResource(*key, 1, at(number), b"{}", False, f"{number}", Target(*key))
    return NewVersion(row, index)


def person(number: int) -> NewVersion:
    gender = "female" if number % 2 else "male"
    born = (NOON - timedelta(days=number)).isoformat()
    return written(
        "Patient", number, entry("gender", gender), IndexEntry("birthdate", low=born, high=born)
    )


def stay(number: int) -> NewVersion:
    """Return a stay of one of five persons of its day."""
    begin = NOON + timedelta(days=number // 5)
    low, high = begin.isoformat(), (begin + timedelta(hours=1)).isoformat()
    return written(
        "Encounter",
        number,
        entry("status", "finished"),
        entry("patient", f"p{number // 5}", "Patient"),
        IndexEntry("date", low=low, high=high),
    )


async def fill(store: Store, first: int) -> None:
    numbers = range(first, first + SIZE)
    rows = [made(number) for number in numbers for made in (person, stay)]
    await store.write(lambda tx: tx.resources.put(rows))


def is_(param: str, value: str, kind: str = "token") -> Condition:
    return Condition(param, kind, ((None, value),))


def page(
    type_: str,
    *conditions: Condition,
    sort: Sequence[Sort] = (),
    pages: int = 1,
    full: int = 20,
    most: int | None = FEW,
) -> Look:
    """Return a search for pages of 20, each of which must be full."""

    async def look(store: Store) -> object:
        cursor = None
        for _ in range(pages):
            found = await store.read(
                lambda tx, here=cursor: tx.resources.search(
                    type_, conditions, 20, here, sort, most=most
                )
            )
            assert len(found.resources) == full
            cursor = found.next_cursor
        return found

    return look


def exported(*conditions: Condition) -> Look:
    async def look(store: Store) -> object:
        rows = await store.read(lambda tx: tx.resources.listed("Patient", conditions, "", 30))
        assert len(rows) == 30
        return rows

    return look


DAY = (NOON + timedelta(days=9)).replace(hour=0)
ON_A_DAY = Condition(
    "date", "date", (("eq", DAY.isoformat(), (DAY + timedelta(days=1)).isoformat()),)
)
WOMEN, FINISHED = is_("gender", "female"), is_("status", "finished")
NEWEST = (Sort("_lastUpdated", "date", descending=True),)
OF_ONE = Condition("patient", "reference", (("Patient", "p9"),))
LOOKS = {
    "newest women": page("Patient", WOMEN),
    "newest women, by name of the order": page("Patient", WOMEN, sort=NEWEST),
    "newest women, third page": page("Patient", WOMEN, pages=3),
    "who is not a man": page(
        "Patient", Condition("gender", "token", ((None, "male"),), negated=True)
    ),
    "stays of a day": page("Encounter", ON_A_DAY, FINISHED, full=5),
    "stays of a person by date": page(
        "Encounter", OF_ONE, FINISHED, sort=[Sort("date", "date")], full=5
    ),
    "an export of women": exported(WOMEN),
}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"_FEW": FEW, "_WINDOW": WINDOW, "_LISTED": LISTED}.items():
        monkeypatch.setattr(f"gateway.store.searching.{name}", value)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    """Give the queries that are run from now on."""
    found: Asked = []
    rows = Session.rows

    def noted(self: Session, sql: Sql, parameters: tuple[Any, ...] = ()) -> Sequence[Any]:
        found.append((sql, parameters))
        return rows(self, sql, parameters)

    monkeypatch.setattr(Session, "rows", noted)
    return found


def cost(url: str, asked: Asked) -> int:
    """Return what queries cost: steps of SQLite, rows that PostgreSQL touches."""
    if url.startswith("sqlite"):
        return _steps(url, asked)
    with psycopg.connect(url) as connection:
        plans = [
            connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql.text}", given).fetchone()[0]
            for sql, given in asked
        ]
    return sum(_rows(plan[0]["Plan"]) for plan in plans)


def _steps(url: str, asked: Asked) -> int:
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1

    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        connection.set_progress_handler(step, 1)
        for sql, given in asked:
            connection.execute(sql.text, given).fetchall()
    return steps


def _rows(plan: dict[str, Any]) -> int:
    removed = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
    own = int((plan["Actual Rows"] + removed) * plan["Actual Loops"])
    return own + sum(_rows(part) for part in plan.get("Plans", ()))


async def costs(url: str, asked: Asked, looks: dict[str, Look]) -> dict[str, int]:
    """Return the cost of each look by its name, on a store that was just opened."""
    store = open_store(url, timeout_s=20)
    await store.open()
    found = {}
    for name, look in looks.items():
        asked.clear()
        await look(store)
        found[name] = cost(url, asked)
    await store.close()
    return found


async def filled(url: str, first: int) -> None:
    store = open_store(url, timeout_s=60)
    await store.open()
    await fill(store, first)
    await store.close()


async def test_no_search_costs_more_in_a_store_twice_as_large(
    durable_url: str, asked: Asked
) -> None:
    found = []
    for first in (0, SIZE):
        await filled(durable_url, first)
        if durable_url.startswith("postgresql"):
            with psycopg.connect(durable_url, autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")
        found.append(await costs(durable_url, asked, LOOKS))

    before, after = found
    assert {name for name in LOOKS if after[name] > before[name] * GROWTH} == set(), found


@pytest.fixture
def unknown_url(postgresql_server: str) -> Iterator[str]:
    """Give the address of a new database, of whose tables no statistics are ever made."""
    with postgres.database(postgresql_server) as url:
        migrate(url)
        with psycopg.connect(url, autocommit=True) as connection:
            for table in ("resource", "index_entry"):
                connection.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
        yield url


async def test_without_statistics_nothing_is_read_anew_for_each_row(
    unknown_url: str, asked: Asked
) -> None:
    known = Condition("gender", "token", missing=False)
    every = {
        **LOOKS,
        "an export of all": exported(known),
        "women by birth": page("Patient", WOMEN, known, sort=[Sort("birthdate", "date")]),
        "women, counted": page("Patient", WOMEN, most=None),
    }
    await filled(unknown_url, 0)

    found = await costs(unknown_url, asked, every)

    # Each row a few times at most; a walk through all of them for each would be SIZE times that.
    assert {name for name, rows in found.items() if rows > 20 * SIZE} == set(), found
