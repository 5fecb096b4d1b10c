"""Two lives that are merged, taken apart, renumbered and sorted out: any order, the same store."""

import random
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core.facts import Status
from gateway.core.messages import Outcome
from gateway.pipeline.dossiers import owners
from gateway.pipeline.watch import Watcher
from gateway.store.factory import open_store
from gateway.store.memory import MemoryStore
from tests.support.gateway import holdings, take
from tests.support.linked import watcher_of
from tests.support.merging import (
    INS,
    identity,
    merge,
    moved_dossier,
    pair,
    patient_id,
    renumbered,
    stay,
)
from tests.support.pipeline import START, HandClock

#: Everything that may be told; no set of it closes a circle.
LIVES = (
    identity("501", "202603010800", INS, event="A28"),
    identity("999", "202603010810", INS, event="A28", f5="ESAI^CLAIRE^CLAIRE^^^^L"),
    stay("A01", "501", "V1", "D1", "M1", "202603010820"),
    stay("A01", "999", "V2", "D2", "M2", "202603010830"),
    stay("A02", "999", "V2", "D2", "M3", "202603010840"),
    merge("501", "999", "202603011000"),
    pair("A37", "501", "999", "202603011100"),
    moved_dossier("D2", "501", "999", "202603011130"),
    merge("501", "999", "202603011200"),
    stay("A03", "999", "V2", "D2", "M4", "202603011300"),
    identity("999", "202603011310", f13="^PRN^PH^^^^^^^^^0611111111", f32="PROV"),
    renumbered("502", "501", "202603011400"),
    identity("501", "202603011500", INS, f13="^PRN^PH^^^^^^^^^0622222222"),
    pair("A24", "502", "777", "202603011600"),
    merge("777", "778", "202603011700"),
    moved_dossier("D1", "777", "502", "202603011800"),
    stay("A02", "501", "V1", "D1", "M5", "202603011900"),
)


@lru_cache
def looking() -> Watcher:
    """Return what looks at persons, with our own rules; its store is another one."""
    return watcher_of(MemoryStore(), HandClock(START + timedelta(days=60)))


async def gaps_and_facts(store, ids):
    """Return where each expectation stands, for whom, and the facts of each Patient's person."""
    await replace(looking(), store=store).drain()

    def read(tx):
        rows = tx.watch.gaps(tuple(Status), 10**6, opened_only=False)
        whose = owners(tx, {row.patient.id for row in rows})
        persons = tx.facts.persons(ids)
        facts = {
            one: sorted(fact.assertion.aid for fact in tx.facts.of_person(person))
            for one, person in persons.items()
        }
        return persons, facts, sorted((r.gap_id, r.status, whose[r.patient.id]) for r in rows)

    return await store.write(read)


async def played(store, bodies, together=1):
    """Return what a store holds after these inputs, and what follows for pathways."""
    await store.open()
    try:
        receipts = await take(store, *bodies, together=together)
        assert Outcome.REJECTED not in {receipt.outcome for receipt in receipts}
        held = await holdings(store)
        ids = [name.partition("/")[2] for name in sorted(held) if name.startswith("Patient/")]
        return held, await gaps_and_facts(store, ids)
    finally:
        await store.close()


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    told=st.sets(st.sampled_from(range(len(LIVES))), min_size=2),
    chance=st.randoms(use_true_random=False),
    copies=st.integers(1, 2),
    together=st.sampled_from([1, 2, 64]),
)
async def test_any_order_of_any_part_of_two_lives(told, chance, copies, together):
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
    found = await played(open_store(f"sqlite:///{tmp_path / 'merges.db'}"), shuffled, together=3)

    assert found == expected


async def test_all_of_it_ends_where_it_should():
    held, (persons, facts, gaps) = await played(MemoryStore(), LIVES)

    last, linked = patient_id("502"), patient_id("777")
    owners = {
        item["value"]: resource["subject"]["reference"]
        for name, resource in held.items()
        if name.startswith("Encounter/")
        for item in resource["identifier"]
    }
    assert {owners[number] for number in ("V2", "M2", "M3", "M4")} == {f"Patient/{last}"}
    assert {owners[number] for number in ("V1", "M1", "M5")} == {f"Patient/{linked}"}
    survivor = held[f"Patient/{last}"]
    assert [item["value"] for item in survivor["identifier"] if item["use"] == "old"] == [
        number for _, number in sorted((patient_id(n), n) for n in ("501", "999"))
    ]
    assert "0622222222" in str(survivor["telecom"])
    assert len(set(persons.values())) == 1
    assert len({tuple(told) for told in facts.values()}) == 1
    # The stay that ended is of the second dossier.
    assert {patient for _, _, patient in gaps} == {last}
