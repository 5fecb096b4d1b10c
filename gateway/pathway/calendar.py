"""Deadlines: French working days, elapsed and business hours, pauses.

Instants come in and go out in UTC; days are those of Paris. Elapsed hours are counted on the UTC
line, so a change of the clocks neither shortens nor lengthens them. Public holidays: Code du
travail L3133-1, with Alsace-Moselle (L3134-13) and the overseas departments (L3422-2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal, get_args

import holidays

from gateway.core.timestamps import PARIS

Unit = Literal["h", "bh", "d", "bd", "jo", "day0"]
UNITS: tuple[Unit, ...] = get_args(Unit)
#: Units that a holiday stretches: not for rules that cannot wait for Monday.
WORKING_UNITS = frozenset({"bh", "bd", "jo"})
#: Units that end with a day; the others are counted in hours.
DAY_UNITS = frozenset({"d", "bd", "jo", "day0"})

_OPENS, _CLOSES = time(8), time(18)
_LAST_SECOND = time(23, 59, 59)
_NOON = time(12)
_DAY = timedelta(days=1)
_SATURDAY, _SUNDAY = 5, 6

#: First digits of a FINESS number to the subdivision of the `holidays` package.
_REGIONS = {
    "57": "57",
    "67": "6AE",
    "68": "6AE",
    "9701": "971",
    "9702": "972",
    "9703": "973",
    "9704": "974",
    "9805": "976",
}


@dataclass(frozen=True, slots=True)
class Pause:
    """A time that does not count towards a deadline.

    Attributes:
        start: UTC.
        end: UTC, None while nothing has ended it.
    """

    start: datetime
    end: datetime | None

    def covers(self, instant: datetime) -> bool:
        """Tell whether the instant is inside; the end is outside."""
        return self.start <= instant and (self.end is None or instant < self.end)


def region_of(finess: str | None) -> str:
    """Return the region of holidays of an establishment; empty for the common calendar."""
    if not finess:
        return ""
    return _REGIONS.get(finess[:4]) or _REGIONS.get(finess[:2]) or ""


def local(instant: datetime) -> datetime:
    """Return the wall clock in Paris."""
    return instant.astimezone(PARIS)


def end_of_day(day: date) -> datetime:
    """Return 23:59:59 in Paris, in UTC."""
    return wall(day, _LAST_SECOND)


@lru_cache(maxsize=256)
def public_holidays(year: int, region: str) -> frozenset[date]:
    """Return the public holidays of a year; two that fall together are one."""
    return frozenset(holidays.country_holidays("FR", subdiv=region or None, years=year))


def is_working_day(day: date, unit: str, region: str) -> bool:
    """Tell whether a day counts: `d` every day, `jo` Monday to Saturday, `bd` to Friday."""
    if unit == "d":
        return True
    weekday = day.weekday()
    if weekday == _SUNDAY or (weekday == _SATURDAY and unit != "jo"):
        return False
    return day not in public_holidays(day.year, region)


def due(
    anchor: datetime, n: int, unit: Unit, pauses: Sequence[Pause] = (), region: str = ""
) -> datetime | None:
    """Return the deadline, UTC; None while a pause without end keeps it open.

    Args:
        anchor: where counting starts, UTC. Days are counted from the day after it.
        n: how many; 0 days is the end of the anchor's day.
        unit: one of UNITS; `day0` ignores `n`.
        pauses: time that does not count. A day counts when its noon is outside of all.
        region: see `region_of`.
    """
    if not pauses:
        return _due(anchor, n, unit, region)
    if unit in DAY_UNITS:
        return _due_day(anchor, 0 if unit == "day0" else n, unit, pauses, region)
    return _due_hours(anchor, timedelta(hours=n), pauses, region if unit == "bh" else None)


@lru_cache(maxsize=8192)
def _due(anchor: datetime, n: int, unit: Unit, region: str) -> datetime | None:
    if unit == "h":
        return anchor + timedelta(hours=n)
    if unit == "bh":
        return _due_hours(anchor, timedelta(hours=n), (), region)
    return _due_day(anchor, 0 if unit == "day0" else n, unit, (), region)


def _due_day(
    anchor: datetime, n: int, unit: str, pauses: Sequence[Pause], region: str
) -> datetime | None:
    day = local(anchor).date()
    open_end = min((pause.start for pause in pauses if pause.end is None), default=None)
    while n > 0:
        day += _DAY
        if not is_working_day(day, unit, region):
            continue
        noon = wall(day, _NOON)
        if open_end is not None and noon >= open_end:
            return None
        if not any(pause.covers(noon) for pause in pauses):
            n -= 1
    return end_of_day(day)


def _due_hours(
    anchor: datetime, left: timedelta, pauses: Sequence[Pause], region: str | None
) -> datetime | None:
    """Walk along the stretches that count until nothing is left.

    Args:
        anchor: start.
        left: time to spend.
        pauses: what does not count.
        region: None for elapsed hours; else only business hours of this calendar count.
    """
    now = anchor
    while True:
        pause = next((one for one in pauses if one.covers(now)), None)
        if pause is not None:
            if pause.end is None:
                return None
            now = pause.end
            continue
        closes = None
        if region is not None:
            opens, closes = _business_stretch(now, region)
            if opens > now:
                if not left:
                    return now
                now = opens
                continue
        stops = [one.start for one in pauses if one.start > now]
        if closes is not None:
            stops.append(closes)
        stop = min(stops, default=None)
        if stop is None or now + left <= stop:
            return now + left
        left -= stop - now
        now = stop


def _business_stretch(now: datetime, region: str) -> tuple[datetime, datetime]:
    """Return the business hours that hold `now`, else the next ones."""
    day = local(now).date()
    while True:
        if is_working_day(day, "bd", region):
            closes = wall(day, _CLOSES)
            if now < closes:
                return wall(day, _OPENS), closes
        day += _DAY


def wall(day: date, clock: time) -> datetime:
    """Return what a clock in Paris shows on a day, in UTC."""
    return datetime.combine(day, clock, tzinfo=PARIS).astimezone(UTC)
