"""Chance that is the same on every machine, in every Python process and hash seed.

One stream per purpose (seed, patient, layer), so that a new fault or a new story does not
reshuffle the others.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Draws:
    """A stream of draws; only `Random.random` is used, whose sequence Python guarantees."""

    __slots__ = ("_name", "_random")

    def __init__(self, *name: str | int) -> None:
        self._name = name
        self._random = Random("|".join(map(str, name)))  # noqa: S311 synthetic data, no secret

    def child(self, *name: str | int) -> "Draws":
        """Return an independent stream that depends on the names only, not on draws made."""
        return Draws(*self._name, *name)

    def unit(self) -> float:
        """Return a number in [0, 1)."""
        return self._random.random()

    def chance(self, probability: float) -> bool:
        """Return True with this probability; one draw whatever the probability."""
        return self._random.random() < probability

    def between(self, low: int, high: int) -> int:
        """Return an integer from `low` to `high`, both included."""
        return low + int(self._random.random() * (high - low + 1))

    def pick(self, choices: Sequence[T]) -> T:
        """Return one of `choices`."""
        return choices[int(self._random.random() * len(choices))]

    def weighted(self, choices: Sequence[tuple[T, float]]) -> T:
        """Return one of `choices` by its weight."""
        left = self._random.random() * sum(weight for _, weight in choices)
        for choice, weight in choices:
            left -= weight
            if left < 0:
                return choice
        return choices[-1][0]

    def minutes(self, low: int, high: int) -> timedelta:
        """Return a duration of `low` to `high` whole minutes."""
        return timedelta(minutes=self.between(low, high))

    def digits(self, count: int) -> str:
        """Return a text of decimal digits."""
        return "".join(str(self.between(0, 9)) for _ in range(count))

    def day(self, first: date, last: date) -> date:
        """Return a day from `first` to `last`, both included."""
        return first + timedelta(days=self.between(0, (last - first).days))


def at_hour(moment: datetime, hour: int, minute: int = 0) -> datetime:
    """Return the same local day at another time of day."""
    return moment.replace(hour=hour, minute=minute, second=0, microsecond=0)


def workday(moment: datetime) -> datetime:
    """Return the same time on this day, or on the Monday after when it is a week-end."""
    return moment + timedelta(days=7 - moment.weekday() if moment.weekday() > 4 else 0)


#: Public holidays that are no week-end (Code du travail L3133-1), as long as regions live.
_HOLIDAYS = frozenset(
    date.fromisoformat(day)
    for day in (
        "2026-01-01", "2026-04-06", "2026-05-01", "2026-05-08", "2026-05-14", "2026-05-25",
        "2026-07-14", "2026-11-11", "2026-12-25", "2027-01-01", "2027-03-29", "2027-05-06",
        "2027-05-17", "2027-07-14", "2027-11-01", "2027-11-11",
    )
)  # fmt: skip


def workdays_after(moment: datetime, count: int) -> datetime:
    """Return the same time so many working days later."""
    while count > 0:
        moment += timedelta(days=1)
        count -= _is_worked(moment)
    return moment


def workdays_between(first: datetime, last: datetime) -> int:
    """Return how many days after the first, up to the last, are worked."""
    days = (last.date() - first.date()).days
    return sum(_is_worked(first + timedelta(days=n)) for n in range(1, days + 1))


def _is_worked(moment: datetime) -> bool:
    return moment.weekday() < 5 and moment.date() not in _HOLIDAYS
