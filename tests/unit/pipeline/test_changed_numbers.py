"""Changed numbers, changed INS and moved dossiers, whatever comes first."""

from pathlib import Path

import pytest

from gateway.simulation.faults import PERFECT
from gateway.simulation.play import events
from gateway.simulation.region import Region
from tests.support.merged import (
    numbers,
    record,
    same_in_any_order,
    subjects,
)
from tests.support.merging import (
    INS,
    OTHER_INS,
    identity,
    merge,
    moved_dossier,
    patient_id,
    pid,
    renumbered,
    stay,
    told,
)

PHONE = {"f13": "^PRN^PH^^^^^^^^^0611111111"}


# --- change of number and of INS ------------------------------------------------------------


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


# --- dossiers -------------------------------------------------------------------------------


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


# --- everything that points to a patient --------------------------------------------------------

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures" / "hl7v2"


@pytest.mark.field("FL-133")
@pytest.mark.parametrize(
    "case",
    [
        "siu_s12_follow_up_booked",
        "orm_o01_new_order_of_psychology",
        "ref_i12_referral_to_rehabilitation",
        "adt_a01_opposition_to_the_national_record",
    ],
)
async def test_nothing_but_the_record_itself_points_to_an_old_number(case):
    body = (FIXTURES / case / "input.er7").read_bytes()

    await assert_nothing_points_to_the_old_number(body)


@pytest.mark.field("FL-133")
async def test_a_letter_under_an_old_number_is_of_the_new_record():
    played = events(Region("letters-38", 1), PERFECT)
    [body, *_] = [one.body for one in played if one.label.message.startswith("MDM")]

    await assert_nothing_points_to_the_old_number(body)


async def assert_nothing_points_to_the_old_number(body: bytes) -> None:
    """Change the number of the patient of a message, before and after it."""
    found = await same_in_any_order(body, renumbered_patient_of(body))

    patients = {name: held for name, held in found.items() if name.startswith("Patient/")}
    [left] = [name for name, held in patients.items() if held.get("active") is False]
    pointing = {name for name, held in found.items() if left in str(held) and name != left}
    # What one input made whole stays as it was told; the new record names the one it replaces.
    kinds = {name.partition("/")[0] for name in pointing}
    assert kinds - {"Binary"} == {"Provenance", "Patient"}
    assert len(found) > len(patients) + len(pointing)


def renumbered_patient_of(body: bytes) -> bytes:
    """Return an A47 of the sender of a message that gives its patient another number."""
    lines = {line[:3]: line.split(b"|") for line in body.split(b"\r") if line}
    header, patient = lines[b"MSH"], lines[b"PID"]
    header[6:12] = [b"20300101080000", b"", b"ADT^A47^ADT_A30", b"A47NEW", header[10], b"2.5"]
    old, *more = patient[3].split(b"~")
    patient[3] = b"~".join([b"P7777^" + old.partition(b"^")[2], *more])
    segments = [b"|".join(header), b"EVN||20300101080000", b"|".join(patient), b"MRG|" + old]
    return b"\r".join([*segments, b""])
