"""The header of an input that may be no readable message: what an answer and the inbox need.

Does not read the message (`hl7v2.reader`) and never fails. Standard: HL7 v2.5 2.14.9.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.hl7v2.charset import codec_of, decode_mixed
from gateway.hl7v2.message import Message
from gateway.hl7v2.separators import STANDARD, Separators, parse_separators

#: How far into the bytes a header is looked for, and how long it may be.
_REACH = 8192

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffe\uffff]")
_XML_CONTROL_ID = re.compile(rb"<MSH\.10>\s*([^<]{1,199}?)\s*</MSH\.10>")


@dataclass(frozen=True, slots=True)
class RawHeader:
    """The fields of MSH as text that is safe to echo.

    Attributes:
        separators: of the input, or the standard ones when it has none.
        fields: raw fields as sent, index = HL7 number; may be short.
        codec: the Python codec an answer is written in.
    """

    separators: Separators
    fields: Sequence[str]
    codec: str

    def field(self, number: int) -> str:
        """Return a raw field without control characters, empty when absent."""
        return _safe(self.fields[number]).strip() if number < len(self.fields) else ""

    def component(self, number: int, component: int) -> str:
        """Return a raw component of the first repetition, empty when absent."""
        first = self.field(number).split(self.separators.repetition)[0]
        parts = first.split(self.separators.component)
        return parts[component - 1].strip() if component <= len(parts) else ""


def header_of(source: Message | RawHeader | bytes) -> RawHeader:
    """Return the header of a message, or what can be recovered of one from bytes."""
    if isinstance(source, RawHeader):
        return source
    if isinstance(source, Message):
        msh = source.first("MSH")
        fields = msh.fields if msh else []
        codec = codec_of(fields[18].strip()) if len(fields) > 18 else None
        return RawHeader(source.separators, fields, codec or source.charset)
    return _recover(source)


def _recover(raw: bytes) -> RawHeader:
    head = raw[:_REACH]
    codec = ""
    if b"M\0S\0H" in head or b"\0M\0S\0H" in head:
        # UTF-16 of a header is ASCII with NUL between: enough for an answer, in ASCII.
        head, codec = head.replace(b"\0", b""), "ascii"
    xml_id = _XML_CONTROL_ID.search(head)
    if xml_id:
        text = xml_id[1].decode("ascii", "replace")
        return RawHeader(STANDARD, ("MSH", *[""] * 9, text), "utf-8")
    begin = head.find(b"MSH")
    if begin < 0 or head.lstrip()[:3] in (b"FHS", b"BHS"):
        return RawHeader(STANDARD, (), "utf-8")
    line = re.split(rb"[\r\n]", head[begin:], maxsplit=1)[0]
    field = line[3:4].decode("latin-1")
    msh_2 = line[4:12].decode("latin-1").split(field)[0] if field else ""
    parsed = parse_separators(field, msh_2) if field else None
    if parsed is None:
        return RawHeader(STANDARD, (), "utf-8")
    separators = parsed[0]
    parts = line.split(field.encode("ascii"))
    name = parts[17].decode("ascii", "ignore").split(separators.repetition)[0] if parts[17:] else ""
    codec = codec or codec_of(name.strip()) or "utf-8"
    fields = [decode_mixed(part, codec) for part in parts]
    return RawHeader(separators, ("MSH", field, *fields[1:]), codec)


def _safe(text: str) -> str:
    """Remove what would break the frame of an answer."""
    return text if text.isprintable() else _CONTROLS.sub("", text)
