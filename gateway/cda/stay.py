"""The stay a document tells of: the Encounter it makes of it, and what it knows of its course.

Does not find the stay that movements tell of (`fhir.document_stays`). CI-SIS volet Structuration
minimale (encompassingEncounter, serviceEvent).
"""

from typing import Any

from gateway.cda.codes import system_uri
from gateway.cda.contacts import period
from gateway.cda.context import Context
from gateway.cda.professionals import person_entity
from gateway.cda.reader import Node
from gateway.cda.registry import converter
from gateway.cda.structures import organization_key, organization_reference
from gateway.core.contributions import Contribution, Json, Target, Version
from gateway.fhir.document_stays import SAME_STAY
from gateway.fhir.identity import FINESS_SYSTEM
from gateway.fhir.stay_match import DOCUMENT_STAY
from gateway.mapping.converters import Flawed

_ACT_CODE = "2.16.840.1.113883.5.4"
_ACT_CODE_URI = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
#: Kinds of contact of the French health information systems framework: EXTERNE, SEANCE.
_CONTACT_KIND = "1.2.250.1.213.1.1.4.2.291"
#: JDV_J142 type of encounter, as far as v3-ActCode has them.
_CLASSES = ("IMP", "EMER", "AMB", "FLD", "HH", "VR", "ACUTE", "NONAC", "SS", "OBSENC", "PRENC")
#: Letters of admission and discharge: about an inpatient stay even when no code says so.
_STAY_LETTERS = ("11490-0", "18761-7")
_PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_IDENTIFIER_TYPE = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-identifier-type"


def encounter_class_of(root: Node) -> tuple[str, str]:
    """Return (system OID, code) of the kind of stay; empty when the document tells of none.

    The class of the stay comes first, then that of the act; a letter of admission or discharge
    is about an inpatient stay.

    Spec: CI-SIS Structuration minimale, encompassingEncounter/code (JDV_J142), serviceEvent/code.
    """
    stay = root.down("componentOf", "encompassingEncounter", "code")
    act = root.down("documentationOf", "serviceEvent", "code")
    if stay is not None and stay.get("code"):
        return stay.get("codeSystem"), stay.get("code")
    if act is not None and act.get("codeSystem") == _ACT_CODE and act.get("code") in _CLASSES:
        return _ACT_CODE, act.get("code")
    code = root.child("code")
    if code is not None and code.get("code") in _STAY_LETTERS:
        return _ACT_CODE, "IMP"
    return "", ""


def stay_times(root: Node) -> Node | None:
    """Return the effectiveTime of the stay, else that of the main act when the stay has none.

    Masked dates (nullFlavor MSK) are not replaced by others.
    """
    own = root.down("componentOf", "encompassingEncounter", "effectiveTime")
    if own is not None and (own.child("low") is not None or own.get("value")):
        return own
    if own is not None and own.has_null_flavor:
        return None
    return root.down("documentationOf", "serviceEvent", "effectiveTime")


@converter("encounter_id")
def encounter_id(_node: Node, context: Context) -> str | None:
    """Give the id of a stay that only the document tells of."""
    return context.stay.id if context.stay and context.makes_stay else None


@converter("stay_id")
def stay_id(_node: Node, context: Context) -> str | None:
    """Give the id of the stay, that of the message around or one of the document's own."""
    return context.stay.id if context.stay else None


@converter("encounter_reference")
def encounter_reference(_node: Node, context: Context) -> Json | None:
    """Give a reference to the stay."""
    return {"reference": f"Encounter/{context.stay.id}"} if context.stay else None


