"""How topics are published: as Basic for R4, as SubscriptionTopic for R5.

R4 has no SubscriptionTopic; a Basic carries it in the cross-version extensions of R5 (Subscriptions
R5 Backport 1.1.0, components). The files are in `profiles/fhir`.
"""

from gateway.core.contributions import Json
from gateway.fhir.topics import GAP, OF_GAPS, Filter, Topic

_R5 = "http://hl7.org/fhir/5.0/StructureDefinition/extension-SubscriptionTopic"
_R4B = "http://hl7.org/fhir/4.3/StructureDefinition/extension-SubscriptionTopic"
_RESOURCE = "http://hl7.org/fhir/StructureDefinition"
_DATE = "2026-11-22"
_VERSION = "1.1.0"


def files(topic: Topic) -> dict[str, Json]:
    """Return what is published of a topic, by path below `profiles/fhir`."""
    return {
        f"Basic-topic-{topic.name}.json": as_basic(topic),
        f"r5/SubscriptionTopic-{topic.name}.json": as_subscription_topic(topic),
    }


def as_subscription_topic(topic: Topic) -> Json:
    """Return a topic as R5 has it."""
    resource = f"{_RESOURCE}/{topic.resource}"
    return {
        "resourceType": "SubscriptionTopic",
        "id": topic.name,
        "url": topic.url,
        "version": _VERSION,
        "title": topic.title,
        **({"derivedFrom": [GAP.url]} if topic in OF_GAPS else {}),
        "status": "active",
        "date": _DATE,
        "description": topic.description,
        "resourceTrigger": [
            {
                "description": topic.description,
                "resource": resource,
                "supportedInteraction": list(topic.interactions),
            }
        ],
        "canFilterBy": [
            {
                "resource": resource,
                "filterParameter": one.param,
                **({"modifier": list(one.modifiers)} if one.modifiers else {}),
            }
            for one in topic.filters.values()
        ],
        "notificationShape": [{"resource": resource}],
    }


def as_basic(topic: Topic) -> Json:
    """Return a topic in the form R4 servers publish it in."""
    triggers: Json = {
        "url": f"{_R4B}.resourceTrigger",
        "extension": [
            {"url": "description", "valueMarkdown": topic.description},
            {
                "url": "resource",
                "valueUri": f"{_RESOURCE}/{topic.resource}",
            },
            *({"url": "supportedInteraction", "valueCode": one} for one in topic.interactions),
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
