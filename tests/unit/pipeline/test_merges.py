"""Merges, changes of number, links and moved dossiers, whatever comes first."""

from itertools import permutations

import pytest

from gateway.core.errors import RejectedError
from gateway.core.messages import Outcome
from gateway.store.memory import MemoryStore
from tests.support.gateway import holdings, take
from tests.support.merging import (
    DOMAIN,
    INS,
    OTHER_INS,
    cx,
    identity,
    merge,
    moved_dossier,
    pair,
    patient_id,
    pid,
    renumbered,
    stay,
    told,
)

PHONE = {"f13": "^PRN^PH^^^^^^^^^0611111111"}


async def opened() -> MemoryStore:
    store = MemoryStore()
    await store.open()
    return store


async def kept(*bodies: bytes) -> dict[str, dict]:
    """Return what a store holds after these inputs, all accepted."""
    store = await opened()
    receipts = await take(store, *bodies)
    assert [receipt.issues for receipt in receipts if receipt.outcome is Outcome.REJECTED] == []
    return await holdings(store)


async def same_in_any_order(*bodies: bytes) -> dict[str, dict]:
    """Return what a store holds after these inputs in each of their orders."""
    expected = await kept(*bodies)
    for order in list(permutations(bodies))[1:]:
        assert await kept(*order) == expected
    return expected


def links(patient: dict) -> list[tuple[str, str]]:
    return [(link["type"], link["other"]["reference"]) for link in patient.get("link", ())]


def numbers(patient: dict) -> list[tuple[str, str]]:
    """Return use and value of the local numbers."""
    return [(i["use"], i["value"]) for i in patient["identifier"] if i["system"] == DOMAIN]


def record(found: dict[str, dict], number: str) -> dict:
    return found[f"Patient/{patient_id(number)}"]


def subjects(found: dict[str, dict]) -> set[str]:
    """Return whom stays and dossiers are about."""
    about = [r["subject"] for n, r in found.items() if n.startswith(("Encounter/", "Account/"))]
    return {
        one["reference"] for item in about for one in (item if isinstance(item, list) else [item])
    }


# --- merge ------------------------------------------------------------------------------------


async def test_the_record_that_goes_stays_to_be_read_and_the_other_shows_its_number():
    found = await same_in_any_order(
        identity("501", "202603010800"),
        identity("999", "202603010900", f5="ESAI^CLAIRE^CLAIRE^^^^L"),
        merge("501", "999", "202603011000"),
    )

    gone, stays = record(found, "999"), record(found, "501")
    assert gone["active"] is False
    assert links(gone) == [("replaced-by", f"Patient/{stays['id']}")]
    assert numbers(gone) == [("old", "999")]
    assert gone["name"][0]["family"] == "ESAI"
    assert links(stays) == [("replaces", f"Patient/{gone['id']}")]
    assert numbers(stays) == [("usual", "501"), ("old", "999")]
    assert stays["name"][0]["family"] == "ESSAI"
    assert "active" not in stays


async def test_stays_and_dossiers_of_the_record_that_goes_point_to_the_other():
    found = await same_in_any_order(
        stay("A01", "999", "V1", "D1", "M1", "202603010800"),
        identity("501", "202603010900"),
        merge("501", "999", "202603011000"),
        stay("A02", "999", "V1", "D1", "M2", "202603011100"),
    )

    assert subjects(found) == {f"Patient/{patient_id('501')}"}
    assert record(found, "999")["active"] is False


@pytest.mark.field("FL-111")
async def test_a_merge_of_somebody_unknown_serves_what_comes_later():
    found = await same_in_any_order(
        merge("501", "999", "202603011000"),
        stay("A02", "999", "V1", "D1", "M2", "202603011100"),
    )

    assert subjects(found) == {f"Patient/{patient_id('501')}"}
    assert links(record(found, "999")) == [("replaced-by", f"Patient/{patient_id('501')}")]


@pytest.mark.field("FL-110")
async def test_an_update_under_a_merged_number_wakes_nobody_and_reaches_the_survivor():
    found = await same_in_any_order(
        identity("501", "202603010800"),
        merge("501", "999", "202603011000"),
        identity("999", "202603011100", f5="ESAI^CLARA^CLARA^^^^L", f32="PROV", **PHONE),
    )

    gone, stays = record(found, "999"), record(found, "501")
    assert gone["active"] is False
    assert links(gone) == [("replaced-by", f"Patient/{stays['id']}")]
    assert "0611111111" in str(stays["telecom"])
    # Who somebody is, the number that stays tells.
    assert stays["name"][0]["family"] == "ESSAI"
    assert "VALI" in str(stays["extension"])


