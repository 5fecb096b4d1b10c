"""Play a part of a region through the real pipeline, and keep what it came to."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.core.deliveries import Delivery, DeliveryStatus, Handover
from gateway.core.errors import RejectedError
from gateway.core.facts import ExpectationRow, LedgerLine, feed_subject
from gateway.core.feed_ports import Heard, Trouble
from gateway.core.issues import Issue, Severity
from gateway.core.messages import Channel, RawMessage
from gateway.core.pathway_ports import FeedState
from gateway.core.ports import Store, Transaction
from gateway.entry.pathway_log import LogClock
from gateway.entry.settings import Settings, load
from gateway.entry.sources import brought_by
from gateway.entry.wiring import build_converter, load_pathway_rules
from gateway.fhir.identity import Ids
from gateway.mapping.loader import Mappings, load_mappings
from gateway.pathway.rulefiles import load_rules
from gateway.pathway.rules import Rules
from gateway.pipeline import outgoing
from gateway.pipeline.commit import CommitRules, commit
from gateway.pipeline.deliver import Deliverer, DeliveryPolicy
from gateway.pipeline.feed_watch import FeedWatch
from gateway.pipeline.folds import FOLDS
from gateway.pipeline.persons import cohort_of
from gateway.pipeline.watch import Watcher, WatchSettings, identifiers
from gateway.sharing.routing import CONNECTOR
from gateway.simulation.establishments import CHU, CLCC, ESTABLISHMENTS, HAD, SMR
from gateway.simulation.faults import Transport
from gateway.simulation.mishaps import SECOND_RECORD
from gateway.simulation.play import Planned, event_of, in_order, of_patient
from gateway.simulation.region import FIRST_DAY, Patient, Region
from gateway.store.memory import MemoryStore
from tests.region.facts import Places
from tests.region.oracle import Life

TENANT = "region"
FINESS = {site.key: site.finess for site in ESTABLISHMENTS}
#: What the site tables of the region promise: these feeds are waited for from the start.
DECLARED = frozenset(
    f"{site.finess}:{kind}"
    for site, kinds in (
        (CHU, ("ADT", "DOC", "SIU", "ORD")),
        (CLCC, ("ADT", "DOC", "SIU", "ORD")),
        (SMR, ("ADT", "DOC")),
        (HAD, ("ADT", "DOC")),
    )
    for kind in kinds
)
#: Nine tenths of what a hospital sends are about people without cancer: their messages tell that
#: a feed is alive, and nothing else here.
_HUM = timedelta(hours=1)
#: How many of them come in an hour; that a feed is alive is noted once.
_OFTEN = 12
_HUM_LATE = timedelta(seconds=20)
#: The store forgets where a feed stood after sixty days; it is asked before.
_ASKED = timedelta(days=30)
#: Of the measurement only, beside those of the catalogue.
OWN_RULES = Path(__file__).parent / "rules"
#: So long after the last message every deadline is over and every silent feed is given up.
_AFTER = timedelta(days=45)
_IPP = "https://relais.example/ns/ipp/"
_PAGE = 1000


class MailDouble:
    """Takes every mail at once; old addresses of doctors are unknown."""

    name = CONNECTOR

    async def send(self, delivery: Delivery) -> Handover:
        """Answer."""
        if str(delivery.item.details.get("to", "")).startswith("ancien."):
            raise RejectedError(
                [Issue("the-double", Severity.ERROR, "address", "Unknown mailbox.", "None.")]
            )
        return Handover(DeliveryStatus.CONFIRMED, "250")


@dataclass(frozen=True, repr=False)
class Played:
    """What a run of the pipeline came to.

    Attributes:
        patients: of the region, by number.
        arrivals: everything that came, in order.
        lives: the persons, with everything known of them.
        numbers: number in the region by Patient id.
        rows: every expectation, by gap id.
        lines: the ledger, in the order it was written.
        feeds: as they were heard.
        troubles: that were found of them.
        until: instant the clock ran to.
        on: rules that are on by default.
    """

    patients: dict[int, Patient]
    arrivals: list[Planned]
    lives: list[Life]
    numbers: dict[str, int]
    rows: dict[str, ExpectationRow]
    lines: list[LedgerLine]
    feeds: list[FeedState]
    troubles: list[Trouble]
    until: datetime
    rules: Rules
    on: frozenset[str]
    places: Places


def rules_of(settings: Settings, mappings: Mappings) -> tuple[Rules, frozenset[str]]:
    """Return the rules that are measured, those too that are off, and which are on."""
    catalogue = load_pathway_rules(settings, mappings)
    every = catalogue.overlaid(load_rules(OWN_RULES)).without(())
    return every, frozenset(catalogue.in_force)


def play(
    region: Region,
    numbers: Iterable[int],
    transport: Transport,
    store: Store | None = None,
    *,
    watches: bool = True,
) -> Played:
    """Play these patients of a region.

    Args:
        region: where they live.
        numbers: of the patients.
        transport: what happens to messages on their way.
        store: empty; one in memory by default.
        watches: feeds are watched over too; they are the same for all patients of the region.
    """
    patients = {number: region.patient(number) for number in numbers}
    arrivals: list[Planned] = []
    for patient in patients.values():
        arrivals += of_patient(region, patient, transport, len(arrivals))
    hum = _Hum(transport)
    made = store or MemoryStore()
    return asyncio.run(_played(patients, in_order(arrivals), hum, made, watches=watches))


class _Hum:
    """The messages about everybody else, silent when their feed is."""

    def __init__(self, transport: Transport) -> None:
        start = FIRST_DAY.astimezone(UTC)
        self._next = start
        self._silent = [
            (
                FINESS[outage.source],
                start + timedelta(hours=outage.after_hours),
                start + timedelta(hours=outage.after_hours + outage.length_hours),
            )
            for outage in transport.outages
        ]

    def until(self, now: datetime) -> Iterator[tuple[datetime, list[str]]]:
        """Yield each hour since the last time, with the feeds that spoke from it on."""
        while self._next < now:
            at = self._next
            silent = {place for place, begin, end in self._silent if begin <= at < end}
            self._next += _HUM
            yield at, [feed for feed in sorted(DECLARED) if feed.split(":")[0] not in silent]


async def _played(
    patients: dict[int, Patient],
    arrivals: list[Planned],
    hum: _Hum,
    store: Store,
    *,
    watches: bool,
) -> Played:
    settings, clock = load(), LogClock()
    mappings = load_mappings(settings.mappings)
    await store.open()
    converter = build_converter(settings, clock=clock, mappings=mappings)
    rules, on = rules_of(settings, mappings)
    ids = Ids(settings.id_namespace)
    watcher = Watcher(store, rules, ids, clock, WatchSettings(TENANT, declared=DECLARED))
    deliverer = Deliverer(
        store,
        [MailDouble()],
        clock,
        DeliveryPolicy("http://localhost/fhir"),
        draw=lambda: 1.0,
        on_settled=outgoing.settled,
    )
    at_commit = CommitRules(FOLDS, mails=True)
    marks: dict[str, dict[datetime, datetime]] = defaultdict(dict)
    asked = clock.now()
    watch = FeedWatch(store, clock, watcher.settings, brought_by(mappings)) if watches else None
    for one in arrivals:
        await _hear(store, clock, watch, hum, one.at)
        if one.at > asked + _ASKED:
            asked = one.at
            _remember(await store.read(lambda tx: tx.watch.feeds()), marks)
        event = event_of(one)
        raw = RawMessage(event.body, Channel(event.door), event.at)
        item = converter.prepare(converter.open(raw))
        await store.write(lambda tx, item=item: commit(tx, [item], clock.now(), at_commit))
        if item.documents:
            # What a letter asks for leaves at the instant of its commit.
            while await deliverer.step():
                pass
        await watcher.drain()
    until = (arrivals[-1].at if arrivals else clock.now()) + _AFTER
    # Asked once more before the silence after the last message makes the store forget.
    _remember(await store.read(lambda tx: tx.watch.feeds()), marks)
    await _hear(store, clock, watch, hum, until)
    if watch is not None:
        await watch.step()
    await watcher.drain()
    places = Places(dict(rules.tables.units))
    heard = await store.read(lambda tx: tx.watch.feeds())
    _remember(heard, marks)
    feeds = [replace(one, marks=tuple(sorted(marks[one.feed].items()))) for one in heard]
    return await store.read(
        lambda tx: _kept(tx, feeds, patients, arrivals, until, rules, on, places)
    )


async def _hear(
    store: Store, clock: LogClock, watch: FeedWatch | None, hum: _Hum, until: datetime
) -> None:
    """Let the clock go on, with what comes about everybody else; watch over the feeds hourly."""
    if watch is None:
        clock.reach(until)
        seen = [(feed, at, at - _HUM_LATE) for at, feeds in hum.until(until) for feed in feeds]
        if seen:
            await store.write(lambda tx: tx.watch.feed_seen(seen))
        return
    for at, feeds in hum.until(until):
        clock.reach(at)
        # What went wrong in the hour that is over, then what comes in the next one.
        await watch.step()
        await store.write(lambda tx, at=at, feeds=feeds: _heard(tx, at, feeds))
    clock.reach(until)


def _heard(tx: Transaction, at: datetime, feeds: Iterable[str]) -> None:
    """Note that feeds speak in an hour; the last of it is counted when it begins."""
    every = _HUM / _OFTEN
    tx.feeds.count([Heard(feed, "", at + n * every) for feed in feeds for n in range(_OFTEN)])
    tx.watch.feed_seen([(feed, at, at - _HUM_LATE) for feed in feeds])


def _remember(feeds: Iterable[FeedState], marks: dict[str, dict[datetime, datetime]]) -> None:
    for one in feeds:
        marks[one.feed].update(one.marks)


def _kept(
    tx: Transaction,
    feeds: list[FeedState],
    patients: dict[int, Patient],
    arrivals: list[Planned],
    until: datetime,
    rules: Rules,
    on: frozenset[str],
    places: Places,
) -> Played:
    found: list[str] = []
    cursor = None
    while True:
        page = tx.resources.search("Patient", (), _PAGE, cursor)
        found += [row.id for row in page.resources]
        cursor = page.next_cursor
        if cursor is None:
            break
    troubles = tx.feeds.troubles()
    # A feed is told of like a person, and never one with another.
    found += sorted({feed_subject(one.feed) for one in troubles})
    lives: list[Life] = []
    seen: set[str] = set()
    for patient in sorted(found):
        if patient in seen:
            continue
        person = tx.facts.persons([patient])[patient]
        cohort = cohort_of(tx, person, from_the_beginning=True)
        seen |= set(cohort.persons)
        said = [
            one
            for person in sorted(set(cohort.persons.values()))
            for one in tx.facts.of_person(person)
        ]
        log = {
            id_: [one for one in said if one.assertion.patient.id == id_] for id_ in cohort.persons
        }
        lives.append(Life(log, dict(cohort.persons), list(cohort.moves)))
    numbers: dict[str, int] = {}
    for id_, names in identifiers(tx, set(found)).items():
        for system, value in names:
            if system.startswith(_IPP):
                numbers[id_] = int(value[-6:]) % SECOND_RECORD
    lines = []
    after = 0
    while page_of_lines := tx.watch.ledger(after, _PAGE):
        lines += [line for _, line in page_of_lines]
        after = page_of_lines[-1][0]
    gaps = {line.gap_id for line in lines}
    rows = {gap_id: tx.watch.gap(gap_id) for gap_id in sorted(gaps)}
    return Played(
        patients, arrivals, lives, numbers, rows, lines, feeds, troubles, until, rules, on, places
    )
