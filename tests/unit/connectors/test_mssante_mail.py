"""The mail of one document: headers, names, the same bytes each time."""

import email.header
import io
import re
import zipfile
from base64 import b64encode
from dataclasses import replace
from email import message_from_bytes, policy

import pytest

from gateway.connectors.mssante_mail import Mail, build
from gateway.core.errors import RejectedError
from gateway.simulation.mail_checks import findings
from tests.support.mail import CONCEPTMAPS, DOCTOR, SENDER, delivery, letter

#: Two hundred characters with accents and a typographic apostrophe.
LONG = "Lettre de liaison à la sortie d’hospitalisation de chirurgie viscérale et digestive, " * 3


def made(body: bytes | None = None, to: str = DOCTOR, **details) -> Mail:
    return build(delivery(body or letter(), to, **details), SENDER, CONCEPTMAPS)


def parsed(mail: Mail):
    return message_from_bytes(mail.data, policy=policy.default)


def titled(title: str) -> bytes:
    text = letter().decode()
    return re.sub(r"<title>.*?</title>", f"<title>{title}</title>", text, count=1).encode()


def attachment_names(mail: Mail) -> list[str]:
    return [part.get_filename() for part in parsed(mail).iter_attachments()]


def test_two_attempts_have_the_same_bytes_and_message_id():
    first, second = made(), made()

    assert first.data == second.data
    assert first.message_id == f"<{delivery(b'').item.key}@app.mssante.example>"


def test_the_second_reading_finds_nothing_wrong():
    assert findings(made().data) == []


def test_subject_gives_document_person_and_birth_date():
    assert parsed(made())["Subject"] == (
        "XDM/1.0/DDM+Lettre de liaison à la sortie PAT-MOUETTE PAULINE 05/03/1954"
    )


def test_a_replacement_says_so_first():
    subject = parsed(made(replaces=True))["Subject"]

    assert subject.startswith("[Annule et remplace] XDM/1.0/DDM+")


@pytest.mark.field("FL-256")
def test_a_long_subject_is_read_the_same_by_two_parsers():
    mail = made(titled(LONG[:200]))

    strict = parsed(mail)["Subject"]
    raw = message_from_bytes(mail.data)["Subject"]
    loose = str(email.header.make_header(email.header.decode_header(raw)))
    assert strict == loose
    assert strict.startswith("XDM/1.0/DDM+Lettre de liaison à la sortie d’hospitalisation")
    assert findings(mail.data) == []


@pytest.mark.field("FL-257")
def test_the_pdf_has_a_short_plain_name_and_its_full_one():
    mail = made(titled("CR de séance D’ARTAGNAN, suite de la consultation du mois de décembre"))

    shown = mail.data.decode("ascii")
    [plain] = re.findall(r'filename="([^"]+\.pdf)"', shown)
    assert len(plain) <= 60
    assert re.fullmatch(r"[A-Za-z0-9_.]+", plain)
    assert "filename*=utf-8''20260123_CR_de_s%C3%A9ance_D%E2%80%99ARTAGNAN" in shown
    assert attachment_names(mail)[0] == "IHE_XDM.zip"


@pytest.mark.field("FL-264")
def test_x_mss_headers_come_from_the_packed_document():
    mail = parsed(made(**{"X-MSS-CODECDA": "1-1", "type_code": "1-1"}))

    assert (mail["X-MSS-CODECDA"], mail["X-MSS-INS"]) == ("11490-0", "O")


def test_an_untrusted_ins_never_leaves():
    with pytest.raises(RejectedError) as caught:
        made(ins_trusted=False)

    assert caught.value.issues[0].code == "RLS-MSS-002"


def test_a_document_without_ins_is_filed_under_the_local_number():
    body = re.sub(rb'<id root="1\.2\.250\.1\.213\.1\.4\.10" [^>]*/>', b"", letter())

    mail = made(body, ins_trusted=False)

    assert parsed(mail)["X-MSS-INS"] == "N"
    assert "0040000003^^^&amp;2.999.1.990004004.1&amp;ISO^PI" in metadata(mail)


