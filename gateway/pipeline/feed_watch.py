"""Watch over feeds: tell as facts what is wrong with them, and when it is over.

A step compares, once a minute, when each feed and each event of it was last heard with the time
after which it is taken for silent (`pathway.silence`). What it finds is kept as a trouble and
asserted, in one transaction, so that it is told once whoever steps, how often, and after any
crash. The facts are about the feed (`core.facts.feed_subject`); what follows from them is left to
the rules, like what follows from the facts of a person.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

import structlog

from gateway.core.clock import Clock
from gateway.core.contributions import Target
from gateway.core.facts import Assertion, Op, Span, feed_subject
from gateway.core.feed_ports import WHOLE, Ailment, FeedPart, Trouble
from gateway.core.ports import Store, Transaction
from gateway.core.timestamps import utc_seconds
from gateway.pathway.calendar import region_of
from gateway.pathway.silence import WEEKS, Habit, silent_at
from gateway.pipeline import cancellations
from gateway.pipeline.feed_ailments import (
    Change,
    learn_delays,
    new_delays,
    refusals,
    wrong_clocks,
)
from gateway.pipeline.watch import WatchSettings

_log = structlog.get_logger()
#: What is asserted, with its attributes.
ASSERTS = {
    "FEED.SILENT": frozenset({"feed"}),
    "FEED.ALIVE": frozenset({"feed"}),
    "FEED.SKEW": frozenset({"feed", "skew_s"}),
    "FEED.REJECTS": frozenset({"feed", "rejects"}),
    "FEED.DRAINED": frozenset({"feed"}),
}
#: What tells that it begins, and that it is over.
_EVENTS = {
    Ailment.SILENT: ("FEED.SILENT", "FEED.ALIVE"),
    Ailment.SKEWED: ("FEED.SKEW", "FEED.SKEW"),
    Ailment.REJECTING: ("FEED.REJECTS", "FEED.DRAINED"),
}
#: No silence is shorter, `pathway.silence`.
_SHORTEST = timedelta(minutes=15)
#: Hours that are learned from, and the silence before they are asked for.
_KEPT = timedelta(weeks=WEEKS + 5)
#: An event whose silence would only be found after so long comes too seldom to miss it.
_SELDOM = timedelta(days=2)
_FORGET_EVERY = timedelta(days=1)
_SETTLE_EVERY = timedelta(minutes=15)
#: Facts of feeds are numbered far below the rows of the outbox: no input says them.
_NUMBERS = -(1 << 61)
_FINESS = 9
_SECOND = timedelta(seconds=1)


@dataclass(slots=True)
class FeedWatch:
    """Compares when feeds were heard with their habits."""

    store: Store
    clock: Clock
    settings: WatchSettings
    #: Events of facts that a part of a feed brings, by its event.
    brings: Mapping[str, frozenset[str]] = field(default_factory=dict)
    #: Inputs of a feed that may be refused in an hour.
    rejects: int = 10
    #: When a part that was last heard at an instant falls silent: a pure function of both.
    _due: dict[tuple[str, str], tuple[datetime, datetime | None]] = field(default_factory=dict)
    _forgot_at: datetime | None = None
    _settled_at: datetime | None = None

    async def step(self) -> int:
        """Tell what changed; return how many facts that is.

        Raises:
            RetriableError: the store is away; nothing of the step is kept.
        """
        now = self.clock.now() - self.settings.lag
        await self._keep_house(now)
        if not await self.store.read(lambda tx: self._changes(tx, now)):
            return 0
        # Found again where it is told: a message may have come meanwhile.
        told = await self.store.write(self._tell)
        if told:
            _log.warning("feeds_changed", count=told)
        return told

    def _tell(self, tx: Transaction) -> int:
        # The instant is that of the transaction: no look before it knew what is told.
        now = self.clock.now() - self.settings.lag
        return tell(tx, self._changes(tx, now), now)

    async def next_silence(self) -> datetime | None:
        """Return when the first feed will fall silent unless it speaks, for a virtual clock."""
        return await self.store.read(self._next)

    async def _keep_house(self, now: datetime) -> None:
        if self._forgot_at is None or now >= self._forgot_at + _FORGET_EVERY:
            self._forgot_at = now
            await self.store.write(lambda tx: tx.feeds.forget(now - _KEPT))
        if self._settled_at is None or now >= self._settled_at + _SETTLE_EVERY:
            self._settled_at = now
            come = await self.store.read(lambda tx: cancellations.settled(tx, now))
            if come:
                await self.store.write(lambda tx: tx.feeds.settle_cancelled(come))
        if await self.store.read(lambda tx: list(new_delays(tx, tx.feeds.usual_delays()))):
            await self.store.write(learn_delays)

    def _next(self, tx: Transaction) -> datetime | None:
        watched = _Watched(tx)
        dues = (self._silent_at(tx, part, watched) for part in watched.speaking)
        return min((due for due in dues if due is not None), default=None)

    def _changes(self, tx: Transaction, now: datetime) -> list[Change]:
        watched = _Watched(tx)
        lasting = tx.feeds.troubles(lasting=True)
        return [
            *_ends(tx, watched),
            *self._silences(tx, watched, now),
            *refusals(tx, lasting, now, self.rejects),
            *wrong_clocks(tx, lasting, now),
        ]

    def _silences(self, tx: Transaction, watched: "_Watched", now: datetime) -> Iterator[Change]:
        silent = {one.feed for one in watched.lasting if one.event == WHOLE}
        for part in watched.speaking:
            if part.feed in silent or watched.heard(part) > now - _SHORTEST:
                continue
            due = self._silent_at(tx, part, watched)
            if due is not None and due <= now:
                # Of a feed that is silent altogether, no part is told of beside it.
                silent |= {part.feed} if part.event == WHOLE else set()
                lost = self._lost(tx, part, watched, now)
                yield Change(
                    Trouble(part.feed, part.event, Ailment.SILENT, part.last_at, now, lost=lost)
                )

    def _lost(
        self, tx: Transaction, part: FeedPart, watched: "_Watched", now: datetime
    ) -> tuple[str, ...]:
        """Return the events of facts that came by an event of a feed, for the most part."""
        mine = self.brings.get(part.event, frozenset())
        counts = {
            other.event: sum(
                hour.messages
                for hour in tx.feeds.hours(other.feed, other.event, now - timedelta(weeks=WEEKS))
            )
            for other in watched.parts.values()
            if other.feed == part.feed and mine & self.brings.get(other.event, frozenset())
        }
        own = counts.get(part.event, 0)
        return tuple(
            sorted(
                fact
                for fact in mine
                if 2 * own >= sum(n for event, n in counts.items() if fact in self.brings[event])
            )
        )

    def _silent_at(self, tx: Transaction, part: FeedPart, watched: "_Watched") -> datetime | None:
        key, heard = (part.feed, part.event), watched.heard(part)
        known = self._due.get(key)
        if known is None or known[0] != heard:
            hours = tx.feeds.hours(part.feed, part.event, heard - timedelta(weeks=WEEKS + 1))
            minutes = {one.hour: one.minutes for one in hours}
            habit = Habit(minutes, part.first_at, region_of(_finess(part.feed)))
            due = silent_at(heard, habit)
            if part.event and due is not None and due > heard + _SELDOM:
                due = None
            known = self._due[key] = (heard, due)
        return known[1]


class _Watched:
    """Feeds with their silences, as one transaction sees them."""

    def __init__(self, tx: Transaction) -> None:
        silences = [one for one in tx.feeds.troubles() if one.ailment is Ailment.SILENT]
        self.lasting = [one for one in silences if one.ended_at is None]
        self.parts: Mapping[tuple[str, str], FeedPart] = {
            (part.feed, part.event): part for part in tx.feeds.parts()
        }
        told = {(one.feed, one.event) for one in self.lasting}
        #: Parts whose silence is not told, a feed before its events.
        self.speaking = [part for key, part in self.parts.items() if key not in told]
        self._back: dict[str, datetime] = {}
        for one in silences:
            if one.event == WHOLE and one.ended_at is not None:
                self._back[one.feed] = max(one.ended_at, self._back.get(one.feed, one.ended_at))

    def heard(self, part: FeedPart) -> datetime:
        """Return since when a part is waited for: while its feed was silent nobody could know."""
        return max(part.last_at, self._back.get(part.feed, part.last_at))


def _ends(tx: Transaction, watched: _Watched) -> Iterator[Change]:
    for trouble in watched.lasting:
        part = watched.parts.get((trouble.feed, trouble.event))
        if part is not None and part.last_at > trouble.since:
            yield Change(trouble, _back_at(tx, trouble, part))


def _back_at(tx: Transaction, trouble: Trouble, part: FeedPart) -> datetime:
    """Return when the first message after a silence came, as closely as it is known."""
    hours = tx.feeds.hours(trouble.feed, trouble.event, trouble.since)
    ends = (end for hour in hours for end in (hour.first_at, hour.last_at))
    return next((end for end in ends if end > trouble.since), part.last_at)


def tell(tx: Transaction, changes: Sequence[Change], now: datetime) -> int:
    """Keep and assert what was found; return how much of it nobody had told.

    Args:
        tx: a writing transaction.
        changes: as they were found in it.
        now: instant of the step, receipt of the facts.
    """
    kept = [one for one in changes if _keep(tx, one, now)]
    told = [_assertion(one, now) for one in kept if one.is_told]
    tx.facts.replace([(_number(one), now, [one]) for one in told])
    subjects = {one.patient.id for one in told if one.patient is not None}
    tx.watch.touch(dict.fromkeys(subjects, now))
    return len(told)


def _keep(tx: Transaction, change: Change, now: datetime) -> bool:
    if change.ends is None:
        return tx.feeds.begin(change.trouble)
    return tx.feeds.end(change.trouble, now)


def _assertion(change: Change, now: datetime) -> Assertion:
    trouble = change.trouble
    event = _EVENTS[trouble.ailment][change.ends is not None]
    at, value = change.ends or trouble.since, trouble.value if change.ends is None else change.value
    if event == "FEED.SILENT":
        # A silence begins after the last message, which may have ended the one before.
        at += _SECOND
    at = at.replace(microsecond=0)
    since = utc_seconds(trouble.since)
    end = "begins" if change.ends is None else "ends"
    key = f"FEED|{trouble.part}|{trouble.ailment}|{since}|{end}"
    estab = _finess(trouble.feed)
    said = {"estab": estab, "feed": trouble.part, "skew_s": value, "rejects": value}
    known = ASSERTS[event] | ({"estab"} if estab else set())
    return Assertion(
        aid=sha256(key.encode()).hexdigest(),
        event=event,
        key=key,
        op=Op.ASSERT,
        revision=since,
        when=Span(at, at),
        sent_at=now,
        patient=Target("Patient", feed_subject(trouble.feed)),
        source=trouble.feed,
        attributes={name: one for name, one in said.items() if name in known},
    )


def _number(assertion: Assertion) -> int:
    """Return the number of a fact of a feed: always the same, of its own."""
    return _NUMBERS - int(assertion.aid[:12], 16)


def _finess(feed: str) -> str:
    """Return the number of the establishment of a feed; empty when it is named by its sender."""
    place = feed.rpartition(":")[0]
    return place if len(place) == _FINESS and place[2:].isdigit() else ""
