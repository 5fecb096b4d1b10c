"""The ladder of open gaps, carried out: who is told now, and how the Task shows it.

Runs in the transaction of the look: what was told is kept beside it, so that a rung is told once,
whoever looks and how often. Never touches expectations or the ledger.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.core.contributions import Json, Target
from gateway.core.facts import ExpectationRow
from gateway.core.ports import StoredResource, Transaction
from gateway.core.work import Act, Did, DigestItem, Mute
from gateway.fhir import gap_alerts as alerts
from gateway.fhir import gaps, topics
from gateway.fhir.gap_subject import patient_of
from gateway.fhir.gap_work import ENDED, business_of
from gateway.fhir.identity import Ids
from gateway.pathway.calendar import region_of
from gateway.pathway.facts import stamp
from gateway.pathway.ladder import Ladder, Opened, Rung, ladder, to_wake, wakes_at
from gateway.pathway.mutes import subjects_of
from gateway.pathway.rules import Rule, Rules
from gateway.pathway.wording import clock
from gateway.pipeline import written
from gateway.pipeline.alerts import leave
from gateway.pipeline.numbering import Event
from gateway.pipeline.publish import GapChange, tell, traits_of

_FRENCH = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done about an open gap at an instant.

    Attributes:
        row: the expectation.
        patients: of its person.
        acts: of the episode, oldest first.
        ladder: where it stands.
        muted: nobody is told now because somebody said so.
        wakes: a deferral that is over; None when there is none.
        next: next instant that may change anything; None: none.
    """

    row: ExpectationRow
    rule: Rule
    patients: tuple[str, ...]
    acts: tuple[Act, ...]
    ladder: Ladder
    muted: bool
    wakes: Act | None
    next: datetime | None
    now: datetime

    @property
    def is_idle(self) -> bool:
        """Tell whether there is nothing to do now."""
        flips = self.muted != _shown_muted(self.acts)
        return not (self.ladder.tells or self.wakes or flips)


def plans(
    tx: Transaction,
    rows: Iterable[ExpectationRow],
    patients: Sequence[str],
    rules: Rules,
    now: datetime,
) -> list[Plan]:
    """Return what is to be done about the open gaps among some expectations, by gap id.

    Args:
        tx: the transaction of the look.
        rows: expectations of one person.
        patients: of that person.
        rules: all versions; a gap whose version is gone has no ladder.
        now: instant of the look.
    """
    known = [(row, rules.version(row.rule, row.rule_version)) for row in rows if gaps.is_open(row)]
    climbed = [(row, rule) for row, rule in known if rule is not None]
    if not climbed:
        return []
    acts = tx.work.acts(row.gap_id for row, _ in climbed)
    subjects = {row.gap_id: subjects_of(row, patients) for row, _ in climbed}
    mutes = tx.work.muted({one for found in subjects.values() for one in found})
    return [
        _plan(
            row,
            rule,
            tuple(patients),
            tuple(act for act in acts.get(row.gap_id, ()) if act.episode == row.episode),
            [mute for mute in mutes if mute.subject in subjects[row.gap_id]],
            now,
        )
        for row, rule in climbed
    ]


def _plan(
    row: ExpectationRow,
    rule: Rule,
    patients: tuple[str, ...],
    acts: tuple[Act, ...],
    mutes: Sequence[Mute],
    now: datetime,
) -> Plan:
    region = region_of(gaps.finess_of(row))
    opened = Opened(row.opened_at or now, row.severity, region)
    climbed = ladder(rule, opened, acts, mutes, now)
    wakes = wakes_at(acts)
    is_over = wakes is not None and wakes <= now
    instants = [at for at in (climbed.next, wakes) if at is not None and at > now]
    return Plan(
        row=row,
        rule=rule,
        patients=patients,
        acts=acts,
        ladder=climbed,
        muted=any(mute.holds(now) for mute in mutes),
        wakes=to_wake(acts) if is_over else None,
        next=min(instants, default=None),
        now=now,
    )


