"""What a look at a person may write; shared by the three stores. Knows no database.

A look reads the state of a person, steps the engine, and saves. Two workers that look at one
person at the same time are noticed here, so that a transition stands once in the ledger and a
gap opens once for each episode.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from gateway.core.facts import ExpectationRow, LedgerLine, Status
from gateway.store.codec import instant_text
from gateway.store.columns import NEVER
from gateway.store.handoffcodec import Counting, counting
from gateway.store.problems import conflict
from gateway.store.watchcodec import (
    ExpectationColumns,
    expectation_columns,
    maybe_instant,
    read_expectation,
)
from gateway.store.watchproblems import elsewhere, not_in_ledger, opened_twice, stale_look

#: A worker that claimed a person and says nothing for so long is taken for dead.
LEASE = timedelta(seconds=60)


class Watch(NamedTuple):
    """The timer of a person, in the order of the table behind its key.

    Attributes:
        wake: next look, or the end of the lease; `NEVER` when none.
        leased: 1 while a worker looks.
        asked: next look asked for since the lease began.
        looked_until: end of the written ledger of the Patient of this id; empty when there is
            none.
        looks: how often a look was saved.
    """

    wake: str = NEVER
    leased: int = 0
    asked: str = NEVER
    looked_until: str = ""
    looks: int = 0

    def touched(self, at: datetime) -> "Watch":
        """Return the timer after a look was asked for."""
        text = instant_text(at)
        if self.leased:
            return self._replace(asked=min(self.asked, text))
        return self._replace(wake=min(self.wake, text))

    def claimed(self, now: datetime) -> "Watch":
        """Return the timer while a worker looks; the look serves what was asked so far."""
        return self._replace(wake=instant_text(now + LEASE), leased=1, asked=NEVER)

    def saved(self, until: datetime, next_due: datetime | None) -> "Watch":
        """Return the timer after a look.

        What was asked for since it began stays asked for: the look may not have seen it.
        """
        asked = self.asked if self.leased else self.wake
        return Watch(
            wake=min(asked, maybe_instant(next_due)),
            looked_until=max(self.looked_until, instant_text(until)),
            looks=self.looks + 1,
        )

    def sleeps(self, late: str, now: str) -> bool:
        """Tell whether nobody looks, and the timer is after an instant.

        A ledger that is written beyond `now`, by a clock that went back since, waits for no timer.
        """
        return not self.leased and self.wake > late and self.looked_until <= now

    def stale(self) -> "Watch":
        """Return the timer of a person whose Patients change: a look that began is stale."""
        return self._replace(looks=self.looks + 1)


def quiet_page(
    page: Sequence[tuple[str, Watch]], since: datetime, limit: int
) -> tuple[list[str], str]:
    """Return who waits for nothing and was not looked at after an instant, and where to go on."""
    end = instant_text(since)
    found = [
        person
        for person, watch in page
        if watch.wake == NEVER and not watch.leased and "" < watch.looked_until <= end
    ]
    return found, page[-1][0] if len(page) == limit else ""


def asleep_page(
    page: Sequence[tuple[ExpectationColumns, Watch | None]], now: datetime, limit: int
) -> tuple[list[ExpectationRow], str]:
    """Return the gaps whose person no timer wakes by now, and where to go on."""
    end = instant_text(now)
    found = [read_expectation(row) for row, watch in page if not watch or watch.sleeps(end, end)]
    return found, page[-1][0].gap_id if len(page) == limit else ""


def waiting(now: datetime, poll: timedelta) -> list[tuple[str, str]]:
    """Return the states that wait for an instant, each with the latest timer it may have now."""
    return [
        (Status.PENDING.value, instant_text(now)),
        (Status.UNCONFIRMED.value, instant_text(now + poll)),
    ]


def is_over(row: ExpectationRow, now: datetime) -> bool:
    """Tell whether the instant is over that an expectation waits for."""
    return row.theta is not None and row.theta <= now


class Writing(NamedTuple):
    """What a save changes.

    Attributes:
        rows: expectations that are new or differ.
        openings: (gap_id, episode, instant) of each gap that opens.
        tally: (rule, status, more or fewer) of each count that changes, sorted.
        handoffs: what changes in the counts of handoffs.
    """

    rows: list[ExpectationColumns]
    openings: list[tuple[str, int, str]]
    tally: list[tuple[str, str, int]]
    handoffs: Counting


def check_fresh(known_looks: int | None, watch: Watch) -> None:
    """Refuse a save whose transaction read the person before another one saved.

    Raises:
        ConflictError: the transaction has to run again (RLS-STO-009).
    """
    if known_looks is not None and known_looks != watch.looks:
        raise conflict()


def writing(
    before: Mapping[str, ExpectationColumns],
    patients: Callable[[], Collection[str]],
    rows: Sequence[ExpectationRow],
    lines: Sequence[LedgerLine],
) -> Writing:
    """Return what a save writes.

    Args:
        before: stored expectations of the same gap ids.
        patients: gives those of the person; asked for when a trigger changed its Patient.
        rows: expectations after the look.
        lines: transitions of the look, in order.

    Raises:
        RetriableError: the state moved since it was read (RLS-PTH-091), or the trigger is still
            with another person (RLS-PTH-092).
        FatalError: ledger and state would disagree (RLS-PTH-093).
    """
    after = [expectation_columns(row) for row in rows]
    status = {gap: found.status for gap, found in before.items()}
    moved = {
        row.gap_id
        for row in after
        if row.gap_id in before and before[row.gap_id].patient_id != row.patient_id
    }
    if moved:
        own = patients()
        status.update((gap, _standing(before[gap], own)) for gap in moved)
    for line in lines:
        if status.get(line.gap_id, "") != (line.from_status or ""):
            raise stale_look()
        status[line.gap_id] = line.to_status.value
    if not {line.gap_id for line in lines}.issubset(row.gap_id for row in after) or any(
        status.get(row.gap_id) != row.status for row in after
    ):
        raise not_in_ledger()
    changed = [row for row in after if before.get(row.gap_id) != row]
    return Writing(
        rows=changed,
        openings=[
            (line.gap_id, line.episode, instant_text(line.instant))
            for line in lines
            if line.to_status is Status.OVERDUE
        ],
        tally=_tally(before, changed),
        handoffs=counting(before, changed, {row.gap_id: row for row in rows}),
    )


def _tally(
    before: Mapping[str, ExpectationColumns], rows: Iterable[ExpectationColumns]
) -> list[tuple[str, str, int]]:
    counts: dict[tuple[str, str], int] = {}
    for row in rows:
        old = before.get(row.gap_id)
        counts[row.rule, row.status] = counts.get((row.rule, row.status), 0) + 1
        if old is not None:
            counts[old.rule, old.status] = counts.get((old.rule, old.status), 0) - 1
    return sorted((*key, count) for key, count in counts.items() if count)


def _standing(found: ExpectationColumns, patients: Collection[str]) -> str:
    """Return the state a look starts from; empty when the trigger came from another person."""
    if found.patient_id in patients:
        return found.status
    if found.status != Status.VOID:
        raise elsewhere()
    return ""


def check_opened(expected: int, written: int) -> None:
    """Refuse openings of which some stood already.

    Raises:
        FatalError: a gap would be opened twice for one episode (RLS-PTH-090).
    """
    if written != expected:
        raise opened_twice()
