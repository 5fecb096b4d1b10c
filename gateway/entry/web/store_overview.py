"""What the first page is about: whom to call first, and how old what is open is."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from gateway.core.facts import ExpectationRow, Status
from gateway.core.ports import Transaction
from gateway.core.timestamps import PARIS
from gateway.entry.web.data import AgeRow

#: Rows that are looked at.
_LOOKED = 1000
_SOON = timedelta(hours=4)
_AGES = (1, 3, 7)
#: Cases of the first page.
_CASES = 5


def ahead_of(tx: Transaction, now: datetime) -> list[ExpectationRow]:
    """Return what is due before midnight in Paris."""
    local = now.astimezone(PARIS)
    end = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    rows = tx.watch.gaps([Status.PENDING], _LOOKED, opened_only=False)
    return [row for row in rows if row.deadline is not None and now <= row.deadline < end]


def first_cases(
    open_rows: Sequence[ExpectationRow], ahead: Sequence[ExpectationRow], now: datetime
) -> list[ExpectationRow]:
    """Choose what to look at first: critical ones, those about to be, then the oldest others."""
    soon = [row for row in ahead if _is_soon(row, now)][:2]
    critical = [row for row in open_rows if row.severity == "critical"][: _CASES - len(soon)]
    rest = [row for row in open_rows if row.severity != "critical"]
    return [*critical, *soon, *rest][:_CASES]


def _is_soon(row: ExpectationRow, now: datetime) -> bool:
    return row.severity == "critical" and row.deadline is not None and row.deadline - now <= _SOON


def persons_to_call(
    open_rows: Sequence[ExpectationRow], ahead: Sequence[ExpectationRow], now: datetime
) -> int:
    """Count persons, not gaps: one call serves both."""
    urgent = [row for row in open_rows if row.severity == "critical"]
    return len({row.person_id for row in [*urgent, *(r for r in ahead if _is_soon(r, now))]})


def ages(rows: Sequence[ExpectationRow], now: datetime) -> tuple[AgeRow, ...]:
    """Count by severity what is open for up to one, three, seven days, and longer."""
    counts = {severity: [0, 0, 0, 0] for severity in ("critical", "major", "minor")}
    for row in rows:
        days = (now - (row.deadline or now)) / timedelta(days=1)
        place = sum(days > limit for limit in _AGES)
        counts.setdefault(row.severity, [0, 0, 0, 0])[place] += 1
    return tuple(AgeRow(name, (a, b, c, d)) for name, (a, b, c, d) in counts.items())
