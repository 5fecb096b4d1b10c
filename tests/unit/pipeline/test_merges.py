"""Merges and separations, whatever comes first; what doors, replay and persons make of them."""

import asyncio

import pytest

from gateway.core.errors import RejectedError
from gateway.core.messages import Outcome
from gateway.entry.settings import load
from gateway.entry.wiring import build_receiver
from gateway.pipeline.replay import Replayer
from tests.support.gateway import converter, holdings, message, take
from tests.support.merged import (
    kept,
    links,
    numbers,
    opened,
    record,
    same_in_any_order,
    subjects,
)
from tests.support.merging import (
    DOMAIN,
    INS,
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
from tests.support.pipeline import RULES, HandClock

PHONE = {"f13": "^PRN^PH^^^^^^^^^0611111111"}


# --- merge ----------------------------------------------------------------------------------


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


@pytest.mark.field("FL-110")
async def test_a_message_that_still_uses_a_merged_number_is_flagged():
    store = await opened()
    bodies = {
        "before": identity("999", "202603010800"),
        "merge": merge("501", "999", "202603011000"),
        "late": stay("A01", "999", "V1", "D1", "M1", "202603010900"),
        "update": identity("999", "202603011100", **PHONE),
        "movement": stay("A02", "999", "V1", "D1", "M2", "202603011200"),
        "other": identity("501", "202603011300"),
        "apart": pair("A37", "501", "999", "202603011400"),
        "after": identity("999", "202603011500"),
    }

    receipts = dict(zip(bodies, await take(store, *bodies.values()), strict=True))

    flagged = {name for name, one in receipts.items() if "merged-id-used" in one.flags}
    assert flagged == {"update", "movement"}
    rows = await store.read(lambda tx: tx.inbox.page(None, 0, 20))
    kept = {row.id for row in rows if "merged-id-used" in row.flags}
    assert kept == {receipts[name].inbox_id for name in flagged}


async def test_a_merge_and_what_follows_in_one_commit_are_flagged_as_well():
    store = await opened()

    receipts = await take(
        store, identity("999", "202603011100"), merge("501", "999", "202603011000"), together=2
    )

    assert ["merged-id-used" in one.flags for one in receipts] == [True, False]


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


# --- persons --------------------------------------------------------------------------------


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


# --- doors and replay -----------------------------------------------------------------------


@pytest.mark.field("FL-109")
@pytest.mark.parametrize("together", [False, True], ids=["one by one", "in one commit"])
async def test_the_sender_of_the_reverse_merge_is_told_ae_205(together):
    store = await opened()
    receiver = build_receiver(load(), store, converter(), HandClock())
    await receiver.start()
    bodies = [merge("501", "999", "202603011000"), merge("999", "501", "202603011100")]
    try:
        if together:
            answers = await asyncio.gather(*(receiver.receive(message(b)) for b in bodies))
        else:
            answers = [await receiver.receive(message(body)) for body in bodies]
    finally:
        await receiver.stop()

    told = sorted(answer.ack.split(b"MSA|")[1][:2] for answer in answers)
    assert told == [b"AA", b"AE"]
    [refused] = [a.ack.decode() for a in answers if a.outcome is Outcome.REJECTED]
    error = refused.split("\r")[2].split("|")
    assert (error[2], error[3].partition("^")[0], error[4]) == ("MRG^1^1", "205", "E")
    rows = await store.read(lambda tx: tx.inbox.page(None, 0, 9))
    assert sorted(row.status.value for row in rows) == ["converted", "quarantined"]


async def test_a_replay_of_merges_changes_nothing():
    store = await opened()
    await take(
        store,
        stay("A01", "999", "V1", "D1", "M1", "202603010800"),
        merge("501", "999", "202603011000"),
        moved_dossier("D1", "502", "501", "202603011100"),
        renumbered("503", "502", "202603011200"),
    )
    before = await holdings(store)

    replayer = Replayer(store, converter(), HandClock(), RULES, chunk=2)
    changes = [change async for part in replayer.run() for change in part.changes]

    assert changes == []
    assert await holdings(store) == before
