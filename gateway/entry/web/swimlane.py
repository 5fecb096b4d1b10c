"""One person's path as a drawing: lanes by sector, time left to right, the missing handoff a hole.

Every colour is a class of the style sheet and every word is escaped. The drawing holds no link:
it is an image with a text alternative (`web.story`), which holds them all.
"""

from datetime import datetime

from markupsafe import Markup, escape

from gateway.entry.web.lanes import AXIS, BAR, CROWD, Box, Frame, Lane, Layout
from gateway.entry.web.timeline import Scale, Window, ticks, weekends
from gateway.entry.web.values import Hole, Mark, Path, Silence, Stay
from gateway.entry.web.words import Words

_PATTERNED = ("urg", "smr", "had", "ms", "sup")


def swimlane(
    path: Path, window: Window, now: datetime, words: Words, frame: Frame, title: str
) -> Markup:
    """Draw a path.

    Args:
        path: what to draw.
        window: the time it shows.
        now: the present instant.
        words: of the language of the page.
        frame: size.
        title: one sentence that says who, when, and how many gaps are open.
    """
    layout = Layout(window, now, words, frame)
    lanes = layout.lanes(path)
    height = layout.stack(lanes)
    drawing = _Drawing(window, now, words, frame, layout.scale)
    parts = [drawing.head(title, height)]
    parts += [drawing.ground(number, lane) for number, lane in enumerate(lanes)]
    # The words of the axis lie over the line of now, never under it.
    parts += [drawing.present(height), drawing.axis(height)]
    tops = {lane.name: lane for lane in lanes}
    parts += [drawing.silence(s, tops[s.lane]) for s in path.silences if s.lane in tops]
    wide = [box for lane in lanes for box in lane.wide]
    parts += [drawing.stay(box, lane) for lane in lanes for box in lane.wide]
    parts += [drawing.hole(box, wide) for box in wide if isinstance(box.item, Hole)]
    parts += [drawing.mark(box, lane) for lane in lanes for box in lane.marks]
    return Markup("").join([*parts, Markup("</svg>")])


