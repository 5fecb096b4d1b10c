"""Notifications of the rest-hook channel: made when they leave, with what follows from each.

An outbox row holds the number of an event only; address, headers and content are those of the
subscription at the moment of sending, so that a secret is kept once and a change counts at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import orjson

from gateway.core.contributions import Json
from gateway.core.deliveries import SETTLED, Delivery, DeliveryStatus
from gateway.core.delivery_ports import SubscriptionRow
from gateway.core.ports import StoredResource, Transaction
from gateway.fhir import nde, notifications
from gateway.fhir.bundle import fhir_instant, read_exact
from gateway.fhir.gaps import evidence_of, task_reference
from gateway.fhir.notifications import Head, Told
from gateway.fhir.subscription_channels import is_xml
from gateway.fhir.subscriptions import Terms
from gateway.fhir.xml import to_xml
from gateway.pipeline import rights, subscribed
from gateway.pipeline.disclosed import disclosed

#: The receiver said that nobody will ever listen there again (HTTP 410).
GONE = "RLS-SUB-036"
#: Versions of a resource read at once, the newest first.
_VERSIONS = 10


@dataclass(frozen=True, slots=True)
class Skip:
    """The row is not sent any more; the note says why."""

    note: str


@dataclass(frozen=True, slots=True)
class Wait:
    """The row is sent later: its subscription waits for the answer to its handshake, or its turn.

    Attributes:
        until: when it is its turn; None where nobody knows.
    """

    note: str = "waits for the handshake"
    until: datetime | None = None


def prepare(
    tx: Transaction, delivery: Delivery, now: datetime, base: str, per_second: int = 0
) -> Delivery | Skip | Wait:
    """Make what is sent.

    Args:
        tx: the transaction that claimed the row.
        delivery: the row.
        now: instant of the attempt.
        base: public address of the FHIR door, without trailing slash.
        per_second: events a second to one subscription at most, as the installation has it; 0:
            as many as there are.
    """
    details = delivery.item.details
    row = tx.subscriptions.get(details["subscription"])
    if row is None or row.status == "off":
        return Skip("subscription-off")
    terms = subscribed.terms_of(tx, row, now)
    if terms is None:
        return Skip("subscription-ended")
    if details["kind"] == "handshake":
        if row.status != "requested" or not _is_last(tx, row, delivery):
            return Skip("subscription-rewritten")
        head = subscribed.head_of(row, base)
        return _ready(delivery, terms, notifications.handshake(head, delivery.created_at), head)
    if row.status == "error":
        return Skip("subscription-in-error")
    if row.status == "requested":
        return Wait()
    if details["kind"] == "heartbeat":
        head = subscribed.head_of(row, base)
        return _ready(delivery, terms, notifications.heartbeat(head, delivery.created_at), head)
    number = int(details["number"])
    together, turn = _pace(tx, row, terms, number, per_second)
    if turn is not None and turn > now:
        return Wait("waits-for-turn", turn)
    if terms.channel == "nde":
        return _order(tx, row, terms, delivery, base, now)
    last = min(number + together - 1, max(row.events, number))
    told = read_events(tx, row, number, last, terms.content, now)
    if not told or told[0].number != number:
        return Skip("event-gone")
    tx.audit.append([disclosed(tx, row, terms, one, now) for one in told])
    head = subscribed.head_of(row, base, events=told[-1].number)
    body = notifications.event_notification(head, told, terms.content)
    return _ready(delivery, terms, body, head, last=told[-1].number)


def _pace(
    tx: Transaction, row: SubscriptionRow, terms: Terms, number: int, per_second: int
) -> tuple[int, datetime | None]:
    """Return how many events leave together, and when it is the turn of an event.

    What the receiver took last counts from the instant it said so, in whichever process. A turn
    lasts as long as all events that may leave together: never more in a second than is wanted.
    """
    limits = [one for one in (terms.per_second, per_second) if one]
    if not limits:
        return terms.max_count, None
    limit = min(limits)
    together = min(terms.max_count, limit)
    before = tx.outbox.by_key(subscribed.HOOK, f"{row.id}:{number - 1}")
    if before is None or before.status is not DeliveryStatus.CONFIRMED:
        return together, None
    return together, before.due_at + timedelta(seconds=together / limit)


def read_events(
    tx: Transaction, row: SubscriptionRow, low: int, high: int, content: str, now: datetime
) -> list[Told]:
    """Return numbered events with what belongs to them.

    Of an event that the client may not be told of any more only the number is left: an opposition
    or a client's territory may have changed since it was given.
    """
    return [
        _told(
            tx, number, focus, at, content, lambda one: rights.may_be_told(tx, row.client, one, now)
        )
        if rights.may_be_told(tx, row.client, focus, now)
        else Told(number, at, "")
        for number, focus, at in tx.subscriptions.events(row.id, low, high)
    ]


def settled(
    tx: Transaction,
    delivery: Delivery,
    status: DeliveryStatus,
    codes: Sequence[str],
    why: str,
    now: datetime,
) -> None:
    """Draw the consequences of a settled row for its subscription.

    Args:
        tx: the transaction that settles the row.
        delivery: the row.
        status: how it ended.
        codes: of the issues of the last attempt.
        why: in words, without patient data.
        now: instant of the end.
    """
    details = delivery.item.details
    row = tx.subscriptions.get(details["subscription"])
    if row is None or details["kind"] == "heartbeat":
        return
    if details["kind"] == "handshake":
        if row.status != "requested" or not _is_last(tx, row, delivery):
            return
        if status is DeliveryStatus.CONFIRMED:
            subscribed.activate(tx, row, details["after"], now)
        elif GONE in codes:
            subscribed.set_status(tx, row, "off", now)
        else:
            subscribed.set_status(tx, row, "error", now, f"The handshake failed: {why}")
    elif status is DeliveryStatus.CONFIRMED:
        _settle_others(tx, delivery, now)
    elif status in (DeliveryStatus.REFUSED, DeliveryStatus.GIVEN_UP) and row.status == "active":
        number = details["number"]
        if GONE in codes:
            subscribed.set_status(tx, row, "off", now)
        else:
            error = f"Event {number} could not be delivered: {why}"
            subscribed.set_status(tx, row, "error", now, error)


def _settle_others(tx: Transaction, delivery: Delivery, now: datetime) -> None:
    """Settle the rows of the further events a confirmed notification held (max-count)."""
    details = delivery.item.details
    first = int(details["number"])
    for number in range(first + 1, int(details.get("last", 0)) + 1):
        other = tx.outbox.by_key(subscribed.HOOK, f"{details['subscription']}:{number}")
        if other is not None and other.status not in SETTLED:
            note = f"sent-with-event {first}"
            tx.outbox.settle(other.id, DeliveryStatus.CONFIRMED, now, note=note)


def _ready(delivery: Delivery, terms: Terms, body: bytes, head: Head, last: int = 0) -> Delivery:
    """Return what the connector of the channel sends; `last` is the last event in it."""
    endpoint = terms.endpoint
    if terms.channel == "message":
        body = notifications.as_message(body, head, endpoint)
        endpoint = f"{endpoint.rstrip('/')}/$process-message"
    elif terms.channel == "nde":
        endpoint = f"{endpoint.rstrip('/')}/CommunicationRequest"
    if is_xml(terms.mime):
        body = to_xml(read_exact(body))
    details = {
        "endpoint": endpoint,
        "headers": [list(pair) for pair in terms.headers],
        "timeout_s": terms.timeout_s,
        "channel": terms.channel,
        "last": last,
    }
    item = replace(
        delivery.item,
        content_type=terms.mime,
        body=body,
        details={**delivery.item.details, **details},
    )
    return replace(delivery, item=item)


def _order(
    tx: Transaction,
    row: SubscriptionRow,
    terms: Terms,
    delivery: Delivery,
    base: str,
    now: datetime,
) -> Delivery | Skip:
    """Make the order of notification of the French volet (flux 4)."""
    number = int(delivery.item.details["number"])
    told = read_events(tx, row, number, number, "full-resource", now)
    if not told or not told[0].resources:
        return Skip("event-gone")
    tx.audit.append([disclosed(tx, row, terms, told[0], now)])
    focus: Json = orjson.loads(told[0].resources[0].body)
    head = subscribed.head_of(row, base, events=number)
    made = nde.notification_request(
        orjson.loads(row.body),
        head.url,
        number,
        focus,
        fhir_instant(told[0].at),
        _establishment(tx, focus),
    )
    return _ready(delivery, terms, orjson.dumps(made), head, last=number)


def _establishment(tx: Transaction, focus: Json) -> Json:
    """Return who told an event, as an Organization without id."""
    told = focus.get("serviceProvider") or focus.get("custodian") or {}
    type_, _, id_ = str(told.get("reference", "")).partition("/")
    stored = tx.resources.current([(type_, id_)]).get((type_, id_)) if id_ else None
    found: Json = orjson.loads(stored.body) if stored is not None and not stored.deleted else {}
    kept: Json = {name: found[name] for name in ("identifier", "name") if name in found}
    return {"resourceType": "Organization", **(kept or {"name": "Relais"})}


def _is_last(tx: Transaction, row: SubscriptionRow, delivery: Delivery) -> bool:
    """Tell whether a handshake is about the subscription as it was last written."""
    stored = subscribed.current(tx, row.id)
    return stored is not None and stored.version == delivery.item.details["version"]


def _told(
    tx: Transaction,
    number: int,
    focus: str,
    at: datetime,
    content: str,
    may: Callable[[str], bool],
) -> Told:
    """Read an event: the version it was about, its Task and its evidence as they stood then."""
    reference, _, version = focus.partition("/_history/")
    if content == "empty":
        return Told(number, at, reference)
    type_, id_ = reference.split("/")
    stored = tx.resources.version(type_, id_, int(version)) if version else None
    context = tuple(one for one in _context_of(stored) if may(one))
    resources: list[StoredResource] = []
    if content == "full-resource" and stored is not None:
        then = (_as_of(tx, one, stored.last_updated) for one in context)
        resources = [stored, *(one for one in then if one is not None)]
    return Told(number, at, reference, context, tuple(resources))


def _as_of(tx: Transaction, reference: str, at: datetime) -> StoredResource | None:
    """Return the last version up to an instant.

    Never a later one: a number that is sent again says what it said the first time.
    """
    type_, id_ = reference.split("/")
    before: int | None = None
    while found := tx.resources.history(type_, id_, _VERSIONS, before):
        for version in found:
            if version.last_updated <= at:
                return version
        before = found[-1].version
    return None


def _context_of(stored: StoredResource | None) -> tuple[str, ...]:
    """Return `Type/id` of what belongs to it.

    To a gap: the work, then what it is founded on; to an alert: the gaps it is about; to work:
    what it is about.
    """
    if stored is None or stored.deleted:
        return ()
    if stored.type == "Task":
        focus = str(orjson.loads(stored.body).get("focus", {}).get("reference", ""))
        return (focus,) if focus.count("/") == 1 else ()
    if stored.type == "Communication":
        told = (one.get("reference", "") for one in orjson.loads(stored.body).get("about", ()))
        # What a client wrote may be about something elsewhere, or be named by its identifier.
        return tuple(text for text in told if text.count("/") == 1)
    if stored.type != "DetectedIssue":
        return ()
    issue = orjson.loads(stored.body)
    task = task_reference(issue)
    return (*((task,) if task else ()), *evidence_of(issue))
