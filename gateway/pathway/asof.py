"""Where everything stood at an instant, knowing what was known at another.

A question has three times: the instant it is about (`valid`), what was known (`known`), and the
rules it is answered by. Knowing what was known then, the log is walked as it came: that is what
the screen showed. Knowing more than was known then (`known` after `valid`), it is walked as if
everything had come when it happened: what the screen should have shown. What happens after
`valid` is not told either way, however early it is known.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.core.facts import ExpectationRow, Op, Received, Status
from gateway.core.feed_ports import Trouble
from gateway.core.pathway_ports import FeedState
from gateway.pathway.cohort import Cohort, Walked, advance_cohort
from gateway.pathway.rules import Rules
from gateway.pathway.watermarks import Feeds


@dataclass(frozen=True, slots=True)
class History:
    """All that was ever told about Patients that have been one person at some time.

    Attributes:
        cohort: the Patients and every move; no look of them is remembered.
        received: every assertion about them, in order of receipt.
    """

    cohort: Cohort
    received: Sequence[Received]


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant that is asked about.

    Attributes:
        valid: where everything stood then, UTC.
        known: with what was known then, UTC.
    """

    valid: datetime
    known: datetime

    @property
    def is_hindsight(self) -> bool:
        """Tell whether more is known than was known then."""
        return self.known > self.valid


def standing(
    history: History, rules: Rules, feeds: Feeds, tenant: str, moment: Moment
) -> list[Walked]:
    """Return where the expectations of some Patients stood.

    Args:
        history: of the Patients.
        rules: to answer by.
        feeds: as `feeds_known` gives them.
        tenant: of the installation.
        moment: what is asked.

    Returns:
        One for each person, with rows and the ledger that led there.
    """
    cohort, received = history.cohort, [one for one in history.received if one.at <= moment.known]
    if moment.is_hindsight:
        received = _as_it_happened(received, moment.valid)
        cohort = _together(cohort, moment.known)
    return advance_cohort(received, rules, feeds, tenant, (), cohort, moment.valid)


def feeds_known(
    states: Sequence[FeedState],
    declared: Iterable[str],
    moment: Moment,
    troubles: Iterable[Trouble] = (),
) -> Feeds:
    """Return the feeds as they were known.

    Args:
        states: of every feed, with all their marks.
        declared: feeds that site tables promise.
        moment: what is asked.
        troubles: of the feeds, at any time.
    """
    seen = []
    for state in states:
        marks = tuple(mark for mark in state.marks if mark[0] <= moment.known)
        if moment.is_hindsight and marks and marks[-1][1] >= moment.valid:
            # All that it has to say of that time is known: nothing waits for it.
            continue
        seen.append(replace(state, marks=marks))
    complete = {state.feed for state in states} - {state.feed for state in seen}
    known = [_as_known(one, moment.known) for one in troubles if one.told_at <= moment.known]
    if moment.is_hindsight:
        known = [one for one in known if one.ended_at is None]
    return Feeds.of(seen, frozenset(declared) - complete, troubles=known)


def _as_known(trouble: Trouble, known: datetime) -> Trouble:
    """Return a trouble without an end that was not known yet."""
    is_over = trouble.ended_at is not None and trouble.ended_at <= known
    return trouble if is_over else replace(trouble, ended_at=None)


def open_rows(walked: Iterable[Walked]) -> list[ExpectationRow]:
    """Return the gaps that stand open, by gap id."""
    rows = [row for one in walked for row in one.advance.rows if row.status is Status.OVERDUE]
    return sorted(rows, key=lambda row: row.gap_id)


def _as_it_happened(received: Iterable[Received], valid: datetime) -> list[Received]:
    """Let what came after an instant have come when it happened; leave out what happened later.

    What was taken back later never was.
    """
    told: list[Received] = []
    for one in received:
        happened = one.assertion.when.low
        if one.assertion.op is Op.RETRACT:
            happened = min(happened, valid)
        if one.at <= valid:
            told.append(one)
        elif happened <= valid:
            told.append(replace(one, at=happened))
    return told


def _together(cohort: Cohort, known: datetime) -> Cohort:
    """Return the persons as they are known to be, as if they had never been others."""
    groups = cohort.groups(known)
    persons = {patient: person for person, patients in groups.items() for patient in patients}
    return Cohort(persons, dict.fromkeys(persons))
