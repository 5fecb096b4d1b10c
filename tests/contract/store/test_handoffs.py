"""Counts of handoffs: kept as expectations change, the same as counted anew, in every store."""

import asyncio
import random
import sqlite3
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from gateway.core.contributions import Target
from gateway.core.facts import ExpectationRow, Status, feed_subject
from gateway.core.handoffs import COUNTED, DELAYS_H, Cell, Chosen
from gateway.core.ports import Store
from gateway.store.factory import migrate, open_store
from gateway.store.handoffcodec import week_of
from gateway.store.migrate import KNOWN
from gateway.store.watchcodec import ExpectationColumns, expectation_columns
from tests.contract.store.builders import NOON, at
from tests.contract.store.watch_builders import expects, save, turns

HOUR = timedelta(hours=1)
#: A Monday, and the one behind the weeks that are looked at.
MONDAY = week_of(NOON)
EVERY = Chosen(MONDAY - timedelta(weeks=9), MONDAY + timedelta(weeks=9))
PLACE = {"estab": "690000010", "sector": "mco", "destination": "smr"}
CELL = Cell("TRX-01", "690000010", "mco", "smr")


def ends(
    gap_id: str, status: Status, after_h: float | None = None, **more: object
) -> ExpectationRow:
    """Return an expectation in a state; what was done happened so many hours after its anchor."""
    details: dict[str, object] = {**PLACE, **dict(more.pop("details", {}))}  # type: ignore[call-overload]
    if after_h is not None:
        details["happened_at"] = (NOON + after_h * HOUR).isoformat()
    return expects(gap_id, status, details=details, **more)


async def put(store: Store, *rows: ExpectationRow) -> None:
    """Save expectations as looks do, from the state they have."""
    for row in rows:
        before = await store.read(lambda tx, row=row: tx.watch.gap(row.gap_id))
        if before is not None and before.status is row.status:
            await save(store, [row], [], person=row.person_id)
            continue
        was = before.status if before else None
        line = turns(row.gap_id, row.status, was, episode=row.episode)
        await save(store, [row], [line], person=row.person_id)


async def counts(store: Store, chosen: Chosen = EVERY):
    return await store.read(lambda tx: tx.watch.handoffs.by_cell(chosen))


async def test_what_waits_is_in_no_number(store: Store) -> None:
    await put(
        store, ends("g1", Status.PENDING), ends("g2", Status.UNCONFIRMED),
        ends("g3", Status.CANCELLED), ends("g4", Status.VOID), ends("g5", Status.PAUSED),
    )  # fmt: skip

    assert await counts(store) == {}


async def test_each_handoff_counts_by_how_it_ended(store: Store) -> None:
    await put(
        store,
        ends("g1", Status.MET, 3),
        ends("g2", Status.MET, 0.5, opened_at=at(9000)),
        ends("g3", Status.MET_LATE, 30),
        ends("g4", Status.OVERDUE),
        ends("g5", Status.MOOT),
    )

    found = await counts(store)

    assert set(found) == {CELL}
    one = found[CELL]
    assert (one.on_time, one.told_late, one.late, one.open, one.moot) == (2, 1, 1, 1, 1)
    assert (one.total, one.broken) == (5, 3)
    told = {DELAYS_H[place] for place, count in enumerate(one.delays) if count}
    assert told == {1, 4, 36}


@pytest.mark.parametrize("hours", [-48, 0, 1, 1.01, 504, 505])
async def test_a_delay_is_in_the_class_that_ends_with_it(store: Store, hours: float) -> None:
    await put(store, ends("g1", Status.MET, hours))

    [one] = (await counts(store)).values()
    place = one.delays.index(1)

    assert place == len(DELAYS_H) or hours <= DELAYS_H[place]
    assert place == 0 or hours > DELAYS_H[place - 1]


async def test_a_gap_that_proves_told_late_leaves_the_broken_ones(store: Store) -> None:
    gap = ends("g1", Status.OVERDUE)
    await put(store, gap)
    assert (await counts(store))[CELL].open == 1

    await put(store, replace(ends("g1", Status.MET, 1), opened_at=gap.opened_at))

    one = (await counts(store))[CELL]
    assert (one.open, one.on_time, one.told_late, one.broken) == (0, 1, 1, 0)


async def test_what_proves_void_is_gone_from_the_counts_and_behind_them(store: Store) -> None:
    await put(store, ends("g1", Status.OVERDUE), ends("g2", Status.OVERDUE))
    await put(store, replace(ends("g1", Status.VOID), opened_at=at(7200)))

    assert (await counts(store))[CELL].total == 1
    rows = await store.read(
        lambda tx: tx.watch.handoffs.gaps(EVERY, [Status.OVERDUE], None, "", 99)
    )
    assert [row.gap_id for row in rows] == ["g2"]


