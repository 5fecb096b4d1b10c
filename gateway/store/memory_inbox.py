"""Received inputs in memory."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from gateway.core.inbox_ports import SENDERS, InboxResult
from gateway.core.messages import Header, InboxRow, InboxStatus, Incident, NewInboxRow
from gateway.store import codec
from gateway.store.inboxrules import check_reopen, check_result
from gateway.store.journal import Journal


class MemoryInbox:
    """Received inputs, kept as the columns the SQL stores write."""

    def __init__(self, journal: Journal, incidents: dict[int, Incident]) -> None:
        self._journal = journal
        self._incidents = incidents
        self._rows: dict[int, codec.InboxColumns] = {}
        self._keys: dict[tuple[str, str, str, str], int] = {}
        self._controls: dict[tuple[str, str, str], dict[int, None]] = {}
        self._sequence = {"inbox": 0}

    def insert(self, rows: Sequence[NewInboxRow]) -> list[int | None]:
        """Store rows; None where the same input is there already."""
        ids: list[int | None] = []
        for row in rows:
            key = codec.inbox_key(row.header)
            if key in self._keys:
                ids.append(None)
                continue
            row_id = self._sequence["inbox"] + 1
            self._journal.put(self._sequence, "inbox", row_id)
            self._journal.put(self._rows, row_id, codec.inbox_columns(row_id, row))
            self._journal.put(self._keys, key, row_id)
            self._journal.put(self._controls.setdefault(key[:3], {}), row_id, None)
            ids.append(row_id)
        return ids

    def find_same_control(self, headers: Sequence[Header], since: datetime) -> list[InboxRow]:
        """Return rows, without body, of one of the control ids, newest first."""
        found: dict[int, codec.InboxColumns] = {}
        start = codec.instant_text(since)
        for key in {codec.inbox_key(header) for header in headers}:
            same = self._keys.get(key)
            if same is not None:
                found[same] = self._rows[same]
            if key[2]:
                rows = (self._rows[row_id] for row_id in self._controls.get(key[:3], ()))
                found.update((row.id, row) for row in rows if row.received_at >= start)
        newest = sorted(found.values(), key=lambda row: (row.received_at, row.id), reverse=True)
        return [codec.read_inbox(row._replace(body=b"")) for row in newest]

    def status_of(self, row_id: int) -> InboxStatus | None:
        """Return the state of a row."""
        row = self._rows.get(row_id)
        return None if row is None else InboxStatus(row.status)

    def get(self, row_id: int) -> InboxRow | None:
        """Return one row with its bytes."""
        row = self._rows.get(row_id)
        return None if row is None else codec.read_inbox(row)

    def some(self, row_ids: Iterable[int]) -> list[InboxRow]:
        """Return rows, without body, the highest id first."""
        found = [row_id for row_id in sorted(set(row_ids), reverse=True) if row_id in self._rows]
        return [codec.read_inbox(self._rows[row_id]._replace(body=b"")) for row_id in found]

    def with_control(self, control_id: str, limit: int) -> list[int]:
        """Return rows of any sender with a control id."""
        wanted = codec.key_text(control_id)
        senders = sorted({key[:2] for key in self._controls})[:SENDERS]
        found = [n for sender in senders for n in self._controls.get((*sender, wanted), ())]
        return found[:limit] if wanted else []

    def set_results(self, results: Sequence[InboxResult]) -> None:
        """Write how rows ended."""
        for result in results:
            row = self._rows.get(result.id)
            check_result(result, None if row is None else InboxStatus(row.status))
            changed = self._rows[result.id]._replace(
                status=result.status.value,
                answer=codec.seal(result.answer),
                issues=codec.write_issues(result.issues),
                flags=codec.write_flags(result.flags),
            )
            self._journal.put(self._rows, result.id, changed)

    def set_flags(self, flags: Mapping[int, Sequence[str]]) -> None:
        """Write the flags of rows anew."""
        for row_id, found in flags.items():
            changed = self._rows[row_id]._replace(flags=codec.write_flags(tuple(found)))
            self._journal.put(self._rows, row_id, changed)

    def reopen(self, row_id: int) -> None:
        """Put a row back to `received`."""
        row = self._rows.get(row_id)
        check_reopen(row_id, None if row is None else InboxStatus(row.status))
        reopened = self._rows[row_id]
        self._journal.put(
            self._rows,
            row_id,
            reopened._replace(status=InboxStatus.RECEIVED.value, attempts=reopened.attempts + 1),
        )

    def claim_received(self, limit: int, older_than: datetime) -> list[InboxRow]:
        """Take rows in state `received`, oldest first."""
        end = codec.instant_text(older_than)
        waiting = [
            row
            for row in self._rows.values()
            if row.status == InboxStatus.RECEIVED.value and row.received_at < end
        ]
        waiting.sort(key=lambda row: (row.received_at, row.id))
        return [codec.read_inbox(row) for row in waiting[:limit]]

    def page(
        self, status: InboxStatus | None, after_id: int, limit: int, with_body: bool = False
    ) -> list[InboxRow]:
        """Return rows with id > `after_id` in order of id."""
        found = [
            row
            for row in self._rows.values()
            if row.id > after_id and (status is None or row.status == status.value)
        ]
        found.sort(key=lambda row: row.id)
        shown = [row if with_body else row._replace(body=b"") for row in found[:limit]]
        return [codec.read_inbox(row) for row in shown]

    def newest(
        self, status: InboxStatus | None, before_id: int, after_id: int, limit: int, kind: str = ""
    ) -> list[InboxRow]:
        """Return rows between two ids, the highest first."""
        found = [
            row
            for row in self._rows.values()
            if after_id < row.id < before_id
            and (status is None or row.status == status.value)
            and row.message_type.startswith(codec.storable(kind))
        ]
        found.sort(key=lambda row: row.id, reverse=True)
        return [codec.read_inbox(row._replace(body=b"")) for row in found[:limit]]

    def last_id(self) -> int:
        """Return the highest id given so far."""
        return max(self._rows, default=0)

    def add_incidents(self, incidents: Sequence[Incident]) -> None:
        """Keep what a door survived that is not a message."""
        for incident in incidents:
            self._journal.put(self._incidents, len(self._incidents) + 1, incident)

    def counts(self) -> dict[InboxStatus, int]:
        """Return how many rows are in each state."""
        counts: dict[InboxStatus, int] = {}
        for row in self._rows.values():
            status = InboxStatus(row.status)
            counts[status] = counts.get(status, 0) + 1
        return counts
