"""Which stay a document is about.

A visit number decides. Without one the document fits the stays of its establishment that its own
interval touches, by days of Paris, since documents often carry dates only. A document that fits
several stays equally is about none of them: a guess closes nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import IntEnum

from gateway.core.facts import Attributes
from gateway.pathway.calendar import local
from gateway.pathway.facts import Fact, instant_of

_DAY = timedelta(days=1)
#: Share of the common time in the whole, from which two intervals are the same stay.
_SAME = 0.8


class Fit(IntEnum):
    """How well a document fits a stay."""

    NONE = 0
    #: Intervals touch.
    TOUCHES = 1
    #: Both ends agree within a day, or nearly all of the time is common.
    AGREES = 2
    #: Same visit number.
    VISIT = 3


def fit(document: Fact, stay: Fact) -> Fit:
    """Tell how well a document fits the stay of a movement."""
    said, known = document.attributes, stay.attributes
    here, there = said.get("estab"), known.get("estab")
    if here and there and here != there:
        return Fit.NONE
    visit = said.get("visit")
    if visit and known.get("visit"):
        return Fit.VISIT if visit == known["visit"] else Fit.NONE
    if not here or not there:
        return Fit.NONE
    start, end = _interval(said, document.low)
    known_start, known_end = _interval(known, stay.low)
    if local(start).date() > local(known_end).date():
        return Fit.NONE
    if local(end).date() < local(known_start).date():
        return Fit.NONE
    return Fit.AGREES if _agree(start, end, known_start, known_end) else Fit.TOUCHES


def best_fits(document: Fact, stays: Iterable[Fact]) -> Sequence[Fact]:
    """Return the stays a document fits best: none, the one it is about, or equal candidates."""
    best: list[Fact] = []
    level = Fit.TOUCHES
    for stay in stays:
        found = fit(document, stay)
        if found > level:
            best, level = [stay], found
        elif found == level:
            best.append(stay)
    return best


class StayMatches:
    """Which of some stays each document is about."""

    def __init__(self, stays: Iterable[Fact]) -> None:
        self._by_visit: dict[str, list[Fact]] = defaultdict(list)
        for stay in stays:
            self._by_visit[stay.text("visit")].append(stay)
        self._found: dict[str, Sequence[Fact]] = {}

    def of(self, document: Fact) -> Sequence[Fact]:
        """Return one stay, none, or several that fit equally."""
        found = self._found.get(document.key)
        if found is None:
            visit = document.text("visit")
            if visit:
                stays = [*self._by_visit.get(visit, ()), *self._by_visit.get("", ())]
            else:
                stays = [one for group in self._by_visit.values() for one in group]
            found = self._found[document.key] = best_fits(document, stays)
        return found


def _interval(attributes: Attributes, when: datetime) -> tuple[datetime, datetime]:
    """Return the stay that is said; a missing end is the time of the fact itself."""
    start = instant_of(attributes.get("stay_start"))
    end = instant_of(attributes.get("stay_end"))
    if start is None:
        start = end or when
    if end is None:
        end = max(start, when)
    return start, end


def _agree(start: datetime, end: datetime, other_start: datetime, other_end: datetime) -> bool:
    if abs(start - other_start) < _DAY and abs(end - other_end) < _DAY:
        return True
    common = (min(end, other_end) - max(start, other_start)).total_seconds()
    whole = (max(end, other_end) - min(start, other_start)).total_seconds()
    return whole > 0 and common / whole > _SAME