@dataclass(frozen=True, slots=True)
class Shown:
    """Whom a gap is shown to be about, for its subscribers.

    Attributes:
        plan: what is to be done.
        row: with the Patient that stands for whoever carries the trigger.
        identifiers: (system, value) pairs of that Patient, for filters; never shown.
    """

    plan: Plan
    row: ExpectationRow
    identifiers: tuple[tuple[str, str], ...]


def carry_out(tx: Transaction, shown: Sequence[Shown], rules: Rules, ids: Ids) -> int:
    """Do what is to be done about open gaps; return the notifications queued.

    Args:
        tx: the transaction of the look, after its gaps were written.
        shown: plans that are not idle.
        rules: all versions.
        ids: computed ids of the installation.

    Raises:
        RejectedError: a resource breaks its FHIR shape.
    """
    told = 0
    for one in sorted(shown, key=lambda one: one.row.gap_id):
        carrier = _Carrier(tx, one, rules, ids)
        events = list(carrier.events())
        told += tell(tx, events, one.plan.now) if events else 0
    return told


class _Carrier:
    """One gap, while what is due about it is done."""

    def __init__(self, tx: Transaction, shown: Shown, rules: Rules, ids: Ids) -> None:
        self._tx, self._ids, self._shown = tx, ids, shown
        row = shown.row
        self._owner = Target("DetectedIssue", ids.gap(row.gap_id))
        tx.contributions.lock([self._owner])
        # Read again behind the lock: somebody may have taken the gap meanwhile.
        again = plans(tx, [shown.plan.row], shown.plan.patients, rules, shown.plan.now)
        self._plan = again[0]
        self._now = self._plan.now
        self._issue_key = (self._owner.type, self._owner.id)
        self._task_key = ("Task", ids.gap_task(row.gap_id, row.episode))
        self._stored = tx.resources.current([self._issue_key, self._task_key])
        self._acts: list[Act] = []

    def events(self) -> Iterator[Event]:
        """Write Task, alerts and gap; return what subscribers are told."""
        before = written.read(self._stored.get(self._task_key))
        issue = written.read(self._stored.get(self._issue_key))
        if before is None or issue is None or before["status"] in ENDED or self._plan.is_idle:
            return
        climbs = [rung for rung in self._plan.ladder.tells if not rung.is_opening]
        task = self._muted(self._woken(before, climbs))
        if climbs:
            roles = [rung.role for rung in climbs]
            task = alerts.escalated_task(task, roles)
        if task != before:
            self._write({**task, "lastModified": stamp(self._now)}, self._task_key)
        for rung in self._plan.ladder.tells:
            yield from self._tell(rung, issue)
        self._note_rungs()
        self._tx.work.add(self._acts)
        if climbs:
            roles = [rung.role for rung in climbs]
            step = max(rung.number for rung in climbs)
            made = alerts.escalated_issue(issue, step, roles, self._now)
            stored = self._write(made, self._issue_key)
            yield self._event(made, stored)

    def _woken(self, task: Json, climbs: Sequence[Rung]) -> Json:
        """Wake a Task whose deferral is over, or that somebody else is told of."""
        sleeping = self._plan.wakes or (to_wake(self._plan.acts) if climbs else None)
        if sleeping is None:
            return task
        self._do(Did.WOKEN, sleeping.number)
        if task["status"] != "on-hold":
            return task
        was_taken = sleeping.details.get("status") in ("accepted", "in-progress")
        business = str(sleeping.details.get("business", ""))
        return alerts.woken_task(task, was_taken, business, escalated=self._was_escalated())

    def _muted(self, task: Json) -> Json:
        """Show a mute that began or ended."""
        muted, flips = self._plan.muted, _flips(self._plan.acts)
        if muted == _shown_muted(self._plan.acts):
            # A Task that woke meanwhile stays muted.
            return alerts.muted_task(task) if muted else task
        self._do(Did.MUTED, len(flips) + 1, business=business_of(task))
        if muted:
            return alerts.muted_task(task)
        if not alerts.is_muted(task):
            return task
        business = str(flips[-1].details.get("business", "")) if flips else ""
        return alerts.shown_again(task, business, escalated=self._was_escalated())

    def _was_escalated(self) -> bool:
        rungs = (act for act in self._plan.acts if act.did is Did.RUNG)
        return any(act.details.get("escalates") for act in rungs)

    def _tell(self, rung: Rung, issue: Json) -> Iterator[Event]:
        """Write the alert to one audience, or keep it for its next digest."""
        row = self._shown.row
        is_critical = row.severity == "critical"
        news = "new" if rung.is_opening else "escalated"
        if not is_critical:
            self._later(rung, news)
        if rung.number == 0 and not is_critical:
            return
        key = f"{row.gap_id}#{row.episode}#rung{rung.number}"
        skipped = ", ".join(
            f"{one.role} (prévu le {clock(one.due, _FRENCH)})"
            for one in self._plan.ladder.skipped
            if one.due is not None and (one.number or is_critical)
        )
        note = (f"Échelons passés sans alerte, faute d’avoir regardé à temps : {skipped}.",)
        due = clock(rung.due or self._now, _FRENCH)
        opening = "critical" if is_critical else row.severity
        alert = alerts.Alert(
            id=self._ids.communication(key),
            key=key,
            kind="opening" if rung.is_opening else "escalation",
            role=rung.role,
            organization=gaps.organization_of(issue),
            priority=gaps.PRIORITY[opening] if rung.is_opening else "stat",
            sentences=(
                *((issue["detail"],) if "detail" in issue else ()),
                f"Échelon {rung.number} : {rung.role}, le {due}.",
            ),
            about=tuple("/".join(one) for one in (self._issue_key, self._task_key)),
            patient=patient_of(row),
            notes=note if skipped else (),
        )
        finess = gaps.finess_of(row)
        yield leave(self._tx, alert, finess, self._shown.identifiers, self._now)

    def _later(self, rung: Rung, news: str) -> None:
        row = self._shown.row
        owner = f"{rung.role}@{gaps.finess_of(row)}"
        item = DigestItem(owner, row.gap_id, row.episode, news, self._now)
        self._tx.work.tell_later([item])

    def _note_rungs(self) -> None:
        """Note what was told and what was passed over: neither is told again."""
        climbed = self._plan.ladder
        for rung in (*climbed.skipped, *climbed.tells):
            skipped = rung in climbed.skipped
            details = {"role": rung.role, "due": stamp(rung.due or self._now)}
            if skipped and rung.number == 0 and self._shown.row.severity != "critical":
                self._later(rung, "new")
            if not rung.is_opening and not skipped:
                details["escalates"] = "yes"
            self._do(Did.RUNG, rung.number, **details, **({"skipped": "yes"} if skipped else {}))

    def _do(self, did: Did, number: int, **details: str) -> None:
        row = self._plan.row
        self._acts.append(Act(row.gap_id, row.episode, did, number, self._now, details))

    def _write(self, resource: Json, key: tuple[str, str]) -> StoredResource:
        before = self._stored.get(key)
        return written.write(self._tx, self._owner, resource, before, self._now)

    def _event(self, issue: Json, stored: StoredResource) -> Event:
        row = self._shown.row
        change = GapChange(row, row, identifiers=self._shown.identifiers)
        name = f"{row.gap_id}#{row.episode}#{stored.version}"
        focus = f"DetectedIssue/{stored.id}/_history/{stored.version}"
        return Event(topics.GAP_UPDATED, name, focus, self._now, traits_of(issue, change, ""))


def _flips(acts: Iterable[Act]) -> list[Act]:
    return [act for act in acts if act.did is Did.MUTED]


def _shown_muted(acts: Iterable[Act]) -> bool:
    """Tell whether the last thing shown of mutes is that one holds."""
    return len(_flips(acts)) % 2 == 1
