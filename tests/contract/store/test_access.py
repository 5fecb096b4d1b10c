"""Clients, their tokens and the assertions they used."""

import asyncio

from gateway.core.access import Client, Glass, Grant, Permit
from gateway.core.ports import Store
from tests.contract.store.builders import at

DAC = Client("dac", "DAC des Essais", "system/Task.rus", "https://dac.test/jwks")


async def test_a_client_is_kept_and_changed(store: Store) -> None:
    other = Client("a-first", "é", "system/*.rs", "", '{"keys": []}', active=False)
    for one in (DAC, other):
        await store.write(lambda tx, one=one: tx.access.put_client(one))
    changed = Client("dac", "DAC", "system/Task.r", active=False)
    before = await store.read(lambda tx: tx.access.clients())
    await store.write(lambda tx: tx.access.put_client(changed))

    assert before == [other, DAC]
    assert await store.read(lambda tx: tx.access.client("dac")) == changed
    assert await store.read(lambda tx: tx.access.client("DAC")) is None


async def test_an_assertion_is_used_once(store: Store) -> None:
    told = [
        await store.write(lambda tx, c=client, j=jti: tx.access.use_once(c, j, at(60)))
        for client, jti in (("dac", "one"), ("dac", "one"), ("dac", "two"), ("other", "one"))
    ]

    assert told == [True, False, True, True]


async def test_of_two_at_the_same_time_one_uses_it(store: Store) -> None:
    told = await asyncio.gather(
        *(store.write(lambda tx: tx.access.use_once("dac", "one", at(60))) for _ in range(8))
    )

    assert sorted(told) == [False] * 7 + [True]


async def test_tokens_are_found_by_hash_and_taken_back(store: Store) -> None:
    mine, yours = (Grant(d, c, "system/Task.r", at(300)) for d, c in (("1", "dac"), ("2", "x")))
    for one in (mine, yours):
        await store.write(lambda tx, one=one: tx.access.keep_grant(one))

    assert await store.read(lambda tx: tx.access.grant("1")) == mine
    assert await store.read(lambda tx: tx.access.grant("3")) is None
    assert await store.write(lambda tx: tx.access.drop_grants("dac")) == 1
    assert await store.read(lambda tx: tx.access.grant("1")) is None
    assert await store.read(lambda tx: tx.access.grant("2")) == yours


async def test_what_ended_is_forgotten(store: Store) -> None:
    grants = [Grant(str(n), "dac", "s", at(n)) for n in (10, 20, 30)]
    for one in grants:
        await store.write(lambda tx, one=one: tx.access.keep_grant(one))
    await store.write(lambda tx: tx.access.use_once("dac", "old", at(5)))
    await store.write(lambda tx: tx.access.use_once("dac", "new", at(50)))

    assert await store.write(lambda tx: tx.access.forget(at(20))) == 2
    kept = [await store.read(lambda tx, n=n: tx.access.grant(str(n))) for n in (10, 20, 30)]
    assert kept == [None, *grants[1:]]
    assert await store.write(lambda tx: tx.access.use_once("dac", "old", at(60)))
    assert not await store.write(lambda tx: tx.access.use_once("dac", "new", at(60)))


async def test_circles_of_people_are_kept_and_are_no_clients(store: Store) -> None:
    circle = Client("people:1", "people:1", "", territory=("H1",), organisation="H1", people=True)
    wide = Client("people:2", "people:2", "", organisation="H1", further=("H2",))
    for one in (wide, circle):
        await store.write(lambda tx, one=one: tx.access.put_circle(one))

    assert await store.read(lambda tx: tx.access.circles()) == [circle, wide]
    assert await store.read(lambda tx: tx.access.clients()) == []
    assert wide.own == {"H1", "H2"}


async def test_a_break_glass_is_kept_marks_its_person_and_ends(store: Store) -> None:
    first = Glass("g1", "899700218896", "p1", "a reason of some length", at(0), at(60))
    later = Glass("g2", "899700218896", "p2", "another reason, as long", at(30), at(90))
    for one in (first, later):
        await store.write(lambda tx, one=one: tx.access.break_glass(one))

    def live(seconds: float, *patients: str):
        return lambda tx: tx.access.glasses(patients, at(seconds))

    assert await store.read(live(59, "p1", "p3")) == [first]
    assert await store.read(live(60, "p1")) == []
    assert await store.read(live(60, "p1", "p2")) == [later]
    assert await store.read(lambda tx: tx.access.glasses_since(at(0), 9)) == [later, first]
    assert await store.read(lambda tx: tx.access.glasses_since(at(1), 9)) == [later]
    assert [m.patient for m in await store.read(lambda tx: tx.access.marks(at(0), 9))] == [
        "p1",
        "p2",
    ]


async def test_permits_of_a_person_are_found_beside_those_of_the_circle(store: Store) -> None:
    permits = [
        Permit("people:1", "p1", "handoff", "consent"),
        Permit("person:8", "p2", "handoff", "bris-de-glace", "AuditEvent/g", at(60)),
        Permit("person:9", "p3", "handoff", "bris-de-glace", "AuditEvent/h", at(60)),
    ]
    await store.write(lambda tx: tx.access.settle((), (), permits))

    def held(seconds: float, person: str = ""):
        return lambda tx: set(
            tx.access.permits("people:1", ["p1", "p2", "p3"], at(seconds), person)
        )

    assert await store.read(held(0)) == {("p1", "handoff")}
    assert await store.read(held(0, "person:8")) == {("p1", "handoff"), ("p2", "handoff")}
    assert await store.read(held(60, "person:8")) == {("p1", "handoff")}
