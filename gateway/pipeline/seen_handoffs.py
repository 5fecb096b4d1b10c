"""The counts of handoffs as one person may be shown them: those of their perimeter.

A count tells nobody apart, so it is held to establishments and not to persons: whoever answers
for establishments counts every handoff that began there. The gaps behind a count come without
names; which of them has a page for somebody is asked of `pipeline.seen_gaps`.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from gateway.core.access import Sight
from gateway.core.facts import Status
from gateway.core.handoffs import Cell, Chosen, HandoffGap, HandoffQueries, Outcomes, Waits
from gateway.core.ports import Transaction


class SeenHandoffs:
    """What reads of `core.handoffs.HandoffQueries` give somebody; nothing is written by it."""

    def __init__(self, tx: Transaction, sight: Sight, handoffs: HandoffQueries) -> None:
        self._all = handoffs
        circles = {circle.id: circle for circle in tx.access.circles()}
        found = circles.get(sight.client)
        # A circle that is not known yet is shown nothing.
        self._within = frozenset(found.territory or ()) if found is not None else frozenset()

    def _held(self, chosen: Chosen) -> Chosen:
        within = self._within if chosen.within is None else self._within & chosen.within
        return replace(chosen, within=within)

    def by_cell(self, chosen: Chosen) -> dict[Cell, Outcomes]:
        """Return what became of the handoffs of each cell of the perimeter."""
        return self._all.by_cell(self._held(chosen))

    def by_rule(self, chosen: Chosen) -> dict[str, Outcomes]:
        """Return what became of the handoffs of each rule, in the perimeter."""
        return self._all.by_rule(self._held(chosen))

    def by_estab(self, chosen: Chosen) -> dict[str, Outcomes]:
        """Return what became of the handoffs of each establishment of the perimeter."""
        return self._all.by_estab(self._held(chosen))

    def by_week(self, chosen: Chosen) -> dict[date, Outcomes]:
        """Return what became of the handoffs of each week, in the perimeter."""
        return self._all.by_week(self._held(chosen))

    def slots(self, chosen: Chosen) -> dict[int, int]:
        """Return how many handoffs of the perimeter broke, by hour of the week."""
        return self._all.slots(self._held(chosen))

    def waits(self, chosen: Chosen, now: datetime) -> dict[Cell, Waits]:
        """Return how many handoffs of each cell of the perimeter are open, by their wait."""
        return self._all.waits(self._held(chosen), now)

    def ages(self, chosen: Chosen, edges: Sequence[datetime]) -> dict[str, tuple[int, ...]]:
        """Return how many handoffs of the perimeter are open, by age of their deadline."""
        return self._all.ages(self._held(chosen), edges)

    def judged(self, chosen: Chosen) -> dict[tuple[str, Status, str], int]:
        """Return how gaps of the perimeter ended and were settled."""
        return self._all.judged(self._held(chosen))

    def gaps(
        self, chosen: Chosen, statuses: Sequence[Status], slot: int | None, after: str, limit: int
    ) -> list[HandoffGap]:
        """Return the gaps behind the counts of the perimeter, by id."""
        return self._all.gaps(self._held(chosen), statuses, slot, after, limit)

    def estabs(self) -> list[str]:
        """Return the establishments of the perimeter there are counts of, sorted."""
        return [one for one in self._all.estabs() if one in self._within]
