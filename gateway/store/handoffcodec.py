"""How counted handoffs look inside the store; shared by the three stores. Knows no database."""

from bisect import bisect_left
from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from gateway.core.facts import ExpectationRow, Status, feed_of
from gateway.core.handoffs import COUNTED, DELAYS_H, Cell, Chosen, HandoffGap, Outcomes
from gateway.core.timestamps import PARIS
from gateway.store.codec import instant_text, key_text, read_instant
from gateway.store.watchcodec import (
    ExpectationColumns,
    maybe_instant,
    read_expectation,
    read_maybe,
    severity_of,
    weight_of,
)

#: Columns of `handoff_week`: its key, then its numbers in the order of `Numbers`.
KEY = ("week", "rule", "estab", "sector", "destination")
STATES = ("on_time", "told_late", "late", "still_open", "moot")
NUMBERS = (*STATES, *(f"d{place:02}" for place in range(len(DELAYS_H) + 1)))
Key = tuple[str, str, str, str, str]
Numbers = tuple[int, ...]
_PLACE = {
    Status.MET: "on_time",
    Status.MET_LATE: "late",
    Status.OVERDUE: "still_open",
    Status.MOOT: "moot",
}
_NONE = (0,) * len(NUMBERS)
_HOUR = timedelta(hours=1)
_Key = TypeVar("_Key", bound=Hashable)
#: What names of parameters that divide instants begin with.
EDGE = "edge"


class GapColumns(NamedTuple):
    """A row of `handoff_gap` without `judged`, in the order of the table."""

    gap_id: str
    week: str
    slot: int
    anchor: str
    deadline: str
    weight: int
    rule: str
    estab: str
    sector: str
    destination: str
    status: str
    opened: int


class Counting(NamedTuple):
    """What changed expectations change in the counts.

    Attributes:
        weeks: key and differences of each row of `handoff_week` that changes, sorted.
        put: rows of `handoff_gap` that are new or differ.
        drop: ids of those that are no more.
    """

    weeks: list[tuple[Any, ...]]
    put: list[GapColumns]
    drop: list[str]


def counting(
    before: Mapping[str, ExpectationColumns],
    changed: Iterable[ExpectationColumns],
    rows: Mapping[str, ExpectationRow],
) -> Counting:
    """Return what a save changes in the counts.

    Args:
        before: stored expectations by gap id.
        changed: columns of those that are new or differ.
        rows: the same as values, by gap id.
    """
    totals: dict[Key, Numbers] = {}
    put, drop = list[GapColumns](), list[str]()
    for columns in changed:
        old = before.get(columns.gap_id)
        if columns.status not in COUNTED and (old is None or old.status not in COUNTED):
            # What only waits costs nothing here.
            continue
        row = rows[columns.gap_id]
        was = read_expectation(old) if old is not None and old.status in COUNTED else None
        for one, sign in ((was, -1), (row, 1)):
            if one is not None and is_counted(one):
                _add(totals, one, sign)
        now = gap_columns(row) if is_kept(row) else None
        if now is not None and (was is None or not is_kept(was) or gap_columns(was) != now):
            put.append(now)
        elif now is None and was is not None and is_kept(was):
            drop.append(row.gap_id)
    weeks = [(*key, *numbers) for key, numbers in sorted(totals.items()) if any(numbers)]
    return Counting(weeks, put, drop)


def is_counted(row: ExpectationRow) -> bool:
    """Tell whether an expectation is in the numbers."""
    return row.status in COUNTED and not feed_of(row.patient.id)


def is_kept(row: ExpectationRow) -> bool:
    """Tell whether an expectation stands behind the numbers as a row of its own."""
    return is_counted(row) and (row.status is not Status.MET or row.opened_at is not None)


def _add(totals: dict[Key, Numbers], row: ExpectationRow, sign: int) -> None:
    key = _key(row)
    found = totals.get(key, _NONE)
    totals[key] = tuple(a + sign * b for a, b in zip(found, _numbers(row), strict=True))


def _key(row: ExpectationRow) -> Key:
    return (week_of(row.anchor).isoformat(), *cell_of(row))


def cell_of(row: ExpectationRow) -> Cell:
    """Return where an expectation is counted."""
    told = (str(row.details.get(name) or "") for name in ("estab", "sector", "destination"))
    return Cell(row.rule, *map(key_text, told))


def week_of(instant: datetime) -> date:
    """Return the Monday of the week of an instant, Paris."""
    day = instant.astimezone(PARIS).date()
    return day - timedelta(days=day.weekday())


def _numbers(row: ExpectationRow) -> Numbers:
    numbers = dict.fromkeys(NUMBERS, 0)
    numbers[_PLACE[row.status]] = 1
    numbers["told_late"] = int(row.status is Status.MET and row.opened_at is not None)
    happened = row.details.get("happened_at")
    if happened and row.status in (Status.MET, Status.MET_LATE):
        took = (read_instant(str(happened)) - row.anchor) / _HOUR
        numbers[f"d{bisect_left(DELAYS_H, took):02}"] = 1
    return tuple(numbers.values())


def gap_columns(row: ExpectationRow) -> GapColumns:
    """Return the row of a gap behind the counts."""
    local = row.anchor.astimezone(PARIS)
    return GapColumns(
        row.gap_id,
        week_of(row.anchor).isoformat(),
        local.weekday() * 24 + local.hour,
        instant_text(row.anchor),
        maybe_instant(row.deadline),
        weight_of(row.severity),
        *cell_of(row),
        row.status.value,
        int(row.opened_at is not None),
    )


def read_gap(columns: Sequence[Any]) -> HandoffGap:
    """Make a gap of its columns, `judged` the last."""
    c = GapColumns(*columns[:-1])
    return HandoffGap(
        c.gap_id,
        date.fromisoformat(c.week),
        c.slot,
        read_instant(c.anchor),
        read_maybe(c.deadline),
        severity_of(c.weight),
        Cell(c.rule, c.estab, c.sector, c.destination),
        Status(c.status),
        columns[-1],
    )


def read_outcomes(numbers: Sequence[Any]) -> Outcomes:
    """Make outcomes of the numbers of a row."""
    on_time, told_late, late, still_open, moot, *delays = map(int, numbers)
    return Outcomes(on_time, told_late, late, still_open, moot, tuple(delays))


def edge_name(place: int) -> str:
    """Return the name of the parameter of an edge."""
    return f"{EDGE}{place:02}"


def wait_edges(now: datetime) -> list[datetime]:
    """Return where the classes of waits end, the latest first; a wait is never below 0."""
    return [now - timedelta(hours=hours) for hours in DELAYS_H]


def by_class(rows: Iterable[tuple[_Key, int, int]], classes: int) -> dict[_Key, tuple[int, ...]]:
    """Return how many there are in each class, from rows of a key, a class and a number."""
    found: dict[_Key, list[int]] = {}
    for key, place, number in rows:
        found.setdefault(key, [0] * classes)[place] += number
    return {key: tuple(counts) for key, counts in found.items()}


def conditions(chosen: Chosen) -> dict[str, str]:
    """Return what is asked of rows, by the name of the condition."""
    found = {"since": chosen.since.isoformat(), "before": chosen.before.isoformat()}
    if chosen.rule:
        found["rule"] = key_text(chosen.rule)
    if chosen.estab:
        found["estab"] = key_text(chosen.estab)
    if chosen.area:
        found["area"] = key_text(chosen.area)
        # Behind everything that begins with it.
        found["area_end"] = found["area"] + "\U0010ffff"
    return found