@converter("visit_identifier")
def visit_identifier(node: Node, context: Context) -> list[Json]:
    """Give the visit numbers of the document, else one computed from its setId.

    The authority is that of the site table, so that it meets the numbers of messages.

    Spec: CI-SIS Structuration minimale, encompassingEncounter/id; FR Core 2.2.0
    fr-core-encounter, identifier 1..* of type VN.
    """
    kind = {"coding": [{"system": _IDENTIFIER_TYPE, "code": "VN"}]}
    found = [
        {
            "type": kind,
            "system": context.site.domain("visit", universal_id=item.get("root")),
            "value": item.get("extension"),
        }
        for item in node.select("cda:componentOf/cda:encompassingEncounter/cda:id")
        if item.get("root") and item.get("extension")
    ]
    own = {"type": kind, "system": DOCUMENT_STAY, "value": context.set_key}
    return found or [own]


@converter("encounter_status")
def encounter_status(node: Node, _context: Context) -> str:
    """Give `finished` once the document gives the end of the stay."""
    times = stay_times(node)
    high = times.child("high") if times is not None else None
    return "finished" if high is not None and high.get("value") else "in-progress"


@converter("encounter_class")
def encounter_class(node: Node, context: Context) -> Json | None:
    """Give the class of the stay as a Coding; a contact of a French kind is ambulatory.

    Spec: CI-SIS JDV_J142; FHIR R4 Encounter.class, v3-ActEncounterCode.
    """
    oid, code = encounter_class_of(node)
    if not code:
        return None
    if oid == _CONTACT_KIND:
        return {"system": _ACT_CODE_URI, "code": "AMB"}
    return {"system": _ACT_CODE_URI if oid == _ACT_CODE else system_uri(oid, context), "code": code}


@converter("contact_kind")
def contact_kind(node: Node, _context: Context) -> Json | None:
    """Give the French kind of an ambulatory contact: EXTERNE, SEANCE.

    Spec: CI-SIS JDV_J142, codes that v3-ActCode lacks.
    """
    oid, code = encounter_class_of(node)
    if oid != _CONTACT_KIND:
        return None
    return {"coding": [{"system": f"urn:oid:{oid}", "code": code}]}


@converter("stay_period")
def stay_period(node: Node, context: Context) -> Any:
    """Give the period of the stay."""
    times = stay_times(node)
    return period(times, context) if times is not None else None


@converter("stay_provider")
def stay_provider(node: Node, context: Context) -> Json | None:
    """Give the custodian, by its FINESS as well: the stay of an establishment is looked for.

    Spec: CI-SIS Structuration minimale, custodian; FHIR R4 Reference.identifier.
    """
    found: Json | None = organization_reference(node, context)
    key = organization_key(node)
    if found is None or key is None or key.system != FINESS_SYSTEM:
        return found
    return {**found, "identifier": {"system": key.system, "value": key.value}}


@converter("encounter_participant")
def encounter_participant(node: Node, context: Context) -> Any:
    """Give a participant of the stay with their role (JDV_J140) and the time of it.

    Spec: CI-SIS Structuration minimale, responsibleParty, encounterParticipant.
    """
    assigned = node.child("assignedEntity")
    individual = person_entity(assigned, context) if assigned is not None else None
    if individual is None:
        return None
    role = {"system": _PARTICIPATION, "code": node.get("typeCode") or "RESP"}
    found: Json = {"type": [{"coding": [role]}]}
    time = node.child("time")
    span = period(time, context) if time is not None else None
    issues = span.issues if isinstance(span, Flawed) else ()
    span = span.value if isinstance(span, Flawed) else span
    if span:
        found["period"] = span
    found["individual"] = individual
    return Flawed(found, issues) if issues else found


def same_stay(context: Context, version: Version) -> Contribution | None:
    """Say that the stay this document would make is the one of the message around it.

    The same document, or another version of it, may come without a message as well.
    """
    if context.stay is None or context.makes_stay:
        return None
    own = Target("Encounter", context.ids.document_stay(context.set_key))
    there = {"reference": f"Encounter/{context.stay.id}"}
    resource = {
        "resourceType": own.type,
        "id": own.id,
        "extension": [{"url": SAME_STAY, "valueReference": there}],
    }
    return Contribution(own, version, resource, annotates=True)
