"""The state of the pathway engine in memory."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from gateway.core.access import Sight
from gateway.core.facts import ExpectationRow, LedgerLine, Status, feed_of
from gateway.core.pathway_ports import FeedState, RuleMark
from gateway.store import feedmarks
from gateway.store.codec import instant_text, key_text, read_instant
from gateway.store.feeds import feed_state, newest_mark
from gateway.store.journal import Journal
from gateway.store.memory_handoffs import MemoryHandoffs
from gateway.store.watchcodec import (
    ExpectationColumns,
    LedgerColumns,
    expectation_columns,
    ledger_columns,
    mark_columns,
    read_expectation,
    read_line,
    read_mark,
    weight_of,
)
from gateway.store.watchrules import (
    Watch,
    asleep_page,
    check_opened,
    is_over,
    quiet_page,
    waiting,
    writing,
)


class MemoryWatch:
    """Timers, expectations, ledger and feeds, kept as the columns the SQL stores write.

    `patients` gives the Patients of a person, `person` the person of a Patient, `permitted` the
    (Patient, category) somebody may be shown.
    """

    def __init__(
        self,
        journal: Journal,
        watched: dict[str, Watch],
        patients: Callable[[str], Iterable[str]],
        person: Callable[[str], str],
        permitted: Callable[[Sight], Collection[tuple[str, str]]],
    ) -> None:
        self._journal = journal
        self._watched = watched
        self._patients = patients
        self._person = person
        self._permitted = permitted
        self.handoffs = MemoryHandoffs(journal)
        self._rows: dict[str, ExpectationColumns] = {}
        self._of_patient: dict[str, dict[str, None]] = {}
        self._lines: dict[int, LedgerColumns] = {}
        self._openings: dict[tuple[str, int], str] = {}
        self._feeds: dict[str, feedmarks.FeedColumns] = {}
        self._proven: dict[str, str] = {}
        #: Receipt and watermark of each mark of a feed, by number; oldest first.
        self._marks: dict[str, dict[int, tuple[str, str]]] = {}
        self._rules: dict[str, tuple[str, str, str]] = {}

    def rule_marks(self) -> list[RuleMark]:
        """Return what every rule said when it was last noted, by id."""
        return [read_mark(row) for _, row in sorted(self._rules.items())]

    def mark_rules(self, marks: Sequence[RuleMark]) -> None:
        """Note what rules say."""
        for one in marks:
            self._journal.put(self._rules, one.rule, mark_columns(one))

    def touch(self, persons: Mapping[str, datetime]) -> None:
        """Ask for a new look at persons at these instants, or earlier if already asked."""
        for person, at in persons.items():
            watch = self._watched.get(person, Watch()).touched(at)
            self._journal.put(self._watched, person, watch)

    def claim_due(self, now: datetime, limit: int) -> list[str]:
        """Take persons whose look is due, earliest first."""
        end = instant_text(now)
        due = sorted((w.wake, person) for person, w in self._watched.items() if w.wake <= end)
        persons = [person for _, person in due[:limit]]
        for person in persons:
            self._journal.put(self._watched, person, self._watched[person].claimed(now))
        return persons

    def overslept(self, now: datetime, poll: timedelta) -> list[str]:
        """Return the persons whom no timer wakes for an instant that is over, sorted."""
        latest = dict(waiting(now, poll))
        found = set[str]()
        for row in self._rows.values():
            if row.status in latest and is_over(read_expectation(row), now):
                person = self._person(row.patient_id)
                watch = self._watched.get(person)
                if watch is None or watch.sleeps(latest[row.status], instant_text(now)):
                    found.add(person)
        return sorted(found)

    def open_asleep(
        self, after: str, now: datetime, limit: int
    ) -> tuple[list[ExpectationRow], str]:
        """Walk through the open gaps, by id, one page; return those whose person sleeps on."""
        opened = sorted(gap for gap, row in self._rows.items() if row.status == Status.OVERDUE)
        page = [self._rows[gap] for gap in opened if gap > after][:limit]
        timers = [self._watched.get(self._person(row.patient_id)) for row in page]
        return asleep_page(list(zip(page, timers, strict=True)), now, limit)

    def quiet(self, after: str, since: datetime, limit: int) -> tuple[list[str], str]:
        """Walk through everybody who was ever looked at, by id, one page."""
        page = sorted((one, watch) for one, watch in self._watched.items() if one > after)[:limit]
        return quiet_page(page, since, limit)

    def expectations(self, person_id: str) -> list[ExpectationRow]:
        """Return the expectations whose trigger is with a Patient of a person, by gap id."""
        gaps = {g for p in self._patients(person_id) for g in self._of_patient.get(p, ())}
        return [read_expectation(self._rows[gap]) for gap in sorted(gaps)]

    def looked_until(self, patient_id: str) -> datetime | None:
        """Return the instant up to which the ledger of a Patient is written."""
        until = self._watched.get(patient_id, Watch()).looked_until
        return read_instant(until) if until else None

    def set_apart(self, part: str, patient_id: str, expectations: Sequence[ExpectationRow]) -> None:
        """Write expectations whose trigger is held apart, as they stand."""
        for row in map(expectation_columns, expectations):
            before = self._rows[row.gap_id]
            self._journal.drop(self._of_patient[before.patient_id], row.gap_id)
            self._journal.put(self._rows, row.gap_id, row)
            self._journal.put(self._of_patient.setdefault(row.patient_id, {}), row.gap_id, None)
        watch = self._watched.get(patient_id, Watch())
        self._journal.put(self._watched, patient_id, watch.stale())
        if part not in self._watched:
            self._journal.put(self._watched, part, Watch(looked_until=watch.looked_until))

    def save(
        self,
        person_id: str,
        expectations: Sequence[ExpectationRow],
        lines: Sequence[LedgerLine],
        until: datetime,
        next_due: datetime | None,
    ) -> None:
        """Write the state after a look."""
        gaps = {row.gap_id for row in expectations} | {line.gap_id for line in lines}
        before = {gap: self._rows[gap] for gap in gaps if gap in self._rows}
        change = writing(before, lambda: set(self._patients(person_id)), expectations, lines)
        for row in change.rows:
            if row.gap_id in before:
                self._journal.drop(self._of_patient[before[row.gap_id].patient_id], row.gap_id)
            self._journal.put(self._rows, row.gap_id, row)
            self._journal.put(self._of_patient.setdefault(row.patient_id, {}), row.gap_id, None)
        opened = {one[:2] for one in change.openings if one[:2] not in self._openings}
        check_opened(len(change.openings), len(opened))
        for gap_id, episode, instant in change.openings:
            self._journal.put(self._openings, (gap_id, episode), instant)
        for line in lines:
            self._journal.put(self._lines, len(self._lines) + 1, ledger_columns(line))
        self.handoffs.write(change.handoffs)
        watch = self._watched.get(person_id, Watch()).saved(until, next_due)
        self._journal.put(self._watched, person_id, watch)

    def ledger(self, after: int, limit: int) -> list[tuple[int, LedgerLine]]:
        """Return ledger lines with sequence number above `after`, in order."""
        numbers = range(max(after, 0) + 1, len(self._lines) + 1)[: max(limit, 0)]
        return [(number, read_line(self._lines[number])) for number in numbers]

    def last_line(self) -> int:
        """Return the sequence number of the last ledger line."""
        return max(self._lines, default=0)

    def gaps(
        self,
        statuses: Sequence[Status],
        limit: int,
        rule: str = "",
        opened_only: bool = True,
        severity: str = "",
        sight: Sight | None = None,
    ) -> list[ExpectationRow]:
        """Return expectations in these states, most severe and oldest deadline first."""
        found = [
            row
            for row in self._seen(sight)
            if row.status in statuses
            and (not rule or row.rule == rule)
            and (not severity or row.weight == weight_of(severity))
            and (row.opened or not opened_only)
        ]
        found.sort(key=lambda row: row.place)
        return [read_expectation(row) for row in found[:limit]]

    def gap(self, gap_id: str) -> ExpectationRow | None:
        """Return one expectation."""
        row = self._rows.get(gap_id)
        return None if row is None else read_expectation(row)

    def some(self, gap_ids: Iterable[str]) -> dict[str, ExpectationRow]:
        """Return each expectation among these that is there."""
        found = (self._rows.get(gap) for gap in set(gap_ids))
        return {row.gap_id: read_expectation(row) for row in found if row is not None}

    def history(self, gap_id: str) -> list[LedgerLine]:
        """Return the ledger of one expectation."""
        # Column 1: gap id.
        return [read_line(row) for row in self._lines.values() if row[1] == gap_id]

    def counts(self) -> dict[tuple[str, Status], int]:
        """Return how many expectations each rule has in each state."""
        counts: dict[tuple[str, Status], int] = {}
        for row in self._rows.values():
            key = (row.rule, Status(row.status))
            counts[key] = counts.get(key, 0) + 1
        return counts

    def counts_seen(
        self, statuses: Sequence[Status], sight: Sight
    ) -> dict[tuple[str, Status], int]:
        """Return how many expectations of each rule in these states somebody may be shown."""
        found = Counter((row.rule, Status(row.status)) for row in self._seen(sight))
        return {key: count for key, count in found.items() if key[1] in statuses}

    def _seen(self, sight: Sight | None) -> list[ExpectationColumns]:
        rows = list(self._rows.values())
        if sight is None or not sight.has_territory:
            return rows
        shown = self._permitted(sight)
        return [
            row
            for row in rows
            if feed_of(row.patient_id) or (self._person(row.patient_id), "handoff") in shown
        ]

    def feed_seen(
        self,
        seen: Sequence[tuple[str, datetime, datetime]],
        behind_s: Mapping[str, float] | None = None,
    ) -> None:
        """Note messages of feeds: (feed, receipt, emission)."""
        by_feed: dict[str, list[tuple[datetime, datetime]]] = {}
        for name, receipt, emission in seen:
            by_feed.setdefault(key_text(name), []).append((receipt, emission))
        for name, messages in by_feed.items():
            enough = feedmarks.proven(self._feeds.get(name), messages)
            if enough and name not in self._proven:
                self._journal.put(self._proven, name, enough)
            late = (behind_s or {}).get(name, 0.0)
            row, marks = feedmarks.seen(name, self._feeds.get(name), messages, late)
            self._journal.put(self._feeds, name, row)
            known = self._marks.setdefault(name, {})
            for number, mark in enumerate(marks, len(known)):
                self._journal.put(known, number, mark[1:])

    def feeds(self, since: datetime | None = None) -> list[FeedState]:
        """Return every feed, by name; the marks from the one that stood at `since` on."""
        return [
            feed_state(self._feeds[name], self._marks_of(name, since), self._proven.get(name))
            for name in sorted(self._feeds)
        ]

    def feeds_now(self) -> list[FeedState]:
        """Return every feed, by name, with its newest mark only."""
        rows = [self._feeds[name] for name in sorted(self._feeds)]
        return [feed_state(row, newest_mark(row), self._proven.get(row.feed)) for row in rows]

    def complete_at(self, feed: str, instant: datetime) -> datetime | None:
        """Return the receipt that made a feed complete up to an instant."""
        known = self._marks.get(key_text(feed), {})
        # Receipt and watermark both rise from mark to mark.
        first = bisect_left(range(len(known)), instant_text(instant), key=lambda n: known[n][1])
        return read_instant(known[first][0]) if first < len(known) else None

    def _marks_of(self, name: str, since: datetime | None) -> list[tuple[datetime, datetime]]:
        known = self._marks.get(name, {})
        numbers = range(len(known))
        if since is not None:
            # Instants are written in one form, whose order is theirs.
            first = bisect_right(numbers, instant_text(since), key=lambda n: known[n][0]) - 1
            numbers = numbers[max(first, 0) :]
        return [(read_instant(known[n][0]), read_instant(known[n][1])) for n in numbers]
