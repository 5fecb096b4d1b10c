"""Appointments: numbers and series, resources, what a later message changes."""

import pytest

from gateway.core.contributions import Json
from gateway.hl7v2.intake import Action, judge
from gateway.hl7v2.reader import read
from tests.unit.hl7v2.compose import PID, er7, msh, with_field
from tests.unit.hl7v2.orders import at, codes, folded, only
from tests.unit.hl7v2.test_adapter import IDS

SCH = "SCH|A1^CHU-DEMO|F1^AGENDA|||||||||^^^20261201140000^20261201143000"
NUMBERS = "https://relais.example/ns/appointment/AGENDA"
DOCTOR = "10000023084^MARTIN^Anne^^^^^^ASIP&1.2.250.1.71.4.2.1&ISO^L^^^RPPS"
PLACE, PERSON = "AIL|1||4036^22", f"AIP|1||{DOCTOR}"


def siu(event: str, *resources: str, minute: int = 0, **fields: str) -> bytes:
    """Compose an appointment message; `fields` names fields of SCH, `f25`."""
    sch = SCH
    for name, value in fields.items():
        sch = with_field(sch, int(name[1:]), value)
    header = at(msh(f"SIU^{event}^SIU_S12"), f"2026112008{30 + minute:02}00")
    return er7(header, sch, PID, *resources)


def actors(appointment: Json) -> list[str]:
    return [
        one["actor"].get("reference", one["actor"].get("display", "")).partition("/")[0]
        for one in appointment["participant"]
    ]


def test_an_occurrence_is_an_appointment_of_its_own() -> None:
    first, second = folded(
        "Appointment", siu("S12", f3="1", f4="G1^CHU-DEMO"), siu("S12", f3="2", f4="G1^CHU-DEMO")
    )

    assert [first["id"], second["id"]] == [
        IDS.appointment(NUMBERS, "F1#1"),
        IDS.appointment(NUMBERS, "F1#2"),
    ]
    assert first["identifier"] == second["identifier"]
    assert [one["extension"][0]["valueInteger"] for one in (first, second)] == [1, 2]


def test_a_cancelled_occurrence_leaves_the_others() -> None:
    told = [siu("S12", f3="1"), siu("S12", f3="2"), siu("S15", minute=1, f3="2")]

    assert [one["status"] for one in folded("Appointment", *told)] == ["booked", "cancelled"]


def test_an_appointment_names_the_one_it_is_a_part_of() -> None:
    appointment = only("Appointment", siu("S12", f23="A0^CHU-DEMO", f24="F0^AGENDA"))

    assert [one["identifier"]["value"] for one in appointment["supportingInformation"]] == [
        "A0",
        "F0",
    ]


def test_several_times_in_one_message_are_told() -> None:
    raw = siu("S12").replace(b"\rPID", b"\rTQ1|1||||||20261201\rTQ1|2||||||20261208\rPID")

    verdict = judge(read(raw), processing_ids=frozenset({"P"}))

    assert verdict.action is Action.PROCESS
    assert [(issue.code, issue.where) for issue in verdict.issues] == [("RLS-HL7-063", "TQ1[2]")]


def test_every_resource_of_every_group_is_a_participant() -> None:
    appointment = only(
        "Appointment",
        siu(
            "S12",
            "RGS|1",
            "AIS|1||ONCO",
            "AIG|1||F2^Fauteuil 2",
            PLACE,
            f"{PERSON}|ONC^Oncologue",
            "RGS|2",
            "AIS|2||DIET",
            "AIP|2||8888^DURAND^Paul^^^^^^CHU-DEMO|||||||||Pending",
        ),
    )

    assert [codes(one) for one in appointment["serviceType"]] == [["ONCO"], ["DIET"]]
    assert actors(appointment) == [
        "Patient", "Location", "Practitioner", "Practitioner", "Fauteuil 2"
    ]  # fmt: skip
    assert codes(appointment["participant"][2]["type"][0]) == ["ONC"]
    assert appointment["participant"][3]["status"] == "needs-action"


@pytest.mark.parametrize("segment", ["AIS|1|D|X", "AIG|1|D|X", "AIL|1|D|4036", f"AIP|1|D|{DOCTOR}"])
def test_a_resource_that_is_taken_out_is_no_participant(segment: str) -> None:
    appointment = only("Appointment", siu("S14", segment))

    assert actors(appointment) == ["Patient"]
    assert "serviceType" not in appointment


def test_a_new_time_is_the_time_of_the_same_appointment() -> None:
    booked = siu("S12", PLACE, PERSON)
    moved = siu("S13", PLACE, PERSON, minute=1, f11="^^^20261208100000^20261208103000")

    for told in ((booked, moved), (moved, booked)):
        appointment = only("Appointment", *told)
        assert appointment["start"] == "2026-12-08T10:00:00+01:00"
        assert appointment["status"] == "booked"


def test_a_cancellation_of_an_appointment_never_seen_waits_for_it() -> None:
    cancelled = siu("S15", minute=1, f11="")
    booked = siu("S12", PLACE, PERSON)

    alone = only("Appointment", cancelled)
    after = only("Appointment", cancelled, booked)

    assert alone["status"] == after["status"] == "cancelled"
    assert "start" not in alone
    assert after["start"] == "2026-12-01T14:00:00+01:00"


def test_a_message_without_resources_leaves_the_participants() -> None:
    booked = siu("S12", PLACE, PERSON)

    cancelled = only("Appointment", booked, siu("S15", minute=1))
    other = only("Appointment", booked, siu("S14", PLACE, minute=1))

    assert actors(cancelled) == ["Patient", "Location", "Practitioner"]
    assert actors(other) == ["Patient", "Location"]


def test_why_it_was_cancelled_goes_when_it_is_booked_again() -> None:
    booked = siu("S12", f6="ROUTINE^Habituel")
    cancelled = siu("S15", minute=1, f6="PATIENT^Empêchement")

    assert "cancelationReason" not in only("Appointment", booked)
    assert codes(only("Appointment", booked, cancelled)["cancelationReason"]) == ["PATIENT"]
    assert "cancelationReason" not in only("Appointment", cancelled, siu("S12", minute=2))
    # FHIR R4 app-4 allows none beside `noshow`.
    assert "cancelationReason" not in only("Appointment", siu("S26", f6="ABSENT^Absent"))


@pytest.mark.parametrize(
    ("event", "status"),
    [("S13", "booked"), ("S14", "booked"), ("S15", "cancelled"), ("S16", "cancelled"),
     ("S17", "entered-in-error"), ("S26", "noshow")],
)  # fmt: skip
def test_the_event_of_the_same_second_comes_after_the_booking(event: str, status: str) -> None:
    booked = siu("S12", f7="A")
    later = siu(event, f7="B")

    for told in ((booked, later), (later, booked)):
        appointment = only("Appointment", *told)
        assert appointment["status"] == status
        assert codes(appointment["reasonCode"][0]) == ["B"]


@pytest.mark.parametrize("minutes", ["99999999999999999999", "999999", "²", "-5", "nan"])
def test_a_duration_that_is_none_is_no_length(minutes: str) -> None:
    appointment = only("Appointment", siu("S12", f9=minutes, f10="MIN", f11="^^^20261201140000"))

    # FHIR wants both ends: of unknown length it ends when it starts.
    assert appointment["end"] == appointment["start"]
    assert "minutesDuration" not in appointment


def test_a_duration_beyond_the_calendar_gives_no_end_of_its_own() -> None:
    late = siu("S12", f9="99999", f10="MIN", f11="^^^99991231140000")

    appointment = only("Appointment", late)

    assert appointment["end"] == appointment["start"]