def metadata(mail: Mail) -> str:
    with zipfile.ZipFile(io.BytesIO(mail.archive)) as archive:
        return archive.read("IHE_XDM/SUBSET01/METADATA.XML").decode()


@pytest.mark.parametrize(
    ("kind", "to", "expected"),
    [
        ("patient", "254039902200377@patient.mssante.fr", "FIN"),
        ("professional", DOCTOR, None),
    ],
)
def test_only_patients_are_told_that_they_may_not_answer(kind, to, expected):
    assert parsed(made(to=to, kind=kind, final=True))["X-MSS-MES"] == expected


@pytest.mark.parametrize(("asked", "expected"), [(True, f"<{SENDER.address}>"), (False, None)])
def test_a_receipt_of_reading_is_asked_for_when_the_sender_wants_it(asked, expected):
    assert parsed(made(read_receipt=asked))["Disposition-Notification-To"] == expected


@pytest.mark.field("FL-274")
@pytest.mark.parametrize(
    "details",
    [
        {"reply_to": "a@b.example\r\nBcc: c@d.example"},
        {"to": "a@b.example\nBcc: c@d.example"},
    ],
    ids=["reply", "recipient"],
)
def test_an_address_adds_no_header(details):
    row = delivery(letter())
    row = replace(row, item=replace(row.item, details={**row.item.details, **details}))

    with pytest.raises(RejectedError) as caught:
        build(row, SENDER, CONCEPTMAPS)

    assert caught.value.issues[0].code == "RLS-MSS-004"


@pytest.mark.field("FL-274")
def test_a_name_with_a_line_end_adds_no_header():
    mail = made(titled("Lettre&#13;&#10;Bcc: c@d.example"))

    assert parsed(mail)["Bcc"] is None
    assert "Bcc: c@d.example" in parsed(mail)["Subject"]


@pytest.mark.field("FL-274")
def test_a_control_character_in_the_name_of_the_service_is_refused():
    with pytest.raises(RejectedError) as caught:
        build(delivery(letter()), replace(SENDER, name="A\r\nBcc: x@y.example"), CONCEPTMAPS)

    assert caught.value.issues[0].code == "RLS-MSS-003"


def test_a_key_that_is_no_hash_is_refused():
    row = delivery(letter())
    row = replace(row, item=replace(row.item, key="sub/1:2"))

    with pytest.raises(RejectedError) as caught:
        build(row, SENDER, CONCEPTMAPS)

    assert caught.value.issues[0].code == "RLS-MSS-040"


def test_a_header_without_patient_cannot_be_packed():
    body = re.sub(rb"<patientRole><id [^>]*/><id [^>]*/>", b"<patientRole>", letter())

    with pytest.raises(RejectedError) as caught:
        made(body)

    [issue] = caught.value.issues
    assert (issue.code, issue.where) == ("RLS-MSS-001", "recordTarget/patientRole/id")


def test_a_header_with_holes_is_packed_and_the_holes_are_told():
    body = re.sub(rb"<healthCareFacility>.*?</healthCareFacility>", b"", letter())

    assert made(body).lacks == ("healthcareFacilityTypeCode",)


def test_the_words_of_the_sender_are_the_text_of_the_mail():
    mail = parsed(made(text="Cher confrère,\nvoici la lettre."))

    assert mail.get_body().get_content() == "Cher confrère,\nvoici la lettre."


def test_a_level_one_pdf_is_attached_as_it_is():
    pdf = b"%PDF-1.4 own"
    body = re.sub(
        rb"<component><structuredBody>.*</structuredBody></component>",
        b'<component><nonXMLBody><text mediaType="application/pdf" representation="B64">'
        + b64encode(pdf) + b"</text></nonXMLBody></component>",
        letter(), flags=re.DOTALL,
    )  # fmt: skip

    [_, shown] = parsed(made(body)).iter_attachments()
    assert shown.get_content() == pdf