@pytest.mark.field("FL-108")
@pytest.mark.parametrize(
    "authority", [f"CHU-DEMO&{DOMAIN[-9:]}&M", "CHU-DEMO"], ids=["same form", "its bare name"]
)
async def test_a_patient_is_not_merged_with_itself(authority):
    store = await opened()
    merged = f"MRG|{cx('501', authority=authority)}"
    body = told("A40", "202603011000", pid("501"), merged, sender="DEMO-GAM")

    [receipt] = await take(store, body)

    assert receipt.outcome is Outcome.REJECTED
    assert [(i.code, i.where, i.hl7_code) for i in receipt.issues] == [
        ("RLS-INS-011", "MRG-1", 205)
    ]
    assert await holdings(store) == {}


@pytest.mark.field("FL-109")
async def test_the_reverse_of_a_merge_is_refused_and_one_record_stays():
    store = await opened()
    await take(store, merge("501", "999", "202603011000"))

    with pytest.raises(RejectedError) as refused:
        await take(store, merge("999", "501", "202603011100"))

    [issue] = refused.value.issues
    assert (issue.code, issue.where, issue.hl7_code) == ("RLS-INS-010", "MRG-1", 205)
    found = await holdings(store, "Patient")
    assert [p["active"] for p in found.values() if "active" in p] == [False]


@pytest.mark.field("FL-109")
async def test_a_circle_of_three_merges_is_refused():
    store = await opened()
    await take(store, merge("B", "A", "202603011000"), merge("C", "B", "202603011100"))

    with pytest.raises(RejectedError) as refused:
        await take(store, merge("A", "C", "202603011200"))

    assert refused.value.issues[0].code == "RLS-INS-010"


async def test_a_chain_of_merges_ends_at_the_last():
    found = await same_in_any_order(
        stay("A01", "A", "V1", "D1", "M1", "202603010800"),
        merge("B", "A", "202603011000"),
        merge("C", "B", "202603011100"),
        stay("A02", "A", "V1", "D1", "M2", "202603011200"),
    )

    last = f"Patient/{patient_id('C')}"
    assert subjects(found) == {last}
    assert links(record(found, "A")) == links(record(found, "B")) == [("replaced-by", last)]
    assert set(numbers(record(found, "C"))) == {
        ("usual", "C"), ("old", "A"), ("old", "B"),
    }  # fmt: skip


@pytest.mark.field("FL-054")
async def test_of_two_numbers_given_up_the_one_of_our_authority_counts():
    foreign = cx("7702", authority="LABO-Z&1.2.250.1.999.7&ISO")
    merged = f"MRG|{foreign}~{cx('999')}"

    found = await kept(told("A40", "202603011000", pid("501"), merged))

    patients = [name for name in found if name.startswith("Patient/")]
    assert sorted(patients) == sorted(f"Patient/{patient_id(n)}" for n in ("501", "999"))


async def test_a_merge_across_authorities_is_refused():
    store = await opened()
    foreign = cx("7702", authority="LABO-Z&1.2.250.1.999.7&ISO")

    [receipt] = await take(store, told("A40", "202603011000", pid("501"), f"MRG|{foreign}"))

    assert [(i.code, i.where, i.hl7_code) for i in receipt.issues] == [
        ("RLS-INS-012", "MRG-1", 204)
    ]


@pytest.mark.field("FL-130")
async def test_a_separation_takes_a_merge_back_with_all_that_followed():
    before = (
        identity("501", "202603010800"),
        stay("A01", "999", "V1", "D1", "M1", "202603010900"),
    )
    never_merged = await kept(*before)

    found = await same_in_any_order(
        *before,
        merge("501", "999", "202603011000"),
        pair("A37", "501", "999", "202603011100"),
    )

    apart = f"Patient/{patient_id('999')}"
    assert subjects(found) == {apart}
    for number in ("501", "999"):
        assert "active" not in record(found, number)
        assert links(record(found, number)) == []
        assert numbers(record(found, number)) == numbers(record(never_merged, number))


async def test_records_taken_apart_may_be_merged_again():
    found = await same_in_any_order(
        merge("501", "999", "202603011000"),
        pair("A37", "999", "501", "202603011100"),
        merge("501", "999", "202603011200"),
    )

    assert links(record(found, "999")) == [("replaced-by", f"Patient/{patient_id('501')}")]


