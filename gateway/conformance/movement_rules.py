"""Coherence of a stay: movement against event, units, dates, class, discharge.

Does not check single fields (`profile_check`). Standard: PAM France 2.11 5 and 6.10 to 6.17.
"""

from collections.abc import Iterator

from gateway.conformance import kinds
from gateway.conformance.finding import Finding
from gateway.core.issues import Severity
from gateway.core.timestamps import Timestamp, TimestampError, parse_timestamp
from gateway.hl7v2.events import CANCEL, INSERT, ITI_30, ITI_31, UPDATE, Event, find_event
from gateway.hl7v2.ledger import CANCELLED_BY
from gateway.hl7v2.message import Message, Segment

#: What each cancelling event takes back; A11 does so for both admissions.
_CANCELLED = {**{event: {one} for event, one in CANCELLED_BY.items()}, "A11": {"A01", "A04"}}
_MOVEMENTS = frozenset().union(*_CANCELLED.values())
#: Events whose hosting unit (PV1-3.1) is asked for: PAM France 2.11 5.1.1.
_HOSTED = frozenset(
    ("A01", "A02", "A03", "A04", "A06", "A07", "A11", "A12", "A13", "A14", "A15", "A16", "A21")
) | frozenset(("A22", "A25", "A26", "A27"))
#: Events that begin or change a responsibility, so that the units named by ZBE-9 are expected.
_ASSIGNING = frozenset(("A01", "A02", "A04", "A05", "A06", "A07", "A14", "A22", "Z99"))
_NATURES = frozenset("SHMLD")
#: Letter of ZBE-9 to the place of its unit.
_UNITS = {"M": "ZBE-7.10", "S": "ZBE-8.10", "H": "PV1-3.1"}
#: Class that an event starts: PAM France 2.11 2.2 and 5.3.5.
_CLASSES = {"A01": "IR", "A04": "OEV", "A06": "IR", "A07": "OE"}
#: Treatment modes that belong to one class: PAM France 2.11 6.10.19.
_MODES = {"03": "I", "04": "I", "05": "I", "06": "I", "07": "O", "10": "E", "19": "R"}
_DISCHARGES = frozenset(("A03", "A13", "A16", "A21", "A25", "A52"))
#: Events about something to come.
_PLANNED = frozenset(("A05", "A14", "A15", "A16", "A38", "A27", "A26", "A25"))

#: Earlier place, later place, clause.
_ORDER = (
    ("PID-7", "MSH-7", "PAM-FR 2.11 6.6, PID-7"),
    ("PID-7", "PID-29", "PAM-FR 2.11 6.6, PID-29"),
    ("PV1-44", "PV1-45", "PAM-FR 2.11 6.10, PV1-45"),
    ("PV2-8", "PV2-9", "PAM-FR 2.11 6.11, PV2-9"),
    ("EVN-2", "MSH-7", "PAM-FR 2.11 5.2, EVN-2"),
    ("RF1-7", "RF1-8", "HL7 v2.5 11.6.1, RF1-8"),
    ("SCH-11.4", "SCH-11.5", "HL7 v2.5 10.6.1, SCH-11"),
    ("TQ1-7", "TQ1-8", "HL7 v2.5 4.5.4, TQ1-8"),
    ("NK1-8", "NK1-9", "PAM-FR 2.11 6.9, NK1-9"),
)
#: The same for what has happened.
_PAST = (
    ("EVN-6", "EVN-2", "PAM-FR 2.11 5.2, EVN-6"),
    ("ZBE-2", "MSH-7", "PAM-FR 2.11 6.13.2, ZBE-2"),
)


def movement_findings(message: Message) -> Iterator[Finding]:
    """Yield what contradicts itself in a stay, and dates that are out of order in any message.

    Args:
        message: with ZBE repaired.
    """
    event = find_event(message.message_type, message.trigger_event)
    zbe = message.first("ZBE")
    if event is not None and zbe is not None and event.has_movement:
        yield from _movement(zbe, event)
        yield from _units(message, zbe, event)
    if event is not None and event.transaction == ITI_31:
        yield from _stay(message, event)
    elif event is not None and event.transaction == ITI_30:
        yield from _identity_feed(message)
    yield from _dates(message, event)


