"""Figures of the store and of this process for Prometheus, read when somebody asks for them.

Labels come from closed sets: states, rules, connectors, uses of a certificate, loops; a feed has a
label once its establishment is declared in a site table, so that no sender can make one. Never an
identifier, and nothing of a person. Names: `relais_<thing>_<unit>`.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.core.clock import Clock
from gateway.core.deliveries import SETTLED, DeliveryStatus
from gateway.core.errors import RetriableError
from gateway.core.facts import Status
from gateway.core.feed_ports import WHOLE
from gateway.core.messages import InboxStatus
from gateway.core.ports import Store, Transaction
from gateway.entry.certificate_dates import Dates
from gateway.entry.vitals import Vitals
from gateway.pipeline.cancellations import LATE
from gateway.pipeline.unused import Use, of_feeds, uses

#: Counts of whole tables are not taken more often than this, seconds.
KEPT_S = 5.0
_WAITS = tuple(status for status in DeliveryStatus if status not in SETTLED)
_HELD = (InboxStatus.RECEIVED, InboxStatus.QUARANTINED, InboxStatus.FAILED)


@dataclass(frozen=True, slots=True)
class Read:
    """What the store says at one instant.

    Attributes:
        inbox: inputs by state.
        inbox_since: receipt of the oldest input in a state in which it should not stay.
        outbox: deliveries by connector and state.
        outbox_since: when the oldest delivery that is not settled was queued, by connector.
        expectations: by rule and state.
        subscriptions: by state.
        heard: last message of each feed.
        troubles: (feed, ailment) that last; of the feed as a whole.
        parts: troubles that last of one event of a feed.
        refused: inputs of each feed in quarantine.
        alone: cancellations whose original has not come after a day.
    """

    inbox: Mapping[InboxStatus, int]
    inbox_since: Mapping[InboxStatus, datetime]
    outbox: Mapping[tuple[str, DeliveryStatus], int]
    outbox_since: Mapping[str, datetime]
    expectations: Mapping[tuple[str, Status], int]
    subscriptions: Mapping[str, int]
    heard: Mapping[str, datetime]
    troubles: frozenset[tuple[str, str]]
    parts: int
    refused: Mapping[str, int]
    alone: int
    uses: Mapping[str, Use]


@dataclass(slots=True, eq=False)
class Figures(Collector):
    """The collector; `refresh` before each scrape.

    Attributes:
        store: read by `refresh`.
        clock: ages are told by it.
        vitals: of this process.
        certificates: gives the dates of certificates.
        declared: establishments of the site tables, FINESS.
        relevant: events of facts that rules in force read.
    """

    store: Store
    clock: Clock
    vitals: Vitals
    certificates: Callable[[], Sequence[Dates]]
    declared: Collection[str]
    relevant: Collection[str] = ()
    _read: Read | None = None
    _at: float = field(default=-1e9)

    async def refresh(self) -> None:
        """Read the store, unless that was done a moment ago; without a store there are none."""
        if self._read is not None and monotonic() - self._at < KEPT_S:
            return
        try:
            now = self.clock.now()
            self._read = await self.store.read(lambda tx: read_figures(tx, now, self.relevant))
        except RetriableError:
            self._read = None
        self._at = monotonic()

    def describe(self) -> Iterable[Metric]:
        """Return nothing: names are not known before the store was read."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield every family."""
        now = self.clock.now()
        yield _one("relais_store_up", "Whether the store answered the last question.",
                   float(self._read is not None))  # fmt: skip
        yield from _of_process(self.vitals, self.certificates(), now)
        if self._read is not None:
            yield from _of_inbox(self._read, now)
            yield from _of_outbox(self._read, now)
            yield from _of_pathway(self._read)
            yield from _of_feeds(self._read, self.declared, now)


def read_figures(tx: Transaction, now: datetime, relevant: Collection[str] = ()) -> Read:
    """Read the store: counts by index, and the oldest row of what waits."""
    outbox = tx.outbox.counts()
    since = {}
    for connector in sorted({name for (name, status), count in outbox.items() if count}):
        oldest = tx.outbox.page(_WAITS, 0, 1, connector)
        if oldest:
            since[connector] = oldest[0].created_at
    held = {}
    for status in _HELD:
        rows = tx.inbox.page(status, 0, 1)
        if rows:
            held[status] = rows[0].received_at
    lasting = tx.feeds.troubles(lasting=True)
    refused = tx.feeds.refused(now)
    return Read(
        tx.inbox.counts(),
        held,
        outbox,
        since,
        tx.watch.counts(),
        Counter(row.status for row in tx.subscriptions.all()),
        {state.feed: state.last_at for state in tx.watch.feeds_now()},
        frozenset((one.feed, one.ailment.value) for one in lasting if one.event == WHOLE),
        sum(one.event != WHOLE for one in lasting),
        {feed: count for feed, (count, _) in refused.items()},
        len(tx.feeds.cancelled_alone(now - LATE)),
        of_feeds(uses(tx, relevant, now)),
    )


def _one(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=value)


def _many(
    name: str, words: str, labels: tuple[str, ...], values: Iterable[tuple[Sequence[str], float]]
) -> Metric:
    family = GaugeMetricFamily(name, words, labels=labels)
    for told, value in values:
        family.add_metric(list(told), value)
    return family


