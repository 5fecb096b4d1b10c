"""The gaps behind a number of the pilot's page.

Whom somebody may be shown anyway stands there with name and link. Everybody else is a line
without name, day or link, and only where there are as many as a number that is shown.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.core.facts import ExpectationRow
from gateway.core.handoffs import Cell, HandoffGap, Outcomes
from gateway.core.ports import Store, Transaction
from gateway.entry.web.pilot.asked import GROUPS, AskedList
from gateway.entry.web.pilot.figures import GapLine, GapList
from gateway.entry.web.pilot.reader import flows_of, is_told
from gateway.entry.web.rulebook import RuleBook
from gateway.entry.web.store_names import establishments, persons
from gateway.fhir.identity import Ids
from gateway.pathway.small_numbers import FLOOR, hidden
from gateway.pipeline.dossiers import owners

#: Lines of a page, rows read at once, and how many are looked through for one number.
PAGE, _AT_ONCE, _MOST = 50, 200, 20_000


@dataclass(frozen=True, slots=True)
class ListReader:
    """Reads lists of gaps.

    Attributes:
        store: as far as who looks may be shown it.
        book: names and flows of rules.
        ids: of the installation.
    """

    store: Store
    book: RuleBook
    ids: Ids

    async def read(self, wanted: AskedList, now: datetime) -> GapList:
        """Return a page of the gaps behind a number."""
        return await self.store.read(lambda tx: self._read(tx, wanted, now))

    def _read(self, tx: Transaction, wanted: AskedList, now: datetime) -> GapList:
        total, is_shown = self._total(tx, wanted, now)
        enough = total >= FLOOR and is_shown and is_told(tx.watch.handoffs, wanted.asked, now)
        page: list[HandoffGap] = []
        known: dict[str, ExpectationRow] = {}
        for rows in self._pages(tx, wanted, now):
            known |= tx.watch.some(gap.gap_id for gap in rows)
            page += rows if enough else [gap for gap in rows if gap.gap_id in known]
            if len(page) > PAGE:
                break
        is_more, page = len(page) > PAGE, page[:PAGE]
        whose = owners(tx, {known[gap.gap_id].patient.id for gap in page if gap.gap_id in known})
        people = persons(tx, whose.values())
        lines = []
        for gap in page:
            row = known.get(gap.gap_id)
            lines.append(
                GapLine(
                    "" if row is None else gap.gap_id,
                    gap.cell.rule,
                    gap.cell.estab,
                    *self.book.flow(gap.cell),
                    gap.severity,
                    gap.status.value,
                    gap.judged,
                    None if row is None else people[whose[row.patient.id]],
                    None if row is None else gap.deadline,
                )
            )
        sees_all = not wanted.after and not is_more and len(page) == total
        return GapList(
            tuple(lines),
            total if enough or sees_all else None,
            page[-1].gap_id if is_more else "",
            any(not line.gap_id for line in lines),
            establishments(tx, self.ids, {line.estab for line in lines}),
            self.book.names(),
        )

    def _total(self, tx: Transaction, wanted: AskedList, now: datetime) -> tuple[int, bool]:
        """Return how many gaps there are behind the number, and whether the page shows it."""
        counts, chosen = tx.watch.handoffs, wanted.asked.chosen(now)
        if wanted.slot is not None:
            slots = counts.slots(chosen)
            return slots.get(wanted.slot, 0), wanted.slot not in hidden(slots)
        cells = counts.by_cell(chosen)
        lanes = {cell: self.book.flow(cell) for cell in cells}
        found = [one for cell, one in cells.items() if self._flows(cell, wanted)]
        total = sum(_NUMBERS[wanted.of](one) for one in found)
        if not (wanted.source or wanted.target):
            return total, True
        shown = {(one.source, one.target): one.line for one in flows_of(cells, lanes, {}).flows}
        line = shown.get((wanted.source, wanted.target))
        return total, line is not None and not line.small

    def _pages(
        self, tx: Transaction, wanted: AskedList, now: datetime
    ) -> Iterator[list[HandoffGap]]:
        """Yield the gaps behind the number, by id, a page at once."""
        chosen, statuses = wanted.asked.chosen(now), GROUPS[wanted.of]
        after, looked = wanted.after, 0
        while looked < _MOST:
            rows = tx.watch.handoffs.gaps(chosen, statuses, wanted.slot, after, _AT_ONCE)
            yield [gap for gap in rows if self._flows(gap.cell, wanted)]
            looked += len(rows)
            if len(rows) < _AT_ONCE:
                return
            after = rows[-1].gap_id

    def _flows(self, cell: Cell, wanted: AskedList) -> bool:
        if wanted.slot is not None or not (wanted.source or wanted.target):
            return True
        source, target = self.book.flow(cell)
        return wanted.source in ("", source) and wanted.target in ("", target)


_NUMBERS: Mapping[str, Callable[[Outcomes], int]] = {
    "broken": lambda one: one.broken,
    "open": lambda one: one.open,
    "late": lambda one: one.late,
    "told": lambda one: one.told_late,
}
