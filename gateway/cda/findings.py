"""Hierarchies of observations: panels, batteries, isolates, their samples, and the report of them.

Values are read in `cda.clinical`. CI-SIS content templates FR-Simple-Observation,
FR-Signes-vitaux, FR-Entrée-Résultats-d'examens-de-biologie-médicale, FR-Batterie-examens,
FR-Isolat-microbiologique, FR-Prélèvement; IHE XD-LAB.
"""

from typing import Any

from gateway.cda.codes import concept, concept_of, quantity_range, referenced_text
from gateway.cda.contacts import date_time, period
from gateway.cda.context import Context
from gateway.cda.entries import parts_of
from gateway.cda.narrative import lines
from gateway.cda.professionals import professional_key, shown
from gateway.cda.reader import Node
from gateway.cda.registry import converter
from gateway.core.contributions import Json
from gateway.mapping.converters import Flawed

_PANELS = tuple(f"1.2.250.1.213.1.1.3.{last}" for last in ("49", "78", "79", "95", "208"))
_ISOLATE = "1.2.250.1.213.1.1.3.79"
_SAMPLING = "1.2.250.1.213.1.1.3.77"
_RECEIPT = "1.2.250.1.213.1.1.3.107"
#: Observations, results, signs and effects of their own.
_SIMPLE = (
    "1.3.6.1.4.1.19376.1.5.3.1.4.13",
    *(f"1.2.250.1.213.1.1.3.{last}" for last in ("37", "48", "80", "210")),
)
_FAMILY = "1.2.250.1.213.1.1.3.51"
_LABORATORY_ENTRY = ("1.2.250.1.213.1.1.3.21", "1.3.6.1.4.1.19376.1.3.1")
_NOT_MEMBERS = ("69764-9",)
_INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
_INTERPRETATION_ROOT = "2.16.840.1.113883.5.83"
#: ActStatus of a result: what is not complete may still change.
_STATUSES = {"active": "preliminary", "aborted": "cancelled", "nullified": "entered-in-error"}


@converter("observation_status")
def observation_status(node: Node, _context: Context) -> str:
    """Give `final`, unless the statement says that it is not complete.

    Spec: CDA R2 observation/statusCode; IHE XD-LAB 6.3.4.13.
    """
    return _STATUSES.get(node.get("code"), "final")


@converter("interpretation")
def interpretation(node: Node, context: Context) -> Any:
    """Give how a result is judged.

    Spec: IHE XD-LAB 6.3.4.13 interpretationCode; HL7 ObservationInterpretation.
    """
    made = concept(node, context)
    if (
        isinstance(made, dict)
        and "coding" in made
        and node.get("codeSystem") == _INTERPRETATION_ROOT
    ):
        made["coding"][0]["system"] = _INTERPRETATION
    return made


@converter("reference_range")
def reference_range(node: Node, context: Context) -> Json | None:
    """Give the range a result is compared with: bounds, or words.

    Spec: IHE XD-LAB 6.3.4.13 referenceRange/observationRange.
    """
    found: Json = {}
    value, text = node.child("value"), node.child("text")
    if value is not None and value.type == "IVL_PQ":
        exact, between = quantity_range(value, context)
        found |= between or ({"low": exact, "high": exact} if exact else {})
    elif value is not None and value.text():
        found["text"] = value.text()
    words = (referenced_text(text) or lines(text)) if text is not None else ""
    if words:
        found["text"] = words
    return found or None


@converter("body_site")
def body_site(node: Node, context: Context) -> Any:
    """Give the place of the body an observation is about, its laterality as a further coding."""
    found = node.child("targetSiteCode")
    if found is None:
        return None
    made = concept(found, context)
    value = made.value if isinstance(made, Flawed) else made
    for qualifier in found.select("cda:qualifier/cda:value") if value else ():
        more = concept(qualifier, context)
        more = more.value if isinstance(more, Flawed) else more
        value.setdefault("coding", []).extend((more or {}).get("coding", ()))
    return made


@converter("focus")
def focus(node: Node, context: Context) -> list[Json]:
    """Give what an observation is about, from its link to a problem or an encounter.

    Spec: CDA R2 entryRelationship REFR; FHIR R4 Observation.focus.
    """
    around = node.parent
    if around is None:
        return []
    if around.name == "encounter":
        found = context.entry_id("Encounter", around)
        return [{"reference": f"Encounter/{found}"}] if found else []
    made = [name for part in parts_of(around) for name in context.made.get(part.key, ())]
    return [{"reference": name} for name in made if name.startswith("Condition/")]


