"""Rebuild from the stored bytes: the same steps as on reception, in place.

Inbox rows are never rewritten, only how they ended. With unchanged mappings a replay writes
nothing; after a correction it writes the versions that differ.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

import structlog

from gateway.core.clock import Clock
from gateway.core.contributions import Contribution, Kind
from gateway.core.errors import RejectedError
from gateway.core.inbox_ports import InboxResult
from gateway.core.messages import Channel, InboxRow, InboxStatus, RawMessage
from gateway.core.ports import Store, Transaction
from gateway.pipeline.against_store import FLAGS, judged
from gateway.pipeline.asserted import asserted, store_assertions
from gateway.pipeline.business_acks import assert_received
from gateway.pipeline.commit import CommitRules
from gateway.pipeline.departures import release
from gateway.pipeline.dossiers import as_held, settle
from gateway.pipeline.mend import after_refusal
from gateway.pipeline.outgoing import queue_mails
from gateway.pipeline.prepared import Converting, Prepared
from gateway.pipeline.refold import Change, Refolded, refold
from gateway.pipeline.submissions import queue_submissions
from gateway.pipeline.vigilance import watch_identities

_log = structlog.get_logger()
_NOT_REPLAYED = (InboxStatus.DISCARDED,)


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay of some rows did.

    Attributes:
        rows: rows that were converted again.
        moved: (row id, status before, status after) of those that ended otherwise.
        changes: resource versions written, or that would be written on a dry run.
    """

    rows: int
    moved: tuple[tuple[int, InboxStatus, InboxStatus], ...]
    changes: tuple[Change, ...]


class _DryRunError(Exception):
    """Carries the outcome out of a transaction that must not be kept."""

    def __init__(self, outcome: Replayed) -> None:
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class Replayer:
    """Converts stored rows again."""

    store: Store
    converter: Converting
    clock: Clock
    rules: CommitRules
    chunk: int = 64

    async def run(
        self,
        first: int | None = None,
        last: int | None = None,
        *,
        dry_run: bool = False,
        telling: bool = False,
    ) -> AsyncIterator[Replayed]:
        """Replay the rows with ids from `first` to `last`, both included, in order.

        Args:
            first: id of the first row; the oldest by default.
            last: id of the last row; the newest by default.
            dry_run: nothing is kept.
            telling: subscribers are told what changes of stays, documents and requests; what
                follows for gaps they are told in any case, by the next look.

        Yields:
            One outcome per chunk; a chunk is one transaction.
        """
        after = (first or 1) - 1
        while True:
            rows = await self.store.read(_page(after, self.chunk))
            rows = [row for row in rows if last is None or row.id <= last]
            if not rows:
                return
            after = rows[-1].id
            wanted = [row for row in rows if _is_converted(row)]
            if wanted:
                yield await self._chunk(wanted, dry_run=dry_run, telling=telling)

    async def rows(self, ids: list[int], *, dry_run: bool = False) -> Replayed:
        """Replay the rows with these ids in one transaction, or see what that would change."""
        found = await self.store.read(lambda tx: [tx.inbox.get(row_id) for row_id in ids])
        kept = [row for row in found if row is not None]
        return await self._chunk(kept, dry_run=dry_run, telling=True)

    async def _chunk(self, rows: list[InboxRow], *, dry_run: bool, telling: bool) -> Replayed:
        prepared = [(row, self._prepare(row)) for row in rows]
        return await self._tried(prepared, dry_run=dry_run, telling=telling)

    async def _tried(
        self, prepared: list[tuple[InboxRow, Prepared]], *, dry_run: bool, telling: bool
    ) -> Replayed:
        """Store a chunk; when it is refused, row by row, each as well as it can be."""
        try:
            return await self._store(prepared, dry_run=dry_run, telling=telling)
        except RejectedError as error:
            if len(prepared) > 1:
                parts = [
                    await self._tried([one], dry_run=dry_run, telling=telling) for one in prepared
                ]
                return Replayed(
                    rows=sum(part.rows for part in parts),
                    moved=tuple(m for part in parts for m in part.moved),
                    changes=tuple(c for part in parts for c in part.changes),
                )
            row, item = prepared[0]
            again = after_refusal(self.converter, item, error)
            return await self._tried([(row, again)], dry_run=dry_run, telling=telling)

    async def _store(
        self, converted: list[tuple[InboxRow, Prepared]], *, dry_run: bool, telling: bool
    ) -> Replayed:
        now = self.clock.now()

        def work(tx: Transaction) -> Replayed:
            prepared = [(row, _judged(tx, row, item)) for row, item in converted]
            outcome = _rebuild(tx, prepared)
            once = _of_kind(prepared, once=True)
            folded = _of_kind(prepared, once=False)
            targets = tx.contributions.replace(
                [(row.id, _of_kind([(row, item)], once=False)) for row, item in prepared]
            )
            # What is said again unchanged is folded as well: the fold itself may have changed.
            targets |= {part.target for part in folded}
            changes, links = refold(tx, targets, once, now, self.rules.folds, silent=not telling)
            outcome = replace(outcome, changes=tuple(changes))
            said = [(row.id, row.received_at, asserted(item)) for row, item in prepared]
            store_assertions(tx, as_held(tx, said, links), now)
            settle(tx, links, now)
            watch_identities(tx, [(row.id, item) for row, item in prepared], changes, links, now)
            assert_received(tx, [(row.id, item) for row, item in prepared], now)
            if self.rules.mails:
                queue_mails(tx, [(row.id, item) for row, item in prepared], now)
            if self.rules.record:
                queue_submissions(tx, [(row.id, item) for row, item in prepared], now)
            if self.rules.mails or self.rules.record:
                release(tx, Refolded(list(changes), links), now)
            if dry_run:
                raise _DryRunError(outcome)
            return outcome

        try:
            return await self.store.write(work)
        except _DryRunError as dry:
            return dry.outcome

    def _prepare(self, row: InboxRow) -> Prepared:
        raw = RawMessage(row.body, row.channel, row.received_at, flags=row.flags)
        return self.converter.prepare(self.converter.open(raw))


