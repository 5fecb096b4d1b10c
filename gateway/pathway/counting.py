"""The arithmetic of a deadline, day by day, for who has to believe it.

Says why each day counted or did not; the deadline itself is `pathway.calendar`'s.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from gateway.core.timestamps import PARIS
from gateway.pathway.calendar import (
    DAY_UNITS,
    Pause,
    is_working_day,
    local,
    public_holidays,
)
from gateway.pathway.facts import stamp

_DAY = timedelta(days=1)
_NOON = time(12)
_SUNDAY = 6
#: Longer counts are shown by their ends.
_SHOWN = 120


class CountedDay(NamedTuple):
    """One day on the way to a deadline.

    Attributes:
        day: in Paris.
        number: which of the days that count it is; None when it does not count.
        why: `weekend`, `holiday`, `pause` when it does not count; empty when it does.
    """

    day: date
    number: int | None
    why: str


def counted_days(
    anchor: datetime,
    deadline: datetime,
    unit: str,
    pauses: Sequence[Pause] = (),
    region: str = "",
) -> list[CountedDay]:
    """Return each day from the one after the anchor to the deadline's.

    Args:
        anchor: where counting starts, UTC; its own day is day 0.
        deadline: UTC.
        unit: one of `calendar.UNITS`; those in hours have no days to tell.
        pauses: time that does not count.
        region: of holidays.
    """
    if unit not in DAY_UNITS:
        return []
    return list(_days(local(anchor).date(), local(deadline).date(), unit, pauses, region))[:_SHOWN]


def written(pause: Pause) -> str:
    """Return a pause as an ISO 8601 interval, `start/end`, `..` while it has no end."""
    return f"{stamp(pause.start)}/{stamp(pause.end) if pause.end else '..'}"


def read_pauses(intervals: Iterable[str]) -> tuple[Pause, ...]:
    """Return pauses from what `written` made of them."""
    pairs = (one.split("/") for one in intervals)
    return tuple(
        Pause(datetime.fromisoformat(start), None if end == ".." else datetime.fromisoformat(end))
        for start, end in pairs
    )


def _days(
    day: date, last: date, unit: str, pauses: Sequence[Pause], region: str
) -> Iterator[CountedDay]:
    number = 0
    while day < last:
        day += _DAY
        why = _why_not(day, unit, pauses, region)
        number += not why
        yield CountedDay(day, None if why else number, why)


def _why_not(day: date, unit: str, pauses: Sequence[Pause], region: str) -> str:
    if not is_working_day(day, "d" if unit == "day0" else unit, region):
        is_holiday = day in public_holidays(day.year, region) and day.weekday() != _SUNDAY
        return "holiday" if is_holiday else "weekend"
    noon = datetime.combine(day, _NOON, tzinfo=PARIS)
    return "pause" if any(pause.covers(noon) for pause in pauses) else ""
