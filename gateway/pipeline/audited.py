"""What a request looks at and writes, noted where it happens: at the store.

A door does its work and knows nothing of the journal. Whose resources it reads is collected here;
what it writes gets its entries in the transaction that writes it, so that there is no act without
a trace. Reads are noted before the answer leaves (`pipeline.journal`).
"""

from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from uuid import uuid4

from gateway.core.access import UNKNOWN_PATIENT, Sight
from gateway.core.audit import Trace
from gateway.core.contributions import Target
from gateway.core.ports import (
    Changes,
    Condition,
    NewVersion,
    Page,
    ResourceQueries,
    Sort,
    Store,
    StoredResource,
    Transaction,
)
from gateway.fhir.compartment import patient_of

T = TypeVar("T")
_NOBODY = frozenset({"", UNKNOWN_PATIENT})


@dataclass(slots=True)
class Request:
    """One request as the journal knows it.

    Attributes:
        at: instant, UTC.
        agent: who asks, once that is known.
        details: as `sharing.audit` shows them.
        patients: whose resources were looked at, in order.
        written: entries of what was written were kept already.
        kind: of its entry, where that is not what its address says.
    """

    at: datetime
    agent: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    patients: dict[str, None] = field(default_factory=dict)
    written: bool = False
    kind: str = ""

    def looked_at(self, rows: Iterable[StoredResource]) -> None:
        """Note whose resources were read."""
        for row in rows:
            if row.patient not in _NOBODY:
                self.patients[row.patient] = None

    def trace(self, kind: str, outcome: str = "0", patient: str = "", **more: Any) -> Trace:
        """Return an entry about this request."""
        details = {**self.details, **more}
        return Trace(str(uuid4()), self.at, kind, outcome, self.agent, patient, details)


#: The request that is being answered; None outside of one.
CURRENT: ContextVar[Request | None] = ContextVar("audited_request", default=None)


class AuditedStore:
    """A `core.ports.Store` that notes what the current request does."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def open(self) -> None:
        """Open the store."""
        await self._store.open()

    async def close(self) -> None:
        """Close the store."""
        await self._store.close()

    async def healthy(self) -> bool:
        """Tell whether a trivial read answers in time."""
        return await self._store.healthy()

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run `work`, and note whose resources it read."""
        request = CURRENT.get()
        if request is None:
            return await self._store.read(work)

        def noted(tx: Transaction) -> tuple[T, list[StoredResource]]:
            # In a thread of the store, and maybe more than once: what is noted comes back.
            rows: list[StoredResource] = []
            return work(_watched(tx, rows, [])), rows

        found, rows = await self._store.read(noted)
        request.looked_at(rows)
        return found

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run `work`, and add an entry for each version it writes to the same transaction."""
        request = CURRENT.get()
        if request is None:
            return await self._store.write(work)

        def noted(tx: Transaction) -> tuple[T, bool]:
            versions: list[NewVersion] = []
            found = work(_watched(tx, [], versions))
            tx.audit.append([_written(tx, request, new) for new in versions])
            return found, bool(versions)

        found, has_written = await self._store.write(noted)
        request.written = request.written or has_written
        return found


def _watched(
    tx: Transaction, rows: list[StoredResource], versions: list[NewVersion]
) -> Transaction:
    found = copy(tx)
    found.resources = Watched(tx.resources, rows, versions)
    return found


def _written(tx: Transaction, request: Request, new: NewVersion) -> Trace:
    row = new.resource
    if row.deleted:
        kind = "delete"
        stored = tx.resources.current([(row.type, row.id)]).get((row.type, row.id))
        patient = stored.patient if stored is not None else ""
    else:
        kind = "create" if row.version == 1 else "update"
        patient = patient_of(row.type, row.id, new.index)
    target = f"{row.type}/{row.id}/_history/{row.version}"
    return request.trace(kind, patient="" if patient in _NOBODY else patient, target=target)


class Watched:
    """`core.ports.ResourceQueries` that remembers what it gave and took."""

    def __init__(
        self, resources: ResourceQueries, rows: list[StoredResource], versions: list[NewVersion]
    ) -> None:
        self._all, self._rows, self._versions = resources, rows, versions

    def around(self, other: Callable[[ResourceQueries], ResourceQueries]) -> "Watched":
        """Return the same on the outside of another layer: what that hides is not noted."""
        return Watched(other(self._all), self._rows, self._versions)

    def current(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], StoredResource]:
        """Return the current version of each key."""
        found = self._all.current(keys)
        self._rows.extend(found.values())
        return found

    def owned(self, targets: Sequence[Target]) -> dict[Target, list[StoredResource]]:
        """Return what the fold of each target made."""
        found = self._all.owned(targets)
        for rows in found.values():
            self._rows.extend(rows)
        return found

    def put(self, versions: Sequence[NewVersion]) -> None:
        """Write new versions."""
        self._all.put(versions)
        self._versions.extend(versions)

    def version(self, type_: str, id_: str, version: int) -> StoredResource | None:
        """Return one version."""
        found = self._all.version(type_, id_, version)
        self._rows.extend([] if found is None else [found])
        return found

    def history(self, type_: str, id_: str, limit: int, before: int | None) -> list[StoredResource]:
        """Return versions of one resource."""
        found = self._all.history(type_, id_, limit, before)
        self._rows.extend(found)
        return found

    def changes(
        self, wanted: Changes, limit: int, cursor: str | None, sight: Sight | None = None
    ) -> tuple[list[StoredResource], str | None]:
        """Return versions of many resources."""
        rows, following = self._all.changes(wanted, limit, cursor, sight)
        self._rows.extend(rows)
        return rows, following

    def search(
        self,
        type_: str,
        conditions: Sequence[Condition],
        limit: int,
        cursor: str | None,
        sort: Sequence[Sort] = (),
        sight: Sight | None = None,
        most: int | None = None,
    ) -> Page:
        """Return current resources that meet every condition."""
        page = self._all.search(type_, conditions, limit, cursor, sort, sight, most)
        self._rows.extend(page.resources)
        return page

    def listed(
        self,
        type_: str,
        conditions: Sequence[Condition],
        after_id: str,
        limit: int,
        deleted_since: datetime | None = None,
        sight: Sight | None = None,
    ) -> list[tuple[str, int]]:
        """Return ids and versions of resources; no content is given."""
        return self._all.listed(type_, conditions, after_id, limit, deleted_since, sight)

    def counts(self) -> dict[str, int]:
        """Return how many resources of each type exist."""
        return self._all.counts()
