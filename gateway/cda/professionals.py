"""Professionals and structures of a document: identifiers, roles, references.

Does not merge what several blocks say of one professional (`cda.adapter`). CI-SIS volet
Structuration minimale (author, authenticator, participant, custodian); FR Core 2.2.0
fr-core-practitioner, fr-core-practitioner-role, fr-core-organization.
"""

import re
from typing import NamedTuple

from gateway.cda.codes import coding_of
from gateway.cda.contacts import person_name
from gateway.cda.context import Context
from gateway.cda.reader import Node
from gateway.cda.registry import converter
from gateway.core.contributions import Json
from gateway.core.envelope import INS_ROOTS
from gateway.fhir.identity import (
    FINESS_SYSTEM,
    IDNPS_SYSTEM,
    IDNST_SYSTEM,
    RPPS_SYSTEM,
)

_PS_ROOT = "1.2.250.1.71.4.2.1"
_STRUCTURE_ROOT = "1.2.250.1.71.4.2.2"
_ESTABLISHMENT = (
    "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-organization-etablissement"
)
_RPPS = re.compile(r"8(\d{11})")
_FINESS = re.compile(r"1(\d[0-9AB]\d{7})")
_FR_0203 = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203"
_NOS = "https://mos.esante.gouv.fr/NOS/"
_PROFESSION = f"{_NOS}TRE_G15-ProfessionSante/FHIR/TRE-G15-ProfessionSante"
_SPECIALTY = f"{_NOS}TRE_R38-SpecialiteOrdinale/FHIR/TRE-R38-SpecialiteOrdinale"
_PROFESSION_SAVOIR_FAIRE = "1.2.250.1.213.1.1.4.5"
_ORGANIZATIONS = (
    "representedOrganization",
    "receivedOrganization",
    "scopingOrganization",
    "representedCustodianOrganization",
)
_PERSONS = ("assignedPerson", "associatedPerson", "informationRecipient")


class Key(NamedTuple):
    """What a computed id is made of."""

    system: str
    value: str


def professional_key(node: Node) -> Key | None:
    """Return the key of the professional of an entity: RPPS, else the id as received.

    The internal number of an agent is only unique with its authority, so both are needed. An id
    of a patient or of a structure names no professional.
    """
    for item in node.children("id"):
        root, value = item.get("root"), item.get("extension")
        if not root or not value or root in INS_ROOTS or root == _STRUCTURE_ROOT:
            continue
        rpps = _RPPS.fullmatch(value) if root == _PS_ROOT else None
        return Key(RPPS_SYSTEM, rpps[1]) if rpps else Key(f"urn:oid:{root}", value)
    return None


def organization_key(node: Node) -> Key | None:
    """Return the key of a structure: FINESS, else the id as received.

    A participantRole is a structure when it is a place of care (SDLOC), else a device or product.
    """
    if node.name == "participantRole" and node.get("classCode") != "SDLOC":
        return None
    for item in node.children("id"):
        root, value = item.get("root"), item.get("extension")
        if not root or not value:
            continue
        finess = _FINESS.fullmatch(value) if root == _STRUCTURE_ROOT else None
        return Key(FINESS_SYSTEM, finess[1]) if finess else Key(f"urn:oid:{root}", value)
    return None


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


@converter("practitioner_id")
def practitioner_id(node: Node, context: Context) -> str | None:
    """Give the id of the professional of an entity; none without an identifier and a person.

    Nothing for a block that repeats what an earlier one said of the same professional.

    Spec: CI-SIS Structuration minimale, PS_IdNat; no id is made from an empty value.
    """
    found = _practitioner(node, context)
    name = person_of(node)
    said = name.text() if name is not None else ""
    return found if found and _is_news("practitioner", found, said, context) else None


def _is_news(kind: str, id_: str, said: str, context: Context) -> bool:
    """Tell whether nothing equal was said of a resource before in this document."""
    place = (f"{kind} {id_}", said)
    if place in context.memo:
        return False
    context.memo[place] = True
    return True


def _practitioner(node: Node, context: Context) -> str | None:
    place = ("practitioner", node.key)
    if place not in context.memo:
        key = professional_key(node)
        known = key is not None and person_of(node) is not None
        context.memo[place] = context.ids.practitioner(*key) if key and known else None
    found: str | None = context.memo[place]
    return found


@converter("practitioner_identifier")
def practitioner_identifier(node: Node, context: Context) -> list[Json]:
    """Give the national identifier as received, and the RPPS read in it.

    Spec: FR Core 2.2.0 fr-core-practitioner slices idNatPs and rpps; ANS PS_IdNat, prefix 8.
    """
    key = professional_key(node)
    if key is None:
        return []
    if key.system == RPPS_SYSTEM:
        return [_identifier(IDNPS_SYSTEM, f"8{key.value}", "IDNPS"), _identifier(*key, "RPPS")]
    return [_identifier(*key, "IDNPS" if key.system == IDNPS_SYSTEM else "")]


@converter("practitioner_name")
def practitioner_name(node: Node, context: Context) -> Json | None:
    """Give the name of the person of an entity."""
    name = person_of(node)
    return person_name(name, context) if name is not None else None


