"""Notification Bundles (Subscriptions R5 Backport 1.1.0, notifications in R4).

The same event gives the same bytes however often it is sent. Does not decide who is told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_URL, UUID, uuid5

import orjson

from gateway.core.contributions import Json
from gateway.core.ports import StoredResource
from gateway.fhir.bundle import fhir_instant
from gateway.fhir.subscriptions import BACKPORT

STATUS_PROFILE = f"{BACKPORT}/StructureDefinition/backport-subscription-status-r4"


@dataclass(frozen=True, slots=True)
class Head:
    """The subscription a Bundle speaks about.

    Attributes:
        base: public address of the FHIR door, without trailing slash.
        id: of the Subscription.
        topic: canonical address; empty to leave it out.
        status: of the Subscription.
        events: number of the last event that counts for this Bundle.
        error: why it is in error.
    """

    base: str
    id: str
    topic: str
    status: str
    events: int
    error: str = ""

    @property
    def url(self) -> str:
        """Return the address of the Subscription."""
        return f"{self.base}/Subscription/{self.id}"


@dataclass(frozen=True, slots=True)
class Told:
    """One numbered event.

    Attributes:
        focus: `Type/id` of what it is about; empty when the client may not be told any more.
        context: `Type/id` of what belongs to it.
        resources: versions to include with full-resource, focus first.
    """

    number: int
    at: datetime
    focus: str
    context: tuple[str, ...] = ()
    resources: tuple[StoredResource, ...] = ()


def handshake(head: Head, at: datetime) -> bytes:
    """Return the Bundle that asks an endpoint whether it takes notifications."""
    return _history(head, "handshake", f"handshake|{fhir_instant(at)}", at, [], "empty")


def heartbeat(head: Head, at: datetime) -> bytes:
    """Return the Bundle that says: still here, nothing happened."""
    return _history(head, "heartbeat", f"heartbeat|{fhir_instant(at)}", at, [], "empty")


def event_notification(head: Head, told: Sequence[Told], content: str) -> bytes:
    """Return the Bundle of some events, in order; its id follows from their numbers."""
    first, last = told[0].number, told[-1].number
    name = f"event|{first}" if first == last else f"events|{first}|{last}"
    return _history(head, "event-notification", name, told[-1].at, told, content)


def as_message(notification: bytes, head: Head, endpoint: str) -> bytes:
    """Return a notification as the content of a FHIR message (channel `message`).

    The header names the topic as its event and the notification Bundle as its focus; ids follow
    from the notification, so that it is the same message however often it is sent (FHIR R4
    messaging; Subscriptions R5 Backport 1.1.0, channels).

    Args:
        notification: a Bundle of this module.
        head: of the subscription; its topic is told whatever the content.
        endpoint: base address of the receiver.
    """
    inner: Json = orjson.loads(notification)
    url = f"urn:uuid:{inner['id']}"
    header_id = str(uuid5(UUID(inner["id"]), "header"))
    header: Json = {
        "resourceType": "MessageHeader",
        "id": header_id,
        "eventUri": head.topic,
        "destination": [{"endpoint": endpoint}],
        "source": {"name": "Relais", "endpoint": head.base},
        "focus": [{"reference": url}],
    }
    return orjson.dumps(
        {
            "resourceType": "Bundle",
            "id": str(uuid5(UUID(inner["id"]), "message")),
            "type": "message",
            "timestamp": inner["timestamp"],
            "entry": [
                {"fullUrl": f"urn:uuid:{header_id}", "resource": header},
                {"fullUrl": url, "resource": inner},
            ],
        }
    )


def query_event(head: Head, told: Sequence[Told], content: str, at: datetime) -> bytes:
    """Return events that were asked for again (operation $events)."""
    name = f"query|{fhir_instant(at)}"
    return _history(head, "query-event", name, at, told, content)


def query_status(heads: Sequence[Head], base: str, self_url: str) -> bytes:
    """Return the state of subscriptions (operation $status)."""
    entries = [
        {
            "fullUrl": f"urn:uuid:{uuid5(NAMESPACE_URL, head.url + '|$status')}",
            "resource": _status(head, "query-status", [], "id-only"),
            "search": {"mode": "match"},
        }
        for head in heads
    ]
    bundle: Json = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(entries),
        "link": [{"relation": "self", "url": f"{base}/{self_url}"}],
    }
    return orjson.dumps({**bundle, **({"entry": entries} if entries else {})})


def _history(
    head: Head, type_: str, name: str, at: datetime, told: Sequence[Told], content: str
) -> bytes:
    id_ = uuid5(NAMESPACE_URL, f"{head.url}|{name}")
    status_url = f"{head.url}/$status"
    entries: list[Json] = [
        {
            "fullUrl": f"urn:uuid:{uuid5(id_, 'status')}",
            "resource": _status(head, type_, told, content),
            "request": {"method": "GET", "url": status_url},
            "response": {"status": "200"},
        }
    ]
    if content != "empty":
        entries += _resources(head.base, told, full=content == "full-resource")
    return orjson.dumps(
        {
            "resourceType": "Bundle",
            "id": str(id_),
            "type": "history",
            "timestamp": fhir_instant(at),
            "entry": entries,
        }
    )


def _resources(base: str, told: Sequence[Told], *, full: bool) -> list[Json]:
    """Make one entry per resource; the version of its last event, as full URLs are unique."""
    found: dict[str, StoredResource | None] = {}
    for one in told:
        for reference in filter(None, (one.focus, *one.context)):
            found.setdefault(reference, None)
        found.update({f"{r.type}/{r.id}": r for r in one.resources})
    return [_entry(base, reference, found[reference], full) for reference in found]


def _entry(base: str, reference: str, version: StoredResource | None, full: bool) -> Json:
    entry: Json = {"fullUrl": f"{base}/{reference}"}
    if full and version is not None and not version.deleted:
        entry["resource"] = orjson.Fragment(version.body)
    if version is not None and version.deleted:
        entry["request"] = {"method": "DELETE", "url": reference}
        entry["response"] = {"status": "204"}
        return entry
    created = version is not None and version.version == 1
    entry["request"] = {"method": "PUT", "url": reference}
    entry["response"] = {"status": "201" if created else "200"}
    return entry


def _status(head: Head, type_: str, told: Sequence[Told], content: str) -> Json:
    parameters: list[Json] = [
        {"name": "subscription", "valueReference": {"reference": head.url}},
    ]
    if head.topic and content != "empty":
        parameters.append({"name": "topic", "valueCanonical": head.topic})
    parameters += [
        {"name": "status", "valueCode": head.status},
        {"name": "type", "valueCode": type_},
        {"name": "events-since-subscription-start", "valueString": str(head.events)},
    ]
    parameters += [_event(head.base, one, content) for one in told]
    if head.error:
        parameters.append({"name": "error", "valueCodeableConcept": {"text": head.error}})
    return {
        "resourceType": "Parameters",
        "meta": {"profile": [STATUS_PROFILE]},
        "parameter": parameters,
    }


def _event(base: str, told: Told, content: str) -> Json:
    parts: list[Json] = [
        {"name": "event-number", "valueString": str(told.number)},
        {"name": "timestamp", "valueInstant": fhir_instant(told.at)},
    ]
    if content != "empty" and told.focus:
        parts.append({"name": "focus", "valueReference": {"reference": f"{base}/{told.focus}"}})
        parts += [
            {"name": "additional-context", "valueReference": {"reference": f"{base}/{one}"}}
            for one in told.context
        ]
    return {"name": "notification-event", "part": parts}
