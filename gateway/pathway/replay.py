"""From one look at a person to the next: which lines the ledger gains.

Steps through every receipt and every timer between two looks, in order, and writes what changed at
each. So the ledger depends on the log and its receipts only: however often, late, or by how many
workers one looks, and after any crash, the bytes are the same. Written lines are never touched;
a correction appends.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from gateway.core.events import document_of
from gateway.core.facts import Attributes, ExpectationRow, LedgerLine, Received, Status
from gateway.pathway.causes import Look, cause_of
from gateway.pathway.counting import written
from gateway.pathway.evaluator import Case, cases_of
from gateway.pathway.facts import Facts, stamp
from gateway.pathway.rules import Rules
from gateway.pathway.watermarks import NEVER, Feeds

_BEGINNING = datetime.min.replace(tzinfo=UTC)
#: Order of a Patient that joins a person: before the messages of that instant.
_JOIN = -1
#: Order of a change of rules: before everything else of that instant.
_RULED = -2
#: How often to look whether a silent feed is back, when nobody tells.
POLL = timedelta(minutes=15)
#: Attributes of the trigger that people must see.
_SHOWN = (
    "estab", "unit", "sector", "visit", "destination", "detail", "destination_finess", "mode",
    "gp", "stay_start", "stay_end", "type", "setid", "doc", "recipient", "request", "feed",
    "skew_s", "rejects",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Advance:
    """What a look found.

    Attributes:
        rows: every expectation of the person, in order of gap id.
        changed: those of `rows` that differ from what was given, or that `lines` are about: a
            state that was left and reached again is as it was, and its ledger is not.
        lines: new ledger lines, in order.
        next_due: when to look again without being asked; None: never.
        moved: given rows whose trigger now belongs to another person; look at that one with them.
    """

    rows: tuple[ExpectationRow, ...]
    changed: tuple[ExpectationRow, ...]
    lines: tuple[LedgerLine, ...]
    next_due: datetime | None
    moved: tuple[ExpectationRow, ...] = ()


def changed_of(
    rows: Iterable[ExpectationRow],
    given: Mapping[str, ExpectationRow],
    lines: Iterable[LedgerLine],
) -> tuple[ExpectationRow, ...]:
    """Return `Advance.changed` of rows that were given as they stood before."""
    told = {line.gap_id for line in lines}
    return tuple(row for row in rows if row.gap_id in told or given.get(row.gap_id) != row)


def advance(
    received: Iterable[Received],
    rules: Rules,
    feeds: Feeds,
    tenant: str,
    rows: Sequence[ExpectationRow],
    looked_until: datetime | None,
    now: datetime,
    *,
    person_id: str,
    patients: Collection[str] | None = None,
    joined: Mapping[str, datetime] | None = None,
    ruled: Mapping[str, datetime] | None = None,
) -> Advance:
    """Continue the ledger of a person up to now.

    Args:
        received: every assertion about the person's Patients.
        rules: in force.
        feeds: watermarks up to now.
        tenant: of the installation.
        rows: expectations as the last look left them, with those of every person that lost a
            Patient to this one.
        looked_until: instant of the last look, None at the first.
        now: instant of this look.
        person_id: whose rows they become.
        patients: ids of the Patients of the person; None when they never change.
        joined: since when a Patient has belonged to the person; absent: always.
        ruled: since when a rule has said what it says; absent: always. Until then its
            expectations stay as the rule before it left them.
    """
    look = _Looking(rules, feeds, tenant, rows, person_id, patients, joined or {}, ruled or {})
    look.walk(received, looked_until or _BEGINNING, now)
    return look.result(now)


class _Looking:
    """One look, while it walks from instant to instant."""

    def __init__(
        self,
        rules: Rules,
        feeds: Feeds,
        tenant: str,
        rows: Sequence[ExpectationRow],
        person_id: str,
        patients: Collection[str] | None,
        joined: Mapping[str, datetime],
        ruled: Mapping[str, datetime],
    ) -> None:
        self._rules, self._feeds, self._tenant = rules, feeds, tenant
        self._person = person_id
        self._patients = patients
        self._joined, self._ruled = joined, ruled
        self._given = {row.gap_id: row for row in rows}
        self._rows = {
            row.gap_id: row for row in rows if patients is None or row.patient.id in patients
        }
        self._facts = Facts()
        self._cases: dict[str, Case] | None = None
        self._lines: list[LedgerLine] = []

    def walk(self, received: Iterable[Received], since: datetime, now: datetime) -> None:
        """Evaluate at each instant that may change anything."""
        steps = self._steps(received, since, now)
        evaluated = False
        reached = since
        for at, group in steps:
            evaluated |= self._timers(reached, at, inclusive=False)
            touched = {event for one in group for event in self._facts.add(one)}
            if touched & self._rules.relevant or at in self._joined.values():
                self._cases = None
                self._apply(at, timers=False)
                evaluated = True
            if not group and at in self._ruled.values():
                # What is due by the new rule already is found when it begins to count.
                self._apply(at, timers=True)
                evaluated = True
            reached = at
        evaluated |= self._timers(reached, now, inclusive=True)
        if not evaluated:
            # Other rules, another identity, or something committed after the last look.
            self._apply(now, timers=True)

    def result(self, now: datetime) -> Advance:
        """Return where everything stands."""
        rows = tuple(self._rows[gap_id] for gap_id in sorted(self._rows))
        dues = [self._next(case, now) for case in self._current().values()]
        moved = tuple(
            row for gap_id, row in sorted(self._given.items()) if gap_id not in self._rows
        )
        return Advance(
            rows=rows,
            changed=changed_of(rows, self._given, self._lines),
            lines=tuple(self._lines),
            next_due=min((due for due in dues if due is not None), default=None),
            moved=moved,
        )

    def _steps(
        self, received: Iterable[Received], since: datetime, now: datetime
    ) -> list[tuple[datetime, list[Received]]]:
        """Take in what was known at the last look; return what came after, by receipt."""
        steps: dict[tuple[datetime, int], list[Received]] = {
            (at, _JOIN): [] for at in self._joined.values() if since < at <= now
        }
        steps |= {(at, _RULED): [] for at in self._ruled.values() if since < at <= now}
        relevant, received = self._rules.relevant, list(received)
        # By key: what an irrelevant event takes the place of may be relevant.
        keys = {one.assertion.key for one in received if one.assertion.event in relevant}
        # And what a relevant fact is dropped by.
        keys |= {
            document_of(one.assertion.event, one.assertion.attributes)
            for one in received
            if one.assertion.event in relevant
        }
        known: list[Received] = []
        for one in received:
            if one.assertion.key not in keys:
                continue
            receipt = self._visible(one)
            if receipt[0] <= since:
                known.append(one)
            elif receipt[0] <= now:
                steps.setdefault(receipt, []).append(one)
        self._facts.take(known)
        return [(receipt[0], steps[receipt]) for receipt in sorted(steps)]

    def _visible(self, one: Received) -> tuple[datetime, int]:
        """Return when the person's log holds it: all of a Patient at once when it joins."""
        patient = one.assertion.patient
        if patient is not None and self._joined:
            joined = self._joined.get(patient.id)
            if joined is not None and one.at < joined:
                return joined, _JOIN
        return one.at, one.order

    def _timers(self, since: datetime, until: datetime, *, inclusive: bool) -> bool:
        """Fire the timers after the last step; tell whether any did."""
        if not self._may_fire(until):
            return False
        fired = False
        while True:
            due = self._next_timer(since, fired)
            if due is None or due > until or (due == until and not inclusive):
                return fired
            self._apply(due, timers=True)
            since, fired = due, True

    def _may_fire(self, until: datetime) -> bool:
        """Tell whether a timer could fire, without building anything."""
        if self._cases is not None:
            return True
        return any(
            row.status is Status.UNCONFIRMED or (row.theta is not None and row.theta <= until)
            for row in self._rows.values()
        )

    def _next_timer(self, since: datetime, fired: bool) -> datetime | None:
        """Return the next timer; one that is past already fires at once."""
        found: datetime | None = None
        for gap_id, case in self._current().items():
            row = self._rows.get(gap_id)
            due = case.next_change(row.status) if row is not None else None
            if due is None or due is NEVER:
                continue
            due = max(due, since, self._ruled.get(case.rule.id, since))
            # At one instant a timer fires once; what still waits then waits for another.
            if fired and due == since:
                continue
            if found is None or due < found:
                found = due
        return found

    def _current(self) -> dict[str, Case]:
        if self._cases is None:
            cases = cases_of(self._facts.by_event(), self._rules, self._feeds, self._tenant)
            self._cases = {case.gap_id: case for case in cases}
        return self._cases

    def _apply(self, at: datetime, *, timers: bool) -> None:
        """Write what is different at this instant."""
        look = Look(at, timers, self._patients_at(at))
        cases = self._current()
        for gap_id in sorted(cases.keys() | self._rows.keys()):
            row, case = self._rows.get(gap_id), cases.get(gap_id)
            if self._ruled and self._counts_from(row, case) > at:
                continue
            if case is None:
                if row is not None:
                    self._write(row, _voided(row, look), None, look)
                continue
            status = case.status(at, timers=timers)
            self._write(row, self._row(case, status, row, look), case, look)

    def _counts_from(self, row: ExpectationRow | None, case: Case | None) -> datetime:
        """Return since when the rule of an expectation says what it says."""
        rule = case.rule.id if case is not None else row.rule if row is not None else ""
        return self._ruled.get(rule, _BEGINNING)

    def _write(
        self, old: ExpectationRow | None, new: ExpectationRow, case: Case | None, look: Look
    ) -> None:
        if old is not None and old.status is new.status:
            self._rows[new.gap_id] = old if old == new else new
            return
        instant = look.at.replace(microsecond=0)
        if old is not None and old.status is Status.OVERDUE:
            new = replace(new, closed_at=instant)
        if new.status is Status.OVERDUE:
            again = old is not None and old.opened_at is not None
            new = replace(new, episode=new.episode + again, opened_at=instant, closed_at=None)
        self._rows[new.gap_id] = new
        # A rule that is off, or gone, expects nothing any more.
        is_off = case is None and new.rule not in self._rules.in_force
        is_ruled = is_off or self._ruled.get(new.rule) == look.at
        self._lines.append(
            LedgerLine(
                instant=instant,
                gap_id=new.gap_id,
                episode=new.episode,
                rule=new.rule,
                rule_version=new.rule_version,
                from_status=old.status if old else None,
                to_status=new.status,
                cause="rule-change" if is_ruled else cause_of(old, new, case, look),
            )
        )

    def _row(
        self, case: Case, status: Status, old: ExpectationRow | None, look: Look
    ) -> ExpectationRow:
        trigger, rule = case.trigger, case.rule
        patient = trigger.assertion.patient
        if patient is None:
            # A rule on a feed has no person; its expectations are not those of a person.
            msg = f"the trigger of {rule.id} is about no patient"
            raise ValueError(msg)
        waits = status in (Status.PENDING, Status.UNCONFIRMED)
        seen = (trigger, case.closer, case.canceller, *case.candidates)
        return ExpectationRow(
            gap_id=case.gap_id,
            x=case.x,
            person_id=self._person,
            patient=patient,
            rule=rule.id,
            rule_version=rule.version,
            severity=rule.written.severity,
            status=status,
            trigger=trigger.key,
            anchor=case.anchor,
            deadline=case.deadline,
            theta=case.theta if waits else None,
            episode=old.episode if old else 1,
            opened_at=old.opened_at if old else None,
            closed_at=old.closed_at if old else None,
            closer=case.closer.key if case.closer else "",
            evidence=tuple(fact.key for fact in seen if fact is not None),
            details=_details(case, look),
        )

    def _patients_at(self, at: datetime) -> tuple[str, ...] | None:
        if self._patients is None:
            return None
        return tuple(
            sorted(one for one in self._patients if self._joined.get(one, _BEGINNING) <= at)
        )

    def _next(self, case: Case, now: datetime) -> datetime | None:
        row = self._rows.get(case.gap_id)
        due = case.next_change(row.status) if row is not None else None
        if row is not None and row.status is Status.UNCONFIRMED:
            # An opening that is due later only because the feed is silent may come sooner.
            return min(due or NEVER, now + POLL)
        return due


