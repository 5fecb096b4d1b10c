"""Judge a message that could be read: process, set aside, leave unanswered, or refuse.

Does not map (`hl7v2.adapter`), open documents (`hl7v2.envelope`) nor look at earlier messages.
What a site of lenient reading may leave out is a warning there and an error elsewhere.
Standards: HL7 v2.5 2.9 and table 0357, IHE ITI TF-2 C.2.3, PAM France 2.11 5 and 6.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.core.issues import Issue, Severity
from gateway.core.timestamps import TimestampError, parse_timestamp
from gateway.hl7v2 import refusals
from gateway.hl7v2.events import ITI_30, ITI_31, MESSAGE_TYPES, UPDATE, Event, find_event
from gateway.hl7v2.message import Message, Segment
from gateway.hl7v2.orders import appointment_issues, order_issues
from gateway.hl7v2.results import result_issues
from gateway.hl7v2.zbe import ACTIONS, is_shifted, repair_zbe, with_repaired_zbe

__all__ = [
    "VERSIONS",
    "Action",
    "Verdict",
    "is_commit_block",
    "judge",
    "repair_zbe",
    "with_repaired_zbe",
]

#: MSH-12.1 accepted unless the site says otherwise.
VERSIONS = frozenset({"2.5", "2.5.1", "2.6"})

#: Patient classes of France: PAM France 2.11 6.10.2.
_CLASSES = frozenset({"E", "I", "O", "R", "N", "V"})
#: Classes of which a visit number is required.
_CLASSES_WITH_VISIT = _CLASSES - {"N"}
#: Sex of France: PAM France 2.11 6.6.8.
_SEXES = frozenset({"F", "M", "U"})


class Action(StrEnum):
    """What becomes of a message."""

    PROCESS = "process"
    #: A known event that Relais does not use: kept, answered AA, no effect.
    IGNORE = "ignore"
    #: An acknowledgement: an answer to an answer would loop.
    UNANSWERED = "unanswered"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a message, and what is wrong with it."""

    action: Action
    issues: tuple[Issue, ...] = ()


_Places = tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True, slots=True)
class _Needs:
    """What the structure of a kind of message requires.

    Attributes:
        order: segments in their order, those that are optional included.
        required: segments.
        once: segments that may not repeat.
        fields: fields that hold a value, by segment.
        alternatives: fields of which one holds a value, by segment.
        dates: fields that hold a possible date when valued, by segment.
        strict_dates: the same where nothing is lenient; elsewhere the mapping drops them.
        strict_segments: required where nothing is lenient.
    """

    order: tuple[str, ...]
    required: tuple[str, ...]
    once: tuple[str, ...]
    fields: _Places = ()
    alternatives: _Places = ()
    dates: _Places = (("MSH", (7,)), ("EVN", (2,)))
    strict_dates: _Places = ()
    strict_segments: tuple[str, ...] = ()


_PERSON_DATES: _Places = (("EVN", (3, 6)), ("PID", (7, 29, 33)))
_STAY_DATES: _Places = (*_PERSON_DATES, ("PV1", (44, 45)), ("PV2", (8, 9)))
_PATIENT: _Places = (("MSH", (7,)), ("EVN", (2,)), ("PID", (3, 5)))

