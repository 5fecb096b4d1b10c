"""The entry of the journal about a mail that left with a document (BALP privacy disclosure)."""

from datetime import datetime
from uuid import uuid4

from gateway.core.access import UNKNOWN_PATIENT
from gateway.core.audit import Trace
from gateway.core.deliveries import Delivery
from gateway.core.ports import Transaction

#: Who hands mails over; a mail has no client.
_AGENT = "relais"


def mailed(tx: Transaction, delivery: Delivery, now: datetime) -> Trace:
    """Return the entry of a mail; of its mailbox the domain is kept: the rest may name a person.

    Args:
        tx: the transaction that settles the row.
        delivery: with its new state.
        now: instant of that write.
    """
    item = delivery.item
    type_, _, id_ = item.about.partition("/")
    stored = tx.resources.current([(type_, id_)]).get((type_, id_))
    patient = stored.patient if stored is not None and stored.patient != UNKNOWN_PATIENT else ""
    details = {
        "target": item.about,
        "recipient": str(item.details.get("to", "")).rpartition("@")[2],
        "why": delivery.status.value,
        "number": delivery.id,
    }
    return Trace(str(uuid4()), now, "mail", "0", _AGENT, patient, details)
