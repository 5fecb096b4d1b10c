"""Why a line is in the ledger: what was different between two looks at one expectation."""

from dataclasses import dataclass
from datetime import datetime

from gateway.core.facts import ExpectationRow, Status
from gateway.pathway.evaluator import Case

_ANSWERED = frozenset({Status.MET, Status.MET_LATE})
_ENDED = frozenset({Status.CANCELLED, Status.MOOT})


@dataclass(frozen=True, slots=True)
class Look:
    """One instant at which an expectation is looked at.

    Attributes:
        timers: whether those of this instant have fired.
        patients: Patients that were one person then; None when that never changes.
    """

    at: datetime
    timers: bool
    patients: tuple[str, ...] | None = None


def cause_of(old: ExpectationRow | None, new: ExpectationRow, case: Case | None, look: Look) -> str:
    """Return the cause of a change of status."""
    if old is None:
        return "trigger"
    alone = [old.patient.id]
    if look.patients is not None and old.details.get("patients", alone) != list(look.patients):
        return "identity"
    if old.rule_version != new.rule_version:
        return "rule-change"
    if case is None:
        return "trigger-retracted"
    if old.status is Status.VOID:
        return "trigger"
    return _among_facts(old, new, case)


def _among_facts(old: ExpectationRow, new: ExpectationRow, case: Case) -> str:
    """Return the cause when trigger, rule and identity are as they were."""
    if new.status in _ANSWERED and new.closer:
        same = old.closer == new.closer and old.deadline != new.deadline
        return "deadline-moved" if same else "closer"
    if new.status in _ENDED:
        same = old.details.get("canceller") == new.details.get("canceller")
        return "deadline-moved" if same and old.deadline != new.deadline else "canceller"
    if old.status in _ANSWERED and old.closer:
        return "closer-retracted"
    if old.status in _ENDED:
        return "canceller"
    if new.status is Status.PAUSED:
        return "pause"
    if old.status is Status.PAUSED:
        return "resume"
    if old.deadline != new.deadline:
        return "deadline-moved"
    if old.status is Status.UNCONFIRMED and case.by_feed:
        return "feed"
    return "closer" if case.rule.written.kind == "forbid" and new.closer else "timer"
