"""Establishments, units and places: the sender, XON, PL and DLD."""

from typing import Any

from gateway.core.systems import IDENTIFIER_BASE
from gateway.fhir.identity import FINESS_SYSTEM, unit_system
from gateway.hl7v2.authorities import finess
from gateway.hl7v2.context import Context
from gateway.hl7v2.convert.table import FR_CORE, FR_SYSTEM, converter
from gateway.hl7v2.message import Message, Node
from gateway.mapping.converters import REMOVED

ACTIVITY_FIELD = FR_CORE + "fr-core-organization-champ-activite"
_PLACE_TYPE = "http://terminology.hl7.org/CodeSystem/location-physical-type"
#: Physical type and FR Core type of a bed and of a room.
_KINDS = {"bed": ("bd", "LIT"), "room": ("ro", "CHAMB")}


@converter("establishment_id", reads=("MSH-4", "PV1-3", "PV1-19", "PID-18", "PID-3"))
def establishment(_source: Message | Node, context: Context) -> Any:
    """Return the id of the establishment the message is about, nothing without FINESS.

    Spec: HL7 v2.5 2.15.9.4 (MSH-4), 3.4.3.3 (PV1-3.4).
    """
    return context.establishment or None


@converter("establishment_reference", reads=("MSH-4",))
def establishment_reference(_source: Message | Node, context: Context) -> Any:
    """Return a reference to the establishment the message is about.

    Spec: HL7 v2.5 2.15.9.4 (MSH-4).
    """
    if not context.establishment:
        return None
    return {"reference": f"Organization/{context.establishment}"}


@converter("establishment_identifier", reads=("MSH-4",))
def establishment_identifier(_source: Message | Node, context: Context) -> Any:
    """Return the FINESS; the message does not reliably say whether of an EJ or an EG.

    Spec: FR Core fr-core-organization-etablissement, slice finess.
    """
    return {"system": FINESS_SYSTEM, "value": context.finess}


@converter("facility_name")
def facility_name(node: Node, _context: Context) -> Any:
    """Return the name of the sending facility, unless it is a number.

    Spec: HL7 v2.5 2.15.9.4 (MSH-4.1).
    """
    name = node.component(1)
    return None if finess(name) else name


@converter("finess_id")
def finess_id(node: Node, context: Context) -> Any:
    """Return the id of the Organization of a FINESS number (PV1-37.1, ZFV-1.1).

    Spec: PAM France 2.11 6.10 (PV1-37), 6.18 (ZFV-1).
    """
    number = finess(node.component(1))
    return context.ids.organization(FINESS_SYSTEM, number) if number else None


@converter("finess_identifier")
def finess_identifier(node: Node, _context: Context) -> Any:
    """Return a FINESS as an identifier.

    Spec: FR Core fr-core-organization-etablissement, slice finess.
    """
    number = finess(node.component(1))
    return {"system": FINESS_SYSTEM, "value": number} if number else None


@converter("finess_reference", of_text=True)
def finess_reference(node: Node, context: Context) -> Any:
    """Return a reference to the establishment of a FINESS; any other text is shown only.

    Spec: PAM France 2.11 6.10 (PV1-37), 6.18 (ZFV-1).
    """
    if node.is_null:
        return REMOVED
    found = finess_id(node, context)
    text = node.component(1)
    return {"reference": f"Organization/{found}"} if found else {"display": text}


def unit_code(node: Node) -> str:
    """Return the code of a unit: XON-10 (else XON-3) of ZBE-7 and ZBE-8, PL-1 of PV1-3."""
    if node.field == 3:
        return node.component(1)
    return node.component(10) or node.component(3)


@converter("unit_id")
def unit_id(node: Node, context: Context) -> Any:
    """Return the id of a unité fonctionnelle; its code is only unique in an establishment.

    Spec: PAM France 2.11 6.13 (ZBE-7, ZBE-8), 6.10 (PV1-3.1).
    """
    code = unit_code(node)
    return context.ids.unit(context.finess, code) if code and context.finess else None


@converter("unit_reference", of_text=True)
def unit_reference(node: Node, context: Context) -> Any:
    """Return a reference to a unité fonctionnelle, its label alone without FINESS.

    Spec: PAM France 2.11 6.13 (ZBE-7).
    """
    found = unit_id(node, context)
    if found:
        return {"reference": f"Organization/{found}"}
    shown = node.component(1)
    return {"display": shown} if shown else None


@converter("unit_identifier")
def unit_identifier(node: Node, context: Context) -> Any:
    """Return the code of a unit in its establishment.

    Spec: PAM France 2.11 6.13 (ZBE-7.10).
    """
    return {
        "type": {"coding": [{"system": f"{FR_SYSTEM}fr-core-cs-v2-0203", "code": "INTRN"}]},
        "system": unit_system(context.finess),
        "value": unit_code(node),
    }


