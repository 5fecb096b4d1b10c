"""The work on a gap from the store: how far it is, who did what, and what a person does next."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

import orjson

from gateway.core.errors import RejectedError
from gateway.core.facts import ExpectationRow, Status
from gateway.core.ports import StoredResource, Transaction
from gateway.core.work import Act, Did, Scope
from gateway.entry.web.forms import Form
from gateway.entry.web.people import Colleague, Staff
from gateway.entry.web.values import Muted, Work, WorkStep
from gateway.fhir import gap_acts, gap_work, gap_work_faults, gaps
from gateway.fhir.client_provenance import CLIENTS
from gateway.fhir.mutes import Asked
from gateway.pathway.calendar import region_of
from gateway.pathway.ladder import Opened, promised
from gateway.pathway.mutes import subjects_of
from gateway.pipeline.client_writes import WriteRules
from gateway.pipeline.gap_acts import Doing, Make, act, task_of, undo, writers
from gateway.pipeline.mutes import lift, mute
from gateway.pipeline.worklist import owner_of

Json = Mapping[str, Any]
_VERSIONS = 100
#: Acts of each kind of state.
_OPEN = frozenset({"assign", "defer", "note", "mute", "close"})
_STATES: Mapping[str, frozenset[str]] = {
    "requested": _OPEN | {"take"},
    "received": _OPEN | {"take"},
    "accepted": _OPEN | {"take", "return", "wait"},
    "in-progress": _OPEN | {"take", "return", "wait"},
    "on-hold": _OPEN | {"take", "return"},
}


@dataclass(frozen=True, slots=True)
class Desk:
    """Reads the work on gaps and carries out what people do.

    Attributes:
        rules: of every write.
        known: ids of all pathway rules.
        staff: names of those who act.
    """

    rules: WriteRules
    known: frozenset[str]
    staff: Staff

    def brief(self, task: Json) -> tuple[str, str, datetime | None]:
        """Return who has a Task, their name, and until when it is put off or promised."""
        named = self._name(task.get("owner", {})) if "owner" in task else ""
        return owner_of(dict(task)), named, gap_work.promised(dict(task))

    def work(self, tx: Transaction, row: ExpectationRow, now: datetime) -> Work | None:
        """Return how far people are with a gap; None when it has no Task."""
        key = ("Task", self.rules.ids.gap_task(row.gap_id, row.episode))
        stored = tx.resources.current([key]).get(key)
        if stored is None or stored.deleted:
            return None
        task = orjson.loads(stored.body)
        muted = self._mute(tx, row, now)
        return Work(
            stored.version,
            task["status"],
            gap_work.business_of(task),
            owner_of(task),
            self._name(task.get("owner", {})),
            gap_acts.outcome_of(task),
            gap_work.promised(task),
            latest(row, now),
            self._can(row, task, muted),
            _writer(tx, stored) if row.status is Status.OVERDUE else "",
            tuple(self._history(tx, stored)),
            muted,
        )

    def _can(self, row: ExpectationRow, task: Json, muted: Muted | None) -> frozenset[str]:
        if row.status is not Status.OVERDUE:
            return frozenset()
        if gap_work.is_settled_by_person(dict(task)):
            return frozenset({"reopen"})
        found = _STATES.get(task["status"], frozenset())
        return (found - {"mute"} | {"unmute"}) if muted and found else found

    def _mute(self, tx: Transaction, row: ExpectationRow, now: datetime) -> Muted | None:
        person = tx.facts.persons([row.patient.id])[row.patient.id]
        subjects = subjects_of(row, sorted({row.patient.id, *tx.facts.patients(person)}))
        holding = [one for one in tx.work.muted(subjects) if one.holds(now)]
        last = max(holding, key=lambda one: one.end, default=None)
        if last is None:
            return None
        return Muted(last.id, last.reason.value, last.end, self._author(last.author), last.note)

    def _author(self, author: str) -> str:
        return self.staff.names()(author.removeprefix("person:"))

    def _name(self, reference: Json) -> str:
        """Return the name behind a reference to a person or a client; the table counts first."""
        identifier = reference.get("identifier", {})
        number = str(identifier.get("value", ""))
        named = self.staff.names()(number) if number else ""
        if identifier.get("system") == CLIENTS and named == number:
            return str(reference.get("display") or number)
        return str(named if named != number else reference.get("display") or number or "") or str(
            reference.get("reference", "")
        )

    def _history(self, tx: Transaction, stored: StoredResource) -> list[WorkStep]:
        """Return what was done, newest first, with who wrote each version."""
        rows = tx.resources.history("Task", stored.id, _VERSIONS, None)
        by = writers(tx, stored.id)
        told: list[WorkStep] = []
        bodies = [(row, orjson.loads(row.body)) for row in rows if not row.deleted]
        for (after, task), (_, before) in pairwise(bodies):
            who = by.get(after.version)
            name = self._name(who) if who else ""
            told += self._steps(before, task, name, after.last_updated)
        return told

    def _steps(self, before: Json, task: Json, who: str, at: datetime) -> Iterator[WorkStep]:
        """Say what changed from one version of a Task to the next."""
        was, status = before["status"], task["status"]
        owner = self._name(task.get("owner", {}))
        until = gap_work.promised(dict(task))
        old, new = gap_work.business_of(dict(before)), gap_work.business_of(dict(task))
        for note in reversed(task.get("note", ())[len(before.get("note", ())) :]):
            text = str(note.get("text", ""))
            yield WorkStep("noted", at, who or str(note.get("authorString", "")), text)
        if status != was or task.get("owner") != before.get("owner"):
            if was in gap_work.ENDED and status not in gap_work.ENDED:
                yield WorkStep("reopened", at, who)
            elif status == "on-hold" and was != "on-hold":
                about = str(task.get("statusReason", {}).get("text", ""))
                yield WorkStep("deferred", at, who, about, until)
            elif status in gap_work.ENDED:
                outcome = gap_acts.outcome_of(dict(task))
                yield WorkStep("closed" if outcome else "ended", at, who, outcome or new)
            elif status == "requested":
                yield WorkStep("woken" if was == "on-hold" and not who else "returned", at, who)
            elif owner and owner != who:
                yield WorkStep("assigned", at, who, owner)
            else:
                yield WorkStep("taken" if who else "woken", at, who)
        elif status == "on-hold" and until != gap_work.promised(dict(before)):
            about = str(task.get("statusReason", {}).get("text", ""))
            yield WorkStep("deferred", at, who, about, until)
        elif new != old:
            yield WorkStep("state", at, who, new)

    def do(self, tx: Transaction, gap_id: str, form: Form, who: Colleague, now: datetime) -> int:
        """Carry out an act; return the version of the Task that stands then.

        Raises:
            RejectedError: somebody else was first (RLS-GAP-011), or the act does not go with the
                state of the gap.
        """
        doing = Doing(gap_id, form.version, who.who, now)
        if form.act == "undo":
            return undo(tx, doing, self.rules)
        if form.act in ("mute", "unmute"):
            return self._silence(tx, doing, form)
        return act(tx, doing, self._make(tx, doing, form), self.rules)

    def _make(self, tx: Transaction, doing: Doing, form: Form) -> Make:
        who, now, note = doing.who, doing.now, form.value("note")
        if form.act == "assign":
            to = next((c for c in self.staff.acting() if c.id == form.value("to")), None)
            if to is None:
                raise RejectedError([gap_work_faults.nobody()])
            return lambda task: gap_acts.assigned(task, to.who, who, note, now)
        if form.act == "defer":
            until = form.until
            row = tx.watch.gap(doing.gap_id)
            if until is None or row is None or until > latest(row, now):
                raise RejectedError([gap_work_faults.too_far()])
            return lambda task: gap_acts.deferred(task, who, until, form.value("reason"))
        outcome = form.value("outcome")
        makes: Mapping[str, Make] = {
            "take": lambda task: gap_acts.taken(task, who),
            "return": lambda task: gap_acts.returned(task, who, note, now),
            "wait": lambda task: gap_acts.waiting(task, form.value("state")),
            "note": lambda task: gap_acts.noted(task, who, form.value("text"), now),
            "close": lambda task: gap_acts.closed(task, who, outcome, note, now),
            "reopen": lambda task: gap_acts.reopened(task, who, note, now),
        }
        return makes[form.act]

    def _silence(self, tx: Transaction, doing: Doing, form: Form) -> int:
        """Mute a gap, or a rule for a person, or lift such a mute; the Task follows by itself."""
        row, stored = task_of(tx, doing.gap_id, self.rules.ids)
        if stored.version != doing.version:
            raise RejectedError([gap_work_faults.changed_meanwhile()])
        if form.act == "unmute":
            lift(tx, form.value("mute"), doing.who.client, doing.now)
            return stored.version
        parts = {"gap": row.gap_id}
        if form.value("scope") == Scope.PATIENT_RULE.value:
            parts = {"patient": row.patient.id, "rule": row.rule}
        end = form.end
        wish = Asked(
            form.value("scope"),
            form.value("why"),
            end.isoformat() if end else "",
            form.value("note"),
            doing.who.client,
            parts,
        )
        mute(tx, wish, self.known, doing.now)
        return stored.version


def _writer(tx: Transaction, stored: StoredResource) -> str:
    """Return who wrote the present version of a Task; empty when nobody can take it back."""
    who = writers(tx, stored.id).get(stored.version) if stored.version > 1 else None
    return str(who["identifier"]["value"]) if who else ""


def latest(row: ExpectationRow, now: datetime) -> datetime:
    """Return the latest instant a gap can be put off to: 5 business days, 12 h when critical."""
    opened = Opened(row.opened_at or now, row.severity, region_of(gaps.finess_of(row)))
    return promised(opened, Act(row.gap_id, row.episode, Did.DEFERRED, 0, now))


def refused_by(codes: Sequence[str]) -> str:
    """Return the key of the catalogue, below `fault`, for the codes of a refusal."""
    for code in codes:
        if code in _TOLD:
            return _TOLD[code]
    return "other"


_TOLD = {
    "RLS-GAP-008": "gone",
    "RLS-GAP-011": "conflict",
    "RLS-GAP-003": "ended",
    "RLS-WEB-001": "nobody",
    "RLS-WEB-002": "too_far",
    "RLS-GAP-027": "mute_over",
    "RLS-GAP-028": "mute_over",
}
