"""What a message about two records must hold."""

import pytest

from gateway.hl7v2.intake import Action, Verdict
from tests.unit.hl7v2.compose import EVN, PID, er7, msh, with_field
from tests.unit.hl7v2.test_intake import finding, verdict


@pytest.mark.parametrize("kind", ["ADT^A40^ADT_A39", "ADT^A47^ADT_A30"])
def test_a_merge_names_both_records(kind):
    header = msh(kind)
    mrg = "MRG|P0011^^^CHU-DEMO&990000001&M^PI"

    assert verdict(er7(header, EVN, PID, mrg)) == Verdict(Action.PROCESS)
    assert finding(er7(header, EVN, PID)) == ("RLS-HL7-025", "MRG", 100, "AE")
    assert finding(er7(header, EVN, PID, "MRG||")) == ("RLS-HL7-020", "MRG-1", 101, "AE")
    assert finding(er7(header, EVN, PID, mrg, mrg)) == ("RLS-HL7-027", "MRG[2]", 198, "AE")


@pytest.mark.parametrize("kind", ["ADT^A24^ADT_A24", "ADT^A37^ADT_A37"])
def test_a_link_has_two_patients(kind):
    header = msh(kind)

    assert verdict(er7(header, EVN, PID, PID)) == Verdict(Action.PROCESS)
    assert finding(er7(header, EVN, PID)) == ("RLS-HL7-025", "PID[2]", 100, "AE")


def test_a_moved_dossier_names_the_patient_it_is_taken_from():
    header = msh("ADT^A44^ADT_A43")
    mrg = "MRG|P0011^^^CHU-DEMO&990000001&M^PI||D25001^^^CHU-DEMO&990000001&M^AN"

    assert verdict(er7(header, EVN, PID, mrg)) == Verdict(Action.PROCESS)
    assert finding(er7(header, EVN, with_field(PID, 18, ""), mrg)) == (
        "RLS-HL7-020", "PID-18", 101, "AE"
    )  # fmt: skip
