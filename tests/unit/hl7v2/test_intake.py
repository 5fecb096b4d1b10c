"""The verdict on a message by itself."""

import re

import pytest

from gateway.core.issues import Severity
from gateway.hl7v2.ack import code_for
from gateway.hl7v2.events import EVENTS, MESSAGE_TYPES, find_event
from gateway.hl7v2.intake import VERSIONS, Action, Verdict, is_commit_block, judge
from gateway.hl7v2.reader import read
from tests.unit.hl7v2.compose import (
    EVN,
    PID,
    PV1,
    SHIFTED_ZBE,
    ZBE,
    admission,
    er7,
    msh,
    with_field,
    with_msh,
)

PRODUCTION = frozenset({"P"})
TXA = "TXA|1|11502-2|TEXT|20261120||||||||1.2.250.1.999.1"
OBX = "OBX|1|ED|11502-2^CR^LN||^TEXT^XML^Base64^PGEvPg==||||||F"
SCH = "SCH|RDV1^AGENDA|RDV2^AGENDA"


def verdict(raw: bytes, *, lenient: bool = True) -> Verdict:
    """Judge bytes as production does."""
    return judge(read(raw), processing_ids=PRODUCTION, lenient=lenient)


def finding(raw: bytes, *, lenient: bool = True) -> tuple[str, str, int, str]:
    """Return code, place, condition and answer of a message refused for one reason."""
    found = verdict(raw, lenient=lenient)
    assert found.action is Action.REJECT
    (issue,) = found.issues
    return issue.code, issue.where, issue.hl7_code, code_for(found.issues)


def warning(raw: bytes) -> tuple[str, str, int]:
    """Return code, place and condition of a message accepted with one remark."""
    found = verdict(raw)
    assert found.action is Action.PROCESS
    (issue,) = found.issues
    assert issue.severity is Severity.WARNING
    return issue.code, issue.where, issue.hl7_code


@pytest.mark.parametrize("lenient", [True, False])
def test_a_complete_admission_is_processed(lenient):
    assert verdict(admission(), lenient=lenient) == Verdict(Action.PROCESS)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(
            er7(msh("MDM^T02^MDM_T02"), EVN, PID, PV1, "ORC|NW", "OBR|1", TXA, OBX), id="MDM"
        ),
        pytest.param(er7(msh("ORU^R01^ORU_R01"), PID, PV1, "ORC|NW", "OBR|1", OBX), id="ORU"),
        pytest.param(er7(msh("SIU^S12^SIU_S12"), SCH, PID, "RGS|1"), id="SIU"),
        pytest.param(er7(msh("ADT^A31^ADT_A05"), EVN, PID, "PV1|1|N"), id="A31"),
    ],
)
def test_complete_messages_of_each_kind_are_processed(raw):
    assert verdict(raw, lenient=False) == Verdict(Action.PROCESS)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(er7(msh("ACK^A01^ACK"), "MSA|AA|7"), id="an acknowledgement"),
        pytest.param(er7(msh("ACK"), "MSA|AA|7"), id="an old acknowledgement"),
        pytest.param(er7(msh("ORR^O02^ORR_O02"), "MSA|AA|7"), id="a response"),
    ],
)
@pytest.mark.field("FL-023")
def test_an_answer_is_never_answered(raw):
    assert verdict(raw) == Verdict(Action.UNANSWERED)


@pytest.mark.field("FL-023")
def test_commit_blocks_are_recognised():
    assert is_commit_block(b"\x06")
    assert is_commit_block(b"\x15")
    assert not is_commit_block(b"")


@pytest.mark.parametrize("kind", ["ADT^A33^ADT_A21", "ADT^A32^ADT_A21", "ADT^A09^ADT_A09",
                                  "SIU^S23^SIU_S12", "OMI^O23^OMI_O23"])  # fmt: skip
