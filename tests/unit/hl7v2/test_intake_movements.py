"""The verdict on movements: what names them, what ZBE-4 may say, what other numbers need."""

import pytest

from gateway.core.issues import Severity
from gateway.hl7v2.intake import Action, Verdict
from tests.unit.hl7v2.compose import EVN, PID, PV1, ZBE, admission, er7, msh, with_field
from tests.unit.hl7v2.test_intake import finding, verdict


@pytest.mark.field("FL-137")
def test_a_visit_is_named_by_its_dossier_where_its_own_number_is_missing():
    pv1 = with_field(PV1, 19, "")
    found = verdict(admission(PV1=pv1))
    nothing = admission(PV1=pv1, PID=with_field(PID, 18, ""))

    assert found.action is Action.PROCESS
    assert [(one.where, one.severity) for one in found.issues] == [("PV1-19", Severity.WARNING)]
    assert finding(nothing) == ("RLS-HL7-020", "PV1-19", 101, "AE")
    assert finding(admission(PV1=pv1), lenient=False) == ("RLS-HL7-020", "PV1-19", 101, "AE")


def test_an_action_that_two_events_could_mean_is_required():
    header = msh("ADT^A07^ADT_A06")

    assert finding(admission(MSH=header, ZBE=with_field(ZBE, 4, ""))) == (
        "RLS-HL7-020", "ZBE-4", 101, "AE",
    )  # fmt: skip


def test_an_update_names_its_movement_and_the_event_of_it():
    header = msh("ADT^Z99^ADT_A01")
    update = with_field(ZBE, 4, "UPDATE")
    named = with_field(update, 6, "A02")

    assert finding(admission(MSH=header, ZBE=None)) == ("RLS-HL7-032", "ZBE", 100, "AE")
    assert verdict(admission(MSH=header, ZBE=named)) == Verdict(Action.PROCESS)
    assert [one.where for one in verdict(admission(MSH=header, ZBE=update)).issues] == ["ZBE-6"]


@pytest.mark.parametrize(
    ("trigger", "action"), [("Z99", "INSERT"), ("Z99", "CANCEL"), ("A06", "UPDATE")]
)
def test_an_action_that_the_event_does_not_allow_is_refused(trigger, action):
    header = msh(f"ADT^{trigger}")
    raw = admission(MSH=header, ZBE=with_field(with_field(ZBE, 4, action), 6, "A07"))

    assert finding(raw)[:2] == ("RLS-HL7-034", "ZBE-4")


def test_another_dossier_number_needs_the_old_one_and_no_visit():
    header = msh("ADT^A49^ADT_A30")
    mrg = "MRG|P0012||D25000^^^CHU-DEMO&990000001&M^AN"

    assert verdict(er7(header, EVN, PID, mrg)) == Verdict(Action.PROCESS)
    assert finding(er7(header, EVN, PID)) == ("RLS-HL7-025", "MRG", 100, "AE")
    assert finding(er7(header, EVN, PID, "MRG|P0012")) == ("RLS-HL7-020", "MRG-3", 101, "AE")
