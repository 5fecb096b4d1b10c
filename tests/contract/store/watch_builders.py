"""Short ways to say facts, expectations and deliveries. All people and places are invented."""

from datetime import timedelta
from typing import Any

from gateway.core.contributions import Target
from gateway.core.deliveries import NewDelivery
from gateway.core.facts import Assertion, ExpectationRow, LedgerLine, Op, Span, Status
from gateway.core.ports import Store
from tests.contract.store.builders import NOON, at

ANNA, BRUNO = "0b1c-anna", "77aa-bruno"


def asserts(aid: str, patient: str | None = ANNA, seconds: float = 0, **changes: Any) -> Assertion:
    """Return an assertion of a discharge so many seconds after noon."""
    values: dict[str, Any] = {
        "aid": aid,
        "event": "ENC.DISCHARGE",
        "key": f"990000001|{aid}",
        "op": Op.ASSERT,
        "revision": f"2026-11-21|{aid}",
        "when": Span(at(seconds), at(seconds)),
        "sent_at": at(seconds),
        "patient": None if patient is None else Target("Patient", patient),
        "source": "990000001:ADT",
    }
    return Assertion(**{**values, **changes})


def expects(gap_id: str, status: Status = Status.PENDING, **changes: Any) -> ExpectationRow:
    """Return an expectation of a letter, due an hour after noon."""
    opened = status in (Status.OVERDUE, Status.MET_LATE)
    values: dict[str, Any] = {
        "gap_id": gap_id,
        "x": f"x-{gap_id}",
        "person_id": ANNA,
        "patient": Target("Patient", ANNA),
        "rule": "TRX-01",
        "rule_version": 3,
        "severity": "major",
        "status": status,
        "trigger": f"990000001|{gap_id}",
        "anchor": NOON,
        "deadline": at(3600),
        "theta": at(3600) + timedelta(hours=6),
        "opened_at": at(7200) if opened else None,
    }
    return ExpectationRow(**{**values, **changes})


def turns(
    gap_id: str,
    to: Status,
    before: Status | None = None,
    seconds: float = 0,
    **changes: Any,
) -> LedgerLine:
    """Return the ledger line of a transition so many seconds after noon."""
    values: dict[str, Any] = {
        "instant": at(seconds),
        "gap_id": gap_id,
        "episode": 1,
        "rule": "TRX-01",
        "rule_version": 3,
        "from_status": before,
        "to_status": to,
        "cause": "trigger" if before is None else "timer",
    }
    return LedgerLine(**{**values, **changes})


def item(key: str, lane: str = "", seconds: float = 0, **changes: Any) -> NewDelivery:
    """Return something to send no earlier than so many seconds after noon."""
    values: dict[str, Any] = {"connector": "fhir_hook", "key": key, "due_at": at(seconds)}
    return NewDelivery(**{**values, "lane": lane, **changes})


async def save(
    store: Store,
    rows: list[ExpectationRow],
    lines: list[LedgerLine],
    until: float = 0,
    next_due: float | None = None,
    person: str = ANNA,
) -> None:
    """Save a look at a person; instants in seconds after noon."""
    due = None if next_due is None else at(next_due)
    await store.write(lambda tx: tx.watch.save(person, rows, lines, at(until), due))


async def ledger(store: Store) -> list[LedgerLine]:
    """Return every line of the ledger."""
    return [line for _, line in await store.read(lambda tx: tx.watch.ledger(0, 1000))]
