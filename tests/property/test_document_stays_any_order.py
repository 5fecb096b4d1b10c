"""Letters that come by themselves, stays, merges and moved dossiers: any order, the same store."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core.messages import Outcome
from gateway.store.factory import open_store
from gateway.store.memory import MemoryStore
from tests.support.gateway import holdings, take
from tests.support.merging import INS, identity, merge, moved_dossier, pair
from tests.support.staying import (
    carried,
    document_id,
    letter,
    movement,
    own_stay_id,
    stay_id,
)

_EXACT = letter("S1", "202603020900", "202603121400", planned="ECQH010")
_BY_NUMBER = letter("S3", "20260801", visit="V2", root="1.2.250.1.999.3.7")
#: Stays of one person under two numbers, and letters that fit one of them, two, or none.
LIVES = (
    identity("501", "202603010800", INS, event="A28"),
    identity("999", "202603010810", INS, event="A28"),
    movement("A01", "V1", "202603020815"),
    movement("A02", "V1", "202603040815"),
    movement("A03", "V1", "202603121500"),
    _EXACT,
    # What the first version plans the second one does not.
    letter("S1", "202603021000", "202603151400", version=2),
    letter("S2", "20260302", "20260312"),
    _BY_NUMBER,
    letter("S4", "202603020900", "202603121400", number="999"),
    letter("S5", "20260302", "20260312", finess="990000555"),
    letter("S6", "202604010900", kind="AMB"),
    movement("A04", "V2", "202603021700", care="E"),
    movement("A01", "V3", "202603030600", number="999", dossier="D9"),
    movement("A03", "V3", "202603121200", number="999", dossier="D9"),
    movement("A04", "V4", "202604010815", care="O"),
    movement("A01", "V5", "202604011200"),
    merge("501", "999", "202603131000"),
    pair("A37", "501", "999", "202603131100"),
    moved_dossier("D9", "888", "999", "202603131130"),
    carried(letter("S7", "202604021000"), "S7", "V5"),
    letter("S7", "202603020900", "202603121400", version=2),
    carried(_EXACT, "S1", "V5"),
)


async def played(store, bodies, together=1):
    """Return what a store holds after these inputs."""
    await store.open()
    try:
        receipts = await take(store, *bodies, together=together)
        assert Outcome.REJECTED not in {receipt.outcome for receipt in receipts}
        return await holdings(store)
    finally:
        await store.close()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    told=st.sets(st.sampled_from(range(len(LIVES))), min_size=2),
    chance=st.randoms(use_true_random=False),
    copies=st.integers(1, 2),
    together=st.sampled_from([1, 2, 64]),
)
async def test_any_order_of_any_part(told, chance, copies, together):
    bodies = [LIVES[number] for number in sorted(told)]
    shuffled = bodies * copies
    chance.shuffle(shuffled)

    expected = await played(MemoryStore(), bodies)
    found = await played(MemoryStore(), shuffled, together)

    assert found == expected


@pytest.mark.parametrize("seed", range(2))
async def test_any_order_on_a_database(seed, tmp_path):
    shuffled = [*LIVES, *LIVES[::2]]
    random.Random(seed).shuffle(shuffled)

    expected = await played(MemoryStore(), LIVES)
    found = await played(open_store(f"sqlite:///{tmp_path / 'stays.db'}"), shuffled, together=3)

    assert found == expected


async def test_all_of_it_ends_where_it_should():
    held = await played(MemoryStore(), LIVES)

    ends = {
        name: held[f"DocumentReference/{document_id(name)}"]["context"]["encounter"][0]["reference"]
        for name in ("S1", "S2", "S3", "S4", "S5", "S6", "S7")
    }
    assert ends == {
        # A message names the stay: nothing is guessed, whatever the dates.
        "S1": f"Encounter/{stay_id('V5')}",
        "S2": f"Encounter/{stay_id('V1')}",
        "S3": f"Encounter/{stay_id('V2')}",
        "S4": f"Encounter/{own_stay_id('S4')}",
        "S5": f"Encounter/{own_stay_id('S5')}",
        "S6": f"Encounter/{stay_id('V4')}",
        "S7": f"Encounter/{stay_id('V5')}",
    }
