"""The state of the pathway engine: timers with a lease, expectations, an append-only ledger."""

import asyncio
import threading
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gateway.core.contributions import Target
from gateway.core.errors import FatalError, RetriableError
from gateway.core.facts import ExpectationRow, LedgerLine, Status
from gateway.core.ports import Store
from gateway.store.factory import open_store
from tests.contract.store.builders import at
from tests.contract.store.watch_builders import ANNA, BRUNO, expects, ledger, save, turns

S = Status


async def touch(store: Store, persons: dict[str, float]) -> None:
    await store.write(lambda tx: tx.watch.touch({p: at(s) for p, s in persons.items()}))


async def claim(store: Store, seconds: float, limit: int = 10) -> list[str]:
    return await store.write(lambda tx: tx.watch.claim_due(at(seconds), limit))


async def opened(url: str) -> Store:
    store = open_store(url, timeout_s=20)
    await store.open()
    return store


async def test_due_persons_are_taken_earliest_first_and_no_more_than_asked(store: Store) -> None:
    await touch(store, {"p1": 30, "p2": 10, "p3": 20, "later": 31})

    first, second = await claim(store, 30, 2), await claim(store, 30)

    assert (first, second) == (["p2", "p3"], ["p1"])


async def test_the_earliest_instant_asked_for_counts(store: Store) -> None:
    await touch(store, {"p1": 30})
    await touch(store, {"p1": 90})
    await touch(store, {"p1": 20})

    assert await claim(store, 19) == []
    assert await claim(store, 20) == ["p1"]


@pytest.mark.field("FL-293")
async def test_a_person_taken_by_a_worker_that_dies_is_due_again_after_a_minute(
    store: Store,
) -> None:
    await touch(store, {"p1": 0})
    await claim(store, 5)

    assert await claim(store, 64.9) == []
    assert await claim(store, 65) == ["p1"]


async def test_a_save_ends_the_lease_and_sets_the_next_look(store: Store) -> None:
    await touch(store, {"p1": 0, "p2": 0})
    await claim(store, 5)

    await save(store, [], [], until=5, next_due=300, person="p1")
    await save(store, [], [], until=5, person="p2")

    assert await claim(store, 299) == []
    assert await claim(store, 10_000) == ["p1"]


@pytest.mark.field("FL-222")
async def test_a_message_during_a_look_is_looked_at_after_it(store: Store) -> None:
    await touch(store, {"p1": 0})
    await claim(store, 5)
    await touch(store, {"p1": 6})
    during = await claim(store, 10)

    await save(store, [], [], until=5, next_due=300, person="p1")

    assert during == []
    assert await claim(store, 10) == ["p1"]


async def test_a_look_that_fails_leaves_the_timer_as_it_was(store: Store) -> None:
    await touch(store, {"p1": 0})

    def work(tx):
        tx.watch.claim_due(at(5), 1)
        tx.watch.touch({"p2": at(0)})
        raise KeyError("bug")

    with pytest.raises(KeyError):
        await store.write(work)

    assert await claim(store, 5) == ["p1"]


async def test_two_workers_never_take_the_same_person(postgresql_url: str) -> None:
    first, second = await opened(postgresql_url), await opened(postgresql_url)
    await touch(first, {f"p{n}": n for n in range(10)})
    holding, release = threading.Event(), threading.Event()

    def hold(tx):
        taken = tx.watch.claim_due(at(60), 4)
        holding.set()
        release.wait(10)
        return taken

    held = asyncio.create_task(first.write(hold))
    await asyncio.to_thread(holding.wait, 10)
    passed = await claim(second, 60)
    release.set()
    kept = await held
    await first.close()
    await second.close()

    assert (kept, passed) == ([f"p{n}" for n in range(4)], [f"p{n}" for n in range(4, 10)])


async def test_an_expectation_comes_back_as_it_was_given(store: Store) -> None:
    given = replace(
        expects("g1", S.MET_LATE),
        closed_at=at(9000.5),
        closer="990000001|letter",
        evidence=("990000001|g1", "990000001|letter"),
        details={"flags": ["imprecise"], "late_s": 12.5, "unit": "é", "known": True},
    )
    paused = expects("g2", S.PAUSED, deadline=None, theta=None)
    lines = [turns("g1", S.MET_LATE), turns("g2", S.PAUSED)]

    await save(store, [given, paused], lines, until=9001)

    found = await store.read(
        lambda tx: (
            tx.watch.expectations(ANNA),
            tx.watch.gap("g1"),
            tx.watch.gap("none"),
            tx.watch.looked_until(ANNA),
            tx.watch.looked_until(BRUNO),
        )
    )
    assert found == ([given, paused], given, None, at(9001), None)


