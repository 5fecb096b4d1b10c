"""The journal of accesses in memory."""

from collections.abc import Sequence

from gateway.core.audit import Entry, Link, Sealed, Trace, Wanted
from gateway.store.auditcodec import AuditColumns, chained, read_entry, read_sealed
from gateway.store.codec import instant_text, key_text
from gateway.store.journal import Journal


class MemoryAudit:
    """Entries, kept as the columns the SQL stores write."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._rows: dict[int, AuditColumns] = {}
        self._ids: dict[str, int] = {}

    def append(self, traces: Sequence[Trace]) -> None:
        """Add entries at the end of the chain."""
        rows, _ = chained(self.head(), traces)
        for row in rows:
            self._journal.put(self._rows, row.number, row)
            self._journal.put(self._ids, row.id, row.number)

    def head(self) -> Link:
        """Return the place of the last entry."""
        last = self._rows.get(len(self._rows))
        return Link() if last is None else Link(last.number, last.digest)

    def after(self, number: int, limit: int) -> list[Sealed]:
        """Return the entries behind a number, in order."""
        end = min(number + limit, len(self._rows))
        return [read_sealed(self._rows[one]) for one in range(number + 1, end + 1)]

    def get(self, event_id: str) -> Entry | None:
        """Return one entry by the id of its AuditEvent."""
        number = self._ids.get(event_id)
        return None if number is None else read_entry(self._rows[number])

    def find(self, wanted: Wanted, limit: int, before: int | None = None) -> list[Entry]:
        """Return entries, newest first, numbered below `before`."""
        numbers = range(len(self._rows), 0, -1)
        rows = (self._rows[one] for one in numbers if before is None or one < before)
        return [read_entry(row) for row in rows if _is_wanted(row, wanted)][:limit]

    def count(self, wanted: Wanted) -> int:
        """Return how many entries are wanted."""
        return sum(_is_wanted(row, wanted) for row in self._rows.values())


def _is_wanted(row: AuditColumns, wanted: Wanted) -> bool:
    return (
        (not wanted.patients or row.patient in wanted.patients)
        and (not wanted.agent or row.agent == key_text(wanted.agent))
        and (not wanted.kinds or row.kind in wanted.kinds)
        and (not wanted.outcomes or row.outcome in wanted.outcomes)
        and (wanted.start is None or row.at >= instant_text(wanted.start))
        and (wanted.end is None or row.at < instant_text(wanted.end))
    )
