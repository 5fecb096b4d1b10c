"""Who wrote, entered, signed and keeps a document, with their part and its time.

Does not make the people themselves (`cda.professionals`) nor the team (`cda.team`). CI-SIS volet
Structuration minimale (author, dataEnterer, informant, authenticators, custodian).
"""

from typing import Any

from gateway.cda.absence import absent, reason_of
from gateway.cda.codes import concept
from gateway.cda.contacts import is_unreadable, stamp
from gateway.cda.context import Context
from gateway.cda.faults import bad_time
from gateway.cda.professionals import entity
from gateway.cda.reader import Node
from gateway.cda.registry import converter
from gateway.cda.structures import organization_reference
from gateway.core.contributions import Json
from gateway.core.issues import Issue
from gateway.core.systems import FHIR_BASE
from gateway.mapping.converters import Flawed

#: On a reference to somebody who took part: when, and in which function.
TIME = f"{FHIR_BASE}/StructureDefinition/participation-time"
FUNCTION = f"{FHIR_BASE}/StructureDefinition/participation-function"
#: On a Composition: somebody R4 has no element for.
PARTICIPATION = f"{FHIR_BASE}/StructureDefinition/document-participation"
_AGENTS = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
#: Kinds of agents by the element they come from.
_KINDS = {
    "author": "author",
    "dataEnterer": "enterer",
    "informant": "informant",
    "legalAuthenticator": "legal",
    "authenticator": "verifier",
    "custodian": "custodian",
}
#: v3-ParticipationType by element, where the element has no typeCode of its own.
_TYPES = {"dataEnterer": "ENT", "informationRecipient": "PRCP"}
_ENTITIES = ("assignedAuthor", "assignedEntity", "intendedRecipient")


def party(node: Node, context: Context) -> Json | None:
    """Return a reference to whom a participation names."""
    for name in _ENTITIES:
        who = node.child(name)
        if who is not None:
            found: Json | None = entity(who, context)
            return found
    keeper = node.down("assignedCustodian", "representedCustodianOrganization")
    if keeper is None:
        return None
    kept: Json | None = organization_reference(keeper, context)
    return kept


@converter("signed_by")
def signed_by(node: Node, context: Context) -> Any:
    """Give a reference to an author or authenticator, with the time and function beside it.

    Spec: CI-SIS Structuration minimale, author/time, author/functionCode, JDV_J47.
    """
    who = party(node, context)
    if who is None:
        return None
    beside: list[Json] = []
    issues: list[Issue] = []
    time, function = node.child("time"), node.child("functionCode")
    found = stamp(time, context)
    if found is not None:
        beside.append({"url": TIME, "valueDateTime": found.text_fhir})
    elif time is not None and is_unreadable(time):
        issues.append(bad_time(time.place))
    part = concept(function, context) if function is not None else None
    if isinstance(part, Flawed):
        issues += part.issues
        part = part.value
    if part:
        beside.append({"url": FUNCTION, "valueCodeableConcept": part})
    made = {"extension": beside, **who} if beside else who
    return Flawed(made, tuple(issues)) if issues else made


@converter("absent_author")
def absent_author(node: Node, context: Context) -> Json | None:
    """Give the reason why a document names no author, where FHIR asks for one.

    Spec: FHIR R4 Composition.author 1..*.
    """
    authors = node.children("author")
    if any(party(author, context) for author in authors):
        return None
    flavors = [author.null_flavor for author in authors if author.has_null_flavor]
    return {"extension": [absent(reason_of(flavors[0] if flavors else ""))]}


@converter("document_participation")
def document_participation(node: Node, context: Context) -> Json | None:
    """Give somebody R4 has no element for: who entered it, to whom it is addressed.

    Spec: CI-SIS Structuration minimale, dataEnterer, informationRecipient.
    """
    who = party(node, context)
    if who is None:
        return None
    kind = node.get("typeCode") or _TYPES[node.name]
    parts: list[Json] = [{"url": "type", "valueCode": kind}]
    time = stamp(node.child("time"), context)
    if time is not None:
        parts.append({"url": "time", "valueDateTime": time.text_fhir})
    parts.append({"url": "party", "valueReference": who})
    return {"url": PARTICIPATION, "extension": parts}


@converter("provenance_agent")
def provenance_agent(node: Node, context: Context) -> Json | None:
    """Give a participation as agent of the document.

    Spec: FHIR R4 Provenance.agent, provenance-participant-type.
    """
    who = party(node, context)
    if who is None:
        return None
    return {"type": {"coding": [{"system": _AGENTS, "code": _KINDS[node.name]}]}, "who": who}
