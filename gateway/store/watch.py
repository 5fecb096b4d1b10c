"""Queries on the state of the pathway engine: timers, expectations, ledger."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice, product

from sqlalchemy import bindparam, case, literal_column, select

from gateway.core.access import Sight
from gateway.core.facts import ExpectationRow, LedgerLine, Status
from gateway.core.pathway_ports import FeedState, RuleMark
from gateway.store import watch_asleep, watch_sight
from gateway.store.codec import instant_text, read_instant
from gateway.store.columns import NEVER
from gateway.store.feeds import SqlFeeds
from gateway.store.handoffs import HandoffSql, SqlHandoffs
from gateway.store.sqltext import Compiler, Session, Sql, given
from gateway.store.tables import TABLES
from gateway.store.watchcodec import (
    WEIGHTS,
    ExpectationColumns,
    expectation_columns,
    ledger_columns,
    mark_columns,
    read_expectation,
    read_line,
    read_mark,
    weight_of,
)
from gateway.store.watchrules import (
    LEASE,
    Watch,
    asleep_page,
    check_fresh,
    check_opened,
    is_over,
    quiet_page,
    waiting,
    writing,
)

_WATCHED, _ROW, _TALLY, _LEDGER = (
    TABLES[name].c for name in ("watched", "expectation", "tally", "ledger")
)
_LINE = _LEDGER.keys()[1:]
_MARK = TABLES["rule_mark"].c
#: Taken before numbers are given: a reader that knows number n has seen every lower one.
_NUMBERING = 3


class WatchSql:
    """The statements of the engine's state for one database."""

    def __init__(self, c: Compiler) -> None:
        watched, row, ledger = (TABLES[name] for name in ("watched", "expectation", "ledger"))
        self.touch = _touch(c)
        # Written out, as its index has it, so that the index serves.
        waiting = _WATCHED.wake != literal_column(f"'{NEVER}'")
        self.due = c(
            c.limited(
                select(_WATCHED.person_id)
                .where(waiting, _WATCHED.wake <= bindparam("now"))
                .order_by(_WATCHED.wake, _WATCHED.person_id)
                .with_for_update(skip_locked=True),
                "rows",
            ),
            "now",
            "rows",
        )
        self.lease = c(
            watched.update()
            .where(c.among(_WATCHED.person_id, "ids"))
            .values(
                wake=bindparam("lease"),
                leased=literal_column("1"),
                asked=literal_column(f"'{NEVER}'"),
            ),
            "lease",
            "ids",
        )
        state = select(*(_WATCHED[name] for name in Watch._fields)).where(
            _WATCHED.person_id == bindparam("person")
        )
        self.state = c(state, "person")
        self.lock = c(state.with_for_update(), "person")
        self.add = c.insert(watched, ("person_id", *Watch._fields), ignore=True)
        self.set = c(
            watched.update()
            .where(_WATCHED.person_id == bindparam("person"))
            .values({name: bindparam(name) for name in Watch._fields}),
            *Watch._fields,
            "person",
        )
        self.of_patients = c(
            select(*_ROW).where(c.among(_ROW.patient_id, "patients")).order_by(_ROW.gap_id),
            "patients",
        )
        self.of_gaps = c(select(*_ROW).where(c.among(_ROW.gap_id, "gaps")), "gaps")
        self.put = c.upsert(row, ExpectationColumns._fields)
        self.number = Sql(f"SELECT pg_advisory_xact_lock({_NUMBERING})", ())
        self.add_line = c.insert(ledger, _LINE)
        self.open = c.insert(TABLES["opening"], ("gap_id", "episode", "instant"), ignore=True)
        self.ledger = c(
            c.limited(
                select(*_LEDGER).where(_LEDGER.seq > bindparam("after")).order_by(_LEDGER.seq),
                "rows",
            ),
            "after",
            "rows",
        )
        lines = select(*(_LEDGER[name] for name in _LINE))
        last = select(_LEDGER.seq).order_by(_LEDGER.seq.desc())
        self.last_line = c(c.limited(last, "rows"), "rows")
        self.history = c(
            lines.where(_LEDGER.gap_id == bindparam("gap")).order_by(_LEDGER.seq), "gap"
        )
        marks = select(*_MARK).order_by(_MARK.rule)
        self.marks = c(marks)
        self.mark = c.upsert(TABLES["rule_mark"], RuleMark._fields)
        self.asleep = watch_asleep.expectations(c)
        self.open_gaps = watch_asleep.open_gaps(c)
        everybody = select(*_WATCHED).where(_WATCHED.person_id > bindparam("after"))
        self.everybody = c(
            c.limited(everybody.order_by(_WATCHED.person_id), "rows"), "after", "rows"
        )
        both = (False, True)
        self.worst = {form: _worst(c, *form) for form in product(both, both, both)}
        self.counts_seen = watch_sight.counting(c)
        more = _TALLY.expectations + literal_column("excluded.expectations")
        self.count = c.upsert(TABLES["tally"], tuple(_TALLY.keys()), {"expectations": more})
        self.handoffs = HandoffSql(c)
        some = _TALLY.expectations != literal_column("0")
        self.counts = c(select(*_TALLY).where(some))


