"""Professionals: identity of an XCN, references to it, the attending and the family doctor."""

import re
from functools import lru_cache
from typing import Any, NamedTuple

from gateway.core.contributions import Json
from gateway.fhir.identity import IDNPS_SYSTEM, RPPS_SYSTEM
from gateway.hl7v2.authorities import Parts, system_of
from gateway.hl7v2.context import Context
from gateway.hl7v2.convert.dates import date_time_text
from gateway.hl7v2.convert.table import FR_SYSTEM, V3_SYSTEM, converter
from gateway.hl7v2.convert.tables import table_coding
from gateway.hl7v2.message import Node, Segment
from gateway.mapping.converters import REMOVED
from gateway.mapping.sites import Site

_IDNPS = re.compile(r"8[0-9]{11}")
_RPPS = re.compile(r"[0-9]{11}")
_ADELI = re.compile(r"[0-9][0-9AB][0-9]{7}")
_NATIONAL_ROOT = "1.2.250.1.71.4.2.1"
_NATIONAL_TYPES = frozenset(("RPPS", "IDNPS", "ADELI"))

#: ROL-3, table 0443, to the participation of an encounter.
_ROLES = {
    "RP": "REF",
    "RT": "REF",
    "SUBS": "REF",
    "CP": "CON",
    "AT": "ATND",
    "AD": "ADM",
}


class Person(NamedTuple):
    """The business identity of a professional.

    Attributes:
        system: RPPS, else the national identifier, else the authority given.
        value: the number in that system.
        national: the national identifier as received (a digit before the RPPS), else empty.
    """

    system: str
    value: str
    national: str


def person(node: Parts, site: Site) -> Person | None:
    """Return who an XCN names; None without an identifier that has an authority.

    Spec: IHE France, constraints on HL7 data types, XCN; FR Core fr-core-practitioner.
    """
    value, kind = node.component(1), node.component(13)
    if not value:
        return None
    root = node.component(9, 2) or node.component(9, 1)
    national = root == _NATIONAL_ROOT or kind in _NATIONAL_TYPES
    if not national:
        system = system_of(
            "practitioner", node.component(9, 1), node.component(9, 2), node.component(9, 3), site
        )
        return Person(system, value, "") if system else None
    if _IDNPS.fullmatch(value):
        return Person(RPPS_SYSTEM, value[1:], value)
    if kind in ("", "RPPS") and _RPPS.fullmatch(value):
        return Person(RPPS_SYSTEM, value, "")
    if kind in ("", "ADELI") and _ADELI.fullmatch(value):
        # The national identifier of one who has no RPPS is 0 and the ADELI: one person, two forms.
        return Person(IDNPS_SYSTEM, f"0{value}", value)
    return Person(IDNPS_SYSTEM, value, value)


@lru_cache(maxsize=64)
def _type(code: str) -> Json:
    return {"coding": [{"system": f"{FR_SYSTEM}fr-core-cs-v2-0203", "code": code}]}


@converter("practitioner_id")
def practitioner_id(node: Node, context: Context) -> Any:
    """Return the id of a professional, of the RPPS when it can be read.

    Spec: IHE France, constraints on HL7 data types, XCN.
    """
    found = person(node, context.site)
    return context.ids.practitioner(found.system, found.value) if found else None


@converter("practitioner_identifier")
def practitioner_identifier(node: Node, context: Context) -> Any:
    """Return RPPS and national identifier; the latter only as it was received.

    Spec: FR Core fr-core-practitioner, slices rpps and idNatPs.
    """
    found = person(node, context.site)
    if found is None:
        return None
    members: list[Json] = []
    if found.system == RPPS_SYSTEM:
        members.append({"type": _type("RPPS"), "system": RPPS_SYSTEM, "value": found.value})
    elif not found.national:
        members.append({"system": found.system, "value": found.value})
    if found.national:
        members.append({"type": _type("IDNPS"), "system": IDNPS_SYSTEM, "value": found.national})
    return members


