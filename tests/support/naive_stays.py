"""Which stay a document is about, told naively; shares nothing with `gateway.pathway`."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from tests.support.naive_calendar import DAY, PARIS
from tests.support.naive_facts import Known, instant


def about(document: Known, stays: Sequence[Known]) -> list[Known]:
    """Return the stays a document fits best: none, one, or equal candidates."""
    found = [(_fit(document, stay), stay) for stay in stays]
    best = max((level for level, _stay in found), default=0)
    return [stay for level, stay in found if level == best and best > 0]


def _fit(document: Known, stay: Known) -> int:
    here, there = document.get("estab"), stay.get("estab")
    if here and there and here != there:
        return 0
    if document.get("visit") and stay.get("visit"):
        return 3 if document.get("visit") == stay.get("visit") else 0
    if not here or not there:
        return 0
    (start, end), (begun, ended) = _bounds(document), _bounds(stay)
    days = [one.astimezone(PARIS).date() for one in (start, end, begun, ended)]
    if days[0] > days[3] or days[1] < days[2]:
        return 0
    if abs(start - begun) < DAY and abs(end - ended) < DAY:
        return 2
    common = min(end, ended) - max(start, begun)
    whole = max(end, ended) - min(start, begun)
    return 2 if whole > timedelta(0) and common / whole > 0.8 else 1


def _bounds(fact: Known) -> tuple[datetime, datetime]:
    start, end = instant(fact.get("stay_start")), instant(fact.get("stay_end"))
    start = start or end or fact.te
    return start, end or max(start, fact.te)
