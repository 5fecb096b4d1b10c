"""How messages of feeds are counted, and how that looks in a store; knows no database."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from gateway.core.feed_ports import WHOLE, Ailment, FeedHour, FeedPart, Heard, Said, Trouble
from gateway.store.codec import instant_text, key_text, read_instant

#: Of an instant as text: what names its minute.
MINUTE = len("2026-03-10T12:00")
#: Likewise, its day.
DAY = len("2026-03-10")


class PartColumns(NamedTuple):
    """A row of `feed_part`, in the order of the table."""

    feed: str
    event: str
    first_at: str
    last_at: str


class HourColumns(NamedTuple):
    """A row of `feed_hour`, in the order of the table."""

    feed: str
    event: str
    hour: str
    messages: int
    minutes: int
    first_at: str
    last_at: str

    def with_more(self, more: "HourColumns") -> "HourColumns":
        """Return the hour with what came after, or at the same time."""
        same = self.last_at[:MINUTE] == more.first_at[:MINUTE]
        return self._replace(
            messages=self.messages + more.messages,
            minutes=self.minutes + more.minutes - same,
            first_at=min(self.first_at, more.first_at),
            last_at=max(self.last_at, more.last_at),
        )


class SaidColumns(NamedTuple):
    """A row of `feed_said`, in the order of the table."""

    day: str
    feed: str
    event: str
    said: str
    messages: int


class TroubleColumns(NamedTuple):
    """A row of `feed_trouble`, in the order of the table."""

    feed: str
    event: str
    ailment: str
    since: str
    told_at: str
    value: int
    ended_at: str
    lost: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Return what names it."""
        return self[:4]


def counted(heard: Iterable[Heard]) -> list[HourColumns]:
    """Return what messages add to the hours of their feeds and events, in order of key.

    In one order: two writers then wait for each other, never in a circle.
    """
    found: dict[tuple[str, str, str], HourColumns] = {}
    for one in sorted(heard, key=lambda one: one.at):
        at, feed = instant_text(one.at), key_text(one.feed)
        hour = hour_text(one.at)
        for event in dict.fromkeys((WHOLE, key_text(one.event))):
            key = (feed, event, hour)
            new = HourColumns(*key, 1, 1, at, at)
            found[key] = found[key].with_more(new) if key in found else new
    return [found[key] for key in sorted(found)]


def said_of(heard: Iterable[Heard]) -> list[SaidColumns]:
    """Return what messages add to what their feeds told, in order of key."""
    told = (one for one in heard if one.said)
    found = Counter(
        (day_text(one.at), key_text(one.feed), key_text(one.event), key_text(one.said))
        for one in told
    )
    return [SaidColumns(*key, found[key]) for key in sorted(found)]


def read_said(row: Sequence[Any]) -> Said:
    """Read feed, event, what was told, and how often."""
    feed, event, said, messages = row
    return Said(feed, event, said, int(messages))


def day_text(instant: datetime) -> str:
    """Return the day of an instant, UTC."""
    return instant_text(instant)[:DAY]


def parts_of(hours: Sequence[HourColumns]) -> list[PartColumns]:
    """Return the parts of the hours, in order of key."""
    found: dict[tuple[str, str], PartColumns] = {}
    for one in hours:
        key = (one.feed, one.event)
        known = found.get(key, PartColumns(*key, one.first_at, one.last_at))
        found[key] = known._replace(
            first_at=min(known.first_at, one.first_at), last_at=max(known.last_at, one.last_at)
        )
    return [found[key] for key in sorted(found)]


def hour_text(instant: datetime) -> str:
    """Return the hour of an instant as text."""
    return instant_text(instant - timedelta(minutes=instant.minute, seconds=instant.second,
                                            microseconds=instant.microsecond))  # fmt: skip


def read_part(columns: Sequence[Any]) -> FeedPart:
    """Make a part of its columns."""
    c = PartColumns(*columns)
    return FeedPart(c.feed, c.event, read_instant(c.first_at), read_instant(c.last_at))


def read_hour(columns: Sequence[Any]) -> FeedHour:
    """Make an hour of its columns."""
    c = HourColumns(*columns)
    first, last = read_instant(c.first_at), read_instant(c.last_at)
    return FeedHour(read_instant(c.hour), c.messages, c.minutes, first, last)


def trouble_columns(trouble: Trouble) -> TroubleColumns:
    """Return the columns of a trouble."""
    return TroubleColumns(
        key_text(trouble.feed),
        key_text(trouble.event),
        trouble.ailment.value,
        instant_text(trouble.since),
        instant_text(trouble.told_at),
        trouble.value,
        instant_text(trouble.ended_at) if trouble.ended_at else "",
        " ".join(trouble.lost),
    )


def read_trouble(columns: Sequence[Any]) -> Trouble:
    """Make a trouble of its columns."""
    c = TroubleColumns(*columns)
    return Trouble(
        c.feed,
        c.event,
        Ailment(c.ailment),
        read_instant(c.since),
        read_instant(c.told_at),
        c.value,
        read_instant(c.ended_at) if c.ended_at else None,
        tuple(c.lost.split()),
    )
