"""How an act is to be made or was made: dates, mode, rhythm, performers.

Does not say what the act is (`cda.followup`, `cda.cancer_plan`). CI-SIS FR-Acte
(1.2.250.1.213.1.1.3.62).
"""

from typing import Any

from gateway.cda.codes import coding_of, concept_of, original_text, referenced_text
from gateway.cda.contacts import period, stamp
from gateway.cda.context import Context
from gateway.cda.followup import FORESEEN, foreseen
from gateway.cda.professionals import entity
from gateway.cda.reader import Node
from gateway.cda.registry import converter
from gateway.cda.structures import organization_of, organization_reference
from gateway.core.contributions import Json
from gateway.core.systems import FHIR_BASE
from gateway.mapping.converters import Flawed

_PLANNED_PERIOD = f"{FHIR_BASE}/StructureDefinition/planned-period"
_DETAIL = f"{FHIR_BASE}/StructureDefinition/planned-act-detail"
#: Dates that are foreseen, beside those that are confirmed.
_DATES = "GEN-177"
_INSIDE = "cda:entryRelationship[@typeCode='COMP']/cda:observation"


@converter("planned_period")
def planned_period(node: Node, context: Context) -> Any:
    """Give the dates an act was foreseen for, unless they are the ones it is planned for.

    Spec: CI-SIS CANCER-PPS, GEN-177 beside effectiveTime.
    """
    times = foreseen(node)
    if times is None or (node.get("moodCode") != "EVN" and not _has_own_time(node)):
        return None
    made = period(times, context)
    value = made.value if isinstance(made, Flawed) else made
    own = node.child("effectiveTime")
    if own is not None and value == period(own, context):
        return None
    extension = {"url": _PLANNED_PERIOD, "valuePeriod": value} if value else None
    return Flawed(extension, made.issues) if isinstance(made, Flawed) else extension


def _has_own_time(node: Node) -> bool:
    own = node.child("effectiveTime")
    return own is not None and any(
        stamp(one) is not None for one in (own, own.child("low"), own.child("high"))
    )


@converter("act_details")
def act_details(node: Node, context: Context) -> list[Json]:
    """Give how an act is to be made: mode of administration, rhythm, expected side effects.

    The code is kept as it was sent, even where another one was meant; a rhythm that is denied
    says nothing.

    Spec: CI-SIS CANCER-PPS, ORG-006, ORG-004, MED-565; FHIR R4 ServiceRequest.orderDetail.
    """
    found = [_detail(part, context) for part in node.select(_INSIDE)]
    return [detail for detail in found if detail]


def _detail(part: Node, context: Context) -> Json | None:
    code, value = part.child("code"), part.child("value")
    kind = coding_of(code, context) if code is not None else None
    if code is None or kind is None or code.get("code") == FORESEEN:
        return None
    if value is not None and value.get("value") == "false":
        return None
    said = coding_of(value, context) if value is not None else None
    words = original_text(value) if value is not None else ""
    words = words or referenced_text(part.child("text"))
    if value is not None and value.type in ("ST", "ED"):
        words = value.text() or words
    codings = [said, kind] if said else [kind]
    text = words or next((c["display"] for c in codings if "display" in c), "")
    return {"coding": codings, "text": text} if text else {"coding": codings}


@converter("act_detail_extensions")
def act_detail_extensions(node: Node, context: Context) -> list[Json]:
    """Give how an act was made, for a type that has no element for it."""
    return [
        {"url": _DETAIL, "valueCodeableConcept": detail} for detail in act_details(node, context)
    ]


@converter("act_performers")
def act_performers(node: Node, context: Context) -> list[Json]:
    """Give who is to act; of a person without number the name, and that of the structure.

    Spec: CI-SIS FR-Acte, performer; social workers have no national number.
    """
    return [who for one in node.select("cda:performer/cda:assignedEntity")
            for who in _parties(one, context)]  # fmt: skip


def _parties(node: Node, context: Context) -> list[Json]:
    found = entity(node, context)
    if found is None:
        return []
    beside = _structure_beside(found, node, context)
    return [found, beside] if beside is not None and beside != found else [found]


def _structure_beside(party: Json, node: Node, context: Context) -> Json | None:
    """Return the structure somebody acts for, when no role of theirs says it."""
    if str(party.get("reference", "")).startswith("PractitionerRole/"):
        return None
    organization = organization_of(node)
    return organization_reference(organization, context) if organization is not None else None


@converter("procedure_performers")
def procedure_performers(node: Node, context: Context) -> list[Json]:
    """Give who acted, with their profession when no role of theirs says it.

    Spec: CI-SIS FR-Acte, performer; FHIR R4 Procedure.performer.
    """
    found: list[Json] = []
    for one in node.select("cda:performer/cda:assignedEntity"):
        party = entity(one, context)
        if party is None:
            continue
        role: Json = {"actor": party}
        if "reference" not in party:
            profession = concept_of(one.child("code"), context)
            role = {"function": profession, "actor": party} if profession else role
        beside = _structure_beside(party, one, context)
        if beside is not None and beside != party:
            role["onBehalfOf"] = beside
        found.append(role)
    return found
