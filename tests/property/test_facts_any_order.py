"""Any order and any repetition of a patient's inputs give the same facts and the same persons."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.pathway.facts import reduce
from gateway.simulation.faults import PERFECT
from gateway.simulation.play import events, one_stay
from gateway.simulation.region import Region
from gateway.store.memory import MemoryStore
from tests.support.gateway import holdings, take


async def told(bodies, together=1):
    """Commit inputs in this order; return persons, assertions and facts, receipts aside."""
    store = MemoryStore()
    await store.open()
    await take(store, *bodies, together=together)
    patients = [key.partition("/")[2] for key in await holdings(store, "Patient")]
    persons = await store.read(lambda tx: tx.facts.persons(patients))
    assertions, facts = {}, {}
    for person in sorted(set(persons.values())):
        received = await store.read(lambda tx, p=person: tx.facts.of_person(p))
        assertions[person] = {one.assertion.aid for one in received}
        facts[person] = {
            key: (fact.event, fact.low, fact.high, _said(fact.attributes))
            for key, fact in reduce(received).items()
        }
    return persons, assertions, facts


def _said(attributes):
    # The instant of receipt is that of the run.
    return {name: value for name, value in attributes.items() if name != "tr"}


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 10_000),
    chance=st.randoms(use_true_random=False),
    copies=st.integers(1, 2),
    together=st.sampled_from([1, 3, 64]),
)
async def test_the_facts_of_a_stay_with_corrections(seed, chance, copies, together):
    bodies = one_stay(seed)
    shuffled = bodies * copies
    chance.shuffle(shuffled)

    expected = await told(bodies)
    found = await told(shuffled, together)

    assert any(facts for facts in expected[2].values())
    assert found == expected


@pytest.mark.parametrize("seed", range(2))
async def test_the_facts_of_a_region_of_messages_letters_and_appointments(seed):
    bodies = [event.body for event in events(Region(seed, 12), PERFECT)]
    shuffled = [*bodies, *bodies[::3]]
    random.Random(seed).shuffle(shuffled)

    persons, assertions, facts = await told(bodies, together=16)

    assert await told(shuffled, together=16) == (persons, assertions, facts)
    families = {event.partition(".")[0] for own in facts.values() for event, *_ in own.values()}
    assert {"ENC", "PAT", "DOC", "DOCV", "LDL", "APPT"} <= families
    # Somebody was treated in two hospitals.
    assert len(set(persons.values())) < len(persons)
