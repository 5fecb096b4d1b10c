"""Contributions and claims: what is kept, what is told to have changed, in any order."""

from dataclasses import replace
from itertools import permutations

import pytest

from gateway.core.contributions import Contribution, Kind, Target
from gateway.core.ports import Store, Transaction
from tests.contract.store.builders import PATIENT, STAY, WARD, ins, says, shared

OTHER = Target("Patient", "other")


async def put(store: Store, inbox_id: int, *parts: Contribution) -> set[Target]:
    return await store.write(lambda tx: tx.contributions.replace([(inbox_id, parts)]))


async def load(store: Store, *targets: Target) -> dict[Target, list[Contribution]]:
    return await store.read(lambda tx: tx.contributions.load(targets))


async def test_a_contribution_comes_back_as_it_was_given(store: Store) -> None:
    given = replace(
        says(STAY, 5, status="finished", note=["é", {"deep": [1, 2.5, None, True]}]),
        ordinal=3,
        removals=("birthDate", "name:usual"),
        annotates=True,
        movement={"action": "CANCEL", "letters": ["S"]},
        document="d1",
    )

    changed = await put(store, 1, given)

    assert changed == {STAY}
    assert await load(store, STAY, PATIENT) == {STAY: [given]}


async def test_a_transaction_loads_what_it_has_just_written_among_what_was_there(
    store: Store,
) -> None:
    before, first, last = says(STAY, 5, status="planned"), says(STAY, 1), says(STAY, 9, note="é")
    await put(store, 1, before, says(PATIENT, 1))

    def work(tx: Transaction) -> dict[Target, list[Contribution]]:
        tx.contributions.replace([(2, [last, says(PATIENT, 2)]), (3, [first])])
        return tx.contributions.load([STAY])

    assert await store.write(work) == {STAY: [first, before, last]}
    assert await load(store, STAY) == {STAY: [first, before, last]}


async def test_what_an_input_said_before_is_not_loaded_once_it_says_otherwise(
    store: Store,
) -> None:
    def work(tx: Transaction) -> dict[Target, list[Contribution]]:
        tx.contributions.replace([(1, [says(STAY, 1, status="planned"), says(PATIENT, 1)])])
        tx.contributions.replace([(1, [says(STAY, 2, status="finished")])])
        return tx.contributions.load([STAY, PATIENT])

    assert await store.write(work) == {STAY: [says(STAY, 2, status="finished")]}


async def test_characters_no_database_keeps_are_loaded_as_they_are_kept(store: Store) -> None:
    half = says(STAY, 1, note="half \ud83d of a pair")

    def work(tx: Transaction) -> dict[Target, list[Contribution]]:
        tx.contributions.replace([(1, [half])])
        return tx.contributions.load([STAY])

    at_once = await store.write(work)

    assert at_once == await load(store, STAY)
    assert at_once[STAY][0].resource["note"] == "half \ufffd of a pair"


async def test_shared_content_comes_back_as_it_was_given(store: Store) -> None:
    given = replace(shared(WARD, 5, name="Chirurgie"), removals=("alias",), ordinal=2)

    await put(store, 1, given)

    assert await load(store, WARD) == {WARD: [given]}


async def test_each_input_adds_its_own_and_they_come_oldest_first(store: Store) -> None:
    late, early = says(PATIENT, 9, gender="female"), says(PATIENT, 1, gender="unknown")

    await put(store, 1, late)
    changed = await put(store, 2, early, says(STAY, 1))

    assert changed == {PATIENT, STAY}
    assert (await load(store, PATIENT))[PATIENT] == [early, late]


async def test_an_input_names_what_it_makes_or_adds_to(store: Store) -> None:
    binary = Target("Binary", "b")
    only_noted = replace(says(OTHER, 2), annotates=True)
    parts = (says(STAY), shared(WARD, 0, name="A"), says(PATIENT), says(STAY, 1), only_noted)
    await put(store, 7, *parts, says(binary, kind=Kind.ONCE))
    await put(store, 8, says(PATIENT, 3))
    await put(store, 9, shared(WARD, 1, name="B"))

    found = await store.read(lambda tx: tx.contributions.made_by([9, 7, 8, 7, 404]))

    assert found == {7: [STAY, PATIENT], 8: [PATIENT]}
    assert await store.read(lambda tx: tx.contributions.made_by([])) == {}


