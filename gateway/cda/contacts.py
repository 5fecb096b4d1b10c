"""CDA names, addresses and telecoms (EN, AD, TEL) to FHIR, and times (TS, IVL_TS).

HL7 CDA R2 data types; CI-SIS volet Structuration minimale (addr, telecom, name).
"""

import re
from typing import Any

from gateway.cda.context import Context
from gateway.cda.faults import bad_time
from gateway.cda.reader import Node
from gateway.cda.registry import converter
from gateway.core.contributions import Json
from gateway.core.timestamps import Timestamp, TimestampError, parse_timestamp
from gateway.mapping.converters import Flawed

MSSANTE_DOMAIN = "@patient.mssante.fr"
#: Mailboxes of the secure mail: `mssante.fr` and the domains of its operators below it.
_MSSANTE = re.compile(r"@(?:[a-z0-9-]+\.)*mssante\.fr$")
_FR_CORE = "https://hl7.fr/ig/fhir/core/StructureDefinition/"
_EMAIL_TYPE: Json = {
    "url": f"{_FR_CORE}fr-core-contact-point-email-type",
    "valueCoding": {
        "system": "https://mos.esante.gouv.fr/NOS/TRE_R256-TypeMessagerie/FHIR/TRE-R256-TypeMessagerie",
        "code": "MSSANTE",
    },
}
_USES = {"H": "home", "HP": "home", "HV": "home", "WP": "work", "DIR": "work", "TMP": "temp"}
_SCHEMES = {"tel": "phone", "fax": "fax", "mailto": "email", "http": "url", "https": "url"}
#: Parts of an address line, in French postal order.
_STREET = ("houseNumber", "houseNumberNumeric", "streetNameType", "streetName", "streetNameBase")
_BEFORE = ("careOf", "unitID", "additionalLocator", "unitType")
_AFTER = ("deliveryAddressLine", "postBox", "precinct")


@converter("address")
def address(node: Node, _context: Context) -> Json | None:
    """Give an Address from parts or from free lines; nothing for a nullFlavor.

    Spec: CI-SIS Structuration minimale, addr: components, or up to seven streetAddressLine.
    """
    parts: dict[str, str] = {}
    lines: list[str] = []
    for part in node.elements():
        name, text = part.name, part.text()
        if name == "streetAddressLine":
            lines.append(text)
        elif text:
            parts[name] = f"{parts[name]} {text}" if name in parts else text
    street = " ".join(parts[name] for name in _STREET if name in parts)
    ordered = [
        *(parts[name] for name in _BEFORE if name in parts),
        street,
        *lines,
        *(parts[name] for name in _AFTER if name in parts),
    ]
    found: Json = {}
    use = _USES.get(node.get("use"))
    if line := [text for text in ordered if text]:
        found["line"] = line
    for name in ("postalCode", "city", "state", "country"):
        if name in parts:
            found[name] = parts[name]
    return {"use": use, **found} if use and found else found or None


@converter("telecom")
def telecom(node: Node, context: Context) -> Json | None:
    """Give a ContactPoint; a secure mailbox is tagged, that of a patient kept only with the INS.

    The local part of the mailbox of a patient is the INS itself, so it must not travel when the
    INS may not.

    Spec: FR Core 2.2.0 fr-core-contact-point; MSSanté, mailbox of Mon espace santé.
    """
    scheme, colon, value = node.get("value").partition(":")
    value = value.strip()
    if not colon or not value:
        return None
    system = _SCHEMES.get(scheme.lower(), "other")
    if system in ("url", "other"):
        value = f"{scheme}:{value}"
    use = "mobile" if node.get("use") == "MC" and system == "phone" else _USES.get(node.get("use"))
    found: Json = {"system": system, "value": value}
    if system == "email" and _MSSANTE.search(value.lower()):
        if value.lower().endswith(MSSANTE_DOMAIN) and not context.ins_allowed:
            return None
        found = {"extension": [_EMAIL_TYPE], **found}
    if use:
        found["use"] = use
    return found


@converter("person_name")
def person_name(node: Node, _context: Context) -> Json | None:
    """Give a HumanName of a professional or a relative.

    Spec: CI-SIS Structuration minimale, name of a PS: prefix (civility), suffix (title).
    """
    found: Json = {}
    family = node.child("family")
    if family is not None and family.text():
        found["family"] = family.text()
    for key in ("given", "prefix", "suffix"):
        texts = [text for part in node.children(key) if (text := part.text())]
        if texts:
            found[key] = texts
    if not found and node.text():
        found["text"] = node.text()
    return found or None


def stamp(node: Node | None, context: Context | None = None) -> Timestamp | None:
    """Return the time of a TS element, None when absent, null or unreadable.

    What had to be assumed (a zone) or repaired is noticed in the context.
    """
    value = node.get("value") if node is not None else ""
    if not value:
        return None
    try:
        found = parse_timestamp(value)
    except TimestampError:
        return None
    if context is not None and found.flags:
        context.noticed.update(dict.fromkeys(found.flags))
    return found


def is_unreadable(node: Node | None) -> bool:
    """Tell whether a TS element holds something that is no time."""
    return node is not None and bool(node.get("value")) and stamp(node) is None


@converter("date_time")
def date_time(node: Node, context: Context) -> Any:
    """Give a dateTime with the precision and offset sent; Paris when none was sent.

    Spec: HL7 CDA R2 TS; FHIR R4 dateTime. Impossible dates are left out with an issue.
    """
    found = stamp(node, context)
    if found is not None:
        return found.text_fhir
    return Flawed(None, (bad_time(node.place),)) if is_unreadable(node) else None


@converter("instant")
def instant(node: Node, _context: Context) -> str | None:
    """Give an instant; a date alone is none."""
    found = stamp(node)
    return None if found is None else found.instant_fhir


@converter("date")
def date(node: Node, _context: Context) -> Any:
    """Give a date: the day, month or year as written, in no other zone."""
    found = stamp(node)
    if found is not None:
        return found.date_fhir
    return Flawed(None, (bad_time(node.place),)) if is_unreadable(node) else None


def _is_before(end: Timestamp, start: Timestamp) -> bool:
    """Tell whether an end lies before a start, whatever their precision; a day ends at midnight."""
    first, last = start.bounds_utc()[0], end.bounds_utc()[1]
    return last < first or (last == first and end.instant_utc is None)


@converter("period")
def period(node: Node, context: Context) -> Any:
    """Give a Period of an IVL_TS, or of a TS: a point starts and does not end.

    A period that would end before it starts keeps its start only (FHIR R4 per-1).
    """
    low, high = node.child("low"), node.child("high")
    start, end = (
        (stamp(low, context), stamp(high, context))
        if low is not None or high is not None
        else (stamp(node, context), None)
    )
    flaws = tuple(
        bad_time(n.place) for n in (low, high, node) if n is not None and is_unreadable(n)
    )
    if start is not None and end is not None and _is_before(end, start):
        end = None
        flaws = (*flaws, bad_time(node.place))
    found = {"start": start and start.text_fhir, "end": end and end.text_fhir}
    value = {key: text for key, text in found.items() if text} or None
    return Flawed(value, flaws) if flaws else value