async def test_the_ins_of_a_merged_record_contests_nothing():
    found = await same_in_any_order(
        identity("501", "202603010800", INS),
        identity("999", "202603010900", INS, f5="ESAI^CLAIRE^CLAIRE^^^^L"),
        merge("501", "999", "202603011000"),
    )

    stays = record(found, "501")
    assert "279035121518989" in str(stays["identifier"])
    assert "tag" not in stays["meta"]
    assert "279035121518989" not in str(record(found, "999")["identifier"])


# --- change of number and of INS ------------------------------------------------------------------


@pytest.mark.field("FL-133")
async def test_a_changed_number_takes_everything_along_and_the_old_one_still_leads_there():
    found = await same_in_any_order(
        identity("80", "202603010800", INS, **PHONE),
        renumbered("81", "80", "202603011000", f11="^^^^^^BDL^^69123"),
        stay("A02", "80", "V1", "D1", "M2", "202603011100"),
    )

    new = record(found, "81")
    assert numbers(new) == [("usual", "81"), ("old", "80")]
    assert "0611111111" in str(new["telecom"])
    assert "279035121518989" in str(new["identifier"])
    assert subjects(found) == {f"Patient/{patient_id('81')}"}
    assert record(found, "80")["active"] is False


async def test_a_new_matricule_takes_the_place_of_the_old_one():
    found = await same_in_any_order(
        identity("80", "202603010800", INS),
        told("A47", "202603011000", pid("80", OTHER_INS), f"MRG|{INS}"),
    )

    [patient] = [r for n, r in found.items() if n.startswith("Patient/")]
    shown = [i["value"] for i in patient["identifier"] if i["use"] == "official"]
    assert shown == ["280049999900166"]
    assert "279035121518989" not in str(patient)


@pytest.mark.field("FL-124")
@pytest.mark.parametrize("status", ["VALI", "PROV"])
async def test_an_ins_that_is_taken_away_is_gone_with_all_others(status):
    nia = "279035121518989^^^ASIP-SANTE-INS-NIA&1.2.250.1.213.1.4.9&ISO^INS"
    nothing = '""^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS'

    found = await same_in_any_order(
        identity("80", "202603010800", INS, nia),
        told("A47", "202603011000", pid("80", nothing, f32=status), f"MRG|{INS}"),
    )

    [patient] = [r for n, r in found.items() if n.startswith("Patient/")]
    assert "279035121518989" not in str(patient)
    assert patient["meta"]["profile"][0].endswith("fr-core-patient")
    assert status in str(patient["extension"])


# --- links --------------------------------------------------------------------------------------


async def test_linked_records_both_stay_and_know_each_other_until_they_are_taken_apart():
    bodies = [
        identity("501", "202603010800"),
        identity("502", "202603010900"),
        pair("A24", "501", "502", "202603011000"),
    ]

    linked = await same_in_any_order(*bodies)
    apart = await same_in_any_order(*bodies, pair("A37", "502", "501", "202603011100"))

    assert links(record(linked, "501")) == [("seealso", f"Patient/{patient_id('502')}")]
    assert links(record(linked, "502")) == [("seealso", f"Patient/{patient_id('501')}")]
    assert all("active" not in record(linked, number) for number in ("501", "502"))
    assert links(record(apart, "501")) == links(record(apart, "502")) == []


# --- dossiers -----------------------------------------------------------------------------------


async def test_a_moved_dossier_takes_its_stays_along():
    found = await same_in_any_order(
        stay("A01", "999", "V1", "D1", "M1", "202603010800"),
        stay("A01", "999", "V2", "D2", "M5", "202603010830"),
        moved_dossier("D1", "501", "999", "202603011000"),
        stay("A02", "999", "V1", "D1", "M2", "202603011100"),
    )

    of_visit = {
        item["value"]: r["subject"]["reference"]
        for n, r in found.items()
        if n.startswith("Encounter/")
        for item in r["identifier"]
    }
    right, wrong = f"Patient/{patient_id('501')}", f"Patient/{patient_id('999')}"
    assert of_visit == {"V1": right, "M1": right, "M2": right, "V2": wrong, "M5": wrong}
    owners = {r["identifier"][0]["value"]: r["subject"][0]["reference"]
              for n, r in found.items() if n.startswith("Account/")}  # fmt: skip
    assert owners == {"D1": right, "D2": wrong}
    assert "account-moved-from" not in str(found)