@pytest.mark.field("FL-074")
def test_a_known_event_without_use_is_set_aside_whatever_it_holds(kind):
    assert verdict(er7(msh(kind))) == Verdict(Action.IGNORE)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        pytest.param(msh("DFT^P03^DFT_P03"), ("RLS-HL7-021", "MSH-9.1", 200, "AR"), id="type"),
        pytest.param(msh("ADT^A99^ADT_A01"), ("RLS-HL7-022", "MSH-9.2", 201, "AR"), id="event"),
        pytest.param(msh("ADT"), ("RLS-HL7-020", "MSH-9.2", 101, "AE"), id="no event"),
        pytest.param(msh(""), ("RLS-HL7-020", "MSH-9.1", 101, "AE"), id="no type"),
        pytest.param(with_msh(10, ""), ("RLS-HL7-020", "MSH-10", 101, "AE"), id="no control id",
                     marks=pytest.mark.field("FL-069")),
        pytest.param(with_msh(11, "T"), ("RLS-HL7-023", "MSH-11", 202, "AR"), id="test",
                     marks=pytest.mark.field("FL-079")),
        pytest.param(with_msh(11, "D"), ("RLS-HL7-023", "MSH-11", 202, "AR"), id="debug",
                     marks=pytest.mark.field("FL-079")),
        pytest.param(with_msh(11, ""), ("RLS-HL7-020", "MSH-11", 101, "AE"), id="no processing id"),
        pytest.param(with_msh(12, "2.3.1"), ("RLS-HL7-024", "MSH-12", 203, "AR"), id="version"),
        pytest.param(with_msh(12, ""), ("RLS-HL7-020", "MSH-12", 101, "AE"), id="no version"),
        pytest.param(with_msh(7, ""), ("RLS-HL7-020", "MSH-7", 101, "AE"), id="no date"),
        pytest.param(with_msh(7, "abc"), ("RLS-HL7-028", "MSH-7", 102, "AE"), id="no real date"),
    ],
)  # fmt: skip
def test_each_fault_of_the_header_has_its_condition(header, expected):
    assert finding(admission(MSH=header)) == expected


def test_every_fault_of_a_header_is_told_at_once():
    header = with_msh(11, "T", with_msh(10, "", with_msh(12, "2.1")))

    found = verdict(admission(MSH=header))

    assert [issue.hl7_code for issue in found.issues] == [101, 202, 203]


@pytest.mark.parametrize("version", sorted(VERSIONS))
def test_usual_versions_are_accepted(version):
    assert verdict(admission(MSH=with_msh(12, version))).action is Action.PROCESS


def test_a_site_may_accept_other_versions_and_processing_ids():
    message = read(admission(MSH=with_msh(12, "2.3.1", with_msh(11, "T"))))

    found = judge(message, processing_ids=frozenset({"P", "T"}), versions=frozenset({"2.3.1"}))

    assert found == Verdict(Action.PROCESS)


@pytest.mark.parametrize("name", ["EVN", "PID", "PV1"])
def test_a_missing_segment_is_named(name):
    assert finding(admission(**{name: None})) == ("RLS-HL7-025", name, 100, "AE")


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        pytest.param(er7(msh(), EVN, PV1, PID, ZBE), "PV1", id="PV1 before PID"),
        pytest.param(er7(msh(), PID, EVN, PV1, ZBE), "PID", id="PID before EVN"),
        pytest.param(er7(msh(), EVN, PID, ZBE, PV1), "ZBE", id="ZBE before PV1"),
    ],
)
def test_a_wrong_order_is_refused(raw, name):
    code, where, condition, answer = finding(raw)

    assert (code, condition, answer) == ("RLS-HL7-026", 100, "AE")
    assert where in ("EVN", "PID", "PV1", "ZBE")


def test_two_patients_in_one_message_are_refused():
    assert finding(er7(msh(), EVN, PID, PID, PV1, ZBE)) == ("RLS-HL7-027", "PID[2]", 198, "AE")


@pytest.mark.parametrize(
    ("name", "segment", "number", "value"),
    [
        ("EVN", EVN, 2, ""),
        ("PID", PID, 3, ""),
        ("PID", PID, 3, "^^^CHU-DEMO&990000001&M^PI"),
        ("PID", PID, 5, ""),
        ("PV1", PV1, 2, ""),
        ("ZBE", ZBE, 1, ""),
        ("ZBE", ZBE, 2, ""),
    ],
)
@pytest.mark.field("FL-081")
def test_an_empty_required_field_is_named(name, segment, number, value):
    raw = admission(**{name: with_field(segment, number, value)})

    assert finding(raw) == ("RLS-HL7-020", f"{name}-{number}", 101, "AE")


