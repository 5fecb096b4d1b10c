"""The entry of the journal about an event a subscriber is told of, or kept from (BALP)."""

from datetime import datetime
from urllib.parse import urlsplit
from uuid import uuid4

from gateway.core.access import UNKNOWN_PATIENT
from gateway.core.audit import Trace
from gateway.core.delivery_ports import SubscriptionRow
from gateway.core.ports import Transaction
from gateway.fhir.notifications import Told
from gateway.fhir.subscriptions import Terms
from gateway.pipeline import rights


def disclosed(
    tx: Transaction, row: SubscriptionRow, terms: Terms, told: Told, now: datetime
) -> Trace:
    """Return the entry of an attempt to tell a subscriber of somebody, or to keep it from them.

    Args:
        tx: a transaction that sees everything.
        row: the subscription.
        terms: what it asks for.
        told: the event as it leaves; without focus when the client may not be told any more.
        now: instant of the attempt.
    """
    ((_, focus, _),) = tx.subscriptions.events(row.id, told.number, told.number)
    type_, _, id_ = focus.partition("/_history/")[0].partition("/")
    stored = tx.resources.current([(type_, id_)]).get((type_, id_))
    patient = stored.patient if stored is not None and stored.patient != UNKNOWN_PATIENT else ""
    details = {
        "subscription": row.id,
        "number": told.number,
        "recipient": urlsplit(terms.endpoint).hostname or "",
        "target": focus,
        "why": terms.content if told.focus else rights.why_not(tx, row.client, focus, now),
    }
    kind, outcome = ("notification", "0") if told.focus else ("withheld", "4")
    return Trace(str(uuid4()), now, kind, outcome, row.client, patient, details)