_MOVEMENT = _Needs(
    order=("MSH", "EVN", "PID", "PV1", "ZBE"),
    required=("EVN", "PID", "PV1"),
    once=("EVN", "PID", "PV1", "ZBE"),
    fields=(*_PATIENT, ("PV1", (2,))),
    dates=(("MSH", (7,)), ("EVN", (2,)), ("ZBE", (2,))),
    strict_dates=_STAY_DATES,
)
_IDENTITY = _Needs(
    order=("MSH", "EVN", "PID", "PV1"),
    required=("EVN", "PID"),
    once=("EVN", "PID", "PV1"),
    fields=_PATIENT,
    strict_dates=_PERSON_DATES,
    strict_segments=("PV1",),
)
_MERGE = _Needs(
    order=("MSH", "EVN", "PID", "MRG"),
    required=("EVN", "PID", "MRG"),
    once=("EVN", "PID", "MRG"),
    fields=(*_PATIENT, ("MRG", (1,))),
    strict_dates=_PERSON_DATES,
)
#: PID-3 may hold an INS that is taken away and nothing else: MRG-1 then names the patient.
_RENUMBERED = replace(_MERGE, fields=(("MSH", (7,)), ("EVN", (2,)), ("PID", (5,)), ("MRG", (1,))))
_LINK = _Needs(
    order=("MSH", "EVN", "PID"),
    required=("EVN", "PID", "PID[2]"),
    once=("EVN",),
    fields=(("MSH", (7,)), ("EVN", (2,)), ("PID", (3,))),
    strict_dates=_PERSON_DATES,
)
_MOVED = _Needs(
    order=("MSH", "EVN", "PID", "MRG"),
    required=("EVN", "PID", "MRG"),
    once=("EVN", "PID", "MRG"),
    fields=(*_PATIENT, ("PID", (18,)), ("MRG", (1,))),
    strict_dates=_PERSON_DATES,
)
_DOSSIER = _Needs(
    order=("MSH", "EVN", "PID", "MRG"),
    required=("EVN", "PID", "MRG"),
    once=("EVN", "PID", "MRG"),
    fields=(*_PATIENT, ("PID", (18,)), ("MRG", (3,))),
    strict_dates=_PERSON_DATES,
)
_DOCUMENT = _Needs(
    order=("MSH", "EVN", "PID", "PV1", "TXA", "OBX"),
    required=("PID", "TXA", "OBX"),
    once=("EVN", "PID", "PV1", "TXA"),
    fields=(("MSH", (7,)), ("PID", (3,)), ("TXA", (12,))),
    strict_dates=_STAY_DATES,
    strict_segments=("EVN", "PV1", "ORC", "OBR"),
)
_RESULT = _Needs(
    order=("MSH", "PID", "PV1", "OBR", "OBX"),
    required=("PID", "OBR", "OBX"),
    once=("PID", "PV1"),
    fields=(("MSH", (7,)), ("PID", (3,))),
    strict_dates=_STAY_DATES,
    strict_segments=("ORC",),
)
_APPOINTMENT = _Needs(
    order=("MSH", "SCH", "PID"),
    required=("SCH", "PID"),
    once=("SCH", "PID"),
    fields=(("MSH", (7,)), ("PID", (3,))),
    alternatives=(("SCH", (1, 2)),),
    strict_dates=_PERSON_DATES,
    strict_segments=("RGS",),
)
_ORDER = _Needs(
    order=("MSH", "PID", "PV1", "ORC", "OBR"),
    required=("PID", "ORC"),
    once=("PID", "PV1"),
    fields=(("MSH", (7,)), ("PID", (3,)), ("ORC", (1,))),
    strict_dates=_PERSON_DATES,
)
_REFERRAL = _Needs(
    order=("MSH", "RF1", "PRD", "PID", "OBR"),
    required=("RF1", "PID"),
    once=("RF1", "PID", "PV1"),
    fields=(("MSH", (7,)), ("PID", (3,))),
    alternatives=(("RF1", (6, 11)),),
    strict_dates=_PERSON_DATES,
    strict_segments=("PRD",),
)
_RECEIPT = _Needs(
    order=(),
    required=("OBX",),
    once=("EVN",),
    fields=(("MSH", (7,)),),
)
_NEEDS: Mapping[str, _Needs] = {
    ITI_30: _IDENTITY,
    ITI_31: _MOVEMENT,
    "A24": _LINK,
    "A37": _LINK,
    "A40": _MERGE,
    "A47": _RENUMBERED,
    "A44": _MOVED,
    "A49": _DOSSIER,
    "MDM": _DOCUMENT,
    "ORU": _RESULT,
    "SIU": _APPOINTMENT,
    "ORM": _ORDER,
    "OMG": _ORDER,
    "OML": _ORDER,
    "REF": _REFERRAL,
    "ZAM": _RECEIPT,
}


def is_commit_block(raw: bytes) -> bool:
    """Tell whether a frame is a commit block of MLLP release 2, which is never answered."""
    return raw in (b"\x06", b"\x15")


def judge(
    message: Message,
    *,
    processing_ids: frozenset[str],
    versions: frozenset[str] = VERSIONS,
    lenient: bool = True,
) -> Verdict:
    """Judge a message by itself.

    Args:
        message: as read.
        processing_ids: MSH-11 accepted here.
        versions: MSH-12.1 accepted from this sender.
        lenient: accept what is repaired or synthesised later, with a warning.

    Returns:
        The action with its issues: errors when it is REJECT, else warnings.
    """
    kind, trigger = message.message_type, message.trigger_event
    if kind == "ACK" or message.has("MSA"):
        return Verdict(Action.UNANSWERED)
    event = find_event(kind, trigger)
    issues = _header_issues(message, event, kind, trigger, processing_ids, versions)
    if issues or event is None:
        return Verdict(Action.REJECT, tuple(issues))
    if not event.used:
        return Verdict(Action.IGNORE)
    structure = message.value("MSH-9.3")
    if structure and structure != event.structure:
        issues.append(refusals.structure_mismatch())
    needs = _NEEDS.get(trigger) or _NEEDS[event.transaction or event.message_type]
    _check_segments(message, needs, issues, lenient)
    _check_fields(message, needs, issues, lenient)
    if event.has_movement:
        _check_stay(message, issues, lenient)
        _check_movement(message, event, issues, lenient)
    elif event == find_event("MDM", "T10") and not message.value("TXA-13"):
        issues.append(refusals.required_field("TXA-13"))
    issues += order_issues(message) if needs is _ORDER else appointment_issues(message)
    _check_values(message, issues, lenient)
    refused = any(issue.severity.refuses for issue in issues)
    return Verdict(Action.REJECT if refused else Action.PROCESS, tuple(issues))


