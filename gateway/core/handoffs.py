"""What became of handoffs, counted: by week, rule, establishment and from sector to sector.

A handoff counts from the day its deadline is judged: `met`, `met_late`, `overdue` or `moot`. What
waits, was cancelled, is void or cannot be confirmed is in no number, and gaps of feeds are not
handoffs. Everything is filed under the week (Monday, Paris) of the instant its deadline counts
from. What the numbers mean: docs/reference/kpis.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple, Protocol

from gateway.core.facts import Status

#: Upper ends of the classes of delays, hours; behind the last one is one more class.
DELAYS_H = (0, 1, 2, 4, 6, 12, 24, 36, 48, 72, 96, 120, 168, 240, 336, 504)
#: Numbers by class of delays, as `Outcomes.delays`.
Waits = tuple[int, ...]
#: What is kept of a gap that a mute hides.
MUTED = "muted"
#: States that count.
COUNTED = frozenset({Status.MET, Status.MET_LATE, Status.OVERDUE, Status.MOOT})


class Cell(NamedTuple):
    """Where a handoff is counted.

    Attributes:
        estab: FINESS of the establishment the person left; empty when unknown.
        sector: of the unit they left, as feeds say it; may be empty.
        destination: where they were to go, as feeds say it; may be empty.
    """

    rule: str
    estab: str
    sector: str
    destination: str


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How many handoffs ended how.

    Attributes:
        on_time: done by the deadline, in event time.
        told_late: of those, how many opened a gap because the word of it came late.
        late: done behind the deadline.
        open: not seen so far.
        moot: overtaken behind the deadline, by a death for instance.
        delays: what was done, by how long it took: one number for each class of `DELAYS_H`,
            and one behind the last.
    """

    on_time: int = 0
    told_late: int = 0
    late: int = 0
    open: int = 0
    moot: int = 0
    delays: tuple[int, ...] = (0,) * (len(DELAYS_H) + 1)

    @property
    def total(self) -> int:
        """Return how many handoffs were due."""
        return self.on_time + self.late + self.open + self.moot

    @property
    def broken(self) -> int:
        """Return how many did not happen by their deadline."""
        return self.late + self.open + self.moot

    def __add__(self, other: "Outcomes") -> "Outcomes":
        """Return both together."""
        return Outcomes(
            self.on_time + other.on_time,
            self.told_late + other.told_late,
            self.late + other.late,
            self.open + other.open,
            self.moot + other.moot,
            tuple(a + b for a, b in zip(self.delays, other.delays, strict=True)),
        )


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which handoffs are counted; what is empty or None is not asked for.

    Attributes:
        since: first Monday.
        before: Monday behind the last week.
        area: what the FINESS begins with: the number of a département.
        within: establishments of a perimeter; None: there is none.
    """

    since: date
    before: date
    rule: str = ""
    estab: str = ""
    area: str = ""
    within: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class HandoffGap:
    """A handoff that opened a gap, or did not happen by its deadline.

    Attributes:
        slot: hour of the week the deadline counts from, 0 (Monday, 0:00 to 1:00) to 167, Paris.
        anchor: where the deadline counts from, UTC.
        judged: what a person settled the gap for (`gap-closure-reason`), `MUTED` while a mute
            hides it; empty: neither.
    """

    gap_id: str
    week: date
    slot: int
    anchor: datetime
    deadline: datetime | None
    severity: str
    cell: Cell
    status: Status
    judged: str = field(default="")


class HandoffQueries(Protocol):
    """Counts of handoffs, kept as expectations change, and the gaps behind them.

    Writing is a part of `WatchQueries.save`.
    """

    def by_cell(self, chosen: Chosen) -> dict[Cell, Outcomes]:
        """Return what became of the handoffs of each cell."""
        ...

    def by_rule(self, chosen: Chosen) -> dict[str, Outcomes]:
        """Return what became of the handoffs of each rule."""
        ...

    def by_estab(self, chosen: Chosen) -> dict[str, Outcomes]:
        """Return what became of the handoffs of each establishment; empty: unknown."""
        ...

    def by_week(self, chosen: Chosen) -> dict[date, Outcomes]:
        """Return what became of the handoffs of each week, by its Monday."""
        ...

    def slots(self, chosen: Chosen) -> dict[int, int]:
        """Return how many handoffs broke, by the hour of the week their deadline counts from."""
        ...

    def waits(self, chosen: Chosen, now: datetime) -> dict[Cell, Waits]:
        """Return how many handoffs of each cell are still open, by how long they have waited."""
        ...

    def ages(self, chosen: Chosen, edges: Sequence[datetime]) -> dict[str, tuple[int, ...]]:
        """Return how many handoffs of each establishment are open, by age of their deadline.

        What has no deadline is not counted.

        Args:
            chosen: which handoffs.
            edges: instants, the latest first; a deadline is in the class of as many as lie
                behind it, so that there is one class more than edges.
        """
        ...

    def judged(self, chosen: Chosen) -> dict[tuple[str, Status, str], int]:
        """Return how many gaps of each rule are in a state and were settled for a reason.

        What broke and was never told, as its feed was silent, is not among them.
        """
        ...

    def gaps(
        self, chosen: Chosen, statuses: Sequence[Status], slot: int | None, after: str, limit: int
    ) -> list[HandoffGap]:
        """Return the gaps behind the counts, by id.

        Args:
            chosen: which handoffs.
            statuses: in which states.
            slot: hour of the week their deadline counts from; None: any.
            after: last id of the page before; empty for the first one.
            limit: how many at most.
        """
        ...

    def estabs(self) -> list[str]:
        """Return the establishments there are counts of, sorted."""
        ...

    def judge(self, gap_id: str, reason: str) -> None:
        """Keep what a person settled a gap for, or `MUTED`; empty: it is neither any more."""
        ...
