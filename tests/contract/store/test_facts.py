"""Facts: replaced with their input, received once, gathered by person."""

from collections.abc import Sequence
from datetime import datetime

import pytest

from gateway.core.facts import Assertion, Op, Received, Span
from gateway.core.pathway_ports import Move
from gateway.core.ports import Store
from tests.contract.store.builders import at
from tests.contract.store.watch_builders import ANNA, BRUNO, asserts

CLARA = "clara"


async def put(store: Store, inbox_id: int, seconds: float, *assertions: Assertion) -> set[str]:
    return await store.write(lambda tx: tx.facts.replace([(inbox_id, at(seconds), assertions)]))


async def of(store: Store, person_id: str) -> list[Received]:
    return await store.read(lambda tx: tx.facts.of_person(person_id))


def receipts(found: Sequence[Received]) -> list[tuple[str, datetime, int]]:
    return [(r.assertion.aid, r.at, r.order) for r in found]


async def test_an_assertion_comes_back_as_it_was_given(store: Store) -> None:
    given = asserts(
        "a1",
        op=Op.RETRACT,
        when=Span(at(0.25), at(86400)),
        sent_at=at(-3),
        attributes={"mode": "8", "days": 3, "risk": [True, 1.5], "services": ["é", "𝄞"]},
        flags=("tz-ambiguous", "imprecise"),
    )

    changed = await put(store, 7, 1.000001, given)

    assert changed == {ANNA}
    assert await of(store, ANNA) == [Received(given, at(1.000001), 7)]
    assert await of(store, BRUNO) == []


@pytest.mark.field("FL-307")
async def test_what_an_input_says_again_keeps_its_first_receipt_and_is_not_told(
    store: Store,
) -> None:
    await put(store, 1, 0, asserts("a1"), asserts("a2"))

    again = await put(store, 1, 500, asserts("a2"), asserts("a1"))

    assert again == set()
    assert receipts(await of(store, ANNA)) == [("a1", at(0), 1), ("a2", at(0), 1)]


async def test_an_input_that_says_otherwise_is_replaced_as_a_whole(store: Store) -> None:
    await put(store, 1, 0, asserts("a1"), asserts("b1", BRUNO), asserts("kept"))

    changed = await put(store, 1, 60, asserts("kept"), asserts("a2"), asserts("f", None))

    assert changed == {ANNA, BRUNO}
    assert receipts(await of(store, ANNA)) == [("kept", at(0), 1), ("a2", at(60), 1)]
    assert await of(store, BRUNO) == []


async def test_an_assertion_with_other_content_keeps_its_receipt_and_is_told(
    store: Store,
) -> None:
    await put(store, 1, 0, asserts("a1"))

    changed = await put(store, 1, 60, asserts("a1", flags=("imprecise",)))

    [found] = await of(store, ANNA)
    assert changed == {ANNA}
    assert (found.at, found.assertion.flags) == (at(0), ("imprecise",))


async def test_an_assertion_that_moves_to_another_patient_tells_both(store: Store) -> None:
    await put(store, 1, 0, asserts("a1"))

    assert await put(store, 1, 60, asserts("a1", BRUNO)) == {ANNA, BRUNO}
    assert await of(store, ANNA) == []
    assert receipts(await of(store, BRUNO)) == [("a1", at(0), 1)]


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1)], ids=str)
async def test_what_several_inputs_say_counts_once_with_the_earliest_receipt(
    store: Store, order: tuple[int, ...]
) -> None:
    for inbox_id in order:
        await put(store, inbox_id, inbox_id * 10, asserts("same"), asserts(f"own{inbox_id}"))

    assert receipts(await of(store, ANNA)) == [
        ("own1", at(10), 1),
        ("same", at(10), 1),
        ("own2", at(20), 2),
        ("own3", at(30), 3),
    ]


async def test_when_the_first_speaker_takes_it_back_the_next_receipt_counts(store: Store) -> None:
    await put(store, 1, 10, asserts("same"))
    await put(store, 2, 20, asserts("same"))

    assert await put(store, 1, 99) == {ANNA}
    assert receipts(await of(store, ANNA)) == [("same", at(20), 2)]


async def test_equal_receipts_are_settled_by_the_inbox_id(store: Store) -> None:
    batch = [(n, at(5), [asserts(f"a{9 - n}"), asserts("same")]) for n in (3, 1, 2)]

    changed = await store.write(lambda tx: tx.facts.replace(batch))

    assert changed == {ANNA}
    assert [(aid, n) for aid, _, n in receipts(await of(store, ANNA))] == [
        ("a8", 1),
        ("same", 1),
        ("a7", 2),
        ("a6", 3),
    ]


async def test_assertions_of_feeds_are_found_by_receipt_and_belong_to_nobody(
    store: Store,
) -> None:
    for n in range(4):
        await put(store, n + 1, n * 10, asserts(f"f{n}", None), asserts(f"a{n}"))

    found = await store.read(lambda tx: tx.facts.of_feeds(at(20)))

    assert receipts(found) == [("f2", at(20), 3), ("f3", at(30), 4)]
    assert await put(store, 9, 0, asserts("f9", None)) == set()
    assert len(await of(store, ANNA)) == 4


