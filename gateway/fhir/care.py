"""A cancer pathway as FHIR: EpisodeOfCare says how far it is, CarePlan what was planned and done.

One EpisodeOfCare and one CarePlan a pathway, under one identifier. The plans that documents tell
(`mappings/cda`) stay as they were told; the one of the pathway is based on them. Expectations are
rows of the engine and no activities (a person sees those that were missed, by their Tasks).
An activity has a reference or a detail, never both (FHIR R4 CarePlan, cpl-3). Pure: the caller
reads and writes the versions.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from gateway.core.care import Activity, Pathway, Progress, State
from gateway.core.contributions import Json
from gateway.core.facts import told_of
from gateway.core.systems import FHIR_BASE, IDENTIFIER_BASE
from gateway.core.timestamps import utc_seconds
from gateway.fhir import care_words as words
from gateway.fhir.identity import FINESS_SYSTEM, Ids

PATHWAY_SYSTEM = f"{IDENTIFIER_BASE}/pathway"
EPISODE_PROFILE = f"{FHIR_BASE}/StructureDefinition/pathway-episode"
PLAN_PROFILE = f"{FHIR_BASE}/StructureDefinition/pathway-plan"
PHASE = f"{FHIR_BASE}/StructureDefinition/pathway-phase"

_PLAN = {
    State.PLANNED: "draft",
    State.ACTIVE: "active",
    State.FINISHED: "completed",
    State.CANCELLED: "revoked",
}
#: Status of an activity that no resource tells, by what became of it.
_DETAIL = {
    Progress.DONE: "completed",
    Progress.CANCELLED: "cancelled",
    Progress.NO_SHOW: "scheduled",
    Progress.REFUSED: "cancelled",
    Progress.OVERDUE: "scheduled",
    Progress.BOOKED: "scheduled",
    Progress.ACCEPTED: "scheduled",
    Progress.PLANNED: "scheduled",
}
#: What an activity may refer to (FHIR R4 CarePlan.activity.reference).
_REFERRED = frozenset({"Appointment", "ServiceRequest", "Task", "MedicationRequest",
                       "DeviceRequest", "CommunicationRequest"})  # fmt: skip


class PathwayIds(NamedTuple):
    """Ids of the two resources of a pathway."""

    episode: str
    plan: str


@dataclass(frozen=True, slots=True)
class PathwayView:
    """Everything the two resources are made of.

    Attributes:
        pathway: what the facts say.
        patient: id of the Patient that stands for the holder of its first fact.
        shown: `Type/id` of the resources that show a fact, by its key, the closest first.
        live: `Type/id` of what is planned, where it can be read.
        diagnoses: `Condition/id` of the coded tumours.
        teams: `CareTeam/id` of its documents.
        plans: `CarePlan/id` of its documents.
        done: `Procedure/id` of the acts that programmes of care tell as done.
        organization: `Organization/id` of the reference establishment; empty when not there.
        manager: `Practitioner/id` of the author of its latest document; empty when not there.
    """

    pathway: Pathway
    patient: str
    shown: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    live: frozenset[str] = frozenset()
    diagnoses: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    organization: str = ""
    manager: str = ""


def episode_id(pathway: Pathway, ids: Ids) -> str:
    """Return the id of the EpisodeOfCare: that of the Patient its first fact was told under."""
    return ids.episode(told_of(pathway.holder)[0], pathway.opener)


def plan_id(pathway: Pathway, ids: Ids) -> str:
    """Return the id of the CarePlan of a pathway."""
    return ids.pathway_plan(told_of(pathway.holder)[0], pathway.opener)


def identifier(episode: str) -> Json:
    """Return the identifier of a pathway; its value tells nothing of the patient."""
    return {"system": PATHWAY_SYSTEM, "value": episode}


def episode_of_care(view: PathwayView, ids: Ids) -> Json:
    """Return the EpisodeOfCare of a pathway.

    Args:
        view: the pathway.
        ids: computed ids of the installation.
    """
    pathway = view.pathway
    id_ = episode_id(pathway, ids)
    made: Json = {
        "resourceType": "EpisodeOfCare",
        "id": id_,
        "meta": {"profile": [EPISODE_PROFILE]},
        "extension": [{"url": PHASE, "valueCode": pathway.phase.value}],
        "identifier": [identifier(id_)],
        "status": pathway.state.value,
        "statusHistory": [
            {"status": stage.state.value, "period": _period(stage.start, stage.end)}
            for stage in pathway.stages
        ],
        "type": [words.told(words.PATHWAY, "cancer")],
        "diagnosis": [{"condition": _reference(one)} for one in view.diagnoses],
        "patient": _reference(f"Patient/{view.patient}"),
        "managingOrganization": _organization(view),
        "period": _period(pathway.start, pathway.end),
        "careManager": _reference(view.manager) if view.manager else None,
        "team": _references(view.teams),
    }
    return _filled(made)


def pathway_plan(view: PathwayView, ids: Ids) -> Json:
    """Return the CarePlan of a pathway: what was planned beside what became of it.

    Args:
        view: the pathway.
        ids: computed ids of the installation.
    """
    pathway = view.pathway
    episode = episode_id(pathway, ids)
    documents = [
        one
        for key in pathway.documents
        for one in view.shown.get(key, ())
        if one.startswith("DocumentReference/")
    ]
    made: Json = {
        "resourceType": "CarePlan",
        "id": plan_id(pathway, ids),
        "meta": {"profile": [PLAN_PROFILE]},
        "identifier": [identifier(episode)],
        "basedOn": _references(view.plans),
        "status": _PLAN[pathway.state],
        "intent": "plan",
        "category": [words.told(words.PATHWAY, "cancer")],
        "subject": _reference(f"Patient/{view.patient}"),
        "period": _period(pathway.start, pathway.end),
        "author": {"display": "Relais"},
        "careTeam": _references(view.teams),
        "addresses": _references(view.diagnoses),
        "supportingInfo": _references([f"EpisodeOfCare/{episode}", *documents]),
        "activity": [
            *(_activity(one, view) for one in pathway.activities),
            # What a programme tells as done is a line of its own: it names no request.
            *({"outcomeReference": [_reference(one)]} for one in view.done),
            *(
                {"reference": _reference(f"Task/{ids.gap_task(gap_id, number)}")}
                for gap_id, number in pathway.overdue
            ),
        ],
    }
    return _filled(made)


def _activity(activity: Activity, view: PathwayView) -> Json:
    outcomes = [
        shown
        for key in activity.outcomes
        for shown in view.shown.get(key, ())[:1]
        if shown != activity.about
    ]
    made: Json = {
        "outcomeCodeableConcept": [words.told(words.PROGRESS, activity.progress.value)],
        "outcomeReference": _references(outcomes),
    }
    type_ = activity.about.partition("/")[0]
    if type_ in _REFERRED and activity.about in view.live:
        made["reference"] = _reference(activity.about)
    else:
        made["detail"] = _detail(activity)
    return _filled(made)


def _detail(activity: Activity) -> Json:
    """Return an activity that no resource tells."""
    made: Json = {"status": _DETAIL[activity.progress]}
    if activity.content:
        coding = {"system": words.CANCER_CARE, "code": activity.content}
        made = {"code": {"coding": [coding]}, **made}
    if activity.low is not None:
        high = activity.high
        made["scheduledPeriod"] = _period(
            activity.low, high if high and high >= activity.low else None
        )
    return made


def _organization(view: PathwayView) -> Json | None:
    """Return the reference establishment, by its number when nothing tells more of it."""
    if view.organization:
        return _reference(view.organization)
    if not view.pathway.estab:
        return None
    number = {"system": FINESS_SYSTEM, "value": view.pathway.estab}
    return {"type": "Organization", "identifier": number}


def _period(start: datetime, end: datetime | None) -> Json:
    made = {"start": utc_seconds(start)}
    return made if end is None else {**made, "end": utc_seconds(end)}


def _reference(reference: str) -> Json:
    return {"reference": reference}


def _references(found: Iterable[str]) -> list[Json]:
    return [_reference(one) for one in dict.fromkeys(found)]


def _filled(made: Json) -> Json:
    """Return a resource without what is empty."""
    return {name: value for name, value in made.items() if value not in (None, [], {})}
