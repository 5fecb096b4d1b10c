"""Results as the groups of an ORU tell them: an OBR with its ORC, its OBX and their notes.

Does not make resources (`hl7v2.convert.results`). A group that carries a document is none of
results: its ORC and OBR speak of the document (`hl7v2.envelope`).
Standard: HL7 v2.5 7.3.1 (ORU R01), 7.4.1 (OBR), 7.4.2 (OBX), tables 0123, 0085 and 0125.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.core.issues import Issue, Severity
from gateway.core.timestamps import TimestampError, parse_timestamp
from gateway.hl7v2 import refusals, result_refusals
from gateway.hl7v2.envelope import FLAG_SYSTEM, is_document, is_mail
from gateway.hl7v2.message import Message, Segment
from gateway.hl7v2.orders import STATUS_OF_ORDER, head_of, status_of

#: OBR-25 (table 0123): what the results say of the order they answer.
STATUS_OF_RESULTS = {
    "O": "active",
    "I": "active",
    "S": "active",
    "A": "active",
    "P": "active",
    "R": "active",
    "F": "completed",
    "C": "completed",
    "X": "revoked",
}
#: OBX-2 (table 0125): what is read as a number, a code, a date or a time; the rest is text.
NUMBER, STRUCTURED = "NM", "SN"
CODED = frozenset({"CE", "CWE", "CNE"})
DATES = frozenset({"DT", "TS", "DTM"})
TIME = "TM"
TEXTS = frozenset({"ST", "TX", "FT", "IS", "ID"})
_TYPES = frozenset({NUMBER, STRUCTURED, TIME}) | CODED | DATES | TEXTS
#: Findings on values that are not of the type they are announced as.
_AS_TEXT = frozenset({"RLS-HL7-029", "RLS-HL7-066"})
#: A number as HL7 v2.5 2.A.46 writes it.
PLAIN_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")
_CLOCK = re.compile(r"([01][0-9]|2[0-3])([0-5][0-9])(?:([0-5][0-9])(?:\.[0-9]{1,4})?)?")
_COMPARATORS = frozenset({"", "=", "<", "<=", ">", ">=", "<>"})


#: On a message some of whose values are not of the type they are announced as.
FLAG_AS_TEXT = "value-as-text"


@dataclass(frozen=True, slots=True)
class Results:
    """Which OBX of a message are results, and of which OBR; read once a message.

    Everything is a position in the message: an ORU may hold thousands of results.

    Attributes:
        order_of: position of the OBR of each result.
        rank_of: which of the results of equal name in its group it is, from 0.
        of_order: positions of the results behind each OBR.
        with_document: positions of the OBR whose group carries a document.
    """

    order_of: Mapping[int, int] = field(default_factory=dict)
    rank_of: Mapping[int, int] = field(default_factory=dict)
    of_order: Mapping[int, Sequence[int]] = field(default_factory=dict)
    with_document: frozenset[int] = frozenset()

    def order(self, obx: Segment) -> Segment | None:
        """Return the OBR of a result, None of what is no result."""
        index = self.order_of.get(obx.index)
        return None if index is None else _at(obx.message, index)

    def of(self, obr: Segment) -> list[Segment]:
        """Return the results behind an OBR."""
        return [_at(obr.message, index) for index in self.of_order.get(obr.index, ())]

    def answer_an_order(self, obr: Segment) -> bool:
        """Tell whether a group answers an order: one that carries a document speaks of that."""
        return obr.index not in self.with_document


NO_RESULTS = Results()


def read_results(message: Message) -> Results:
    """Find the results of a message and the group of each."""
    order_of: dict[int, int] = {}
    rank_of: dict[int, int] = {}
    of_order: dict[int, list[int]] = {}
    with_document: set[int] = set()
    seen: Counter[str] = Counter()
    current = -1
    for segment in message.segments:
        if segment.name == "OBR":
            current = segment.index
            seen = Counter()
        elif segment.name == "ORC":
            current = -1
        elif segment.name == "OBX" and current >= 0:
            if is_document(segment):
                with_document.add(current)
            elif is_result(segment):
                name = name_of(segment)
                order_of[segment.index] = current
                rank_of[segment.index] = seen[name]
                of_order.setdefault(current, []).append(segment.index)
                seen[name] += 1
    return Results(order_of, rank_of, of_order, frozenset(with_document))


def name_of(obx: Segment) -> str:
    """Return what a result is called within its group: what is observed, and its sub-id.

    Spec: HL7 v2.5 7.4.2.3, 7.4.2.4 (OBX-3, OBX-4).
    """
    return f"{obx.field(3)}^{obx.field(3, 3)}#{obx.field(4)}"


def _at(message: Message, index: int) -> Segment:
    return Segment(message, message._cells[index])


def is_result(segment: Segment) -> bool:
    """Tell whether a segment is an OBX that holds a result.

    Spec: HL7 v2.5 7.4.2 (OBX); CI-SIS volet on CDA documents in HL7 v2 (document and flags).
    """
    if segment.name != "OBX" or not segment.field(3):
        return False
    if segment.field(2).upper() in ("ED", "RP") or is_mail(segment):
        return False
    return segment.field(3, 3) != FLAG_SYSTEM


def note_segments(obx: Segment) -> list[Segment]:
    """Return the notes right behind a result."""
    cells = obx.message._cells
    found: list[Segment] = []
    for index in range(obx.index + 1, len(cells)):
        if cells[index].name != "NTE":
            break
        found.append(_at(obx.message, index))
    return found


def request_status(obr: Segment) -> str:
    """Return the status of the order that results answer: of ORC-5, else of OBR-25, else of ORC-1.

    Spec: HL7 v2.5 4.5.1.5 (ORC-5, table 0038), 7.4.1.25 (OBR-25, table 0123).
    """
    head = head_of(obr)
    if head.name == "ORC" and head.field(5).upper() in STATUS_OF_ORDER:
        return status_of(head)
    said = STATUS_OF_RESULTS.get(obr.field(25).upper())
    if said:
        return said
    return status_of(head) if head.name == "ORC" else "unknown"


def clock(text: str) -> str:
    """Return a time of day as FHIR writes it, empty when it is none; seconds are not invented.

    Spec: HL7 v2.5 2.A.75 (TM); a time without seconds is no FHIR time.
    """
    match = _CLOCK.fullmatch(text)
    return f"{match[1]}:{match[2]}:{match[3]}" if match and match[3] else ""


def result_issues(message: Message, *, lenient: bool) -> list[Issue]:
    """Say which results are not what they are announced as.

    Args:
        message: as read.
        lenient: what is wrong is kept as text and told; else it refuses the message.
    """
    severity = Severity.WARNING if lenient else Severity.ERROR
    told = message.message_type == "ORU"
    issues: list[Issue] = []
    for obx in message.segments_named("OBX"):
        place = f"OBX[{obx.ordinal}]"
        if told and not obx.field(3) and obx.field(5):
            issues.append(refusals.required_field(f"{place}-3", severity))
        elif told and is_result(obx):
            issues += _faults(obx, place, severity)
        elif obx.field(2).upper() == NUMBER:
            issues += _value_faults(obx, place, severity)
    return issues


def _faults(obx: Segment, place: str, severity: Severity) -> Iterator[Issue]:
    kind, status = obx.field(2).upper(), obx.field(11).upper()
    if obx.holds(5):
        if not kind:
            yield refusals.required_field(f"{place}-2", severity)
        elif kind not in _TYPES:
            yield refusals.unknown_code(f"{place}-2", "table 0125", Severity.WARNING)
    if not status:
        yield refusals.required_field(f"{place}-11", severity)
    yield from _value_faults(obx, place, severity)


def _value_faults(obx: Segment, place: str, severity: Severity) -> Iterator[Issue]:
    kind = obx.field(2).upper()
    for node in obx.nodes(5):
        text = node.component(1)
        # A sender may empty a value: that is no value of a wrong type.
        if node.is_null:
            continue
        if kind == NUMBER:
            if text and not PLAIN_NUMBER.fullmatch(text):
                yield refusals.not_a_number(f"{place}-5", severity)
        elif kind == STRUCTURED:
            numbers = [node.component(2), node.component(4)]
            if text not in _COMPARATORS or not any(numbers) or not all(
                PLAIN_NUMBER.fullmatch(number) for number in numbers if number
            ):  # fmt: skip
                yield result_refusals.wrong_type(f"{place}-5", kind, severity)
        elif (kind in DATES and not _is_date(text)) or (
            kind == TIME and not _CLOCK.fullmatch(text)
        ):
            yield result_refusals.wrong_type(f"{place}-5", kind, severity)


def _is_date(text: str) -> bool:
    try:
        parse_timestamp(text)
    except TimestampError:
        return False
    return True


def result_flags(message: Message) -> list[str]:
    """Return the flag of a message some of whose values are kept as text; empty for others."""
    kept = {issue.code for issue in result_issues(message, lenient=True)}
    return [FLAG_AS_TEXT] if kept & _AS_TEXT else []
