"""What the pipeline needs of the received inputs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.core.issues import Issue
from gateway.core.messages import Header, InboxRow, InboxStatus, Incident, NewInboxRow

#: Senders whose inputs are looked through for a control id.
SENDERS = 500


@dataclass(frozen=True, slots=True)
class InboxResult:
    """How the processing of an inbox row ended."""

    id: int
    status: InboxStatus
    answer: bytes
    issues: tuple[Issue, ...] = ()
    flags: tuple[str, ...] = ()


class InboxQueries(Protocol):
    """The received inputs."""

    def insert(self, rows: Sequence[NewInboxRow]) -> list[int | None]:
        """Store rows and return their ids, in order; None where the same input is there already.

        The same input: equal (sender, control id, canonical SHA-256). Two equal rows in one call
        count as well: the second gets None.
        """
        ...

    def find_same_control(self, headers: Sequence[Header], since: datetime) -> list[InboxRow]:
        """Return rows (body left empty) with the sender and control id of one of `headers`.

        Only rows received at or after `since`, newest first; the same input (equal sender,
        control id and canonical SHA-256) is found however old it is. A header whose control id is
        empty matches the same input only.
        """
        ...

    def get(self, row_id: int) -> InboxRow | None:
        """Return one row with its bytes."""
        ...

    def some(self, row_ids: Iterable[int]) -> list[InboxRow]:
        """Return rows (body left empty), the highest id first; those that are not there lack."""
        ...

    def with_control(self, control_id: str, limit: int) -> list[int]:
        """Return rows of any sender with a control id, at most so many; no order is promised.

        Of the first `SENDERS` senders by name: what is asked for must not read the whole table.
        """
        ...

    def set_results(self, results: Sequence[InboxResult]) -> None:
        """Write how rows ended; refuses a transition that `INBOX_TRANSITIONS` does not list."""
        ...

    def set_flags(self, flags: Mapping[int, Sequence[str]]) -> None:
        """Write the flags of rows anew; how they ended stays."""
        ...

    def reopen(self, row_id: int) -> None:
        """Put a row back to `received` (a replay), counting the attempt."""
        ...

    def claim_received(self, limit: int, older_than: datetime) -> list[InboxRow]:
        """Take rows in state `received` that arrived before `older_than`, oldest first.

        Rows another worker holds are passed over (PostgreSQL: FOR UPDATE SKIP LOCKED).
        """
        ...

    def page(
        self, status: InboxStatus | None, after_id: int, limit: int, with_body: bool = False
    ) -> list[InboxRow]:
        """Return rows with id > `after_id` in order of id."""
        ...

    def newest(
        self, status: InboxStatus | None, before_id: int, after_id: int, limit: int, kind: str = ""
    ) -> list[InboxRow]:
        """Return rows (body left empty) between two ids, both excluded, the highest id first.

        Args:
            status: of one state only; None for all.
            before_id: go on below this row.
            after_id: look no further than this row: a rare `kind` must not read the whole table.
            limit: how many at most.
            kind: the message type begins so; empty for all.
        """
        ...

    def last_id(self) -> int:
        """Return the highest id given so far, 0 without any row."""
        ...

    def add_incidents(self, incidents: Sequence[Incident]) -> None:
        """Keep what a door survived that is not a message."""
        ...

    def counts(self) -> dict[InboxStatus, int]:
        """Return how many rows are in each state."""
        ...
