"""Facts: what remains of the assertions of one key.

The assertion of highest (revision, retraction, hash) wins; a winning retraction removes the fact
and is remembered, so an older original that arrives later does not bring it back. The result
depends on the set of assertions, not on their order or number.

Event times are made usable here: whole seconds, an hour that exists twice settled where the
receipt or the sending excludes its second reading, instants in the future brought back to the
receipt.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from gateway.core.events import STANDING
from gateway.core.facts import Assertion, Attributes, Op, Received, Span

#: Difference of clocks that is no future.
_TOLERANCE = timedelta(minutes=5)
#: A discharge is sometimes sent before it happens; beyond this its date is a wrong clock.
_PLANNED_AHEAD = timedelta(days=30)
_SECOND = timedelta(seconds=1)
_AMBIGUOUS = "tz-ambiguous"


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact that stands.

    Attributes:
        low: event time, UTC, whole seconds; the first instant it may have been.
        high: the last second it may have been; equal to `low` when it is exact.
        learned: receipt of the first assertion of this key.
        received: receipt of the assertion that stands.
        attributes: what was asserted, with `source`, `te` and `tr`; `pathway.enrich` adds to it.
        flags: of the assertion, `future-clamped`, `future-event`.
    """

    key: str
    event: str
    assertion: Assertion
    low: datetime
    high: datetime
    learned: datetime
    received: datetime
    attributes: Attributes
    flags: tuple[str, ...] = ()

    def reaches(self, instant: datetime) -> bool:
        """Tell whether it may have happened at the instant or later."""
        return self.high >= instant

    def text(self, name: str) -> str:
        """Return a text attribute; empty when absent."""
        return str(self.attributes.get(name) or "")


#: Facts by event and key.
ByEvent = Mapping[str, Mapping[str, Fact]]


class Facts:
    """Grows with each receipt; knows whether anything changed."""

    def __init__(self) -> None:
        self._best: dict[str, Received] = {}
        self._learned: dict[str, datetime] = {}
        self._standing: dict[str, list[Assertion]] = {}
        self._facts: dict[str, Fact] = {}
        self._by_event: dict[str, dict[str, Fact]] = {}

    def add(self, received: Received) -> tuple[str, ...]:
        """Take one assertion in; return the events whose facts came, went or changed."""
        assertion = received.assertion
        key = assertion.key
        best = self._best.get(key)
        sooner = False
        if assertion.op is Op.ASSERT:
            learned = self._learned.get(key)
            if learned is None or received.at < learned:
                self._learned[key] = received.at
                sooner = True
        if assertion.event in STANDING:
            self._standing.setdefault(key, []).append(assertion)
            sooner = True
        if best is None or _rank(received) > _rank(best):
            self._best[key] = received
        elif not sooner:
            return ()
        return self._refresh(key)

    def current(self) -> Mapping[str, Fact]:
        """Return the facts by key."""
        return self._facts

    def by_event(self) -> ByEvent:
        """Return the facts by event and key."""
        return self._by_event

    def _refresh(self, key: str) -> tuple[str, ...]:
        best = self._best[key]
        old = self._facts.get(key)
        if best.assertion.op is Op.RETRACT:
            if old is None:
                return ()
            del self._facts[key], self._by_event[old.event][key]
            return (old.event,)
        fact = _fact(best, self._learned[key], self._span(best.assertion))
        if old is not None:
            if old == fact:
                return ()
            # One key may change its event: an appointment is booked, then cancelled.
            del self._by_event[old.event][key]
        self._facts[key] = fact
        self._by_event.setdefault(fact.event, {})[key] = fact
        return (fact.event,) if old is None else (old.event, fact.event)

    def _span(self, assertion: Assertion) -> Span:
        said = self._standing.get(assertion.key)
        if said is None:
            return assertion.when
        taken_back = max((a.revision for a in said if a.op is Op.RETRACT), default="")
        return min(a.when for a in said if a.op is Op.ASSERT and a.revision > taken_back)


def reduce(received: Iterable[Received]) -> dict[str, Fact]:
    """Return the facts by key."""
    facts = Facts()
    for one in received:
        facts.add(one)
    return dict(facts.current())


def _rank(received: Received) -> tuple[str, bool, str, datetime]:
    assertion = received.assertion
    # The last part keeps the earliest receipt of equal assertions, whatever their order.
    return assertion.revision, assertion.op is Op.RETRACT, assertion.aid, _sooner(received.at)


def _sooner(at: datetime) -> datetime:
    """Turn the order of instants round."""
    return datetime.max.replace(tzinfo=UTC) - (at - datetime.min.replace(tzinfo=UTC))


def _fact(best: Received, learned: datetime, when: Span) -> Fact:
    assertion = best.assertion
    flags = assertion.flags
    low = _whole(when.low)
    if when.high <= when.low:
        high = low
    elif _AMBIGUOUS in flags:
        high = _whole(when.high)
        # The second reading would lie behind its own sending or receipt.
        if high > min(best.at, assertion.sent_at) + _TOLERANCE >= low:
            high = low
            flags = tuple(flag for flag in flags if flag != _AMBIGUOUS)
    else:
        high = _whole(when.high) - _SECOND
    if low > best.at + _TOLERANCE:
        planned = assertion.event == "ENC.DISCHARGE" and low <= best.at + _PLANNED_AHEAD
        flags = (*flags, "future-event" if planned else "future-clamped")
        if not planned:
            low = high = _whole(best.at)
    attributes = {
        **assertion.attributes,
        "source": assertion.source,
        "te": stamp(low),
        "tr": stamp(best.at),
    }
    return Fact(
        assertion.key, assertion.event, assertion, low, high, learned, best.at, attributes, flags
    )


def _whole(instant: datetime) -> datetime:
    return instant.replace(microsecond=0) if instant.microsecond else instant


@lru_cache(maxsize=8192)
def stamp(instant: datetime) -> str:
    """Return `Z` text in whole seconds."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache(maxsize=8192)
def instant_of(text: object) -> datetime | None:
    """Read an instant attribute, UTC; None when it is absent or no instant."""
    if not isinstance(text, str):
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return read.astimezone(UTC) if read.tzinfo else None
