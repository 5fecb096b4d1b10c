"""Gaps from the state of the engine: rows of lists, and everything of one gap's page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import orjson

from gateway.core.facts import ExpectationRow, Op, Received, Status, feed_of
from gateway.core.pathway_ports import FeedState
from gateway.core.ports import Transaction
from gateway.core.timestamps import PARIS
from gateway.entry.web.rulebook import ENDED, RuleBook, awaited_lane, both
from gateway.entry.web.store_feeds import needed_feeds, shown_feeds
from gateway.entry.web.store_names import establishments, feed_places, named_feed, persons
from gateway.entry.web.store_reach import contacts, rungs
from gateway.entry.web.store_work import Desk
from gateway.entry.web.values import Evidence, Gap, GapPage, Path, Person, Step, Text
from gateway.fhir.gap_work import business_of
from gateway.fhir.identity import Ids
from gateway.pathway.calendar import is_working_day, region_of
from gateway.pathway.watermarks import Feeds
from gateway.pipeline.dossiers import owners
from gateway.pipeline.told import told_of

#: Units whose days may be passed over.
_DAYS = frozenset({"bh", "bd", "jo"})
_LISTED_DAYS = 12
#: Version and content of a Task.
_Task = tuple[int, dict[str, Any]]
#: Expectations that are counted at most.
_COUNTED = 1000


@dataclass(frozen=True, slots=True)
class GapReader:
    """Turns rows of the engine into what people read."""

    book: RuleBook
    ids: Ids
    desk: Desk

    def shown(self, tx: Transaction, rows: Sequence[ExpectationRow], now: datetime) -> list[Gap]:
        """Return rows with the names of persons and establishments, and the state of the work."""
        whose = owners(tx, {row.patient.id for row in rows})
        people = persons(tx, (whose[row.patient.id] for row in rows))
        places = establishments(tx, self.ids, (_estab(row) for row in rows))
        tasks = self._tasks(tx, rows)
        waiting = self._waiting(tx, rows)
        shown = []
        for row in rows:
            source, target = self.book.lanes(row)
            version, task = tasks.get(row.gap_id, (0, {}))
            shown.append(
                Gap(
                    row.gap_id,
                    row.episode,
                    row.rule,
                    row.rule_version,
                    row.severity,
                    row.status,
                    self.book.name(row),
                    self.book.why(
                        row, places.get(_estab(row), ""), now, waiting.get(row.gap_id, 0)
                    ),
                    _feed(row, places) or people[whose[row.patient.id]],
                    source,
                    target,
                    row.anchor,
                    row.deadline,
                    row.opened_at,
                    ended_at(row),
                    business_of(task),
                    "feed-down" in row.details.get("flags", ()),
                    version,
                    *self.desk.brief(task),
                    self.book.next(row),
                )
            )
        return shown

    def _waiting(self, tx: Transaction, rows: Sequence[ExpectationRow]) -> dict[str, int]:
        """Return how many expectations each gap of a feed leaves unconfirmed."""
        silent = {row.gap_id: feed_of(row.patient.id) for row in rows if row.closed_at is None}
        if not any(silent.values()):
            return {}
        found = tx.watch.gaps([Status.UNCONFIRMED], _COUNTED, opened_only=False)
        needed = [needed_feeds(row, self.book) for row in found]
        return {
            gap_id: sum(feed in feeds for feeds in needed)
            for gap_id, feed in silent.items()
            if feed
        }

    def _tasks(self, tx: Transaction, rows: Iterable[ExpectationRow]) -> dict[str, _Task]:
        """Return the Task of each gap that has one."""
        keys = {r.gap_id: ("Task", self.ids.gap_task(r.gap_id, r.episode)) for r in rows}
        found = tx.resources.current(list(keys.values()))
        return {
            gap_id: (row.version, orjson.loads(row.body))
            for gap_id, key in keys.items()
            if (row := found.get(key)) is not None and not row.deleted
        }

    def page(self, tx: Transaction, row: ExpectationRow, around: Path, now: datetime) -> GapPage:
        """Return everything the page of a gap shows.

        Args:
            tx: to read facts and feeds.
            row: the expectation.
            around: the path of its person.
            now: the present instant.
        """
        [gap] = self.shown(tx, [row], now)
        facts = evidence(row, told_of(tx, [row.person_id]))
        states = self._feeds(tx, row, now)
        places = establishments(
            tx,
            self.ids,
            [*feed_places(s.feed for s in states), *feed_places(f.source for f in facts)],
        )
        named = tuple(
            Evidence(f.event, f.at, f.until, f.heard_at, named_feed(f.source, places), f.message)
            for f in facts
        )
        return GapPage(
            gap,
            self.book.expected(row),
            self.book.law(row),
            self._steps(row, gap, named, states, now),
            named,
            self.book.closes(row),
            tuple(tx.watch.history(row.gap_id)),
            tuple(shown_feeds(states, places, {}, now)),
            around,
            self.desk.work(tx, row, now),
            contacts(tx, row, self.ids),
            rungs(tx, row, self.book, now),
        )

    def _feeds(self, tx: Transaction, row: ExpectationRow, now: datetime) -> list[FeedState]:
        """Return the feeds that would bring what is awaited, from where the person left or goes."""
        channels = self.book.channels(row)
        places = {_estab(row), str(row.details.get("destination_finess") or "")} - {""}
        return [
            state
            for state in tx.watch.feeds(now - timedelta(hours=1))
            if state.feed.rpartition(":")[0] in places and state.feed.rpartition(":")[2] in channels
        ]

    def _steps(
        self,
        row: ExpectationRow,
        gap: Gap,
        facts: Sequence[Evidence],
        feeds: Sequence[FeedState],
        now: datetime,
    ) -> tuple[Step, ...]:
        rule = f"{row.rule}, v{row.rule_version}"
        first = facts[0] if facts else None
        steps = [
            Step("start", row.anchor, origin=both(lambda w: w.feed(first.source) if first else ""),
                 message=first.message if first else None),
            Step("allowed", text=self.book.allowed(row), origin=_same(rule)),
        ]  # fmt: skip
        skipped = self._skipped(row)
        if skipped:
            steps.append(Step("skipped", text=skipped))
        if row.deadline is None:
            return (*steps, Step("pauses", text=both(lambda w: w("late.paused"))))
        steps.append(Step("due", row.deadline))
        if grace := self.book.grace(row):
            steps.append(Step("grace", span=grace, origin=_same(rule)))
        checked = row.opened_at or row.theta
        if checked:
            steps.append(Step("checked", checked))
        if complete := _complete_to(feeds, now):
            steps.append(Step("feed", complete))
        if gap.closed_at:
            steps.append(Step("closed", gap.closed_at))
        late = (gap.closed_at or now) - row.deadline
        if late > timedelta(0):
            steps.append(Step("late", span=late))
        return tuple(steps)

    def _skipped(self, row: ExpectationRow) -> Text:
        """List the days the deadline passed over, as far as the unit passes over any."""
        rule = self.book.version(row)
        unit = rule.written.deadline.unit if rule else ""
        if row.deadline is None or unit not in _DAYS:
            return {}
        region = region_of(_estab(row))
        day, last = _paris(row.anchor) + timedelta(days=1), _paris(row.deadline)
        passed: list[date] = []
        while day <= last and len(passed) < _LISTED_DAYS:
            if not is_working_day(day, unit, region):
                passed.append(day)
            day += timedelta(days=1)
        return both(lambda w: ", ".join(w.day(d) for d in passed)) if passed else {}


def _feed(row: ExpectationRow, places: Mapping[str, str]) -> Person | None:
    """Return what is shown in the place of a person when a gap is about a feed."""
    feed = feed_of(row.patient.id)
    if not feed:
        return None
    event = str(row.details.get("feed", feed)).removeprefix(feed).removeprefix(":")
    return Person(row.patient.id, feed=named_feed(feed, places), event=event)


def ended_at(row: ExpectationRow) -> datetime | None:
    """Return when an expectation ended: when what met it happened, else when that was learned."""
    if row.status not in ENDED:
        return None
    happened = row.details.get("happened_at")
    if happened and row.status in (Status.MET, Status.MET_LATE):
        return datetime.fromisoformat(str(happened))
    return row.closed_at


def evidence(row: ExpectationRow, received: Sequence[Received]) -> list[Evidence]:
    """Return the facts behind an expectation, trigger first, each as it was said last."""
    wanted = {key: number for number, key in enumerate(row.evidence)}
    best: dict[str, Received] = {}
    heard: dict[str, datetime] = {}
    for one in received:
        key = one.assertion.key
        if key not in wanted or one.assertion.op is Op.RETRACT:
            continue
        heard[key] = min(heard.get(key, one.at), one.at)
        if key not in best or one.assertion.revision >= best[key].assertion.revision:
            best[key] = one
    return [
        Evidence(
            best[key].assertion.event,
            best[key].assertion.when.low,
            best[key].assertion.when.high
            if best[key].assertion.when.high > best[key].assertion.when.low
            else None,
            heard[key],
            best[key].assertion.source,
            # Facts of our own sends are numbered below zero: no message said them.
            best[key].order if best[key].order > 0 else None,
        )
        for key in sorted(best, key=lambda key: wanted[key])
    ]


def hole_lane(book: RuleBook, row: ExpectationRow) -> str:
    """Return the lane where something is missing: a letter is missing among documents."""
    return awaited_lane(book.version(row), book.lanes(row)[1])


def _complete_to(feeds: Sequence[FeedState], now: datetime) -> datetime | None:
    known = Feeds.of(feeds)
    marks = [known.watermark(state.feed, now) for state in feeds]
    return min((mark for mark in marks if mark is not None), default=None)


def _estab(row: ExpectationRow) -> str:
    return str(row.details.get("estab") or "")


def _paris(instant: datetime) -> date:
    return instant.astimezone(PARIS).date()


def _same(text: str) -> Text:
    return both(lambda _: text)
