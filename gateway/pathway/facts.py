"""Facts: what remains of the assertions of one key.

The assertion of highest (revision, retraction, hash) wins; a winning retraction removes the fact
and is remembered, so an older original that arrives later does not bring it back. What a document
promises stands as long as the version that speaks for the document says it. A movement is told in
parts: a later word completes the earlier ones since the last retraction, and a correction alone
makes no fact. The result depends on the set of assertions, not on their order or number.

Event times are made usable here: whole seconds, an hour that exists twice settled where the
receipt or the sending excludes its second reading, instants in the future brought back to the
receipt.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from gateway.core.clock import CLOCKS_DIFFER
from gateway.core.events import ENDING, SAID_TOGETHER, STANDING, document_of, is_told_in_parts
from gateway.core.facts import Assertion, Attributes, Op, Received, Span
from gateway.core.timestamps import utc_seconds
from gateway.core.values import value
from gateway.pathway.corrected import word_of
from gateway.pathway.numbers import joined

#: A discharge is sometimes sent before it happens; beyond this its date is a wrong clock.
_PLANNED_AHEAD = timedelta(days=30)
_SECOND = timedelta(seconds=1)
_AMBIGUOUS = "tz-ambiguous"


@value(frozen=True, slots=True)
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
        #: Every word about what is told in parts, by key and hash.
        self._parts: dict[str, dict[str, Received]] = {}
        #: Keys that documents promise, by key of the document.
        self._promised: dict[str, set[str]] = {}
        self._facts: dict[str, Fact] = {}
        self._by_event: dict[str, dict[str, Fact]] = {}

    def add(self, received: Received) -> tuple[str, ...]:
        """Take one assertion in; return the events whose facts came, went or changed."""
        key = received.assertion.key
        if not self._hear(received):
            return ()
        changed = self._refresh(key)
        for promise in sorted(self._promised.get(key, ())):
            changed += self._refresh(promise)
        return changed

    def take(self, received: Iterable[Received]) -> None:
        """Take assertions in at once: each fact is made when all words about it were heard."""
        told = dict.fromkeys(one.assertion.key for one in received if self._hear(one))
        for key in list(told):
            told |= dict.fromkeys(sorted(self._promised.get(key, ())))
        for key in told:
            self._refresh(key)

    def _hear(self, received: Received) -> bool:
        """Take an assertion in; tell whether it may change what stands."""
        assertion = received.assertion
        key = assertion.key
        best = self._best.get(key)
        sooner = False
        if assertion.op is Op.ASSERT:
            learned = self._learned.get(key)
            if learned is None or received.at < learned:
                self._learned[key] = received.at
                sooner = True
        if assertion.event in STANDING or assertion.event in ENDING:
            self._standing.setdefault(key, []).append(assertion)
            sooner = True
        if is_told_in_parts(assertion.event):
            parts = self._parts.setdefault(key, {})
            known = parts.get(assertion.aid)
            if known is None or received.at < known.at:
                parts[assertion.aid] = received
                sooner = True
        if best is not None and not _outranks(received, best):
            return sooner
        self._best[key] = received
        document = document_of(assertion.event, assertion.attributes)
        if document:
            self._promised.setdefault(document, set()).add(key)
        return True

    def current(self) -> Mapping[str, Fact]:
        """Return the facts by key."""
        return self._facts

    def by_event(self) -> ByEvent:
        """Return the facts by event and key."""
        return self._by_event

    def _refresh(self, key: str) -> tuple[str, ...]:
        best = self._best[key]
        old = self._facts.get(key)
        attributes: Attributes | None = best.assertion.attributes
        if best.assertion.op is Op.RETRACT or self._is_dropped(best.assertion):
            attributes = None
        elif key in self._parts:
            attributes = _completed(self._parts[key].values())
        if attributes is None:
            if old is None:
                return ()
            del self._facts[key], self._by_event[old.event][key]
            return (old.event,)
        fact = _fact(best, attributes, self._learned[key], self._span(best.assertion))
        if old is not None:
            if old == fact:
                return ()
            # One key may change its event: an appointment is booked, then cancelled.
            del self._by_event[old.event][key]
        self._facts[key] = fact
        self._by_event.setdefault(fact.event, {})[key] = fact
        return (fact.event,) if old is None else (old.event, fact.event)

    def _is_dropped(self, promise: Assertion) -> bool:
        """Tell whether the document that promised it has a later version, or was taken back."""
        document = self._best.get(document_of(promise.event, promise.attributes))
        if document is None:
            return False
        said = document.assertion
        if said.op is Op.RETRACT:
            return said.revision >= promise.revision
        return said.revision > promise.revision

    def _span(self, assertion: Assertion) -> Span:
        said = self._standing.get(assertion.key)
        if said is None or assertion.event in ENDING:
            return assertion.when
        over = max(
            (a.revision for a in said if a.op is Op.RETRACT or a.event in ENDING), default=""
        )
        # Of one instant with its end, the word that remains is the first of its kind.
        since = (a.when for a in _last_said(said) if a.op is Op.ASSERT and a.revision > over)
        return min(since, default=assertion.when)


def reduce(received: Iterable[Received]) -> dict[str, Fact]:
    """Return the facts by key."""
    facts = Facts()
    facts.take(joined(received))
    return dict(facts.current())


def _rank(received: Received) -> tuple[str, bool, str]:
    assertion = received.assertion
    return assertion.revision, assertion.op is Op.RETRACT, assertion.aid


def _outranks(one: Received, other: Received) -> bool:
    """Tell whether an assertion wins over another; of equal ones the earliest receipt does."""
    rank, than = _rank(one), _rank(other)
    return rank > than or (rank == than and one.at < other.at)


def _last_said(words: Iterable[Assertion]) -> Iterable[Assertion]:
    """Return each word once, as it was said last by the right clock."""
    found: dict[str, Assertion] = {}
    for one in words:
        word = word_of(one.aid)
        if word not in found or found[word].revision < one.revision:
            found[word] = one
    return found.values()


def _completed(words: Iterable[Received]) -> Attributes | None:
    """Return what all words since the last retraction say together; None without assertion."""
    told: Attributes = {}
    stands = False
    last: dict[str, Received] = {}
    for one in sorted(words, key=_rank):
        # Said again by the right clock, a word takes the place it has there.
        last[word_of(one.assertion.aid)] = one
    for one in sorted(last.values(), key=_rank):
        said = one.assertion
        if said.op == Op.RETRACT:
            told, stands = {}, False
            continue
        stands = stands or said.op == Op.ASSERT
        told = _with_later(told, said.attributes)
    return told if stands else None


def _with_later(old: Attributes, new: Attributes) -> Attributes:
    """Complete what was told by a later word about the same movement."""
    if not old:
        return new
    gone = {other for first, others in SAID_TOGETHER.items() if first in new for other in others}
    if "mode" in new and old.get("mode", new["mode"]) != new["mode"]:
        # Another way out: the establishment that was named belongs to the old one.
        gone.add("destination_finess")
    return {**{name: value for name, value in old.items() if name not in gone}, **new}


def _fact(best: Received, attributes: Attributes, learned: datetime, when: Span) -> Fact:
    assertion = best.assertion
    flags = assertion.flags
    heard = best.heard_at or best.at
    low = _whole(when.low)
    if when.high <= when.low:
        high = low
    elif _AMBIGUOUS in flags:
        high = _whole(when.high)
        # The second reading would lie behind its own sending or receipt.
        if high > min(heard, assertion.sent_at) + CLOCKS_DIFFER >= low:
            high = low
            flags = tuple(flag for flag in flags if flag != _AMBIGUOUS)
    else:
        high = _whole(when.high) - _SECOND
    if low > heard + CLOCKS_DIFFER:
        planned = assertion.event == "ENC.DISCHARGE" and low <= heard + _PLANNED_AHEAD
        flags = (*flags, "future-event" if planned else "future-clamped")
        if not planned:
            low = high = _whole(heard)
    attributes = {
        **attributes,
        "source": assertion.source,
        "te": stamp(low),
        "tr": stamp(heard),
    }
    return Fact(
        assertion.key, assertion.event, assertion, low, high, learned, heard, attributes, flags
    )


def _whole(instant: datetime) -> datetime:
    return instant.replace(microsecond=0) if instant.microsecond else instant


@lru_cache(maxsize=8192)
def stamp(instant: datetime) -> str:
    """Return `Z` text in whole seconds."""
    return utc_seconds(instant)


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
