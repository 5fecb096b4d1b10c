"""Batch files: the messages between FHS, BHS, BTS and FTS, and the batch that answers them.

Does not read the messages (`hl7v2.reader`): each is taken and answered as if it came alone.
Standard: HL7 v2.5 2.10.3 (batch protocol) and 2.15.2, 2.15.3, 2.15.6, 2.15.7 (its segments).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from gateway.core.issues import Issue, Severity
from gateway.core.timestamps import PARIS
from gateway.hl7v2.separators import STANDARD, Separators, parse_separators

_BOM = b"\xef\xbb\xbf"
_BLANK = b" \t\r\n\x0b"
_OPENING = re.compile(rb"(?:FHS|BHS)[^A-Za-z0-9]")
_NAMES = rb"(FHS|BHS|BTS|FTS|MSH)(?![A-Za-z0-9])"
#: Where a segment of the envelope or a message begins. In a body that ends its segments with CR
#: a line feed is text, as in the reader.
_BEGIN_BEHIND_CR = re.compile(rb"(?:\A|(?<=\r)|(?<=\r\n))" + _NAMES)
_BEGIN_BEHIND_LF = re.compile(rb"(?:\A|(?<=\n))" + _NAMES)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch of a file.

    Attributes:
        header: BHS as sent, empty when the file has none.
        messages: the bytes of each message, in order.
        count: BTS-1 as sent, None when there is no BTS.
    """

    header: bytes = b""
    messages: tuple[bytes, ...] = ()
    count: str | None = None


@dataclass(frozen=True, slots=True)
class BatchFile:
    """A body that is a batch file or a single batch.

    Attributes:
        header: FHS as sent, empty when the body begins with BHS.
        batches: in order.
        count: FTS-1 as sent, None when there is no FTS.
        issues: what the counts say against the content; warnings.
    """

    header: bytes
    batches: tuple[Batch, ...]
    count: str | None
    issues: tuple[Issue, ...] = field(default=())

    @property
    def messages(self) -> tuple[bytes, ...]:
        """Return the messages of all batches, in order."""
        return tuple(message for batch in self.batches for message in batch.messages)


def is_batch(body: bytes) -> bool:
    """Tell whether a body begins with the header of a file or of a batch."""
    return bool(_OPENING.match(body.lstrip(_BLANK).removeprefix(_BOM).lstrip(_BLANK)))


def open_batch(body: bytes) -> BatchFile:
    """Cut a body for which `is_batch` is true; never fails.

    Bytes that belong to no message count as one, so that they are kept and refused by themselves.
    """
    header, count = b"", None
    batches: list[Batch] = []
    for name, piece in _pieces(body.lstrip(_BLANK).removeprefix(_BOM).lstrip(_BLANK)):
        line, _, rest = piece.partition(b"\r" if b"\r" in piece else b"\n")
        if name == b"MSH":
            rest = piece
        elif name == b"FHS":
            header = line
        elif name == b"FTS":
            count = _first_field(line)
        elif name == b"BHS":
            batches.append(Batch(header=line))
        else:
            batches = batches or [Batch()]
            batches[-1] = replace(batches[-1], count=_first_field(line))
        if rest.strip(_BLANK + b"\x00"):
            batches = batches or [Batch()]
            batches[-1] = replace(batches[-1], messages=(*batches[-1].messages, rest))
    file = BatchFile(header, tuple(batches), count)
    return replace(file, issues=tuple(_count_issues(file)))


def answer(file: BatchFile, acks: Sequence[bytes], now: datetime) -> bytes:
    """Build the batch of acknowledgements.

    Args:
        file: what is answered.
        acks: one for each of `file.messages`, empty when its sender wants none.
        now: for FHS-7 and BHS-7, written as Paris time.

    Returns:
        FHS and FTS when the input had FHS; BHS, the acknowledgements and BTS for each batch.

    Spec: HL7 v2.5 2.10.3.2.
    """
    remaining = iter(acks)
    out: list[bytes] = []
    if file.header:
        out.append(_header(b"FHS", file.header, now))
    for batch in file.batches:
        found = [ack for ack in (next(remaining) for _ in batch.messages) if ack]
        out += [_header(b"BHS", batch.header, now), *found]
        out.append(_trailer(b"BTS", batch.header, len(found), _batch_issues(batch)))
    if file.header:
        told = _file_issues(file)
        out.append(_trailer(b"FTS", file.header, len(file.batches), told))
    return b"".join(out)


