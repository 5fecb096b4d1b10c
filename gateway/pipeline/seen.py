"""The resources as one client may be shown them: what is hidden is absent.

Everything that reads for a client reads through this, so that totals, pages, includes, chains and
histories cannot tell of what is hidden. Security page: a refused read answers as an absent one.
"""

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from datetime import datetime
from typing import TypeVar, cast

from gateway.core.access import Sight
from gateway.core.contributions import Target
from gateway.core.errors import RetriableError
from gateway.core.issues import Issue, Severity
from gateway.core.pathway_ports import WatchQueries
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
from gateway.core.worklist import WorklistQueries
from gateway.fhir.compartment import category_of
from gateway.pipeline import rights
from gateway.pipeline.audited import CURRENT, Watched
from gateway.pipeline.glass import PURPOSE
from gateway.pipeline.seen_gaps import SeenGaps
from gateway.pipeline.seen_worklist import SeenWorklist
from gateway.sharing.decision import Why

T = TypeVar("T")
Key = tuple[str, str]
#: Rounds of settling before a read gives up, of `rights.AT_ONCE` marks each.
_ROUNDS = 8


async def read(store: Store, sight: Sight | None, work: Callable[[Transaction], T]) -> T:
    """Run `work` on what a client may be shown.

    Args:
        store: of the installation.
        sight: whose; None: everything is shown.
        work: reads resources of its transaction.

    Raises:
        RetriableError: more has changed than could be decided about meanwhile (RLS-SEC-040).
    """
    if sight is None:
        return await store.read(work)
    if not sight.has_territory:
        return await store.read(lambda tx: work(seen_by(tx, sight)))
    for _ in range(_ROUNDS):
        found = await store.read(lambda tx: _decided(tx, sight, work))
        if found:
            return found[0]
        await store.write(lambda tx: rights.settle(tx, sight.now))
    raise RetriableError([_behind()], 2.0)


def _decided(tx: Transaction, sight: Sight, work: Callable[[Transaction], T]) -> tuple[T] | None:
    """Run `work` unless something is still to be decided."""
    if tx.access.marks(sight.now, 1):
        return None
    return (work(seen_by(tx, sight)),)


def seen_by(tx: Transaction, sight: Sight | None) -> Transaction:
    """Return a transaction whose resources are those a client may be shown."""
    if sight is None:
        return tx
    found = copy(tx)
    if isinstance(tx.resources, Watched):
        # What is hidden was not looked at.
        found.resources = tx.resources.around(lambda inner: SeenResources(tx, sight, inner))
    else:
        found.resources = SeenResources(tx, sight, tx.resources)
    if sight.person:
        # Doors for software read no gaps but as resources; what is missing here fails, not leaks.
        found.watch = cast(WatchQueries, SeenGaps(tx, sight, tx.watch))
        found.worklist = cast(WorklistQueries, SeenWorklist(tx, sight, tx.worklist))
    return found


def decided_by(tx: Transaction, sight: Sight | None) -> Transaction:
    """Return what a client may be shown in a transaction that writes; decides what is due first.

    Raises:
        RetriableError: more is due than can be decided about meanwhile (RLS-SEC-040).
    """
    if sight is not None and sight.has_territory:
        for _ in range(_ROUNDS):
            if not rights.settle(tx, sight.now):
                break
        else:
            raise RetriableError([_behind()], 2.0)
    return seen_by(tx, sight)


def is_shown(tx: Transaction, sight: Sight | None, key: Key) -> bool:
    """Tell, before a write, whether a client may be shown a resource; decided at this moment."""
    if sight is None:
        return True
    stored = tx.resources.current([key]).get(key)
    return stored is None or rights.ask(tx, sight.client, stored, sight.now).allowed