async def test_a_handoff_that_moves_to_another_week_moves_in_the_counts(store: Store) -> None:
    await put(store, ends("g1", Status.OVERDUE))
    await put(store, ends("g1", Status.OVERDUE, anchor=NOON - timedelta(weeks=1)))

    found = await store.read(lambda tx: tx.watch.handoffs.by_week(EVERY))

    told = {week: one.total for week, one in found.items() if one.total}
    assert told == {MONDAY - timedelta(weeks=1): 1}


async def test_the_week_is_that_of_paris(store: Store) -> None:
    # Sunday 23:30 in Paris is 22:30 UTC in winter; half an hour later it is Monday there.
    sunday = NOON.replace(year=2026, month=1, day=4, hour=22, minute=30)
    await put(
        store, ends("g1", Status.OVERDUE, anchor=sunday),
        ends("g2", Status.OVERDUE, anchor=sunday + HOUR),
    )  # fmt: skip
    wide = Chosen(date(2025, 12, 1), date(2026, 2, 2))

    found = await store.read(lambda tx: tx.watch.handoffs.by_week(wide))
    slots = await store.read(lambda tx: tx.watch.handoffs.slots(wide))

    assert set(found) == {date(2025, 12, 29), date(2026, 1, 5)}
    assert slots == {6 * 24 + 23: 1, 0: 1}


async def test_gaps_of_feeds_are_no_handoffs(store: Store) -> None:
    subject = Target("Patient", feed_subject("690000010:ADT"))
    await put(store, ends("g1", Status.OVERDUE, patient=subject))

    assert await counts(store) == {}


async def test_filters_and_the_perimeter_choose(store: Store) -> None:
    await put(
        store,
        ends("g1", Status.OVERDUE),
        ends("g2", Status.OVERDUE, rule="TRX-08", details={"estab": "690000020"}),
        ends("g3", Status.MET, 1, details={"estab": "380000030"}),
        ends("g4", Status.OVERDUE, details={"estab": ""}),
    )

    async def estabs(**more: object) -> set[str]:
        chosen = replace(EVERY, **more)  # type: ignore[arg-type]
        found = await store.read(lambda tx: tx.watch.handoffs.by_estab(chosen))
        cells = await counts(store, chosen)
        assert {cell.estab for cell in cells} == set(found)
        return set(found)

    assert await estabs() == {"690000010", "690000020", "380000030", ""}
    assert await estabs(rule="TRX-08") == {"690000020"}
    assert await estabs(estab="690000010") == {"690000010"}
    assert await estabs(area="69") == {"690000010", "690000020"}
    assert await estabs(within=frozenset({"380000030", "690000020"})) == {
        "380000030", "690000020",
    }  # fmt: skip
    assert await estabs(within=frozenset()) == set()
    assert await estabs(since=MONDAY + timedelta(weeks=1)) == set()
    assert await store.read(lambda tx: tx.watch.handoffs.estabs()) == [
        "380000030", "690000010", "690000020",
    ]  # fmt: skip


async def test_what_a_person_settled_it_for_stays_when_the_engine_writes_again(
    store: Store,
) -> None:
    await put(store, ends("g1", Status.OVERDUE), ends("g2", Status.OVERDUE))
    await store.write(lambda tx: tx.watch.handoffs.judge("g1", "false-alarm"))
    await store.write(lambda tx: tx.watch.handoffs.judge("none", "false-alarm"))
    await put(store, ends("g1", Status.OVERDUE, deadline=at(3700)))

    assert await store.read(lambda tx: tx.watch.handoffs.judged(EVERY)) == {
        ("TRX-01", Status.OVERDUE, "false-alarm"): 1,
        ("TRX-01", Status.OVERDUE, ""): 1,
    }

    await store.write(lambda tx: tx.watch.handoffs.judge("g1", ""))
    assert await store.read(lambda tx: tx.watch.handoffs.judged(EVERY)) == {
        ("TRX-01", Status.OVERDUE, ""): 2
    }


async def test_gaps_come_by_pages_and_by_hour_of_the_week(store: Store) -> None:
    rows = [
        ends(f"g{n}", Status.OVERDUE, anchor=NOON + (n % 2) * HOUR, deadline=None) for n in range(7)
    ]
    await put(store, *rows)

    def page(after: str, slot: int | None = None):
        return store.read(
            lambda tx: tx.watch.handoffs.gaps(EVERY, [Status.OVERDUE], slot, after, 3)
        )

    first = await page("")
    assert [gap.gap_id for gap in first] == ["g0", "g1", "g2"]
    assert [gap.gap_id for gap in await page("g2")] == ["g3", "g4", "g5"]
    assert [gap.gap_id for gap in await page("", first[1].slot)] == ["g1", "g3", "g5"]
    assert (first[0].cell, first[0].deadline, first[0].anchor) == (CELL, None, NOON)