# --- panels -----------------------------------------------------------------------------------


@converter("panel_id")
def panel_id(node: Node, context: Context) -> str | None:
    """Give the id of the Observation that holds others; none for one that holds nothing."""
    members = _members(node, context) or _organism(node)
    named = panel_code(node, context) if members else None
    return context.making("Observation", node) if named else None


@converter("panel_code")
def panel_code(node: Node, context: Context) -> Any:
    """Give what a panel is: its code, else that of the statement or section around it."""
    current: Node | None = node
    while current is not None and current.name != "structuredBody":
        code = current.child("code")
        made = concept(code, context) if code is not None else None
        if made:
            return made
        current = current.parent
    return None


@converter("panel_members")
def panel_members(node: Node, context: Context) -> list[Json]:
    """Give the observations and panels of a panel, in their order.

    Spec: CDA R2 organizer/component; IHE XD-LAB 6.3.4.3 laboratory report data processing entry.
    """
    return _members(node, context)


def _members(node: Node, context: Context) -> list[Json]:
    found = []
    for part in parts_of(node):
        if _is_member(part, context) or _is_filled(part, context):
            id_ = context.entry_id("Observation", part)
            found.append({"reference": f"Observation/{id_}"})
    return found


def is_panel(node: Node) -> bool:
    """Tell whether an organizer is a panel of observations."""
    return node.name == "organizer" and any(node.has_template(root) for root in _PANELS)


def _is_filled(node: Node, context: Context) -> bool:
    if not is_panel(node) or not (_members(node, context) or _organism(node)):
        return False
    return panel_code(node, context) is not None


def _is_member(node: Node, context: Context) -> bool:
    link = node.parent
    is_history = link is not None and link.get("typeCode") == "REFR"
    return not is_history and is_simple(node, context)


def is_simple(node: Node, context: Context) -> bool:
    """Tell whether a statement is an observation that becomes an Observation of its own."""
    if node.name != "observation" or node.get("moodCode") != "EVN":
        return False
    if node.get("negationInd") == "true" or node.has_template(_FAMILY):
        return False
    code = node.child("code")
    if code is None or code.get("code") in _NOT_MEMBERS or concept_of(code, context) is None:
        return False
    return any(node.has_template(root) for root in _SIMPLE)


@converter("panel_value")
def panel_value(node: Node, context: Context) -> Any:
    """Give the organism an isolate is of.

    Spec: IHE XD-LAB 6.3.4.7 laboratory isolate organizer, specimenPlayingEntity/code.
    """
    found = _organism(node)
    return concept(found, context) if found is not None else None


def _organism(node: Node) -> Node | None:
    if not node.has_template(_ISOLATE):
        return None
    return node.down("specimen", "specimenRole", "specimenPlayingEntity", "code")


# --- samples ----------------------------------------------------------------------------------


@converter("specimen_id")
def specimen_id(node: Node, context: Context) -> str | None:
    """Give the id of the Specimen of a sampling, or of an isolate."""
    return context.making("Specimen", node)


@converter("specimen_type")
def specimen_type(node: Node, context: Context) -> Any:
    """Give what was sampled.

    Spec: IHE XD-LAB 6.3.4.2 specimen collection, participant PRD playingEntity/code.
    """
    found = node.select(
        "cda:participant[@typeCode='PRD']/cda:participantRole/cda:playingEntity/cda:code"
    )
    return concept(found[0], context) if found else None


@converter("isolate_parent")
def isolate_parent(node: Node, context: Context) -> Json | None:
    """Give the sample an isolate was grown from."""
    return specimen_reference(node, context, above=True) if node.has_template(_ISOLATE) else None


@converter("collected_date")
def collected_date(node: Node, context: Context) -> Any:
    """Give when a sample was taken, when it is one moment.

    Spec: IHE XD-LAB 6.3.4.2 specimen collection, effectiveTime; its end alone is often sent.
    """
    low, high = node.child("low"), node.child("high")
    if low is not None and high is not None:
        return None
    return date_time(low or high or node, context)


@converter("collected_period")
def collected_period(node: Node, context: Context) -> Any:
    """Give from when to when a sample was taken."""
    both = node.child("low") is not None and node.child("high") is not None
    return period(node, context) if both else None


