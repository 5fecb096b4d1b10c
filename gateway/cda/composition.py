"""The Composition of a document: its narrative, section by section, with what the entries gave.

Does not write XHTML (`cda.xhtml`) nor decide what an entry becomes (`mappings/cda`). CDA R2
structuredBody; FHIR R4 Composition.
"""

from typing import Any

from gateway.cda.codes import concept
from gateway.cda.contacts import date_time, period
from gateway.cda.context import Context
from gateway.cda.header import document_identifier, document_status
from gateway.cda.professionals import entity
from gateway.cda.reader import Node
from gateway.cda.registry import converter
from gateway.cda.xhtml import div
from gateway.core.contributions import Json
from gateway.mapping.converters import Flawed

_VERSION = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Composition.version"
_NARRATIVE_LINK = "http://hl7.org/fhir/StructureDefinition/narrativeLink"
_MODES = {"legalAuthenticator": "legal", "authenticator": "professional"}
_STATUS = (
    "cda:component/cda:structuredBody/descendant::cda:section/cda:entry"
    "/cda:observation[cda:code/@code='GEN-065']/cda:value"
)


@converter("composition_id")
def composition_id(_node: Node, context: Context) -> str | None:
    """Give the id of the Composition; a document without sections has none."""
    body = context.document.root.down("component", "structuredBody")
    return context.composition.id if body is not None else None


@converter("composition_version")
def composition_version(node: Node, _context: Context) -> Json | None:
    """Give the version of the document in the R5 cross-version extension."""
    return {"url": _VERSION, "valueString": node.text()} if node.text() else None


@converter("composition_status")
def composition_status(node: Node, context: Context) -> str:
    """Give the status of the content; without FR-Statut-du-document it is final.

    Spec: CI-SIS FR-Statut-du-document GEN-065; CDA R2 has no status of its own.
    """
    said = node.select(_STATUS)
    return (document_status(said[0], context) if said else None) or "final"


@converter("composition_title")
def composition_title(node: Node, _context: Context) -> str | None:
    """Give the title; without one the name of the kind of document, else its code.

    Spec: CI-SIS Structuration minimale, title 0..1; FHIR R4 Composition.title 1..1.
    """
    title, code = node.child("title"), node.child("code")
    words = title.text() if title is not None else ""
    if words or code is None:
        return words or None
    return code.get("displayName") or code.get("code") or None


@converter("attester")
def attester(node: Node, context: Context) -> Json:
    """Give who signed, with the time of the signature."""
    found: Json = {"mode": _MODES[node.name]}
    time, who = node.child("time"), node.child("assignedEntity")
    made = date_time(time, context) if time is not None else None
    if isinstance(made, str):
        found["time"] = made
    party = entity(who, context) if who is not None else None
    if party is not None:
        found["party"] = party
    return found


@converter("replaced_composition")
def replaced_composition(node: Node, context: Context) -> Json | None:
    """Give the Composition this one replaces, by the identifier of its document."""
    found = document_identifier(node, context)
    if found is None or (found["system"], found["value"]) == context.master:
        return None
    return {"code": "replaces", "targetIdentifier": found}


@converter("composition_event")
def composition_event(node: Node, context: Context) -> Any:
    """Give an act the document is about: its code and its period."""
    code, times = node.child("code"), node.child("effectiveTime")
    found: Json = {}
    made = concept(code, context) if code is not None else None
    said = made.value if isinstance(made, Flawed) else made
    if said:
        found["code"] = [said]
    span = period(times, context) if times is not None else None
    span = span.value if isinstance(span, Flawed) else span
    if span:
        found["period"] = span
    return found or None


@converter("meeting_event")
def meeting_event(node: Node, context: Context) -> Any:
    """Give an encounter that is no stay of the patient: a meeting about them, at its time.

    Spec: CI-SIS Structuration minimale, encompassingEncounter/code VR; CANCER-FRCP.
    """
    return None if context.stay is not None else composition_event(node, context)


@converter("composition_sections")
def composition_sections(node: Node, context: Context) -> list[Json]:
    """Give every section with its title, code, narrative and the resources of its entries.

    A section that holds nothing at all is left out (FHIR R4 cmp-1).

    Spec: CDA R2 section; FHIR R4 Composition.section, narrative status `additional`: the words of
    the author may say more than the entries.
    """
    body = node.down("component", "structuredBody")
    return _sections(body, context) if body is not None else []


def _sections(parent: Node, context: Context) -> list[Json]:
    found = []
    for component in parent.children("component"):
        for section in component.children("section"):
            made = _section(section, context)
            if made is not None:
                found.append(made)
    return found


def _section(section: Node, context: Context) -> Json | None:
    found: Json = {}
    title, code = section.child("title"), section.child("code")
    words = title.text() if title is not None else ""
    words = words or (code.get("displayName") if code is not None else "")
    if words:
        found["title"] = words
    made = concept(code, context) if code is not None else None
    said = made.value if isinstance(made, Flawed) else made
    if said:
        found["code"] = said
    signers = [entity(who, context) for who in section.select("cda:author/cda:assignedAuthor")]
    if any(signers):
        found["author"] = [who for who in signers if who]
    text = section.child("text")
    narrative = div(text) if text is not None else ""
    if narrative:
        found["text"] = {"status": "additional", "div": narrative}
    references = [{"reference": name} for name in context.made_in(section)]
    if references:
        found["entry"] = references
    below = _sections(section, context)
    if below:
        found["section"] = below
    return found if narrative or references or below else None


@converter("narrative_link")
def narrative_link(node: Node, context: Context) -> Json | None:
    """Give where the Composition says an entry in words.

    Spec: HL7 CDA R2 4.3.5.11 reference; FHIR R4 extension narrativeLink.
    """
    reference = node.down("text", "reference")
    target = context.document.referenced(reference.get("value")) if reference is not None else None
    if target is None:
        return None
    place = f"Composition/{context.composition.id}#{target.get('ID')}"
    return {"url": _NARRATIVE_LINK, "valueUrl": place}