@converter("practitioner_name")
def practitioner_name(node: Node, _context: Context) -> Any:
    """Return family and given name of a professional.

    Spec: HL7 v2.5 2.A.86 (XCN).
    """
    found: Json = {}
    if family := node.component(2):
        found["family"] = family
    if given := node.component(3):
        found["given"] = [given]
    return found


@converter("practitioner_role_id")
def practitioner_role_id(node: Node, context: Context) -> Any:
    """Return the id of a professional's role in the establishment of the message.

    Spec: HL7 v2.5 2.A.86 (XCN).
    """
    found = person(node, context.site)
    if found is None or not context.finess:
        return None
    ids = context.ids
    practitioner = ids.practitioner(found.system, found.value)
    return ids.practitioner_role(practitioner, context.establishment)


@converter("practitioner_reference", of_text=True)
def practitioner_reference(node: Parts, context: Context) -> Any:
    """Return a reference to a professional, the name alone when nothing identifies them.

    Spec: HL7 v2.5 2.A.86 (XCN).
    """
    found = person(node, context.site)
    if found is not None:
        number = context.ids.practitioner(found.system, found.value)
        return {"reference": f"Practitioner/{number}"}
    shown = " ".join(part for part in (node.component(3), node.component(2)) if part)
    return {"display": shown} if shown else None


def _participant(node: Node, context: Context, code: str) -> Json | None:
    individual = practitioner_reference(node, context)
    if individual is None:
        return None
    coding = {"system": f"{V3_SYSTEM}ParticipationType", "code": code}
    return {"type": [{"coding": [coding]}], "individual": individual}


@converter("attending", of_text=True)
def attending(node: Node, context: Context) -> Any:
    """Return the attending doctor as a participant.

    Spec: HL7 v2.5 3.4.3.7 (PV1-7); v3 ParticipationType.
    """
    return _participant(node, context, "ATND")


@converter("referrer", of_text=True)
def referrer(node: Node, context: Context) -> Any:
    """Return the referring doctor as a participant.

    Spec: HL7 v2.5 3.4.3.8 (PV1-8); v3 ParticipationType.
    """
    return _participant(node, context, "REF")


@converter("admitter", of_text=True)
def admitter(node: Node, context: Context) -> Any:
    """Return the admitting doctor as a participant.

    Spec: HL7 v2.5 3.4.3.17 (PV1-17); v3 ParticipationType.
    """
    return _participant(node, context, "ADM")


@converter("role_participant", reads=("ROL-2", "ROL-3", "ROL-4", "ROL-5", "ROL-6"))
def role_participant(segment: Segment, context: Context) -> Any:
    """Return a doctor of a ROL segment as a participant, with the role as sent beside it.

    Spec: PAM France 2.11 6.8 (ROL); HL7 v2.5 table 0443.
    """
    role = segment.field(3)
    who = segment.node(4)
    if role not in _ROLES or who is None or segment.field(2) == "DE":
        return None
    made = _participant(who, context, _ROLES[role])
    if made is None:
        return None
    made["type"][0]["coding"].append(table_coding("0443", role, "ROL-3", context))
    period = {
        "start": date_time_text(segment.field(5)),
        "end": date_time_text(segment.field(6)),
    }
    made["period"] = {key: value for key, value in period.items() if value}
    return made


@converter("general_practitioner", reads=("ROL-2", "ROL-3", "ROL-4"))
def general_practitioner(segment: Segment, context: Context) -> Any:
    """Return the médecin traitant; a ROL that deletes it empties the element.

    Spec: PAM France 2.11 6.8 (ROL-3 ODRP).
    """
    if segment.field(3) != "ODRP":
        return None
    if segment.field(2) == "DE":
        return REMOVED
    who = segment.node(4)
    return practitioner_reference(who, context) if who else None
