"""Encounters that took place, named in the body of a document.

The stay a document is about is in `cda.stay`. CI-SIS content template FR-Rencontre, moodCode EVN.
"""

from typing import Any

from gateway.cda.codes import coding_of, concept
from gateway.cda.contacts import period
from gateway.cda.context import Context
from gateway.cda.professionals import person_entity
from gateway.cda.reader import Node
from gateway.cda.registry import converter
from gateway.cda.structures import organization_reference
from gateway.core.contributions import Json
from gateway.core.systems import IDENTIFIER_BASE
from gateway.mapping.converters import Flawed

_ACT_CODE = "2.16.840.1.113883.5.4"
_ACT_CODE_URI = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_IDENTIFIER_TYPE = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-identifier-type"
#: Kinds of contact that are none of v3-ActCode.
_UNKNOWN: Json = {"system": "http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "code": "UNK"}


@converter("past_encounter_id")
def past_encounter_id(node: Node, context: Context) -> str | None:
    """Give the id of an encounter that took place; none for "no encounter known".

    Spec: CI-SIS FR-Rencontre, moodCode EVN: effectiveTime is mandatory.
    """
    times = node.child("effectiveTime")
    said = period(times, context) if times is not None else None
    value = said.value if isinstance(said, Flawed) else said
    return context.making("Encounter", node) if value else None


@converter("past_encounter_identifier")
def past_encounter_identifier(node: Node, context: Context) -> Json | None:
    """Give an identifier of our own: the ids of entries repeat.

    Spec: FR Core 2.2.0 fr-core-encounter.identifier, type VN.
    """
    found = context.entry_id("Encounter", node)
    if found is None:
        return None
    kind = {"coding": [{"system": _IDENTIFIER_TYPE, "code": "VN"}]}
    return {"type": kind, "system": f"{IDENTIFIER_BASE}/cda-encounter", "value": found}


@converter("past_encounter_status")
def past_encounter_status(node: Node, _context: Context) -> str:
    """Give `finished` for a moment, or a period that ended; one without end is not known to be.

    Spec: CI-SIS FR-Rencontre, effectiveTime; HL7 ActMood EVN.
    """
    times = node.child("effectiveTime")
    low = times.child("low") if times is not None else None
    high = times.child("high") if times is not None else None
    has_end = high is not None and bool(high.get("value"))
    return "unknown" if low is not None and not has_end else "finished"


@converter("past_encounter_class")
def past_encounter_class(node: Node, context: Context) -> Json:
    """Give the kind of an encounter where v3-ActCode has it."""
    code = node.child("code")
    if code is None or code.get("codeSystem") != _ACT_CODE or not code.get("code"):
        return dict(_UNKNOWN)
    return coding_of(code, context) or dict(_UNKNOWN)


@converter("past_encounter_people")
def past_encounter_people(node: Node, context: Context) -> list[Json]:
    """Give who took part: performers, and who told of it.

    Spec: CI-SIS FR-Rencontre, performer and informant.
    """
    who = node.select("cda:performer/cda:assignedEntity")
    who += node.select("cda:informant/cda:assignedEntity")
    found = [person_entity(one, context) for one in who]
    return [{"individual": one} for one in found if one]


@converter("encounter_place")
def encounter_place(node: Node, context: Context) -> Any:
    """Give the structure an encounter took place in.

    Spec: CI-SIS FR-Rencontre, participant LOC.
    """
    return organization_reference(node, context)


@converter("encounter_reason")
def encounter_reason(node: Node, context: Context) -> Any:
    """Give what an encounter was for, by its objective.

    Spec: SDM-MR, observation ORG-034 inside FR-Rencontre.
    """
    return concept(node, context)
