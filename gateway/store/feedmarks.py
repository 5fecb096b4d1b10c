"""How the watermark of a feed moves; shared by the three stores. Knows no database.

All events up to the watermark are believed received. At a receipt it stands at the receipt less
the usual lateness of the feed; it never goes back, and without messages it stays.

Every mark is kept: a ledger that is made anew asks again for what was complete at any time. Those
that are seldom asked for are folded into pages, at about five bytes a mark: a feed that never
rests takes about 2.5 MB a year.
"""

import zlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise
from typing import NamedTuple

import orjson

from gateway.core.pathway_ports import PROVEN_AFTER
from gateway.store.codec import instant_text, read_instant, seal, unseal

#: Delays from emission to receipt that are kept.
SAMPLES = 200
#: A mark stands for this long; W is then at most so much older than it could be.
EVERY = timedelta(minutes=1)
#: Marks have rows of their own for this long; deadlines that people wait for are younger.
IN_ROWS = timedelta(days=60)
#: Marks in a page.
PAGE = 256
#: However late a feed usually is, its watermark stays no further behind.
_MOST_LATE_S = 6 * 3600.0


class FeedColumns(NamedTuple):
    """A row of `feed`, in the order of the table; `mark_at` is empty before the first mark."""

    feed: str
    first_at: str
    last_at: str
    messages: int
    lateness: bytes
    mark_at: str
    watermark: str


#: A mark as its columns: feed, receipt, watermark.
Mark = tuple[str, str, str]


def seen(
    feed: str,
    before: FeedColumns | None,
    messages: Iterable[tuple[datetime, datetime]],
    behind_s: float = 0.0,
) -> tuple[FeedColumns, list[Mark]]:
    """Return a feed after messages, with its new marks.

    A mark is set at the first message a minute or more after the mark before, and is never
    changed: what the watermark was at a past instant stays what it was.

    Args:
        feed: its name.
        before: None for a feed that was never seen.
        messages: (receipt, emission) of each, at least one.
        behind_s: by how much its clock is behind, as a person allowed it to be read; what is kept
            of the delays stays as it was told.
    """
    given = sorted(messages)
    lateness: list[float] = orjson.loads(before.lateness) if before else []
    mark_at = before.mark_at if before else ""
    watermark = before.watermark if before else ""
    marks: list[Mark] = []
    for receipt, emission in given:
        lateness.append(round((receipt - emission).total_seconds(), 3))
        del lateness[:-SAMPLES]
        if mark_at and receipt < read_instant(mark_at) + EVERY:
            continue
        reached = instant_text(receipt - timedelta(seconds=_usual(lateness, behind_s)))
        if reached > watermark:
            mark_at, watermark = instant_text(receipt), reached
            marks.append((feed, mark_at, watermark))
    first, last = instant_text(given[0][0]), instant_text(given[-1][0])
    after = FeedColumns(
        feed=feed,
        first_at=min(before.first_at, first) if before else first,
        last_at=max(before.last_at, last) if before else last,
        messages=(before.messages if before else 0) + len(given),
        lateness=orjson.dumps(lateness),
        mark_at=mark_at,
        watermark=watermark,
    )
    return after, marks


def proven(before: FeedColumns | None, messages: Iterable[tuple[datetime, datetime]]) -> str:
    """Return the receipt of the message that makes enough of them; empty when none of these does.

    Args:
        before: the feed without these messages.
        messages: (receipt, emission) of each.
    """
    given = sorted(messages)
    place = PROVEN_AFTER - (before.messages if before else 0) - 1
    return instant_text(given[place][0]) if 0 <= place < len(given) else ""


def _usual(lateness: list[float], behind_s: float) -> float:
    """Return the lateness that 99 of 100 messages do not exceed, by nearest rank.

    Delays of before the clock was wrong are read with the others, until they are forgotten: the
    watermark then stands back too far, never too near.
    """
    rank = max(0, -(-len(lateness) * 99 // 100) - 1)
    # A clock that runs ahead is not early.
    return max(0.0, min(sorted(lateness)[rank] - behind_s, _MOST_LATE_S))


def old_until(mark: Mark) -> str:
    """Return the instant before which the marks of a feed go into pages, by its newest one."""
    return instant_text(read_instant(mark[1]) - IN_ROWS)


def standing(
    marks: Sequence[tuple[datetime, datetime]], since: datetime
) -> list[tuple[datetime, datetime]]:
    """Return the mark that stood at an instant and those after it; marks are oldest first."""
    stood = max((at for at, _ in marks if at <= since), default=since)
    return [mark for mark in marks if mark[0] >= stood]


class PageColumns(NamedTuple):
    """Old marks of a feed; `at` and `watermark` are those of the last one."""

    feed: str
    at: str
    watermark: str
    marks: bytes


def folded(marks: Sequence[Mark]) -> PageColumns:
    """Return consecutive marks of a feed, oldest first, as a page."""
    receipts = [_micros(at) for _, at, _ in marks]
    behind = [_micros(at) - _micros(watermark) for _, at, watermark in marks]
    # From one to the next: the lateness seldom moves, and small numbers are short.
    steps = [[row[0], *(b - a for a, b in pairwise(row))] for row in (receipts, behind)]
    feed, at, watermark = marks[-1]
    return PageColumns(feed, at, watermark, seal(zlib.compress(orjson.dumps(steps))))


def unfolded(page: PageColumns) -> list[Mark]:
    """Return the marks of a page."""
    receipts, behind = (
        list(accumulate(row)) for row in orjson.loads(zlib.decompress(unseal(page.marks)))
    )
    return [
        (page.feed, _instant_text(at), _instant_text(at - late))
        for at, late in zip(receipts, behind, strict=True)
    ]


_EPOCH = datetime.fromtimestamp(0, UTC)
_MICRO = timedelta(microseconds=1)


def _micros(text: str) -> int:
    return (read_instant(text) - _EPOCH) // _MICRO


def _instant_text(micros: int) -> str:
    return instant_text(_EPOCH + micros * _MICRO)
