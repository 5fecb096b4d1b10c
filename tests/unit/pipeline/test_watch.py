"""Looks at persons: from messages to the ledger, and what one broken person does to others."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.core.errors import FatalError
from gateway.core.facts import Status
from gateway.core.issues import Issue, Severity
from gateway.entry.settings import load
from gateway.entry.wiring import build_watcher
from gateway.mapping.loader import load_mappings
from gateway.pipeline import watch
from gateway.pipeline.commit import commit
from gateway.simulation.faults import PERFECT
from gateway.simulation.play import events
from gateway.simulation.region import Region
from gateway.store.memory import MemoryStore
from tests.support.gateway import converter, message
from tests.support.pipeline import RULES, HandClock

END = datetime(2027, 6, 1, tzinfo=UTC)


async def played(slices=1, size=7, drains=1):
    """Play a region; look after each message that many times; return the store."""
    store, clock = MemoryStore(), HandClock(datetime(2026, 1, 1, tzinfo=UTC))
    await store.open()
    watcher = build_watcher(load(), store, clock, load_mappings())
    made = converter()
    for number, event in enumerate(events(Region("watch", size), PERFECT)):
        clock.instant = max(clock.instant, event.at)
        item = made.prepare(made.open(message(event.body)))
        await store.write(lambda tx, item=item: commit(tx, [item], clock.now(), RULES))
        if number % slices == 0:
            for _ in range(drains):
                await watcher.drain()
    clock.instant = END
    await watcher.drain()
    return store


async def ledger(store):
    lines = [line for _, line in await store.read(lambda tx: tx.watch.ledger(0, 10**6))]
    return sorted(lines, key=lambda line: (line.instant, line.cause == "timer", line.gap_id))


async def standing(store):
    rows = await store.read(lambda tx: tx.watch.gaps(tuple(Status), 10**6, opened_only=False))
    return {row.gap_id: (row.status, row.deadline, row.closer) for row in rows}


async def test_the_ledger_does_not_depend_on_when_one_looks():
    often = await ledger(await played())
    once = await ledger(await played(slices=10**6))

    assert often
    assert often == once


async def test_a_gap_becomes_a_detected_issue_and_a_task_that_say_why():
    store = await played()

    rows = await store.read(lambda tx: tx.watch.gaps(tuple(Status), 100))
    counts = await store.read(lambda tx: tx.resources.counts())

    assert len(rows) >= 2
    assert counts["DetectedIssue"] == len(rows)
    assert counts["Task"] >= len(rows)


async def test_one_person_the_engine_cannot_look_at_stalls_nobody(monkeypatch):
    broken = []
    honest = watch.look

    def look(tx, person_id, *rest):
        if not broken:
            broken.append(person_id)
        if person_id in broken:
            issue = Issue("RLS-PTH-000", Severity.FATAL, "state", "it broke.", "Report it.")
            raise FatalError([issue])
        return honest(tx, person_id, *rest)

    monkeypatch.setattr(watch, "look", look)

    store = await played()

    assert await standing(store)
    assert len(broken) == 1


@pytest.mark.parametrize("lag", [timedelta(0), timedelta(seconds=1)], ids=str)
async def test_a_look_behind_the_clock_sees_what_was_stored_before(lag):
    store, clock = MemoryStore(), HandClock(END)
    await store.open()
    watcher = build_watcher(load(), store, clock, load_mappings())
    settings = watch.WatchSettings(watcher.settings.tenant, lag=lag)
    behind = watch.Watcher(store, watcher.rules, watcher.ids, clock, settings)
    await store.write(lambda tx: tx.watch.touch({"p": END - timedelta(seconds=2)}))

    assert await behind.step() == 1
