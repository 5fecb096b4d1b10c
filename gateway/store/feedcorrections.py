"""How a correction of a clock looks in a store; knows no database."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from gateway.core.feed_ports import ClockCorrection
from gateway.store.codec import instant_text, key_text, read_instant, storable


class CorrectionColumns(NamedTuple):
    """A row of `feed_correction`, in the order of the table; empty: open, not withdrawn."""

    number: int
    feed: str
    since: str
    until: str
    offset_s: int
    author: str
    reason: str
    approved_at: str
    withdrawn_at: str
    withdrawn_by: str
    withdrawn_for: str


def correction_columns(one: ClockCorrection) -> CorrectionColumns:
    """Return the columns of a correction."""
    return CorrectionColumns(
        one.number,
        key_text(one.feed),
        instant_text(one.since),
        _end(one.until),
        one.offset_s,
        storable(one.author),
        storable(one.reason),
        instant_text(one.approved_at),
        _end(one.withdrawn_at),
        storable(one.withdrawn_by),
        storable(one.withdrawn_for),
    )


def read_correction(columns: Sequence[Any]) -> ClockCorrection:
    """Make a correction of its columns."""
    c = CorrectionColumns(*columns)
    return ClockCorrection(
        number=c.number,
        feed=c.feed,
        since=read_instant(c.since),
        until=read_instant(c.until) if c.until else None,
        offset_s=c.offset_s,
        author=c.author,
        reason=c.reason,
        approved_at=read_instant(c.approved_at),
        withdrawn_at=read_instant(c.withdrawn_at) if c.withdrawn_at else None,
        withdrawn_by=c.withdrawn_by,
        withdrawn_for=c.withdrawn_for,
    )


def _end(instant: datetime | None) -> str:
    return instant_text(instant) if instant else ""
