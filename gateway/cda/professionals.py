"""Professionals of a document: identifiers, roles, references.

Does not merge what several blocks say of one professional (`cda.outcome`) nor make structures
(`cda.structures`). CI-SIS volet Structuration minimale (author, authenticator, participant); FR
Core 2.2.0 fr-core-practitioner, fr-core-practitioner-role.
"""

import re
from typing import Any

from gateway.cda.author_devices import device_id
from gateway.cda.codes import coding_of
from gateway.cda.contacts import address, person_name
from gateway.cda.context import Context
from gateway.cda.faults import name_conflict
from gateway.cda.reader import Node
from gateway.cda.registry import converter
from gateway.cda.structures import (
    STRUCTURE_ROOT,
    Key,
    identifier,
    is_news,
    organization_of,
    organization_reference,
    person_of,
    reach_text,
    structure_id,
    telecoms,
)
from gateway.core.contributions import Json
from gateway.core.envelope import INS_ROOTS
from gateway.fhir.identity import IDNPS_SYSTEM, RPPS_SYSTEM
from gateway.mapping.converters import Flawed

_PS_ROOT = "1.2.250.1.71.4.2.1"
_RPPS = re.compile(r"8(\d{11})")
_NOS = "https://mos.esante.gouv.fr/NOS/"
_PROFESSION = f"{_NOS}TRE_G15-ProfessionSante/FHIR/TRE-G15-ProfessionSante"
_SPECIALTY = f"{_NOS}TRE_R38-SpecialiteOrdinale/FHIR/TRE-R38-SpecialiteOrdinale"
_PROFESSION_SAVOIR_FAIRE = "1.2.250.1.213.1.1.4.5"


def professional_key(node: Node) -> Key | None:
    """Return the key of the professional of an entity: RPPS, else the id as received.

    The internal number of an agent is only unique with its authority, so both are needed. An id
    of a patient or of a structure names no professional.
    """
    for item in node.children("id"):
        root, value = item.get("root"), item.get("extension")
        if not root or not value or root in INS_ROOTS or root == STRUCTURE_ROOT:
            continue
        rpps = _RPPS.fullmatch(value) if root == _PS_ROOT else None
        return Key(RPPS_SYSTEM, rpps[1]) if rpps else Key(f"urn:oid:{root}", value)
    return None


@converter("practitioner_id")
def practitioner_id(node: Node, context: Context) -> Any:
    """Give the id of the professional of an entity; none without an identifier and a person.

    Nothing for a block that repeats what an earlier one said of the same professional. A block
    that gives the identifier of one person to another one is told.

    Spec: CI-SIS Structuration minimale, PS_IdNat; no id is made from an empty value.
    """
    found = _practitioner(node, context)
    name = person_of(node)
    said = name.text() if name is not None else ""
    said += "" if _role(node, context) else reach_text(node)
    if not found or not is_news("practitioner", found, said, context):
        return None
    family = name.child("family") if name is not None else None
    known = (family.text() if family is not None else "").casefold()
    if context.memo.setdefault(("family", found), known) == known:
        return found
    return Flawed(found, (name_conflict(node.place),))


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
        return [identifier(IDNPS_SYSTEM, f"8{key.value}", "IDNPS"), identifier(*key, "RPPS")]
    return [identifier(*key, "IDNPS" if key.system == IDNPS_SYSTEM else "")]


@converter("practitioner_name")
def practitioner_name(node: Node, context: Context) -> Json | None:
    """Give the name of the person of an entity."""
    name = person_of(node)
    return person_name(name, context) if name is not None else None


@converter("practitioner_telecom")
def practitioner_telecom(node: Node, context: Context) -> list[Json]:
    """Give the telecoms of a professional who is known in no structure.

    In a structure they are those of the PractitionerRole.
    """
    return [] if _role(node, context) else telecoms(node, context)


@converter("role_telecom")
def role_telecom(node: Node, context: Context) -> list[Json]:
    """Give the telecoms of a professional in a structure."""
    return telecoms(node, context)


@converter("practitioner_address")
def practitioner_address(node: Node, context: Context) -> list[Json]:
    """Give the addresses of a professional who is known in no structure: else it is that one's."""
    if _role(node, context):
        return []
    return [made for item in node.children("addr") if (made := address(item, context))]


@converter("role_id")
def role_id(node: Node, context: Context) -> str | None:
    """Give the id of the professional in their structure; none unless both are identified."""
    found = _role(node, context)
    code = node.child("code")
    said = (code.get("code") if code is not None else "") + reach_text(node)
    return found if found and is_news("role", found, said, context) else None


def _role(node: Node, context: Context) -> str | None:
    practitioner = _practitioner(node, context)
    organization = organization_of(node)
    structure = structure_id(organization, context) if organization is not None else None
    if practitioner is None or structure is None:
        return None
    return context.ids.practitioner_role(practitioner, structure)


@converter("practitioner_reference")
def practitioner_reference(node: Node, context: Context) -> Json | None:
    """Give a reference to the professional of an entity."""
    found = _practitioner(node, context)
    return {"reference": f"Practitioner/{found}"} if found else None


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
    known = device_id(node, context)
    if known:
        return {"reference": f"Device/{known}"}
    device = node.down("assignedAuthoringDevice", "softwareName") or node.down(
        "assignedAuthoringDevice", "manufacturerModelName"
    )
    if device is not None and device.text():
        return {"display": device.text()}
    organization = organization_of(node)
    return organization_reference(organization, context) if organization is not None else None


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
