"""An A47 that names its patient by a former INS alone finds the record, whatever comes first."""

from datetime import timedelta

import pytest

from gateway.core.messages import Outcome
from gateway.pipeline.dossiers import owners
from tests.support.gateway import take
from tests.support.merged import kept, links, numbers, opened, record, same_in_any_order, subjects
from tests.support.merging import (
    INS,
    OTHER_INS,
    cx,
    identity,
    merge,
    patient_id,
    stay,
    told,
)
from tests.support.pipeline import START
from tests.unit.hl7v2.compose import PID, with_field

NOTHING = '""^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS'
DAY = timedelta(days=1)
OLD, NEW = "279035121518989", "280049999900166"
#: Another hospital knows the same person.
THERE = identity("P9", "202603010830", INS).replace(b"990000001", b"990000002")


def by_ins(said: str, given_up: str, at: str = "202603011000", **fields: str) -> bytes:
    """Return an A47 without local number, by the application whose site table has its FINESS."""
    pid = with_field(with_field(PID, 3, said), 18, "")
    for name, value in fields.items():
        pid = with_field(pid, int(name[1:]), value)
    return told("A47", at, pid, f"MRG|{given_up}", sender="DEMO-GAM")


def official(patient: dict) -> list[str]:
    return [item["value"] for item in patient["identifier"] if item["use"] == "official"]


async def test_a_new_matricule_takes_the_place_of_the_one_it_is_found_by():
    found = await same_in_any_order(
        identity("80", "202603010800", INS), by_ins(OTHER_INS, INS), THERE
    )

    assert official(record(found, "80")) == [NEW]
    assert OLD not in str(record(found, "80"))
    patients = [one for name, one in found.items() if name.startswith("Patient/")]
    assert len(patients) == 2
    assert [official(one) for one in patients if one["id"] != patient_id("80")] == [[OLD]]
    assert "patient-spoken-of" not in str(found)


@pytest.mark.field("FL-124")
@pytest.mark.parametrize("status", ["VALI", "PROV"])
async def test_an_ins_is_taken_from_who_bears_it_in_that_hospital(status):
    found = await same_in_any_order(
        identity("80", "202603010800", INS), by_ins(NOTHING, INS, f32=status), THERE
    )

    patient = record(found, "80")
    assert OLD not in str(patient)
    assert patient["meta"]["profile"][0].endswith("fr-core-patient")
    assert status in str(patient["extension"])
    assert sum(OLD in str(one) for name, one in found.items() if name.startswith("Patient/")) == 1


async def test_an_ins_that_is_given_again_afterwards_counts():
    found = await same_in_any_order(
        identity("80", "202603010800", INS),
        by_ins(NOTHING, INS, f32="PROV"),
        identity("80", "202603011200", INS),
    )

    assert official(record(found, "80")) == [OLD]


async def test_a_record_that_is_merged_later_hands_nothing_of_a_withdrawn_ins_on():
    found = await same_in_any_order(
        identity("80", "202603010800", INS),
        by_ins(NOTHING, INS, f32="PROV"),
        merge("81", "80", "202603011100"),
    )

    assert OLD not in str(found)
    assert links(record(found, "80")) == [("replaced-by", f"Patient/{patient_id('81')}")]


async def test_the_ins_takes_the_place_of_a_local_number_that_is_given_up():
    stayed = stay("A01", "80", "V1", "D1", "M1", "202603010820")

    found = await same_in_any_order(
        identity("80", "202603010800", INS), stayed, by_ins(INS, cx("80"))
    )

    [new] = [
        one
        for name, one in found.items()
        if name.startswith("Patient/") and one.get("active") is not False
    ]
    assert official(new) == [OLD]
    assert numbers(new) == [("old", "80")]
    assert record(found, "80")["active"] is False
    assert subjects(found) == {f"Patient/{new['id']}"}


async def test_the_persons_part_when_the_ins_that_joined_them_is_taken_away():
    store = await opened()
    here = patient_id("80")
    await take(store, identity("80", "202603010800", INS), THERE)
    held = await store.read(lambda tx: tx.facts.patients(tx.facts.persons([here])[here]))

    await take(store, by_ins(NOTHING, INS, f32="PROV"))

    alone = await store.read(lambda tx: tx.facts.patients(tx.facts.persons([here])[here]))
    assert len(held) == 2
    assert set(held) & set(alone) == {here}


async def test_a_word_about_an_ins_that_nobody_bears_is_kept_for_who_will():
    store = await opened()

    [receipt] = await take(store, by_ins(OTHER_INS, INS))

    assert receipt.outcome is Outcome.ACCEPTED
    assert [n for n in await kept(by_ins(OTHER_INS, INS)) if n.startswith("Patient/")] == []


async def facts_of(number: str, *bodies: bytes) -> list[str]:
    """Return the events that are told of the person of a record, in their order."""
    store = await opened()
    await take(store, *bodies)

    def read(tx):
        person = tx.facts.persons([patient_id(number)])[patient_id(number)]
        return [one.assertion.event for one in tx.facts.of_person(person)]

    return sorted(await store.read(read))


async def looked_at(*bodies: bytes) -> set[str]:
    """Return the persons who are to be looked at."""
    store = await opened()
    await take(store, *bodies)
    return set(await store.write(lambda tx: tx.watch.claim_due(START + 400 * DAY, 100)))


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0), (1, 2, 0)])
async def test_what_the_word_asserts_is_about_who_bears_the_ins(order):
    said = (identity("80", "202603010800", INS), by_ins(NOTHING, INS, f32="PROV"), THERE)
    alone = await facts_of("80", said[0])

    together = await facts_of("80", *(said[number] for number in order))

    assert together == sorted([*alone, "PAT.INS_KO"])


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_a_gap_that_follows_from_the_word_names_the_record(order):
    said = (identity("80", "202603010800", INS), by_ins(NOTHING, INS, f32="PROV"))
    store = await opened()
    await take(store, *(said[number] for number in order))
    here = patient_id("80")

    def read(tx):
        members = tx.facts.patients(tx.facts.persons([here])[here])
        return len(members), set(owners(tx, members).values())

    assert await store.read(read) == (2, {here})


async def test_a_word_that_two_records_heard_is_about_neither():
    twice = (identity("80", "202603010800", INS), identity("81", "202603010801", INS))

    assert "PAT.INS_KO" not in await facts_of("80", *twice, by_ins(NOTHING, INS, f32="PROV"))


async def test_nobody_is_looked_at_for_a_word_that_nobody_heard():
    record_ = identity("80", "202603010800", INS)
    word = by_ins(NOTHING, INS, f32="DOUB")

    assert await looked_at(word) == set()
    assert await looked_at(word, record_) == await looked_at(record_, word) != set()
