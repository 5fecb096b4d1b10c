"""Patients that are one person for a while: their ledgers, from one look to the next.

A link of two Patients shows one the facts of the other, and an unlink takes them away again; both
are steps of the ledger like a receipt. So a look walks from move to move, and between two of them
looks at each person as it was then: how late one looks after a link or an unlink changes nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.core.facts import ExpectationRow, LedgerLine, Received
from gateway.core.pathway_ports import Move
from gateway.pathway.replay import Advance, advance, changed_of
from gateway.pathway.rules import Rules
from gateway.pathway.watermarks import Feeds

#: The store keeps no finer instants.
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Cohort:
    """Patients that have been one person, some for a while only, since they were looked at.

    Attributes:
        persons: of each Patient, now.
        looked_until: of each Patient, instant of its last look; None: never.
        moves: of these Patients, oldest first.
    """

    persons: Mapping[str, str]
    looked_until: Mapping[str, datetime | None]
    moves: Sequence[Move] = ()

    def groups(self, at: datetime | None) -> dict[str, list[str]]:
        """Return the Patients of each person at an instant; None: before every move."""
        found: dict[str, list[str]] = {}
        for patient_id in sorted(self.persons):
            found.setdefault(self._person(patient_id, at), []).append(patient_id)
        return found

    def _person(self, patient_id: str, at: datetime | None) -> str:
        person: str | None = None
        for move in self.moves:
            if move.patient_id == patient_id:
                if at is not None and move.at <= at:
                    person = move.after
                elif person is None:
                    person = move.before
        return person or self.persons[patient_id]


@dataclass(frozen=True, slots=True)
class Walked:
    """What a look found about one of the persons of a cohort.

    Attributes:
        person_id: as it is called at the end of the look.
        patients: that it has then.
        advance: rows, changes and lines of the expectations whose trigger is with them.
    """

    person_id: str
    patients: tuple[str, ...]
    advance: Advance


@dataclass(frozen=True, slots=True)
class _Span:
    """A time without move.

    Attributes:
        start: instant of the moves it begins with; None for the first one.
        end: last instant of it.
    """

    start: datetime | None
    end: datetime


def advance_cohort(
    received: Iterable[Received],
    rules: Rules,
    feeds: Feeds,
    tenant: str,
    rows: Sequence[ExpectationRow],
    cohort: Cohort,
    now: datetime,
    ruled: Mapping[str, datetime] | None = None,
) -> list[Walked]:
    """Continue the ledgers of Patients that have been one person up to now.

    Args:
        received: every assertion about the Patients.
        rules: in force.
        feeds: watermarks up to now.
        tenant: of the installation.
        rows: expectations of these Patients as their last looks left them.
        cohort: the Patients and their moves.
        now: instant of this look, not before an earlier one.
        ruled: since when rules that changed say what they say.

    Returns:
        One for each person there is now, by id.
    """
    walk = _Walk(list(received), rules, feeds, tenant, rows, cohort, ruled or {})
    done: dict[str, Advance] = {}
    for span in _spans(cohort, now):
        done = {
            person: walk.over(span, person, now) for person in sorted(cohort.groups(span.start))
        }
    groups = cohort.groups(now)
    return [walk.walked(person, groups[person], done[person]) for person in sorted(done)]


def _spans(cohort: Cohort, now: datetime) -> Iterator[_Span]:
    """Cut the time since the last look at the moves."""
    known = [until for until in cohort.looked_until.values() if until is not None]
    since = min(known) if len(known) == len(cohort.looked_until) else None
    moves = sorted({move.at for move in cohort.moves if move.at <= now})
    start: datetime | None = None
    for at in moves:
        if since is None or at > since:
            yield _Span(start, at - _TICK)
        start = at
    yield _Span(start, now)


class _Walk:
    """Goes from span to span with what is known of each Patient."""

    def __init__(
        self,
        received: Sequence[Received],
        rules: Rules,
        feeds: Feeds,
        tenant: str,
        rows: Sequence[ExpectationRow],
        cohort: Cohort,
        ruled: Mapping[str, datetime],
    ) -> None:
        self._received, self._rules, self._feeds, self._tenant = received, rules, feeds, tenant
        self._cohort, self._ruled = cohort, ruled
        self._given = {row.gap_id: row for row in rows}
        self._rows = dict(self._given)
        self._until = dict(cohort.looked_until)
        self._lines: dict[str, list[LedgerLine]] = {}

    def over(self, span: _Span, person: str, now: datetime) -> Advance:
        """Look at one person over one span."""
        patients = self._cohort.groups(span.start)[person]
        since = max((u for p in patients if (u := self._until[p]) is not None), default=None)
        if span.end < now and since is not None and span.end <= since:
            return Advance((), (), (), None)
        joined: dict[str, datetime] | None = None
        start = span.start
        is_new = start is not None and (since is None or since < start)
        if start is not None and is_new and self._before(start, person) != patients:
            joined = dict.fromkeys(patients, start)
        found = advance(
            [one for one in self._received if _patient(one) in patients],
            self._rules,
            self._feeds,
            self._tenant,
            [row for row in self._rows.values() if row.patient.id in patients],
            since,
            span.end,
            person_id=person,
            patients=patients,
            joined=joined,
            ruled=self._ruled,
        )
        self._rows |= {row.gap_id: row for row in found.rows}
        for line in found.lines:
            self._lines.setdefault(line.gap_id, []).append(line)
        self._until |= dict.fromkeys(patients, span.end)
        return found

    def _before(self, start: datetime, person: str) -> list[str]:
        """Return the Patients a person had before the moves of an instant."""
        return self._cohort.groups(start - _TICK).get(person, [])

    def walked(self, person: str, patients: Sequence[str], last: Advance) -> Walked:
        """Return what all spans together found about a person there is now."""
        rows = tuple(
            self._rows[gap_id]
            for gap_id in sorted(self._rows)
            if self._rows[gap_id].patient.id in patients
        )
        lines = [line for row in rows for line in self._lines.get(row.gap_id, ())]
        lines.sort(key=lambda line: line.instant)
        changed = changed_of(rows, self._given, lines)
        whole = replace(last, rows=rows, changed=changed, lines=tuple(lines))
        return Walked(person, tuple(patients), whole)


def _patient(received: Received) -> str:
    patient = received.assertion.patient
    return patient.id if patient is not None else ""
