"""The topics one can subscribe to, with their filters (Subscriptions R5 Backport 1.1.0).

The one table of topics. How they are published is `fhir.topic_resources`, what makes an event of
a change `fhir.topic_events`. Does not judge subscriptions (`fhir.subscriptions`).
"""

from dataclasses import dataclass
from typing import Literal

from gateway.core.systems import FHIR_BASE
from gateway.fhir import topic_events as events

#: How a filter compares: a coded value, or a reference (by `Type/id`, or by identifier).
FilterKind = Literal["token", "reference"]


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter of a topic.

    Attributes:
        target: for a reference, the only type it points to; empty when it may be any.
    """

    param: str
    kind: FilterKind
    target: str = ""

    @property
    def modifiers(self) -> tuple[str, ...]:
        """Return the modifiers it takes."""
        return ("identifier",) if self.kind == "reference" else ()


@dataclass(frozen=True, slots=True)
class Topic:
    """Something one can be told about.

    Attributes:
        name: end of the canonical address.
        resource: type of the focus.
        filters: by parameter.
        interactions: what can be an event: create, update, delete.
        test: judges a change of a resource; None where the engine of gaps says what happened.
    """

    name: str
    title: str
    description: str
    resource: str
    filters: dict[str, Filter]
    interactions: tuple[str, ...] = ("create", "update")
    test: events.Test | None = None

    @property
    def url(self) -> str:
        """Return the canonical address."""
        return f"{FHIR_BASE}/SubscriptionTopic/{self.name}"


def _filters(*tokens: str, **references: str) -> dict[str, Filter]:
    """Return filters by parameter: references to one type each, then coded values."""
    found = [Filter(name.replace("_", "-"), "reference", to) for name, to in references.items()]
    return {one.param: one for one in (*found, *(Filter(name, "token") for name in tokens))}


_GAP_FILTERS = {
    one.param: one
    for one in (
        Filter("patient", "reference", "Patient"),
        Filter("code", "token"),
        Filter("severity", "token"),
        Filter("organization", "reference", "Organization"),
    )
}
_STAYS = _filters("class", "type", patient="Patient", service_provider="Organization")
_DOCUMENTS = _filters("type", patient="Patient", custodian="Organization")
_REQUESTS = _filters("code", patient="Patient", performer="")
_ALL = ("create", "update", "delete")


def _gap_topic(name: str, title: str, description: str) -> Topic:
    return Topic(name, title, description, "DetectedIssue", _GAP_FILTERS)


GAP = _gap_topic(
    "gap",
    "Care handoff gap",
    "An expected handoff is missing, what is known of it changes, or it is settled.",
)
GAP_OPENED = _gap_topic("gap-opened", "Care handoff gap opened", "An expected handoff is missing.")
GAP_UPDATED = _gap_topic(
    "gap-updated",
    "Care handoff gap updated",
    "What is known of a gap changes while it stays open or stays closed.",
)
GAP_CLOSED = _gap_topic(
    "gap-closed",
    "Care handoff gap closed",
    "A gap is settled: the handoff came, is no longer expected, or was never due.",
)
DELIVERY_CHANGED = Topic(
    "delivery-changed",
    "Delivery changed",
    "An alert about gaps left, or the sending of a document goes on, arrives, waits or fails.",
    "Communication",
    _filters("status", patient="Patient", recipient="Organization"),
    test=events.sending_changed,
)
#: What `GAP` holds together.
OF_GAPS = (GAP_OPENED, GAP_UPDATED, GAP_CLOSED)
#: Topics of which every write of a resource is judged.
OF_CHANGES = (
    DELIVERY_CHANGED,
    Topic(
        "encounter-admitted",
        "Stay started",
        "A patient is admitted, or the admission is taken back.",
        "Encounter",
        _STAYS,
        _ALL,
        events.stay_started,
    ),
    Topic(
        "encounter-transferred",
        "Patient moved",
        "The patient of a running stay is in another place, or the move is taken back.",
        "Encounter",
        _STAYS,
        ("update",),
        events.stay_moved,
    ),
    Topic(
        "encounter-discharged",
        "Stay ended",
        "A patient is discharged, or the discharge is taken back.",
        "Encounter",
        _STAYS,
        _ALL,
        events.stay_ended,
    ),
    Topic(
        "document-received",
        "Document available",
        "A document is there to be read, of any type.",
        "DocumentReference",
        _DOCUMENTS,
        test=events.document_received,
    ),
    Topic(
        "discharge-document-available",
        "Discharge letter available",
        "A letter about a discharge is there to be read (LOINC 11490-0 or 18842-5).",
        "DocumentReference",
        _DOCUMENTS,
        test=events.discharge_letter_received,
    ),
    Topic(
        "document-replaced",
        "Document replaced",
        "A document does not count any more: another one replaces it, or it was withdrawn.",
        "DocumentReference",
        _DOCUMENTS,
        ("update", "delete"),
        events.document_replaced,
    ),
    Topic(
        "care-plan-changed",
        "Care plan changed",
        "A care plan is made, changes or is deleted.",
        "CarePlan",
        _filters("category", patient="Patient"),
        _ALL,
        events.any_change,
    ),
    Topic(
        "referral-created",
        "Request made",
        "A service is requested.",
        "ServiceRequest",
        _REQUESTS,
        ("create",),
        events.created,
    ),
    Topic(
        "referral-updated",
        "Request changed",
        "A requested service changes, or its request is deleted.",
        "ServiceRequest",
        _REQUESTS,
        ("update", "delete"),
        events.changed,
    ),
    Topic(
        "task-created-or-updated",
        "Task changed",
        "Work is to be done, is taken, changes or ends.",
        "Task",
        _filters("status", "business-status", "code", patient="Patient", owner=""),
        _ALL,
        events.any_change,
    ),
    Topic(
        "patient-merged",
        "Patient merged",
        "A record gives way to another of the same person, or does so no more.",
        "Patient",
        _filters("identifier"),
        _ALL,
        events.patient_merged,
    ),
    Topic(
        "appointment-missed",
        "Appointment missed",
        "A patient did not come to an appointment, or this is taken back.",
        "Appointment",
        _filters(patient="Patient", actor=""),
        _ALL,
        events.appointment_missed,
    ),
)

#: Every topic by canonical address.
TOPICS: dict[str, Topic] = {topic.url: topic for topic in (GAP, *OF_GAPS, *OF_CHANGES)}
