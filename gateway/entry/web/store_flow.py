"""How many inputs came in each hour, found without counting them."""

from datetime import datetime, timedelta
from itertools import pairwise

from gateway.core.ports import Transaction


def flow(tx: Transaction, now: datetime) -> tuple[int, ...]:
    """Count inputs of each of the last 24 hours.

    Numbers rise with time, so the first number of an hour is found by halving, not by counting.
    """
    end = tx.inbox.last_id() + 1
    marks = []
    low = 0
    for hour in range(24, 0, -1):
        low = _number_at(tx, now - timedelta(hours=hour), low, end)
        marks.append(low)
    marks.append(end)
    return tuple(max(0, after - before) for before, after in pairwise(marks))


def _number_at(tx: Transaction, instant: datetime, low: int, high: int) -> int:
    """Return the lowest number between two that was received at an instant or later."""
    low = max(low, 1)
    while low < high:
        middle = (low + high) // 2
        found = tx.inbox.page(None, middle - 1, 1)
        if not found or found[0].received_at >= instant:
            high = middle
        else:
            low = found[0].id + 1
    return low