class _Drawing:
    def __init__(
        self, window: Window, now: datetime, words: Words, frame: Frame, scale: Scale
    ) -> None:
        self._window, self._now, self._words, self._frame = window, now, words, frame
        self._scale = scale

    def head(self, title: str, height: float) -> Markup:
        """Open the drawing: its title, the list that says the same, its patterns."""
        p = self._frame.prefix
        tiles = {
            "urg": "M2 0v8M6 0v8",
            "smr": "M0 8 8 0",
            "had": "M2 2h.1M6 6h.1",
            "ms": "M0 2h8M0 6h8",
            "sup": "M0 8 8 0M0 0l8 8",
            "hush": "M0 6 6 0",
        }
        patterns = Markup("").join(
            Markup(
                '<pattern id="{}-{}" width="8" height="8" patternUnits="userSpaceOnUse">'
                '<path class="pat ln-{}" d="{}"/></pattern>'
            ).format(p, name, name, tile)
            for name, tile in tiles.items()
        )
        return Markup(
            '<svg class="swim {}" viewBox="0 0 {} {:g}" role="img" aria-labelledby="{}-t"'
            ' aria-describedby="story"><title id="{}-t">{}</title><defs>{}</defs>'
        ).format(
            "narrow" if self._frame.narrow else "wide",
            self._frame.width, height, p, p, title, patterns,
        )  # fmt: skip

    def ground(self, number: int, lane: Lane) -> Markup:
        """Draw the ground and the name of a lane."""
        name = self._words(f"{'short' if self._frame.narrow else 'lane'}.{lane.name}")
        crowd = f" ({lane.count})" if lane.count > CROWD else ""
        return Markup(
            '<rect class="lane{}" x="0" y="{:g}" width="{}" height="{:g}"/>'
            '<rect class="bar-{}" x="0" y="{:g}" width="4" height="{:g}" rx="2"/>'
            '<text class="lname" x="{}" y="{:g}">{}{}</text>'
        ).format(
            number % 2, lane.top, self._frame.width, lane.bottom - lane.top,
            lane.name, lane.top + 6, lane.bottom - lane.top - 12,
            9 if self._frame.narrow else 14, (lane.top + lane.bottom) / 2 + 4, name, crowd,
        )  # fmt: skip

    def axis(self, height: float) -> Markup:
        """Draw shaded days, ticks and their words."""
        x, parts = self._scale.x, []
        for low, high in weekends(self._window):
            parts.append(
                Markup('<rect class="we" x="{:.1f}" y="{}" width="{:.1f}" height="{:g}"/>').format(
                    x(low), AXIS, x(high) - x(low), height - AXIS - 8
                )
            )
        for instant, label in ticks(self._window, self._words, narrow=self._frame.narrow):
            if x(instant) > self._frame.width - (44 if self._frame.narrow else 60):
                continue
            parts.append(
                Markup(
                    '<path class="grid" d="M{:.1f} {}V{:g}"/>'
                    '<text class="tick halo" x="{:.1f}" y="{}">{}</text>'
                ).format(x(instant), AXIS - 6, height - 8, x(instant) + 3, AXIS - 12, label)
            )
        return Markup("").join(parts)

    def present(self, height: float) -> Markup:
        """Draw the line of now with its time."""
        if not self._window.low <= self._now <= self._window.high:
            return Markup("")
        at = self._scale.x(self._now)
        return Markup(
            '<path class="now" d="M{:.1f} {}V{:g}"/><text class="nowt" x="{:.1f}" y="{}"'
            ' text-anchor="middle">{}</text>'
        ).format(
            at, AXIS - 26, height - 8, min(at, self._frame.width - 48), AXIS - 32,
            self._words.tick(self._now, "d MMM HH:mm"),
        )  # fmt: skip

    def silence(self, silence: Silence, lane: Lane) -> Markup:
        """Hatch the time a feed said nothing."""
        a, b = self._scale.x(silence.start), self._scale.x(silence.end)
        label = ""
        if b - a >= 60:
            label = Markup('<text class="mlab halo" x="{:.1f}" y="{:g}">{}</text>').format(
                a + 6, lane.bottom - 8, self._words("path.silence")
            )
        return Markup(
            '<rect class="hush" fill="url(#{}-hush)" x="{:.1f}" y="{:g}" width="{:.1f}"'
            ' height="{:g}"/>{}'
        ).format(
            self._frame.prefix, a, lane.top + 3, b - a, lane.bottom - lane.top - 6, label
        )  # fmt: skip

    def stay(self, box: Box, lane: Lane) -> Markup:
        """Draw a bar: notch when it began earlier, arrow head when it goes on."""
        stay = box.item
        if not isinstance(stay, Stay):
            return Markup("")
        y, cut = box.y, 6 if stay.start < self._window.low else 0
        tip = min(7.0, box.x1 - box.x0) if stay.end is None and not stay.planned else 0.0
        outline = (
            f"M{box.x0:.1f} {y:g}H{box.x1 - tip:.1f}L{box.x1:.1f} {y + BAR / 2:g}"
            f"L{box.x1 - tip:.1f} {y + BAR:g}H{box.x0:.1f}"
            + (f"L{box.x0 + cut:.1f} {y + BAR / 2:g}Z" if cut else "Z")
        )
        pattern = Markup("")
        if stay.lane in _PATTERNED and not stay.planned and box.x1 - box.x0 > 10:
            pattern = Markup('<path fill="url(#{}-{})" d="{}"/>').format(
                self._frame.prefix, stay.lane, outline
            )
        away = Markup("").join(self._away(leave, box, stay.lane) for leave in stay.leaves)
        return Markup(
            '<g class="stay{}"><path class="tint-{}" d="{}"/>{}{}<path class="edge-{}" d="{}"/>{}'
            "</g>"
        ).format(
            " plan" if stay.planned else "", stay.lane, outline, pattern, away, stay.lane, outline,
            _label(box, y + 16, "lab halo", cut if box.at == box.x0 + 9 else 0),
        )  # fmt: skip

    def _away(self, leave: tuple[datetime, datetime | None], box: Box, lane: str) -> Markup:
        """Draw a leave: the bar is empty, a thin line goes through."""
        a, b = self._scale.x(leave[0]), self._scale.x(leave[1] or self._now)
        a, b, y = max(a, box.x0), min(b, box.x1), box.y
        if b - a < 1:
            return Markup("")
        return Markup(
            '<rect class="away" x="{:.1f}" y="{:g}" width="{:.1f}" height="{}"/>'
            '<path class="edge-{}" d="M{:.1f} {:g}H{:.1f}"/>'
        ).format(a, y, b - a, BAR, lane, a, y + BAR / 2, b)

    def hole(self, box: Box, wide: list[Box]) -> Markup:
        """Draw the hole: slot, delay, deadline, and the broken link from where the person left."""
        hole = box.item
        if not isinstance(hole, Hole):
            return Markup("")
        tone = "shut" if hole.closed else hole.gap.severity
        y, due, x = box.y, self._scale.x(hole.due), self._scale.x
        end = x(hole.closed or self._now)
        left = next((b for b in wide if _left_from(b, hole)), None)
        parts = [self._link(left, box, tone)] if left else []
        parts.append(
            Markup(
                '<rect class="hole {}" x="{:.1f}" y="{:g}" width="{:.1f}" height="{}" rx="3"/>'
            ).format(tone, box.x0, y, box.x1 - box.x0, BAR)
        )
        if end > due:
            parts.append(
                Markup(
                    '<rect class="over {}" x="{:.1f}" y="{:g}" width="{:.1f}" height="{}"/>'
                    '<path class="late {}" d="M{:.1f} {:g}H{:.1f}"/>'
                ).format(tone, due, y + 1, end - due, BAR - 2, tone, due, y + BAR, end)
            )
        parts.append(
            Markup('<path class="due {}" d="M{:.1f} {:g}l7 7-7 7-7-7Z"/>').format(
                tone, due, y + BAR / 2 - 7
            )
        )
        return Markup("").join([*parts, _label(box, y + 16, f"lab gap halo {tone}")])

    @staticmethod
    def _link(source: Box, slot: Box, tone: str) -> Markup:
        start = source.y + BAR if slot.y > source.y else source.y
        end = slot.y if slot.y > source.y else slot.y + BAR
        return Markup(
            '<path class="link {}" d="M{:.1f} {:g}V{:g}"/>'
            '<circle class="dot {}" cx="{:.1f}" cy="{:g}" r="3.5"/>'
        ).format(tone, slot.x0, start, end, tone, slot.x0, start)

    def mark(self, box: Box, lane: Lane) -> Markup:
        """Draw an instant; an imprecise one has a whisker to its upper bound."""
        mark = box.item
        if not isinstance(mark, Mark):
            return Markup("")
        x, y = self._scale.x(mark.at), box.y
        if lane.count > CROWD:
            return Markup('<path class="mk {}" d="M{:.1f} {:g}v10"/>').format(mark.kind, x, y - 5)
        whisker = Markup("")
        if mark.until:
            end = self._scale.x(mark.until)
            whisker = Markup('<path class="whisk" d="M{:.1f} {:g}H{:.1f}M{:.1f} {:g}v8"/>').format(
                x, y, end, end, y - 4
            )
        return Markup('{}<path class="mk {}{}" d="{}"/>{}').format(
            whisker, mark.kind, " soft" if mark.until else "", _shape(mark.kind, x, y),
            _label(box, y + 4, "mlab halo"),
        )  # fmt: skip


