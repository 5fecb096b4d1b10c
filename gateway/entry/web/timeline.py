"""The time axis of the swimlane: window, scale, ticks and shaded days."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.core.timestamps import PARIS
from gateway.entry.web.values import Path
from gateway.entry.web.words import Words

ZOOMS = ("7d", "30d", "6m", "all")
_DAY = timedelta(days=1)
#: Weekends are shaded while a day is wide enough to be seen.
_SHADED_DAYS = 70


@dataclass(frozen=True, slots=True)
class Window:
    """What the drawing shows: from `low` to `high`, in Paris."""

    low: datetime
    high: datetime

    @property
    def days(self) -> float:
        """Return its length."""
        return (self.high - self.low).total_seconds() / _DAY.total_seconds()

    @classmethod
    def of_zoom(cls, zoom: str, path: Path, now: datetime) -> "Window":
        """Return the window of a zoom: `7d`, `30d`, `6m` or `all`."""
        local = now.astimezone(PARIS)
        if zoom == "7d":
            return cls(_midnight(local - 6 * _DAY), _midnight(local + 2 * _DAY))
        if zoom == "6m":
            return cls(_midnight(local - 166 * _DAY), _midnight(local + 15 * _DAY))
        if zoom == "all":
            return cls._whole(path, local)
        return cls(_midnight(local - 23 * _DAY), _midnight(local + 7 * _DAY))

    @classmethod
    def around(cls, low: datetime, high: datetime) -> "Window":
        """Return three days before and after a stretch of time."""
        return cls(
            _midnight(low.astimezone(PARIS) - 3 * _DAY),
            _midnight(high.astimezone(PARIS) + 4 * _DAY),
        )

    @classmethod
    def _whole(cls, path: Path, now: datetime) -> "Window":
        starts = [s.start for s in path.stays] + [m.at for m in path.marks]
        starts += [hole.gap.anchor for hole in path.holes]
        ends = [s.end or s.start for s in path.stays] + [m.at for m in path.marks]
        low, high = min([*starts, now]), max([*ends, now])
        edge = max((high - low) * 0.03, _DAY)
        return cls(_midnight((low - edge).astimezone(PARIS)), _midnight(high + edge + _DAY))


@dataclass(frozen=True, slots=True)
class Scale:
    """From instants to the horizontal unit of the drawing."""

    window: Window
    left: float
    right: float

    def x(self, instant: datetime) -> float:
        """Return where an instant is; outside of the window, its edge."""
        low, high = self.window.low, self.window.high
        held = min(max(instant, low), high)
        part = (held - low).total_seconds() / (high - low).total_seconds()
        return self.left + part * (self.right - self.left)


def weekends(window: Window) -> Iterator[tuple[datetime, datetime]]:
    """Yield the shaded days of a window; none when it is long."""
    if window.days > _SHADED_DAYS:
        return
    for day in _days(window):
        if day.weekday() > 4:
            yield day, _midnight(day + _DAY)


def ticks(window: Window, words: Words, *, narrow: bool) -> Iterator[tuple[datetime, str]]:
    """Yield the ticks of a window with their words: days, Mondays or first days of months."""
    days = window.days
    step = 1 if days < 400 else 3 if days < 1100 else 12
    if narrow and 70 < days < 400:
        step = 2
    for number, day in enumerate(_days(window)):
        if days <= 14:
            if not narrow or number % 2 == 0:
                yield day, words.tick(day, "EEE d" if not narrow else "d MMM")
        elif days <= _SHADED_DAYS:
            if day.weekday() == 0:
                yield day, words.tick(day, "d MMM" if narrow else "EEE d MMM")
        elif day.day == 1 and (day.month - 1) % step == 0:
            first = day - window.low < timedelta(days=31 * step)
            yield day, words.tick(day, "MMM y" if (day.month == 1 or first) else "MMM")


def _days(window: Window) -> Iterator[datetime]:
    day = window.low
    while day < window.high:
        yield day
        day = _midnight(day + _DAY)


def _midnight(local: datetime) -> datetime:
    """Return the start of a day in Paris; adding a day to a local time keeps the wall clock."""
    wall = local.astimezone(PARIS)
    return wall.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
