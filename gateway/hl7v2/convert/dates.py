"""Dates and times: precision kept, nothing padded, what does not exist left out with an issue."""

from typing import Any

from gateway.core.timestamps import Timestamp, TimestampError, parse_timestamp
from gateway.hl7v2 import faults
from gateway.hl7v2.context import Context
from gateway.hl7v2.convert.table import converter
from gateway.hl7v2.message import Node
from gateway.mapping.converters import REMOVED, Flawed

#: Birth dates registers write for "unknown".
_SENTINELS = frozenset({"00000000", "19000101", "99991231", "0000", "000000"})


def stamp(text: str) -> Timestamp | None:
    """Return a timestamp, None when the text is empty or names nothing that exists."""
    if not text:
        return None
    try:
        return parse_timestamp(text)
    except TimestampError:
        return None


def date_text(text: str) -> str:
    """Return the FHIR date of an optional part, empty when there is none."""
    found = stamp(text)
    return found.date_fhir if found else ""


def date_time_text(text: str) -> str:
    """Return the FHIR dateTime of an optional part, empty when there is none."""
    found = stamp(text)
    return found.text_fhir if found else ""


def date(node: Node, _context: Context) -> Any:
    """Return a FHIR date of the precision sent, as written, in no other zone.

    Spec: HL7 v2.5 2.A.22 (DTM), 2.A.77 (TS).
    """
    if node.is_null:
        return REMOVED
    found = stamp(node.text())
    return found.date_fhir if found else Flawed(None, (faults.unusable_date(node.place),))


@converter("birth_date")
def birth_date(node: Node, context: Context) -> Any:
    """Return a birth date; an unknown day or month is cut, a placeholder is no date.

    Spec: HL7 v2.5 3.4.2.7 (PID-7).
    """
    if not node.is_null and node.text()[:8] in _SENTINELS:
        return Flawed(None, (faults.unusable_date(node.place),))
    return date(node, context)


@converter("date_time")
def date_time(node: Node, _context: Context) -> Any:
    """Return a FHIR dateTime: precision and offset as sent, else the offset of Paris.

    Spec: HL7 v2.5 2.A.22 (DTM), 2.A.77 (TS).
    """
    if node.is_null:
        return REMOVED
    found = stamp(node.text())
    return found.text_fhir if found else Flawed(None, (faults.unusable_date(node.place),))
