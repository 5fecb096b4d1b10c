"""An alert leaves: its Communication is written, and who follows deliveries is told.

Sends no mail to anybody: subscribers fetch it, or read it with their notification.
"""

from datetime import datetime

from gateway.core.contributions import Json, Target
from gateway.core.ports import Transaction
from gateway.fhir import topics
from gateway.fhir.gap_alerts import Alert, communication
from gateway.fhir.identity import FINESS_SYSTEM
from gateway.fhir.subscription_filters import Traits
from gateway.pipeline import written
from gateway.pipeline.numbering import Event

EVENT_STATUSES = "http://hl7.org/fhir/event-status"


def leave(
    tx: Transaction,
    alert: Alert,
    finess: str,
    identifiers: tuple[tuple[str, str], ...],
    now: datetime,
) -> Event:
    """Write the Communication of an alert; return what subscribers are told.

    Args:
        tx: the transaction that notes that it left.
        alert: what is told to whom.
        finess: of the establishment of whoever is told; empty when unknown.
        identifiers: (system, value) pairs of its Patient, for filters; never shown.
        now: instant of leaving.

    Raises:
        RejectedError: it breaks its FHIR shape.
    """
    made = communication(alert, now)
    stored = written.write(tx, Target("Communication", alert.id), made, None, now)
    focus = f"Communication/{stored.id}/_history/{stored.version}"
    traits = _traits(made, alert, finess, identifiers)
    return Event(topics.DELIVERY_CHANGED, alert.key, focus, now, traits)


def _traits(
    made: Json, alert: Alert, finess: str, identifiers: tuple[tuple[str, str], ...]
) -> Traits:
    patients = {alert.patient} - {""}
    return Traits(
        tokens={"status": frozenset({(EVENT_STATUSES, str(made["status"]))})},
        references={
            "patient": frozenset(patients),
            "recipient": frozenset({alert.organization} - {""}),
        },
        identifiers={
            "patient": frozenset(identifiers),
            "recipient": frozenset({(FINESS_SYSTEM, finess)} if finess else ()),
        },
    )
