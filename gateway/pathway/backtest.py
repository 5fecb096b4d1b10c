"""What other rules would have found in the same log, before anybody is told of it.

Both sets of rules walk the whole log under a virtual clock; nothing is written. A gap that is
opened by both counts as kept, whatever instant it was opened at. What a change costs people is
counted as openings a day for each owner: a rule that nobody can keep up with helps nobody.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from gateway.core.facts import LedgerLine, Status
from gateway.pathway.asof import History
from gateway.pathway.calendar import local
from gateway.pathway.cohort import advance_cohort
from gateway.pathway.rules import Rules
from gateway.pathway.watermarks import Feeds

#: Growth of the load of an owner that somebody has to agree to (ratio).
AGREED_GROWTH = 0.3


class Opening(NamedTuple):
    """A gap that some rules opened.

    Attributes:
        rule: its rule.
        patient_id: Patient or part of a dossier that carries the trigger.
        trigger: key of the trigger.
        opened_at: first opening.
        closed_at: last closing, None while it stands open.
    """

    rule: str
    patient_id: str
    trigger: str
    opened_at: datetime
    closed_at: datetime | None


@dataclass(slots=True)
class Outcome:
    """What one set of rules found.

    Attributes:
        gaps: by gap id.
        load: openings by owner role and day in Paris.
        statuses: how expectations ended, by rule.
    """

    gaps: dict[str, Opening] = field(default_factory=dict)
    load: Counter[tuple[str, date]] = field(default_factory=Counter)
    statuses: Counter[tuple[str, Status]] = field(default_factory=Counter)

    def owners(self) -> dict[str, "Load"]:
        """Return the load of each owner."""
        days = {day for _, day in self.load}
        found: dict[str, Load] = {}
        for role in sorted({role for role, _ in self.load}):
            counts = [self.load[role, day] for day in days if self.load[role, day]]
            found[role] = Load(sum(counts), max(counts), len(days))
        return found


class Load(NamedTuple):
    """What an owner would be told.

    Attributes:
        openings: all of them.
        worst_day: most on one day.
        days: on which anybody was told anything.
    """

    openings: int
    worst_day: int
    days: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two outcomes of one log.

    Attributes:
        before: with the rules in force.
        after: with the candidate.
    """

    before: Outcome
    after: Outcome

    @property
    def added(self) -> list[str]:
        """Return the gaps only the candidate opens, in order of opening."""
        return _only(self.after.gaps, self.before.gaps)

    @property
    def removed(self) -> list[str]:
        """Return the gaps only the rules in force open, in order of opening."""
        return _only(self.before.gaps, self.after.gaps)

    @property
    def kept(self) -> list[str]:
        """Return the gaps both open, in order of opening."""
        both = self.before.gaps.keys() & self.after.gaps.keys()
        return sorted(both, key=lambda gap_id: (self.after.gaps[gap_id].opened_at, gap_id))

    def overloaded(self) -> dict[str, tuple[int, int]]:
        """Return the owners whose load grows by more than `AGREED_GROWTH`: before and after."""
        before, after = self.before.owners(), self.after.owners()
        found = {}
        for role, load in after.items():
            had = before[role].openings if role in before else 0
            if load.openings > had * (1 + AGREED_GROWTH):
                found[role] = (had, load.openings)
        return found


def outcome(
    histories: Iterable[History], rules: Rules, feeds: Feeds, tenant: str, until: datetime
) -> Outcome:
    """Walk a log with some rules.

    Args:
        histories: of everybody.
        rules: to walk it with.
        feeds: watermarks up to `until`.
        tenant: of the installation.
        until: instant the virtual clock runs to, UTC.
    """
    found = Outcome()
    for history in histories:
        for walked in advance_cohort(
            history.received, rules, feeds, tenant, (), history.cohort, until
        ):
            lines: dict[str, list[LedgerLine]] = {}
            for line in walked.advance.lines:
                lines.setdefault(line.gap_id, []).append(line)
            for row in walked.advance.rows:
                found.statuses[row.rule, row.status] += 1
                opened = [
                    line for line in lines.get(row.gap_id, ()) if line.to_status is Status.OVERDUE
                ]
                if not opened:
                    continue
                found.gaps[row.gap_id] = Opening(
                    row.rule, row.patient.id, row.trigger, opened[0].instant, row.closed_at
                )
                for line in opened:
                    rule = rules.version(row.rule, line.rule_version)
                    role = rule.written.owner.role if rule else ""
                    found.load[role, local(line.instant).date()] += 1
    return found


def _only(one: Mapping[str, Opening], other: Mapping[str, Opening]) -> list[str]:
    return sorted(one.keys() - other.keys(), key=lambda gap_id: (one[gap_id].opened_at, gap_id))
