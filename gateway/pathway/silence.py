"""How long a feed may say nothing: learned from how often it spoke at the same hours.

The arrivals of a feed are taken for a Poisson process whose rate is that of the last eight same
hours of the week: nothing for so long that this happens once in ten thousand times is a silence.
What comes within one minute counts once, so that a batch does not pass for steady traffic. A
public holiday is a Sunday, both to learn from and to expect.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice

from gateway.core.timestamps import PARIS
from gateway.pathway.calendar import public_holidays

#: -ln 10⁻⁴: so many arrivals were expected when none came once in ten thousand times.
_EXPECTED = 9.21
#: Same hours that are looked back at, and how far.
_SAME_HOURS, WEEKS = 8, 8
#: A feed that is known for less has no habits yet.
_WEEK = timedelta(days=7)
#: However regular a feed is, it may rest for so long: one that speaks all the time, and others
#: at night.
_BUSY, _AT_NIGHT = timedelta(minutes=15), timedelta(hours=6)
#: Minutes of an hour in which a busy feed speaks.
_BUSY_MINUTES = 10
_NIGHT_ENDS, _NIGHT_BEGINS = time(8), time(20)
#: Nobody waits for longer: what is so rare has no silence that tells anything.
_LONGEST = timedelta(days=28)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_SUNDAY = 6


@dataclass(frozen=True, slots=True)
class Habit:
    """How often a feed, or one event of it, spoke.

    Attributes:
        minutes: of each hour in which anything came, by its first instant in UTC.
        since: receipt of its first message.
        region: of public holidays.
    """

    minutes: Mapping[datetime, int]
    since: datetime
    region: str = ""
    _rates: dict[datetime, float] = field(default_factory=dict, compare=False)

    def rate(self, hour: datetime) -> float:
        """Return in how many minutes of an hour it usually speaks; 0 when nothing is known."""
        if hour not in self._rates:
            self._rates[hour] = self._rate(hour)
        return self._rates[hour]

    def _rate(self, hour: datetime) -> float:
        found = [
            self.minutes.get(same, 0)
            for same in _same_hours(hour, self.region)
            if same >= self.since
        ]
        return sum(found) / len(found) if found else 0.0


def silent_at(last: datetime, habit: Habit) -> datetime | None:
    """Return when a feed that said nothing since is to be taken for silent.

    Args:
        last: receipt of its last message.
        habit: how often it spoke until then.

    Returns:
        None when it is so rare, or known for so short, that its silence tells nothing.
    """
    expected, at = 0.0, last
    while at < last + _LONGEST:
        hour = at.replace(minute=0, second=0, microsecond=0)
        end = hour + _HOUR
        rate = habit.rate(hour)
        more = rate * ((end - at) / _HOUR)
        if expected + more >= _EXPECTED:
            at += _HOUR * ((_EXPECTED - expected) / rate)
            return max(at, last + _floor(at, rate), habit.since + _WEEK).replace(microsecond=0)
        expected, at = expected + more, end
    return None


def _floor(at: datetime, rate: float) -> timedelta:
    """Return how long it may rest at least, at the hour at which its silence would be found."""
    if rate >= _BUSY_MINUTES:
        return _BUSY
    clock = at.astimezone(PARIS).time()
    return _BUSY if _NIGHT_ENDS <= clock < _NIGHT_BEGINS else _AT_NIGHT


@lru_cache(maxsize=16_384)
def _same_hours(hour: datetime, region: str) -> tuple[datetime, ...]:
    """Return the last hours that are like this one, latest first; the same for every feed."""
    local = hour.astimezone(PARIS)
    wanted = _kind(local.date(), region)
    days = (local.date() - back * _DAY for back in range(1, 7 * WEEKS + 1))
    alike = (_at(day, local.time()) for day in days if _kind(day, region) == wanted)
    return tuple(islice(alike, _SAME_HOURS))


@lru_cache(maxsize=4096)
def _kind(day: date, region: str) -> int:
    """Return the day of the week; a public holiday is a Sunday."""
    return _SUNDAY if day in public_holidays(day.year, region) else day.weekday()


def _at(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, PARIS).astimezone(UTC)
