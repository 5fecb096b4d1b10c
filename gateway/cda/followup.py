"""What is planned after the stay: requests, appointments, goals and the plan that holds them.

The mood says whether something is planned; statusCode does not. CI-SIS FR-Plan-de-soins, FR-Acte,
FR-Demande d'examen ou de suivi, FR-Rencontre; IHE PCC Care Plan.
"""

from typing import Any

from gateway.cda.cancer_screening import (
    decided,
    frequency_of,
    is_frequency,
    is_overruled,
    plan_sections,
)
from gateway.cda.codes import coding_of, concept, original_text, referenced_text
from gateway.cda.contacts import date_time, period, stamp
from gateway.cda.context import Context
from gateway.cda.entries import ENTRY, ENTRY_STATEMENTS, section_key
from gateway.cda.professionals import person_entity
from gateway.cda.reader import Node
from gateway.cda.registry import converter
from gateway.core.contributions import Json
from gateway.core.systems import FHIR_BASE, IDENTIFIER_BASE
from gateway.core.timestamps import Timestamp
from gateway.mapping.converters import Flawed

#: Moods of what is not done yet (HL7 ActMood).
PLANNED = ("INT", "ARQ", "PRP", "PRMS", "RQO", "APT")
#: Codes of a request, and of "other", that say nothing by themselves; value or narrative does.
_GENERIC = ("ORG-064", "GEN-092.")
#: Dates that are foreseen, beside those that are confirmed.
FORESEEN = "GEN-177"
_ACT = f"{ENTRY}62"
_REQUEST = f"{ENTRY}27"
_ENCOUNTER = f"{ENTRY}58"
_DEVICE = f"{ENTRY}20"
#: Treatment, prescription line, recommended vaccination.
_TREATMENTS = (f"{ENTRY}42", f"{ENTRY}83", f"{ENTRY}47")


def planned_type(node: Node) -> str | None:
    """Return the resource type of an entry of a plan section, None when it is no planned item."""
    mood = node.get("moodCode")
    if node.name == "observation" and mood == "GOL":
        return "Goal"
    if mood not in PLANNED or is_overruled(node) or is_frequency(node):
        return None
    if node.name == "encounter":
        return "Appointment"
    if node.name in ("procedure", "observation", "act"):
        return "ServiceRequest"
    if node.name == "supply":
        return "DeviceRequest" if node.has_template(_DEVICE) else None
    is_treatment = node.name == "substanceAdministration" and node.get("negationInd") != "true"
    known = is_treatment and any(node.has_template(root) for root in _TREATMENTS)
    return "MedicationRequest" if known else None


@converter("service_request_id")
def service_request_id(node: Node, context: Context) -> str | None:
    """Give the id of the ServiceRequest of a planned act or request.

    A conduct that a later reader decides makes none, nor does the frequency of a conduct.
    """
    conduct = decided(node)
    if conduct is None:
        return context.making("ServiceRequest", node)
    # What it says is said there, or is no longer meant.
    told = context.entry_id("ServiceRequest", conduct)
    if told is not None:
        context.note("ServiceRequest", told, node)
    return None


@converter("appointment_id")
def appointment_id(node: Node, context: Context) -> str | None:
    """Give the id of the Appointment of a planned encounter."""
    return context.making("Appointment", node)


@converter("goal_id")
def goal_id(node: Node, context: Context) -> str | None:
    """Give the id of the Goal of an observation in mood GOL that says what it is."""
    return context.making("Goal", node) if request_code(node, context) else None


@converter("request_code")
def request_code(node: Node, context: Context) -> Any:
    """Give what is asked for: the code, its qualifier, and the words for a generic request.

    Spec: CI-SIS FR-Acte, code/qualifier/value; CANCER-PPS, a qualifier without name; FR-Demande,
    ORG-064 with the content in value.
    """
    code = node.child("code")
    made = concept(code, context) if code is not None else None
    value: Json | None = made.value if isinstance(made, Flawed) else made
    result: Json = dict(value) if value else {}
    if code is not None:
        for qualifier in code.select("cda:qualifier/cda:value"):
            found = coding_of(qualifier, context)
            if found:
                # The content before the kind: that is what a reader looks for.
                result["coding"] = [found, *result.get("coding", ())]
                result["text"] = found.get("display") or result.get("text", "")
    codings = result.get("coding") or ({"code": ""},)
    says_nothing = not codings[0]["code"] or codings[0]["code"].startswith(_GENERIC)
    if says_nothing and not (code is not None and original_text(code)):
        asked = node.child("value")
        found = coding_of(asked, context) if asked is not None else None
        if found:
            result["coding"] = [found, *result.get("coding", ())]
            result["text"] = found.get("display") or result.get("text", "")
        words = _words(node)
        if words:
            result["text"] = words
    if not result:
        return None
    return Flawed(result, made.issues) if isinstance(made, Flawed) else result