async def test_patients_are_found_by_what_was_received_of_them_since(store: Store) -> None:
    await put(store, 1, 10, asserts("a1"), asserts("f1", None))
    await put(store, 2, 20, asserts("b1", BRUNO), asserts("b2", BRUNO))
    await put(store, 3, 30, asserts("c1", CLARA))

    def since(seconds: float, after: str = "", limit: int = 9) -> list[str]:
        return store.read(lambda tx: tx.facts.told_since(at(seconds), after, limit))

    assert await since(10) == sorted([ANNA, BRUNO, CLARA])
    assert await since(20) == sorted([BRUNO, CLARA])
    assert await since(10, after=ANNA, limit=1) == [BRUNO]
    assert await since(31) == []


async def test_a_patient_linked_to_nobody_is_its_own_person(store: Store) -> None:
    persons, patients = await store.read(
        lambda tx: (tx.facts.persons([ANNA, BRUNO]), tx.facts.patients(ANNA))
    )

    assert persons == {ANNA: ANNA, BRUNO: BRUNO}
    assert patients == [ANNA]


async def test_linked_patients_share_their_facts_and_part_again(store: Store) -> None:
    await put(store, 1, 20, asserts("a"))
    await put(store, 2, 10, asserts("b", BRUNO))

    linked = await store.write(lambda tx: tx.facts.link({ANNA: ANNA, BRUNO: ANNA}, at(30)))
    together = await of(store, ANNA)
    nobody = await of(store, BRUNO)
    members = await store.read(lambda tx: (tx.facts.patients(ANNA), tx.facts.patients(BRUNO)))
    again = await store.write(lambda tx: tx.facts.link({BRUNO: ANNA}, at(40)))
    parted = await store.write(lambda tx: tx.facts.link({BRUNO: BRUNO}, at(50)))

    assert (linked, again, parted) == ({ANNA, BRUNO}, set(), {ANNA, BRUNO})
    assert receipts(together) == [("b", at(10), 2), ("a", at(20), 1)]
    assert nobody == []
    assert members == ([ANNA, BRUNO], [])
    assert receipts(await of(store, ANNA)) == [("a", at(20), 1)]
    assert receipts(await of(store, BRUNO)) == [("b", at(10), 2)]


async def test_a_person_counts_the_patient_of_its_own_id_whether_it_is_there_or_not(
    store: Store,
) -> None:
    await store.write(lambda tx: tx.facts.link({ANNA: "zz-person", BRUNO: "zz-person"}, at(0)))

    found = await store.read(lambda tx: (tx.facts.persons([ANNA]), tx.facts.patients("zz-person")))

    assert found == ({ANNA: "zz-person"}, [ANNA, BRUNO, "zz-person"])


async def test_a_link_that_fails_leaves_everything_as_it_was(store: Store) -> None:
    await put(store, 1, 0, asserts("a"))

    def work(tx):
        tx.facts.link({BRUNO: ANNA}, at(9))
        tx.facts.replace([(1, at(9), []), (2, at(9), [asserts("b", BRUNO)])])
        raise KeyError("bug")

    with pytest.raises(KeyError):
        await store.write(work)

    assert receipts(await of(store, ANNA)) == [("a", at(0), 1)]
    assert await of(store, BRUNO) == []
    assert await store.read(lambda tx: tx.facts.patients(ANNA)) == [ANNA]
    assert await store.read(lambda tx: tx.facts.moves([BRUNO])) == []


async def test_when_patients_changed_their_person_is_remembered(store: Store) -> None:
    await store.write(lambda tx: tx.facts.link({CLARA: ANNA, BRUNO: ANNA}, at(10)))
    await store.write(lambda tx: tx.facts.link({BRUNO: ANNA, CLARA: ANNA}, at(15)))
    await store.write(lambda tx: tx.facts.link({BRUNO: BRUNO, CLARA: BRUNO}, at(20.000001)))

    of_bruno, of_clara, between, nobodys = await store.read(
        lambda tx: (
            tx.facts.moves([BRUNO]),
            tx.facts.moves([CLARA, "nobody"]),
            tx.facts.moves_between([CLARA]),
            tx.facts.moves_between(["nobody"]),
        )
    )

    assert of_bruno == [Move(at(10), BRUNO, BRUNO, ANNA), Move(at(20.000001), BRUNO, ANNA, BRUNO)]
    assert of_clara == [Move(at(10), CLARA, CLARA, ANNA), Move(at(20.000001), CLARA, ANNA, BRUNO)]
    assert between == of_clara[:1]
    assert nobodys == []
    assert await store.read(lambda tx: tx.facts.moves_between([ANNA])) == sorted(
        [*of_bruno, *of_clara]
    )


@pytest.mark.parametrize("seconds", [10, 9], ids=["same instant", "clock behind"])
async def test_a_move_is_never_before_an_earlier_one(store: Store, seconds: float) -> None:
    await store.write(lambda tx: tx.facts.link({BRUNO: ANNA}, at(10)))
    await store.write(lambda tx: tx.facts.link({BRUNO: CLARA}, at(seconds)))

    found = await store.read(lambda tx: tx.facts.moves([BRUNO]))

    assert found == [Move(at(10), BRUNO, BRUNO, CLARA)]
    assert await store.read(lambda tx: tx.facts.persons([BRUNO])) == {BRUNO: CLARA}


async def test_nothing_given_changes_nothing(store: Store) -> None:
    assert await store.write(lambda tx: tx.facts.replace([])) == set()
    assert await store.write(lambda tx: tx.facts.link({}, at(0))) == set()
    assert await store.read(lambda tx: tx.facts.persons([])) == {}
