"""Structures of a document: identifiers, names, how they are reached, references.

Does not merge what several blocks say of one structure (`cda.outcome`). CI-SIS volet Structuration
minimale (representedOrganization, custodian, scopingOrganization); FR Core 2.2.0
fr-core-organization.
"""

import re
from typing import NamedTuple

from gateway.cda.contacts import address, telecom
from gateway.cda.context import Context
from gateway.cda.reader import Node
from gateway.cda.registry import converter
from gateway.core.contributions import Json
from gateway.fhir.identity import FINESS_SYSTEM, IDNST_SYSTEM

STRUCTURE_ROOT = "1.2.250.1.71.4.2.2"
_ESTABLISHMENT = (
    "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-organization-etablissement"
)
_FINESS = re.compile(r"1(\d[0-9AB]\d{7})")
_FR_0203 = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203"
_ORGANIZATIONS = (
    "representedOrganization",
    "receivedOrganization",
    "scopingOrganization",
    "representedCustodianOrganization",
    "guardianOrganization",
)
_ENTITIES = ("assignedAuthor", "assignedEntity", "associatedEntity", "intendedRecipient")
_PERSONS = ("assignedPerson", "associatedPerson", "informationRecipient")


class Key(NamedTuple):
    """What a computed id is made of."""

    system: str
    value: str


def organization_key(node: Node) -> Key | None:
    """Return the key of a structure: FINESS, else the id as received.

    A participantRole is a structure when it is a place of care (SDLOC), or has the number of a
    structure; else it is a device, a product or a person. The sheets of the nursing homes send
    that number in a templateId of the participant.

    Spec: CI-SIS FR-Transport-du-patient; volet DLU, participant DST.
    """
    is_role = node.name == "participantRole"
    for item in (*node.children("id"), *(_misplaced_ids(node) if is_role else ())):
        root, value = item.get("root"), item.get("extension")
        if not root or not value:
            continue
        if is_role and node.get("classCode") != "SDLOC" and root != STRUCTURE_ROOT:
            continue
        finess = _FINESS.fullmatch(value) if root == STRUCTURE_ROOT else None
        return Key(FINESS_SYSTEM, finess[1]) if finess else Key(f"urn:oid:{root}", value)
    return None


def _misplaced_ids(role: Node) -> list[Node]:
    around = role.parent
    found = around.children("templateId") if around is not None else []
    return [item for item in found if item.get("root") == STRUCTURE_ROOT]


def organization_of(node: Node) -> Node | None:
    """Return the structure an entity acts for."""
    for name in _ORGANIZATIONS:
        found = node.child(name)
        if found is not None:
            return found
    return None


def person_of(node: Node) -> Node | None:
    """Return the name element of the person of an entity."""
    for name in _PERSONS:
        found = node.down(name, "name")
        if found is not None:
            return found
    return None


def is_news(kind: str, id_: str, said: str, context: Context) -> bool:
    """Tell whether nothing equal was said of a resource before in this document."""
    place = (f"{kind} {id_}", said)
    if place in context.memo:
        return False
    context.memo[place] = True
    return True


def reach_text(node: Node) -> str:
    """Return how somebody is reached, as text to compare."""
    numbers = [item.get("value") for item in node.children("telecom")]
    return "|".join([*numbers, *(item.text() for item in node.children("addr"))])


def telecoms(node: Node, context: Context) -> list[Json]:
    """Return the ContactPoints of an element."""
    return [made for item in node.children("telecom") if (made := telecom(item, context))]


@converter("organization_id")
def organization_id(node: Node, context: Context) -> str | None:
    """Give the id of a structure; none without an identifier, nor for a repetition."""
    found = structure_id(node, context)
    if found is None:
        return None
    numbers = "".join(item.get("extension") for item in node.children("id"))
    said = node.text() + "".join(reach_text(place) for place in _structure_places(node)) + numbers
    return found if is_news("organization", found, said, context) else None


def structure_id(node: Node, context: Context) -> str | None:
    """Return the id of a structure, None without an identifier."""
    place = ("organization", node.key)
    if place not in context.memo:
        key = organization_key(node)
        context.memo[place] = context.ids.organization(*key) if key else None
    found: str | None = context.memo[place]
    return found


def _structure_places(node: Node) -> list[Node]:
    """Return where a document says how a structure is reached: on it, on who is it alone."""
    around = node.parent
    is_alone = around is not None and around.name in _ENTITIES and person_of(around) is None
    return [node, around] if around is not None and is_alone else [node]


@converter("organization_telecom")
def organization_telecom(node: Node, context: Context) -> list[Json]:
    """Give the telecoms of a structure; those of a participant who is nobody but the structure."""
    found = [one for place in _structure_places(node) for one in telecoms(place, context)]
    return [one for at, one in enumerate(found) if one not in found[:at]]


@converter("organization_address")
def organization_address(node: Node, context: Context) -> list[Json]:
    """Give the addresses of a structure, as its telecoms."""
    homes = (item for place in _structure_places(node) for item in place.children("addr"))
    found = [made for item in homes if (made := address(item, context))]
    return [one for at, one in enumerate(found) if one not in found[:at]]


@converter("organization_profile")
def organization_profile(node: Node, _context: Context) -> str | None:
    """Give the profile of an establishment to a structure that has a FINESS.

    Spec: FR Core 2.2.0 fr-core-organization-etablissement.
    """
    key = organization_key(node)
    return _ESTABLISHMENT if key is not None and key.system == FINESS_SYSTEM else None


@converter("organization_identifier")
def organization_identifier(node: Node, context: Context) -> list[Json]:
    """Give the national identifier as received, and the FINESS read in it.

    A document does not say whether a FINESS is EJ or EG, so it gets no type.

    Spec: FR Core 2.2.0 fr-core-organization-etablissement slices idNatSt and finess.
    """
    key = organization_key(node)
    if key is None:
        return []
    if key.system == FINESS_SYSTEM:
        national = identifier(IDNST_SYSTEM, f"1{key.value}", "IDNST", "official")
        return [national, identifier(*key, ""), *_others(node, national)]
    kind = "IDNST" if key.system == IDNST_SYSTEM else ""
    own = identifier(*key, kind, "official" if kind else "")
    return [own, *_others(node, own)]


@converter("organization_reference")
def organization_reference(node: Node, context: Context) -> Json | None:
    """Give a reference to a structure, its name alone when it has no identifier."""
    found = structure_id(node, context)
    if found:
        return {"reference": f"Organization/{found}"}
    name = node.child("name") or node.down("playingEntity", "name")
    return {"display": name.text()} if name is not None and name.text() else None


def _others(node: Node, known: Json) -> list[Json]:
    """Return the further numbers of a structure: an accreditation, a number of another list."""
    found = [
        identifier(f"urn:oid:{item.get('root')}", item.get("extension"), "")
        for item in node.children("id")
        if item.get("root") and item.get("extension")
    ]
    own = (known["system"], known["value"])
    return [one for one in found if (one["system"], one["value"]) != own]


def identifier(system: str, value: str, kind: str, use: str = "") -> Json:
    """Return an Identifier with its FR Core type, if it has one."""
    found: Json = {"use": use} if use else {}
    if kind:
        found["type"] = {"coding": [{"system": _FR_0203, "code": kind}]}
    return {**found, "system": system, "value": value}
