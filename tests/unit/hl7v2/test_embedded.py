"""Documents whose type is not told, and documents in pieces."""

from base64 import b64encode

import pytest

from gateway.core.errors import RejectedError
from gateway.hl7v2 import envelope
from gateway.hl7v2.reader import read
from tests.unit.hl7v2.compose import er7, msh

CDA = b"<?xml version='1.0'?><ClinicalDocument>" + b"text " * 40 + b"</ClinicalDocument>"
PDF = b"%PDF-1.7 " + b"page " * 20


def encoded(data: bytes) -> str:
    return b64encode(data).decode()


def obx(number: int, text: str, told: str = "^TEXT^XML^Base64^", code: str = "34112-3") -> str:
    return f"OBX|{number}|ED|{code}^CR^LN||{told}{text}||||||F"


def message(*lines: str, kind: str = "MDM^T02^MDM_T02"):
    return read(er7(msh(kind), "PID|||1", "ORC|NW", "OBR|1|||34112-3^CR^LN", *lines))


def refusal(found, *, lenient: bool = True) -> tuple[str, str, int]:
    with pytest.raises(RejectedError) as caught:
        envelope.documents(found, lenient=lenient)
    issue = caught.value.issues[0]
    return issue.code, issue.where, issue.hl7_code


@pytest.mark.field("FL-158")
@pytest.mark.parametrize(("data", "kind"), [(CDA, "XML"), (PDF, "PDF"), (b"PK\x03\x04.", "ZIP")])
def test_a_document_whose_type_is_not_told_is_what_its_bytes_are(data, kind):
    [document] = envelope.documents(message(obx(1, encoded(data), "^^^^")))

    assert (document.body, document.format_hint) == (data, kind)
    assert document.flags == ("ed-incomplete",)


@pytest.mark.field("FL-158")
def test_a_strict_site_wants_the_type_told():
    bare = message(obx(1, encoded(CDA), "^^^^"))

    assert refusal(bare, lenient=False) == ("RLS-HL7-020", "OBX[1]-5.2", 101)


def pieces(data: bytes, *sizes: int) -> list[str]:
    text, found = encoded(data), []
    for size in sizes:
        found.append(text[:size])
        text = text[size:]
    return [*found, text]


@pytest.mark.field("FL-161")
@pytest.mark.parametrize("kind", ["MDM^T02^MDM_T02", "ORU^R01^ORU_R01"])
@pytest.mark.parametrize("sizes", [(60,), (61,), (40, 80), (4, 4, 4)])
def test_a_document_in_pieces_is_put_together(kind, sizes):
    lines = [obx(number, text) for number, text in enumerate(pieces(CDA, *sizes), start=1)]

    [document] = envelope.documents(message(*lines, kind=kind))

    assert (document.body, document.place) == (CDA, "OBX[1]-5")
    assert document.flags == ("document-joined",)


@pytest.mark.field("FL-161")
def test_pieces_of_which_an_earlier_one_is_padded_are_refused():
    first, last = CDA[:70], CDA[70:]
    assert encoded(first).endswith("=")

    found = message(obx(1, encoded(first)), obx(2, encoded(last)))

    assert refusal(found) == ("RLS-HL7-043", "OBX[1]-5.5", 102)


def test_pieces_that_do_not_make_a_whole_are_refused():
    first, last = pieces(CDA, 61)

    assert refusal(message(obx(1, first), obx(2, last[:-3])))[:1] == ("RLS-HL7-043",)


def test_two_whole_documents_are_no_pieces():
    two = [obx(1, encoded(CDA)), obx(2, encoded(CDA))]

    assert refusal(message(*two))[:1] == ("RLS-HL7-042",)
    assert len(envelope.documents(message(*two, kind="ORU^R01^ORU_R01"))) == 2


def test_a_strict_site_gets_nothing_put_together():
    first, last = pieces(CDA, 60)

    assert refusal(message(obx(1, first), obx(2, last)), lenient=False)[0] == "RLS-HL7-042"


def test_pieces_of_another_kind_are_other_documents():
    first, last = pieces(CDA, 60)

    assert refusal(message(obx(1, first), obx(2, last, code="11488-4")))[0] == "RLS-HL7-042"
