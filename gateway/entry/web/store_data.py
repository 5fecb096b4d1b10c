"""`PageData` over the store: each page in one bounded read; counts of whole tables kept briefly."""

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Generic, TypeVar
from uuid import uuid4

from gateway.core.deliveries import DeliveryStatus
from gateway.core.errors import RejectedError
from gateway.core.facts import ExpectationRow, Status
from gateway.core.messages import InboxStatus
from gateway.core.ports import Store, Transaction
from gateway.core.worklist import Order, SavedView, Shelf, Wanted
from gateway.entry.web.data import (
    Badges,
    DeliveryList,
    GapFilter,
    MessageList,
    MessagePage,
    Overview,
    Pulse,
    Worklist,
)
from gateway.entry.web.forms import Form
from gateway.entry.web.people import Colleague, Staff
from gateway.entry.web.rulebook import RuleBook
from gateway.entry.web.store_feeds import needed_feeds, shown_feeds, told_silent
from gateway.entry.web.store_flow import flow
from gateway.entry.web.store_gaps import GapReader, ended_at
from gateway.entry.web.store_messages import MessageReader, by_status
from gateway.entry.web.store_names import establishments, feed_places
from gateway.entry.web.store_overview import ages, ahead_of, first_cases, persons_to_call
from gateway.entry.web.store_path import PathReader
from gateway.entry.web.store_work import Desk
from gateway.entry.web.store_worklist import ListReader
from gateway.entry.web.values import Feed, GapPage, Path
from gateway.fhir import gap_work_faults
from gateway.fhir.identity import Ids
from gateway.pathway.rules import Rules
from gateway.pipeline.client_writes import WriteRules
from gateway.pipeline.convert import Converter
from gateway.pipeline.document_timeline import DocumentTimeline, document_timeline
from gateway.pipeline.dossiers import owners
from gateway.pipeline.folds import FOLDS
from gateway.pipeline.mutes import hidden
from gateway.pipeline.quarantine import HELD, discarded, not_held, retried, stored
from gateway.pipeline.replay import Replayer
from gateway.pipeline.viewing import VIEWER
from gateway.pipeline.write_references import Surroundings
from gateway.sharing.decision import Why

T = TypeVar("T")
#: Rows of one state that are looked at; a page says so when there are more.
_LOOKED = 1000
_PAGE = 50
#: Ledger lines looked through for what was settled lately.
_TAIL = 2000
#: Code of the refusal of what is not there (`gap_work_faults.unknown`).
_GONE = gap_work_faults.unknown().code
_ENDINGS = frozenset({Status.MET, Status.MET_LATE, Status.CANCELLED, Status.MOOT})


@dataclass(slots=True)
class _Kept(Generic[T]):
    """A value that may be a little old, for each who looks."""

    for_s: float
    values: dict[str, tuple[float, T]] = field(default_factory=dict)

    async def get(self, make: Callable[[], Awaitable[T]]) -> T:
        """Return the value, made again when it is too old."""
        viewer, now = VIEWER.get(), time.monotonic()
        key = "" if viewer is None else f"{viewer.who} {viewer.circle.id}"
        at, value = self.values.get(key, (None, None))
        if at is not None and value is not None and now - at <= self.for_s:
            return value
        made = await make()
        self.values = {k: v for k, v in self.values.items() if now - v[0] <= self.for_s}
        self.values[key] = (now, made)
        return made


