"""What the templates need beside the data: the sentence at the top, drawings, groups of counts."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson
from markupsafe import Markup

from gateway.core.deliveries import DeliveryStatus as D
from gateway.core.facts import Status
from gateway.core.messages import Channel, InboxStatus
from gateway.core.timestamps import PARIS
from gateway.entry.web.data import MessagePage, Overview
from gateway.entry.web.lanes import NARROW, WIDE
from gateway.entry.web.segments import segments, shown_text, trace_groups
from gateway.entry.web.story import story
from gateway.entry.web.strip import day_strip, flow_bars
from gateway.entry.web.swimlane import swimlane
from gateway.entry.web.timeline import ZOOMS, Window
from gateway.entry.web.values import GapPage, Path
from gateway.entry.web.words import Words
from gateway.pipeline.document_timeline import DocumentTimeline

#: Deliveries as people ask for them.
DELIVERY_GROUPS: Mapping[str, tuple[D, ...]] = {
    "trouble": (D.REFUSED, D.GIVEN_UP, D.HELD),
    "waiting": (D.QUEUED, D.SENDING, D.RETRY_WAIT),
    "sent": (D.SENT,),
    "confirmed": (D.CONFIRMED,),
}
_HELD = (InboxStatus.QUARANTINED, InboxStatus.FAILED)
_FEEDS_SHOWN = 5
#: Symbols of moments; the others have that of time.
_MOMENT_ICONS: Mapping[str, str] = {
    "received": "doc",
    "converted": "doc",
    "delivered": "check",
    "read": "check",
    "gap_closed": "check",
    "withdrawn_there": "check",
    "refused": "alert",
    "given_up": "alert",
    "held": "alert",
    "gap_opened": "alert",
}


def overview(page: Overview, now: datetime, words: Words) -> dict[str, Any]:
    """Return what the first page says: its headline is the answer."""
    feeds = sorted(page.feeds, key=lambda feed: (feed.state != "silent", feed.name))
    shown = feeds[: max(_FEEDS_SHOWN, sum(feed.state == "silent" for feed in feeds))]
    return {
        "headline": _headline(page, now, words),
        "lead": _lead(page, words),
        "critical": sum(row.total for row in page.ages if row.severity == "critical"),
        "silent": sum(feed.state == "silent" for feed in page.feeds),
        "shown_feeds": shown,
        "more_feeds": len(feeds) - len(shown),
        "strip": day_strip(page.due, now, words),
        "flow": flow_bars(page.flow, words),
        "messages": [
            (status, page.inbox.get(status, 0))
            for status in InboxStatus
            if page.inbox.get(status) or status in (InboxStatus.CONVERTED, InboxStatus.QUARANTINED)
        ],
        "deliveries": delivery_groups(page.outbox) if any(page.outbox.values()) else (),
    }


def document(page: DocumentTimeline) -> dict[str, Any]:
    """Return what the page of a document says beside its moments."""
    shown = orjson.loads(page.body) if page.body else {}
    kind = shown.get("type", {})
    codings = kind.get("coding") or [{}]
    title = shown.get("description") or kind.get("text") or codings[0].get("display", "")
    return {
        "page": page,
        "title": str(title),
        "status": str(shown.get("status", "")),
        "symbols": _MOMENT_ICONS,
        "links": (
            ("DocumentReference", f"/fhir/DocumentReference/{page.id}"),
            ("Provenance", f"/fhir/Provenance?target=DocumentReference/{page.id}"),
        ),
    }


def delivery_groups(counts: Mapping[D, int]) -> list[tuple[str, int]]:
    """Return how many deliveries each group has."""
    return [
        (name, sum(counts.get(status, 0) for status in statuses))
        for name, statuses in DELIVERY_GROUPS.items()
    ]


def _headline(page: Overview, now: datetime, words: Words) -> str:
    hour = now.astimezone(PARIS).hour
    part = "morning" if 5 <= hour < 12 else "afternoon" if 12 <= hour < 19 else "night"
    if page.persons_to_call:
        return words(f"overview.call_{part}", n=page.persons_to_call)
    return words(f"overview.calm_{part}")


def _lead(page: Overview, words: Words) -> str:
    """Say what happened and what is coming."""
    if not page.feeds and not page.inbox:
        return words("overview.no_feed")
    if not page.open_gaps and not page.due:
        return words("overview.first_day", n=len(page.feeds))
    parts = []
    if page.open_gaps:
        parts.append(words("overview.missed", n=page.open_gaps))
    if page.due:
        parts.append(words("overview.coming", time=words.hour(min(page.due)[0])))
    text = ", ".join(parts) + "."
    text = text[0].upper() + text[1:]
    return text if page.due else f"{text} {words('overview.rest')}"


def gap(page: GapPage, now: datetime, words: Words) -> dict[str, Any]:
    """Return the verdict of a gap, and the path around it."""
    low, high = page.gap.anchor, max(page.gap.closed_at or now, page.gap.deadline or now)
    window = Window.around(low, high)
    return {
        "verdict": _verdict(page, now, words),
        "drawing": _drawing(page.around, window, now, words),
        "story": story(page.around, now, words, window),
        "history": _history(page),
    }


def _history(page: GapPage) -> list[tuple[datetime, str, Any]]:
    """Return what the engine found and what people did, the newest first."""
    told: list[tuple[datetime, str, Any]] = [(one.instant, "ledger", one) for one in page.history]
    told += [(one.at, "work", one) for one in (page.work.history if page.work else ())]
    return sorted(told, key=lambda one: one[0], reverse=True)


def _verdict(page: GapPage, now: datetime, words: Words) -> str:
    shown = page.gap
    if shown.status is Status.UNCONFIRMED:
        return words("gap.unconfirmed")
    if shown.feed_down and shown.is_open:
        return words("gap.feed_down")
    if shown.closed_at is None:
        return ""
    if shown.status is Status.MET and shown.opened_at:
        return words("gap.closed_in_time")
    when = words.instant(shown.closed_at, now)
    if shown.status is Status.MET_LATE and shown.deadline:
        return words(
            "gap.closed_late", when=when, span=words.exact(shown.closed_at - shown.deadline)
        )
    return "" if shown.status is Status.MET else words("gap.closed_void", when=when)


def path(page: Path, zoom: str, now: datetime, words: Words) -> dict[str, Any]:
    """Return the drawing of a path at a zoom, and the same path in words."""
    window = Window.of_zoom(zoom, page, now)
    return {
        "zooms": ZOOMS,
        "chosen_zoom": zoom,
        "range_words": words(
            "path.from_to", low=words.day(window.low), high=words.day(window.high)
        ),
        "drawing": _drawing(page, window, now, words),
        "story": story(page, now, words),
    }


def fitting_zoom(page: Path, now: datetime) -> str:
    """Return the smallest zoom that shows something: a path of last year is not an empty one."""
    latest = [s.end or now for s in page.stays] + [m.at for m in page.marks]
    latest += [hole.closed or now for hole in page.holes]
    age = now - max(latest, default=now)
    if age < timedelta(days=20):
        return "30d"
    return "6m" if age < timedelta(days=150) else "all"


def _drawing(shown: Path, window: Window, now: datetime, words: Words) -> Markup:
    count = sum(hole.gap.is_open for hole in shown.holes)
    title = words(
        "path.drawing",
        name=shown.person.name or words("person.nameless"),
        low=words.day(window.low),
        high=words.day(window.high),
        open=words("path.open_gaps", n=count) if count else words("path.no_gap"),
    )
    return Markup("").join(
        swimlane(shown, window, now, words, frame, title) for frame in (WIDE, NARROW)
    )


def message(page: MessagePage, *, revealed: bool = False) -> dict[str, Any]:
    """Return a message cut into fields, its trace, and whether somebody may act on it.

    Args:
        page: the input.
        revealed: somebody said why they have to read it, and that was noted.
    """
    groups = trace_groups(page.trace, revealed=revealed)
    text, folded = shown_text(page.body, page.charset)
    is_document = page.line.channel == Channel.CDA
    return {
        "page": page,
        "held": page.line.status in _HELD,
        "revealed": revealed,
        "traces": groups,
        "segments": () if is_document else segments(text, groups, revealed=revealed),
        "text": text if revealed else "",
        "folded": folded if revealed else 0,
    }


def done(what: str, page: MessagePage, words: Words) -> str:
    """Say what a form did, once the page shows it."""
    if what == "retry":
        return words("message.done_retry", status=words(f"messages.one_{page.line.status}").lower())
    return words("message.done_discard") if what == "discard" else ""
