"""The topics one can subscribe to, with their filters (Subscriptions R5 Backport 1.1.0).

R4 has no SubscriptionTopic: each topic is published as a Basic with the cross-version extensions
of R5. Does not judge subscriptions (`fhir.subscriptions`).
"""

from dataclasses import dataclass
from typing import Literal

from gateway.core.contributions import Json
from gateway.core.systems import FHIR_BASE

#: How a filter compares: a coded value, or a reference (by `Type/id`, or by identifier).
FilterKind = Literal["token", "reference"]

_R5 = "http://hl7.org/fhir/5.0/StructureDefinition/extension-SubscriptionTopic"
_R4B = "http://hl7.org/fhir/4.3/StructureDefinition/extension-SubscriptionTopic"
_DATE = "2026-11-21"
_VERSION = "1.0.0"


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter of a topic.

    Attributes:
        target: for a reference, the only type it points to.
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
    """

    name: str
    title: str
    description: str
    resource: str
    filters: dict[str, Filter]

    @property
    def url(self) -> str:
        """Return the canonical address."""
        return f"{FHIR_BASE}/SubscriptionTopic/{self.name}"


_GAP_FILTERS = {
    one.param: one
    for one in (
        Filter("patient", "reference", "Patient"),
        Filter("code", "token"),
        Filter("severity", "token"),
        Filter("organization", "reference", "Organization"),
    )
}


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
    "An alert about gaps left: an opening, a step of a ladder, a digest.",
    "Communication",
    {
        one.param: one
        for one in (
            Filter("patient", "reference", "Patient"),
            Filter("status", "token"),
            Filter("recipient", "reference", "Organization"),
        )
    },
)
#: What `GAP` holds together.
OF_GAPS = (GAP_OPENED, GAP_UPDATED, GAP_CLOSED)

#: Every topic by canonical address.
TOPICS: dict[str, Topic] = {topic.url: topic for topic in (GAP, *OF_GAPS, DELIVERY_CHANGED)}


def as_basic(topic: Topic) -> Json:
    """Return a topic in the form R4 servers publish it in."""
    triggers: Json = {
        "url": f"{_R4B}.resourceTrigger",
        "extension": [
            {"url": "description", "valueMarkdown": topic.description},
            {
                "url": "resource",
                "valueUri": f"http://hl7.org/fhir/StructureDefinition/{topic.resource}",
            },
        ],
    }
    return {
        "resourceType": "Basic",
        "id": f"topic-{topic.name}",
        "extension": [
            {"url": f"{_R5}.url", "valueUri": topic.url},
            {"url": f"{_R5}.version", "valueString": _VERSION},
            {"url": f"{_R5}.title", "valueString": topic.title},
            {"url": f"{_R5}.date", "valueDateTime": _DATE},
            {"url": f"{_R5}.description", "valueMarkdown": topic.description},
            triggers,
            *(_can_filter_by(topic, one) for one in topic.filters.values()),
        ],
        "modifierExtension": [{"url": f"{_R5}.status", "valueCode": "active"}],
        "code": {
            "coding": [
                {
                    "system": "http://hl7.org/fhir/fhir-types",
                    "code": "SubscriptionTopic",
                }
            ]
        },
    }


def _can_filter_by(topic: Topic, one: Filter) -> Json:
    return {
        "url": f"{_R4B}.canFilterBy",
        "extension": [
            {"url": "resource", "valueUri": topic.resource},
            {"url": "filterParameter", "valueString": one.param},
            *({"url": "modifier", "valueCode": name} for name in one.modifiers),
        ],
    }
