"""Any order and any repetition of a patient's inputs give the same store."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core.messages import Outcome
from gateway.simulation.faults import PERFECT
from gateway.simulation.play import events, one_stay
from gateway.simulation.region import Region
from gateway.store.memory import MemoryStore
from tests.support.gateway import holdings, take


async def played(bodies, together=1):
    store = MemoryStore()
    await store.open()
    receipts = await take(store, *bodies, together=together)
    return receipts, await holdings(store)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 10_000),
    chance=st.randoms(use_true_random=False),
    copies=st.integers(1, 2),
    together=st.sampled_from([1, 3, 64]),
)
async def test_a_stay_with_corrections_in_any_order(seed, chance, copies, together):
    bodies = one_stay(seed)
    shuffled = bodies * copies
    chance.shuffle(shuffled)

    receipts, expected = await played(bodies)
    _, found = await played(shuffled, together)

    assert {receipt.outcome for receipt in receipts} == {Outcome.ACCEPTED}
    assert found == expected


@pytest.mark.parametrize("seed", range(3))
async def test_a_region_of_messages_letters_and_appointments_in_any_order(seed):
    bodies = [event.body for event in events(Region(seed, 12), PERFECT)]
    shuffled = [*bodies, *bodies[::3]]
    random.Random(seed).shuffle(shuffled)

    receipts, expected = await played(bodies, together=16)
    _, found = await played(shuffled, together=16)

    assert {receipt.outcome for receipt in receipts} == {Outcome.ACCEPTED}
    assert found == expected
