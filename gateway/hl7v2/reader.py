"""Read the bytes of one ER7 message.

Does not judge the content (`hl7v2.intake`) nor map it. Standard: HL7 v2.5 2.5 to 2.7; the repairs
are those a sender in the field makes necessary, each with a flag, and refused when not lenient.
"""

import re

from gateway.core.errors import RejectedError
from gateway.core.issues import Issue
from gateway.hl7v2 import refusals
from gateway.hl7v2.cells import NULL, TEXT_FIELDS, Cell, Dialects, dialects
from gateway.hl7v2.charset import Decoded, declaration, decode
from gateway.hl7v2.message import Message, Node, Segment
from gateway.hl7v2.separators import ABSENT, Separators, parse_separators

__all__ = ["Message", "Node", "Segment", "read", "serialise"]

_BOM = b"\xef\xbb\xbf"
#: No header is longer; MSH-18 is looked for in it.
_HEADER = 4096
_LEADING = b" \t\r\n\x0b"
#: Control characters without meaning in text; tab and line ends have one.
_CONTROLS = bytes(code for code in (*range(32), 127) if code not in (9, 10, 13))
#: U+FFFE and U+FFFF in UTF-8: no characters, refused by databases.
_NONCHARACTERS = re.compile(b"\xef\xbf[\xbe\xbf]")

#: Never part of an identifier; in identifiers it can only have been a repetition separator.
_TYPOGRAPHIC_TILDE = "\u02dc"

_NAME = re.compile(r"[A-Z][A-Z0-9]{2}")
_SLOPPY_NAME = re.compile(r"[ \t]*([A-Za-z][A-Za-z0-9]{2})[ \t]*")
#: A body in one line that runs from the header into a segment lost its terminators.
_LOST_ENDS = re.compile(rb"(?:EVN|PID|PV1|ORC|OBR|SCH|MSA)\|")

#: Names accepted without a separator behind them or in sloppy spelling. A line of text typed in
#: a field must not become a segment, so these are only names of the French message structures.
_KNOWN_NAMES = frozenset(
    """
    ACC AIG AIL AIP AIS AL1 DB1 DG1 DRG ERR EVN GT1 IN1 IN2 IN3 MRG MSA MSH NK1 NTE OBR OBX ORC
    PD1 PID PR1 PRT PV1 PV2 RGS ROL SCH SFT TQ1 TQ2 TXA ZBE ZFA ZFD ZFM ZFP ZFS ZFV
    """.split()  # noqa: SIM905 - a list of forty names reads better as words
)


#: Repairs that strict reading refuses for their flag alone.
_REFUSED = {
    "bom": refusals.byte_order_mark,
    "msh2-repair": refusals.misspelt_separators,
    "msh2-short": refusals.misspelt_separators,
    "unescaped-delimiter": refusals.loose_delimiter,
}


def read(raw: bytes, *, lenient: bool = True, declared_charset: str | None = None) -> Message:
    """Read a message.

    Args:
        raw: the bytes between the MLLP frame bytes, or an HTTP body.
        lenient: repair what can be repaired, with a flag; otherwise refuse it.
        declared_charset: charset parameter of an HTTP Content-Type; used when MSH-18 says nothing.

    Returns:
        The message, its fields not yet split.

    Raises:
        RejectedError: no message can be read (RLS-HL7-001 to 007), or a repair would be needed
            and is not wanted (RLS-HL7-008 to 016).
    """
    body = raw.lstrip(_LEADING)
    flags: list[str] = []
    if body.startswith(_BOM):
        body = body[3:].lstrip(_LEADING)
        flags.append("bom")
    separators = _separators(body, flags)
    _refuse_lost_line_ends(body)
    clean = _without_controls(body)
    issues: list[Issue] = []
    if clean != body:
        flags.append("control-char")
        issues.append(refusals.control_characters())
    decoded = _decode(clean, separators, declared_charset, lenient)
    flags.extend(decoded.flags)
    lines, line_ends = _lines(decoded.text)
    kinds = dialects(separators, decoded.codec, plain=_is_plain(decoded.text, separators))
    cells, by_name = _cells(lines, kinds, flags, issues)
    if _TYPOGRAPHIC_TILDE in decoded.text and _mend_tildes(by_name, separators):
        flags.append("tilde-repair")
        issues.append(refusals.typographic_tilde())
    if _has_loose_delimiter(by_name, separators):
        flags.append("unescaped-delimiter")
    if not lenient:
        _refuse_repairs(flags, [*decoded.issues, *issues])
    return Message(
        raw=raw,
        charset=decoded.codec,
        separators=separators,
        flags=tuple(dict.fromkeys(flags)),
        line_ends=line_ends,
        _cells=tuple(cells),
        _by_name=by_name,
        _dialects=kinds,
    )


def serialise(message: Message) -> bytes:
    """Write a message from its fields; the bytes received when nothing had to be repaired."""
    lines = [cell.raw for cell in message._cells]
    text = message.line_ends.join([*lines, ""])
    return text.encode(message.charset)


def _separators(body: bytes, flags: list[str]) -> Separators:
    """Read MSH-1 and MSH-2.

    Raises:
        RejectedError: no header, or one nothing can be cut with.
    """
    if body[:3].upper() != b"MSH":
        raise RejectedError([_not_a_message(body)])
    if body[:3] != b"MSH":
        flags.append("segment-name-repair")
    head = body[3:12].decode("latin-1")
    field = head[:1]
    # A header cut short may end in a line end, which is no separator and so refuses itself.
    parsed = parse_separators(field, head[1:].split(field, 1)[0]) if field else None
    if parsed is None:
        raise RejectedError([refusals.unusable_separators()])
    separators, flag = parsed
    if flag:
        flags.append(flag)
    return separators