class SeenResources:
    """`core.ports.ResourceQueries` for one client; `put` is not held to anything."""

    def __init__(self, tx: Transaction, sight: Sight, resources: ResourceQueries) -> None:
        self._tx, self._sight, self._all = tx, sight, resources

    def current(self, keys: Sequence[Key]) -> dict[Key, StoredResource]:
        """Return the current version of each key that exists and is shown."""
        found = self._all.current(keys)
        shown = self._shown(found.values())
        return {key: row for key, row in found.items() if id(row) in shown}

    def owned(self, targets: Sequence[Target]) -> dict[Target, list[StoredResource]]:
        """Return what the fold of each target made and is shown."""
        found = self._all.owned(targets)
        shown = self._shown(row for rows in found.values() for row in rows)
        kept = {one: [r for r in rows if id(r) in shown] for one, rows in found.items()}
        return {one: rows for one, rows in kept.items() if rows}

    def put(self, versions: Sequence[NewVersion]) -> None:
        """Write new versions."""
        self._all.put(versions)

    def version(self, type_: str, id_: str, version: int) -> StoredResource | None:
        """Return one version, when it and the current one are shown."""
        if not self.current([(type_, id_)]):
            return None
        found = self._all.version(type_, id_, version)
        return found if found is not None and self._shown([found]) else None

    def history(self, type_: str, id_: str, limit: int, before: int | None) -> list[StoredResource]:
        """Return versions of one resource that are shown, newest first."""
        if not self.current([(type_, id_)]):
            return []
        found = self._all.history(type_, id_, limit, before)
        shown = self._shown(found)
        return [row for row in found if id(row) in shown]

    def changes(
        self, wanted: Changes, limit: int, cursor: str | None, sight: Sight | None = None
    ) -> tuple[list[StoredResource], str | None]:
        """Return versions of many resources that are shown, newest first."""
        return self._all.changes(wanted, limit, cursor, sight or self._sight)

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
        """Return current resources that meet every condition and are shown."""
        held = sight or self._sight
        return self._all.search(type_, conditions, limit, cursor, sort, held, most)

    def listed(
        self,
        type_: str,
        conditions: Sequence[Condition],
        after_id: str,
        limit: int,
        deleted_since: datetime | None = None,
        sight: Sight | None = None,
    ) -> list[tuple[str, int]]:
        """Return ids and versions of resources that are shown."""
        return self._all.listed(
            type_, conditions, after_id, limit, deleted_since, sight or self._sight
        )

    def counts(self) -> dict[str, int]:
        """Return how many current resources of each type are shown."""
        found = {type_: self.search(type_, (), 0, None).total for type_ in self._all.counts()}
        return {type_: count for type_, count in found.items() if count}

    def _shown(self, rows: Iterable[StoredResource]) -> set[int]:
        """Return which of some versions are shown, by identity."""
        rows = list(rows)
        permits = {}
        if self._sight.has_territory:
            theirs = {row.patient for row in rows if row.patient}
            sight = self._sight
            found = self._tx.access.permits(sight.client, theirs, sight.now, sight.person)
            permits = dict.fromkeys(found)
            request = CURRENT.get()
            if request is not None and any(one.basis == Why.GLASS for one in found.values()):
                request.details["purpose"] = PURPOSE
        return {id(row) for row in rows if self._is_shown(row, permits)}

    def _is_shown(self, row: StoredResource, permits: dict[tuple[str, str], None]) -> bool:
        if row.type == "Subscription":
            subscription = self._tx.subscriptions.get(row.id)
            if subscription is None or subscription.client != self._sight.client:
                return False
        if not self._sight.has_territory:
            return True
        if self._sight.audience.value in row.masks:
            return False
        if row.type == "Binary":
            # The content of a document goes with a document that points to it.
            points = Condition("location", "uri", ((None, f"Binary/{row.id}"),))
            return self.search("DocumentReference", [points], 0, None).total > 0
        return not row.patient or (row.patient, category_of(row.type)) in permits


def _behind() -> Issue:
    return Issue(
        code="RLS-SEC-040",
        severity=Severity.ERROR,
        where="access",
        what="so much has changed that it is not decided yet who may be shown whom.",
        fix="Ask again as Retry-After says; workers settle it meanwhile.",
    )
