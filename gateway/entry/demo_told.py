"""What a demo did, counted from its store: messages, resources, gaps, notifications, mails."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from gateway.core.deliveries import DeliveryStatus
from gateway.core.facts import Status
from gateway.core.ports import Store, Transaction
from gateway.entry.demo import Played
from gateway.sharing.routing import CONNECTOR
from gateway.sharing.routing_dmp import CONNECTOR as RECORD

_PAGE = 5000


async def summary(store: Store, played: Played, notified: int, seconds: float) -> dict[str, Any]:
    """Return the whole summary, ready for JSON.

    Args:
        store: of the gateway.
        played: what was sent and answered.
        notified: distinct events that the subscriber took.
        seconds: how long it lasted.
    """
    counts = await store.read(lambda tx: tx.resources.counts())
    outbox = await store.read(lambda tx: tx.outbox.counts())
    return {
        "messages": {kind: dict(found) for kind, found in sorted(played.answers.items())},
        "resources": dict(sorted(counts.items())),
        "gaps": await store.read(gaps),
        "notifications": notified,
        "deliveries": mails(outbox),
        "record": fed(outbox),
        "seconds": round(seconds, 2),
    }


def gaps(tx: Transaction) -> dict[str, Any]:
    """Count the gaps of the ledger: openings, closings, those that are open, by rule."""
    opened: Counter[str] = Counter()
    closed: Counter[str] = Counter()
    last = 0
    while lines := tx.watch.ledger(last, _PAGE):
        for _, line in lines:
            opened[line.rule] += line.to_status is Status.OVERDUE
            closed[line.rule] += line.from_status is Status.OVERDUE
        last = lines[-1][0]
    rules = {
        rule: {"opened": n, "closed": closed[rule], "open": n - closed[rule]}
        for rule, n in sorted(opened.items())
        if n
    }
    total = {name: sum(one[name] for one in rules.values()) for name in ("opened", "closed")}
    return {**total, "open": total["opened"] - total["closed"], "by_rule": rules}


def mails(outbox: Mapping[tuple[str, DeliveryStatus], int]) -> dict[str, int]:
    """Count mails: handed over, arrived, refused for good, and those that wait for an identity."""
    count = Counter({status: n for (name, status), n in outbox.items() if name == CONNECTOR})
    confirmed = count[DeliveryStatus.CONFIRMED]
    return {
        "sent": confirmed + count[DeliveryStatus.SENT],
        "confirmed": confirmed,
        "refused": count[DeliveryStatus.REFUSED] + count[DeliveryStatus.GIVEN_UP],
        "held": count[DeliveryStatus.HELD],
    }


def fed(outbox: Mapping[tuple[str, DeliveryStatus], int]) -> dict[str, int]:
    """Count letters for the shared record: fed, with no place there, refused, waiting."""
    count = Counter({status: n for (name, status), n in outbox.items() if name == RECORD})
    return {
        "fed": count[DeliveryStatus.CONFIRMED],
        "skipped": count[DeliveryStatus.SKIPPED],
        "refused": count[DeliveryStatus.REFUSED] + count[DeliveryStatus.GIVEN_UP],
        "held": count[DeliveryStatus.HELD],
    }
