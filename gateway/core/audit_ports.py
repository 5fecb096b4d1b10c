"""What the journal of accesses needs of the store."""

from collections.abc import Sequence
from typing import Protocol

from gateway.core.audit import Entry, Link, Sealed, Trace, Wanted


class AuditQueries(Protocol):
    """The journal: entries are added at its end, never changed, never taken away."""

    def append(self, traces: Sequence[Trace]) -> None:
        """Add entries at the end of the chain.

        Writers of several processes take turns from here to the end of their transactions, so it
        is the last thing a transaction does.
        """
        ...

    def head(self) -> Link:
        """Return the place of the last entry."""
        ...

    def after(self, number: int, limit: int) -> list[Sealed]:
        """Return the entries behind a number as they are proved, in order."""
        ...

    def get(self, event_id: str) -> Entry | None:
        """Return one entry by the id of its AuditEvent."""
        ...

    def find(self, wanted: Wanted, limit: int, before: int | None = None) -> list[Entry]:
        """Return entries, newest first, numbered below `before`."""
        ...

    def count(self, wanted: Wanted) -> int:
        """Return how many entries are wanted."""
        ...
