"""Builders of expectations, changes and subscriptions for tests of what is told."""

from dataclasses import replace
from datetime import datetime, timedelta

import orjson

from gateway.core.contributions import Json, Target
from gateway.core.delivery_ports import SubscriptionRow
from gateway.core.egress import EgressPolicy
from gateway.core.facts import ExpectationRow, LedgerLine, Status
from gateway.fhir.identity import Ids
from gateway.fhir.subscriptions import BACKPORT, CONTENT, FILTER
from gateway.fhir.topics import GAP
from gateway.pipeline.publish import GapChange
from tests.support.pipeline import START

IDS = Ids()
BASE = "https://relais.example/fhir"
PATIENT = "8f1c0a52-0000-5000-8000-000000000001"
#: The demonstration's own machine may be called.
LOOPBACK = EgressPolicy(allow_loopback=True)
SENTENCES = ("Pas d’admission en SMR deux jours après la sortie.", "Règle TRX-08, version 2.")


def row(status: Status = Status.OVERDUE, **changes: object) -> ExpectationRow:
    """Return an expectation of an admission to rehabilitation after a discharge."""
    base = ExpectationRow(
        gap_id="g1",
        x="x1",
        person_id="person-1",
        patient=Target("Patient", PATIENT),
        rule="TRX-08",
        rule_version=2,
        severity="critical",
        status=status,
        trigger="ENC.DISCHARGE|ipp|V1",
        anchor=START,
        deadline=START + timedelta(days=2),
        theta=None,
        episode=1,
        opened_at=START + timedelta(days=2, hours=1),
        details={"estab": "380000000"},
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def line(
    before: Status | None, after: Status, at: datetime = START, episode: int = 1
) -> LedgerLine:
    """Return a transition."""
    return LedgerLine(at, "g1", episode, "TRX-08", 2, before, after, "timer")


def change(
    after: ExpectationRow, *lines: LedgerLine, before: ExpectationRow | None = None, **more: object
) -> GapChange:
    """Return what a look found."""
    return GapChange(before, after, lines, SENTENCES, **more)  # type: ignore[arg-type]


def opened(**changes: object) -> GapChange:
    """Return the opening of a gap."""
    after = row(**changes)  # type: ignore[arg-type]
    at = START + timedelta(days=2, hours=1)
    lines = (
        replace(line(None, Status.PENDING), gap_id=after.gap_id),
        replace(line(Status.PENDING, Status.OVERDUE, at), gap_id=after.gap_id),
    )
    return change(after, *lines)


def closed(status: Status = Status.MET_LATE, **changes: object) -> GapChange:
    """Return the end of that gap."""
    at = START + timedelta(days=3)
    before = row(**changes)  # type: ignore[arg-type]
    after = replace(before, status=status, closed_at=at, closer="ENC.ADMIT|ipp|V2")
    ended = replace(line(Status.OVERDUE, status, at), gap_id=after.gap_id)
    return change(after, ended, before=before)


def subscription(
    endpoint: str = "http://localhost:9/notify",
    *filters: str,
    content: str = "id-only",
    **channel: object,
) -> Json:
    """Return a Subscription as a client writes it."""
    made: Json = {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "Coordination of handoffs",
        "criteria": GAP.url,
        "channel": {
            "type": "rest-hook",
            "endpoint": endpoint,
            "payload": "application/fhir+json",
            "_payload": {"extension": [{"url": CONTENT, "valueCode": content}]},
            **channel,
        },
    }
    if filters:
        extensions = [{"url": FILTER, "valueString": text} for text in filters]
        made["_criteria"] = {"extension": extensions}
    return made


def extension(name: str, **value: object) -> Json:
    """Return an extension of the guide."""
    return {"url": f"{BACKPORT}/StructureDefinition/{name}", **value}


def subscribed_row(id_: str, resource: Json, status: str = "active") -> SubscriptionRow:
    """Return the running side of a Subscription."""
    kept = {name: value for name, value in resource.items() if name != "status"}
    return SubscriptionRow(id_, "local", resource["criteria"], status, orjson.dumps(kept))


def parameters(bundle: Json) -> dict[str, object]:
    """Return the plain parameters of a notification, by name."""
    found = bundle["entry"][0]["resource"]["parameter"]
    return {
        one["name"]: next((v for k, v in one.items() if k.startswith("value")), None)
        for one in found
        if "part" not in one
    }