def _touch(c: Compiler) -> Sql:
    """Build the statement of `Watch.touched` for a person known or not."""
    # Compiled from parts: an upsert whose new values depend on the old ones.
    earlier = {
        name: case(
            (
                getattr(_WATCHED, name) > literal_column("excluded.wake"),
                literal_column("excluded.wake"),
            ),
            else_=getattr(_WATCHED, name),
        )
        for name in ("wake", "asked")
    }
    leased = _WATCHED.leased == literal_column("1")
    return c.upsert(
        TABLES["watched"],
        ("person_id", *Watch._fields),
        {
            "wake": case((leased, _WATCHED.wake), else_=earlier["wake"]),
            "asked": case((leased, earlier["asked"]), else_=_WATCHED.asked),
        },
    )


def _worst(c: Compiler, by_rule: bool, by_severity: bool, is_held: bool) -> Sql:
    """Build the query of one state, in the order of its index."""
    statement = select(*_ROW).where(_ROW.status == bindparam("in_status"))
    statement = statement.where(_ROW.opened == bindparam("is_opened"))
    names = ["in_status", "is_opened"]
    if by_rule:
        statement = statement.where(_ROW.rule == bindparam("of_rule"))
        names.append("of_rule")
    if by_severity:
        statement = statement.where(_ROW.weight == bindparam("of_weight"))
        names.append("of_weight")
    if is_held:
        statement = statement.where(watch_sight.seen())
        names += watch_sight.NAMES
    ordered = statement.order_by(_ROW.weight, _ROW.deadline, _ROW.gap_id)
    return c(c.limited(ordered, "rows"), *names, "rows")


