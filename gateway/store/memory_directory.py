"""The directory in memory."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from gateway.core.directory import Asked, Entry, SourceState
from gateway.store import directorycodec as codec
from gateway.store.codec import instant_text
from gateway.store.journal import Journal


class MemoryDirectory:
    """Entries and states, kept as the columns the SQL stores write."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._entries: dict[tuple[str, ...], codec.EntryColumns] = {}
        self._sources: dict[str, codec.SourceColumns] = {}

    def put(self, entries: Sequence[Entry]) -> None:
        """Keep entries; one that is there already from the same source is replaced."""
        for entry in entries:
            columns = codec.entry_columns(entry)
            self._journal.put(self._entries, columns[:4], columns)

    def forget(self, origin: str, before: datetime) -> int:
        """Forget what a source said before an instant; return how many entries."""
        old = [
            key
            for key, row in self._entries.items()
            if row.origin == origin and row.seen_at < instant_text(before)
        ]
        return self._drop(old)

    def forget_answers(self, origin: str, rpps: Sequence[str]) -> None:
        """Forget what a source said about professionals: it answers anew."""
        rows = self._entries.items()
        self._drop([key for key, row in rows if row.origin == origin and row.rpps in rpps])

    def _drop(self, keys: Sequence[tuple[str, ...]]) -> int:
        for key in keys:
            self._journal.drop(self._entries, key)
        return len(keys)

    def find(self, asked: Asked, limit: int) -> list[Entry]:
        """Return entries, by name, then address."""
        meant = [row for row in self._entries.values() if codec.is_meant(row, asked)]
        return codec.in_order([codec.read_entry(row.body) for row in meant])[:limit]

    def of_professionals(self, rpps: Sequence[str]) -> Mapping[str, list[Entry]]:
        """Return the entries of each professional that has any."""
        return self._of([(row.rpps, row) for row in self._entries.values() if row.rpps in rpps])

    def of_structures(self, finess: Sequence[str]) -> Mapping[str, list[Entry]]:
        """Return the entries of structures themselves, without those of people."""
        rows = (row for row in self._entries.values() if not row.rpps and row.finess in finess)
        return self._of([(row.finess, row) for row in rows])

    def _of(self, rows: Sequence[tuple[str, codec.EntryColumns]]) -> Mapping[str, list[Entry]]:
        found: dict[str, list[Entry]] = {}
        for number, row in rows:
            found.setdefault(number, []).append(codec.read_entry(row.body))
        return {number: codec.in_order(entries) for number, entries in found.items()}

    def note(self, state: SourceState) -> None:
        """Keep the state of a source."""
        self._journal.put(self._sources, state.origin, codec.source_columns(state))

    def states(self) -> list[SourceState]:
        """Return every source that was ever read or failed, by origin."""
        return [codec.read_source(row) for _, row in sorted(self._sources.items())]
