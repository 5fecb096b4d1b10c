"""What had to be repaired to read a message is shown, with its place."""

import pytest

from tests.unit.conformance.judging import STRICT, found, judged
from tests.unit.hl7v2.compose import EVN, PID, PV1, ZBE, admission, er7, msh, named, with_field


def test_a_message_without_repair_says_nothing():
    assert [f for f in judged(admission()).findings if f.layer == "reader"] == []


REPAIRS = [
    ("a byte order mark", b"\xef\xbb\xbf" + admission(), "RLS-HL7-300", "MSH"),
    (
        "a doubled backslash",
        admission().replace(rb"|^~\&|", rb"|^~\\&|", 1),
        "RLS-HL7-300",
        "MSH-2",
    ),
    ("a misspelt charset", admission(MSH=msh(charset="UTF8")), "RLS-HL7-300", "MSH-18"),
    ("no charset", named("ÉSSAI", "", "utf-8"), "RLS-HL7-300", "MSH-18"),
    ("a wrong charset", named("ÉSSAI", "UNICODE UTF-8", "latin-1"), "RLS-HL7-008", "MSH-18"),
    ("an unknown charset", admission(MSH=msh(charset="EBCDIC")), "RLS-HL7-009", "MSH-18"),
    ("a name in small letters", er7(msh(), "evn" + EVN[3:], PID, PV1, ZBE), "RLS-HL7-011",
     "line 2"),
    ("a line in a field", er7(msh(), EVN, PID, PV1, "and more", ZBE), "RLS-HL7-010", "line 5"),
    ("a control character", admission().replace(b"ESSAI", b"ES\x01SAI"), "RLS-HL7-012", "MSH"),
    ("a typographic tilde", admission(PID=PID.replace("~279", "˜279")), "RLS-HL7-013", "PID-3"),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "code", "place"), [r[1:] for r in REPAIRS],
                         ids=[r[0] for r in REPAIRS])  # fmt: skip
def test_a_repair_is_shown_at_its_place(raw, code, place):
    assert (code, place) in found(raw)
    assert judged(raw).answer == "AA"


@pytest.mark.parametrize(("raw", "code"), [(r[1], r[2]) for r in REPAIRS if r[2] != "RLS-HL7-300"])
def test_what_a_lenient_source_repairs_a_strict_one_refuses(raw, code):
    [finding] = [f for f in judged(raw).findings if f.issue.code == code]

    assert finding.repaired
    assert judged(raw, STRICT).answer in ("AE", "AR")
    assert code in {f.issue.code for f in judged(raw, STRICT).findings}


@pytest.mark.parametrize("raw", [b"", b"hello", b"<ADT_A01/>", b"FHS|^~\\&|", b"MSH|"])
def test_what_cannot_be_read_is_one_report(raw):
    report = judged(raw)

    assert report.answer == "AR"
    assert report.message_type == ""
    assert len(report.findings) == 1
    assert report.is_refused


def test_a_text_that_holds_a_delimiter():
    raw = er7(msh(), EVN, PID, PV1, ZBE, "OBX|1|TX|X^Y^LN||à 5^10||||||F")

    assert ("RLS-HL7-300", "OBX-5") in found(raw)


def test_an_action_that_is_missing_is_told():
    assert ("RLS-HL7-020", "ZBE-4") in found(admission(ZBE=with_field(ZBE, 4, "")))
