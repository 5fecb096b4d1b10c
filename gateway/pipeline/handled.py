"""What a person does with one delivery: send it again, or give it up, with a reason.

The state, what follows from it and the entry of the journal are one transaction. Notifications to
platforms are left alone: their numbers go on, and a platform asks `$events` for what it missed.
"""

from datetime import datetime

from gateway.core.audit import Trace
from gateway.core.deliveries import Delivery, DeliveryStatus
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue, Severity
from gateway.core.ports import Transaction
from gateway.pipeline import submissions
from gateway.pipeline.subscribed import HOOK

_D = DeliveryStatus
#: What a person may send again, and what they may give up.
RETRIED = frozenset({_D.REFUSED, _D.GIVEN_UP, _D.RETRY_WAIT})
GIVEN_UP = frozenset({_D.QUEUED, _D.RETRY_WAIT, _D.HELD})


def delivery_of(tx: Transaction, delivery_id: int) -> Delivery | None:
    """Return one row of the outbox, without its body."""
    found = tx.outbox.newest(list(DeliveryStatus), delivery_id + 1, 1)
    return found[0] if found and found[0].id == delivery_id else None


def acts_on(delivery: Delivery) -> frozenset[str]:
    """Return what a person may do with a row: `retry`, `give-up`."""
    if delivery.item.connector == HOOK:
        return frozenset()
    acts = {"retry": delivery.status in RETRIED, "give-up": delivery.status in GIVEN_UP}
    return frozenset(act for act, may in acts.items() if may)


def handle(
    tx: Transaction, delivery_id: int, act: str, now: datetime, trace: Trace
) -> DeliveryStatus:
    """Do what a person asks, and note it.

    Args:
        tx: the transaction.
        delivery_id: of the row.
        act: `retry` or `give-up`.
        now: instant.
        trace: entry of the journal, with who and why.

    Returns:
        The state the row has now.

    Raises:
        RejectedError: there is no such row, or its state does not allow it (RLS-WEB-041).
    """
    delivery = delivery_of(tx, delivery_id)
    if delivery is None or act not in acts_on(delivery):
        raise RejectedError([not_possible(delivery_id)])
    status = _D.QUEUED if act == "retry" else _D.GIVEN_UP
    word = "sent-again" if act == "retry" else "given-up"
    tx.outbox.settle(delivery_id, status, now, note=f"{word}-by-person")
    changed = delivery_of(tx, delivery_id)
    if changed is not None:
        submissions.settled(tx, changed, now)
    tx.audit.append([trace])
    return status


def not_possible(delivery_id: int) -> Issue:
    """Say that a delivery is not in a state for this."""
    return Issue(
        code="RLS-WEB-041",
        severity=Severity.ERROR,
        where=f"outbox row {delivery_id}",
        what="there is no such delivery, or its state does not allow this any more.",
        fix="Open its page again: it shows where it stands and what can be done.",
    )
