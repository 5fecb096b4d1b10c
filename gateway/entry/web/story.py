"""A path as an ordered list: the text alternative of the drawing, and the place of its links."""

from datetime import datetime

from markupsafe import Markup, escape

from gateway.entry.web.lanes import mark_words
from gateway.entry.web.timeline import Window
from gateway.entry.web.values import Hole, Mark, Path, Stay
from gateway.entry.web.words import Words


def story(path: Path, now: datetime, words: Words, window: Window | None = None) -> Markup:
    """Tell a path in words, oldest first.

    Args:
        path: what to tell.
        now: the present instant.
        words: of the language of the page.
        window: tell only what lies in it; None tells everything.
    """
    lines = [(s.start, _stay(s, now, words), "") for s in path.stays if _shown(s, window, now)]
    lines += [
        (leave[0], _leave(s, leave, now, words), "")
        for s in path.stays
        for leave in s.leaves
        if _inside(leave[0], window)
    ]
    lines += [(m.at, _mark(m, now, words), "") for m in path.marks if _inside(m.at, window)]
    for hole in path.holes:
        if _inside(hole.gap.anchor, window) or not hole.closed:
            tone = "" if hole.closed else "missing"
            lines.append((hole.gap.anchor, _hole(hole, now, words), tone))
    lines.sort(key=lambda line: line[0])
    items = [
        Markup("<li{}>{}</li>").format(Markup(' class="missing"') if tone else "", text)
        for _, text, tone in lines
    ]
    return Markup('<ol class="story" id="story">{}</ol>').format(Markup("").join(items))


def _inside(instant: datetime, window: Window | None) -> bool:
    return window is None or window.low <= instant <= window.high


def _shown(stay: Stay, window: Window | None, now: datetime) -> bool:
    if window is None:
        return True
    return stay.start < window.high and (stay.end or max(now, stay.start)) > window.low


def _time(instant: datetime, now: datetime, words: Words) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(
        instant.isoformat(), words.instant(instant, now)
    )


def _said(words: Words, key: str, **values: Markup | str) -> Markup:
    """Return a text of the catalogue, escaped, with values that may be markup already."""
    return escape(words(key)).format(**values)


def _stay(stay: Stay, now: datetime, words: Words) -> Markup:
    low = _time(stay.start, now, words)
    if stay.planned:
        when = _said(words, "path.planned_at", low=low)
    elif stay.end:
        when = _said(words, "path.from_to", low=low, high=_time(stay.end, now, words))
    else:
        when = _said(words, "path.since", low=low)
    return _line(stay.lane, stay.label or words("path.stay"), stay.link, when, words)


def _leave(
    stay: Stay, leave: tuple[datetime, datetime | None], now: datetime, words: Words
) -> Markup:
    low = _time(leave[0], now, words)
    if leave[1]:
        when = _said(words, "path.from_to", low=low, high=_time(leave[1], now, words))
    else:
        when = _said(words, "path.since", low=low)
    return _line(stay.lane, words("path.leave"), "", when, words)


def _mark(mark: Mark, now: datetime, words: Words) -> Markup:
    when = _time(mark.at, now, words)
    if mark.until:
        high = _time(mark.until, now, words)
        when = _said(words, "path.between", low=when, high=high)
    return _line(mark.lane, mark_words(mark, words), mark.link, when, words)


def _line(lane: str, label: str, link: str, when: Markup, words: Words) -> Markup:
    label = label or words("path.appointment")
    named = Markup("<bdi>{}</bdi>").format(label)
    if link:
        named = Markup('<a href="{}">{}</a>').format(link, named)
    return _said(words, "path.line", lane=words(f"lane.{lane}"), label=named, when=when)


def _hole(hole: Hole, now: datetime, words: Words) -> Markup:
    gap, due = hole.gap, _time(hole.due, now, words)
    if hole.closed:
        late = max(hole.closed - hole.due, hole.due - hole.due)
        tail = _said(
            words, "path.seen_late",
            when=_time(hole.closed, now, words), span=words.exact(late),
        )  # fmt: skip
    elif now > hole.due:
        tail = Markup("{}").format(words("path.not_seen", span=words.span(now - hole.due)))
    else:
        tail = Markup("{}").format(words("path.ahead"))
    label = Markup('<strong>{}, <a href="/gaps/{}">{}</a></strong>').format(
        words(f"lane.{hole.lane}"), gap.id, words.said(gap.name)
    )
    return _said(words, "path.line_hole", label=label, due=due, tail=tail)
