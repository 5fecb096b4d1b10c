"""Stays and identities: each rule finds its fault, and nothing else is said of it."""

import pytest

from tests.unit.conformance.judging import STRICT, found, identity, judged, patient
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

UNIT = "Oncologie^^^^^CHU-DEMO&990000001&M^UF^^^4036"
MOVEMENT = with_field(ZBE, 8, UNIT)
E, W, N = "error", "warning", "information"


def stay(event="A01", structure="ADT_A01", *more, **changes):
    """Return a movement without fault but for the changes."""
    given = {"ZBE": MOVEMENT, "MSH": msh(f"ADT^{event}^{structure}")} | changes
    return admission(**given).rstrip(b"\r") + b"\r" + b"".join(m.encode() + b"\r" for m in more)


def movement(action, original="", number="M1"):
    """Return a ZBE that corrects or cancels."""
    fields = with_field(MOVEMENT, 4, action)
    fields = with_field(fields, 6, original)
    return with_field(fields, 1, f"{number}^CHU-DEMO^990000001")


SOUND = {
    "admission": stay(),
    "registration": stay("A04", PV1=with_field(with_field(PV1, 2, "E"), 21, "10")),
    "discharge": stay("A03", "ADT_A03", "ZFM||7||2"),
    "cancelled class change": stay("A07", "ADT_A06", ZBE=movement("CANCEL", "A06")),
    "class change": stay("A06", "ADT_A06"),
    "correction": stay("Z99", ZBE=movement("UPDATE", "A02")),
    "status correction": stay("Z99", ZBE=with_field(movement("UPDATE", "A04"), 9, "C")),
    "identity": identity("A28"),
    "merge": identity("A40", MRG="MRG|P0099^^^CHU-DEMO&990000001&M^PI"),
    "removed INS": identity(
        "A47",
        PID=patient(
            3,
            'P0012^^^CHU-DEMO&990000001&M^PI~""^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS',
        ),
        MRG="MRG|279035121518989^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS",
    ),
}


@pytest.mark.parametrize("raw", SOUND.values(), ids=SOUND.keys())
def test_a_sound_message_has_no_finding(raw):
    report = judged(raw, STRICT)

    assert [str(one.issue) for one in report.findings] == []
    assert report.answer == "AA"


