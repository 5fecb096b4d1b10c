"""The plan of a care programme or of a tumour board as a whole: what is done, what for.

Does not convert its acts (`cda.followup`, `cda.acts`). CI-SIS FR-Plan-de-soins
(1.2.250.1.213.1.1.2.158); volets CANCER-PPS, CANCER-FRCP.
"""

from gateway.cda.context import Context
from gateway.cda.entries import section_key
from gateway.cda.reader import Node
from gateway.cda.registry import converter
from gateway.cda.remarks import comment
from gateway.core.contributions import Json
from gateway.core.systems import FHIR_BASE

_ORDER = f"{FHIR_BASE}/StructureDefinition/treatment-order"
_STOPPED = "MED-052"


@converter("treatment_order")
def treatment_order(node: Node, _context: Context) -> Json | None:
    """Give the rank of a proposed treatment, which stands as text in an empty priority.

    Spec: CI-SIS CANCER-FRCP, priorityCode/originalText.
    """
    original = node.child("originalText")
    text = original.text() if original is not None and not node.get("code") else ""
    return {"url": _ORDER, "valueString": text} if text else None


@converter("done_activities")
def done_activities(node: Node, context: Context) -> list[Json]:
    """Give the acts of a programme that are done: they stay in it.

    Spec: CI-SIS CANCER-PPS, moodCode EVN; FHIR R4 CarePlan.activity.outcomeReference.
    """
    return [
        {"outcomeReference": [{"reference": f"Procedure/{done}"}]}
        for act in node.select("cda:entry/cda:procedure[@moodCode='EVN']")
        if (done := context.entry_id("Procedure", act))
    ]


@converter("addressed_problems")
def addressed_problems(_node: Node, context: Context) -> list[Json]:
    """Give references to the problems of the document: what its plan is for."""
    names = dict.fromkeys(
        name for made in context.made.values() for name in made if name.startswith("Condition/")
    )
    return [{"reference": name} for name in names]


@converter("plan_observations")
def plan_observations(node: Node, context: Context) -> list[Json]:
    """Give a reference to the observation that all active treatments have stopped.

    Spec: CI-SIS CANCER-PPS, MED-052.
    """
    return [
        {"reference": f"Observation/{found}"}
        for part in node.select(f"cda:entry/cda:observation[cda:code/@code='{_STOPPED}']")
        if (value := part.child("value")) is not None
        and value.get("value") == "true"
        and (found := context.entry_id("Observation", part))
    ]


@converter("plan_comments")
def plan_comments(node: Node, context: Context) -> list[Json]:
    """Give the comments that stand in a plan beside its acts.

    Spec: CI-SIS CANCER-FRCP, FR-Commentaire in the section.
    """
    plan = context.ids.care_plan(context.set_key, section_key(node), str(context.version))
    found: list[Json] = []
    for act in node.select("cda:entry/cda:act"):
        said = comment(act, context)
        if said is not None:
            context.note("CarePlan", plan, act)
            found.append(said)
    return found
