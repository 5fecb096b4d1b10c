"""What is said of counted handoffs: shares with their interval, delays, ages, precision.

Pure functions of counts (`core.handoffs`). The definitions, with their denominators, are in
docs/reference/kpis.md; a number that is not there is not shown.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from math import sqrt

from gateway.core.handoffs import DELAYS_H, Outcomes, Waits
from gateway.core.timestamps import PARIS
from gateway.pathway.calendar import is_working_day

#: Of a normal distribution, for 95 %.
_Z = 1.959964
_DAY = timedelta(days=1)
#: Upper ends of the groups of ages, working days; the last group is open.
AGES_BD = (1, 3, 7, 14)


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole with the interval it is known within.

    Attributes:
        low: lower end of the 95 % interval of Wilson, 0 to 1.
        high: its upper end.
    """

    part: int
    whole: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """Return the share, 0 to 1; 0 of nothing."""
        return self.part / self.whole if self.whole else 0.0


def share(part: int, whole: int) -> Share:
    """Return a share with its interval (Wilson score, without correction for continuity)."""
    if not whole:
        return Share(0, 0, 0.0, 1.0)
    p, z2 = part / whole, _Z**2
    centre = p + z2 / (2 * whole)
    spread = _Z * sqrt(p * (1 - p) / whole + z2 / (4 * whole**2))
    base = 1 + z2 / whole
    return Share(
        part, whole, max(0.0, (centre - spread) / base), min(1.0, (centre + spread) / base)
    )


def delay_h(outcomes: Outcomes, waits: Waits, of: float) -> float | None:
    """Return the hours by which a part of handoffs has happened; None: that is not reached.

    Kaplan-Meier over the classes of `DELAYS_H`: what is still open counts as not done for as
    long as it has waited (right-censored), and within its class for half of it. Inside a class
    the answer lies on a straight line.

    Args:
        outcomes: what was done, by how long it took.
        waits: open handoffs by how long they have waited so far; empty: there are none.
        of: the part, 0.5 for the median.
    """
    at_risk = float(sum(outcomes.delays) + sum(waits))
    left, low = 1.0, 0.0
    for place, done in enumerate(outcomes.delays):
        if at_risk <= 0:
            return None
        high = float(DELAYS_H[place]) if place < len(DELAYS_H) else None
        censored = waits[place] if waits else 0
        exposed = at_risk - censored / 2
        before, left = left, left * (1 - done / exposed) if exposed > 0 else left
        if done and left <= 1 - of + 1e-9:
            if high is None:
                # Behind the last class: at least that long.
                return low
            return low + (high - low) * (before - (1 - of)) / (before - left)
        at_risk -= done + censored
        low = high if high is not None else low
    return None


def waits_together(waits: Iterable[Waits]) -> Waits:
    """Return open handoffs by how long they have waited, several counts together."""
    return tuple(map(sum, zip(*waits, strict=True)))


def age_edges(now: datetime, region: str) -> tuple[datetime, ...]:
    """Return where the groups of `AGES_BD` begin, the latest first.

    An open gap is in the group of as many as lie behind its deadline: its age in working days
    is above as many limits.
    """
    today = _day(now)
    return tuple(_midnight(_first_day(today, limit, region)) for limit in AGES_BD)


@lru_cache(maxsize=256)
def _first_day(today: date, limit: int, region: str) -> date:
    """Return the first day that is at most so many working days ago."""
    day = today
    while working_days(day - _DAY, today, region) <= limit:
        day -= _DAY
    return day


@lru_cache(maxsize=4096)
def working_days(since: date, until: date, region: str) -> int:
    """Return how many working days (Monday to Friday, no holiday) lie behind a day up to one."""
    days = (since + timedelta(days=n) for n in range(1, (until - since).days + 1))
    return sum(is_working_day(day, "bd", region) for day in days)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), PARIS).astimezone(UTC)


def _day(instant: datetime) -> date:
    return instant.astimezone(PARIS).date()
