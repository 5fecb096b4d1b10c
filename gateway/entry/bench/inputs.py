"""What somebody pasted or dropped: its bytes as a sender would send them, and what it is.

A text box gives text with line ends of its own; a sender gives bytes. What the box changed is put
back here, so that nobody reads findings about their browser. Files stay byte for byte.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from gateway.core.errors import RejectedError
from gateway.core.issues import Issue, Severity
from gateway.core.messages import Channel
from gateway.hl7v2.batch import is_batch, open_batch
from gateway.hl7v2.charset import declaration

#: Bytes of a pasted text, and of a file (security: bounded inputs).
TEXT_LIMIT, FILE_LIMIT = 2 * 2**20, 32 * 2**20
_XML_ENCODING = re.compile(
    r"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,20})["']"""
)
#: Encodings an XML declaration may ask a pasted text to be written in.
_XML_CODECS = {
    "utf-8": "utf-8", "us-ascii": "ascii", "iso-8859-1": "latin-1", "iso-8859-15": "iso8859-15",
    "windows-1252": "cp1252", "utf-16": "utf-16",
}  # fmt: skip
_BLANK = b"\xef\xbb\xbf\r\n\t \x0b"


class Kind(StrEnum):
    """What an input is, told by its content."""

    HL7 = "hl7v2"
    CDA = "cda"
    FHIR = "fhir"


@dataclass(frozen=True, slots=True)
class Input:
    """One input.

    Attributes:
        body: its bytes.
        kind: what it is.
        messages: of a batch, each message; of anything else, the body alone.
        issues: what the counts of a batch say against its content.
    """

    body: bytes
    kind: Kind
    messages: tuple[bytes, ...]
    issues: tuple[Issue, ...] = ()


def channel_of(body: bytes) -> Channel:
    """Return the door an input would come by: an XML document is a CDA, the rest HL7 v2.

    HL7 v2 may be written as XML too (`urn:hl7-org:v2xml`); it stays HL7 v2, which refuses it.
    """
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return Channel.CDA
    is_xml = body.lstrip(_BLANK).startswith(b"<") and b"urn:hl7-org:v2xml" not in body[:2048]
    return Channel.CDA if is_xml else Channel.HTTP


def kind_of(body: bytes) -> Kind:
    """Tell what an input is by its content."""
    if channel_of(body) is Channel.CDA:
        return Kind.FHIR if b"http://hl7.org/fhir" in body[:2048] else Kind.CDA
    return Kind.FHIR if body.lstrip(_BLANK).startswith(b"{") else Kind.HL7


def opened(body: bytes) -> Input:
    """Open an input; a batch gives its messages.

    Raises:
        RejectedError: nothing was given (RLS-WEB-120), it is too large (RLS-WEB-121), or it is a
            batch without any message (RLS-WEB-120).
    """
    if not body.strip(_BLANK + b"\x00\x1c"):
        raise RejectedError([nothing_given()])
    if len(body) > FILE_LIMIT:
        raise RejectedError([too_large(FILE_LIMIT)])
    kind = kind_of(body)
    if kind is not Kind.HL7 or not is_batch(body):
        return Input(body, kind, (body,))
    batch = open_batch(body)
    if not batch.messages:
        raise RejectedError([nothing_given()])
    return Input(body, kind, batch.messages, batch.issues)


def bytes_of(text: str) -> bytes:
    """Return a pasted text as the bytes a sender would send.

    HL7 v2 gets back its carriage returns, and the character set that MSH-18 names, where it has
    every sign of the text; XML the encoding of its declaration. Everything else is UTF-8.

    Raises:
        RejectedError: it is too large (RLS-WEB-121).
    """
    if len(text) > TEXT_LIMIT:
        raise RejectedError([too_large(TEXT_LIMIT)])
    if text.lstrip("\ufeff\r\n\t \x0b").startswith(("<", "{")):
        found = _XML_ENCODING.match(text.lstrip("\ufeff"))
        return _written(text, _XML_CODECS.get(found[1].lower(), "utf-8") if found else "utf-8")
    lines = text.replace("\r\n", "\r").replace("\n", "\r")
    return _written(lines, _declared(lines))


def _declared(lines: str) -> str:
    """Return the codec MSH-18 names, UTF-8 where it names none."""
    head = lines[lines.find("MSH") :].partition("\r")[0]
    if not head.startswith("MSH") or len(head) < 8:
        return "utf-8"
    fields = ["MSH", head[3], *head[4:].split(head[3])]
    codecs = declaration(fields, head[5]).codecs
    return codecs[0] if codecs else "utf-8"


def _written(text: str, codec: str) -> bytes:
    try:
        return text.encode(codec)
    except UnicodeError:
        return text.encode("utf-8", "replace")


def nothing_given() -> Issue:
    """Say that there is no input."""
    return Issue(
        code="RLS-WEB-120",
        severity=Severity.ERROR,
        where="http.body text",
        what="there is no message and no document.",
        fix="Paste a message that begins with MSH, or a CDA document, or choose a file.",
    )


def too_large(limit: int) -> Issue:
    """Say that an input is too large for the workbench."""
    return Issue(
        code="RLS-WEB-121",
        severity=Severity.ERROR,
        where="http.body",
        what=f"the input is larger than {limit // 2**20} MiB.",
        fix="Choose it as a file rather than pasting it (32 MiB at most), or use `relais convert`.",
    )
