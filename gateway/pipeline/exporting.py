"""Make bulk exports: pin the versions that go in, in one snapshot, and give them line by line.

A job writes down which versions its files are made of and no content. All types are looked
through on one snapshot of the store, so the files agree with each other whatever is committed
meanwhile, and what is fetched later is what was current then: versions are never rewritten. A
process that dies leaves a job that is taken again when its lease ends; nothing of it was told.
Whoever makes a job keeps it; who was away so long that another took it writes nothing.

Memory: some 40 bytes for each resource while a job is made, one batch of bodies while a file is
fetched.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial

import structlog

from gateway.core.access import Sight
from gateway.core.clock import Clock
from gateway.core.contributions import Json
from gateway.core.errors import RetriableError
from gateway.core.exports import Export, ExportFile, ExportStatus
from gateway.core.ports import Condition, Store, StoredResource, Transaction
from gateway.fhir.bundle import to_bytes
from gateway.fhir.export import ExportQuery, Part, parse_export
from gateway.fhir.views import View, reduce
from gateway.pipeline import seen

_log = structlog.get_logger()
#: Resources in one file, and deletions in one Bundle.
_PER_FILE = 10_000
_PER_BUNDLE = 500
_AT_ONCE = 5_000
#: A process that did not keep its job for so long is gone.
_LEASE = timedelta(minutes=1)
#: Between two words that a job is still being made, seconds.
_KEEP_S = 15.0
_ATTEMPTS = 3
#: Bodies in memory at once; a Binary holds a whole document.
_BATCH, _BATCH_BINARY = 100, 8

Item = tuple[str, int]


class Exporter:
    """Takes the jobs that wait; any number of processes may run one."""

    def __init__(self, store: Store, clock: Clock, lag: timedelta, base: str) -> None:
        """Prepare; nothing runs.

        Args:
            store: open when `step` is called.
            clock: dates the snapshot.
            lag: longest time between the instant a commit is dated with and its end; the instant
                told to the client is earlier by so much, so that nothing is missing before it.
            base: address of the FHIR door.
        """
        self._store = store
        self._clock = clock
        self._lag = lag
        self._base = base

    async def step(self) -> int:
        """Make one export and forget what expired; return 1 when there was one to make."""
        now = self._clock.now()
        await self._store.write(lambda tx: tx.exports.forget(now))
        job = await self._store.write(lambda tx: tx.exports.claim(now, now + _LEASE))
        if job is None:
            return 0
        if job.attempts > _ATTEMPTS:
            await self._end(replace(job, status=ExportStatus.FAILED), [])
            return 1
        keeping = asyncio.create_task(self._keep(job))
        try:
            await self._make(job)
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
        return 1

    async def _make(self, job: Export) -> None:
        until = self._clock.now() - self._lag
        sight = None if job.sees is None else replace(job.sees, now=self._clock.now())
        try:
            files = await seen.read(
                self._store, sight, lambda tx: list(_files(tx, query_of(job, self._base)))
            )
        except RetriableError:
            if job.attempts == _ATTEMPTS:
                await self._end(replace(job, status=ExportStatus.FAILED), [])
            raise
        done = replace(job, status=ExportStatus.DONE, transaction_time=until)
        await self._end(done, files)

    async def _keep(self, job: Export) -> None:
        """Say again and again that a job is being made, until it is not ours any more."""
        kept = True
        while kept:
            await asyncio.sleep(_KEEP_S)
            until = self._clock.now() + _LEASE
            # A store that is away now may be back before the lease ends.
            with suppress(RetriableError):
                kept = await self._store.write(lambda tx, until=until: tx.exports.renew(job, until))  # type: ignore[misc]

    async def _end(self, job: Export, files: list[ExportFile]) -> None:
        kept = await self._store.write(lambda tx: tx.exports.finish(job, files))
        lines = sum(file.count for file in files)
        _log.info("export_ended", status=job.status.value, files=len(files), count=lines, kept=kept)


def query_of(job: Export, base: str) -> ExportQuery:
    """Return what a job was asked for."""
    return parse_export(
        job.level,
        job.parameters,
        may=job.types,
        lenient=job.lenient,
        base=base,
        now=job.asked_at,
    )


def _files(tx: Transaction, query: ExportQuery) -> Iterator[ExportFile]:
    number = 0
    for part in query.parts:
        for items in _cut(_found(tx, part), _PER_FILE):
            number += 1
            yield ExportFile(number, part.type, len(items), items=tuple(items))
    if query.since is None:
        return
    for part in query.parts:
        for items in _cut(_pages(tx, part.type, (), query), _PER_FILE):
            number += 1
            bundles = -(-len(items) // _PER_BUNDLE)
            yield ExportFile(number, part.type, bundles, deleted=True, items=tuple(items))


def _found(tx: Transaction, part: Part) -> Iterable[Item]:
    """Return the resources that meet one of the alternatives, each once, by id."""
    if len(part.alternatives) == 1:
        return _pages(tx, part.type, part.alternatives[0])
    found: dict[str, int] = {}
    for conditions in part.alternatives:
        found.update(_pages(tx, part.type, conditions))
    return sorted(found.items())


def _pages(
    tx: Transaction,
    type_: str,
    conditions: tuple[Condition, ...],
    deleted: ExportQuery | None = None,
) -> Iterator[Item]:
    since = None if deleted is None else deleted.since
    after = ""
    while True:
        rows = tx.resources.listed(type_, conditions, after, _AT_ONCE, since)
        yield from rows
        if len(rows) < _AT_ONCE:
            return
        after = rows[-1][0]


def _cut(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    batch: list[Item] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


async def lines(
    store: Store, file: ExportFile, view: View, sight: Sight | None = None
) -> AsyncIterator[bytes]:
    """Give a file as NDJSON, batch after batch.

    A version that is not there any more was erased, and is left out; so is what the client may
    not be shown any more.
    """
    if file.deleted:
        for items in _cut(file.items, _PER_BUNDLE):
            yield to_bytes(_deletions(file.type, items)) + b"\n"
        return
    size = _BATCH_BINARY if file.type == "Binary" else _BATCH
    for items in _cut(file.items, size):
        work = partial(_versions, type_=file.type, items=items)
        rows = await seen.read(store, sight, work)
        yield b"".join(reduce(row.body, view) + b"\n" for row in rows)


def _versions(tx: Transaction, type_: str, items: list[Item]) -> list[StoredResource]:
    current = tx.resources.current([(type_, id_) for id_, _ in items])
    found = []
    for id_, version in items:
        row = current.get((type_, id_))
        if row is not None and row.version != version:
            row = tx.resources.version(type_, id_, version)
        if row is not None and row.body:
            found.append(row)
    return found


def _deletions(type_: str, items: list[Item]) -> Json:
    """Return the Bundle that names what is deleted (Bulk Data 2.0.0, complete status)."""
    entries = [{"request": {"method": "DELETE", "url": f"{type_}/{id_}"}} for id_, _ in items]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}
