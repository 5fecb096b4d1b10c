"""Up to when a feed is believed complete, at any past instant.

A gap needs more than silence about one patient: every feed that would bring the missing fact must
have spoken of the time after the deadline. Who was silent altogether is one alarm about the feed,
not one about each ward.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import itemgetter

from gateway.core.feed_ports import Trouble
from gateway.core.pathway_ports import PROVEN_AFTER, FeedState
from gateway.pathway.facts import Fact
from gateway.pathway.rules import Rule

NEVER = datetime.max.replace(tzinfo=UTC)
_ALWAYS = datetime.min.replace(tzinfo=UTC)
#: What an undeclared feed must have shown, beside `PROVEN_AFTER`, before anything waits for it.
_DAYS = timedelta(days=7)
_RECEIPT, _WATERMARK = itemgetter(0), itemgetter(1)


@dataclass(frozen=True, slots=True)
class _Feed:
    """One feed: since when it counts, and its (receipt, watermark) pairs, oldest first."""

    counts_from: datetime
    marks: Sequence[tuple[datetime, datetime]]


@dataclass(frozen=True, slots=True)
class Feeds:
    """All feeds, as they were at any instant."""

    known: Mapping[str, _Feed] = field(default_factory=dict)
    #: Finds what the marks at hand do not tell; remembers what was asked.
    _complete: Callable[[str, datetime], datetime | None] | None = None
    _found: dict[tuple[str, datetime], datetime] = field(default_factory=dict, compare=False)
    #: Silences of one event of a feed, in the order they were told.
    _partial: Sequence[Trouble] = ()

    @classmethod
    def of(
        cls,
        states: Iterable[FeedState] = (),
        declared: Iterable[str] = (),
        complete: Callable[[str, datetime], datetime | None] | None = None,
        troubles: Iterable[Trouble] = (),
    ) -> "Feeds":
        """Return feeds from what the store knows and the site tables declare.

        Args:
            states: every feed that has spoken.
            declared: feeds a site promises; they count from the start, silent ones too.
            complete: gives the receipt that made a feed complete up to an instant; with it, the
                newest mark of each state is enough.
            troubles: of all feeds; what one event of a feed would bring is waited for while
                that event is silent.
        """
        promised = frozenset(declared)
        known = {name: _Feed(_ALWAYS, ()) for name in promised}
        for state in states:
            known[state.feed] = _Feed(
                _ALWAYS if state.feed in promised else _counts_from(state),
                state.marks,
            )
        partial = sorted((one for one in troubles if one.lost), key=lambda one: one.told_at)
        return cls(known, complete, _partial=tuple(partial))

    def watermark(self, feed: str, at: datetime) -> datetime | None:
        """Return the instant up to which a feed was believed complete; None: nothing heard."""
        found = self.known.get(feed)
        place = bisect_right(found.marks, at, key=_RECEIPT) if found else 0
        return found.marks[place - 1][1] if found and place else None

    def needed(self, rule: Rule, trigger: Fact, theta: datetime) -> tuple[str, ...]:
        """Return the feeds an expectation waits for; only those that count when it is due.

        So a feed that comes to count later does not unsettle what was found without it.
        """
        if not self.known:
            return ()
        return tuple(
            name
            for name in _wanted(rule, trigger)
            if name in self.known and self.known[name].counts_from <= theta
        )

    def complete_at(self, needed: Iterable[str], deadline: datetime) -> datetime:
        """Return the receipt that made all of these complete up to the deadline.

        NEVER when one of them is not, so far.
        """
        latest = _ALWAYS
        for name in needed:
            marks = self.known[name].marks
            # Watermarks never go back, so the first that is late enough settles it.
            place = bisect_left(marks, deadline, key=_WATERMARK)
            if place == len(marks):
                return NEVER
            # An earlier mark that is not at hand may be late enough.
            earlier = self._earlier(name, deadline) if place == 0 else None
            latest = max(latest, earlier or marks[place][0])
        return latest

    def heard_again(
        self, needed: Sequence[str], rule: Rule, deadline: datetime, at: datetime
    ) -> datetime | None:
        """Return until when nobody knows whether a fact would have come.

        Args:
            needed: feeds that would bring it.
            rule: that awaits it.
            deadline: by which it was awaited.
            at: when its absence would be believed.

        Returns:
            The end of the silence of what brings it that had been told by then; NEVER while that
            lasts; None when nothing of the kind was silent.
        """
        found: datetime | None = None
        for one in self._partial:
            if one.feed not in needed or one.since >= deadline or rule.awaited.isdisjoint(one.lost):
                continue
            until = one.ended_at or NEVER
            if one.told_at <= (found or at) < until:
                found = until
        return found

    def _earlier(self, name: str, deadline: datetime) -> datetime | None:
        if self._complete is None:
            return None
        key = (name, deadline)
        if key not in self._found:
            found = self._complete(name, deadline)
            if found is None:
                return None
            self._found[key] = found
        return self._found[key]


def _counts_from(state: FeedState) -> datetime:
    if state.count < PROVEN_AFTER:
        return NEVER
    # Not before it had shown enough: what was found until then was found without it.
    return max(state.first_at + _DAYS, state.proven_at or state.first_at)


def _wanted(rule: Rule, trigger: Fact) -> list[str]:
    """Return the feeds of a rule by name, written or by default."""
    return feeds_of(rule, trigger.text("estab"), trigger.text("destination_finess"))


def feeds_of(rule: Rule, here: str, there: str) -> list[str]:
    """Return the feeds a rule waits for, from an establishment and from where one goes."""
    written = rule.written.needs_feed
    if written is None:
        places = {place for place in (here, there) if place}
        return sorted(f"{place}:{kind}" for place in places for kind in rule.feed_kinds)
    found = set()
    for name in written:
        place, _, kind = name.partition(":")
        known = {"trigger.establishment": here, "trigger.destination": there}.get(place, place)
        if known:
            found.add(f"{known}:{kind}")
    return sorted(found)
