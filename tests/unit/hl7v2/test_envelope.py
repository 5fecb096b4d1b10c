"""Documents carried in MDM and ORU, their request, ids and flags."""

import base64

import pytest

from gateway.core.errors import RejectedError
from gateway.hl7v2 import envelope
from gateway.hl7v2.message import Message
from gateway.hl7v2.reader import read
from tests.unit.hl7v2.compose import EVN, PID, PV1, er7, msh

BODY = b"<ClinicalDocument>\n\xc3\xa9t\xc3\xa9</ClinicalDocument>>"
DATA = base64.b64encode(BODY).decode()


def obx(data: str = DATA, *, number: int = 1, status: str = "F", encoding: str = "Base64") -> str:
    """Return a document OBX."""
    return f"OBX|{number}|ED|11502-2^CR^LN||^text^xml^{encoding}^{data}||||||{status}"


def flag(name: str, value: str, number: int = 2) -> str:
    """Return a flag OBX."""
    return f"OBX|{number}|CWE|{name}^Texte^MetaDMPMSS||{value}^^expandedYes-NoIndicator||||||F"


def txa(document: str = "1.2.250.1.999.1", parent: str = "") -> str:
    """Return a TXA."""
    return f"TXA|1|11502-2|TEXT|20261120||||||||{document}|{parent}||||AU"


def mdm(*segments: str, event: str = "T02", control: str = "NW", ids: str = txa()) -> Message:
    """Return a document message."""
    header = msh(f"MDM^{event}^MDM_T02")
    return read(er7(header, EVN, PID, PV1, f"ORC|{control}", "OBR|1", ids, *segments))


def oru(*segments: str, control: str = "NW") -> Message:
    """Return a result message."""
    return read(er7(msh("ORU^R01^ORU_R01"), PID, PV1, f"ORC|{control}", "OBR|1", *segments))


def refusal(message: Message) -> tuple[str, str, int]:
    """Return code, place and condition of the only issue."""
    with pytest.raises(RejectedError) as caught:
        envelope.documents(message)
    (issue,) = caught.value.issues
    return issue.code, issue.where, issue.hl7_code


def test_a_document_is_decoded():
    (document,) = envelope.documents(mdm(obx(), flag("DESTDMP", "Y")))

    assert (document.place, document.body) == ("OBX[1]-5", BODY)
    assert (document.format_hint, document.flags) == ("XML", ())


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(DATA[:20] + r"\.br\ "[:-1] + DATA[20:], id="line break command"),
        pytest.param(DATA[:20] + r"\X0D\\X0A\ "[:-1] + DATA[20:], id="escaped line end"),
        pytest.param(DATA[:20] + " " + DATA[20:40] + "  " + DATA[40:], id="blanks"),
        pytest.param(DATA[:20] + "\n" + DATA[20:], id="raw line feed"),
        pytest.param(DATA[:20] + "\r" + DATA[20:], id="raw carriage return"),
        pytest.param(f" {DATA} ", id="blanks around"),
    ],
)
@pytest.mark.field("FL-156")
def test_wrapped_base64_is_decoded(data):
    (document,) = envelope.documents(mdm(obx(data)))

    assert document.body == BODY


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(DATA[:-3], id="length one more than a multiple of four"),
        pytest.param(DATA + "AAAA", id="data behind the padding"),
        pytest.param(DATA + "=", id="padding too long"),
        pytest.param(DATA[:8] + "=" + DATA[8:], id="padding inside"),
        pytest.param(DATA[:8] + "*" + DATA[9:], id="foreign character"),
        pytest.param("é" + DATA, id="not ASCII"),
        pytest.param("QUJDRF", id="cut in the middle of a byte"),
        pytest.param("====", id="padding only"),
    ],
)
@pytest.mark.field("FL-157")
def test_dirty_base64_is_refused(data):
    assert refusal(mdm(obx(data))) == ("RLS-HL7-043", "OBX[1]-5.5", 102)


