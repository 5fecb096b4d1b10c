"""The worklist of open gaps: one row for the work on each, found by what people filter by.

A row repeats what the Task and its expectation say, so that a list is read by index and never by
looking through resources. It is written with each version of the Task; nothing is decided by it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from gateway.core.access import Sight


class Shelf(StrEnum):
    """Where the work on a gap lies."""

    OPEN = "open"
    DEFERRED = "deferred"
    MUTED = "muted"
    CLOSED = "closed"


class Order(StrEnum):
    """In which order rows come; the id of the gap settles what is equal."""

    SEVERITY = "severity"
    DEADLINE = "deadline"
    RECENT = "recent"


@dataclass(frozen=True, slots=True)
class WorkRow:
    """The work on one gap.

    Attributes:
        severity: of the gap.
        deadline: that was missed; None while it is paused.
        estab: FINESS of the establishment where the pathway left; empty when unknown.
        owner: national identifier of who has it; empty: nobody.
        state: business status of the Task.
        patient_id: of the Patient it is shown under.
        at: of the last version of the Task, UTC.
        version: of the Task.
    """

    gap_id: str
    shelf: Shelf
    severity: str
    deadline: datetime | None
    rule: str
    estab: str
    owner: str
    state: str
    patient_id: str
    at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows are asked for; what is None or empty is not asked for.

    Attributes:
        shelf: where they lie.
        owner: who has them; empty: nobody has; None: whoever.
        since: deadline at or after.
        before: deadline before.
        order: how they come.
        after: where the page before ended, `place_of` its last row; empty for the first page.
    """

    shelf: Shelf
    owner: str | None = None
    severity: str = ""
    rule: str = ""
    estab: str = ""
    patient_id: str = ""
    state: str = ""
    since: datetime | None = None
    before: datetime | None = None
    order: Order = Order.SEVERITY
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SavedView:
    """Filters somebody keeps under a name.

    Attributes:
        query: of the address of the list, without `?`.
    """

    name: str
    query: str


class WorklistQueries(Protocol):
    """Rows of work, and the views people saved."""

    def put(self, rows: Sequence[WorkRow]) -> None:
        """Write rows; the row of a gap is one."""
        ...

    def rows(self, gap_ids: Iterable[str]) -> dict[str, WorkRow]:
        """Return the row of each gap that has one."""
        ...

    def listed(
        self, wanted: Wanted, limit: int, sight: Sight | None = None
    ) -> list[tuple[WorkRow, tuple[str, ...]]]:
        """Return rows in their order, each with its place for `Wanted.after`.

        Args:
            wanted: which rows.
            limit: how many at most.
            sight: those one may be shown, with those of feeds; None: all.
        """
        ...

    def counted(self, wanted: Wanted, most: int, sight: Sight | None = None) -> int:
        """Return how many rows there are, `most` when there are as many or more."""
        ...

    def estabs(self) -> list[str]:
        """Return the establishments there is work about, sorted."""
        ...

    def views(self, person: str) -> list[SavedView]:
        """Return the views of somebody, by name."""
        ...

    def save_view(self, person: str, view: SavedView) -> None:
        """Keep a view; one of the same name is replaced."""
        ...

    def drop_view(self, person: str, name: str) -> None:
        """Forget a view; nothing happens when there is none."""
        ...
