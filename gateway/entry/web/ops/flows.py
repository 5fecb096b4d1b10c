"""Feeds from the store, as operators see them: rate, delay, clock, refusals, silence."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.core.facts import ExpectationRow, Status
from gateway.core.feed_ports import WHOLE, Ailment, Trouble
from gateway.core.messages import InboxStatus
from gateway.core.pathway_ports import FeedState
from gateway.core.ports import Store, Transaction
from gateway.entry.certificate_dates import Dates
from gateway.entry.mllp import PendingFrame
from gateway.entry.vitals import LoopState
from gateway.entry.web.ops.values import FeedsPage, SourceRow
from gateway.entry.web.rulebook import RuleBook
from gateway.entry.web.store_feeds import is_silent, needed_feeds
from gateway.entry.web.store_messages import by_status
from gateway.entry.web.store_names import establishments, feed_places, named_feed
from gateway.fhir.identity import Ids
from gateway.pipeline.cancellations import LATE
from gateway.pipeline.unused import Use, uses

_HOURS = 24
_HOUR = timedelta(hours=1)
#: A number that is missing for less may be on its way over another connection.
_LATE = timedelta(minutes=15)
#: Expectations in suspense that are looked at.
_LOOKED = 1000
_ORDER = ("silent", "skewed", "rejecting", "live")


@dataclass(frozen=True, slots=True)
class Beside:
    """What a process knows beside the store.

    Attributes:
        certificates: dates of those the settings name.
        frames: that began and do not end, oldest first.
        loops: of the worker in this process.
    """

    certificates: Callable[[], Sequence[Dates]] = lambda: ()
    frames: Callable[[], Sequence[PendingFrame]] = lambda: ()
    loops: Callable[[], Mapping[str, LoopState]] = dict


@dataclass(frozen=True, slots=True)
class FlowReader:
    """Reads feeds."""

    store: Store
    book: RuleBook
    ids: Ids
    beside: Beside

    async def page(self, now: datetime) -> FeedsPage:
        """Return every feed, those in trouble first, and what runs beside them."""

        def work(tx: Transaction) -> FeedsPage:
            states = tx.watch.feeds_now()
            lasting = tx.feeds.troubles(lasting=True)
            refused = tx.feeds.refused(now - _HOUR)
            feeds = {*(one.feed for one in states), *refused}
            places = establishments(tx, self.ids, feed_places(sorted(feeds)))
            suspense = tx.watch.gaps([Status.UNCONFIRMED], _LOOKED, opened_only=False)
            waiting = Counter(f for row in suspense for f in self._needed(row))
            rows = [
                _row(tx, one, named_feed(one.feed, places), lasting, refused, waiting, now)
                for one in states
            ]
            known = {one.feed for one in states}
            rows += [
                _only_refused(feed, named_feed(feed, places), count)
                for feed, (count, _) in refused.items()
                if feed not in known
            ]
            rows.sort(key=lambda row: (_ORDER.index(row.state), row.name))
            held = tx.inbox.page(InboxStatus.RECEIVED, 0, 1)
            oldest = (now - held[0].received_at).total_seconds() if held else 0.0
            return FeedsPage(
                tuple(rows),
                tuple(self.beside.frames()),
                tuple(self.beside.certificates()),
                self.beside.loops(),
                tx.inbox.counts(),
                by_status(tx.outbox.counts()),
                max(0.0, oldest),
                tuple(tx.feeds.missing(now - _LATE)),
                tuple(tx.feeds.cancelled_alone(now - LATE)),
                _unused(uses(tx, self.book.rules.relevant, now), places),
            )

        return await self.store.read(work)

    def _needed(self, row: ExpectationRow) -> frozenset[str]:
        return needed_feeds(row, self.book)


def _unused(
    found: Mapping[tuple[str, str], Use], places: Mapping[str, str]
) -> tuple[tuple[str, str, Use], ...]:
    """Return what nothing uses, the most first."""
    rows = [
        (named_feed(feed, places), event, use) for (feed, event), use in found.items() if use.unused
    ]
    return tuple(sorted(rows, key=lambda row: (-row[2].unused, row[0], row[1])))


def _row(
    tx: Transaction,
    state: FeedState,
    name: str,
    lasting: Sequence[Trouble],
    refused: dict[str, tuple[int, int]],
    waiting: Counter[str],
    now: datetime,
) -> SourceRow:
    own = [one for one in lasting if one.feed == state.feed]
    whole = {one.ailment: one for one in own if one.event == WHOLE}
    told, since = "live", None
    for ailment in (Ailment.SILENT, Ailment.SKEWED, Ailment.REJECTING):
        if ailment in whole:
            told, since = ailment.value, whole[ailment].since
            break
    else:
        if is_silent(state, now):
            told, since = "silent", state.last_at
    skew = whole.get(Ailment.SKEWED)
    events = [(one.event, one.since) for one in own if one.event != WHOLE]
    return SourceRow(
        state.feed,
        name,
        told,
        since,
        state.last_at,
        hourly(tx, state.feed, now),
        quantile(state.lateness_s),
        skew.value if skew else 0,
        refused.get(state.feed, (0, 0))[0],
        waiting.get(state.feed, 0) if told == "silent" else 0,
        tuple(events),
    )


def _only_refused(feed: str, name: str, count: int) -> SourceRow:
    """Return the row of a source of which nothing was ever converted."""
    return SourceRow(feed, name, "rejecting", None, None, (0,) * _HOURS, None, 0, count, 0)


def hourly(tx: Transaction, feed: str, now: datetime) -> tuple[int, ...]:
    """Return the messages of each of the last 24 hours, the present one last."""
    first = now.replace(minute=0, second=0, microsecond=0) - (_HOURS - 1) * _HOUR
    counted = {one.hour: one.messages for one in tx.feeds.hours(feed, WHOLE, first)}
    return tuple(counted.get(first + number * _HOUR, 0) for number in range(_HOURS))


def quantile(delays_s: Sequence[float]) -> float | None:
    """Return the delay that 95 of 100 do not pass; None without any."""
    if not delays_s:
        return None
    ordered = sorted(delays_s)
    # A clock that runs ahead makes a delay below zero; the column beside it tells of clocks.
    return max(0.0, ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))])
