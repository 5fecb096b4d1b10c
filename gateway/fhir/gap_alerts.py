"""Who is told of a gap and how it shows: the Task as the ladder leaves it, the alert that left.

The gateway changes priority, business status and audience of a Task, and wakes one that slept;
everything else in it stays people's. Pure: the caller reads and writes the versions. FHIR R4 Task
and Communication.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.core.contributions import Json
from gateway.core.systems import FHIR_BASE, IDENTIFIER_BASE
from gateway.core.timestamps import utc_seconds
from gateway.fhir import gap_words as words
from gateway.fhir.gap_work import MUTED, WAITING, business_of

PROFILE = f"{FHIR_BASE}/StructureDefinition/gap-alert"
ESCALATION = f"{FHIR_BASE}/StructureDefinition/gap-escalation"
ROLE = f"{FHIR_BASE}/CodeSystem/pathway-role"
ROLE_SYSTEM = f"{IDENTIFIER_BASE}/pathway-role"
DELIVERY_SYSTEM = f"{IDENTIFIER_BASE}/delivery"
ESCALATED, DEFERRED = "escalade", "reporte"
_TAKEN = frozenset({"accepted", "in-progress"})


def escalated_task(task: Json, roles: Sequence[str]) -> Json:
    """Return the Task of a gap nobody acted on in time: it is urgent, and others see it too."""
    known = [*task.get("performerType", ())]
    told = [role for role in roles if not any(_is_role(one, role) for one in known)]
    audience = [*known, *({**words.concept(ROLE, role), "text": role} for role in told)]
    return {
        **task,
        "priority": "stat",
        "businessStatus": words.business(ESCALATED),
        "performerType": audience,
    }


def woken_task(task: Json, was_taken: bool, business: str, *, escalated: bool) -> Json:
    """Return the Task whose deferral is over.

    Args:
        task: on hold.
        was_taken: somebody had it when it was put off.
        business: business status it had then.
        escalated: somebody else was told before.
    """
    made = {name: value for name, value in task.items() if name != "statusReason"}
    made["status"] = "in-progress" if was_taken else "requested"
    return shown_again(made, business, escalated=escalated)


def muted_task(task: Json) -> Json:
    """Return the Task of a gap nobody is told about for a while; how far it is stays."""
    return {**task, "businessStatus": words.business(MUTED)}


def shown_again(task: Json, business: str, *, escalated: bool) -> Json:
    """Return the Task with the business status that goes with its state.

    Args:
        task: whose mute or deferral is over.
        business: what it had before; counts when it still fits.
        escalated: somebody else was told.
    """
    status = task["status"]
    if status == "on-hold":
        found = DEFERRED
    elif status in _TAKEN:
        found = business if business in WAITING else ESCALATED if escalated else WAITING[0]
    else:
        found = ESCALATED if escalated else "a-traiter"
    return {**task, "businessStatus": words.business(found)}


def is_muted(task: Json) -> bool:
    """Tell whether a Task is shown as muted."""
    return business_of(task) == MUTED


def escalated_issue(issue: Json, step: int, roles: Sequence[str], at: datetime) -> Json:
    """Return the DetectedIssue that says how far the ladder of its episode was climbed."""
    made = {
        "url": ESCALATION,
        "extension": [
            {"url": "step", "valuePositiveInt": step},
            *({"url": "audience", "valueCode": role} for role in roles),
            {"url": "at", "valueDateTime": utc_seconds(at)},
        ],
    }
    kept = [one for one in issue.get("extension", ()) if one["url"] != ESCALATION]
    return {**issue, "extension": [*kept, made]}


@dataclass(frozen=True, slots=True)
class Alert:
    """One word to one audience.

    Attributes:
        id: of the Communication.
        key: names it for ever; its identifier.
        kind: of `gap_words.ALERT`.
        role: who is told.
        organization: `Organization/id` of their establishment; empty when unknown.
        priority: of `Communication.priority`.
        sentences: what is told, in French.
        about: `Type/id`, the gaps first.
        patient: `Patient/id`; empty when it is about several.
        notes: what the reader must know of the alert itself.
    """

    id: str
    key: str
    kind: str
    role: str
    organization: str
    priority: str
    sentences: tuple[str, ...]
    about: tuple[str, ...]
    patient: str = ""
    notes: tuple[str, ...] = ()


def communication(alert: Alert, at: datetime) -> Json:
    """Return the alert as it left at an instant."""
    to: list[Json] = [
        {
            "type": "PractitionerRole",
            "identifier": {"system": ROLE_SYSTEM, "value": alert.role},
            "display": alert.role,
        }
    ]
    if alert.organization:
        to.append({"reference": alert.organization})
    made: Json = {
        "resourceType": "Communication",
        "id": alert.id,
        "meta": {"profile": [PROFILE]},
        "identifier": [{"system": DELIVERY_SYSTEM, "value": alert.key}],
        "status": "completed",
        "category": [words.alert(alert.kind)],
        "priority": alert.priority,
    }
    if alert.patient:
        made["subject"] = {"reference": alert.patient}
    made |= {
        "about": [{"reference": reference} for reference in alert.about],
        "sent": utc_seconds(at),
        "recipient": to,
        "sender": {"display": "Relais"},
        "payload": [{"contentString": sentence} for sentence in alert.sentences],
    }
    if alert.notes:
        made["note"] = [{"time": utc_seconds(at), "text": text} for text in alert.notes]
    return made


def _is_role(concept: Json, role: str) -> bool:
    codings = concept.get("coding", ())
    return any(one.get("system") == ROLE and one.get("code") == role for one in codings)
