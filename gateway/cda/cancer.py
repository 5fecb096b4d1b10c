"""Tumour, stage and course of a cancer: observations that stand inside others.

Such an observation is a resource of its own, named after the one it stands in; that one points to
it. Does not convert what is planned (`cda.cancer_plan`). CI-SIS Diagnostic du cancer
(1.2.250.1.213.1.1.2.27), Note de progression (2.25), Raison de la recommandation (2.128), Statut
du dossier présenté en RCP (2.33), Évaluation du statut fonctionnel (2.111).
"""

from gateway.cda.codes import coding_of, concept_of
from gateway.cda.contacts import stamp
from gateway.cda.context import Context
from gateway.cda.entries import statement_around
from gateway.cda.professionals import entity, shown
from gateway.cda.reader import Node
from gateway.cda.registry import converter
from gateway.core.contributions import Json
from gateway.core.systems import FHIR_BASE

#: When somebody did their part, on the reference to them.
PERFORMER_TIME = f"{FHIR_BASE}/StructureDefinition/performer-time"

_TNM_STAGE = "75620-5"
_OTHER_STAGE = "21918-8"
_STAGE_GROUP = "21909-7"
_EDITION = "21917-0"
_INSIDE = "*[self::cda:entryRelationship or self::cda:component]/cda:observation"


# --- observations inside others ---------------------------------------------------------------


def part_id(node: Node, context: Context) -> str | None:
    """Return the id of the Observation made from one that stands inside a statement.

    It is named after that statement, so that it keeps its id when others come or go.
    """
    return context.entry_id("Observation", node) if _is_part(node, context) else None


def _is_part(node: Node, context: Context) -> bool:
    """Tell whether an observation inside a statement is said for its own sake.

    What stands inside an act are its dates, rhythm and mode; its reasons are observations.
    """
    link, around = node.parent, statement_around(node)
    if link is None or around is None or concept_of(node.child("code"), context) is None:
        return False
    return around.name in ("observation", "organizer") or link.get("typeCode") == "RSON"


@converter("part_id")
def made_part_id(node: Node, context: Context) -> str | None:
    """Give the id of an Observation that stands inside another statement."""
    found = part_id(node, context)
    if found is not None and node.get("negationInd") != "true":
        context.note("Observation", found, node)
        return found
    return None


@converter("members")
def members(node: Node, context: Context) -> list[Json]:
    """Give references to the observations inside a statement.

    Spec: HL7 CDA R2 entryRelationship and component; FHIR R4 Observation.hasMember.
    """
    return [
        {"reference": f"Observation/{found}"}
        for part in node.select(_INSIDE)
        if part.get("negationInd") != "true" and (found := part_id(part, context))
    ]


@converter("reasons")
def reasons(node: Node, context: Context) -> list[Json]:
    """Give references to the observations that are the reasons of an act.

    Spec: CI-SIS FR-Acte, entryRelationship RSON.
    """
    return [
        {"reference": f"Observation/{found}"}
        for part in node.select("cda:entryRelationship[@typeCode='RSON']/cda:observation")
        if part.get("negationInd") != "true" and (found := part_id(part, context))
    ]


@converter("performers")
def performers(node: Node, context: Context) -> list[Json]:
    """Give who made an observation and when: author, performers, who took the sample.

    Spec: CI-SIS FR-Simple-Observation, author, performer, participant PRF.
    """
    found = _authors(node, context)
    return [*found, *(who for who in _performing(node, context) if who not in found)]


def _authors(node: Node, context: Context) -> list[Json]:
    found = [entity(who, context) for who in node.select("cda:author/cda:assignedAuthor")]
    return [who for who in found if who]


def _performing(node: Node, context: Context) -> list[Json]:
    found: list[Json] = []
    for performer in node.children("performer"):
        who = performer.child("assignedEntity")
        made = entity(who, context) if who is not None else None
        if made is not None:
            found.append(_timed(made, performer))
    for participant in node.select("cda:participant[@typeCode='PRF']"):
        name = participant.down("participantRole", "playingEntity", "name")
        if name is not None and name.text():
            found.append(_timed({"display": shown(name)}, participant))
    return found


def _timed(reference: Json, role: Node) -> Json:
    when = stamp(role.child("time"))
    if when is None:
        return reference
    return {"extension": [{"url": PERFORMER_TIME, "valueDateTime": when.text_fhir}], **reference}


@converter("null_flavor")
def null_flavor(node: Node, context: Context) -> str | None:
    """Give why there is no value, when neither a code nor words say one.

    Spec: HL7 CDA R2 data types, nullFlavor; FHIR R4 obs-6.
    """
    return None if concept_of(node, context) else node.get("nullFlavor") or None


# --- stage ------------------------------------------------------------------------------------


@converter("stages")
def stages(node: Node, context: Context) -> list[Json]:
    """Give the stages of a tumour: TNM, and any other classification.

    Spec: CI-SIS Tumeur: observations 75620-5 (stage of TNM in qualifier 21909-7) and 21918-8;
    FHIR R4 Condition.stage.
    """
    found: list[Json] = []
    for part in node.select("cda:entryRelationship/cda:observation"):
        code = part.child("code")
        if code is None or code.get("code") not in (_TNM_STAGE, _OTHER_STAGE):
            continue
        stage: Json = {}
        summary = stage_value(part, context) or concept_of(part.child("value"), context)
        if summary:
            stage["summary"] = summary
        if assessed := part_id(part, context):
            stage["assessment"] = [{"reference": f"Observation/{assessed}"}]
        stage["type"] = concept_of(code, context)
        found.append(stage)
    return found


@converter("stage_value")
def stage_value(node: Node, context: Context) -> Json | None:
    """Give the stage of a TNM observation, which stands in a qualifier of its empty value."""
    return _qualified(node, _STAGE_GROUP, context)


@converter("stage_edition")
def stage_edition(node: Node, context: Context) -> Json | None:
    """Give the edition of the classification a stage is of, as a component."""
    edition = _qualified(node, _EDITION, context)
    name = _qualifier(node, _EDITION)
    coded = coding_of(name[0], context) if name else None
    if edition is None or coded is None:
        return None
    return {"code": {"coding": [coded]}, "valueCodeableConcept": edition}


@converter("staged_condition")
def staged_condition(node: Node, context: Context) -> Json | None:
    """Give a reference to the tumour a stage is about."""
    code, tumour = node.child("code"), statement_around(node)
    if code is None or tumour is None or code.get("code") not in (_TNM_STAGE, _OTHER_STAGE):
        return None
    made = next((n for n in context.made.get(tumour, ()) if n.startswith("Condition/")), None)
    return {"reference": made} if made else None


def _qualified(node: Node, name: str, context: Context) -> Json | None:
    found = _qualifier(node, name)
    return concept_of(found[1], context) if found else None


def _qualifier(node: Node, name: str) -> tuple[Node, Node] | None:
    value = node.child("value")
    for qualifier in value.children("qualifier") if value is not None else ():
        said, content = qualifier.child("name"), qualifier.child("value")
        if said is not None and content is not None and said.get("code") == name:
            return said, content
    return None
