"""People around the patient: NK1."""

from typing import Any

from gateway.core.contributions import Json
from gateway.core.systems import IDENTIFIER_BASE
from gateway.hl7v2.context import Context
from gateway.hl7v2.convert.dates import date_text, stamp
from gateway.hl7v2.convert.names import address, human_name, telecom
from gateway.hl7v2.convert.table import FR_CORE, converter
from gateway.hl7v2.convert.tables import table_coding
from gateway.hl7v2.message import Segment

CATEGORY = FR_CORE + "fr-core-patient-contact-relationship-category"
_NOS = "https://mos.esante.gouv.fr/NOS/"
_ROLE_CLASS = f"{_NOS}TRE_R260-HL7RoleClass/FHIR/TRE-R260-HL7RoleClass"
_ROLE_CODE = f"{_NOS}TRE_R216-HL7RoleCode/FHIR/TRE-R216-HL7RoleCode"
TRUSTED = "K"

#: NK1-7, table 0131 of France, where the national class says exactly the same.
_ROLES = {"C": "ECON", TRUSTED: "NOK"}
#: NK1-3, table 0063, to the RoleCode of the same meaning.
_RELATIONS = {
    "SPO": "SPS",
    "DOM": "DOMPART",
    "CHD": "CHILD",
    "PAR": "PRN",
    "MTH": "MTH",
    "FTH": "FTH",
    "BRO": "BRO",
    "SIS": "SIS",
    "SIB": "SIB",
    "GCH": "GRNDCHILD",
    "GRP": "GRPRN",
    "SCH": "STPCHLD",
    "FCH": "CHLDFOST",
    "NCH": "NCHILD",
    "EXF": "EXT",
    "FND": "FRND",
    "NBR": "NBOR",
}


#: NK1-7 and NK1-3: their table, what is known of it, its national system, and its category.
_KINDS = {
    7: ("0131", _ROLES, _ROLE_CLASS, "role"),
    3: ("0063", _RELATIONS, _ROLE_CODE, "relationType"),
}


def _relationship(segment: Segment, context: Context) -> list[Json]:
    """Return role and relation; the national coding comes first, the one sent is kept."""
    return [
        _relation(number, codings)
        for number in _KINDS
        if (codings := _codings(segment, number, context))
    ]


def _codings(segment: Segment, number: int, context: Context) -> list[Json]:
    code = segment.field(number)
    if not code:
        return []
    table, known, system, _ = _KINDS[number]
    sent = table_coding(table, code, f"NK1-{number}", context)
    return [{"system": system, "code": known[code]}, sent] if code in known else [sent]


def _relation(number: int, codings: list[Json]) -> Json:
    if len(codings) == 1:
        return {"coding": codings}
    return {"coding": codings, "extension": [{"url": CATEGORY, "valueCode": _KINDS[number][3]}]}


def _reach(segment: Segment, context: Context) -> Json:
    points = [
        point
        for number in (5, 6)
        for node in segment.nodes(number)
        if isinstance(point := telecom(node, context), dict)
    ]
    return {"telecom": points} if points else {}


def _period(segment: Segment) -> Json:
    period = {"start": date_text(segment.field(8)), "end": date_text(segment.field(9))}
    return {key: value for key, value in period.items() if value}


@converter(
    "contact", reads=("NK1-2", "NK1-3", "NK1-4", "NK1-5", "NK1-6", "NK1-7", "NK1-8", "NK1-9")
)
def contact(segment: Segment, context: Context) -> Any:
    """Return a contact of the patient; nobody without name, number and address.

    Spec: PAM France 2.11 6.9 (NK1); FR Core fr-core-patient, contact.
    """
    found: Json = {}
    who = segment.node(2)
    if who is not None and (name := human_name(who)):
        found["name"] = name
    found.update(_reach(segment, context))
    place = segment.node(4)
    if place is not None and isinstance(where := address(place, context), dict):
        found["address"] = where
    if not found:
        return None
    if period := _period(segment):
        found["period"] = period
    if relationship := _relationship(segment, context):
        return {"relationship": relationship, **found}
    return found


def _key(segment: Segment) -> tuple[str, ...]:
    """Return what identifies a related person: NK1-33, for a trusted person also the name."""
    number = segment.field(33)
    if number:
        return (number,)
    if segment.field(7) != TRUSTED:
        return ()
    family = segment.field(2).upper()
    digits = ""
    for node in (*segment.nodes(5), *segment.nodes(6)):
        digits = digits or "".join(filter(str.isdigit, node.component(12) or node.component(1)))
    # The same form as in a document, so that both ways meet in one person.
    return ("NOK", family, digits) if family else ()


@converter("related_person_id", reads=("NK1-2", "NK1-5", "NK1-6", "NK1-7", "NK1-33"))
def related_person_id(segment: Segment, context: Context) -> Any:
    """Return the id of a related person, nothing when nothing identifies them.

    Spec: PAM France 2.11 6.9 (NK1-33); the personne de confiance is kept without it.
    """
    key = _key(segment)
    return context.ids.related_person(context.patient.id, *key) if key else None


@converter("related_person_identifier", reads=("NK1-33",))
def related_person_identifier(segment: Segment, context: Context) -> Json:
    """Return the one identifier FR Core asks for.

    Spec: FR Core fr-core-related-person.
    """
    value = "#".join((context.patient.id, *_key(segment)))
    return {"system": f"{IDENTIFIER_BASE}/related-person", "value": value}


@converter("related_person_relationship", reads=("NK1-3", "NK1-7"))
def related_person_relationship(segment: Segment, context: Context) -> list[Json]:
    """Return role and family relation, each coding in a member of its own.

    FR Core knows a member by the system of its codings and wants no other system in it.
    Spec: PAM France 2.11 6.9 (NK1-3, NK1-7); FR Core fr-core-related-person.
    """
    return [{"coding": [one]} for number in _KINDS for one in _codings(segment, number, context)]


@converter("related_person_telecom", reads=("NK1-5", "NK1-6"))
def related_person_telecom(segment: Segment, context: Context) -> Any:
    """Return every contact point.

    Spec: HL7 v2.5 3.4.5.5, 3.4.5.6 (NK1-5, NK1-6).
    """
    return _reach(segment, context).get("telecom")


@converter("related_person_period", reads=("NK1-8", "NK1-9"))
def related_person_period(segment: Segment, _context: Context) -> Json:
    """Return since when and until when.

    Spec: HL7 v2.5 3.4.5.8, 3.4.5.9 (NK1-8, NK1-9).
    """
    return _period(segment)


@converter("related_person_active", reads=("NK1-9",))
def related_person_active(segment: Segment, context: Context) -> bool:
    """Tell whether the relation had not ended when the message was recorded.

    Spec: PAM France 2.11 6.9 (NK1-9 ends the relation).
    """
    end = stamp(segment.field(9))
    return end is None or end.bounds_utc()[1] > context.recorded
