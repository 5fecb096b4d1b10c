"""Small drawings of the first page: deadlines of today on their hours, messages per hour."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from markupsafe import Markup

from gateway.core.timestamps import PARIS
from gateway.entry.web.words import Words

_LEFT, _RIGHT, _BASE, _TOP = 10.0, 710.0, 60.0, 3


def day_strip(due: Sequence[tuple[datetime, str]], now: datetime, words: Words) -> Markup:
    """Draw the deadlines of today: a shape per severity, stacked where they touch."""
    by_hour = Counter(instant.astimezone(PARIS).hour for instant, _ in due)
    listed = ", ".join(
        words("overview.due_alt_one", hour=f"{hour:02}", number=by_hour[hour])
        for hour in sorted(by_hour)
    )
    parts = [
        Markup(
            '<svg class="day" viewBox="0 0 720 96" role="img" aria-label="{}">'
            '<path class="ax" d="M10 70H710"/>'
        ).format(words("overview.due_alt", list=listed))
    ]
    for hour in range(0, 24, 3):
        at = _LEFT + hour / 24 * (_RIGHT - _LEFT)
        parts.append(Markup('<text x="{:.0f}" y="88">{:02} h</text>').format(at, hour))
    taken: list[float] = []
    for instant, severity in sorted(due):
        x = _at(instant)
        level = sum(abs(x - other) < 17 for other in taken)
        taken.append(x)
        y = _BASE - 18 * min(level, _TOP)
        parts.append(Markup('<path class="d {}" d="{}"/>').format(severity, _shape(severity, x, y)))
    at = _at(now)
    side = "end" if at > 60 else "start"
    parts.append(
        Markup(
            '<path class="nw" d="M{:.1f} 4V76"/><text class="nt" x="{:.1f}" y="14"'
            ' text-anchor="{}">{}</text></svg>'
        ).format(at, at - 6 if side == "end" else at + 6, side, words.hour(now))
    )
    return Markup("").join(parts)


def flow_bars(flow: Sequence[int], words: Words) -> Markup:
    """Draw messages per hour; an hour without any is a gap, the last one is marked."""
    if not any(flow):
        return Markup("")
    peak, width = max(flow), 96 / len(flow)
    bars = [
        Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
            "last" if number == len(flow) - 1 else "",
            number * width,
            26 - max(1.5, count / peak * 26),
            width - 1,
            max(1.5, count / peak * 26),
        )
        for number, count in enumerate(flow)
        if count
    ]
    label = words("overview.flow_alt", peak=words.number(peak), last=words.number(flow[-1]))
    return Markup(
        '<svg class="spark" viewBox="0 0 96 26" role="img" aria-label="{}">{}</svg>'
    ).format(label, Markup("").join(bars))


def _at(instant: datetime) -> float:
    local = instant.astimezone(PARIS)
    return _LEFT + (local.hour + local.minute / 60) / 24 * (_RIGHT - _LEFT)


def _shape(severity: str, x: float, y: float) -> str:
    """Return an octagon, a triangle or a disc around a point."""
    if severity == "critical":
        return f"M{x - 3:.1f} {y - 7:g}h6l4 4v6l-4 4h-6l-4-4v-6Z"
    if severity == "major":
        return f"M{x:.1f} {y - 7:g}l8 14h-16Z"
    return f"M{x:.1f} {y - 7:g}a7 7 0 1 0 .01 0Z"