def _is_converted(row: InboxRow) -> bool:
    """Tell whether a row is a message or a document, and not set aside."""
    return row.status not in _NOT_REPLAYED and row.channel is not Channel.FHIR


def _judged(tx: Transaction, row: InboxRow, item: Prepared) -> Prepared:
    """Judge a request anew unless it was accepted: what came after it must not refuse it."""
    if row.status is not InboxStatus.CONVERTED:
        return judged(tx, item)
    kept = tuple(flag for flag in row.flags if flag in FLAGS and flag not in item.flags)
    return replace(item, flags=(*item.flags, *kept)) if kept else item


def _page(after: int, limit: int) -> Callable[[Transaction], list[InboxRow]]:
    return lambda tx: tx.inbox.page(None, after, limit, with_body=True)


def _of_kind(prepared: list[tuple[InboxRow, Prepared]], *, once: bool) -> list[Contribution]:
    return [
        part
        for _, item in prepared
        if item.status is InboxStatus.CONVERTED
        for part in item.contributions
        if (part.kind is Kind.ONCE) is once
    ]


def _rebuild(tx: Transaction, prepared: list[tuple[InboxRow, Prepared]]) -> Replayed:
    """Write how each row ends now."""
    results = []
    moved = []
    for row, item in prepared:
        if row.status is not InboxStatus.RECEIVED:
            tx.inbox.reopen(row.id)
        refused = item.status in (InboxStatus.QUARANTINED, InboxStatus.FAILED)
        answer = item.opened.answer("refuse" if refused else "AA", item.issues if refused else ())
        # The answer that was given stays what a duplicate gets, unless the outcome changed.
        keep = row.answer if row.status is item.status else answer
        results.append(InboxResult(row.id, item.status, keep, item.issues, item.flags))
        if row.status is not item.status:
            moved.append((row.id, row.status, item.status))
    tx.inbox.set_results(results)
    return Replayed(rows=len(prepared), moved=tuple(moved), changes=())
