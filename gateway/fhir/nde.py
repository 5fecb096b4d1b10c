"""The French volet Notification d'événements on the engine of topics: flux 1, 2 and 4.

A Subscription of that guide names a type of event and a person; it is kept as the subscription to
a topic that means the same, and each of its events leaves as the CommunicationRequest of flux 4.
What is told of the person is what the subscriber said itself. Guide: ANS, Notification
d'événements 3.0.0, profiles nde-subscription and nde-notificationrequest. Flux 3, what others
declare, is `fhir.nde_declared`.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl
from uuid import NAMESPACE_URL, uuid5

from gateway.core.contributions import Json
from gateway.core.errors import RejectedError
from gateway.core.systems import FHIR_BASE
from gateway.fhir import nde_faults as faults
from gateway.fhir.topics import TOPICS

GUIDE = "https://interop.esante.gouv.fr/ig/fhir/nde/StructureDefinition"
NOTIFICATION = f"{GUIDE}/nde-notificationrequest"
TYPES = "https://mos.esante.gouv.fr/NOS/TRE_R254-TypeEvenement/FHIR/TRE-R254-TypeEvenement"
_BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition"
#: The channel a subscription of the guide leaves by, beside `channel.type` rest-hook.
CHANNEL = {"system": f"{FHIR_BASE}/CodeSystem/subscription-channel", "code": "nde"}

#: Type of event (TRE_R254), the topic that means the same, and what it is called.
EVENTS: Mapping[str, tuple[str, str]] = {
    "ADM": ("encounter-admitted", "Admission d'un patient dans un établissement de santé"),
    "SOR": ("encounter-discharged", "Sortie d'un patient de l'établissement de santé"),
    "DOC": ("document-received", "Dépôt de document pour un patient"),
}
#: Extensions of nde-subscription that are there once, with the value they hold.
_REQUIRED = {
    "start": "valueDateTime",
    "subject": "valueReference",
    "declarant": "valueReference",
    "event-type": "valueCodeableConcept",
    "subscriber": "valueReference",
}
START = f"{GUIDE}/start"


def is_of_guide(resource: Json) -> bool:
    """Tell whether a Subscription is written as the guide has it."""
    return str(resource.get("criteria", "")).startswith("CommunicationRequest?")


def as_topic_subscription(resource: Json) -> Json:
    """Return the subscription to a topic that means the same; what the guide adds stays.

    Raises:
        RejectedError: an extension is missing, or type of event or person cannot be followed
            (RLS-FHR-270 to 273); one issue per fault.
    """
    said = {name: _extension(resource, name, value) for name, value in _REQUIRED.items()}
    found = [faults.missing(name) for name, value in said.items() if value is None]
    asked = dict(parse_qsl(str(resource["criteria"]).partition("?")[2]))
    code = asked.pop("event-type", "").rpartition("|")[2]
    identifiers = _identifiers(resource, said["subject"])
    named = asked.pop("subject.identifier", "")
    if named:
        identifiers = [named]
    if asked:
        found.append(faults.unknown_criteria())
    if code not in EVENTS:
        found.append(faults.unknown_event(sorted(EVENTS)))
    elif code not in {one.get("code") for one in _codings(said["event-type"])}:
        found.append(faults.other_event())
    if not identifiers:
        found.append(faults.nobody())
    if found:
        raise RejectedError(found)
    topic = next(t for t in TOPICS.values() if t.name == EVENTS[code][0])
    wanted = f"{topic.resource}?patient:identifier={','.join(identifiers)}"
    return {
        **resource,
        "criteria": topic.url,
        "_criteria": {
            "extension": [{"url": f"{_BACKPORT}/backport-filter-criteria", "valueString": wanted}]
        },
        "channel": _channel(resource.get("channel") or {}),
    }


def _channel(channel: Json) -> Json:
    """Return the channel with what the guide leaves out: media type, content, form of a message."""
    is_mail = channel.get("type") == "email"
    content = "empty" if is_mail else "id-only"
    made = {
        **channel,
        "payload": "text/plain" if is_mail else "application/fhir+json",
        "_payload": {
            "extension": [{"url": f"{_BACKPORT}/backport-payload-content", "valueCode": content}]
        },
    }
    if channel.get("type") == "rest-hook":
        url = f"{_BACKPORT}/backport-channel-type"
        made["_type"] = {"extension": [{"url": url, "valueCoding": CHANNEL}]}
    return made


def notification_request(
    subscription: Json, url: str, number: int, focus: Json, at: str, requester: Json
) -> Json:
    """Return the order of notification of one event (flux 4).

    Args:
        subscription: as it is kept, with what the guide adds.
        url: address of the Subscription.
        number: of the event; ids follow from it.
        focus: the version of the Encounter or DocumentReference the event is about.
        at: when it was told here, FHIR instant.
        requester: the establishment that told it, an Organization without id.
    """
    topic = TOPICS[subscription["criteria"]]
    code = next(code for code, (name, _) in EVENTS.items() if name == topic.name)
    display = EVENTS[code][1]
    people = {"subject": "patient", "subscriber": "recipient"}
    contained = [
        {**_contained(subscription, _extension(subscription, name, "valueReference")), "id": id_}
        for name, id_ in people.items()
    ]
    moment = _moment(focus, code)
    return {
        "resourceType": "CommunicationRequest",
        "id": str(uuid5(NAMESPACE_URL, f"{url}|nde|{number}")),
        "meta": {"profile": [NOTIFICATION]},
        "contained": [*contained, {**requester, "id": "requester"}],
        "extension": [
            {"url": f"{GUIDE}/event-emission-time", "valueDateTime": at},
            *([{"url": f"{GUIDE}/event-time", "valueDateTime": moment}] if moment else []),
            {
                "url": f"{GUIDE}/event-type",
                "valueCodeableConcept": {
                    "coding": [{"system": TYPES, "code": code, "display": display}]
                },
            },
        ],
        "basedOn": [{"reference": url}],
        "status": "active",
        "medium": [{"text": "FHIR REST"}],
        "subject": {"reference": "#patient"},
        "payload": [{"contentString": display}],
        "requester": {"reference": "#requester"},
        "recipient": [
            {
                "extension": [
                    {
                        "url": f"{GUIDE}/recipient-endpoint",
                        "valueUrl": subscription["channel"]["endpoint"],
                    }
                ],
                "reference": "#recipient",
            }
        ],
    }


def _moment(focus: Json, code: str) -> str:
    """Return when the event happened; empty where that is not known."""
    if code == "DOC":
        return str(focus.get("date", ""))
    period = focus.get("period", {})
    return str(period.get("end" if code == "SOR" else "start", ""))


def _extension(resource: Json, name: str, value: str) -> Any:
    found = [
        one.get(value)
        for one in resource.get("extension", ())
        if isinstance(one, dict) and one.get("url") == f"{GUIDE}/{name}"
    ]
    return found[0] if len(found) == 1 else None


def _contained(resource: Json, reference: Any) -> Json:
    """Return what a local reference points to; empty when it points to nothing."""
    id_ = str((reference or {}).get("reference", "")).removeprefix("#")
    found: Sequence[Json] = resource.get("contained", ())
    return next((one for one in found if one.get("id") == id_), {})


def _identifiers(resource: Json, reference: Any) -> list[str]:
    """Return `system|value` of each identifier of the person that is named."""
    found = _contained(resource, reference).get("identifier", ())
    return [
        f"{one['system']}|{one['value']}" for one in found if "system" in one and "value" in one
    ]


def _codings(concept: Any) -> Sequence[Json]:
    return (concept or {}).get("coding", ()) if isinstance(concept, dict) else ()