FAULTS = [
    # Segments.
    (stay(EVN=None), "RLS-HL7-025", "EVN", E),
    (admission(PV1=None, ZBE=MOVEMENT), "RLS-HL7-025", "PV1", E),
    (er7(msh(), PID, EVN, PV1, MOVEMENT), "RLS-HL7-026", "PID", E),
    (er7(msh(), EVN, PID, "PV2|||", PV1, MOVEMENT), "RLS-HL7-026", "PV2", E),
    (er7(msh(), EVN, PID, PV1, PV1, MOVEMENT), "RLS-HL7-027", "PV1[2]", E),
    (stay("A01", "ADT_A01", "TXA|1"), "RLS-HL7-302", "TXA", E),
    (stay("A01", "ADT_A01", "ZXX|1"), "RLS-HL7-302", "ZXX", W),
    (stay("A01", "ADT_A01", "ZFM||||"), "RLS-HL7-303", "ZFM", W),
    # Fields.
    (stay(PID=patient(2, "7")), "RLS-HL7-304", "PID-2", W),
    (stay(ZBE=with_field(MOVEMENT, 3, "20261121")), "RLS-HL7-304", "ZBE-3", E),
    (stay(PV1=with_field(PV1, 2, "I~E")), "RLS-HL7-305", "PV1-2", E),
    (stay(MSH=with_msh(10, "G" * 51)), "RLS-HL7-306", "MSH-10", W),
    (stay(ZBE=with_field(MOVEMENT, 5, "X")), "RLS-HL7-307", "ZBE-5", E),
    (stay(PV1=with_field(PV1, 37, "CLINIQUE")), "RLS-HL7-307", "PV1-37.1", W),
    (stay(ZBE=with_field(MOVEMENT, 2, "20261320")), "RLS-HL7-028", "ZBE-2", E),
    (stay(PID=patient(7, "19790230")), "RLS-HL7-028", "PID-7", E),
    (stay(PID=patient(8, "X")), "RLS-HL7-030", "PID-8", E),
    (stay(PV1=with_field(PV1, 4, "XX")), "RLS-HL7-030", "PV1-4", E),
    (stay(PID=patient(3, "P0012^^^CHU-DEMO&990000001&M")), "RLS-HL7-020", "PID-3.5", E),
    (stay(PID=patient(3, "P0012^^^^PI")), "RLS-HL7-020", "PID-3.4", E),
    (stay(PID=patient(18, "")), "RLS-HL7-020", "PID-18", E),
    (stay(PV1=with_field(PV1, 19, "")), "RLS-HL7-020", "PV1-19", E),
    (stay(ZBE=with_field(MOVEMENT, 9, "")), "RLS-HL7-020", "ZBE-9", E),
    (stay("A12", "ADT_A12", ZBE=movement("CANCEL")), "RLS-HL7-020", "ZBE-6", E),
    (stay("A01", "ADT_A01", "ZFA|ACTIF||||||||YES"), "RLS-HL7-030", "ZFA-9", E),
    # Header.
    (stay(MSH=with_msh(11, "X")), "RLS-HL7-023", "MSH-11", E),
    (stay(MSH=with_msh(12, "2.3")), "RLS-HL7-024", "MSH-12", E),
    (stay("A01", "ADT_A03"), "RLS-HL7-031", "MSH-9.3", W),
    (stay(MSH=msh("ADT^A99")), "RLS-HL7-022", "MSH-9.2", E),
    (stay(MSH=msh("ADT^A08^ADT_A01")), "RLS-HL7-301", "MSH-9", N),
    (admission(ZBE=None), "RLS-HL7-032", "ZBE", E),
    # Movement against event.
    (stay(ZBE=movement("CANCEL", "A01")), "RLS-HL7-034", "ZBE-4", E),
    (stay("A12", "ADT_A12", ZBE=movement("CANCEL", "A03")), "RLS-HL7-320", "ZBE-6", E),
    (stay("Z99", ZBE=movement("UPDATE", "A13")), "RLS-HL7-320", "ZBE-6", E),
    (stay(ZBE=movement("INSERT", "A01")), "RLS-HL7-321", "ZBE-6", W),
    (stay(ZBE=with_field(MOVEMENT, 9, "C")), "RLS-HL7-322", "ZBE-9", E),
    (stay(ZBE=with_field(MOVEMENT, 9, "HX")), "RLS-HL7-322", "ZBE-9", E),
    (stay(ZBE=with_field(MOVEMENT, 8, "")), "RLS-HL7-323", "ZBE-8.10", W),
    (stay(PV1=with_field(PV1, 3, "^22^3")), "RLS-HL7-324", "PV1-3.1", W),
    (stay("A06", "ADT_A06", PV1=with_field(PV1, 2, "O")), "RLS-HL7-326", "PV1-2", E),
    (stay("A07", "ADT_A06"), "RLS-HL7-326", "PV1-2", E),
    (stay("A04"), "RLS-HL7-326", "PV1-2", W),
    (stay(PV1=with_field(PV1, 2, "N")), "RLS-HL7-326", "PV1-2", W),
    (identity("A31", PV1=PV1), "RLS-HL7-326", "PV1-2", W),
    (stay(PV1=with_field(PV1, 36, "4")), "RLS-HL7-327", "PV1-36", W),
    (stay("A03", "ADT_A03"), "RLS-HL7-328", "ZFM-2", N),
    (stay(PV1=with_field(PV1, 21, "10")), "RLS-HL7-329", "PV1-21", W),
    # Dates.
    (stay(EVN=with_field(EVN, 2, "20261120090000")), "RLS-HL7-325", "MSH-7", W),
    (stay(EVN=with_field(EVN, 6, "20261120083500")), "RLS-HL7-325", "EVN-2", W),
    (stay(ZBE=with_field(MOVEMENT, 2, "20261121081500")), "RLS-HL7-325", "MSH-7", W),
    (stay(PV1=f"{PV1}\rPV2||||||||20261122|20261121"), "RLS-HL7-325", "PV2-9", W),
    # Identity.
    (stay(PID=patient(32, "PROV")), "RLS-INS-006", "PID-32", W),
    (stay(PID=PID.replace("518989", "518988")), "RLS-INS-005", "PID-3[2]", E),
    (stay(PID=PID.replace("ISO^INS", "ISO^NDP")), "RLS-HL7-330", "PID-3[2].5", E),
    (stay(PID=PID.replace("4.10&ISO", "9.9&ISO")), "RLS-HL7-330", "PID-3[2].4.2", E),
    (stay(PID=patient(8, "")), "RLS-HL7-331", "PID-8", E),
    (stay(PID=patient(11, "^^LYON^^69003^FRA^H")), "RLS-HL7-331", "PID-11.9", E),
    (stay(PID=PID.replace("ISO^INS", "ISO^INS^^20101207")), "RLS-HL7-332", "PID-3[2].7", N),
    (stay(PID=patient(8, "M")), "RLS-HL7-333", "PID-8", W),
    (stay(PID=patient(7, "19800328")), "RLS-HL7-333", "PID-7", W),
    (
        identity("A40", MRG="MRG|P0012^^^CHU-DEMO&990000001&M^PI"),
        "RLS-HL7-335",
        "MRG-1",
        E,
    ),
    (stay(PID=patient(5, "ESSAI^A^A^^^^L~TEST^A^A^^^^L")), "RLS-HL7-336", "PID-5", E),
    (stay(PID=patient(5, "ESSAI^A^A^^^^D")), "RLS-HL7-336", "PID-5", W),
    (stay(PID=PID.replace("DEMO&990000001", "DEMO&99001")), "RLS-HL7-307", "PID-18.4.2", W),
    (
        identity("A31", PV1="NK1|1|A^B||||||||||||||\rPV1|1|N"),
        "RLS-HL7-020",
        "NK1-33",
        W,
    ),
    (identity("A31", PV1="NK1|1|A^B|||||K\rPV1|1|N"), "RLS-HL7-337", "NK1-7", W),
]


