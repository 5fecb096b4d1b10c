"""Vaccinations that were given.

Those that are planned are requests (`cda.treatments`). CI-SIS content template FR-Vaccination;
IHE PCC 1.3.6.1.4.1.19376.1.5.3.1.4.12 Immunizations.
"""

from typing import Any

from gateway.cda.codes import ABSENT_UNKNOWN, concept, number
from gateway.cda.contacts import date_time
from gateway.cda.context import Context
from gateway.cda.findings import is_simple
from gateway.cda.professionals import entity
from gateway.cda.reader import Node
from gateway.cda.registry import converter
from gateway.cda.treatments import material_of, medication
from gateway.core.contributions import Json
from gateway.mapping.converters import Flawed

_RANK = "30973-2"


@converter("immunization_id")
def immunization_id(node: Node, context: Context) -> str | None:
    """Give the id of the Immunization of a vaccination."""
    return context.making("Immunization", node)


@converter("vaccine")
def vaccine(node: Node, context: Context) -> Any:
    """Give the vaccine; of a statement that no vaccination is known, that code.

    Spec: CI-SIS FR-Vaccination, consumable; JDV_AbsentOrUnknownImmunization.
    """
    code, material = node.child("code"), material_of(node)
    if code is not None and code.get("codeSystem") == ABSENT_UNKNOWN:
        return concept(code, context)
    made = medication(material, context) if material is not None else None
    return made or (concept(code, context) if code is not None else None)


@converter("vaccination_date")
def vaccination_date(node: Node, context: Context) -> Any:
    """Give when a vaccine was given, as far as it is said."""
    times = node.child("effectiveTime")
    if times is None:
        return None
    return date_time(times.child("low") or times, context)


@converter("vaccination_time_unknown")
def vaccination_time_unknown(node: Node, context: Context) -> str | None:
    """Give `unknown` for a vaccination without a date; a nullFlavor says more.

    Spec: CDA R2 nullFlavor; FHIR R4 Immunization.occurrence[x] 1..1.
    """
    made = vaccination_date(node, context)
    if made is not None and not (isinstance(made, Flawed) and made.value is None):
        return None
    return "unknown"


@converter("doses")
def doses(node: Node, context: Context) -> Json | None:
    """Give the rank of a vaccination and the series it is of.

    Spec: CI-SIS FR-Rang-de-la-vaccination 30973-2; FR-Vaccination, code.
    """
    ranks = node.select(
        f"cda:entryRelationship/cda:observation[cda:code/@code='{_RANK}']/cda:value"
    )
    rank = number(ranks[0].get("value")) if ranks else None
    if not isinstance(rank, int) or rank < 1:
        return None
    code = node.child("code")
    made = concept(code, context) if code is not None else None
    said = made.value if isinstance(made, Flawed) else made
    series = (said or {}).get("text", "")
    return {"doseNumberPositiveInt": rank, **({"series": series} if series else {})}


@converter("vaccinators")
def vaccinators(node: Node, context: Context) -> list[Json]:
    """Give who gave a vaccine.

    Spec: CI-SIS FR-Vaccination, performer.
    """
    found = [entity(who, context) for who in node.select("cda:performer/cda:assignedEntity")]
    return [{"actor": who} for who in found if who]


@converter("vaccine_reactions")
def vaccine_reactions(node: Node, context: Context) -> list[Json]:
    """Give the reactions to a vaccine: each is an Observation of its own.

    Spec: CI-SIS FR-Vaccination, entryRelationship CAUS; FHIR R4 Immunization.reaction.detail.
    """
    found = []
    for reaction in node.select("cda:entryRelationship[@typeCode='CAUS']/cda:observation"):
        if not is_simple(reaction, context):
            continue
        id_ = context.entry_id("Observation", reaction)
        times = reaction.child("effectiveTime")
        start = date_time(times.child("low") or times, context) if times is not None else None
        entry: Json = {"detail": {"reference": f"Observation/{id_}"}}
        if isinstance(start, str):
            entry["date"] = start
        found.append(entry)
    return found