async def test_a_dossier_moved_back_is_where_it_was():
    found = await same_in_any_order(
        stay("A01", "999", "V1", "D1", "M1", "202603010800"),
        moved_dossier("D1", "501", "999", "202603011000"),
        moved_dossier("D1", "999", "501", "202603011100"),
    )

    assert subjects(found) == {f"Patient/{patient_id('999')}"}


async def test_a_dossier_moved_to_a_record_that_is_merged_follows_it():
    found = await same_in_any_order(
        stay("A01", "999", "V1", "D1", "M1", "202603010800"),
        moved_dossier("D1", "501", "999", "202603011000"),
        merge("502", "501", "202603011100"),
    )

    assert subjects(found) == {f"Patient/{patient_id('502')}"}


# --- doubts -------------------------------------------------------------------------------------


def doubts(patient: dict) -> list[str]:
    return [tag["code"] for tag in patient["meta"].get("tag", ())]


@pytest.mark.field("FL-116")
async def test_a_number_given_to_another_person_is_kept_as_sent_and_trusted_no_more():
    found = await same_in_any_order(
        identity("80", "202603010800", INS),
        identity("80", "202603020800", INS, event="A28", f5="AUTRE^PAUL^PAUL^^^^L",
                 f7="19550101", f8="M"),
    )  # fmt: skip

    patient = record(found, "80")
    assert patient["name"][0]["family"] == "AUTRE"
    assert doubts(patient) == ["identity-discontinuity"]
    assert "279035121518989" not in str(patient["identifier"])


async def test_a_corrected_name_is_no_other_person():
    found = await kept(
        identity("80", "202603010800", INS),
        identity("80", "202603020800", INS, f5="ESAI^CLAIRE^CLAIRE^^^^L", f7="19790329"),
    )

    assert doubts(record(found, "80")) == []


@pytest.mark.field("FL-127")
async def test_twins_are_reported_and_stay_two():
    found = await same_in_any_order(
        identity("501", "202603010800"),
        identity("502", "202603010900", f5="ESSAI^JULIE^JULIE^^^^L"),
    )

    for number in ("501", "502"):
        assert doubts(record(found, number)) == ["potential-duplicate"]
        assert links(record(found, number)) == []


async def test_twins_that_were_looked_at_are_reported_no_more():
    found = await same_in_any_order(
        identity("501", "202603010800"),
        identity("502", "202603010900", f5="ESSAI^JULIE^JULIE^^^^L"),
        pair("A37", "501", "502", "202603011100"),
    )

    assert [doubts(record(found, number)) for number in ("501", "502")] == [[], []]


# --- persons ------------------------------------------------------------------------------------


async def persons(*bodies: bytes) -> tuple[dict[str, str], list[str]]:
    """Return the person of each Patient, and how many moves each made."""
    store = await opened()
    await take(store, *bodies)
    ids = sorted(name.partition("/")[2] for name in await holdings(store, "Patient"))
    found = await store.read(lambda tx: tx.facts.persons(ids))
    moves = await store.read(lambda tx: tx.facts.moves(ids))
    return found, [move.patient_id for move in moves]


async def test_merged_and_linked_records_are_one_person_until_they_are_taken_apart():
    bodies = [
        identity("501", "202603010800"),
        identity("502", "202603010900"),
        identity("503", "202603010900"),
        merge("501", "502", "202603011000"),
        pair("A24", "501", "503", "202603011000"),
    ]

    joined, moves = await persons(*bodies)
    parted, _ = await persons(*bodies, pair("A37", "501", "502", "202603011100"))

    assert set(joined.values()) == {min(joined)}
    assert moves
    assert parted[patient_id("502")] == patient_id("502")
    assert parted[patient_id("501")] == parted[patient_id("503")]


@pytest.mark.field("FL-132")
async def test_a_usurped_identity_is_linked_with_nobody():
    there = identity("P9", "202603010830", INS).replace(b"990000001", b"990000002")

    joined, _ = await persons(identity("501", "202603010800", INS), there)
    parted, _ = await persons(
        identity("501", "202603010800", INS),
        there,
        identity("501", "202603011000", INS, f32="VALI~USUR"),
    )

    assert len(set(joined.values())) == 1
    assert len(set(parted.values())) == 2


async def test_a_merge_joins_two_persons_of_two_hospitals_through_their_ins():
    there = identity("P9", "202603010830", INS).replace(b"990000001", b"990000002")

    found, _ = await persons(
        there,
        identity("501", "202603010800", INS),
        identity("999", "202603010900"),
        merge("501", "999", "202603011000"),
    )

    assert len(found) == 3
    assert len(set(found.values())) == 1
