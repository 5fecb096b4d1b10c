"""What the inbox keeps of an input: who sent it, under which number, and its two hashes.

Does not read or judge the content. The canonical hash is equal for an honest resend: many
senders rebuild MSH-7 and MSH-13 when they send again, and some relays change line ends.
Standard: HL7 v2.5 2.14.9.
"""

import hashlib
from datetime import datetime

from gateway.core.messages import Header
from gateway.core.timestamps import TimestampError, parse_timestamp
from gateway.hl7v2.message import Message
from gateway.hl7v2.rawheader import RawHeader, header_of

#: Position of MSH-7 and MSH-13 when the line is split at MSH-1.
_MASKED = (6, 12)
#: Of a number in MSH-13; what is longer is none.
_DIGITS = 15
_BOM = b"\xef\xbb\xbf"


def header(raw: bytes, source: Message | RawHeader | None) -> Header:
    """Return the header of an input, readable or not.

    Args:
        raw: the bytes as received.
        source: what was read of them, or its MSH; None when nothing could be.
    """
    found = header_of(raw if source is None else source)
    return Header(
        sender=(found.component(3, 1), found.component(4, 1)),
        control_id=found.field(10),
        message_type=_message_type(found),
        raw_sha256=hashlib.sha256(raw).hexdigest(),
        canonical_sha256=canonical_sha256(raw),
        sent_at=_sent_at(found),
        number=_number(found),
    )


def canonical_sha256(raw: bytes) -> str:
    """Return the SHA-256 of the content, whatever its line ends, MSH-7 and MSH-13."""
    body = raw.removeprefix(_BOM).strip(b" \t\r\n\x0b")
    if b"\n" in body:
        body = body.replace(b"\r\n", b"\r").replace(b"\n", b"\r")
    line, end, rest = body.partition(b"\r")
    digest = hashlib.sha256()
    if line.startswith(b"MSH") and len(line) > 3:
        separator = line[3:4]
        fields = line.split(separator)
        for position in _MASKED:
            if position < len(fields):
                fields[position] = b""
        # A header that ends before MSH-13 and one with an empty MSH-13 are the same.
        line = separator.join(fields).rstrip(separator)
    digest.update(line)
    digest.update(end)
    digest.update(rest)
    return digest.hexdigest()


def _message_type(found: RawHeader) -> str:
    kind, trigger = found.component(9, 1).upper(), found.component(9, 2).upper()
    return f"{kind}^{trigger}" if trigger else kind


def _number(found: RawHeader) -> int | None:
    text = found.field(13).strip()
    # NM of HL7; 0 and -1 ask to begin anew, and begin here too (HL7 v2.5 2.10.1).
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS else None


def _sent_at(found: RawHeader) -> datetime | None:
    text = found.component(7, 1)
    if not text:
        return None
    try:
        return parse_timestamp(text).bounds_utc()[0]
    except TimestampError:
        # The inbox takes any input; whether MSH-7 is acceptable is told by `hl7v2.intake`.
        return None
