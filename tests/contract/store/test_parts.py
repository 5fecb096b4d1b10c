"""Facts that are held under a part of a dossier: nothing is different until the part moves."""

from dataclasses import replace

from gateway.core.contributions import Target
from gateway.core.facts import Status, dossier_part
from gateway.core.pathway_ports import Move
from gateway.core.ports import Store
from tests.contract.store.builders import at
from tests.contract.store.watch_builders import ANNA, BRUNO, asserts, expects, ledger, save, turns

PART = dossier_part(ANNA, "d25")
CLARA = "clara"


async def set_apart(store: Store, *aids: str, part: str = PART) -> None:
    await store.write(lambda tx: tx.facts.set_apart(part, ANNA, aids))


async def told(store: Store, person: str) -> dict[str, str]:
    """Return the holder of each assertion of a person."""
    found = await store.read(lambda tx: tx.facts.of_person(person))
    return {one.assertion.aid: one.assertion.patient.id for one in found if one.assertion.patient}


async def test_facts_set_apart_stay_with_the_person_and_go_with_their_part(store: Store) -> None:
    said = [asserts("a1"), asserts("a2"), asserts("b1", BRUNO)]
    await store.write(lambda tx: tx.facts.replace([(1, at(0), said), (2, at(1), said[:1])]))

    await set_apart(store, "a1")
    before = await told(store, ANNA)
    await store.write(lambda tx: tx.facts.link({PART: BRUNO}, at(60)))

    assert before == {"a1": PART, "a2": ANNA}
    assert await told(store, ANNA) == {"a2": ANNA}
    assert await told(store, BRUNO) == {"a1": PART, "b1": BRUNO}
    moves = await store.read(lambda tx: tx.facts.moves([PART]))
    assert moves == [Move(at(60), PART, ANNA, BRUNO)]


async def test_a_part_has_the_moves_its_patient_made_before(store: Store) -> None:
    await store.write(lambda tx: tx.facts.link({ANNA: CLARA}, at(10)))

    await set_apart(store)
    await store.write(lambda tx: tx.facts.link({ANNA: ANNA}, at(20)))

    assert await store.read(lambda tx: tx.facts.moves([PART])) == [Move(at(10), PART, ANNA, CLARA)]
    assert await store.read(lambda tx: tx.facts.persons([ANNA, PART])) == {ANNA: ANNA, PART: CLARA}
    assert await store.read(lambda tx: tx.facts.patients(CLARA)) == [PART, CLARA]


async def test_parts_are_found_by_the_patient_they_were_told_under(store: Store) -> None:
    other = dossier_part(ANNA, "d25", 2)
    await set_apart(store)
    await set_apart(store, part=other)
    await store.write(lambda tx: tx.facts.link({f"{ANNA}0": CLARA}, at(1)))

    assert await store.read(lambda tx: tx.facts.parts([ANNA, BRUNO])) == [PART, other]
    assert await store.read(lambda tx: tx.facts.parts([BRUNO])) == []


async def test_expectations_set_apart_change_their_holder_without_a_line(store: Store) -> None:
    row = expects("g1", Status.PENDING)
    await save(store, [row], [turns("g1", Status.PENDING)], until=5)
    apart = replace(row, patient=Target("Patient", PART))

    await set_apart(store)
    await store.write(lambda tx: tx.watch.set_apart(PART, ANNA, [apart]))

    assert await store.read(lambda tx: tx.watch.gap("g1")) == apart
    assert await store.read(lambda tx: tx.watch.expectations(ANNA)) == [apart]
    assert await store.read(lambda tx: tx.watch.looked_until(PART)) == at(5)
    assert len(await ledger(store)) == 1


async def test_a_part_that_was_looked_at_keeps_its_own_instant(store: Store) -> None:
    await save(store, [], [], until=5)
    await set_apart(store)
    await store.write(lambda tx: tx.watch.set_apart(PART, ANNA, []))
    await store.write(lambda tx: tx.watch.save(PART, (), (), at(9), None))

    await store.write(lambda tx: tx.watch.set_apart(PART, ANNA, []))

    assert await store.read(lambda tx: tx.watch.looked_until(PART)) == at(9)
    assert await store.read(lambda tx: tx.watch.looked_until(ANNA)) == at(5)
