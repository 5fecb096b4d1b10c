"""The worklist as one person may be shown it: what is hidden is in no page, count or filter."""

from collections.abc import Iterable

from gateway.core.access import Sight
from gateway.core.facts import feed_of
from gateway.core.ports import Transaction
from gateway.core.worklist import SavedView, Wanted, WorklistQueries, WorkRow

_HANDOFF = "handoff"
Placed = tuple[WorkRow, tuple[str, ...]]


class SeenWorklist:
    """What reads of `core.worklist.WorklistQueries` give somebody; nothing is written by it."""

    def __init__(self, tx: Transaction, sight: Sight, worklist: WorklistQueries) -> None:
        self._tx, self._sight, self._all = tx, sight, worklist

    def rows(self, gap_ids: Iterable[str]) -> dict[str, WorkRow]:
        """Return the row of each gap that has one and is shown."""
        found = self._all.rows(gap_ids)
        shown = self._shown(row.patient_id for row in found.values())
        return {gap_id: row for gap_id, row in found.items() if row.patient_id in shown}

    def listed(self, wanted: Wanted, limit: int, sight: Sight | None = None) -> list[Placed]:
        """Return rows that are shown in their order, each with its place."""
        return self._all.listed(wanted, limit, sight or self._sight)

    def counted(self, wanted: Wanted, most: int, sight: Sight | None = None) -> int:
        """Return how many rows are shown, `most` when there are as many or more."""
        return self._all.counted(wanted, most, sight or self._sight)

    def estabs(self) -> list[str]:
        """Return the establishments there is work about that somebody with a territory chooses."""
        return self._all.estabs()

    def views(self, person: str) -> list[SavedView]:
        """Return the views of somebody, by name."""
        return self._all.views(person)

    def _shown(self, holders: Iterable[str]) -> set[str]:
        """Return those of some Patients and feeds that are shown."""
        known = set(holders)
        feeds = {one for one in known if feed_of(one)}
        whose = self._tx.facts.persons(known - feeds)
        sight = self._sight
        persons = sorted(set(whose.values()))
        permits = self._tx.access.permits(sight.client, persons, sight.now, sight.person)
        return feeds | {one for one, person in whose.items() if (person, _HANDOFF) in permits}
