"""What becomes due for subscriptions by time alone: heartbeats, ends, errors nobody mended.

Looked through by the deliverer; sends nothing.
"""

from datetime import datetime, timedelta

from gateway.core.deliveries import NewDelivery
from gateway.core.delivery_ports import SubscriptionRow
from gateway.core.ports import Transaction
from gateway.pipeline import subscribed

#: Said of a subscription that was in error for too long.
GIVEN_UP = "It was in error for {days:g} days and nobody asked for it; write it again."


def look(tx: Transaction, now: datetime, off_after: timedelta, kept_events: int) -> None:
    """Queue heartbeats, turn off what ended or was given up, forget the oldest events.

    Args:
        tx: a transaction that writes.
        now: instant of the look.
        off_after: a subscription so long in error is turned off.
        kept_events: of each subscription.
    """
    items: list[NewDelivery] = []
    for row in tx.subscriptions.all():
        if row.status == "off":
            continue
        terms = subscribed.terms_of(tx, row, now)
        if row.status == "error":
            _give_up(tx, row, now, off_after)
        elif terms is not None and row.status == "active" and terms.is_pushed:
            period = terms.heartbeat_s
            items += [_heartbeat(row.id, int(now.timestamp()) // period, now)] if period else []
    if items:
        tx.outbox.queue(items, now)
    tx.subscriptions.prune(kept_events)


def _give_up(tx: Transaction, row: SubscriptionRow, now: datetime, off_after: timedelta) -> None:
    """Turn off what is in error since long; the instant is that of its last version."""
    stored = subscribed.current(tx, row.id)
    if stored is not None and now - stored.last_updated >= off_after:
        told = GIVEN_UP.format(days=off_after / timedelta(days=1))
        subscribed.set_status(tx, row, "off", now, told)


def _heartbeat(subscription_id: str, slot: int, now: datetime) -> NewDelivery:
    return NewDelivery(
        connector=subscribed.HOOK,
        key=f"{subscription_id}:heartbeat:{slot}",
        due_at=now,
        lane=f"{subscription_id}:heartbeat",
        details={"kind": "heartbeat", "subscription": subscription_id},
        about=f"Subscription/{subscription_id}",
    )
