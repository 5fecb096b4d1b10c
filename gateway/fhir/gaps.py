"""A gap as FHIR: DetectedIssue is the fact, Task the work (FHIR R4 DetectedIssue and Task).

The engine owns the fact; of the Task people own what they write: who took it, deferred it or
closed it, and their notes stay. Pure: the caller reads and writes the versions. The gap status
is the modifier extension of the gaps-in-care DetectedIssue (Da Vinci DEQM 3.0): a closed gap is
never read as open.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateway.core.contributions import Json
from gateway.core.facts import ExpectationRow, Status
from gateway.core.systems import FHIR_BASE, IDENTIFIER_BASE
from gateway.core.timestamps import utc_seconds
from gateway.fhir import gap_words as words
from gateway.fhir.care import PathwayIds, identifier
from gateway.fhir.claimed import unversioned
from gateway.fhir.gap_acts import settled_as
from gateway.fhir.gap_alerts import ESCALATION
from gateway.fhir.gap_subject import about, claims
from gateway.fhir.identity import FINESS_SYSTEM, Ids

GAP_STATUS = "http://hl7.org/fhir/us/davinci-deqm/StructureDefinition/extension-gapStatus"
GAP_STATUSES = "http://hl7.org/fhir/us/davinci-deqm/CodeSystem/gaps-status"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
GAP_PROFILE = f"{FHIR_BASE}/StructureDefinition/handoff-gap"
TASK_PROFILE = f"{FHIR_BASE}/StructureDefinition/handoff-gap-task"
EPISODE = f"{FHIR_BASE}/StructureDefinition/gap-episode"
TASK = f"{FHIR_BASE}/StructureDefinition/gap-task"
ORGANIZATION = f"{FHIR_BASE}/StructureDefinition/gap-organization"
GAP_SYSTEM = f"{IDENTIFIER_BASE}/gap"
TASK_SYSTEM = f"{IDENTIFIER_BASE}/gap-task"

_SEVERITY = {"critical": "high", "major": "moderate", "minor": "low", "info": "low"}
PRIORITY = {"critical": "asap", "major": "urgent", "minor": "routine", "info": "routine"}
#: Task states in which work is still to be done.
_OPEN_TASK = frozenset({"draft", "requested", "received", "accepted", "ready", "in-progress",
                        "on-hold"})  # fmt: skip
#: Business states only the engine writes: with one of them it may write again.
_ENGINE_ENDS = frozenset({"resolu-tardif", "signale-tardivement", "sans-objet"})
#: Of a Task: what the engine says again each time, or says no more.
_LINKS = frozenset({"meta", "basedOn", "groupIdentifier"})
_PERSON_ENDS = frozenset({"completed", "rejected", "failed", "cancelled"})
_CLOSED_BY_EVENT = frozenset({Status.MET, Status.MET_LATE})
_MOVED = frozenset({Status.PENDING, Status.PAUSED, Status.UNCONFIRMED})


@dataclass(frozen=True, slots=True)
class GapView:
    """Everything the two resources are made of.

    Attributes:
        row: the expectation as it stands after the transition that is shown.
        at: instant of that transition, UTC.
        sentences: why this gap, in French; the first one says what is missing.
        references: `Type/id` of the resources that show a fact, by its key, the closest first.
        pathway: it is of; None when it is of none.
    """

    row: ExpectationRow
    at: datetime
    sentences: tuple[str, ...] = ()
    references: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pathway: PathwayIds | None = None

    def closest(self, key: str) -> str:
        """Return the resource that is closest to a fact; empty when none is known."""
        return next(iter(self.references.get(key, ())), "")


def is_open(row: ExpectationRow | None) -> bool:
    """Tell whether an expectation is an open gap."""
    return row is not None and row.status is Status.OVERDUE


def detected_issue(view: GapView, ids: Ids, before: Json | None, task: Json | None) -> Json:
    """Return the DetectedIssue of a gap.

    Args:
        view: the gap.
        ids: computed ids of the installation.
        before: the current DetectedIssue, None at the first opening.
        task: the Task of the episode as it stands now; a person may have closed it.
    """
    row = view.row
    status, gap_status = _fact_status(row.status)
    by_person = row.status is Status.OVERDUE and _ended_by_person(task)
    if by_person:
        status, gap_status = settled_as(task)
    made: Json = {
        "resourceType": "DetectedIssue",
        "id": ids.gap(row.gap_id),
        **claims(GAP_PROFILE, row),
        "extension": _extensions(row, ids, before),
    }
    made |= _modifier(gap_status)
    made |= {
        "identifier": [{"system": GAP_SYSTEM, "value": row.gap_id}],
        "status": status,
        "code": {
            "coding": [
                {"system": ACT_CODE, "code": "CAREGAP"},
                {"system": words.GAP_TYPE, "code": row.rule},
            ]
        },
        "severity": _SEVERITY[row.severity],
        **about("patient", row.patient.id),
    }
    if row.deadline is not None:
        made["identifiedDateTime"] = utc_seconds(row.deadline)
    elif before is not None and "identifiedDateTime" in before:
        # An open pause leaves the deadline undefined: the one that was missed stays told.
        made["identifiedDateTime"] = before["identifiedDateTime"]
    made["author"] = {"display": "Relais"}
    if implicated := view.closest(row.trigger):
        # What waits: the stay that ended, the letter to be sent, the visit to be booked.
        made["implicated"] = [{"reference": implicated}]
    made["evidence"] = _evidence(view)
    if view.sentences:
        made["detail"] = view.sentences[0]
    elif before is not None and "detail" in before:
        made["detail"] = before["detail"]
    mitigation = _by_person(task) if by_person else _mitigation(view)
    return {**made, **({"mitigation": [mitigation]} if mitigation else {})}


def gap_task(view: GapView, ids: Ids, before: Json | None) -> Json:
    """Return the Task of the current episode of a gap.

    Args:
        view: the gap.
        ids: computed ids of the installation.
        before: the current Task of this episode; what people wrote in it stays.
    """
    row = view.row
    kept = {name: value for name, value in (before or {}).items() if name not in _LINKS}
    made: Json = {**kept, **_task_frame(view, ids, before)}
    if before is None:
        made |= {
            "priority": PRIORITY[row.severity],
            "status": "requested",
            "businessStatus": words.business("a-traiter"),
        }
    made |= _task_end(view, made)
    if before is not None and _same_but_time(made, before):
        return unversioned(before)
    return {**made, "lastModified": utc_seconds(view.at)}


def retracted_task(task: Json, at: datetime) -> Json:
    """Return the Task of an episode that proves to have had no reason."""
    if task["status"] == "entered-in-error":
        return task
    return {
        **unversioned(task),
        "status": "entered-in-error",
        "statusReason": {"text": words.RETRACTED},
        "lastModified": utc_seconds(at),
    }


def task_of(task: Json, patient_id: str, at: datetime) -> Json:
    """Return a Task as it is when another Patient stands for the one it was written for."""
    named = about("for", patient_id)
    if not named or task.get("for") == named["for"]:
        return task
    return {**unversioned(task), **named, "lastModified": utc_seconds(at)}


def task_reference(issue: Json) -> str:
    """Return `Task/id` of the current episode of a DetectedIssue; empty when it has none."""
    found = _extension(issue, TASK).get("valueReference", {}).get("reference", "")
    return str(found)


def evidence_of(issue: Json) -> tuple[str, ...]:
    """Return `Type/id` of the resources a DetectedIssue is founded on, each once."""
    found = (
        str(detail.get("reference", ""))
        for one in issue.get("evidence", ())
        for detail in one.get("detail", ())
    )
    return tuple(dict.fromkeys(reference for reference in found if reference))


def organization_of(issue: Json) -> str:
    """Return `Organization/id` of the establishment a gap is about; empty when unknown."""
    found = _extension(issue, ORGANIZATION).get("valueReference", {}).get("reference", "")
    return str(found)


def finess_of(row: ExpectationRow) -> str:
    """Return the FINESS of the establishment a gap is about; empty when unknown."""
    for name in ("estab", "establishment"):
        value = row.details.get(name)
        if isinstance(value, str) and value:
            return value
    return ""


def _extension(resource: Json, url: str) -> Json:
    return next((one for one in resource.get("extension", ()) if one["url"] == url), {})


def _extensions(row: ExpectationRow, ids: Ids, before: Json | None) -> list[Json]:
    task = f"Task/{ids.gap_task(row.gap_id, row.episode)}"
    found: list[Json] = [
        {"url": EPISODE, "valuePositiveInt": row.episode},
        {"url": TASK, "valueReference": {"reference": task}},
    ]
    finess = finess_of(row)
    if finess:
        organization = f"Organization/{ids.organization(FINESS_SYSTEM, finess)}"
        found.append({"url": ORGANIZATION, "valueReference": {"reference": organization}})
    if before is not None and _extension(before, EPISODE).get("valuePositiveInt") == row.episode:
        # How far its ladder was climbed is of the episode, and no matter of facts.
        climbed = _extension(before, ESCALATION)
        found += [climbed] if climbed else []
    return found


def _fact_status(status: Status) -> tuple[str, str]:
    """Return DetectedIssue.status and the gap status; the latter empty when there is no gap."""
    if status is Status.VOID:
        return "entered-in-error", ""
    if status is Status.CANCELLED:
        return "cancelled", "not-applicable"
    return "final", "open-gap" if status is Status.OVERDUE else "closed-gap"


def _evidence(view: GapView) -> list[Json]:
    row = view.row
    coding = {
        "system": words.PATHWAY_RULE,
        "version": str(row.rule_version),
        "code": row.rule,
    }
    keys = row.evidence or (row.trigger,)
    found = dict.fromkeys(one for key in keys for one in view.references.get(key, ()))
    details = [{"reference": reference} for reference in found]
    return [{"code": [{"coding": [coding]}], **({"detail": details} if details else {})}]


def _mitigation(view: GapView) -> Json | None:
    """Say why a gap is not open any more; a gap without reason or reopened has no mitigation."""
    status = view.row.status
    if status in _CLOSED_BY_EVENT:
        code = "late-event" if status is Status.MET_LATE else "reported-late"
    elif status in _MOVED:
        code = "deadline-moved"
    elif status is Status.MOOT:
        code = "moot"
    else:
        return None
    return {"action": words.mitigation(code), "date": utc_seconds(view.at)}


def _by_person(task: Json | None) -> Json:
    """Say that a person settled a gap the engine still sees as open."""
    made: Json = {"action": words.mitigation("resolved-by-person")}
    if task is not None and "lastModified" in task:
        made["date"] = task["lastModified"]
    return made


def _business(task: Json | None) -> str:
    for coding in (task or {}).get("businessStatus", {}).get("coding", ()):
        if coding.get("system") == words.TASK_STATUS:
            return str(coding.get("code", ""))
    return ""


def _modifier(gap_status: str) -> Json:
    if not gap_status:
        return {}
    concept = words.concept(GAP_STATUSES, gap_status)
    return {"modifierExtension": [{"url": GAP_STATUS, "valueCodeableConcept": concept}]}


def _ended_by_person(task: Json | None) -> bool:
    return (
        task is not None and task["status"] in _PERSON_ENDS and _business(task) not in _ENGINE_ENDS
    )


def _task_frame(view: GapView, ids: Ids, before: Json | None) -> Json:
    """Return what the engine says of a Task whatever people do with it."""
    row = view.row
    opened = row.opened_at or view.at
    value = f"{row.gap_id}#{row.episode}"
    frame: Json = {
        "resourceType": "Task",
        "id": ids.gap_task(row.gap_id, row.episode),
        **claims(TASK_PROFILE, row),
        "identifier": [{"system": TASK_SYSTEM, "value": value}],
        "intent": "order",
        "code": {
            "coding": [
                {"system": words.FHIR_TASK_CODE, "code": "fulfill"},
                {"system": words.TASK_CODE, "code": "close-handoff-gap"},
            ]
        },
        "focus": {"reference": f"DetectedIssue/{ids.gap(row.gap_id)}"},
        **about("for", row.patient.id),
        "authoredOn": utc_seconds(opened) if before is None else before["authoredOn"],
        "requester": {"display": "Relais"},
    }
    trigger = view.closest(row.trigger)
    if trigger.startswith("Encounter/"):
        frame["encounter"] = {"reference": trigger}
    based_on = [trigger] if trigger.startswith("ServiceRequest/") else []
    if view.pathway is not None:
        based_on.append(f"CarePlan/{view.pathway.plan}")
        frame["groupIdentifier"] = identifier(view.pathway.episode)
    if based_on:
        frame["basedOn"] = [{"reference": one} for one in based_on]
    if view.sentences:
        frame["description"] = " ".join(view.sentences)
    return frame


def _task_end(view: GapView, task: Json) -> Json:
    """Return what the engine changes in the state of a Task; empty when it is people's."""
    status = view.row.status
    if status is Status.VOID:
        return {"status": "entered-in-error", "statusReason": {"text": words.RETRACTED}}
    is_ours = task["status"] in _OPEN_TASK or _business(task) in _ENGINE_ENDS
    if status is Status.OVERDUE or not is_ours:
        return {}
    if status in _CLOSED_BY_EVENT:
        late = status is Status.MET_LATE
        code = "resolu-tardif" if late else "signale-tardivement"
        task.pop("statusReason", None)
        return {
            "status": "completed",
            "businessStatus": words.business(code),
            "output": _output(view, task),
        }
    if status in _MOVED:
        reason = words.MOVED
    else:
        reason = words.MOOT if status is Status.MOOT else words.CANCELLED
    ended = {
        "status": "cancelled",
        "businessStatus": words.business("sans-objet"),
        "statusReason": {"text": reason},
    }
    kept = [one for one in task.pop("output", ()) if not _is_ours(one)]
    return {**ended, **({"output": kept} if kept else {})}


