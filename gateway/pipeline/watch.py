"""Look at persons whose facts or timers ask for it: facts to ledger, gaps and notifications.

One look advances one person from the instant of its last look to now, through every receipt and
every timer between, so that the ledger is the same whatever the number of workers or the moment
of the look. State, resources and outbox rows of a look are one transaction.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from time import perf_counter
from typing import NamedTuple

import orjson
import structlog
from prometheus_client import Histogram

from gateway.core import tracing
from gateway.core.clock import Clock
from gateway.core.contributions import Target
from gateway.core.errors import FatalError, RejectedError, RetriableError
from gateway.core.facts import ExpectationRow, LedgerLine, Received
from gateway.core.feed_ports import ClockCorrection
from gateway.core.ports import Store, Transaction
from gateway.fhir.identity import Ids
from gateway.pathway.cohort import Cohort, Walked, advance_cohort
from gateway.pathway.explain import explain
from gateway.pathway.rules import Rules
from gateway.pathway.watermarks import Feeds
from gateway.pipeline import traces
from gateway.pipeline.care import Care, pathways, write_pathways
from gateway.pipeline.dossiers import owners
from gateway.pipeline.evidence import references
from gateway.pipeline.figures import Transitions, count_gaps, transitions
from gateway.pipeline.ladder import Plan, Shown, carry_out, plans
from gateway.pipeline.persons import cohort_of
from gateway.pipeline.publish import GapChange, gap_changes
from gateway.pipeline.rule_changes import RuleChanges
from gateway.pipeline.told import told_of
from gateway.pipeline.warnings import next_warning, to_warn, warn

_log = structlog.get_logger()
_LOOK = Histogram("relais_pathway_look_seconds", "Time to look at one person")
_LATENCY = Histogram(
    "relais_pathway_latency_seconds",
    "From the receipt of an input to the ledger that knows it, by the clock of the gateway",
    buckets=(0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.5, 2.0, 5.0, 10.0, 60.0),
)


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """How the engine looks.

    Attributes:
        tenant: secret part of every gap id.
        persons: looks in one transaction at most.
        lag: how far the look stays behind the clock; above the longest commit when several
            processes store inputs, so that no receipt turns up behind a look.
        declared: feeds that site tables promise.
    """

    tenant: str
    persons: int = 32
    lag: timedelta = timedelta(0)
    declared: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Watcher:
    """Claims persons that are due and looks at them."""

    store: Store
    rules: Rules
    ids: Ids
    clock: Clock
    settings: WatchSettings
    #: Notices other rules; None where they never change.
    changes: RuleChanges | None = None

    async def step(self) -> int:
        """Look at the persons that are due; return how many there were.

        Raises:
            RetriableError: the store is away; nothing of the step is kept.
        """
        now = self.clock.now() - self.settings.lag
        try:
            with tracing.start("look") as span:
                count, done = await self.store.write(lambda tx: self._step(tx, now))
                traces.looked(span, count)
            self._observe(done)
            return count
        except (RejectedError, FatalError):
            return await self._one_by_one(now)
        except RetriableError as error:
            if not _is_of_one(error):
                raise
            return await self._one_by_one(now)

    async def _one_by_one(self, now: datetime) -> int:
        """Look at due persons each in a transaction of its own, after a batch broke.

        Whom the engine cannot look at keeps its lease, is tried again when that ends, and stalls
        nobody else.
        """
        limit = self.settings.persons
        due = await self.store.write(lambda tx: tx.watch.claim_due(now, limit))
        for person_id in due:
            try:
                look = partial(self._look, persons=[person_id], now=now)
                self._observe(await self.store.write(look))
            except (RejectedError, FatalError, RetriableError) as error:
                if isinstance(error, RetriableError) and not _is_of_one(error):
                    raise
                _log.error("look_broke", code=error.issues[0].code, where=error.issues[0].where)
        return len(due)

    async def drain(self) -> int:
        """Look until nobody is due; return how many looks it took."""
        total = 0
        while taken := await self.step():
            total += taken
        return total

    async def follow_rules(self) -> int:
        """Ask for looks at the next persons whom a change of rules concerns; return 0.

        Raises:
            RetriableError: the store is away.
        """
        return await self.changes.step(self.store, self.clock) if self.changes else 0

    def _step(self, tx: Transaction, now: datetime) -> tuple[int, "_Done"]:
        due = tx.watch.claim_due(now, self.settings.persons)
        return len(due), self._look(tx, due, now) if due else _Done([], {})

    def _observe(self, done: "_Done") -> None:
        """Note how long inputs waited for the ledger; the look is durable by now."""
        now = self.clock.now()
        for at in done.receipts:
            _LATENCY.observe((now - at).total_seconds())
        count_gaps(done.transitions)

    def _look(self, tx: Transaction, persons: Sequence[str], now: datetime) -> "_Done":
        """Look at persons; return what is to be noted once it is durable."""
        newest = tx.watch.feeds_now()
        troubles, corrections = tx.feeds.troubles(), tx.feeds.corrections()
        ruled = self.changes.since(tx, now) if self.changes else {}
        feeds = Feeds.of(newest, self.settings.declared, tx.watch.complete_at, troubles)
        changes: list[GapChange] = []
        receipts: list[datetime] = []
        due: list[Shown] = []
        warned: list[GapChange] = []
        cares: list[Care] = []
        for person_id in persons:
            began = perf_counter()
            looked = look(
                tx,
                person_id,
                self.rules,
                feeds,
                self.settings.tenant,
                now,
                self.ids,
                corrections,
                ruled,
            )
            changes += looked.changes
            receipts += looked.receipts
            due += looked.due
            warned += looked.warned
            cares.append(looked.care)
            _LOOK.observe(perf_counter() - began)
        told = gap_changes(tx, changes, now, self.ids)
        write_pathways(tx, cares, now, self.ids)
        told += carry_out(tx, due, self.rules, self.ids)
        told += warn(tx, warned, self.rules, now, self.ids)
        if changes:
            _log.info("gaps_changed", count=len(changes), waiting=told)
        lines = (line for change in changes for line in change.lines)
        return _Done(receipts, transitions(lines))


class _Done(NamedTuple):
    """What a look did.

    Attributes:
        receipts: of the inputs the ledger knows from now on.
        transitions: gaps that opened and ended.
    """

    receipts: list[datetime]
    transitions: Transitions


class Looked(NamedTuple):
    """What a look found.

    Attributes:
        changes: gaps that changed.
        receipts: of the inputs that no earlier look knew.
        due: open gaps somebody is to be told about, or whose Task shows something else now.
        warned: expectations near their deadline, and those that are not any more.
        care: the pathways of those who were looked at.
    """

    changes: list[GapChange]
    receipts: list[datetime]
    due: list[Shown]
    warned: list[GapChange]
    care: Care


def _is_of_one(error: RetriableError) -> bool:
    """Tell whether the state of one person is the trouble, and not the store."""
    return error.issues[0].code.startswith("RLS-PTH-")


def look(
    tx: Transaction,
    person_id: str,
    rules: Rules,
    feeds: Feeds,
    tenant: str,
    now: datetime,
    ids: Ids,
    corrections: Sequence[ClockCorrection] = (),
    ruled: Mapping[str, datetime] | None = None,
) -> Looked:
    """Advance one person, and who was one with it since, to `now`; say which gaps changed.

    Args:
        tx: an open transaction.
        person_id: whose look is due.
        rules: all rule versions.
        feeds: for the completeness of what was received.
        tenant: secret part of every gap id.
        now: instant of looking; what was received later is looked at later.
        ids: computed ids of the installation.
        corrections: of the clocks of feeds.
        ruled: since when rules that changed say what they say.
    """
    cohort = cohort_of(tx, person_id)
    persons = sorted(set(cohort.persons.values()))
    received = told_of(tx, persons, corrections)
    rows = [row for person in persons for row in tx.watch.expectations(person)]
    # What another worker has written with a clock that is ahead stays written.
    now = max(now, *(until or now for until in cohort.looked_until.values()))
    known = [*(one.at for one in received), *(move.at for move in cohort.moves)]
    later = [at for at in known if at > now]
    walked = advance_cohort(received, rules, feeds, tenant, rows, cohort, now, ruled)
    by_person = {one.person_id: one for one in walked}
    planned: dict[str, list[Plan]] = {}
    # In one order: two workers then wait for each other, never in a circle.
    for id_ in sorted(cohort.persons.keys() | by_person.keys()):
        if id_ not in by_person:
            tx.watch.save(id_, (), (), now, None)
            continue
        done = by_person[id_].advance
        planned[id_] = plans(tx, done.rows, by_person[id_].patients, rules, now)
        instants = [done.next_due, *later, *(plan.next for plan in planned[id_])]
        instants.append(next_warning(done.rows, rules, now))
        due = min((d for d in instants if d is not None), default=None)
        tx.watch.save(id_, done.changed, done.lines, now, due)
    before = {row.gap_id: row for row in rows}
    changed = {line.gap_id for one in walked for line in one.advance.lines}
    if len(cohort.persons) > 1 or cohort.moves:
        changed |= _of_others(tx, walked, ids)
    care = pathways(tx, walked, received, now, ids)
    changed |= {
        row.gap_id
        for one in walked
        if one.person_id in care.regrouped
        for row in one.advance.rows
        if row.opened_at is not None
    }
    changes: list[GapChange] = []
    warned: list[GapChange] = []
    for one in walked:
        told = _Telling(tx, one, before, received, rules)
        changes += [
            replace(change, pathway=care.of(one.person_id, change.after))
            for change in told.changes(changed)
        ]
        rows_ = to_warn(tx, one.advance.rows, rules, changed, now, ids)
        warned += told.of({row.gap_id: row for row in rows_})
    return Looked(changes, _new(received, cohort, now), list(_due(tx, planned)), warned, care)


def _due(tx: Transaction, planned: Mapping[str, Sequence[Plan]]) -> Iterator[Shown]:
    """Say whom the gaps are shown to be about that something is to be done about."""
    found = [plan for plans_ in planned.values() for plan in plans_ if not plan.is_idle]
    if not found:
        return
    whose = owners(tx, {plan.row.patient.id for plan in found})
    names = identifiers(tx, set(whose.values()))
    for plan in found:
        patient_id = whose[plan.row.patient.id]
        row = replace(plan.row, patient=Target("Patient", patient_id))
        yield Shown(plan, row, names.get(patient_id, ()))


def _new(received: Sequence[Received], cohort: Cohort, now: datetime) -> list[datetime]:
    """Return when the inputs came that no earlier look knew."""
    found: dict[int, datetime] = {}
    for one in received:
        patient = one.assertion.patient
        until = cohort.looked_until.get(patient.id) if patient else None
        if one.at <= now and (until is None or one.at > until):
            found[one.order] = one.at
    return list(found.values())


def _of_others(tx: Transaction, walked: Sequence[Walked], ids: Ids) -> set[str]:
    """Return the gaps whose resources name a Patient that does not stand for the trigger now."""
    rows = [row for one in walked for row in one.advance.rows if row.opened_at is not None]
    whose = owners(tx, {row.patient.id for row in rows})
    keys = {row.gap_id: ("DetectedIssue", ids.gap(row.gap_id)) for row in rows}
    stored = tx.resources.current(sorted(keys.values()))
    found = set[str]()
    for row in rows:
        issue = stored.get(keys[row.gap_id])
        shown = orjson.loads(issue.body)["patient"]["reference"] if issue else ""
        if shown and shown != f"Patient/{whose[row.patient.id]}":
            found.add(row.gap_id)
    return found


class _Telling:
    """What is to be written of the expectations of one person, with all that tells why."""

    def __init__(
        self,
        tx: Transaction,
        walked: Walked,
        before: Mapping[str, ExpectationRow],
        received: Sequence[Received],
        rules: Rules,
    ) -> None:
        self._tx, self._walked, self._before, self._rules = tx, walked, before, rules
        self._received = received

    def changes(self, changed: Collection[str]) -> list[GapChange]:
        """Say what is to be written of those gaps that changed."""
        rows = {row.gap_id: row for row in self._walked.advance.rows if row.gap_id in changed}
        return self.of({g: row for g, row in rows.items() if was_shown(self._before.get(g), row)})

    def of(self, after: Mapping[str, ExpectationRow]) -> list[GapChange]:
        """Say what is to be written of some expectations."""
        if not after:
            return []
        lines: dict[str, list[LedgerLine]] = {}
        for line in self._walked.advance.lines:
            lines.setdefault(line.gap_id, []).append(line)
        whose = owners(self._tx, {row.patient.id for row in after.values()})
        names = identifiers(self._tx, set(whose.values()))
        patients = self._walked.patients
        known = [
            one
            for one in self._received
            if one.assertion.patient is not None and one.assertion.patient.id in patients
        ]
        shown_by = references(self._tx, after.values(), known)
        return [
            GapChange(
                before=self._before.get(gap_id),
                after=replace(row, patient=Target("Patient", whose[row.patient.id])),
                lines=tuple(lines.get(gap_id, ())),
                sentences=explain(row, known, self._rules).fr,
                identifiers=names.get(whose[row.patient.id], ()),
                references=shown_by,
            )
            for gap_id, row in after.items()
        ]


def was_shown(before: ExpectationRow | None, after: ExpectationRow) -> bool:
    """Tell whether a gap was ever opened: what was met in time is nobody's work."""
    return after.opened_at is not None or (before is not None and before.opened_at is not None)


def identifiers(
    tx: Transaction, patient_ids: set[str]
) -> Mapping[str, tuple[tuple[str, str], ...]]:
    """Return the identifiers each Patient shows, as (system, value)."""
    current = tx.resources.current([("Patient", patient_id) for patient_id in sorted(patient_ids)])
    return {
        id_: tuple(
            (item.get("system", ""), item.get("value", ""))
            for item in orjson.loads(stored.body).get("identifier", ())
        )
        for (_, id_), stored in current.items()
        if not stored.deleted
    }