@pytest.mark.field("FL-157")
def test_the_alphabet_for_addresses_is_repaired():
    data = base64.urlsafe_b64encode(b"\xfb\xef\xbe~\xff?").decode()
    assert "-" in data

    (document,) = envelope.documents(mdm(obx(data)))

    assert (document.body, document.flags) == (b"\xfb\xef\xbe~\xff?", ("base64-urlsafe",))


@pytest.mark.parametrize("body", [b"<a/>", b"<ab/>"])
def test_missing_padding_is_repaired(body):
    data = base64.b64encode(body).decode()
    assert data.endswith("=")

    (document,) = envelope.documents(mdm(obx(data.rstrip("="))))

    assert (document.body, document.flags) == (body, ("base64-padding",))


def test_an_mdm_without_document_is_refused():
    assert refusal(mdm(flag("DESTDMP", "Y"))) == ("RLS-HL7-040", "OBX-5", 101)


def test_an_empty_document_is_refused():
    assert refusal(mdm(obx(""))) == ("RLS-HL7-041", "OBX[1]-5.5", 101)


def test_a_second_document_in_an_mdm_is_refused():
    assert refusal(mdm(obx(), obx(number=2))) == ("RLS-HL7-042", "OBX[2]", 198)


def test_another_encoding_is_refused():
    assert refusal(mdm(obx(encoding="Hex"))) == ("RLS-HL7-044", "OBX[1]-5.4", 103)


POINTER = "OBX|1|RP|11502-2^CR^LN||https://x.example/a^APP^TEXT^XML||||||F"


@pytest.mark.field("FL-162")
@pytest.mark.parametrize("flag_name", ["DESTDMP", "DESTMSSANTEPS", "DESTMSSANTEPAT"])
def test_a_document_that_is_to_be_sent_on_must_be_there(flag_name):
    assert refusal(mdm(POINTER, flag(flag_name, "Y"))) == ("RLS-HL7-045", "OBX[1]-5", 207)


@pytest.mark.field("FL-162")
def test_a_strict_site_wants_the_document_itself():
    with pytest.raises(RejectedError) as caught:
        envelope.documents(mdm(POINTER), lenient=False)

    assert caught.value.issues[0].code == "RLS-HL7-045"


@pytest.mark.field("FL-162")
def test_a_document_that_is_only_pointed_to_has_no_bytes():
    assert envelope.documents(mdm(POINTER, flag("DESTDMP", "N"))) == []
    assert [obx.ordinal for obx in envelope.pointers(mdm(POINTER))] == [1]


def test_an_oru_may_carry_two_documents_or_none():
    both = envelope.documents(oru(obx(), flag("DESTDMP", "Y"), obx(number=3)))
    none = envelope.documents(oru("OBX|1|NM|2823-3^K^LN||4.1||||||F", control="RE"))

    assert [document.place for document in both] == ["OBX[1]-5", "OBX[3]-5"]
    assert none == []


def test_the_text_of_a_mail_is_no_document():
    body = "OBX|3|ED|CORPSMAIL_PS^Corps^MetaDMPMSS||^text^^Base64^QQ==||||||F"
    mail = "OBX|2|ED|1^XDM/1.0/DDM+CR du 20||^text^^Base64^QQ==||||||F"

    (document,) = envelope.documents(mdm(obx(), mail, body))

    assert document.place == "OBX[1]-5"


@pytest.mark.parametrize(
    ("event", "control", "status"), [("T02", "NW", "F"), ("T10", "RO", "C"), ("T04", "CA", "D")]
)
def test_a_consistent_request_is_accepted(event, control, status):
    message = mdm(obx(status=status), event=event, control=control)

    assert envelope.consistency_issues(message) == []


