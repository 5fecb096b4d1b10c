"""What was pasted becomes the bytes a sender would send, and is told by its content."""

import pytest

from gateway.core.errors import RejectedError
from gateway.entry.bench.inputs import FILE_LIMIT, TEXT_LIMIT, Kind, bytes_of, kind_of, opened
from gateway.hl7v2.reader import read

HEAD = "MSH|^~\\&|GAM|CHU|RELAIS|R|20260302080000||ADT^A01^ADT_A01|1|T|2.5"
CDA = '<ClinicalDocument xmlns="urn:hl7-org:v3"/>'


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"], ids=["box", "unix", "sender"])
def test_a_pasted_message_gets_back_its_carriage_returns(end: str) -> None:
    assert bytes_of(f"{HEAD}{end}PID|1{end}") == f"{HEAD}\rPID|1\r".encode()


@pytest.mark.parametrize(
    ("charset", "codec"),
    [("8859/1", "latin-1"), ("UNICODE UTF-8", "utf-8"), ("8859/15", "iso8859-15"), ("", "utf-8")],
)
def test_a_pasted_message_is_written_as_its_header_says(charset: str, codec: str) -> None:
    text = f"{HEAD}||||||{charset}\rPID|1||1||LÉVÊQUE\r"

    made = bytes_of(text)

    assert made == text.encode(codec)
    assert "LÉVÊQUE" in made.decode(read(made).charset)


def test_signs_the_declared_charset_does_not_have_are_kept() -> None:
    text = f"{HEAD}||||||8859/1\rPID|1||1||ŁUKASZ\r"

    assert bytes_of(text) == text.encode()


@pytest.mark.parametrize(
    ("declared", "codec"),
    [("ISO-8859-1", "latin-1"), ("utf-8", "utf-8"), ("UTF-16", "utf-16"), ("rot13", "utf-8")],
)
def test_a_pasted_document_is_written_as_it_declares(declared: str, codec: str) -> None:
    text = f'<?xml version="1.0" encoding="{declared}"?><a>é</a>'

    assert bytes_of(text) == text.encode(codec)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (HEAD.encode(), Kind.HL7),
        (b"\xef\xbb\xbf" + HEAD.encode(), Kind.HL7),
        (b"nothing we know", Kind.HL7),
        (CDA.encode(), Kind.CDA),
        (f"\ufeff\n{CDA}".encode(), Kind.CDA),
        (CDA.encode("utf-16"), Kind.CDA),
        (b'<ADT_A01 xmlns="urn:hl7-org:v2xml"/>', Kind.HL7),
        (b'{"resourceType": "Patient"}', Kind.FHIR),
        (b'<Patient xmlns="http://hl7.org/fhir"/>', Kind.FHIR),
    ],
    ids=["er7", "bom", "other", "cda", "cda-bom", "utf-16", "v2xml", "json", "fhir-xml"],
)
def test_an_input_is_told_by_its_content(body: bytes, kind: Kind) -> None:
    assert kind_of(body) is kind


def test_a_batch_gives_its_messages_and_what_its_counts_say() -> None:
    body = f"BHS|^~\\&\r{HEAD}\rPID|1\r{HEAD}\rPID|2\rBTS|3\r".encode()

    found = opened(body)

    assert [message.count(b"MSH|") for message in found.messages] == [1, 1]
    assert [issue.code for issue in found.issues] == ["RLS-HL7-017"]


@pytest.mark.parametrize("body", [b"", b" \r\n\t", b"\x0b\x1c\r", b"BHS|^~\\&\rBTS|0\r"])
def test_nothing_is_told_as_nothing(body: bytes) -> None:
    with pytest.raises(RejectedError) as refused:
        opened(body)

    assert [issue.code for issue in refused.value.issues] == ["RLS-WEB-120"]


def test_what_is_too_large_is_refused_before_it_is_read() -> None:
    with pytest.raises(RejectedError) as file:
        opened(b"x" * (FILE_LIMIT + 1))
    with pytest.raises(RejectedError) as text:
        bytes_of("x" * (TEXT_LIMIT + 1))

    assert [e.value.issues[0].code for e in (file, text)] == ["RLS-WEB-121", "RLS-WEB-121"]
