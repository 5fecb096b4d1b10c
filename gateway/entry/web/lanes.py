"""Where everything of a swimlane lies: lanes, rows without overlap, the room words take."""

from dataclasses import dataclass, field
from datetime import datetime

from gateway.entry.web.timeline import Scale, Window
from gateway.entry.web.values import LANES, Hole, Mark, Path, Stay
from gateway.entry.web.words import Words

AXIS, ROW, BAR, PAD, MARK_ROW = 46, 32, 24, 8, 22
#: Width of one character of a label, and of the bold label of a hole.
CHAR, BOLD = 6.7, 7.3
#: From this many stays or marks in a lane on, words are left out.
CROWD = 40
_ROWS_AT_MOST = 5


@dataclass(slots=True)
class Box:
    """An item with the room it takes: `low` to `high` with its words, `y` once it is placed."""

    item: Stay | Mark | Hole
    x0: float
    x1: float
    low: float
    high: float
    words: str
    anchor: str
    at: float
    y: float = 0.0


@dataclass(slots=True)
class Lane:
    """A lane: its boxes and where it lies."""

    name: str
    wide: list[Box] = field(default_factory=list)
    marks: list[Box] = field(default_factory=list)
    top: float = 0.0
    bottom: float = 0.0

    @property
    def count(self) -> int:
        """Return how many stays or marks it shows."""
        return max(sum(isinstance(box.item, Stay) for box in self.wide), len(self.marks))


@dataclass(frozen=True, slots=True)
class Frame:
    """How a drawing is made.

    Attributes:
        width: units across.
        gutter: units for the names of lanes.
        narrow: for a phone: short names, words only inside of bars.
        prefix: of every id, as two drawings may share a page.
    """

    width: int = 1120
    gutter: int = 138
    narrow: bool = False
    prefix: str = "sw"


WIDE = Frame()
NARROW = Frame(width=372, gutter=66, narrow=True, prefix="sn")


class Layout:
    """Places the items of a path in a window."""

    def __init__(self, window: Window, now: datetime, words: Words, frame: Frame) -> None:
        """Prepare the scale of a window."""
        self._window, self._now, self._words, self._frame = window, now, words, frame
        self.scale = Scale(window, frame.gutter, frame.width - (8 if frame.narrow else 16))

    def lanes(self, path: Path) -> list[Lane]:
        """Sort what the window shows into lanes; a lane without anything is left out."""
        low, high = self._window.low, self._window.high
        found = {name: Lane(name) for name in LANES}
        for stay in path.stays:
            if self._end(stay) > low and stay.start < high:
                found[stay.lane].wide.append(self._stay_box(stay))
        for hole in path.holes:
            if hole.gap.anchor < high and max(hole.closed or self._now, hole.due) > low:
                found[hole.lane].wide.append(self._hole_box(hole))
        for mark in path.marks:
            if low <= mark.at <= high:
                found[mark.lane].marks.append(self._mark_box(mark))
        return [lane for lane in found.values() if lane.wide or lane.marks]

    def stack(self, lanes: list[Lane]) -> float:
        """Give every lane its height and every box its row; return the height of all."""
        y = float(AXIS)
        for lane in lanes:
            if lane.count > CROWD:
                for box in (*lane.wide, *lane.marks):
                    if not isinstance(box.item, Hole):
                        box.words, box.low, box.high = "", box.x0, box.x1
            lane.top = y
            rows = _placed(lane.wide, y + PAD, ROW, 1 if lane.count > CROWD else _ROWS_AT_MOST)
            under = y + PAD + (rows * ROW - ROW + BAR + 6 if rows else 0) + 10
            mark_rows = _placed(lane.marks, under, MARK_ROW, 3)
            y = under - 10 + mark_rows * MARK_ROW + PAD if mark_rows else y + PAD + rows * ROW
            lane.bottom = y
        return y + 8

    def _end(self, stay: Stay) -> datetime:
        return stay.end or (self._window.high if stay.planned else max(self._now, stay.start))

    def _stay_box(self, stay: Stay) -> Box:
        x0 = self.scale.x(stay.start)
        x1 = max(self.scale.x(self._end(stay)), x0 + 4)
        width = len(stay.label) * CHAR
        if width + 18 <= x1 - x0:
            return Box(stay, x0, x1, x0, x1, stay.label, "start", x0 + 9)
        # What the edge of a drawing would cut is in the list below it.
        if self._frame.narrow:
            return Box(stay, x0, x1, x0, x1, "", "start", x0)
        return self._beside(stay, x0, x1, stay.label, width + 10, 5)

    def _mark_box(self, mark: Mark) -> Box:
        x0, x1 = self.scale.x(mark.at) - 7, self.scale.x(mark.until or mark.at) + 7
        if self._frame.narrow:
            return Box(mark, x0, x1, x0, x1, "", "start", x0)
        label = mark_words(mark, self._words)
        return self._beside(mark, x0, x1, label, len(label) * (CHAR - 0.5) + 8, 4)

    def _hole_box(self, hole: Hole) -> Box:
        x0, due = self.scale.x(hole.gap.anchor), self.scale.x(hole.due)
        x1 = max(self.scale.x(hole.closed or self._now), due, x0 + 8)
        label = "" if hole.closed else self._hole_words(hole)
        width = len(label) * BOLD + 14
        if not label or width + due - x0 < x1 - x0:
            return Box(hole, x0, x1, x0, x1 + 8, label, "start", due + 13)
        box = self._beside(hole, x0, x1, label, width, 11)
        short = self._hole_words(hole, short=True)
        if box.words or len(short) * BOLD + 14 + due - x0 >= x1 - x0:
            return box
        return Box(hole, x0, x1, x0, x1 + 8, short, "start", due + 13)

    def _hole_words(self, hole: Hole, *, short: bool = False) -> str:
        late = self._now - hole.due
        if self._frame.narrow or short:
            span = self._words.span(late) if late.total_seconds() > 0 else ""
            return self._words("late.by", span=span) if span and short else span
        name = self._words.said(hole.gap.name)
        if late.total_seconds() <= 0:
            return self._words("path.hole_ahead", name=name)
        return self._words("path.hole", name=name, span=self._words.span(late))

    def _beside(
        self, item: Stay | Mark | Hole, x0: float, x1: float, label: str, width: float, gap: int
    ) -> Box:
        if x1 + width <= self._frame.width:
            return Box(item, x0, x1, x0, x1 + width, label, "start", x1 + gap)
        if x0 - width >= self._frame.gutter:
            return Box(item, x0, x1, x0 - width, x1, label, "end", x0 - gap)
        return Box(item, x0, x1, x0, x1, "", "start", x0)


def mark_words(mark: Mark, words: Words) -> str:
    """Return what a mark is called, with whom it was sent to."""
    return f"{mark.label}, {words(f'path.to_{mark.to}')}" if mark.to else mark.label


def _placed(boxes: list[Box], top: float, step: int, limit: int) -> int:
    """Give boxes the first row with room, the last one when there is none; return the rows."""
    ends: list[float] = []
    for box in sorted(boxes, key=lambda box: (box.low, box.high)):
        free = next((row for row, end in enumerate(ends) if end + 6 <= box.low), len(ends))
        row = min(free, limit - 1)
        if row == len(ends):
            ends.append(box.high)
        else:
            ends[row] = max(ends[row], box.high)
        box.y = top + row * step
    return len(ends)