@pytest.mark.parametrize(
    ("event", "control", "status", "where"),
    [
        ("T02", "RO", "F", "ORC-1"),
        ("T02", "NW", "C", "OBX[1]-11"),
        ("T10", "RO", "F", "OBX[1]-11"),
        ("T10", "NW", "C", "ORC-1"),
        ("T04", "CA", "F", "OBX[1]-11"),
    ],
)
def test_a_request_that_contradicts_itself_is_refused(event, control, status, where):
    message = mdm(obx(status=status), event=event, control=control)

    assert refusal(message) == ("RLS-HL7-046", where, 207)


def test_order_control_and_status_of_a_result_agree():
    assert refusal(oru(obx(status="C"))) == ("RLS-HL7-046", "OBX[1]-11", 207)
    assert envelope.consistency_issues(oru(obx(status="C"), control="RE")) == []


@pytest.mark.parametrize(
    ("message", "request_"),
    [
        (mdm(obx()), envelope.Request.ADD),
        (mdm(obx(), event="T10"), envelope.Request.REPLACE),
        (mdm(obx(), event="T04"), envelope.Request.DELETE),
        (oru(obx(), control="RO"), envelope.Request.REPLACE),
        (oru(obx(), control="RE"), envelope.Request.ADD),
    ],
)
def test_the_request_is_told(message, request_):
    assert envelope.request(message) is request_


@pytest.mark.parametrize(
    ("sent", "normal"),
    [
        ("1.2.250.1.999.1", "1.2.250.1.999.1"),
        ("1.2.250.1.999.1^Organisation-Y", "1.2.250.1.999.1"),
        ("1.2.250.1.999.1^^^", "1.2.250.1.999.1"),
        ("2026-77^^1.2.250.1.999^ISO", "1.2.250.1.999^2026-77"),
        ("2026-77^CHU^1.2.250.1.999^ISO", "1.2.250.1.999^2026-77"),
        ("^^1.2.250.1.999.1^ISO", "1.2.250.1.999.1"),
        ("urn:oid:1.2.250.1.999.1", "1.2.250.1.999.1"),
        ("local-77", "local-77"),
        ("", ""),
    ],
)
def test_ids_have_one_form(sent, normal):
    message = mdm(obx(), ids=txa(sent, sent))

    assert envelope.document_id(message) == envelope.parent_id(message) == normal


def test_a_result_has_no_document_id():
    assert envelope.document_id(oru(obx())) == ""


def test_flags_are_read_in_any_order():
    message = mdm(flag("DESTDMP", "N"), obx(number=2), flag("masque_ps", "y", 3))

    assert envelope.flags(message) == {"DESTDMP": False, "MASQUE_PS": True}


def test_masks_become_labels():
    message = mdm(
        obx(),
        flag("INVISIBLE_REP_LEGAUX", "Y", 2),
        flag("MASQUE_PS", "Y", 3),
        flag("INVISIBLE_PATIENT", "N", 4),
        flag("DESTDMP", "Y", 5),
    )

    assert envelope.labels(message) == ("MASQUE_PS", "INVISIBLE_REPRESENTANTS_LEGAUX")


@pytest.mark.parametrize("value", ["", "O", "oui", '""'])
def test_a_mask_that_is_not_understood_is_refused(value):
    with pytest.raises(RejectedError) as caught:
        envelope.labels(mdm(obx(), flag("MASQUE_PS", value)))

    (issue,) = caught.value.issues
    assert (issue.code, issue.where, issue.hl7_code) == ("RLS-HL7-047", "OBX[2]-5", 103)


def test_a_mask_sent_twice_must_agree_with_itself():
    twice = mdm(obx(), flag("MASQUE_PS", "Y", 2), flag("MASQUE_PS", "Y", 3))
    assert envelope.labels(twice) == ("MASQUE_PS",)

    with pytest.raises(RejectedError) as caught:
        envelope.labels(mdm(obx(), flag("MASQUE_PS", "Y", 2), flag("MASQUE_PS", "N", 3)))

    (issue,) = caught.value.issues
    assert (issue.code, issue.where, issue.hl7_code) == ("RLS-HL7-048", "OBX[3]-5", 198)
