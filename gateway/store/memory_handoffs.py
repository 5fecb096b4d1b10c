"""Counted handoffs in memory."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime

from gateway.core.facts import Status
from gateway.core.handoffs import Cell, Chosen, HandoffGap, Outcomes, Waits
from gateway.store.codec import instant_text, key_text
from gateway.store.columns import NEVER
from gateway.store.handoffcodec import (
    KEY,
    Counting,
    GapColumns,
    Numbers,
    by_class,
    conditions,
    read_gap,
    read_outcomes,
    wait_edges,
)
from gateway.store.journal import Journal

_BROKEN = (Status.MET_LATE, Status.OVERDUE, Status.MOOT)


class MemoryHandoffs:
    """Counts and the gaps behind them, kept as the columns the SQL stores write."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._weeks: dict[tuple[str, ...], Numbers] = {}
        self._gaps: dict[str, tuple[GapColumns, str]] = {}

    def write(self, change: Counting) -> None:
        """Write what a save changes."""
        for row in change.weeks:
            key, more = row[: len(KEY)], row[len(KEY) :]
            found = self._weeks.get(key, (0,) * len(more))
            total = tuple(a + b for a, b in zip(found, more, strict=True))
            self._journal.put(self._weeks, key, total)
        for gap in change.put:
            judged = self._gaps[gap.gap_id][1] if gap.gap_id in self._gaps else ""
            self._journal.put(self._gaps, gap.gap_id, (gap, judged))
        for gap_id in change.drop:
            self._journal.drop(self._gaps, gap_id)

    def _summed(self, chosen: Chosen, place: slice) -> dict[tuple[str, ...], Outcomes]:
        found: dict[tuple[str, ...], Outcomes] = {}
        for key, numbers in self._weeks.items():
            if _meets(chosen, key[0], key[1], key[2]):
                group: tuple[str, ...] = key[place]
                found[group] = found.get(group, Outcomes()) + read_outcomes(numbers)
        return found

    def by_cell(self, chosen: Chosen) -> dict[Cell, Outcomes]:
        """Return what became of the handoffs of each cell."""
        return {Cell(*key): one for key, one in self._summed(chosen, slice(1, None)).items()}

    def by_rule(self, chosen: Chosen) -> dict[str, Outcomes]:
        """Return what became of the handoffs of each rule."""
        return {rule: one for (rule,), one in self._summed(chosen, slice(1, 2)).items()}

    def by_estab(self, chosen: Chosen) -> dict[str, Outcomes]:
        """Return what became of the handoffs of each establishment; empty: unknown."""
        return {estab: one for (estab,), one in self._summed(chosen, slice(2, 3)).items()}

    def by_week(self, chosen: Chosen) -> dict[date, Outcomes]:
        """Return what became of the handoffs of each week, by its Monday."""
        found = self._summed(chosen, slice(0, 1))
        return {date.fromisoformat(week): one for (week,), one in found.items()}

    def _found(
        self, chosen: Chosen, statuses: Sequence[Status] | None = None
    ) -> Iterator[tuple[GapColumns, str]]:
        for row, judged in self._gaps.values():
            if _meets(chosen, row.week, row.rule, row.estab) and (
                statuses is None or row.status in statuses
            ):
                yield row, judged

    def slots(self, chosen: Chosen) -> dict[int, int]:
        """Return how many handoffs broke, by the hour of the week their deadline counts from."""
        return dict(Counter(row.slot for row, _ in self._found(chosen, _BROKEN)))

    def waits(self, chosen: Chosen, now: datetime) -> dict[Cell, Waits]:
        """Return how many handoffs of each cell are still open, by how long they have waited."""
        edges = wait_edges(now)
        rows = (
            (
                Cell(row.rule, row.estab, row.sector, row.destination),
                _place(row.anchor, edges),
                1,
            )
            for row, _ in self._found(chosen, (Status.OVERDUE,))
        )
        return by_class(rows, len(edges) + 1)

    def ages(self, chosen: Chosen, edges: Sequence[datetime]) -> dict[str, tuple[int, ...]]:
        """Return how many handoffs of each establishment are open, by age of their deadline."""
        rows = (
            (row.estab, _place(row.deadline, edges), 1)
            for row, _ in self._found(chosen, (Status.OVERDUE,))
            if row.deadline != NEVER
        )
        return by_class(rows, len(edges) + 1)

    def judged(self, chosen: Chosen) -> dict[tuple[str, Status, str], int]:
        """Return how many gaps of each rule are in a state and were settled for a reason."""
        found = self._found(chosen)
        told = ((row.rule, Status(row.status), judged) for row, judged in found if row.opened)
        return dict(Counter(told))

    def gaps(
        self, chosen: Chosen, statuses: Sequence[Status], slot: int | None, after: str, limit: int
    ) -> list[HandoffGap]:
        """Return the gaps behind the counts, by id."""
        found = sorted(self._found(chosen, statuses), key=_first_id)
        kept = [
            read_gap((*row, judged))
            for row, judged in found
            if row.gap_id > key_text(after) and slot in (None, row.slot)
        ]
        return kept[:limit]

    def estabs(self) -> list[str]:
        """Return the establishments there are counts of, sorted."""
        return sorted({key[2] for key in self._weeks} - {""})

    def judge(self, gap_id: str, reason: str) -> None:
        """Keep what a person settled a gap for, or that a mute hides it."""
        if gap_id in self._gaps:
            self._journal.put(self._gaps, gap_id, (self._gaps[gap_id][0], key_text(reason)))


def _place(instant: str, edges: Sequence[datetime]) -> int:
    """Return how many edges lie behind an instant."""
    return sum(instant < instant_text(edge) for edge in edges)


def _first_id(one: tuple[GapColumns, str]) -> str:
    return one[0].gap_id


def _meets(chosen: Chosen, week: str, rule: str, estab: str) -> bool:
    asked = conditions(chosen)
    return (
        asked["since"] <= week < asked["before"]
        and asked.get("rule", rule) == rule
        and asked.get("estab", estab) == estab
        and estab.startswith(asked.get("area", ""))
        and (chosen.within is None or estab in chosen.within)
    )