def _left_from(box: Box, hole: Hole) -> bool:
    """Tell whether a bar is the stay whose end started the expectation."""
    stay = box.item
    return (
        isinstance(stay, Stay)
        and stay.end is not None
        and stay.lane != hole.lane
        and abs((stay.end - hole.gap.anchor).total_seconds()) < 60
    )


def _label(box: Box, y: float, classes: str, shift: float = 0) -> Markup:
    if not box.words:
        return Markup("")
    return Markup('<text class="{}" x="{:.1f}" y="{:g}" text-anchor="{}">{}</text>').format(
        classes, box.at + shift, y, box.anchor, escape(box.words)
    )


def _shape(kind: str, x: float, y: float) -> str:
    """Return the outline of a mark: page, tick, cross, clock hand, tag or diamond."""
    shapes = {
        "doc": f"M{x - 4:.1f} {y - 6:g}h5l4 4v8h-9Z",
        "ok": f"M{x - 5:.1f} {y:g}l3.5 4 6-8",
        "ko": f"M{x - 4:.1f} {y - 4:g}l8 8m0-8-8 8",
        "wait": f"M{x - 5:.1f} {y - 4:g}l5 4-5 4M{x:.1f} {y - 4:g}l5 4-5 4",
        "ask": f"M{x - 5:.1f} {y - 5:g}h7l4 5-4 5h-7Z",
    }
    return shapes.get(kind, f"M{x:.1f} {y - 5:g}l5 5-5 5-5-5Z")