async def test_content_made_by_one_input_only_is_not_stored_here(store: Store) -> None:
    binary = Target("Binary", "b")

    assert await put(store, 1, says(binary, kind=Kind.ONCE)) == set()
    assert await load(store, binary) == {}


async def test_the_same_again_changes_nothing(store: Store) -> None:
    parts = (says(PATIENT, gender="male"), says(STAY), shared(WARD, 0, name="A"))
    await put(store, 1, *parts)

    assert await put(store, 1, *parts) == set()
    assert (await load(store, PATIENT))[PATIENT] == [parts[0]]


async def test_a_replaced_contribution_tells_who_lost_and_who_gained(store: Store) -> None:
    await put(store, 1, says(PATIENT), says(STAY, status="planned"))
    await put(store, 2, says(PATIENT, 3))

    changed = await put(store, 1, says(OTHER), says(STAY, status="planned"))

    assert changed == {PATIENT, OTHER}
    found = await load(store, PATIENT, OTHER, STAY)
    assert found[PATIENT] == [says(PATIENT, 3)]
    assert found[OTHER] == [says(OTHER)]
    assert found[STAY] == [says(STAY, status="planned")]


async def test_an_input_that_says_nothing_any_more_leaves_nothing(store: Store) -> None:
    await put(store, 1, says(PATIENT), shared(WARD, 0, name="A"))

    assert await put(store, 1) == {PATIENT, WARD}
    assert await load(store, PATIENT, WARD) == {}


async def test_several_inputs_in_one_call_are_kept_apart(store: Store) -> None:
    both = [(1, [says(PATIENT, 1)]), (2, [says(PATIENT, 2), shared(WARD, 2, name="A")])]

    changed = await store.write(lambda tx: tx.contributions.replace(both))

    assert changed == {PATIENT, WARD}
    assert (await load(store, PATIENT))[PATIENT] == [says(PATIENT, 1), says(PATIENT, 2)]


async def test_known_shared_content_is_kept_once_with_its_highest_version(store: Store) -> None:
    await put(store, 1, shared(WARD, 5, name="A", active=True))

    later = await put(store, 2, shared(WARD, 9, active=True, name="A"))
    earlier = await put(store, 3, shared(WARD, 1, name="A", active=True))

    assert (later, earlier) == (set(), set())
    assert (await load(store, WARD))[WARD] == [shared(WARD, 9, name="A", active=True)]


async def test_content_that_overtakes_another_is_told(store: Store) -> None:
    await put(store, 1, shared(WARD, 1, name="A"))
    await put(store, 2, shared(WARD, 2, name="B"))

    assert await put(store, 3, shared(WARD, 3, name="A")) == {WARD}
    assert (await load(store, WARD))[WARD] == [
        shared(WARD, 2, name="B"),
        shared(WARD, 3, name="A"),
    ]


@pytest.mark.parametrize("order", list(permutations(range(4))), ids=str)
async def test_shared_content_does_not_depend_on_the_order(
    store: Store, order: tuple[int, ...]
) -> None:
    said = [(1, "A"), (2, "B"), (3, "A"), (4, "C")]

    for n in order:
        await put(store, n + 1, shared(WARD, said[n][0], name=said[n][1]))

    assert (await load(store, WARD))[WARD] == [
        shared(WARD, 2, name="B"),
        shared(WARD, 3, name="A"),
        shared(WARD, 4, name="C"),
    ]


@pytest.mark.parametrize("order", list(permutations((1, 2, 3))), ids=str)
async def test_a_replay_of_every_input_ends_as_a_first_conversion(
    store: Store, order: tuple[int, ...]
) -> None:
    for n in (1, 2, 3):
        await put(store, n, shared(WARD, n, name="wrong"))

    for n in order:
        await put(store, n, shared(WARD, n, name="right"))

    assert (await load(store, WARD))[WARD] == [shared(WARD, 3, name="right")]