def test_an_identifier_behind_an_empty_repetition_is_one():
    pid = with_field(PID, 3, "^^^CHU-DEMO~P0012^^^CHU-DEMO^PI")

    assert verdict(admission(PID=pid)) == Verdict(Action.PROCESS)


def test_a_visit_number_is_not_required_without_a_visit():
    raw = er7(msh("ADT^A28^ADT_A05"), EVN, PID, "PV1|1|N")

    assert verdict(raw) == Verdict(Action.PROCESS)


@pytest.mark.parametrize(("name", "segment", "number"), [("EVN", EVN, 2), ("ZBE", ZBE, 2)])
@pytest.mark.parametrize("value", ["20240230", "202411202400", "20241120249900", "20241120235960"])
@pytest.mark.field("FL-208")
def test_an_impossible_required_date_is_refused(name, segment, number, value):
    raw = admission(**{name: with_field(segment, number, value)})

    assert finding(raw) == ("RLS-HL7-028", f"{name}-{number}", 102, "AE")


@pytest.mark.field("FL-208")
def test_an_impossible_optional_date_refuses_strict_reading_only():
    raw = admission(PID=with_field(PID, 7, "19790230"))

    assert verdict(raw) == Verdict(Action.PROCESS)
    assert finding(raw, lenient=False) == ("RLS-HL7-028", "PID-7", 102, "AE")


def test_a_patient_class_outside_of_the_table_is_refused():
    raw = admission(PV1=with_field(PV1, 2, "X"))

    assert finding(raw) == ("RLS-HL7-030", "PV1-2", 103, "AE")


def test_a_sex_outside_of_the_table_refuses_strict_reading_only():
    raw = admission(PID=with_field(PID, 8, "O"))

    assert verdict(raw) == Verdict(Action.PROCESS)
    assert finding(raw, lenient=False) == ("RLS-HL7-030", "PID-8", 103, "AE")


@pytest.mark.parametrize("value", ["12,5", "> 3", "douze"])
def test_a_number_that_is_none_is_told(value):
    raw = er7(msh("ORU^R01^ORU_R01"), PID, PV1, "ORC|RE", "OBR|1", f"OBX|1|NM|A||{value}||||||F")

    assert warning(raw) == ("RLS-HL7-029", "OBX[1]-5", 102)
    assert finding(raw, lenient=False) == ("RLS-HL7-029", "OBX[1]-5", 102, "AE")


@pytest.mark.parametrize("value", ["12", "-1.5", "+.5", "3.", ""])
def test_a_number_is_one(value):
    raw = er7(msh("ORU^R01^ORU_R01"), PID, PV1, "ORC|RE", "OBR|1", f"OBX|1|NM|A||{value}||||||F")

    assert verdict(raw, lenient=False) == Verdict(Action.PROCESS)


@pytest.mark.parametrize("kind", ["ADT^A01^ADT_A08", "ADT^A05^ADT_A01"])
@pytest.mark.field("FL-056")
def test_a_structure_that_does_not_fit_is_a_remark(kind):
    assert warning(admission(MSH=msh(kind))) == ("RLS-HL7-031", "MSH-9.3", 103)


@pytest.mark.field("FL-056")
def test_a_missing_structure_is_nothing():
    assert verdict(admission(MSH=msh("ADT^A01"))) == Verdict(Action.PROCESS)


@pytest.mark.field("FL-135")
def test_a_shifted_movement_is_a_remark_and_an_error_for_strict_reading():
    raw = admission(ZBE=SHIFTED_ZBE)

    assert warning(raw) == ("RLS-HL7-033", "ZBE-4", 101)
    assert finding(raw, lenient=False) == ("RLS-HL7-033", "ZBE-4", 101, "AE")


def test_a_missing_movement_is_a_remark_and_an_error_for_strict_reading():
    assert warning(admission(ZBE=None)) == ("RLS-HL7-032", "ZBE", 100)
    assert finding(admission(ZBE=None), lenient=False) == ("RLS-HL7-032", "ZBE", 100, "AE")