@pytest.mark.parametrize(
    ("raw", "code", "place", "severity"), FAULTS, ids=[f"{f[1]} {f[2]}" for f in FAULTS]
)
def test_a_fault_is_found_at_its_place(raw, code, place, severity):
    assert found(raw).get((code, place)) == severity


def test_two_different_ins_of_one_kind():
    other = "279035121518989^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS"
    second = "180047511609127^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS"
    raw = stay(PID=patient(3, f"{other}~{second}"))

    assert found(raw)["RLS-HL7-334", "PID-3[2]"] == E


@pytest.mark.field("FL-120")
@pytest.mark.parametrize(
    ("matricule", "right"),
    [
        ("279035121518989", True),
        ("279035121518988", False),
        ("2790351215189", False),
        ("180042A00100108", False),
    ],
)
def test_the_key_of_the_ins_is_computed(matricule, right):
    raw = stay(PID=PID.replace("279035121518989", matricule))

    assert (("RLS-INS-005", "PID-3[2]") in found(raw)) is not right


@pytest.mark.parametrize("department", ["2A", "2B"])
def test_a_corsican_matricule_has_its_own_key(department):
    stands_for = {"2A": "19", "2B": "18"}[department]
    key = 97 - int(f"27903{stands_for}004001") % 97
    raw = stay(PID=PID.replace("279035121518989", f"27903{department}004001{key:02}"))

    assert ("RLS-INS-005", "PID-3[2]") not in found(raw)


@pytest.mark.field("FL-118")
def test_a_billing_number_under_the_same_authority_is_no_fault():
    number = "279035121518989^^^NIR&1.2.250.1.213.1.4.8&ISO^NH"
    raw = stay(PID=patient(3, f"P0012^^^CHU-DEMO&990000001&M^PI~{number}"))

    assert found(raw) == {}


@pytest.mark.field("FL-056")
def test_a_wrong_structure_is_a_warning_and_the_event_decides():
    report = judged(stay("A01", "ADT_A39"))

    assert [(f.issue.code, str(f.issue.severity)) for f in report.findings] == [("RLS-HL7-031", W)]
    assert report.answer == "AA"


@pytest.mark.field("FL-139")
def test_a_discharge_disposition_on_an_admission_is_a_warning():
    report = judged(stay(PV1=with_field(PV1, 36, "4")))

    assert [f.issue.where for f in report.findings] == ["PV1-36"]
    assert not report.is_refused


@pytest.mark.field("FL-146")
def test_a_discharge_before_its_admission_is_told_and_kept():
    late = with_field(with_field(PV1, 44, "20261120081501"), 45, "20261119")
    report = judged(stay("A03", "ADT_A03", "ZFM||8", PV1=late))

    assert {(f.issue.code, f.issue.where) for f in report.findings} == {
        ("RLS-HL7-325", "PV1-45"),
        ("RLS-HL7-325", "ZBE-2"),
    }
    assert report.answer == "AA"


def test_a_shifted_movement_is_told_once_with_what_to_do():
    report = judged(admission(MSH=msh("ADT^A03^ADT_A03"), ZBE=SHIFTED_ZBE))

    [shifted] = [f for f in report.findings if f.issue.where.startswith("ZBE")]
    assert shifted.issue.code == "RLS-HL7-033"
    assert shifted.repaired
    assert "6.13.4" in shifted.clause
    assert report.is_refused
    assert report.answer == "AA"


def test_a_strict_source_is_answered_as_the_finding_says():
    raw = admission(MSH=msh("ADT^A03^ADT_A03"), ZBE=SHIFTED_ZBE)

    assert judged(raw, STRICT).answer == "AE"


def test_findings_hold_no_value_of_the_patient():
    raw = stay(PID=PID.replace("518989", "518988").replace("19790328", "19799999"))

    told = " ".join(f"{f.issue} {f.clause}" for f in judged(raw).findings)
    assert "2790351" not in told
    assert "ESSAI" not in told
    assert "1979" not in told
