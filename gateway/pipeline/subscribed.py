"""The life of a subscription: requested, active, error, off (FHIR R4 Subscription.status).

Every change of state is a new version of the resource, with the values of its headers hidden.
Only a client brings a subscription back from error: doing it for the client would hide from it
that events were missed (Subscriptions R5 Backport 1.1.0, errors).
"""

from dataclasses import replace
from datetime import datetime, timedelta

from gateway.core.contributions import Target
from gateway.core.deliveries import NewDelivery
from gateway.core.delivery_ports import SubscriptionRow
from gateway.core.errors import RejectedError
from gateway.core.ports import StoredResource, Transaction
from gateway.fhir import subscriptions
from gateway.fhir.notifications import Head
from gateway.fhir.subscriptions import Terms
from gateway.pipeline import written
from gateway.pipeline.numbering import COUNTING, HOOK, notification

__all__ = ["COUNTING", "HOOK"]

BROKEN = "What is kept of this subscription cannot be honoured any more; write it again."


def current(tx: Transaction, subscription_id: str) -> StoredResource | None:
    """Return the current version of a Subscription, a deletion included."""
    key = ("Subscription", subscription_id)
    return tx.resources.current([key]).get(key)


def keep(
    tx: Transaction, row: SubscriptionRow, now: datetime, *, after: timedelta = timedelta(0)
) -> StoredResource:
    """Write a subscription and its resource; ask the endpoint when it is requested.

    Args:
        tx: an open transaction.
        row: as it is to be; `events` counts on from what is stored.
        now: instant of the write.
        after: how long the question to the endpoint waits.

    Returns:
        The version that was written.
    """
    target = Target("Subscription", row.id)
    tx.contributions.lock([target])
    tx.subscriptions.put(row)
    stored = written.write(tx, target, subscriptions.shown(row), current(tx, row.id), now)
    if row.status == "requested" and subscriptions.terms_of(row.body).is_pushed:
        known = tx.subscriptions.get(row.id)
        last = row.events if known is None else known.events
        tx.outbox.queue([_handshake(row.id, stored.version, last, now + after)], now)
    return stored


def set_status(
    tx: Transaction, row: SubscriptionRow, status: str, now: datetime, error: str = ""
) -> SubscriptionRow:
    """Move a subscription to another state, and say why when it is error."""
    changed = replace(row, status=status, error=error)
    tx.subscriptions.put(changed)
    before = current(tx, row.id)
    if before is None or not before.deleted:
        try:
            shown = subscriptions.shown(changed)
        except ValueError:
            # What is kept is no JSON: its last version stays what clients read.
            return changed
        written.write(tx, Target("Subscription", row.id), shown, before, now)
    return changed


def end(tx: Transaction, row: SubscriptionRow, now: datetime) -> None:
    """Delete a subscription; what is queued for it is skipped."""
    before = current(tx, row.id)
    tx.subscriptions.put(replace(row, status="off"))
    if before is not None and not before.deleted:
        written.delete(tx, before, now)


def terms_of(tx: Transaction, row: SubscriptionRow, now: datetime) -> Terms | None:
    """Return what a subscription asks for; None when it ended or is broken.

    One broken subscription stops nobody else: it shows error.
    """
    try:
        terms = subscriptions.terms_of(row.body)
    except RejectedError:
        if row.status in ("requested", "active"):
            set_status(tx, row, "error", now, BROKEN)
        return None
    if terms.end is not None and terms.end <= now:
        if row.status != "off":
            set_status(tx, row, "off", now)
        return None
    return terms


def head_of(row: SubscriptionRow, base: str, *, events: int | None = None) -> Head:
    """Return what a Bundle says of its subscription.

    Args:
        row: the subscription.
        base: public address of the FHIR door.
        events: number of the last event that counts; that of the subscription by default.
    """
    counted = row.events if events is None else events
    return Head(base, row.id, row.topic, row.status, counted, row.error)


def activate(tx: Transaction, row: SubscriptionRow, after: int, now: datetime) -> None:
    """Start to send, with the events numbered above `after`: those of the time of the handshake."""
    set_status(tx, row, "active", now)
    missed = tx.subscriptions.events(row.id, after + 1, row.events) if row.events > after else ()
    items = [
        notification(row.id, number, focus.partition("/_history/")[0], now)
        for number, focus, _ in missed
    ]
    if items:
        tx.outbox.queue(items, now)


def _handshake(subscription_id: str, version: int, last: int, due: datetime) -> NewDelivery:
    return NewDelivery(
        connector=HOOK,
        key=f"{subscription_id}:handshake:{version}",
        due_at=due,
        # A lane of its own: events that wait in the lane of the subscription must not hold it up.
        lane=f"{subscription_id}:handshake",
        details={
            "kind": "handshake",
            "subscription": subscription_id,
            "version": version,
            "after": last,
        },
        about=f"Subscription/{subscription_id}",
    )
