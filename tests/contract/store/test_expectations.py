"""Expectations as worklists read them, and as they follow their Patient from person to person."""

import asyncio
import threading
from dataclasses import replace
from datetime import datetime

import pytest

from gateway.core.access import Audience, Permit, Sight
from gateway.core.contributions import Target
from gateway.core.errors import RetriableError
from gateway.core.facts import Status, dossier_part, feed_subject
from gateway.core.ports import Store
from gateway.store.factory import open_store
from tests.contract.store.builders import at
from tests.contract.store.watch_builders import ANNA, BRUNO, expects, ledger, save, turns

S = Status


async def test_gaps_come_most_severe_first_then_by_deadline(store: Store) -> None:
    rows = [
        expects("minor", S.OVERDUE, severity="minor", deadline=at(0)),
        expects("late", S.OVERDUE, deadline=at(60)),
        expects("early", S.OVERDUE, deadline=at(30)),
        expects("never", S.OVERDUE, deadline=None),
        expects("twin-b", S.OVERDUE, severity="critical", deadline=at(90)),
        expects("twin-a", S.OVERDUE, severity="critical", deadline=at(90), rule="TRX-08"),
        expects("unknown", S.OVERDUE, severity="new", deadline=at(0)),
        expects("met", S.MET_LATE, severity="info", deadline=at(0)),
        expects("pending", severity="critical"),
    ]
    lines = [turns(row.gap_id, row.status, rule=row.rule) for row in rows]
    await save(store, rows, lines)

    def worst(statuses, limit=99, **more):
        return lambda tx: [row.gap_id for row in tx.watch.gaps(statuses, limit, **more)]

    overdue = ["twin-a", "twin-b", "early", "late", "never", "minor", "unknown"]
    assert await store.read(worst([S.OVERDUE])) == overdue
    assert await store.read(worst([S.OVERDUE], 3)) == overdue[:3]
    assert await store.read(worst([S.MET_LATE, S.OVERDUE, S.PENDING])) == [
        *overdue[:-1],
        "met",
        "unknown",
    ]
    assert await store.read(worst([S.OVERDUE, S.PENDING], opened_only=False)) == [
        *overdue[:2],
        "pending",
        *overdue[2:],
    ]
    assert await store.read(worst([S.OVERDUE], rule="TRX-08")) == ["twin-a"]
    assert await store.read(worst([S.PENDING], rule="TRX-01", opened_only=False)) == ["pending"]
    assert await store.read(worst([S.OVERDUE], severity="critical")) == ["twin-a", "twin-b"]
    assert await store.read(worst([S.OVERDUE], rule="TRX-08", severity="minor")) == []
    assert await store.read(worst([])) == []


async def test_expectations_are_counted_by_rule_and_state(store: Store) -> None:
    rows = [expects("g1"), expects("g2"), expects("g3", rule="ORI-06"), expects("g4", S.OVERDUE)]
    await save(store, rows, [turns(row.gap_id, row.status, rule=row.rule) for row in rows])

    counts = await store.read(lambda tx: tx.watch.counts())
    arrived = [turns("g3", S.MET, S.PENDING, 9, rule="ORI-06")]
    await save(store, [expects("g3", S.MET, rule="ORI-06"), rows[0]], arrived)

    assert counts == {
        ("TRX-01", S.PENDING): 2,
        ("TRX-01", S.OVERDUE): 1,
        ("ORI-06", S.PENDING): 1,
    }
    assert await store.read(lambda tx: tx.watch.counts()) == {
        ("TRX-01", S.PENDING): 2,
        ("TRX-01", S.OVERDUE): 1,
        ("ORI-06", S.MET): 1,
    }


async def test_expectations_follow_their_patient_to_another_person_and_back(store: Store) -> None:
    own = expects("g2", person_id=BRUNO, patient=Target("Patient", BRUNO))
    await save(store, [expects("g1")], [turns("g1", S.PENDING)], until=5)
    await save(store, [own], [turns("g2", S.PENDING)], until=8, person=BRUNO)

    def of(tx, person):
        return [r.gap_id for r in tx.watch.expectations(person)], tx.watch.looked_until(person)

    await store.write(lambda tx: tx.facts.link({BRUNO: ANNA}, at(9)))
    together = await store.read(lambda tx: of(tx, ANNA))
    left = await store.read(lambda tx: of(tx, BRUNO))
    merged = replace(own, person_id=ANNA, status=S.MET)
    line = turns("g2", S.MET, S.PENDING, 9, cause="identity")
    await save(store, [merged], [line], until=20)
    await save(store, [], [], until=20, person=BRUNO)
    await store.write(lambda tx: tx.facts.link({BRUNO: BRUNO}, at(21)))

    # Each Patient keeps the instant up to which its own expectations are written.
    assert (together, left) == ((["g1", "g2"], at(5)), ([], at(8)))
    assert await store.read(lambda tx: of(tx, ANNA)) == (["g1"], at(20))
    assert await store.read(lambda tx: of(tx, BRUNO)) == (["g2"], at(20))


