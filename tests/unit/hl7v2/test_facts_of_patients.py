"""What messages assert about patients and their appointments."""

import pytest

from gateway.core.facts import Op
from tests.unit.hl7v2.compose import EVN, PID, admission, er7, msh, with_field
from tests.unit.hl7v2.facts import appointment, asserts, events, facts_of, instant, movement, one


def test_a_qualified_identity() -> None:
    assert ("PAT.INS_OK", Op.ASSERT) in events(admission())
    doubtful = admission(PID=f"{PID}~DOUT")
    unsaid = admission(PID=with_field(PID, 32, ""))

    assert ("PAT.INS_KO", Op.ASSERT) in events(doubtful)
    assert not {name for name, _ in events(unsaid)} & {"PAT.INS_OK", "PAT.INS_KO"}


def test_each_entry_into_a_state_of_identity_is_a_fact_of_its_own() -> None:
    first = one(admission(), "PAT.INS_OK")
    later = one(admission(EVN=with_field(EVN, 2, "20261121083000")), "PAT.INS_OK")

    assert first.key != later.key


def test_a_death_is_told_by_the_exit_mode_or_the_identity() -> None:
    discharge = movement("A03", "ZFM||9")

    assert ("PAT.DEATH", Op.ASSERT) in events(discharge)
    dead = one(admission(PID=with_field(PID, 30, "Y")), "PAT.DEATH")
    dated = one(admission(PID=with_field(with_field(PID, 30, "Y"), 29, "20261119")), "PAT.DEATH")
    assert dead.key == dated.key
    assert dated.when.low == instant(2026, 11, 18, 23)


def test_a_corrected_discharge_takes_back_the_death_it_told() -> None:
    died = one(movement("A03", "ZFM||9"), "PAT.DEATH")
    home = one(movement("A03", "ZFM||8", recorded="20261120110000"), "PAT.DEATH")
    cancelled = one(
        movement("A13", action="CANCEL", original="A03", recorded="20261120110000"), "PAT.DEATH"
    )

    assert {died.key} == {home.key, cancelled.key}
    assert facts_of([died, home]) == {}
    assert facts_of([died, cancelled]) == {}


def test_a_discharge_home_does_not_contradict_a_death_told_by_the_identity() -> None:
    dead = one(admission(PID=with_field(PID, 30, "Y")), "PAT.DEATH")
    home = one(movement("A03", "ZFM||8", recorded="20261120110000"), "PAT.DEATH")

    assert facts_of([dead, home]) == {dead.key: "PAT.DEATH"}


def test_an_identity_update_takes_back_a_death_and_a_movement_does_not() -> None:
    alive = with_field(PID, 30, "N")
    update = er7(msh("ADT^A31^ADT_A05"), EVN, alive, "PV1|1|N")

    assert ("PAT.DEATH", Op.RETRACT) in events(update)
    assert "PAT.DEATH" not in {name for name, _ in events(admission(PID=alive))}


@pytest.mark.parametrize(("said", "op"), [("IO", Op.ASSERT), ("INO", Op.RETRACT), ("NA", None)])
def test_an_opposition_to_the_national_record(said: str, op: Op | None) -> None:
    raw = admission(ZFA=f"ZFA|ACTIF||||||||{said}|20261101")

    found = {name: done for name, done in events(raw) if name == "PAT.DMP_OPPOSED"}

    assert found == ({"PAT.DMP_OPPOSED": op} if op else {})


def test_a_new_patient_takes_no_opposition_back() -> None:
    new = er7(msh("ADT^A28^ADT_A05"), EVN, PID, "PV1|1|N", "ZFA|ACTIF||||||||INO")

    assert "PAT.DMP_OPPOSED" not in {name for name, _ in events(new)}


def test_the_family_doctor_is_known_by_rpps() -> None:
    doctor = "801234567891^MARTIN^Eve^^^^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^D^^^{}"
    known = admission(ROL=f"ROL|1|UP|ODRP|{doctor.format('IDNPS')}")
    referring = admission(ROL=f"ROL|1|UP|RP|{doctor.format('IDNPS')}")
    local = admission(ROL="ROL|1|UP|ODRP|D77^MARTIN^Eve^^^^^^CHU-DEMO&990000001&M")

    assert one(known, "PAT.GP_KNOWN").attributes == {"estab": "990000001", "gp": "01234567891"}
    for raw in (referring, local):
        assert "PAT.GP_KNOWN" not in {name for name, _ in events(raw)}


def test_an_appointment_is_one_fact_that_changes_its_event() -> None:
    booked = one(appointment("S12", "Booked"), "APPT.BOOKED")
    cancelled = one(appointment("S15", at="20261121083000"), "APPT.CANCELLED")

    assert booked.attributes == {
        "estab": "990000001",
        "appointment": "F1",
        "kind": "consult",
        "proposed_date": "2026-12-01T13:00:00Z",
        "role": "nurse",
        "request": "REQ1",
    }
    assert booked.source == "990000001:SIU"
    assert facts_of([cancelled, booked]) == {booked.key: "APPT.CANCELLED"}


def test_a_place_on_a_waiting_list_is_no_appointment() -> None:
    assert asserts(appointment("S12", "Waitlist")) == []
    missed = events(appointment("S12", "Noshow"))
    assert {name for name, op in missed if op is Op.ASSERT} == {"APPT.NOSHOW"}


@pytest.mark.parametrize(
    ("field", "status"),
    [("PROV", "PROV"), ("PROV~DPOT", "DPOT"), ("DOUB", "DOUB"), ("COLP~PROV", "COLP")],
)
def test_an_identity_says_its_status_and_of_several_the_doubt(field: str, status: str) -> None:
    told = one(admission(PID=with_field(PID, 32, field)), "PAT.INS_KO")

    assert told.attributes["status"] == status