async def test_the_ledger_is_numbered_and_told_in_order(store: Store) -> None:
    await save(store, [expects("g1")], [turns("g1", S.PENDING)])
    await save(store, [expects("g2")], [turns("g2", S.PENDING)])
    met = turns("g1", S.MET, S.PENDING, 60.25, cause="closer")
    await save(store, [expects("g1", S.MET)], [met], until=61)

    numbered, after_two, first, history = await store.read(
        lambda tx: (
            tx.watch.ledger(0, 10),
            tx.watch.ledger(2, 10),
            tx.watch.ledger(0, 1),
            tx.watch.history("g1"),
        )
    )

    assert numbered == [
        (1, turns("g1", S.PENDING)),
        (2, turns("g2", S.PENDING)),
        (3, met),
    ]
    assert (after_two, first) == (numbered[2:], numbered[:1])
    assert history == [turns("g1", S.PENDING), met]


async def test_several_transitions_in_one_look_are_kept(store: Store) -> None:
    lines = [
        turns("g1", S.PENDING),
        turns("g1", S.OVERDUE, S.PENDING, 10),
        turns("g1", S.MET, S.OVERDUE, 20),
        turns("g1", S.OVERDUE, S.MET, 30, episode=2, cause="closer-retracted"),
    ]

    await save(store, [expects("g1", S.OVERDUE, episode=2)], lines)

    assert await ledger(store) == lines


async def test_a_gap_opens_once_for_each_episode(store: Store) -> None:
    await save(store, [expects("g1", S.OVERDUE)], [turns("g1", S.OVERDUE)])
    await save(store, [expects("g1", S.MET)], [turns("g1", S.MET, S.OVERDUE, 10)])
    before = await ledger(store)

    again = turns("g1", S.OVERDUE, S.MET, 20)
    with pytest.raises(FatalError) as caught:
        await save(store, [expects("g1", S.OVERDUE)], [again], until=20)
    unchanged = await ledger(store), await store.read(lambda tx: tx.watch.gap("g1"))
    reopened = turns("g1", S.OVERDUE, S.MET, 20, episode=2)
    await save(store, [expects("g1", S.OVERDUE, episode=2)], [reopened], until=20)

    assert (caught.value.issues[0].code, caught.value.issues[0].where) == (
        "RLS-PTH-090",
        "opening of a gap",
    )
    assert unchanged == (before, expects("g1", S.MET))
    assert await ledger(store) == [*before, reopened]


async def test_one_look_cannot_open_an_episode_twice(store: Store) -> None:
    lines = [
        turns("g1", S.OVERDUE),
        turns("g1", S.MET, S.OVERDUE, 10),
        turns("g1", S.OVERDUE, S.MET, 20),
    ]

    with pytest.raises(FatalError, match="RLS-PTH-090"):
        await save(store, [expects("g1", S.OVERDUE)], lines)

    assert await ledger(store) == []


async def test_a_look_that_starts_from_an_old_state_writes_nothing(store: Store) -> None:
    await save(store, [expects("g1")], [turns("g1", S.PENDING)], until=5)
    await save(store, [expects("g1", S.MET)], [turns("g1", S.MET, S.PENDING, 10)], until=10)

    stale = turns("g1", S.OVERDUE, S.PENDING, 11)
    with pytest.raises(RetriableError, match="RLS-PTH-091 at look at a person"):
        await save(store, [expects("g1", S.OVERDUE)], [stale], until=11)

    assert [line.to_status for line in await ledger(store)] == [S.PENDING, S.MET]
    assert await store.read(lambda tx: tx.watch.looked_until(ANNA)) == at(10)


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        ([expects("g1", S.OVERDUE)], [turns("g1", S.PENDING)]),
        ([expects("g1")], []),
        ([], [turns("g1", S.PENDING)]),
    ],
    ids=["another end", "a state without line", "a line without state"],
)
async def test_state_and_ledger_never_disagree(
    store: Store, rows: list[ExpectationRow], lines: list[LedgerLine]
) -> None:
    with pytest.raises(FatalError, match="RLS-PTH-093"):
        await save(store, rows, lines)

    assert await ledger(store) == []
    assert await store.read(lambda tx: tx.watch.expectations(ANNA)) == []


async def test_an_unchanged_expectation_may_be_among_those_saved(store: Store) -> None:
    both = [expects("g1"), expects("g2")]
    await save(store, both, [turns("g1", S.PENDING), turns("g2", S.PENDING)], until=5)
    moved = expects("g2", deadline=at(7200))

    await save(store, [both[0], moved], [], until=6)

    assert await store.read(lambda tx: tx.watch.expectations(ANNA)) == [both[0], moved]
    assert len(await ledger(store)) == 2


async def test_what_was_looked_at_stays_looked_at(store: Store) -> None:
    await save(store, [], [], until=100)
    await save(store, [], [], until=50)

    assert await store.read(lambda tx: tx.watch.looked_until(ANNA)) == at(100)


