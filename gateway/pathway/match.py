"""Which facts answer an expectation: patterns, correlation with the trigger, order of time."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.core.facts import Attributes
from gateway.pathway.facts import Fact
from gateway.pathway.rules import Pattern
from gateway.pathway.stays import StayMatches

_DOCUMENT_IDS = ("doc", "setid", "uid")
_NO_TIME = timedelta(0)


@dataclass(frozen=True, slots=True)
class _InTime:
    """Facts in order of (event time, key)."""

    lows: Sequence[datetime]
    facts: Sequence[Fact]
    widest: timedelta

    def since(self, instant: datetime | None) -> Iterable[Fact]:
        """Give the facts that may have happened at the instant or later; None gives all."""
        if instant is None or not self.facts:
            return self.facts
        # A fact known by its day begins up to a day before the instant it may have happened at.
        place = bisect_left(self.lows, instant - self.widest)
        if not self.widest:
            return self.facts[place:]
        return [fact for fact in self.facts[place:] if fact.reaches(instant)]


class Index:
    """The facts of one person by event."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self.by_event: dict[str, list[Fact]] = defaultdict(list)
        for fact in facts:
            self.by_event[fact.event].append(fact)
        self._lists: dict[frozenset[str], _InTime] = {}

    def of(self, events: frozenset[str]) -> _InTime:
        """Return the facts of these events in order of time."""
        found = self._lists.get(events)
        if found is None:
            if len(events) > len(self.by_event):
                names = [event for event in self.by_event if event in events]
            else:
                names = [event for event in events if event in self.by_event]
            facts = [fact for name in names for fact in self.by_event[name]]
            facts.sort(key=in_time)
            found = self._lists[events] = _InTime(
                [fact.low for fact in facts],
                facts,
                max((fact.high - fact.low for fact in facts), default=_NO_TIME),
            )
        return found


def matches(pattern: Pattern, fact: Fact, trigger: Fact, stays: StayMatches) -> bool:
    """Tell whether a fact of the pattern's events answers the trigger."""
    if fact.key == trigger.key or not pattern.where(fact.attributes, trigger.attributes):
        return False
    for name in pattern.match:
        if name == "stay":
            found = stays.of(fact)
            if len(found) != 1 or found[0].key != trigger.key:
                return False
        elif name == "doc":
            if not _same_document(fact.attributes, trigger.attributes):
                return False
        elif not _same(name, fact.attributes, trigger.attributes):
            return False
    return True


def is_candidate(pattern: Pattern, fact: Fact, trigger: Fact, stays: StayMatches) -> bool:
    """Tell whether a document fits this stay no better than another one."""
    if "stay" not in pattern.match or not pattern.where(fact.attributes, trigger.attributes):
        return False
    found = stays.of(fact)
    return len(found) > 1 and any(one.key == trigger.key for one in found)


def first(
    patterns: Iterable[Pattern],
    index: Index,
    trigger: Fact,
    since: datetime | None,
    stays: StayMatches,
) -> Fact | None:
    """Return the earliest fact of any pattern that answers the trigger."""
    best: Fact | None = None
    for pattern in patterns:
        for fact in index.of(pattern.events).since(since):
            if best is not None and in_time(fact) >= in_time(best):
                break
            if matches(pattern, fact, trigger, stays):
                best = fact
                break
    return best


def in_time(fact: Fact) -> tuple[datetime, str]:
    """Order facts by event time; the key settles equal times."""
    return fact.low, fact.key


def _same(name: str, fact: Attributes, trigger: Attributes) -> bool:
    value = fact.get(name)
    if value is None or value != trigger.get(name):
        return False
    # A visit number is that of an establishment.
    here, there = fact.get("estab"), trigger.get("estab")
    return name != "visit" or not here or not there or here == there


def _same_document(fact: Attributes, trigger: Attributes) -> bool:
    known = {trigger.get(name) for name in _DOCUMENT_IDS} - {None, ""}
    return any(fact.get(name) in known for name in _DOCUMENT_IDS)
