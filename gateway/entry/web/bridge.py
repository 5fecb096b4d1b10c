"""The handoff glyph: what happened, the time allowed, the deadline, the delay, what is missing.

A solid block, a dashed line, a diamond, a thick line and an empty block: the same drawing in
each row as in the swimlane, a bridge with a missing span. The words beside it say the same.
"""

from dataclasses import dataclass
from datetime import datetime

from gateway.entry.web.values import Gap

#: The line runs between the two blocks, in units of the drawing (192 x 26).
_FROM, _TO = 62.0, 130.0
#: The diamond keeps clear of the blocks it would cover.
_FIRST, _LAST = 69.0, 123.0


@dataclass(frozen=True, slots=True)
class Bridge:
    """The glyph of one gap.

    Attributes:
        source: lane of the solid block.
        target: lane of the empty block.
        diamond: where the deadline is drawn; None without one.
        late: a thick line runs from the diamond to the empty block.
        tone: severity, `shut` when it is closed.
    """

    source: str
    target: str
    diamond: float | None
    late: bool
    tone: str


def bridge(gap: Gap, now: datetime) -> Bridge:
    """Return the glyph of a gap at an instant."""
    tone = "shut" if gap.closed_at else gap.severity
    if gap.deadline is None:
        return Bridge(gap.source, gap.target, None, False, tone)
    end = gap.closed_at or now
    allowed = (gap.deadline - gap.anchor).total_seconds()
    elapsed = (max(end, gap.deadline) - gap.anchor).total_seconds()
    part = min(1.0, allowed / elapsed) if elapsed > 0 else 1.0
    diamond = min(_LAST, max(_FIRST, round(_FROM + (_TO - _FROM) * part, 1)))
    return Bridge(gap.source, gap.target, diamond, end > gap.deadline, tone)