def _pieces(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield each segment of the envelope and each message, by the name it begins with."""
    begin = _BEGIN_BEHIND_CR if b"\r" in body else _BEGIN_BEHIND_LF
    found = list(begin.finditer(body))
    ends = [match.start() for match in found[1:]] + [len(body)]
    for match, end in zip(found, ends, strict=True):
        yield match[1], body[match.start() : end]


def _first_field(line: bytes) -> str:
    """Return field 1 of BTS or FTS, which have no separator as field 1."""
    parts = line[4:].split(line[3:4]) if len(line) > 4 else [b""]
    return parts[0].decode("latin-1").strip()


def _count_issues(file: BatchFile) -> Iterator[Issue]:
    for batch in file.batches:
        yield from _batch_issues(batch)
    yield from _file_issues(file)


def _batch_issues(batch: Batch) -> list[Issue]:
    if batch.count is None:
        return [_incomplete("BTS")]
    # BTS-1 is optional (HL7 v2.5 2.15.3.1): an empty count claims nothing.
    if batch.count and batch.count != str(len(batch.messages)):
        return [_miscounted("BTS-1", len(batch.messages))]
    return []


def _file_issues(file: BatchFile) -> list[Issue]:
    if not file.header:
        return []
    if file.count is None:
        return [_incomplete("FTS")]
    if file.count and file.count != str(len(file.batches)):
        return [_miscounted("FTS-1", len(file.batches))]
    return []


def _header(name: bytes, said: bytes, now: datetime) -> bytes:
    """Write FHS or BHS: sender and receiver change places, the control id is referred to."""
    separators, fields = _fields(said)
    at = now.astimezone(PARIS).strftime("%Y%m%d%H%M%S")
    told = ["", "", *([""] * 10)]
    told[0:6] = [separators.msh_2, fields[5], fields[6], fields[3], fields[4], at]
    told[10] = fields[11]
    return _line(name, separators, told)


def _trailer(name: bytes, said: bytes, count: int, issues: Sequence[Issue]) -> bytes:
    """Write BTS or FTS, with what was noticed as its comment."""
    comment = " ".join(f"{issue.code} {issue.what}" for issue in issues)
    return _line(name, _fields(said)[0], [str(count), comment])


def _fields(said: bytes) -> tuple[Separators, list[str]]:
    """Return the separators of FHS or BHS and its fields, index = HL7 number."""
    text = said.decode("latin-1")
    mark = text[3:4]
    parsed = parse_separators(mark, text[4:12].split(mark)[0]) if mark else None
    fields = ["", mark, *[_CONTROLS.sub("", part) for part in text[4:].split(mark)]] if mark else []
    return parsed[0] if parsed else STANDARD, fields + [""] * (13 - len(fields))


def _line(name: bytes, separators: Separators, fields: Sequence[str]) -> bytes:
    text = separators.field.join(fields).rstrip(separators.field)
    # Fields are echoed byte for byte, whatever the character set of the envelope.
    return name + separators.field.encode() + text.encode("latin-1") + b"\r"


def _miscounted(where: str, found: int) -> Issue:
    return Issue(
        code="RLS-HL7-017",
        severity=Severity.WARNING,
        where=where,
        what=f"the count of the batch is not what it holds, {found}.",
        fix="Compare the acknowledgements with what was to be sent; send what is missing.",
        hl7_code=199,
    )


def _incomplete(name: str) -> Issue:
    return Issue(
        code="RLS-HL7-018",
        severity=Severity.WARNING,
        where=name,
        what="the batch has no end segment: its end may be missing.",
        fix="Send BTS behind each batch and FTS behind a file; send what is missing.",
        hl7_code=100,
    )