async def test_a_look_that_began_before_a_link_is_run_again(postgresql_url: str) -> None:
    store = open_store(postgresql_url, timeout_s=20)
    await store.open()
    await save(store, [], [], until=5)
    await save(store, [], [], until=6, person=BRUNO)
    reads: list[datetime | None] = []
    read, linked = threading.Event(), threading.Event()

    def look(tx):
        reads.append(tx.watch.looked_until(ANNA))
        read.set()
        linked.wait(10)
        tx.watch.save(ANNA, [], [], at(9), None)

    looking = asyncio.create_task(store.write(look))
    await asyncio.to_thread(read.wait, 10)
    await store.write(lambda tx: tx.facts.link({BRUNO: ANNA}, at(7)))
    linked.set()
    await looking
    await store.close()

    assert reads == [at(5), at(5)]


async def test_a_trigger_that_moved_to_another_person_waits_for_the_one_it_left(
    store: Store,
) -> None:
    here = expects("g1", person_id=BRUNO, patient=Target("Patient", BRUNO))
    await save(store, [expects("g1")], [turns("g1", S.PENDING)])

    with pytest.raises(RetriableError, match="RLS-PTH-092"):
        await save(store, [here], [turns("g1", S.PENDING, seconds=9)], person=BRUNO)
    void = turns("g1", S.VOID, S.PENDING, 10, cause="trigger-retracted")
    await save(store, [expects("g1", S.VOID)], [void])
    await save(store, [here], [turns("g1", S.PENDING, seconds=11)], person=BRUNO)

    found = await store.read(lambda tx: (tx.watch.expectations(ANNA), tx.watch.expectations(BRUNO)))
    assert found == ([], [here])
    assert [line.to_status for line in await ledger(store)] == [S.PENDING, S.VOID, S.PENDING]


async def test_somebody_with_a_territory_is_shown_the_gaps_of_whom_they_may_see(
    store: Store,
) -> None:
    part = dossier_part(ANNA, "stay")
    whose = {"own": ANNA, "linked": "9-anna", "moved": part, "other": BRUNO}
    rows = [
        expects(gap, S.OVERDUE, patient=Target("Patient", id_), person_id=ANNA)
        for gap, id_ in {**whose, "feed": feed_subject("990000001:ADT")}.items()
    ]
    rows.append(expects("alone", S.UNCONFIRMED, patient=Target("Patient", "z/stay")))

    def prepare(tx) -> None:
        tx.facts.link({"9-anna": ANNA, part: BRUNO}, at(0))
        permits = [
            Permit("dac", ANNA, "handoff", "consent", until=at(60)),
            Permit("dac", BRUNO, "document", "consent"),
            Permit("other", BRUNO, "handoff", "consent"),
            Permit("person:8", BRUNO, "handoff", "bris-de-glace", until=at(30)),
        ]
        tx.access.settle((), (), permits)

    await save(store, rows, [turns(row.gap_id, row.status) for row in rows])
    await store.write(prepare)

    def shown(seconds: float, person: str = "", **more):
        sight = Sight("dac", True, Audience.PROFESSIONAL, at(seconds), person)
        wanted = [S.OVERDUE, S.UNCONFIRMED]
        return lambda tx: {
            row.gap_id for row in tx.watch.gaps(wanted, 99, opened_only=False, sight=sight, **more)
        }

    def counted(seconds: float):
        sight = Sight("dac", True, Audience.PROFESSIONAL, at(seconds))
        return lambda tx: tx.watch.counts_seen([S.OVERDUE, S.UNCONFIRMED], sight)

    assert await store.read(shown(0)) == {"own", "linked", "feed"}
    assert await store.read(shown(0, rule="TRX-01", severity="major")) == {"own", "linked", "feed"}
    assert await store.read(shown(0, "person:8")) == {"own", "linked", "moved", "other", "feed"}
    assert await store.read(shown(30, "person:8")) == {"own", "linked", "feed"}
    assert await store.read(shown(60)) == {"feed"}
    assert await store.read(counted(0)) == {("TRX-01", S.OVERDUE): 3}
    assert await store.read(counted(60)) == {("TRX-01", S.OVERDUE): 1}
