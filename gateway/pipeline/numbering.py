"""Numbers events for subscriptions and queues what is sent; the lowest part of telling.

Runs in the transaction of the change that is told. Decides neither what an event is
(`pipeline.publish`, `pipeline.topical`) nor how it is sent (`pipeline.hooks`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.core.deliveries import NewDelivery
from gateway.core.delivery_ports import SubscriptionRow
from gateway.core.ports import Transaction
from gateway.fhir.subscription_filters import Traits, meets
from gateway.fhir.subscriptions import Terms
from gateway.fhir.topics import Topic
from gateway.pipeline import rights

#: Name of the connector of the rest-hook channel.
HOOK = "fhir_hook"
#: States in which events are numbered and kept.
COUNTING = ("requested", "active", "error")


@dataclass(frozen=True, slots=True)
class Event:
    """A written version of a resource that subscribers are told of.

    Attributes:
        key: what happened; the same key never gets a second number of a subscription.
        focus: `Type/id/_history/version`.
        by: the client whose write it is; empty when it came from no client.
    """

    topic: Topic
    key: str
    focus: str
    at: datetime
    traits: Traits
    by: str = ""


def number(
    tx: Transaction,
    row: SubscriptionRow,
    terms: Terms,
    events: Sequence[Event],
    now: datetime,
) -> list[NewDelivery]:
    """Number the events a subscription wants; return what is sent of them.

    Before the handshake is answered and in error, events are numbered and kept only: activation
    queues the former, the client asks for the latter with `$events`.
    """
    items: list[NewDelivery] = []
    for event in events:
        is_own = terms.mutes_own and event.by == row.client
        is_early = terms.start is not None and event.at < terms.start
        if is_own or is_early or not meets(terms.filters, event.traits):
            continue
        if not rights.may_be_told(tx, row.client, event.focus, now):
            continue
        given = tx.subscriptions.add_event(row.id, event.key, event.focus, event.at)
        if given is not None and row.status == "active" and terms.is_pushed:
            about = event.focus.partition("/_history/")[0]
            items.append(notification(row.id, given, about, now))
    return items


def notification(subscription_id: str, number: int, about: str, now: datetime) -> NewDelivery:
    """Return the outbox row of a numbered event; its body is made when it leaves."""
    return NewDelivery(
        connector=HOOK,
        key=f"{subscription_id}:{number}",
        due_at=now,
        lane=subscription_id,
        details={"kind": "event", "subscription": subscription_id, "number": number},
        about=about,
    )
