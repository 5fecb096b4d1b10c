"""When a treatment is taken: IVL_TS, PIVL_TS, EIVL_TS and SXPR_TS to a FHIR Timing.

Does not decide what the times belong to (`cda.dosage`). HL7 CDA R2 data types; IHE PCC 6.3.4.16
Medications, effectiveTime; CI-SIS FR-Traitement; FHIR R4 Timing.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from gateway.cda.codes import PERIOD_UNITS, UCUM, number, original_text, quantity
from gateway.cda.contacts import period, stamp
from gateway.cda.context import Context
from gateway.cda.reader import Node
from gateway.core.contributions import Json
from gateway.core.timestamps import Precision, Timestamp
from gateway.mapping.converters import Flawed

#: TimingEvent codes FHIR has under the same name (EventTiming includes them by system).
_EVENTS = frozenset(
    {"HS", "WAKE", "C", "CM", "CD", "CV", "AC", "ACM", "ACD", "ACV", "PC", "PCM", "PCD", "PCV"}
)
_AT_MEALS = ("C", "CM", "CD", "CV")
_MINUTES = {"min": 1, "h": 60}
_DAYS = {"d": 1, "wk": 7}
_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FREQUENCIES = ("PIVL_TS", "EIVL_TS", "SXPR_TS")


def is_frequency(node: Node) -> bool:
    """Tell whether an effectiveTime says how often, not from when to when.

    Spec: IHE PCC 6.3.4.16: the second effectiveTime has the operator A.
    """
    return node.get("operator") == "A" or node.type in _FREQUENCIES


def timing(statement: Node, context: Context, *, with_bounds: bool) -> Json | None:
    """Return when a statement is done, None when nothing says it.

    Args:
        statement: a substanceAdministration.
        context: of the document.
        with_bounds: the period of the whole treatment counts too; a statement about the past has
            it as a period of its own.
    """
    repeat: Json = {}
    words: list[str] = []
    parts = list(_parts(statement))
    several = sum(times.child("event") is not None for times in parts) > 1
    for times in parts:
        if not _is_span(times):
            _add_frequency(repeat, words, times, several=several)
        elif with_bounds or times.name == "comp" or times.child("low") is None:
            repeat |= _bounds(times, context)
    found: Json = {"repeat": repeat} if repeat else {}
    if words:
        found["code"] = {"text": ", ".join(dict.fromkeys(words))}
    return found or None


def _parts(statement: Node) -> Iterator[Node]:
    """Give every time of a statement; those of an SXPR_TS one by one."""
    for times in statement.children("effectiveTime"):
        members = times.children("comp")
        yield from members or (times,)


def _is_span(node: Node) -> bool:
    if node.type in ("PIVL_TS", "EIVL_TS") or node.child("period") is not None:
        return False
    return node.child("event") is None


def span_of(node: Node, context: Context) -> Any:
    """Return the Period of an IVL_TS, its end counted from a width when only that is said."""
    if node.child("width") is None or node.child("high") is not None:
        return period(node, context)
    return _bounds(node, context).get("boundsPeriod")


def _bounds(node: Node, context: Context) -> Json:
    """Return the bounds of an IVL_TS: from low to high, from low for a width, or a width alone.

    The end of a width in whole days is the last of these days.
    """
    width, start = node.child("width"), stamp(node.child("low"))
    if width is None or node.child("high") is not None:
        made = period(node, context)
        span = made.value if isinstance(made, Flawed) else made
        return {"boundsPeriod": span} if span else {}
    if start is None:
        length = _duration(width, context)
        return {"boundsDuration": length} if length else {}
    end = _end_of(start, width)
    return {"boundsPeriod": {"start": start.text_fhir, **({"end": end} if end else {})}}


def _duration(width: Node, context: Context) -> Json | None:
    found = quantity(width, context)
    unit = width.get("unit")
    if found is None or unit not in PERIOD_UNITS:
        return None
    return {"value": found["value"], "unit": unit, "system": UCUM, "code": unit}


def _end_of(start: Timestamp, width: Node) -> str | None:
    days, length = _DAYS.get(width.get("unit")), number(width.get("value"))
    if start.precision is not Precision.DAY or days is None or not isinstance(length, int):
        return None
    last = date.fromisoformat(start.date_fhir) + timedelta(days=days * length - 1)
    return last.isoformat() if length > 0 else None


def _add_frequency(repeat: Json, words: list[str], node: Node, *, several: bool) -> None:
    length, event = node.child("period"), node.child("event")
    said = original_text(node)
    if length is not None:
        said = said or _said_of(length)
        if not _add_period(repeat, node, length) and not said:
            # A unit that is none: what was written is kept as words.
            said = f"{length.get('value')} {length.get('unit')}".strip()
    if event is not None and event.get("code"):
        said = said or _add_event(repeat, node, event, several=several)
    if said:
        words.append(said)


def _said_of(length: Node) -> str:
    """Return how a period is said in words.

    Spec: CI-SIS FR-Prescription, period/translation/originalText.
    """
    return next((text for part in length.children("translation")
                 if (text := original_text(part))), "")  # fmt: skip


def _add_period(repeat: Json, node: Node, length: Node) -> bool:
    value, unit = number(length.get("value")), length.get("unit")
    if not value or unit not in PERIOD_UNITS:
        return False
    repeat |= {"frequency": 1, "period": value, "periodUnit": unit}
    phase = node.child("phase")
    start = stamp(phase.child("low") or phase) if phase is not None else None
    if start is not None and (value, unit) == (1, "wk") and node.get("alignment") == "DW":
        day = _WEEK[date.fromisoformat(start.date_fhir).weekday()]
        repeat["dayOfWeek"] = [*repeat.get("dayOfWeek", ()), day]
    elif start is not None and (value, unit) == (1, "d") and start.instant_utc is not None:
        repeat["timeOfDay"] = [*repeat.get("timeOfDay", ()), start.text_fhir[11:19]]
    return True


def _add_event(repeat: Json, node: Node, event: Node, *, several: bool) -> str:
    """Add a meal or bedtime, with the minutes before or after it; return what must be words.

    FHIR has one offset for all meals of a Timing: with several of them, which one it is of can
    only be said in words. A meal itself has no before and after (FHIR R4 tim-9).

    Spec: HL7 v3 TimingEvent; FHIR R4 event-timing.
    """
    code = event.get("code")
    if code not in _EVENTS:
        return event.get("displayName") or code
    repeat["when"] = [*repeat.get("when", ()), code]
    offset = node.child("offset")
    length = (offset.child("low") or offset) if offset is not None else None
    minutes = _minutes(length) if length is not None else None
    if not minutes or code in _AT_MEALS:
        return ""
    if several:
        return f"{code} {minutes} min"
    repeat["offset"] = minutes
    return ""


def _minutes(node: Node) -> int | None:
    value: Any = number(node.get("value"))
    factor = _MINUTES.get(node.get("unit"))
    return int(abs(value) * factor) if value and factor else None