def _header_issues(
    message: Message,
    event: Event | None,
    kind: str,
    trigger: str,
    processing_ids: frozenset[str],
    versions: frozenset[str],
) -> list[Issue]:
    """Say what in MSH refuses the message."""
    issues: list[Issue] = []
    if not kind or not trigger:
        issues.append(refusals.required_field("MSH-9.1" if not kind else "MSH-9.2"))
    elif kind not in MESSAGE_TYPES:
        issues.append(refusals.message_type())
    elif event is None:
        issues.append(refusals.event_code())
    if not message.control_id:
        issues.append(refusals.required_field("MSH-10"))
    processing = message.value("MSH-11.1").upper()
    if not processing:
        issues.append(refusals.required_field("MSH-11"))
    elif processing not in processing_ids:
        issues.append(refusals.processing_id())
    number = message.value("MSH-12.1")
    if not number:
        issues.append(refusals.required_field("MSH-12"))
    elif number not in versions:
        issues.append(refusals.version())
    return issues


def _check_segments(message: Message, needs: _Needs, issues: list[Issue], lenient: bool) -> None:
    """Check presence, order and number of the segments that carry the message."""
    required = needs.required if lenient else (*needs.required, *needs.strict_segments)
    # A message on two patients has a second PID: `PID[2]`.
    issues += [refusals.missing_segment(name) for name in required if not message.select(name)]
    issues += [refusals.repeated_segment(name) for name in needs.once if message.count(name) > 1]
    last = -1
    for name in needs.order:
        index = message.position(name)
        if index < 0:
            continue
        if index < last:
            issues.append(refusals.segment_order(name))
        last = max(last, index)


def _check_fields(message: Message, needs: _Needs, issues: list[Issue], lenient: bool) -> None:
    """Check required fields, and the dates that may not be wrong."""
    for name, numbers in needs.fields:
        segment = message.first(name)
        if segment is not None:
            for number in numbers:
                if not segment.holds(number):
                    issues.append(refusals.required_field(f"{name}-{number}"))
    for name, numbers in needs.alternatives:
        segment = message.first(name)
        if segment is not None and not any(segment.holds(number) for number in numbers):
            issues.append(refusals.required_field(f"{name}-{numbers[0]}"))
    for name, numbers in needs.dates if lenient else (*needs.dates, *needs.strict_dates):
        segment = message.first(name)
        if segment is not None:
            for number in numbers:
                if not _has_possible_date(segment, number, lenient):
                    issues.append(refusals.impossible_date(f"{name}-{number}"))


def _has_possible_date(segment: Segment, number: int, lenient: bool) -> bool:
    text = segment.field(number)
    if not text:
        return True
    try:
        parse_timestamp(text, lenient=lenient)
    except TimestampError:
        return False
    return True


def _check_stay(message: Message, issues: list[Issue], lenient: bool) -> None:
    """Check what names the stay: class and visit number (PAM France 2.11 6.10)."""
    pv1 = message.first("PV1")
    if pv1 is None:
        return
    patient_class = pv1.field(2).upper()
    if patient_class and patient_class not in _CLASSES:
        issues.append(refusals.unknown_code("PV1-2", "table 0004 of France"))
    if patient_class in _CLASSES_WITH_VISIT and not pv1.holds(19):
        # The dossier may name the visit: a sender with one number for both repeats it at best.
        named = lenient and bool(message.value("PID-18.1"))
        severity = Severity.WARNING if named else Severity.ERROR
        issues.append(refusals.required_field("PV1-19", severity))


def _check_movement(message: Message, event: Event, issues: list[Issue], lenient: bool) -> None:
    """Check ZBE (PAM France 2.11 6.13)."""
    severity = Severity.WARNING if lenient else Severity.ERROR
    zbe = message.first("ZBE")
    if zbe is None:
        # An update that names no movement cannot be made good from the message.
        named = event.default_action != UPDATE
        issues.append(refusals.missing_movement(severity if named else Severity.ERROR))
        return
    issues += [refusals.required_field(f"ZBE-{n}") for n in (1, 2) if not zbe.holds(n)]
    if is_shifted(zbe.fields):
        issues.append(refusals.shifted_movement(severity))
        action = zbe.field(5).upper()
    else:
        action = zbe.field(4).upper()
        if not action:
            told = severity if len(event.actions) == 1 else Severity.ERROR
            issues.append(refusals.required_field("ZBE-4", told))
            return
    if action not in ACTIONS:
        issues.append(refusals.unknown_code("ZBE-4", "the actions INSERT, UPDATE, CANCEL"))
    elif action not in event.actions:
        issues.append(refusals.contradicting_action())
    elif action == UPDATE and not zbe.holds(6):
        issues.append(refusals.required_field("ZBE-6", severity))


def _check_values(message: Message, issues: list[Issue], lenient: bool) -> None:
    """Check numbers and codes that the mapping can do without."""
    issues += result_issues(message, lenient=lenient)
    if not lenient:
        pid = message.first("PID")
        sex = pid.field(8).upper() if pid is not None else ""
        if sex and sex not in _SEXES:
            issues.append(refusals.unknown_code("PID-8", "table 0001 of France"))
