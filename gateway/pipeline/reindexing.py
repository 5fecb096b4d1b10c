"""Index every current resource by the search parameters of this release.

A resource is indexed when it is written, and the Task of a gap listed. A release that adds a
parameter finds older resources by it only once they are indexed anew. Doors stay open meanwhile:
each batch is a transaction, and a resource that is written in between is left to its writer.
"""

from collections.abc import AsyncIterator

import orjson

from gateway.core.index_ports import Reindexed
from gateway.core.ports import Store, Transaction
from gateway.fhir.search import MARK, index
from gateway.fhir.search_table import PARAMETERS
from gateway.pipeline.worklist import shelve

_BATCH = 200


async def is_needed(store: Store) -> bool:
    """Tell whether some resource may be indexed by older parameters.

    A store without resources is marked as up to date: what comes is indexed as it should be.
    """
    if await store.read(lambda tx: tx.index.mark()) == MARK:
        return False
    if await store.read(lambda tx: tx.resources.counts()):
        return True
    await store.write(lambda tx: tx.index.set_mark(MARK))
    return False


async def reindex(store: Store) -> AsyncIterator[tuple[str, int, int]]:
    """Index everything anew; give (type, resources looked at, resources changed) as it goes."""
    for type_ in sorted(PARAMETERS):
        after, looked, changed = "", 0, 0
        while True:
            last, count, found = await store.write(
                lambda tx, type_=type_, after=after: _batch(tx, type_, after)  # type: ignore[misc]
            )
            looked, changed, after = looked + count, changed + found, last
            if count < _BATCH:
                break
        if looked:
            yield type_, looked, changed
    await store.write(lambda tx: tx.index.set_mark(MARK))


def _batch(tx: Transaction, type_: str, after: str) -> tuple[str, int, int]:
    items = tx.resources.listed(type_, (), after, _BATCH)
    rows = tx.resources.current([(type_, id_) for id_, _ in items])
    found = [
        Reindexed(row.type, row.id, row.version, index(orjson.loads(row.body)))
        for row in rows.values()
        if row.body
    ]
    changed = tx.index.rewrite(found) if found else 0
    if type_ == "Task":
        for row in rows.values():
            if row.body:
                shelve(tx, orjson.loads(row.body), row.version, row.last_updated)
    return items[-1][0] if items else after, len(items), changed