@dataclass(frozen=True, slots=True)
class StorePageData:
    """What the pages show, from the store.

    Attributes:
        store: everything comes from here, as far as who looks may be shown it.
        rules: names, laws and delays of rules.
        ids: of the installation.
        converter: makes the trace of a message anew.
        replayer: tries a refused input again.
        sectors: of establishments with one only, by FINESS.
        inputs: messages and deliveries come from here, which a role may open or not; None: from
            `store`.
        staff: who acts on gaps.
        base: public address of the FHIR door.
    """

    store: Store
    rules: Rules
    ids: Ids
    converter: Converter
    replayer: Replayer
    sectors: Mapping[str, str] = field(default_factory=dict)
    inputs: Store | None = None
    staff: Staff = field(default_factory=Staff)
    base: str = ""
    _badges: _Kept[Badges] = field(default_factory=lambda: _Kept[Badges](2.0))
    _counts: "_Kept[_Counts]" = field(default_factory=lambda: _Kept[_Counts](2.0))

    @property
    def _gaps(self) -> GapReader:
        return GapReader(RuleBook(self.rules, self.sectors), self.ids, self._desk)

    @property
    def _desk(self) -> Desk:
        writes = WriteRules(
            self.ids, FOLDS, Surroundings(self.base, True), lambda: str(uuid4()), lambda _: None
        )
        return Desk(writes, frozenset(self.rules.in_force), self.staff)

    @property
    def _messages(self) -> MessageReader:
        return MessageReader(self.inputs or self.store, self.converter)

    async def badges(self) -> Badges:
        """Return the counts of the navigation."""

        async def make() -> Badges:
            counts = await self._counted()
            return Badges(counts.open_gaps, sum(counts.inbox.get(status, 0) for status in HELD))

        return await self._badges.get(make)

    async def _counted(self) -> "_Counts":
        def work(tx: Transaction) -> _Counts:
            gaps = tx.watch.counts()
            by_state: Counter[Status] = Counter()
            for (_, status), count in gaps.items():
                by_state[status] += count
            return _Counts(
                by_state[Status.OVERDUE],
                by_state[Status.UNCONFIRMED],
                tx.inbox.counts(),
                by_status(tx.outbox.counts()),
            )

        async def make() -> _Counts:
            return await self.store.read(work)

        return await self._counts.get(make)

    async def overview(self, now: datetime) -> Overview:
        """Return the first page."""
        counts = await self._counted()

        def work(tx: Transaction) -> Overview:
            open_rows = tx.watch.gaps([Status.OVERDUE], _LOOKED)
            ahead = ahead_of(tx, now)
            muted = hidden(tx, open_rows, now)
            told = [row for row in open_rows if row.gap_id not in muted]
            unconfirmed = tx.watch.gaps([Status.UNCONFIRMED], _LOOKED, opened_only=False)
            first = first_cases(told, ahead, now)
            closed = _settled(tx)[:5]
            shown = self._gaps.shown(tx, [*first, *closed], now)
            return Overview(
                tuple(shown[: len(first)]),
                ages(open_rows, now),
                counts.open_gaps,
                persons_to_call(told, ahead, now),
                tuple((row.deadline, row.severity) for row in ahead if row.deadline),
                tuple(shown[len(first) :]),
                counts.unconfirmed,
                tuple(self._feeds(tx, unconfirmed, now)),
                flow(tx, now),
                counts.inbox,
                counts.outbox,
            )

        return await self.store.read(work)

    def _feeds(
        self, tx: Transaction, unconfirmed: Sequence[ExpectationRow], now: datetime
    ) -> list[Feed]:
        states = tx.watch.feeds(now)
        book = self._gaps.book
        waiting = Counter(feed for row in unconfirmed for feed in needed_feeds(row, book))
        places = establishments(tx, self.ids, feed_places(state.feed for state in states))
        return shown_feeds(states, places, waiting, now, told_silent(tx))

    async def worklist(self, wanted: GapFilter, now: datetime) -> Worklist:
        """Return a page of gaps."""
        counts = await self._counted()
        reader = ListReader(self._gaps)

        def work(tx: Transaction) -> Worklist:
            page = reader.page(tx, wanted, now, ahead_of)
            views = {**page.views, "unconfirmed": counts.unconfirmed}
            return replace(page, views=views)

        return await self.store.read(work)

    async def act(
        self, forms: Mapping[str, Form], who: Colleague, now: datetime
    ) -> dict[str, int | tuple[str, ...]]:
        """Carry out an act on each of some gaps, in one transaction."""
        desk = self._desk
        # Writes see everything: what is hidden from who acts is not there for them.
        shown = await self.shown_gaps(list(forms))

        def work(tx: Transaction) -> dict[str, int | tuple[str, ...]]:
            # What is refused is refused before anything of it is written.
            return {
                one: _done(desk, tx, one, form, who, now) if one in shown else (_GONE,)
                for one, form in forms.items()
            }

        return await self.store.write(work)

    async def alike(self, gap_ids: Sequence[str]) -> bool:
        """Tell whether gaps are of one rule and one establishment."""
        rows = await self.store.read(lambda tx: tx.worklist.rows(gap_ids))
        return len({(row.rule, row.estab) for row in rows.values()}) < 2

    async def save_view(self, person: str, name: str, query: str) -> None:
        """Keep the filters of a list under a name."""
        await self.store.write(lambda tx: tx.worklist.save_view(person, SavedView(name, query)))

    async def drop_view(self, person: str, name: str) -> None:
        """Forget a saved view."""
        await self.store.write(lambda tx: tx.worklist.drop_view(person, name))

    async def gap(self, gap_id: str, now: datetime) -> GapPage | None:
        """Return one gap."""

        def work(tx: Transaction) -> GapPage | None:
            row = tx.watch.gap(gap_id)
            if row is None:
                return None
            reader = self._gaps
            whose = owners(tx, [row.patient.id])
            around = PathReader(reader).read(tx, whose[row.patient.id], now)
            if around is None:
                around = Path(reader.shown(tx, [row], now)[0].person)
            return reader.page(tx, row, around, now)

        return await self.store.read(work)

    async def shown_gaps(self, gap_ids: Sequence[str]) -> frozenset[str]:
        """Return which of some gaps who looks may be shown."""

        def work(tx: Transaction) -> frozenset[str]:
            return frozenset(one for one in gap_ids if tx.watch.gap(one) is not None)

        return await self.store.read(work)

    async def glass_until(self, patient_id: str) -> datetime | None:
        """Return until when who looks sees a patient by break-glass alone; None: by right."""
        viewer = VIEWER.get()
        sight = viewer.sight if viewer is not None else None
        if sight is None:
            return None
        held = await self.store.read(
            lambda tx: tx.access.permits(sight.client, [patient_id], sight.now, sight.person)
        )
        permit = held.get((patient_id, "handoff"))
        return permit.until if permit is not None and permit.basis == Why.GLASS else None

    async def path(self, patient_id: str, now: datetime) -> Path | None:
        """Return the path of the person a Patient belongs to."""
        reader = PathReader(self._gaps)
        return await self.store.read(lambda tx: reader.read(tx, patient_id, now))

    async def messages(
        self, statuses: Sequence[InboxStatus], kind: str, before: int | None
    ) -> MessageList:
        """Return inputs, newest first."""
        return await self._messages.messages(statuses, kind, before)

    async def message(self, number: int) -> MessagePage | None:
        """Return one input."""
        return await self._messages.message(number)

    async def retry(self, number: int) -> InboxStatus:
        """Convert an input in quarantine again."""
        if (await stored(self._messages.store, number)).status not in HELD:
            raise RejectedError([not_held(number)])
        return await retried(self.store, self.replayer, number)

    async def discard(self, number: int) -> None:
        """Set an input in quarantine aside for good."""
        await discarded(self._messages.store, number)

    async def deliveries(
        self, statuses: Sequence[DeliveryStatus], before: int | None
    ) -> DeliveryList:
        """Return deliveries, newest first."""
        return await self._messages.deliveries(statuses, before)

    async def document(self, document_id: str) -> DocumentTimeline | None:
        """Return what happened with a document, None when there is none of that id."""
        return await self.store.read(lambda tx: document_timeline(tx, document_id))

    async def pulse(self, after: int) -> Pulse:
        """Return the present pulse."""

        def work(tx: Transaction) -> Pulse:
            lines = tx.watch.ledger(after, _LOOKED) if after >= 0 else []
            newest = tx.outbox.newest(list(DeliveryStatus), 2**62, _PAGE)
            return Pulse(
                tx.watch.last_line(),
                (("last", tx.inbox.last_id()),),
                tuple((row.status.value, row.id) for row in newest),
                frozenset(line.gap_id for _, line in lines),
                frozenset(
                    (row.gap_id, row.version)
                    for shelf in Shelf
                    for row, _ in tx.worklist.listed(Wanted(shelf, order=Order.RECENT), _PAGE)
                ),
            )

        return await self.store.read(work)


@dataclass(frozen=True, slots=True)
class _Counts:
    """Numbers that take a look at whole tables."""

    open_gaps: int
    unconfirmed: int
    inbox: dict[InboxStatus, int]
    outbox: dict[DeliveryStatus, int]


def _done(
    desk: Desk, tx: Transaction, gap_id: str, form: Form, who: Colleague, now: datetime
) -> int | tuple[str, ...]:
    """Carry out one act; return the version that stands, or the codes it is refused by."""
    try:
        return desk.do(tx, gap_id, form, who, now)
    except RejectedError as error:
        return tuple(issue.code for issue in error.issues)


def _settled(tx: Transaction) -> list[ExpectationRow]:
    """Return gaps that ended lately, the newest first."""
    lines = tx.watch.ledger(max(0, tx.watch.last_line() - _TAIL), _TAIL)
    ended = [
        line.gap_id
        for _, line in reversed(lines)
        if line.to_status in _ENDINGS and line.from_status is not Status.PENDING
    ]
    found = (tx.watch.gap(gap_id) for gap_id in list(dict.fromkeys(ended))[: _PAGE * 2])
    return [row for row in found if row is not None and row.opened_at and ended_at(row)]
