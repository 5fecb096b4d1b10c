"""Clients, tokens and used assertions, in memory."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from gateway.core.access import Client, Glass, Grant, Mark, Permit
from gateway.store.accesscodec import (
    ClientColumns,
    GlassColumns,
    GrantColumns,
    PermitColumns,
    client_columns,
    glass_columns,
    grant_columns,
    permit_columns,
    read_client,
    read_glass,
    read_grant,
    read_permit,
)
from gateway.store.codec import instant_text, storable
from gateway.store.journal import Journal


class MemoryAccess:
    """Access control, kept as the columns the SQL stores write."""

    def __init__(self, journal: Journal, patients: Callable[[], Iterable[str]]) -> None:
        self._journal = journal
        self._patients = patients
        self._clients: dict[str, ClientColumns] = {}
        self._circles: dict[str, ClientColumns] = {}
        self._glasses: dict[str, GlassColumns] = {}
        self._grants: dict[str, GrantColumns] = {}
        self._used: dict[tuple[str, str], str] = {}
        self._marks: dict[int, tuple[str, str]] = {}
        self._last = {"mark": 0}
        self._permits: dict[tuple[str, str, str], PermitColumns] = {}

    def put_client(self, client: Client) -> None:
        """Keep a client, in the place of one with the same id."""
        row = client_columns(client)
        self._journal.put(self._clients, row.id, row)

    def client(self, client_id: str) -> Client | None:
        """Return a client, active or not."""
        row = self._clients.get(client_id)
        return None if row is None else read_client(row)

    def clients(self) -> list[Client]:
        """Return every client, by id."""
        return [read_client(self._clients[id_]) for id_ in sorted(self._clients)]

    def put_circle(self, circle: Client) -> None:
        """Keep what people who work for the same organisations may be shown."""
        row = client_columns(circle)
        self._journal.put(self._circles, row.id, row)

    def circles(self) -> list[Client]:
        """Return every circle of people, by id."""
        return [read_client(self._circles[id_]) for id_ in sorted(self._circles)]

    def break_glass(self, glass: Glass) -> None:
        """Keep that somebody opened what they may not see, and have it decided anew."""
        row = glass_columns(glass)
        self._journal.put(self._glasses, row.id, row)
        self.mark([glass.patient])

    def glasses(self, patient_ids: Iterable[str], now: datetime) -> list[Glass]:
        """Return what is open now of these Patients, the oldest first."""
        wanted, at = set(patient_ids), instant_text(now)
        rows = [row for row in self._glasses.values() if row.patient in wanted and row.until > at]
        return [read_glass(row) for row in sorted(rows, key=lambda row: (row.since, row.id))]

    def glasses_since(self, since: datetime, limit: int) -> list[Glass]:
        """Return what was opened from an instant on, the newest first."""
        start = instant_text(since)
        rows = sorted(row for row in self._glasses.values() if row.since >= start)
        rows.sort(key=lambda row: row.since, reverse=True)
        return [read_glass(row) for row in rows[:limit]]

    def use_once(self, client_id: str, jti: str, until: datetime) -> bool:
        """Note that a client used an assertion; False when it did before."""
        key = (storable(client_id), storable(jti))
        if key in self._used:
            return False
        self._journal.put(self._used, key, instant_text(until))
        return True

    def keep_grant(self, grant: Grant) -> None:
        """Keep a token that is given."""
        row = grant_columns(grant)
        self._journal.put(self._grants, row.digest, row)

    def grant(self, digest: str) -> Grant | None:
        """Return the token with this hash, expired or not."""
        row = self._grants.get(digest)
        return None if row is None else read_grant(row)

    def drop_grants(self, client_id: str) -> int:
        """Take back every token of a client."""
        return self._drop_grants(d for d, row in self._grants.items() if row.client == client_id)

    def forget(self, before: datetime) -> int:
        """Forget what ended before an instant."""
        at = instant_text(before)
        used = [key for key, until in self._used.items() if until < at]
        for key in used:
            self._journal.drop(self._used, key)
        old = self._drop_grants(d for d, row in self._grants.items() if row.expires < at)
        return len(used) + old

    def mark(self, patient_ids: Iterable[str], due: datetime | None = None) -> None:
        """Have it decided anew who may see the persons of these Patients."""
        at = "" if due is None else instant_text(due)
        for one in sorted(set(patient_ids)):
            number = self._last["mark"] + 1
            self._journal.put(self._last, "mark", number)
            self._journal.put(self._marks, number, (at, storable(one)))

    def mark_everybody(self) -> None:
        """Have it decided anew about every Patient there is."""
        self.mark(self._patients())

    def marks(self, now: datetime, limit: int, patient_ids: Sequence[str] = ()) -> list[Mark]:
        """Return marks that are due, the oldest first."""
        at = instant_text(now)
        found = [
            Mark(number, patient)
            for number, (due, patient) in self._marks.items()
            if due <= at and (not patient_ids or patient in patient_ids)
        ]
        return sorted(found)[:limit]

    def settle(
        self, marks: Sequence[Mark], patient_ids: Sequence[str], permits: Sequence[Permit]
    ) -> None:
        """Take marks away, and make these the permits of these Patients."""
        for mark in marks:
            self._journal.drop(self._marks, mark.number)
        gone = set(patient_ids)
        for key in [key for key in self._permits if key[2] in gone]:
            self._journal.drop(self._permits, key)
        for one in permits:
            row = permit_columns(one)
            self._journal.put(self._permits, row[:3], row)

    def permits(
        self, client_id: str, patient_ids: Iterable[str], now: datetime, person: str = ""
    ) -> dict[tuple[str, str], Permit]:
        """Return the permits that hold now, by (Patient, category)."""
        wanted, at = set(patient_ids), instant_text(now)
        names = {client_id, person or client_id}
        found = [
            read_permit(row)
            for row in self._permits.values()
            if row.client in names and row.patient in wanted and row.until > at
        ]
        found.sort(key=lambda one: one.client == client_id)
        return {(one.patient, one.category): one for one in found}

    def permitted(self, client_id: str, now: datetime, person: str = "") -> set[tuple[str, str]]:
        """Return every (Patient, category) that may be shown now, for searches."""
        at = instant_text(now)
        names = {client_id, person or client_id}
        return {
            (row.patient, row.category)
            for row in self._permits.values()
            if row.client in names and row.until > at
        }

    def _drop_grants(self, digests: Iterable[str]) -> int:
        found = list(digests)
        for digest in found:
            self._journal.drop(self._grants, digest)
        return len(found)