def _output(view: GapView, task: Json) -> list[Json]:
    """Add the event that closed the gap to what people put out."""
    kept = [one for one in task.get("output", ()) if not _is_ours(one)]
    made: Json = {"type": words.output("closing-event")}
    reference = view.closest(view.row.closer)
    if reference:
        made["valueReference"] = {"reference": reference}
    else:
        # Only the kind of the fact: its key may hold a visit number.
        made["valueCodeableConcept"] = words.mitigation(
            "late-event" if view.row.status is Status.MET_LATE else "reported-late"
        )
    return [*kept, made]


def _is_ours(output: Json) -> bool:
    codings = output.get("type", {}).get("coding", ())
    return any(coding.get("system") == words.TASK_OUTPUT for coding in codings)


def _same_but_time(made: Json, before: Json) -> bool:
    aside = ("lastModified", "meta")
    return _aside(made, aside) == _aside(before, aside)


def _aside(value: Json, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: item for name, item in value.items() if name not in names}


def settled_issue(issue: Json, task: Json) -> Json:
    """Return a DetectedIssue that is open, or is so again, as the work of people has it.

    Args:
        issue: as it is stored, about a gap the engine sees as open.
        task: the Task of its episode as it was just written.
    """
    by_person = _ended_by_person(task)
    status, gap_status = settled_as(task) if by_person else ("final", "open-gap")
    left = ("mitigation", "modifierExtension")
    made = {**_aside(unversioned(issue), left), "status": status}
    made |= _modifier(gap_status)
    return {**made, "mitigation": [_by_person(task)]} if by_person else made
