"""The worklist in memory."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from gateway.core.access import Sight
from gateway.core.facts import feed_of
from gateway.core.worklist import SavedView, Wanted, WorkRow
from gateway.store.codec import storable
from gateway.store.journal import Journal
from gateway.store.worklistcodec import (
    ORDERS,
    WorkColumns,
    conditions,
    limits,
    place,
    place_of,
    read_work,
    work_columns,
)


class MemoryWorklist:
    """Rows and views, kept as the columns the SQL stores write."""

    def __init__(
        self,
        journal: Journal,
        person: Callable[[str], str] = str,
        permitted: Callable[[Sight], Collection[tuple[str, str]]] = lambda _: (),
    ) -> None:
        self._journal = journal
        self._person, self._permitted = person, permitted
        self._rows: dict[str, WorkColumns] = {}
        self._views: dict[tuple[str, str], str] = {}

    def put(self, rows: Sequence[WorkRow]) -> None:
        """Write rows; the row of a gap is one."""
        for row in map(work_columns, rows):
            self._journal.put(self._rows, row.gap_id, row)

    def rows(self, gap_ids: Iterable[str]) -> dict[str, WorkRow]:
        """Return the row of each gap that has one."""
        return {one: read_work(self._rows[one]) for one in set(gap_ids) if one in self._rows}

    def _found(self, wanted: Wanted, sight: Sight | None) -> Iterator[WorkColumns]:
        equal, between = conditions(wanted), limits(wanted)
        held = sight if sight is not None and sight.has_territory else None
        permitted = self._permitted(held) if held is not None else ()
        for row in self._rows.values():
            if (
                held is None
                or feed_of(row.patient_id)
                or (self._person(row.patient_id), "handoff") in permitted
            ) and (
                all(getattr(row, name) == value for name, value in equal.items())
                and row.deadline >= between.get("since", "")
                and ("before" not in between or row.deadline < between["before"])
            ):
                yield row

    def listed(
        self, wanted: Wanted, limit: int, sight: Sight | None = None
    ) -> list[tuple[WorkRow, tuple[str, ...]]]:
        """Return rows in their order, each with its place for `Wanted.after`."""
        names, is_last_first = ORDERS[wanted.order]
        behind = place(wanted)

        def where(row: WorkColumns) -> tuple[str | int, ...]:
            return tuple(getattr(row, name) for name in names)

        found = sorted(self._found(wanted, sight), key=where, reverse=is_last_first)
        if behind:
            found = [
                r for r in found if (where(r) < behind if is_last_first else where(r) > behind)
            ]
        return [(read_work(row), place_of(row, wanted.order)) for row in found[:limit]]

    def counted(self, wanted: Wanted, most: int, sight: Sight | None = None) -> int:
        """Return how many rows there are, `most` when there are as many or more."""
        return min(most, sum(1 for _ in self._found(wanted, sight)))

    def estabs(self) -> list[str]:
        """Return the establishments there is work about, sorted."""
        return sorted({row.estab for row in self._rows.values()} - {""})

    def views(self, person: str) -> list[SavedView]:
        """Return the views of somebody, by name."""
        own = sorted(key for key in self._views if key[0] == storable(person))
        return [SavedView(key[1], self._views[key]) for key in own]

    def save_view(self, person: str, view: SavedView) -> None:
        """Keep a view; one of the same name is replaced."""
        key = (storable(person), storable(view.name))
        self._journal.put(self._views, key, storable(view.query))

    def drop_view(self, person: str, name: str) -> None:
        """Forget a view; nothing happens when there is none."""
        key = (storable(person), storable(name))
        if key in self._views:
            self._journal.drop(self._views, key)