@converter("unit_name")
def unit_name(node: Node, context: Context) -> Any:
    """Return the name of a unit: of the site table, else the label of the message.

    Spec: PAM France 2.11 6.13 (ZBE-7.1).
    """
    known = context.site.unit(unit_code(node)).name
    return known or (node.component(1) if node.field != 3 else None)


@converter("activity_field")
def activity_field(node: Node, context: Context) -> Any:
    """Return the PMSI field of a unit, of the site table.

    Spec: FR Core fr-core-organization-champ-activite.
    """
    champ = context.site.unit(unit_code(node)).champ
    if not champ:
        return None
    system = f"{FR_SYSTEM}fr-core-cs-champ-activite"
    return {"url": ACTIVITY_FIELD, "valueCoding": {"system": system, "code": champ}}


def _parts(node: Node) -> tuple[str, str, str]:
    return node.component(1), node.component(2), node.component(3)


@converter("location_id")
def location_id(node: Node, context: Context) -> Any:
    """Return the id of the finest place of a PL: bed, else room, else unit.

    Spec: HL7 v2.5 2.A.53 (PL).
    """
    parts = _parts(node)
    if not context.finess or not any(parts):
        return None
    return context.ids.location(context.finess, *parts)


@converter("location_reference", of_text=True)
def location_reference(node: Node, context: Context) -> Any:
    """Return a reference to the finest place of a PL.

    Spec: HL7 v2.5 2.A.53 (PL).
    """
    found = location_id(node, context)
    return {"reference": f"Location/{found}"} if found else None


@converter("location_identifier")
def location_identifier(node: Node, context: Context) -> Any:
    """Return the path of a place in its establishment: unit, room and bed, empty parts kept.

    Spec: HL7 v2.5 2.A.53 (PL).
    """
    return _internal("#".join(_parts(node)), context)


def _internal(path: str, context: Context) -> dict[str, Any]:
    """Return the internal identifier of a place; FR Core 2.1.0 wants its type."""
    system = f"{FR_SYSTEM}fr-core-cs-location-identifier-type"
    return {
        "type": {"coding": [{"system": system, "code": "INTRN"}]},
        "system": f"{IDENTIFIER_BASE}/location/{context.finess}",
        "value": path,
    }


@converter("location_name")
def location_name(node: Node, _context: Context) -> Any:
    """Return a name people can read.

    Spec: HL7 v2.5 2.A.53 (PL).
    """
    words = zip(("UF", "chambre", "lit"), _parts(node), strict=True)
    return ", ".join(f"{word} {part}" for word, part in words if part)


def _kind(node: Node) -> str:
    _, room, bed = _parts(node)
    return "bed" if bed else "room" if room else ""


@converter("location_physical_type")
def location_physical_type(node: Node, _context: Context) -> Any:
    """Return bed or room; a place known by its unit only has no physical type.

    Spec: HL7 v2.5 2.A.53 (PL); location-physical-type.
    """
    kind = _kind(node)
    return {"coding": [{"system": _PLACE_TYPE, "code": _KINDS[kind][0]}]} if kind else None


@converter("location_type")
def location_type(node: Node, _context: Context) -> Any:
    """Return bed or room in the required value set of FR Core, which has no unit.

    Spec: FR Core fr-core-location.
    """
    kind = _kind(node)
    if not kind:
        return None
    system = f"{FR_SYSTEM}fr-core-cs-location-type"
    return {"coding": [{"system": system, "code": _KINDS[kind][1]}]}


@converter("room_reference")
def room_reference(node: Node, context: Context) -> Any:
    """Return a reference to the room of a bed.

    Spec: HL7 v2.5 2.A.53 (PL); FR Core fr-core-location.
    """
    found = room_id(node, context)
    return {"reference": f"Location/{found}"} if found else None


@converter("room_id")
def room_id(node: Node, context: Context) -> Any:
    """Return the id of the room of a bed; nothing for a place that is no bed in a room.

    Spec: HL7 v2.5 2.A.53 (PL).
    """
    unit, room, bed = _parts(node)
    if not (context.finess and room and bed):
        return None
    return context.ids.location(context.finess, unit, room)


@converter("room_identifier")
def room_identifier(node: Node, context: Context) -> Any:
    """Return the path of a room in its establishment.

    Spec: HL7 v2.5 2.A.53 (PL).
    """
    unit, room, _ = _parts(node)
    return _internal(f"{unit}#{room}#", context)


@converter("room_name")
def room_name(node: Node, _context: Context) -> str:
    """Return a name people can read for a room.

    Spec: HL7 v2.5 2.A.53 (PL).
    """
    unit, room, _ = _parts(node)
    return f"UF {unit}, chambre {room}" if unit else f"chambre {room}"
