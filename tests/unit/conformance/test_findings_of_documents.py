"""Messages about documents, receipts and answers: each rule finds its fault."""

import pytest

from gateway.conformance import kinds
from gateway.conformance.finding import Kind, Layer
from tests.conftest import ROOT
from tests.unit.conformance.judging import (
    FLAGS,
    RECIPIENT,
    SENDER,
    STRICT,
    found,
    judged,
    letter,
)
from tests.unit.hl7v2.compose import er7, msh, with_msh

E, W = "error", "warning"
TXA_13 = "TXA|1|11490-0|TEXT|||||||||L7^^1.2.250.1.999.1^ISO|L6^^1.2.250.1.999.1^ISO||||AU"
ZAM = with_msh(12, "2.6", with_msh(21, "2.1^CISIS_CDA_HL7_V2", msh("ZAM^Z01^ZAM_Z01")))


def receipt(value="Y", *more):
    return er7(
        ZAM,
        f"OBX|1|CWE|ACK_RECEPTION_DMP^^AckMetierZAM|G1|{value}^^expandedYes-NoIndicator||||||F",
        *more,
    )


def answer(code="AA", *more):
    return er7(r"MSH|^~\&|A|B|C|D|20261120||ACK^T02^ACK|1|P|2.6", f"MSA|{code}|G1", *more)


SOUND = {
    "new": letter(),
    "replaced": letter("T10", orc="ORC|RO", txa=TXA_13, status="C"),
    "withdrawn": letter("T04", orc="ORC|CA", txa=TXA_13, status="D"),
    "receipt": receipt(),
    "negative receipt": receipt("N", "ERR|||207^Application error^messageErrorCondition|E|X^Y"),
    "answer": answer(),
    "negative answer": answer("AE", "ERR||PID^1^3|101^Required^HL70357|E"),
}


RESULT = er7(
    msh("ORU^R01^ORU_R01"),
    "PID|1||P0012^^^CHU-DEMO&990000001&M^PI||ESSAI^A^A^^^^L",
    "PV1|1|I",
    "ORC|RE|1^X",
    "OBR|1|1^X||2345-7^Glucose^LN",
    "OBX|1|NM|2345-7^Glucose^LN||5.4|mmol/L|||||P",
    "OBX|2|NM|2345-7^Glucose^LN||5.5|mmol/L|||||F",
    "NTE|1||contrôle",
)


def test_a_result_of_single_values_is_not_judged_as_a_document():
    assert {place for _, place in found(RESULT)} == set()


def test_a_participant_stands_behind_the_document():
    early = letter().replace(b"TXA|", b"PRT||UC||SB^^participation\rTXA|", 1)

    assert found(early)["RLS-HL7-026", "PRT[1]"] == E


@pytest.mark.parametrize("raw", SOUND.values(), ids=SOUND.keys())
def test_a_sound_message_has_no_finding(raw):
    assert [str(one.issue) for one in judged(raw, STRICT).findings] == []


def flags(**changes):
    return {name: changes.get(name, value) for name, value in FLAGS.items()}


FAULTS = [
    (letter(orc="ORC|RO"), "RLS-HL7-046", "ORC-1", E),
    (letter("T04"), "RLS-HL7-046", "ORC-1", E),
    (letter(status="D"), "RLS-HL7-046", "OBX[1]-11", E),
    (letter("T10", orc="ORC|RO", status="C"), "RLS-HL7-020", "TXA-13", E),
    (letter(orc=""), "RLS-HL7-025", "ORC", E),
    (letter(obr="OBR|1|||11490-0^Lettre"), "RLS-HL7-020", "OBR-4.3", E),
    (letter(txa="TXA|1|11490-0|TEXT||||||||||||||AU"), "RLS-HL7-020", "TXA-12", E),
    (letter(txa="TXA|1|11490-0|TEXT|||||||||L7^^nowhere|||||AU"), "RLS-HL7-307", "TXA-12.3", E),
    (letter(header=msh("MDM^T02^MDM_T02")), "RLS-HL7-308", "MSH-21.2", W),
    (letter(obr="OBR|1|||18748-4^CR^LN"), "RLS-HL7-340", "TXA-2", E),
    (letter(obr="OBR|1|||18748-4^CR^LN"), "RLS-HL7-340", "OBX[1]-3", E),
    (letter(txa=TXA_13), "RLS-HL7-341", "TXA-13", W),
    (letter(flags={"MASQUE_PS": "N"}), "RLS-HL7-342", "OBX", E),
    (letter(flags=dict(reversed(FLAGS.items()))), "RLS-HL7-343", "OBX[3]-3", W),
    (letter(flags=flags(MASQUE_PS="?")), "RLS-HL7-047", "OBX[2]-5", E),
    (letter(participants=(RECIPIENT,)), "RLS-HL7-345", "PRT", E),
    (letter(participants=(SENDER,)), "RLS-HL7-345", "PRT", E),
    (letter(participants=(SENDER, "PRT||UC||RCT^^participation")), "RLS-HL7-346", "PRT[2]-15", E),
    (
        letter(participants=(SENDER, RECIPIENT.replace("|^^X.400", "||^^X.400"))),
        "RLS-HL7-347",
        "PRT[2]-16",
        W,
    ),
    (letter(participants=(SENDER.replace("990000001", "99000001"), RECIPIENT)), "RLS-HL7-307",
     "PRT[1]-8.10", W),
    (letter(participants=(SENDER.replace("IDNPS", "RPPS"), RECIPIENT)), "RLS-HL7-307",
     "PRT[1]-5.1", W),
    (letter(participants=(SENDER, RECIPIENT.replace("RCT", "XXX"))), "RLS-HL7-030", "PRT[2]-4", E),
    (letter(body=b"%PDF-1.7"), "RLS-CDA-001", "OBX[1]-5 byte 1", E),
    (letter(obr="OBR|1|||18748-4^CR^LN"), "RLS-HL7-349", "OBR-4", E),
    (letter(txa="TXA|1|11490-0|TEXT|||||||||1.2.250.1.999.1|||||AU"), "RLS-HL7-350", "TXA-12", E),
    (receipt("N"), "RLS-HL7-348", "ERR", E),
    (receipt("Y", "ERR|||207^Application error|E|X"), "RLS-HL7-348", "ERR", E),
    (answer("AE"), "RLS-HL7-348", "ERR", E),
    (answer("XX"), "RLS-HL7-030", "MSA-1", E),
]  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "code", "place", "severity"), FAULTS, ids=[f"{f[1]} {f[2]}" for f in FAULTS]
)
def test_a_fault_is_found_at_its_place(raw, code, place, severity):
    assert found(raw).get((code, place)) == severity


