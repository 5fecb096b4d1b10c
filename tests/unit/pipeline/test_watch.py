"""Looks at persons: from messages to the ledger, and what one broken person does to others."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.core.errors import FatalError, RetriableError
from gateway.core.facts import Status
from gateway.core.issues import Issue, Severity
from gateway.entry.settings import load
from gateway.entry.wiring import build_watcher
from gateway.mapping.loader import load_mappings
from gateway.pipeline import watch
from gateway.pipeline.commit import commit
from gateway.simulation.faults import PERFECT, all_faults
from gateway.simulation.play import events
from gateway.simulation.region import Region
from gateway.store.memory import MemoryStore
from tests.conftest import ROOT
from tests.support.gateway import converter, message, take
from tests.support.linked import feed, linked_region
from tests.support.pipeline import RULES, START, HandClock
from tests.unit.hl7v2.compose import admission

END = datetime(2027, 6, 1, tzinfo=UTC)
FAULTS = all_faults(90)
RETURN = ROOT / "fixtures/hl7v2/adt_a53_cancelled_return"
#: The messages of that case, and the day, hour and minute each is received (UTC).
LEAVE = {
    "1_a01.er7": (2, 7, 30), "2_a21.er7": (6, 15, 5), "3_a22.er7": (7, 8, 10),
    "4_a53.er7": (7, 8, 30),
}  # fmt: skip
#: Back in the morning, hours before the return is due.
EARLIER = {
    b"20260307181000": b"20260307091000",
    b"20260307180500": b"20260307090500",
    b"20260307190000": b"20260307093000",
}


async def played(slices=1, size=7, drains=1, transport=PERFECT):
    """Play a region; look after each message that many times; return the store."""
    store, clock = MemoryStore(), HandClock(datetime(2026, 1, 1, tzinfo=UTC))
    await store.open()
    watcher = build_watcher(load(), store, clock, load_mappings())
    made = converter()
    for number, event in enumerate(events(Region("watch", size), transport)):
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


def every(tx):
    return tx.watch.gaps(tuple(Status), 10**6, opened_only=False)


async def standing(store):
    rows = await store.read(every)
    return {row.gap_id: (row.status, row.deadline, row.closer) for row in rows}


async def test_the_ledger_does_not_depend_on_when_one_looks():
    often = await ledger(await played())
    once = await ledger(await played(slices=10**6))

    assert often
    assert often == once


@pytest.mark.parametrize("slices", [2, 7])
async def test_the_ledger_does_not_depend_on_how_seldom_one_looks(slices):
    often = await ledger(await played(transport=FAULTS))
    seldom = await ledger(await played(slices, transport=FAULTS))

    assert often == seldom


@pytest.mark.parametrize("looks", [{1, 2, 3, 4}, {2, 4}], ids=["often", "seldom"])
async def test_a_return_that_is_cancelled_before_anybody_looked_is_in_the_ledger(looks):
    store, clock = MemoryStore(), HandClock(START)
    await store.open()
    watcher, made = build_watcher(load(), store, clock, load_mappings()), converter()
    for number, (name, at) in enumerate(LEAVE.items(), 1):
        clock.instant = datetime(2026, 3, *at, tzinfo=UTC)
        body = (RETURN / name).read_bytes()
        for late, early in EARLIER.items():
            body = body.replace(late, early)
        item = made.prepare(made.open(message(body)))
        await store.write(lambda tx, item=item: commit(tx, [item], clock.now(), RULES))
        if number in looks:
            await watcher.drain()

    told = [(one.from_status, one.to_status) for one in await ledger(store) if one.rule == "ORI-08"]
    waiting = await store.write(lambda tx: tx.watch.claim_due(clock.now(), 9))

    # The state is as it was before both; the way there is told all the same.
    assert told == [
        (None, Status.PENDING),
        (Status.PENDING, Status.MET),
        (Status.MET, Status.PENDING),
    ]
    assert waiting == []


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


async def test_what_was_received_after_a_look_behind_the_clock_is_looked_at_later():
    store, clock = MemoryStore(), HandClock(START)
    await store.open()
    watcher = build_watcher(load(), store, clock, load_mappings())
    settings = watch.WatchSettings(watcher.settings.tenant, lag=timedelta(seconds=2))
    behind = watch.Watcher(store, watcher.rules, watcher.ids, clock, settings)
    await take(store, admission())
    [person] = await store.write(lambda tx: tx.watch.claim_due(START, 9))
    # A timer before the receipt, and no look yet at what is received.
    await store.write(lambda tx: tx.watch.save(person, (), (), START - timedelta(days=1), None))
    await store.write(lambda tx: tx.watch.touch({person: START - timedelta(seconds=3)}))

    early = await behind.step()
    clock.advance(seconds=2)
    late = await behind.step()

    assert (early, late) == (1, 1)


async def test_a_clock_that_is_behind_writes_nothing_over():
    store, clock = MemoryStore(), HandClock(END)
    await store.open()
    watcher = build_watcher(load(), store, clock, load_mappings())
    for one in linked_region("behind", 3, PERFECT):
        await feed(store, [one])
    await watcher.drain()
    written = await ledger(store)
    persons = {row.person_id for row in await store.read(every)}

    clock.instant = datetime(2026, 2, 1, tzinfo=UTC)
    await store.write(lambda tx: tx.watch.touch(dict.fromkeys(persons, clock.now())))
    assert await watcher.drain() >= len(persons)

    assert await ledger(store) == written


async def test_a_person_in_an_impossible_state_stalls_nobody():
    store, clock = MemoryStore(), HandClock(END)
    await store.open()
    watcher = build_watcher(load(), store, clock, load_mappings())
    honest, broken = watch.look, []

    def look(tx, person_id, *rest):
        if person_id == "elsewhere":
            broken.append(person_id)
            raise RetriableError([Issue("RLS-PTH-092", Severity.ERROR, "look", "it is.", "Wait.")])
        return honest(tx, person_id, *rest)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(watch, "look", look)
        await store.write(lambda tx: tx.watch.touch(dict.fromkeys(["a", "elsewhere", "z"], END)))
        taken = await watcher.step()
    waiting = await store.write(lambda tx: tx.watch.claim_due(END, 9))

    assert (taken, waiting) == (3, [])
    assert len(broken) == 2