class SqlWatch:
    """`core.pathway_ports.WatchQueries` in a transaction."""

    __slots__ = ("_feeds", "_known", "_patients", "_session", "_sql", "handoffs")

    def __init__(
        self,
        session: Session,
        sql: WatchSql,
        feeds: SqlFeeds,
        patients: Callable[[str], Iterable[str]],
    ) -> None:
        self._session = session
        self._sql = sql
        self._feeds = feeds
        self._patients = patients
        self.handoffs = SqlHandoffs(session, sql.handoffs)
        #: Saves seen when this transaction first read a person.
        self._known: dict[str, int] = {}

    def rule_marks(self) -> list[RuleMark]:
        """Return what every rule said when it was last noted, by id."""
        return [read_mark(row) for row in self._session.rows(self._sql.marks)]

    def mark_rules(self, marks: Sequence[RuleMark]) -> None:
        """Note what rules say."""
        self._session.run_many(self._sql.mark, [mark_columns(one) for one in marks])

    def touch(self, persons: Mapping[str, datetime]) -> None:
        """Ask for a new look at persons at these instants, or earlier if already asked."""
        # In one order: two writers then wait for each other, never in a circle.
        rows = [(person, *Watch().touched(persons[person])) for person in sorted(persons)]
        self._session.run_many(self._sql.touch, rows)

    def claim_due(self, now: datetime, limit: int) -> list[str]:
        """Take persons whose look is due, earliest first; those of other workers are left."""
        found = self._session.rows(self._sql.due, (instant_text(now), limit))
        persons = [row[0] for row in found]
        if persons:
            self._session.run(self._sql.lease, (instant_text(now + LEASE), given(persons)))
        return persons

    def overslept(self, now: datetime, poll: timedelta) -> list[str]:
        """Return the persons whom no timer wakes for an instant that is over, sorted."""
        found = set[str]()
        end = instant_text(now)
        for status, late in waiting(now, poll):
            for opened, weight in product((0, 1), WEIGHTS):
                wanted = (status, opened, weight, end, late, end)
                rows = self._session.rows(self._sql.asleep, wanted)
                found.update(row[0] for row in rows if is_over(read_expectation(row[1:]), now))
        return sorted(found)

    def open_asleep(
        self, after: str, now: datetime, limit: int
    ) -> tuple[list[ExpectationRow], str]:
        """Walk through the open gaps, by id, one page; return those whose person sleeps on."""
        rows = self._session.rows(self._sql.open_gaps, (Status.OVERDUE.value, after, limit))
        size = len(ExpectationColumns._fields)
        page = [(ExpectationColumns(*row[:size]), row[size:]) for row in rows]
        return asleep_page([(row, Watch(*w) if w[0] else None) for row, w in page], now, limit)

    def quiet(self, after: str, since: datetime, limit: int) -> tuple[list[str], str]:
        """Walk through everybody who was ever looked at, by id, one page."""
        rows = self._session.rows(self._sql.everybody, (after, limit))
        return quiet_page([(row[0], Watch(*row[1:])) for row in rows], since, limit)

    def expectations(self, person_id: str) -> list[ExpectationRow]:
        """Return the expectations whose trigger is with a Patient of a person, by gap id."""
        if person_id not in self._known:
            self._read(person_id)
        patients = (given(list(self._patients(person_id))),)
        rows = self._session.rows(self._sql.of_patients, patients)
        return [read_expectation(row) for row in rows]

    def looked_until(self, patient_id: str) -> datetime | None:
        """Return the instant up to which the ledger of a Patient is written."""
        until = self._read(patient_id).looked_until
        return read_instant(until) if until else None

    def _read(self, person_id: str) -> Watch:
        rows = self._session.rows(self._sql.state, (person_id,))
        watch = Watch(*rows[0]) if rows else Watch()
        self._known.setdefault(person_id, watch.looks)
        return watch

    def set_apart(self, part: str, patient_id: str, expectations: Sequence[ExpectationRow]) -> None:
        """Write expectations whose trigger is held apart, as they stand."""
        self._session.run_many(self._sql.put, [expectation_columns(row) for row in expectations])
        watch = self._lock(patient_id)
        self._session.run(self._sql.set, (*watch.stale(), patient_id))
        first = Watch(looked_until=watch.looked_until)
        self._session.run_many(self._sql.add, [(part, *first)])

    def save(
        self,
        person_id: str,
        expectations: Sequence[ExpectationRow],
        lines: Sequence[LedgerLine],
        until: datetime,
        next_due: datetime | None,
    ) -> None:
        """Write the state after a look."""
        watch = self._lock(person_id)
        check_fresh(self._known.get(person_id), watch)
        gaps = {row.gap_id for row in expectations} | {line.gap_id for line in lines}
        found = self._session.rows(self._sql.of_gaps, (given(sorted(gaps)),)) if gaps else ()
        before = {row[0]: ExpectationColumns(*row) for row in found}
        change = writing(before, lambda: set(self._patients(person_id)), expectations, lines)
        self._session.run_many(self._sql.put, change.rows)
        opened = self._session.run_many(self._sql.open, change.openings)
        check_opened(len(change.openings), opened)
        if lines and not self._session.compiler.is_sqlite:
            self._session.rows(self._sql.number)
        self._session.run_many(self._sql.add_line, [ledger_columns(line) for line in lines])
        # Behind the lock on numbers: a state changes with a line.
        self._session.run_many(self._sql.count, change.tally)
        self.handoffs.write(change.handoffs)
        after = watch.saved(until, next_due)
        self._session.run(self._sql.set, (*after, person_id))
        self._known[person_id] = after.looks

    def _lock(self, person_id: str) -> Watch:
        rows = self._session.rows(self._sql.lock, (person_id,))
        if not rows:
            self._session.run(self._sql.add, (person_id, *Watch()))
            rows = self._session.rows(self._sql.lock, (person_id,))
        return Watch(*rows[0])

    def ledger(self, after: int, limit: int) -> list[tuple[int, LedgerLine]]:
        """Return ledger lines with sequence number above `after`, in order."""
        rows = self._session.rows(self._sql.ledger, (after, limit))
        return [(row[0], read_line(row[1:])) for row in rows]

    def last_line(self) -> int:
        """Return the sequence number of the last ledger line."""
        found = self._session.rows(self._sql.last_line, (1,))
        return found[0][0] if found else 0

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
        opened = (1,) if opened_only else (0, 1)
        held = sight if sight is not None and sight.has_territory else None
        statement = self._sql.worst[bool(rule), bool(severity), held is not None]
        middle: tuple[object, ...] = (rule,) if rule else ()
        if severity:
            middle = (*middle, weight_of(severity))
        if held is not None:
            middle = (*middle, *watch_sight.values(held))
        # One index range for each state; each comes in order.
        ranges = [
            [
                ExpectationColumns(*row)
                for row in self._session.rows(statement, (status.value, flag, *middle, limit))
            ]
            for status in sorted(set(statuses))
            for flag in opened
        ]
        ordered = merge(*ranges, key=lambda row: row.place)
        return [read_expectation(row) for row in islice(ordered, limit)]

    def gap(self, gap_id: str) -> ExpectationRow | None:
        """Return one expectation."""
        rows = self._session.rows(self._sql.of_gaps, (given([gap_id]),))
        return read_expectation(rows[0]) if rows else None

    def some(self, gap_ids: Iterable[str]) -> dict[str, ExpectationRow]:
        """Return each expectation among these that is there."""
        rows = self._session.rows(self._sql.of_gaps, (given(sorted(set(gap_ids))),))
        return {row[0]: read_expectation(row) for row in rows}

    def history(self, gap_id: str) -> list[LedgerLine]:
        """Return the ledger of one expectation."""
        return [read_line(row) for row in self._session.rows(self._sql.history, (gap_id,))]

    def counts(self) -> dict[tuple[str, Status], int]:
        """Return how many expectations each rule has in each state."""
        rows = self._session.rows(self._sql.counts)
        return {(rule, Status(status)): count for rule, status, count in rows}

    def counts_seen(
        self, statuses: Sequence[Status], sight: Sight
    ) -> dict[tuple[str, Status], int]:
        """Return how many expectations of each rule in these states somebody may be shown."""
        wanted = watch_sight.counted(list(statuses), sight)
        rows = self._session.rows(self._sql.counts_seen, wanted)
        return {(rule, Status(status)): count for rule, status, count in rows}

    def feed_seen(
        self,
        seen: Sequence[tuple[str, datetime, datetime]],
        behind_s: Mapping[str, float] | None = None,
    ) -> None:
        """Note messages of feeds: (feed, receipt, emission)."""
        self._feeds.seen(seen, behind_s or {})

    def feeds(self, since: datetime | None = None) -> list[FeedState]:
        """Return every feed, by name; the marks from the one that stood at `since` on."""
        return self._feeds.all(since)

    def feeds_now(self) -> list[FeedState]:
        """Return every feed, by name, with its newest mark only."""
        return self._feeds.newest()

    def complete_at(self, feed: str, instant: datetime) -> datetime | None:
        """Return the receipt that made a feed complete up to an instant."""
        return self._feeds.complete_at(feed, instant)