def _voided(row: ExpectationRow, look: Look) -> ExpectationRow:
    details = {name: value for name, value in row.details.items() if name != "patients"}
    details |= _together(look)
    return replace(row, status=Status.VOID, theta=None, closer="", details=details)


def _details(case: Case, look: Look) -> Attributes:
    shown = case.trigger.attributes
    details = {name: shown[name] for name in _SHOWN if shown.get(name) is not None}
    if address := case.trigger.text("address"):
        # Of an address the domain only: one of a patient holds their number.
        details["domain"] = address.rpartition("@")[2].lower()
    details["event"] = case.trigger.event
    details["at"] = stamp(case.trigger.low)
    if case.closer is not None:
        details["closed_by"] = case.closer.event
        details["happened_at"] = stamp(case.closer.low)
        details["learned_at"] = stamp(case.closer.learned)
    if case.canceller is not None:
        details["canceller"] = case.canceller.key
        details["cancelled_by"] = case.canceller.event
        details["cancelled_at"] = stamp(case.canceller.low)
    if case.candidates:
        details["candidates"] = [fact.key for fact in case.candidates]
    if case.pauses:
        details["pauses"] = [written(one) for one in case.pauses]
    if case.flags:
        details["flags"] = sorted(set(case.flags))
    return details | _together(look)


def _together(look: Look) -> Attributes:
    """Return the Patients of a person that has several."""
    patients = look.patients or ()
    return {"patients": list(patients)} if len(patients) > 1 else {}