@converter("organization_id")
def organization_id(node: Node, context: Context) -> str | None:
    """Give the id of a structure; none without an identifier, nor for a repetition."""
    found = _structure(node, context)
    if found is None:
        return None
    reach = "".join(item.get("value") for item in node.children("telecom"))
    return found if _is_news("organization", found, node.text() + reach, context) else None


def _structure(node: Node, context: Context) -> str | None:
    place = ("organization", node.key)
    if place not in context.memo:
        key = organization_key(node)
        context.memo[place] = context.ids.organization(*key) if key else None
    found: str | None = context.memo[place]
    return found


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
        national = _identifier(IDNST_SYSTEM, f"1{key.value}", "IDNST", "official")
        return [national, _identifier(*key, "")]
    kind = "IDNST" if key.system == IDNST_SYSTEM else ""
    return [_identifier(*key, kind, "official" if kind else "")]


@converter("role_id")
def role_id(node: Node, context: Context) -> str | None:
    """Give the id of the professional in their structure; none unless both are identified."""
    found = _role(node, context)
    code = node.child("code")
    said = code.get("code") if code is not None else ""
    return found if found and _is_news("role", found, said, context) else None


def _role(node: Node, context: Context) -> str | None:
    practitioner = _practitioner(node, context)
    organization = organization_of(node)
    structure = _structure(organization, context) if organization is not None else None
    if practitioner is None or structure is None:
        return None
    return context.ids.practitioner_role(practitioner, structure)


@converter("practitioner_reference")
def practitioner_reference(node: Node, context: Context) -> Json | None:
    """Give a reference to the professional of an entity."""
    found = _practitioner(node, context)
    return {"reference": f"Practitioner/{found}"} if found else None


@converter("organization_reference")
def organization_reference(node: Node, context: Context) -> Json | None:
    """Give a reference to a structure, its name alone when it has no identifier."""
    return _organization(node, context)


def _organization(node: Node, context: Context) -> Json | None:
    found = _structure(node, context)
    if found:
        return {"reference": f"Organization/{found}"}
    name = node.child("name")
    return {"display": name.text()} if name is not None and name.text() else None


@converter("profession")
def profession(node: Node, context: Context) -> Json | None:
    """Give the profession as sent, and the part before the slash in its own code system.

    Spec: ANS TRE_A02-ProfessionSavFaire-CISIS, `G15_10/SM26` = profession/savoir-faire.
    """
    sent = coding_of(node, context)
    if sent is None:
        return None
    codings = [sent]
    head = sent["code"].partition("/")[0]
    if node.get("codeSystem") == _PROFESSION_SAVOIR_FAIRE and head.startswith("G15_"):
        codings.append({"system": _PROFESSION, "code": head.removeprefix("G15_")})
    return {"coding": codings}


@converter("specialty")
def specialty(node: Node, _context: Context) -> Json | None:
    """Give the ordinal specialty behind the slash; other skills are not in the bound value set.

    Spec: ANS TRE_A02-ProfessionSavFaire-CISIS; FR Core 2.2.0 fr-core-practitioner-role.specialty.
    """
    if node.get("codeSystem") != _PROFESSION_SAVOIR_FAIRE:
        return None
    skill = node.get("code").partition("/")[2]
    return {"coding": [{"system": _SPECIALTY, "code": skill}]} if skill.startswith("SM") else None


@converter("entity")
def entity(node: Node, context: Context) -> Json | None:
    """Give a reference to who an entity is: a professional in a structure, one of both, a device.

    Without identifier only the name is said (`display`); the patient as author is the Patient.
    """
    place = ("entity", node.key)
    if place not in context.memo:
        context.memo[place] = _entity(node, context)
    found: Json | None = context.memo[place]
    return found


def _entity(node: Node, context: Context) -> Json | None:
    if any(item.get("root") in INS_ROOTS for item in node.children("id")):
        return context.subject()
    role = _role(node, context)
    if role:
        return {"reference": f"PractitionerRole/{role}"}
    practitioner = _practitioner(node, context)
    if practitioner:
        return {"reference": f"Practitioner/{practitioner}"}
    name = person_of(node)
    if name is not None and name.text():
        return {"display": shown(name)}
    device = node.down("assignedAuthoringDevice", "softwareName") or node.down(
        "assignedAuthoringDevice", "manufacturerModelName"
    )
    if device is not None and device.text():
        return {"display": device.text()}
    organization = organization_of(node)
    return _organization(organization, context) if organization is not None else None


@converter("person_entity")
def person_entity(node: Node, context: Context) -> Json | None:
    """Give a reference to a professional where FHIR allows no Organization."""
    found: Json | None = entity(node, context)
    if found is None or not str(found.get("reference", "")).startswith("Organization/"):
        return found
    organization = organization_of(node)
    name = organization.child("name") if organization is not None else None
    return {"display": name.text()} if name is not None and name.text() else None


def shown(name: Node) -> str:
    """Return the name of a person in the order of speech."""
    parts = [part.text() for kind in ("prefix", "given", "family") for part in name.children(kind)]
    return " ".join(part for part in parts if part) or name.text()


def _identifier(system: str, value: str, kind: str, use: str = "") -> Json:
    found: Json = {"use": use} if use else {}
    if kind:
        found["type"] = {"coding": [{"system": _FR_0203, "code": kind}]}
    return {**found, "system": system, "value": value}