def _refuse_repairs(flags: list[str], issues: list[Issue]) -> None:
    """Refuse what had to be repaired.

    Raises:
        RejectedError: the issues met on the way, and one of each repair that makes none by itself.
    """
    found = [*issues, *(said() for flag, said in _REFUSED.items() if flag in flags)]
    if found:
        raise RejectedError(found)


def _not_a_message(body: bytes) -> Issue:
    """Say what the bytes are instead of a message."""
    head = body[:64]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or head[:4] in (b"M\0S\0", b"\0M\0S"):
        return refusals.utf_16()
    if head[:3] in (b"FHS", b"BHS"):
        return refusals.batch()
    if head[:1] == b"<":
        return refusals.xml()
    return refusals.no_header()


def _refuse_lost_line_ends(body: bytes) -> None:
    """Refuse a body whose line ends were removed on the way.

    Raises:
        RejectedError: RLS-HL7-004. Told before any fault of the character set, because MSH-18 has
            then run into the next segment.
    """
    if b"\r" not in body and b"\n" not in body and _LOST_ENDS.search(body):
        raise RejectedError([refusals.no_line_ends()])


def _without_controls(body: bytes) -> bytes:
    clean = body.translate(None, _CONTROLS)
    # One byte is looked for first: a search for two is slow in a document of many kilobytes.
    rare = b"\xef" in clean and b"\xef\xbf" in clean
    return _NONCHARACTERS.sub(b"", clean) if rare else clean


def _decode(
    body: bytes, separators: Separators, declared_charset: str | None, lenient: bool
) -> Decoded:
    """Find MSH-18 in the bytes, then decode."""
    header = body.split(b"\r", 1)[0] if b"\r" in body[:_HEADER] else body[:_HEADER]
    msh = header.split(b"\n", 1)[0].decode("latin-1").split(separators.field)
    msh.insert(1, separators.field)
    said = declaration(msh, separators.repetition)
    return decode(body, said, declared_charset, lenient=lenient)


def _is_plain(text: str, separators: Separators) -> bool:
    """Tell whether no leaf holds an escape sequence or `""`; true for most messages."""
    if text.find(separators.escape, len("MSH|^~\\&#|")) >= 0:
        return False
    return NULL[0] not in text or NULL not in text


def _lines(text: str) -> tuple[list[str], str]:
    """Cut at the segment ends.

    When a CR ends a segment, a line feed not behind a CR is part of a text (HL7 v2.5 2.5.4 knows
    CR only).
    """
    if "\n" not in text:
        return text.split("\r"), "\r"
    if "\r" not in text:
        return text.split("\n"), "\n"
    lines = text.split("\r")
    behind = [line.startswith("\n") for line in lines[1:]]
    return [line.removeprefix("\n") for line in lines], "\r\n" if all(behind) else "\r"


def _cells(
    lines: list[str], kinds: Dialects, flags: list[str], issues: list[Issue]
) -> tuple[list[Cell], dict[str, list[Cell]]]:
    """Make segments of lines, in order and by name; other lines continue the field before them.

    Raises:
        RejectedError: a second header (RLS-HL7-005).
    """
    field = kinds.field
    cells: list[Cell] = []
    by_name: dict[str, list[Cell]] = {}
    continued: list[str] = []
    for number, line in enumerate(lines, 1):
        name = line[:3]
        if line[3:4] != field or not (name in _KNOWN_NAMES or _NAME.fullmatch(name)):
            if not line or line.isspace():
                continue
            name = _sloppy_name(line, field)
            if not name:
                flags.append("segment-continuation")
                issues.append(refusals.continuation(number))
                continued.append(line)
                continue
            if line != name:
                flags.append("segment-name-repair")
                issues.append(refusals.segment_name(number))
            line = name + line[_name_end(line) :]
        if continued:
            cells[-1].add_lines(continued)
            continued = []
        same = by_name.get(name)
        if same is None:
            same = by_name[name] = []
        elif name == "MSH":
            raise RejectedError([refusals.second_header()])
        cell = Cell(name, line, kinds, len(cells), len(same) + 1)
        same.append(cell)
        cells.append(cell)
    if continued:
        cells[-1].add_lines(continued)
    return cells, by_name


def _mend_tildes(by_name: dict[str, list[Cell]], separators: Separators) -> bool:
    """Put the repetition separator where a word processor made a typographic tilde of it."""
    mended = False
    if separators.repetition == ABSENT:
        return mended
    for name, number in (("PID", 3), ("MRG", 1)):
        for cell in by_name.get(name, ()):
            fields = cell.fields
            if len(fields) > number and _TYPOGRAPHIC_TILDE in fields[number]:
                raw = fields[number].replace(_TYPOGRAPHIC_TILDE, separators.repetition)
                cell.put(number, raw)
                mended = True
    return mended


def _name_end(line: str) -> int:
    match = _SLOPPY_NAME.match(line)
    return match.end() if match else 0


def _sloppy_name(line: str, field: str) -> str:
    """Return a known name written in small letters, with blanks, or without any field."""
    match = _SLOPPY_NAME.match(line)
    if match is None or line[match.end() : match.end() + 1] not in ("", field):
        return ""
    name = match[1].upper()
    return name if name in _KNOWN_NAMES else ""


def _has_loose_delimiter(by_name: dict[str, list[Cell]], separators: Separators) -> bool:
    """Tell whether a text field holds a delimiter its author should have escaped."""
    for name, number in TEXT_FIELDS.items():
        for cell in by_name.get(name, ()):
            if len(cell.fields) > number and cell.is_text(number):
                text = cell.fields[number]
                if separators.component in text or separators.subcomponent in text:
                    return True
    return False