def _words(node: Node) -> str:
    """Return the request in words: its value, else the narrative it points to."""
    value = node.child("value")
    said = value.text() if value is not None and value.type in ("ST", "ED", "") else ""
    if value is not None:
        said = said or original_text(value)
    return said or referenced_text(node.child("text"))


@converter("occurrence_date")
def occurrence_date(node: Node, context: Context) -> Any:
    """Give the planned moment when it is a point in time.

    Spec: CI-SIS FR-Acte: when effectiveTime is unknown, the observation GEN-177 holds the dates.
    """
    times = planned_time(node) if frequency_of(node) is None else None
    return date_time(times, context) if times is not None and times.get("value") else None


@converter("occurrence_period")
def occurrence_period(node: Node, context: Context) -> Any:
    """Give the planned period when low and high are said."""
    times = planned_time(node)
    return period(times, context) if times is not None and not times.get("value") else None


def planned_time(node: Node) -> Node | None:
    """Return the time of a planned item, its own or that of the observation that holds it."""
    own = node.child("effectiveTime")
    if own is not None and (own.get("value") or own.child("low") is not None):
        return own
    return foreseen(node)


def foreseen(node: Node) -> Node | None:
    """Return the dates an act is foreseen for, apart from its own.

    Spec: CI-SIS FR-Acte, entryRelationship COMP, GEN-177.
    """
    for relation in node.children("entryRelationship"):
        if relation.get("typeCode") == "COMP":
            code = relation.down("observation", "code")
            if code is not None and code.get("code") == FORESEEN:
                return relation.down("observation", "effectiveTime")
    return None


@converter("kept_priority")
def kept_priority(node: Node, context: Context) -> Json | None:
    """Keep a priority that FHIR has no code for, such as `CS` (call back to schedule).

    Spec: CDA R2 priorityCode, HL7 ActPriority; FHIR R4 request-priority.
    """
    coding = coding_of(node, context)
    if coding is None or coding["code"] in ("UR", "EM", "S", "A", "R"):
        return None
    url = f"{FHIR_BASE}/StructureDefinition/original-priority"
    return {"url": url, "valueCodeableConcept": {"coding": [coding]}}


def _slot(node: Node, context: Context) -> tuple[Timestamp, Timestamp] | None:
    """Return start and end when both are known to the minute; a single instant is both."""
    times = node.child("effectiveTime")
    if times is None:
        return None
    start, end = stamp(times.child("low"), context), stamp(times.child("high"))
    if start is None:
        start = stamp(times, context)
    end = end or start
    if start is None or end is None or not start.instant_fhir or not end.instant_fhir:
        return None
    if start.instant_utc and end.instant_utc and end.instant_utc < start.instant_utc:
        return None
    return start, end


@converter("appointment_status")
def appointment_status(node: Node, context: Context) -> str:
    """Give `booked` for a promise with its hour, else `proposed`.

    FHIR R4 app-3 allows no booked appointment without start and end, and no hour is invented.

    Spec: CI-SIS FR-Rencontre: PRMS confirmed, ARQ still to be booked.
    """
    return (
        "booked" if node.get("moodCode") in ("PRMS", "APT") and _slot(node, context) else "proposed"
    )


@converter("appointment_start")
def appointment_start(node: Node, context: Context) -> str | None:
    """Give the start of a confirmed encounter."""
    slot = _slot(node, context) if node.get("moodCode") in ("PRMS", "APT") else None
    return slot[0].instant_fhir if slot else None


@converter("appointment_end")
def appointment_end(node: Node, context: Context) -> str | None:
    """Give the end; equal to the start when the letter says the hour only."""
    slot = _slot(node, context) if node.get("moodCode") in ("PRMS", "APT") else None
    return slot[1].instant_fhir if slot else None


@converter("requested_period")
def requested_period(node: Node, context: Context) -> Any:
    """Give when an encounter that is not booked is wanted."""
    times = node.child("effectiveTime")
    if times is None or appointment_status(node, context) == "booked":
        return None
    return period(times, context)


@converter("appointment_participants")
def appointment_participants(node: Node, context: Context) -> list[Json]:
    """Give the patient and whom they meet; the patient has accepted nothing by a letter.

    Spec: CI-SIS FR-Rencontre, performer PRF and participant LOC; FHIR R4 app-1.
    """
    found: list[Json] = [{"actor": context.subject(), "status": "needs-action"}]
    for who in node.select("cda:performer/cda:assignedEntity"):
        actor = person_entity(who, context)
        if actor:
            found.append({"actor": actor, "status": "needs-action"})
    for name in node.select(
        "cda:participant[@typeCode='LOC']/cda:participantRole/cda:playingEntity/cda:name"
    ):
        if name.text():
            found.append({"actor": {"display": name.text()}, "status": "needs-action"})
    return found


