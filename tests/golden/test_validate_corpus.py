"""The published French samples, judged: every finding was read and is a true one.

* Every INS has a date in CX-7, where the national extension wants none.
* The admissions are templates without hosting unit; two carry a discharge disposition.
* The discharge template has ZBE shifted by one field and says no destination.
* MSH-7 of the document samples is months before their EVN-2.
* One FINESS of an authority has ten digits, and so has the one of the laboratory: an IDNST.
* The new imaging report hides the letter from the legal representatives and mails it to staff,
  which the table of flags does not allow; its replacement does not.
* The laboratory report names its patient among the recipients by a number of twenty digits.
* The dummy payload is plain text.
"""

import pytest

from gateway.core.issues import Severity
from tests.unit.conformance.judging import judged

HOSTING = ("warning", "RLS-HL7-324", "PV1-3.1")
DISPOSITION = ("warning", "RLS-HL7-327", "PV1-36")
LATE = ("warning", "RLS-HL7-325", "MSH-7")
ACCOUNT = ("warning", "RLS-HL7-307", "PID-18.4.2")
LABORATORY = ("warning", "RLS-HL7-307", "PRT[1]-8.10")


def dated(place):
    return ("information", "RLS-HL7-332", place)


EXPECTED = {
    "adt_a01_consent_given.er7": ("AA", [HOSTING, DISPOSITION, dated("PID-3[2].7")]),
    "adt_a01_dmp_feed_opposed.er7": ("AA", [HOSTING, DISPOSITION, dated("PID-3[2].7")]),
    "adt_a01_sgl_admission.er7": ("AA", [HOSTING, dated("PID-3[2].7")]),
    "adt_a03_sgl_sortie.er7": (
        "AA",
        [
            ("error", "RLS-HL7-033", "ZBE-4"),
            HOSTING,
            ("information", "RLS-HL7-328", "ZFM-2"),
            dated("PID-3[2].7"),
        ],
    ),
    "mdm_t02_lps_from_mssante.er7": ("AA", [LATE, dated("PID-3.7")]),
    "mdm_t02_radio_initial.er7": (
        "AA",
        [("error", "RLS-HL7-344", "OBX"), LATE, dated("PID-3.7")],
    ),
    "mdm_t10_radio_replace.ack.er7": ("", []),
    "mdm_t10_radio_replace.er7": ("AA", [ACCOUNT, LATE, dated("PID-3.7")]),
    "oru_r01_lab_dummy_payload.ack.er7": ("", []),
    "oru_r01_lab_dummy_payload.er7": (
        "AE",
        [
            ("error", "RLS-CDA-001", "OBX[1]-5 byte 1"),
            ("error", "RLS-CDA-001", "OBX[2]-5 byte 1"),
            ACCOUNT,
            LABORATORY,
            dated("PID-3.7"),
        ],
    ),
    "oru_r01_lab_initial.er7": (
        "AA",
        [("error", "RLS-INS-005", "PRT[3]-5.1"), ACCOUNT, LABORATORY, dated("PID-3.7")],
    ),
    "zam_z01_dmp_refused.er7": ("AA", [LATE]),
    "zam_z02_mss_received.er7": ("AA", [LATE]),
    "zam_z03_mss_read.er7": ("AA", [LATE]),
}


def test_every_sample_is_judged(corpus_folder):
    assert {path.name for path in (corpus_folder / "hl7v2").glob("*.er7")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_published_sample_has_its_true_findings(corpus_folder, name):
    report = judged((corpus_folder / "hl7v2" / name).read_bytes())

    answer, findings = EXPECTED[name]
    told = [(str(f.issue.severity), f.issue.code, f.issue.where) for f in report.findings]
    assert sorted(told) == sorted(findings)
    assert report.answer == answer
    assert report.is_refused is any(severity == Severity.ERROR for severity, *_ in findings)


def test_the_shifted_movement_is_explained(corpus_folder):
    report = judged((corpus_folder / "hl7v2" / "adt_a03_sgl_sortie.er7").read_bytes())

    [shifted] = [f for f in report.findings if f.issue.severity.refuses]
    assert "shifted by one field" in shifted.issue.what
    assert "Leave ZBE-3 empty" in shifted.issue.fix
    assert shifted.clause == "PAM-FR 2.11 6.13.3 and 6.13.4"
    assert shifted.repaired