async def test_shared_content_another_input_said_survives_its_last_speaker(store: Store) -> None:
    await put(store, 1, shared(WARD, 1, name="A"))
    await put(store, 2, shared(WARD, 2, name="A"))

    changed = await put(store, 2)

    assert changed == set()
    assert (await load(store, WARD))[WARD] == [shared(WARD, 1, name="A")]


async def test_inputs_of_a_target_are_told_oldest_first(store: Store) -> None:
    await put(store, 7, says(PATIENT), shared(WARD, 9, name="A"))
    await put(store, 2, says(PATIENT), says(STAY), shared(WARD, 5, name="A"))

    ids = await store.read(
        lambda tx: [tx.contributions.inbox_ids(t) for t in (PATIENT, STAY, WARD, OTHER)]
    )

    assert ids == [[2, 7], [2], [2, 7], []]


async def test_what_is_loaded_belongs_to_the_caller(store: Store) -> None:
    await put(store, 1, says(PATIENT, name=[{"family": "MARTIN"}]))

    (await load(store, PATIENT))[PATIENT][0].resource["name"].clear()

    assert (await load(store, PATIENT))[PATIENT] == [says(PATIENT, name=[{"family": "MARTIN"}])]


@pytest.mark.field("FL-049")
async def test_odd_characters_in_content_do_the_same_in_every_store(store: Store) -> None:
    await put(store, 1, says(PATIENT, text="a\x00b\ud800\ufffe"), shared(WARD, 0, name="\ud800"))

    found = await load(store, PATIENT, WARD)

    assert found[PATIENT] == [says(PATIENT, text="a\x00b\ufffd\ufffe")]
    assert found[WARD] == [shared(WARD, 0, name="\ufffd")]


async def test_many_targets_are_locked_and_loaded_at_once(store: Store) -> None:
    targets = [Target("Patient", str(n)) for n in range(3000)]
    parts = [says(target) for target in targets]

    def work(tx):
        tx.contributions.lock(targets[:3])
        tx.contributions.lock(targets)
        tx.contributions.lock([])
        return tx.contributions.replace([(1, parts)]), tx.contributions.load(targets)

    changed, found = await store.write(work)

    assert changed == set(targets)
    assert found == {part.target: [part] for part in parts}


async def test_claims_of_one_value_are_found_together(store: Store) -> None:
    await store.write(
        lambda tx: tx.claims.replace(
            {PATIENT: [ins(PATIENT, "MARTIN|1980")], OTHER: [ins(OTHER, "DURAND|1981")]}
        )
    )

    found = await store.read(lambda tx: tx.claims.sharing([("ins", "ins-1"), ("ins", "ins-2")]))

    assert found == {("ins", "ins-1"): [ins(PATIENT, "MARTIN|1980"), ins(OTHER, "DURAND|1981")]}


async def test_claims_are_found_by_who_holds_them(store: Store) -> None:
    mine = [ins(PATIENT, "A", "ins-1"), ins(PATIENT, "A", "ins-2")]
    await store.write(lambda tx: tx.claims.replace({PATIENT: mine, OTHER: []}))

    assert await store.read(lambda tx: tx.claims.held([OTHER, PATIENT])) == {PATIENT: mine}
    assert await store.read(lambda tx: tx.claims.held([])) == {}


async def test_changed_claims_tell_the_values_they_left_and_joined(store: Store) -> None:
    async def claim(*claims):
        return await store.write(lambda tx: tx.claims.replace({PATIENT: claims}))

    assert await claim(ins(PATIENT, "A")) == {("ins", "ins-1")}
    assert await claim(ins(PATIENT, "A")) == set()
    assert await claim(ins(PATIENT, "B")) == {("ins", "ins-1")}
    assert await claim(ins(PATIENT, "B", "ins-2")) == {("ins", "ins-1"), ("ins", "ins-2")}
    assert await claim() == {("ins", "ins-2")}


async def test_no_claim_is_asked_and_none_found(store: Store) -> None:
    assert await store.write(lambda tx: tx.claims.replace({})) == set()
    assert await store.read(lambda tx: tx.claims.sharing([])) == {}