async def test_two_workers_on_one_person_write_each_transition_once(postgresql_url: str) -> None:
    """Their leases overlap: the second one reads again and finds nothing to do."""
    stores = [await opened(postgresql_url) for _ in range(2)]
    meet = threading.Barrier(2, timeout=5)
    reads: list[datetime | None] = []

    def look(tx):
        known = tx.watch.looked_until(ANNA)
        reads.append(known)
        if len(reads) <= 2:
            meet.wait()
        if known is None:
            tx.watch.save(ANNA, [expects("g1", S.OVERDUE)], [turns("g1", S.OVERDUE)], at(9), None)

    await asyncio.gather(*(store.write(look) for store in stores))
    found = await ledger(stores[0])
    for store in stores:
        await store.close()

    assert reads == [None, None, at(9)]
    assert found == [turns("g1", S.OVERDUE)]


async def test_two_workers_on_two_patients_of_one_look_write_each_transition_once(
    postgresql_url: str,
) -> None:
    """Each has taken one of two Patients that are looked at together: one of them waits."""
    stores = [await opened(postgresql_url) for _ in range(2)]
    await touch(stores[0], {ANNA: 0, BRUNO: 0})
    meet = threading.Barrier(2, timeout=5)
    taken: list[list[str]] = []

    def look(tx):
        mine = tx.watch.claim_due(at(1), 1)
        known = {name: tx.watch.looked_until(name) for name in (ANNA, BRUNO)}
        taken.append(mine)
        if len(taken) <= 2:
            meet.wait()
        lines = [] if known[ANNA] else [turns("g1", S.OVERDUE)]
        rows = [] if known[ANNA] else [expects("g1", S.OVERDUE)]
        tx.watch.save(ANNA, rows, lines, at(9), None)
        tx.watch.save(BRUNO, [], [], at(9), None)

    await asyncio.gather(*(store.write(look) for store in stores))
    found = await ledger(stores[0])
    for store in stores:
        await store.close()

    assert sorted(taken[:2]) == [[ANNA], [BRUNO]]
    assert len(taken) > 2
    assert found == [turns("g1", S.OVERDUE)]


async def test_a_reader_of_the_ledger_misses_no_line_of_two_writers(postgresql_url: str) -> None:
    stores = [await opened(postgresql_url) for _ in range(3)]
    told: list[int] = []

    async def write(store: Store, name: str) -> None:
        for n in range(25):
            gap = f"{name}{n}"
            row = expects(gap, patient=Target("Patient", gap))
            await save(store, [row], [turns(gap, S.PENDING)], person=gap)

    async def follow() -> None:
        while len(told) < 50:
            after = told[-1] if told else 0
            lines = await stores[2].read(lambda tx, after=after: tx.watch.ledger(after, 7))
            told.extend(number for number, _ in lines)

    async with asyncio.timeout(60):
        await asyncio.gather(write(stores[0], "a"), write(stores[1], "b"), follow())
    everything = await stores[2].read(lambda tx: tx.watch.ledger(0, 100))
    for store in stores:
        await store.close()

    assert told == [number for number, _ in everything]


async def test_the_last_line_of_the_ledger_is_known(store: Store) -> None:
    await save(store, [expects("g1", S.PENDING)], [turns("g1", S.PENDING)])

    last = await store.read(lambda tx: tx.watch.last_line())

    assert await store.read(lambda tx: tx.watch.ledger(last - 1, 9)) == [
        (last, turns("g1", S.PENDING))
    ]


async def test_who_sleeps_past_what_it_waits_for_is_found(store: Store) -> None:
    due, soon = at(100), at(160)
    for person, wake, status in (
        ("a-sound", at(100), S.PENDING),
        ("b-late", at(101), S.PENDING),
        ("c-none", None, S.PENDING),
        ("d-polled", soon, S.UNCONFIRMED),
        ("e-unpolled", at(161), S.UNCONFIRMED),
        ("f-settled", None, S.MET),
        ("g-grace", at(200), S.PENDING),
    ):
        row = expects(
            f"gap-{person}",
            status,
            person_id=person,
            patient=Target("Patient", person),
            deadline=at(50),
            theta={"g-grace": at(200), "f-settled": None}.get(person, due),
        )
        line = turns(row.gap_id, status)
        await store.write(
            lambda tx, row=row, line=line, wake=wake: tx.watch.save(
                row.person_id, [row], [line], at(0), wake
            )
        )
    minute = timedelta(seconds=60)

    early = await store.read(lambda tx: tx.watch.overslept(at(99), minute))
    found = await store.read(lambda tx: tx.watch.overslept(due, minute))
    await touch(store, {"b-late": 90})
    await claim(store, 90)
    leased = await store.read(lambda tx: tx.watch.overslept(due, minute))

    assert early == []
    assert found == ["b-late", "c-none", "e-unpolled"]
    assert leased == ["c-none", "e-unpolled"]