@converter("received_time")
def received_time(node: Node, context: Context) -> Any:
    """Give when a sample arrived in the laboratory.

    Spec: IHE XD-LAB 6.3.4.2.3 specimen received, act SPRECEIVE.
    """
    for act in parts_of(node):
        times = act.child("effectiveTime") if act.has_template(_RECEIPT) else None
        if times is not None:
            return date_time(times, context)
    return None


@converter("sample")
def sample(node: Node, context: Context) -> Json | None:
    """Give the sample a result or panel is of: the isolate around it, else that of its entry.

    Spec: IHE XD-LAB: the specimen collection of the entry is that of all its results.
    """
    return specimen_reference(node, context)


def specimen_reference(node: Node, context: Context, *, above: bool = False) -> Json | None:
    """Return a reference to the sample of a statement, or of what is around it."""
    current: Node | None = node.parent if above else node
    while current is not None and current.name not in ("entry", "section"):
        for part in (current, *parts_of(current)):
            sampled = part.has_template(_SAMPLING) or (part is current and _organism(part))
            found = context.entry_id("Specimen", part) if sampled else None
            if found:
                return {"reference": f"Specimen/{found}"}
        current = current.parent
    return None


# --- reports ----------------------------------------------------------------------------------


@converter("report_id")
def report_id(node: Node, context: Context) -> str | None:
    """Give the id of the DiagnosticReport a document is: one for all its versions."""
    code = node.child("code")
    if code is None:
        return None
    return context.ids.document_entry(
        "DiagnosticReport", context.set_key, "document", code.get("code"), "", 1
    )


@converter("report_status")
def report_status(node: Node, context: Context) -> str:
    """Give `final`, or `amended` for a version that replaces another.

    Spec: IHE XD-LAB 6.3.2.13 statusCode of the main act; CDA R2 versionNumber.
    """
    if any(code.get("code") == "active" for code in node.select(_MAIN_STATUS)):
        return "preliminary"
    return "amended" if context.version > 1 else "final"


_MAIN_STATUS = "cda:documentationOf/cda:serviceEvent/lab:statusCode"


@converter("report_specimens")
def report_specimens(node: Node, context: Context) -> list[Json]:
    """Give what was sampled for a report.

    Spec: IHE XD-LAB 6.3.4.2, specimen collection.
    """
    found = [
        context.entry_id("Specimen", sampling)
        for sampling in node.select(
            "cda:component/cda:structuredBody/descendant::cda:section/cda:entry"
            f"/descendant::cda:procedure[cda:templateId/@root='{_SAMPLING}']"
        )
    ]
    return [{"reference": f"Specimen/{id_}"} for id_ in found if id_]


@converter("report_results")
def report_results(node: Node, context: Context) -> list[Json]:
    """Give the results at the top: what no panel of the report holds.

    Spec: IHE XD-LAB 6.3.4.3; FHIR R4 DiagnosticReport.result.
    """
    found = []
    for entry in node.document.entry_nodes():
        for statement in entry.elements():
            if not (statement.name == "act" and is_laboratory(entry)) and not is_panel(statement):
                continue
            if _members(statement, context) and panel_code(statement, context):
                id_ = context.entry_id("Observation", statement)
                found.append({"reference": f"Observation/{id_}"})
    return found


def is_laboratory(entry: Node) -> bool:
    """Tell whether an entry holds results of a laboratory."""
    return any(entry.has_template(root) for root in _LABORATORY_ENTRY)


@converter("validators")
def validators(node: Node, context: Context) -> list[Json]:
    """Give who validated the results of an entry.

    Spec: IHE XD-LAB 6.3.2.16 authenticator of a laboratory entry, participant AUTHEN.
    """
    found = []
    for role in node.select("cda:participant[@typeCode='AUTHEN']/cda:participantRole"):
        key, name = professional_key(role), role.down("playingEntity", "name")
        who: Json = {"display": shown(name)} if name is not None and name.text() else {}
        if key is not None:
            who |= {"type": "Practitioner", "identifier": {"system": key[0], "value": key[1]}}
        if who and who not in found:
            found.append(who)
    return found


@converter("report_period")
def report_period(node: Node, context: Context) -> Any:
    """Give when the examination took place; a single moment is a date (`report_date`)."""
    low, high = node.child("low"), node.child("high")
    return period(node, context) if low is not None and high is not None else None


@converter("report_date")
def report_date(node: Node, context: Context) -> Any:
    """Give when the examination took place, when it is one moment."""
    low, high = node.child("low"), node.child("high")
    if low is not None and high is not None:
        return None
    return date_time(low or high or node, context)