def _age(now: datetime, since: datetime) -> float:
    return max(0.0, (now - since).total_seconds())


def _of_process(vitals: Vitals, dates: Sequence[Dates], now: datetime) -> Iterator[Metric]:
    loops = vitals.loops().items()
    yield _many(
        "relais_loop_idle_seconds",
        "Seconds since a loop of the worker ended a step.",
        ("loop",),
        [((name,), state.idle_s) for name, state in loops],
    )
    yield _many(
        "relais_check_up",
        "Whether a check of /health/ready holds.",
        ("check",),
        [((name,), float(well)) for name, well in vitals.checks().items()],
    )
    yield _one(
        "relais_store_free_bytes", "Room on the disk of the store.", float(vitals.free_bytes())
    )
    yield _one(
        "relais_audit_waiting", "Entries of the journal that are not stored.", vitals.waiting()
    )
    left = [(one.use.value, one.days_left(now)) for one in dates]
    yield _many(
        "relais_certificate_days_left",
        "Days a certificate of the settings still holds, below zero once it is over.",
        ("use",),
        [((use,), days) for use, days in left if days is not None],
    )
    yield _many(
        "relais_certificate_readable",
        "Whether the file of a certificate can be read.",
        ("use",),
        [((use,), float(days is not None)) for use, days in left],
    )


def _of_inbox(read: Read, now: datetime) -> Iterator[Metric]:
    yield _many(
        "relais_inbox_rows",
        "Inputs kept, by state.",
        ("status",),
        [((status.value,), read.inbox.get(status, 0)) for status in InboxStatus],
    )
    yield _many(
        "relais_inbox_oldest_seconds",
        "Age of the oldest input in a state in which none should stay.",
        ("status",),
        [
            ((status.value,), _age(now, read.inbox_since[status]) if status in since else 0.0)
            for since in (read.inbox_since,)
            for status in _HELD
        ],
    )


def _of_outbox(read: Read, now: datetime) -> Iterator[Metric]:
    yield _many(
        "relais_outbox_rows",
        "Deliveries, by connector and state.",
        ("connector", "status"),
        [((name, status.value), count) for (name, status), count in sorted(read.outbox.items())],
    )
    connectors = sorted({name for name, _ in read.outbox})
    yield _many(
        "relais_outbox_oldest_seconds",
        "Age of the oldest delivery that is not settled.",
        ("connector",),
        [
            ((name,), _age(now, read.outbox_since[name]) if name in read.outbox_since else 0.0)
            for name in connectors
        ],
    )
    yield _many(
        "relais_subscriptions",
        "Subscriptions, by state.",
        ("status",),
        [
            ((status,), read.subscriptions.get(status, 0))
            for status in ("requested", "active", "error", "off")
        ],
    )


def _of_pathway(read: Read) -> Iterator[Metric]:
    found = sorted(read.expectations.items())
    yield _many(
        "relais_expectations",
        "Expected handoffs, by rule and state; overdue ones are open gaps.",
        ("rule", "status"),
        [((rule, status.value), count) for (rule, status), count in found],
    )
    yield _one(
        "relais_gaps_open",
        "Gaps that are open.",
        sum(count for (_, status), count in found if status is Status.OVERDUE),
    )


def _of_feeds(read: Read, declared: Collection[str], now: datetime) -> Iterator[Metric]:
    known = sorted(feed for feed in read.heard if feed.rpartition(":")[0] in declared)
    yield _one("relais_feeds", "Feeds that were ever heard.", len(read.heard))
    yield _many(
        "relais_feeds_in_trouble",
        "Feeds with a trouble that lasts, by its kind.",
        ("trouble",),
        [
            ((trouble,), sum(of == trouble for _, of in read.troubles))
            for trouble in ("silent", "skewed", "rejecting")
        ],
    )
    yield _one(
        "relais_feed_parts_silent", "Events of feeds that fell silent by themselves.", read.parts
    )
    yield _many(
        "relais_feed_last_message_seconds",
        "Seconds since the last message of a feed of a declared establishment.",
        ("feed",),
        [((feed,), _age(now, read.heard[feed])) for feed in known],
    )
    yield _many(
        "relais_feed_silent",
        "Whether a feed of a declared establishment is silent beyond its habit.",
        ("feed",),
        [((feed,), float((feed, "silent") in read.troubles)) for feed in known],
    )
    yield _many(
        "relais_feed_refused",
        "Inputs of a feed of a declared establishment that are in quarantine.",
        ("feed",),
        [((feed,), read.refused.get(feed, 0)) for feed in known],
    )
    unused = [(feed, read.uses.get(feed, Use())) for feed in known]
    yield _many(
        "relais_feed_unused",
        "Messages of the last 7 days of a feed of a declared establishment that nothing uses.",
        ("feed", "why"),
        [
            ((feed, why), count)
            for feed, use in unused
            for why, count in (
                ("unmapped", use.unmapped),
                ("no_fact", use.no_fact),
                ("no_rule", use.no_rule),
            )
        ],
    )
    yield _one(
        "relais_cancelled_alone",
        "Cancellations whose original has not come after a day.",
        float(read.alone),
    )
