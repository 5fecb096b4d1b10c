"""The rate of a feed as a small drawing: an hour is a point, silence breaks the line."""

from datetime import timedelta

from markupsafe import Markup

from gateway.entry.web.ops.values import SourceRow
from gateway.entry.web.words import Words

_WIDTH, _HEIGHT = 120, 28
_HOUR = timedelta(hours=1)


def sparkline(row: SourceRow, words: Words) -> Markup:
    """Draw the messages of the last 24 hours; hours of a silence are no zeros.

    Args:
        row: the feed.
        words: of the reader.
    """
    values = _known(row)
    peak = max([*(v for v in values if v is not None), 1])
    points = [
        None if value is None else (_x(at, len(values)), _y(value, peak))
        for at, value in enumerate(values)
    ]
    path, pen = "", "M"
    for point in points:
        if point is None:
            pen = "M"
            continue
        path += f"{pen}{point[0]:.1f} {point[1]:.1f}"
        pen = "L"
    drawn = [point for point in points if point is not None]
    last = Markup("")
    if drawn:
        last = Markup('<circle class="end" cx="{:.1f}" cy="{:.1f}" r="2.6"/>').format(*drawn[-1])
    label = words(
        "feeds.rate_alt",
        total=words.number(sum(row.hours)),
        peak=words.number(max(row.hours)),
        last=words.number(row.hours[-1]),
    )
    return Markup(
        '<svg class="rate" viewBox="0 0 {} {}" role="img" aria-label="{}">'
        '<path class="run" d="{}"/>{}</svg>'
    ).format(_WIDTH, _HEIGHT, label, path, last)


def _known(row: SourceRow) -> list[int | None]:
    """Return the hours, None behind the last message of a feed that is silent."""
    if row.state != "silent":
        return list(row.hours)
    seen = max((at for at, count in enumerate(row.hours) if count), default=-1)
    return [count if at <= seen else None for at, count in enumerate(row.hours)]


def _x(at: int, count: int) -> float:
    return 3 + at * (_WIDTH - 6) / max(1, count - 1)


def _y(value: int, peak: int) -> float:
    return _HEIGHT - 4 - value / peak * (_HEIGHT - 8)