def _movement(zbe: Segment, event: Event) -> Iterator[Finding]:
    action, original = zbe.field(4).upper(), zbe.field(6).upper()
    if original and action == INSERT:
        yield kinds.NEEDLESS_ORIGINAL.at("ZBE-6")
    elif original and action == CANCEL:
        expected = _CANCELLED.get(event.trigger, set())
        if original not in expected:
            yield kinds.WRONG_ORIGINAL.at("ZBE-6", expected=" or ".join(sorted(expected)))
    elif original and action == UPDATE and original not in _MOVEMENTS:
        yield kinds.WRONG_ORIGINAL.at("ZBE-6", expected="an inserting event")
    nature = set(zbe.field(9).upper())
    is_correction = nature == {"C"} and event.trigger == "Z99"
    if nature and not nature <= _NATURES and not is_correction:
        yield kinds.WRONG_NATURE.at("ZBE-9")


def _units(message: Message, zbe: Segment, event: Event) -> Iterator[Finding]:
    if event.trigger in _HOSTED and message.has("PV1") and not message.value("PV1-3.1"):
        yield kinds.NO_HOSTING_UNIT.at("PV1-3.1")
    if event.trigger not in _ASSIGNING:
        return
    for letter in sorted(set(zbe.field(9).upper()) & set(_UNITS)):
        place = _UNITS[letter]
        told_above = letter == "H" and event.trigger in _HOSTED
        if not told_above and not message.value(place):
            yield kinds.UNIT_MISSING.at(place, place=place)


def _stay(message: Message, event: Event) -> Iterator[Finding]:
    trigger = event.trigger
    patient_class = message.value("PV1-2").upper()
    zbe = message.first("ZBE")
    action = zbe.field(4).upper() if zbe is not None else ""
    expected = _CLASSES.get(trigger, "") if action in ("", INSERT) else ""
    if patient_class == "N" or (expected and patient_class and patient_class not in expected):
        severity = Severity.ERROR if trigger in ("A06", "A07") else Severity.WARNING
        shown = ", ".join(expected or "EIORV")
        yield kinds.WRONG_CLASS.at("PV1-2", severity=severity, expected=shown)
    mode = message.value("PV1-21")
    if mode in _MODES and patient_class and _MODES[mode] != patient_class:
        yield kinds.WRONG_CATEGORY.at("PV1-21")
    original = zbe.field(6).upper() if zbe is not None else ""
    effective = original if trigger == "Z99" else trigger
    if effective not in _DISCHARGES:
        for place in ("PV1-36", "PV1-37", "PV1-41"):
            # N in PV1-41 says no more than that the visit goes on.
            if message.value(place) not in ("", "N"):
                yield kinds.DISCHARGE_FIELD.at(place, clause=f"PAM-FR 2.11 6.10, {place}")
    if effective == "A03" and not (message.value("ZFM-2") or message.value("PV1-37")):
        yield kinds.NO_DESTINATION.at("ZFM-2")


def _identity_feed(message: Message) -> Iterator[Finding]:
    if message.value("PV1-2").upper() not in ("", "N"):
        yield kinds.WRONG_CLASS.at(
            "PV1-2", clause="PAM-FR 2.11 4", severity=Severity.WARNING, expected="N"
        )
    for nk1 in message.segments_named("NK1"):
        if nk1.field(7).upper() == "K":
            yield kinds.CONFIDANT.at(f"{nk1.place}-7")


def _dates(message: Message, event: Event | None) -> Iterator[Finding]:
    is_past = event is not None and event.has_movement and event.trigger not in _PLANNED
    pairs = [*_ORDER, *(_PAST if is_past else ())]
    if event is not None and event.trigger == "A03":
        pairs.append(("PV1-44", "ZBE-2", "PAM-FR 2.11 6.13.2, ZBE-2"))
    for earlier, later, clause in pairs:
        name = earlier.partition("-")[0]
        # A segment that repeats has its own pair in each; other pairs are of the message.
        repeats = later.startswith(name)
        scopes = message.segments_named(name) if repeats else (message,)
        for scope in scopes:
            if _is_after(scope.value(earlier), scope.value(later)):
                place = later if len(scopes) < 2 else later.replace(name, scope.place, 1)
                yield kinds.DATES_DISORDERED.at(
                    place,
                    clause=clause,
                    relation=f"before that of {earlier}",
                    rule=f"{earlier} is not after {later}",
                )


def _is_after(one: str, other: str) -> bool:
    """Tell whether all of what one date may mean is after all of what the other may mean."""
    first, second = _read(one), _read(other)
    if first is None or second is None:
        return False
    begin, (low, high) = first.bounds_utc()[0], second.bounds_utc()
    # A day ends where the next begins; an instant is its own end.
    return begin >= high if low < high else begin > high


def _read(text: str) -> Timestamp | None:
    """Return a date; None for none and for an impossible one, which is told elsewhere."""
    if not text:
        return None
    try:
        return parse_timestamp(text, lenient=False)
    except TimestampError:
        return None