@pytest.mark.parametrize(
    ("kind", "action", "code"),
    [
        ("ADT^A01^ADT_A01", "CANCEL", "RLS-HL7-034"),
        ("ADT^A11^ADT_A09", "INSERT", "RLS-HL7-034"),
        ("ADT^A03^ADT_A03", "UPDATE", "RLS-HL7-034"),
        ("ADT^A01^ADT_A01", "DELETE", "RLS-HL7-030"),
    ],
)
def test_an_action_the_event_does_not_allow_is_refused(kind, action, code):
    raw = admission(MSH=msh(kind), ZBE=with_field(ZBE, 4, action))

    assert finding(raw) == (code, "ZBE-4", 103, "AE")


def test_a_missing_action_is_a_remark():
    assert warning(admission(ZBE="ZBE|M1|20261120081500")) == ("RLS-HL7-020", "ZBE-4", 101)


@pytest.mark.parametrize(
    ("txa", "expected"),
    [
        pytest.param(TXA.removesuffix("1.2.250.1.999.1"), "TXA-12", id="no document id"),
        pytest.param(TXA, "TXA-13", id="no replaced document"),
    ],
)
def test_a_replacement_names_both_documents(txa, expected):
    raw = er7(msh("MDM^T10^MDM_T02"), EVN, PID, PV1, "ORC|RO", "OBR|1", txa, OBX)

    found = verdict(raw)

    assert found.action is Action.REJECT
    assert expected in [issue.where for issue in found.issues]
    assert {issue.code for issue in found.issues} == {"RLS-HL7-020"}


def test_an_appointment_has_a_number():
    raw = er7(msh("SIU^S12^SIU_S12"), "SCH|||3", PID)

    assert finding(raw) == ("RLS-HL7-020", "SCH-1", 101, "AE")


def test_no_issue_quotes_the_message():
    raw = admission(
        PID=with_field(with_field(PID, 7, "19790230"), 8, "QQQ"), ZBE=with_field(ZBE, 4, "QQQ")
    )

    text = " ".join(str(issue) for issue in verdict(raw, lenient=False).issues)

    assert not re.search("QQQ|19790230|ESSAI", text)


def test_events_are_known_by_type_and_trigger():
    assert find_event("ADT", "A01").structure == "ADT_A01"
    assert find_event("ADT", "T02") is None
    assert {kind for kind, _ in EVENTS} == MESSAGE_TYPES


def test_used_events_are_those_of_the_release():
    used = {f"{event.message_type} {event.trigger}" for event in EVENTS.values() if event.used}

    assert used == {
        "ADT A01", "ADT A02", "ADT A03", "ADT A04", "ADT A05", "ADT A11", "ADT A12", "ADT A13",
        "ADT A21", "ADT A22", "ADT A28", "ADT A31", "ADT A52", "ADT A53",
        "ADT A06", "ADT A07", "ADT A08", "ADT A14", "ADT A15", "ADT A16", "ADT A25", "ADT A26",
        "ADT A27", "ADT A38", "ADT A49", "ADT A54", "ADT A55", "ADT Z99",
        "ADT A24", "ADT A37", "ADT A40", "ADT A44", "ADT A47",
        "MDM T02", "MDM T04", "MDM T10", "ORU R01", "SIU S12", "SIU S13", "SIU S14",
        "SIU S15", "SIU S16", "SIU S17", "SIU S26",
        "ORM O01", "OMG O19", "OML O21", "REF I12", "REF I13", "REF I14",
        "ZAM Z01", "ZAM Z02", "ZAM Z03",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("trigger", "actions", "default"),
    [
        ("A01", ("INSERT",), "INSERT"),
        ("A13", ("CANCEL",), "CANCEL"),
        ("A06", ("INSERT", "CANCEL"), "INSERT"),
        ("Z99", ("UPDATE",), "UPDATE"),
        ("A31", (), ""),
        ("A44", (), ""),
    ],
)
def test_each_event_has_its_actions(trigger, actions, default):
    event = find_event("ADT", trigger)

    assert (event.actions, event.default_action, event.has_movement) == (
        actions,
        default,
        bool(actions),
    )


def test_movements_of_one_instant_have_an_order():
    order = ["A05", "A14", "A01", "A06", "A02", "A21", "A22", "A16", "A03"]

    ranks = [find_event("ADT", trigger).rank for trigger in order]

    assert ranks == sorted(set(ranks))