async def test_open_handoffs_are_counted_by_their_wait_and_by_their_age(store: Store) -> None:
    now = NOON + 50 * HOUR
    await put(
        store,
        ends("g1", Status.OVERDUE, anchor=now, deadline=None),
        ends("g2", Status.OVERDUE, anchor=now - HOUR, deadline=now - HOUR),
        ends("g3", Status.OVERDUE, anchor=now - HOUR - timedelta(microseconds=1), deadline=now),
        ends("g4", Status.OVERDUE, anchor=now + HOUR, deadline=now - 3 * HOUR),
        ends("g5", Status.OVERDUE, anchor=now - timedelta(days=30), deadline=now - 2 * HOUR),
        ends("g6", Status.MET_LATE, 50.0, anchor=now - HOUR, deadline=now - HOUR),
        ends(
            "g7", Status.OVERDUE, anchor=now - 3 * HOUR, deadline=now - 9 * HOUR,
            details={"estab": "380000030"},
        ),
    )  # fmt: skip

    waits = await store.read(lambda tx: tx.watch.handoffs.waits(EVERY, now))
    ages = await store.read(lambda tx: tx.watch.handoffs.ages(EVERY, [now - HOUR, now - 2 * HOUR]))
    here = replace(EVERY, within=frozenset({"380000030"}))
    within = await store.read(lambda tx: tx.watch.handoffs.waits(here, now))

    place = {hours: DELAYS_H.index(hours) for hours in (0, 1, 2, 4)}
    other = CELL._replace(estab="380000030")
    # By the upper end of their class, and behind the last; what begins later waits for nothing.
    assert {cell: dict(enumerate(counts)) for cell, counts in waits.items()} == {
        CELL: dict.fromkeys(range(len(DELAYS_H) + 1), 0)
        | {place[0]: 2, place[1]: 1, place[2]: 1, len(DELAYS_H): 1},
        other: dict.fromkeys(range(len(DELAYS_H) + 1), 0) | {place[4]: 1},
    }
    assert ages == {CELL.estab: (2, 1, 1), "380000030": (0, 0, 1)}
    assert set(within) == {other}


async def test_the_counts_are_those_of_the_rows_after_any_changes(store: Store) -> None:
    chance, rows = random.Random(7), dict[str, ExpectationRow]()
    for number in range(150):
        gap_id, status = f"g{chance.randrange(25)}", chance.choice(list(Status))
        after = (
            chance.choice([None, 1.0, 50.0]) if status in (Status.MET, Status.MET_LATE) else None
        )
        rows[gap_id] = ends(
            gap_id, status, after, anchor=NOON - timedelta(days=chance.randrange(20)),
            opened_at=at(7200) if status is Status.OVERDUE or chance.random() < 0.5 else None,
            details={"estab": chance.choice(["690000010", "380000030"])}, episode=number + 1,
        )  # fmt: skip
        await put(store, rows[gap_id])

    found = await store.read(lambda tx: tx.watch.handoffs.by_rule(EVERY))
    told = {
        (gap.gap_id, gap.status)
        for gap in await store.read(
            lambda tx: tx.watch.handoffs.gaps(EVERY, list(COUNTED), None, "", 99)
        )
    }
    counted = [row for row in rows.values() if row.status in COUNTED]

    by_status = Counter(row.status for row in counted)
    [one] = found.values()
    assert (one.on_time, one.late, one.open, one.moot) == tuple(
        by_status[s] for s in (Status.MET, Status.MET_LATE, Status.OVERDUE, Status.MOOT)
    )
    assert sum(one.delays) == sum("happened_at" in row.details for row in counted)
    assert told == {
        (row.gap_id, row.status)
        for row in counted
        if row.status is not Status.MET or row.opened_at is not None
    }


async def test_what_was_judged_before_the_migration_is_counted(tmp_path: Path, monkeypatch) -> None:
    url = f"sqlite:///{tmp_path / 'old.db'}"
    with monkeypatch.context() as before:
        before.setattr("gateway.store.migrate.HEAD", KNOWN[KNOWN.index("0019") - 1])
        await asyncio.to_thread(migrate, url)
    rows = [ends("g1", Status.MET, 3), ends("g2", Status.OVERDUE), ends("g3", Status.PENDING)]
    with sqlite3.connect(tmp_path / "old.db") as database:
        marks = ", ".join("?" * len(ExpectationColumns._fields))
        told = [expectation_columns(row) for row in rows]
        database.executemany(f"INSERT INTO expectation VALUES ({marks})", told)  # noqa: S608

    await asyncio.to_thread(migrate, url)

    store = open_store(url)
    await store.open()
    found, waits = (
        await counts(store),
        await store.read(lambda tx: tx.watch.handoffs.waits(EVERY, at(7200))),
    )
    await store.close()
    assert set(found) == {CELL}
    assert (found[CELL].on_time, found[CELL].open, found[CELL].total) == (1, 1, 2)
    assert [(cell, sum(counts)) for cell, counts in waits.items()] == [(CELL, 1)]