@converter("due_date")
def due_date(node: Node, _context: Context) -> str | None:
    """Give the day a goal should be reached; a goal without measure keeps only its words.

    Spec: FHIR R4 Goal gol-1: a target that has a detail needs its measure, dueDate stands alone.
    """
    times = planned_time(node)
    if times is None:
        return None
    found = stamp(times.child("high")) or stamp(times)
    return None if found is None else found.date_fhir


@converter("care_plan_id")
def care_plan_id(node: Node, context: Context) -> str | None:
    """Give the id of the CarePlan of a section: one a version of the document.

    None for a section that only says what was not done: the file of a nursing home asks there
    whether the resident has palliative care.

    Spec: CI-SIS volet DLU, section 18776-5, FR-Acte with moodCode EVN and negationInd true.
    """
    said = {(one.get("moodCode"), one.get("negationInd")) for one in node.select(ENTRY_STATEMENTS)}
    if said == {("EVN", "true")}:
        return None
    made = context.ids.care_plan(context.set_key, section_key(node), str(context.version))
    context.note("CarePlan", made, node)
    return made


@converter("care_plan_identifier")
def care_plan_identifier(node: Node, context: Context) -> list[Json]:
    """Give the identifier that groups the versions of one plan, then that of this version."""
    group = f"{context.set_key}#{section_key(node)}"
    return [_plan(group), _plan(f"{group}#{context.version}")]


@converter("care_plan_replaces")
def care_plan_replaces(node: Node, context: Context) -> Json | None:
    """Give the plan of the version before, by its identifier: it may never have come here.

    Spec: CDA R2 relatedDocument RPLC, versionNumber one higher than the parent's; FHIR R4 2.3.0.2,
    logical references.
    """
    before = context.version_before()
    if before is None:
        return None
    found = _plan(f"{context.set_key}#{section_key(node)}#{before}")
    return {"type": "CarePlan", "identifier": found}


def _plan(value: str) -> Json:
    return {"system": f"{IDENTIFIER_BASE}/care-plan", "value": value}


@converter("care_plan_period")
def care_plan_period(node: Node, context: Context) -> Json | None:
    """Give the span of the planned dates of a section, as far as they are said.

    Foreseen dates come before confirmed ones, those of acts that are done too. The day a goal
    should be reached is no date of an act.

    Spec: CI-SIS CANCER-PPS, GEN-177.
    """
    stamps: list[Timestamp] = []
    done = node.select("cda:entry/cda:procedure[@moodCode='EVN']")
    planned = [item for type_, item in _planned(node, context) if type_ != "Goal"]
    for statement in (*done, *planned):
        times = foreseen(statement)
        if times is None and statement.get("moodCode") != "EVN":
            times = planned_time(statement)
        if times is not None:
            ends = (stamp(times), stamp(times.child("low")), stamp(times.child("high")))
            stamps += [found for found in ends if found is not None]
    if not stamps:
        return None
    first = min(stamps, key=lambda found: found.bounds_utc()[0])
    last = max(stamps, key=lambda found: found.bounds_utc()[1])
    return {"start": first.text_fhir, "end": last.text_fhir}


@converter("care_plan_activities")
def care_plan_activities(node: Node, context: Context) -> list[Json]:
    """Give a reference to each planned item of a section but its goals.

    Spec: FHIR R4 CarePlan.activity.reference (cpl-3).
    """
    return [
        {"reference": {"reference": f"{type_}/{context.entry_id(type_, statement)}"}}
        for type_, statement in _planned(node, context)
        if type_ != "Goal"
    ]


@converter("care_plan_goals")
def care_plan_goals(node: Node, context: Context) -> list[Json]:
    """Give a reference to each goal of a section."""
    return [
        {"reference": f"Goal/{context.entry_id('Goal', statement)}"}
        for type_, statement in _planned(node, context)
        if type_ == "Goal" and request_code(statement, context)
    ]


def _planned(section: Node, context: Context) -> list[tuple[str, Node]]:
    place = ("planned", section.key)
    if place not in context.memo:
        items = {
            context.entries.get(statement.key, statement.key): (type_, statement)
            for one in plan_sections(section)
            for entry in one.children("entry")
            for statement in entry.elements()
            if (type_ := planned_type(statement))
        }
        context.memo[place] = list(items.values())
    found: list[tuple[str, Node]] = context.memo[place]
    return found