#: The rows of the volet: to both, to professionals, to the patient; and what is outside of them.
MATRIX = [
    ("to both", {"DESTMSSANTEPAT": "Y"}, True),
    ("to both, masked", {"DESTMSSANTEPAT": "Y", "MASQUE_PS": "Y"}, False),
    ("to both, invisible", {"DESTMSSANTEPAT": "Y", "INVISIBLE_PATIENT": "Y"}, False),
    ("to professionals, invisible", {"INVISIBLE_PATIENT": "Y"}, True),
    ("to professionals, masked", {"MASQUE_PS": "Y"}, False),
    ("to professionals, hidden from parents", {"INVISIBLE_REP_LEGAUX": "Y"}, False),
    (
        "to the patient",
        {"DESTMSSANTEPS": "N", "DESTMSSANTEPAT": "Y", "DESTDMP": "N", "MASQUE_PS": "Y"},
        True,
    ),
    ("to the patient and the DMP", {"DESTMSSANTEPS": "N", "DESTMSSANTEPAT": "Y"}, False),
    (
        "to the patient, secretly",
        {
            "DESTMSSANTEPS": "N",
            "DESTMSSANTEPAT": "Y",
            "DESTDMP": "N",
            "CONNEXION_SECRETE": "Y",
        },
        False,
    ),
]


@pytest.mark.parametrize(("changes", "sound"), [m[1:] for m in MATRIX], ids=[m[0] for m in MATRIX])
def test_flags_go_together_as_the_volet_says(changes, sound):
    assert (("RLS-HL7-344", "OBX") not in found(letter(flags=flags(**changes)))) is sound


def test_a_letter_by_mail_has_its_own_profile():
    header = with_msh(21, "1.1^CISIS_CDA_HL7_LPS", msh("MDM^T02^MDM_T02"))
    some = {name: "N" for name in FLAGS if not name.startswith(("DEST", "CONN"))}

    raw = letter(header=header, pv1="PV1|1|N", flags=some)

    assert found(raw, STRICT) == {}


@pytest.mark.field("FL-165")
@pytest.mark.parametrize("raw", [letter(status="D"), letter("T04", orc="ORC|CA", status="F")])
def test_requests_that_contradict_each_other_are_refused(raw):
    report = judged(raw)

    assert ("RLS-HL7-046", "OBX[1]-11") in found(raw)
    assert report.answer == "AE"


def test_the_type_of_the_message_is_compared_with_the_letter():
    raw = letter(obr="OBR|1|||34112-3^CR^LN", txa="TXA|1|34112-3|TEXT|||||||||L7^^1.2.250.1.999.1"
                 "^ISO|||||AU")  # fmt: skip

    assert found(raw)["RLS-HL7-349", "OBR-4"] == E


def test_a_number_that_is_none_is_told():
    result = er7(
        with_msh(21, "2.1^CISIS_CDA_HL7_V2", msh("ORU^R01^ORU_R01")),
        "PID|1||P0012^^^CHU-DEMO&990000001&M^PI||ESSAI^A^A^^^^L",
        "ORC|NW",
        "OBR|1|||11502-2^CR^LN",
        "OBX|1|NM|2345-7^Glucose^LN||Négatif||||||F",
    )
    [finding] = [f for f in judged(result).findings if f.issue.code == "RLS-HL7-029"]

    assert finding.issue.where == "OBX[1]-5"
    assert finding.repaired
    assert finding.layer is Layer.INTAKE


def test_every_kind_of_finding_is_shown_by_a_test():
    made = {one.code for one in vars(kinds).values() if isinstance(one, Kind)}
    shown = "".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "tests/unit/conformance").glob("test_*.py")
    )

    assert {code for code in made if code not in shown} == set()
