"""The store in memory: the twin of the SQL stores for tests, with their exact semantics.

Work runs at once in the calling coroutine; a failed transaction is undone from a journal. Nothing
outlives the object.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from gateway.core.access import Sight
from gateway.core.access_ports import AccessQueries
from gateway.core.audit_ports import AuditQueries
from gateway.core.contributions import Contribution, Kind, Target
from gateway.core.delivery_ports import OutboxQueries, SubscriptionQueries
from gateway.core.directory import DirectoryQueries
from gateway.core.export_ports import ExportQueries
from gateway.core.feed_ports import FeedQueries
from gateway.core.inbox_ports import InboxQueries
from gateway.core.index_ports import IndexQueries
from gateway.core.messages import Incident
from gateway.core.pathway_ports import FactQueries, WatchQueries
from gateway.core.ports import (
    ClaimQueries,
    ContributionQueries,
    ResourceQueries,
    Transaction,
)
from gateway.core.work_ports import WorkQueries
from gateway.core.worklist import WorklistQueries
from gateway.store import codec, shared
from gateway.store.journal import Journal
from gateway.store.memory_access import MemoryAccess
from gateway.store.memory_audit import MemoryAudit
from gateway.store.memory_claims import MemoryClaims
from gateway.store.memory_directory import MemoryDirectory
from gateway.store.memory_exports import MemoryExports
from gateway.store.memory_facts import MemoryFacts
from gateway.store.memory_feed_watch import MemoryFeedWatch
from gateway.store.memory_inbox import MemoryInbox
from gateway.store.memory_outbox import MemoryOutbox, MemorySubscriptions
from gateway.store.memory_resources import MemoryResources
from gateway.store.memory_watch import MemoryWatch
from gateway.store.memory_work import MemoryWork
from gateway.store.memory_worklist import MemoryWorklist
from gateway.store.problems import closed
from gateway.store.sight import MemorySight
from gateway.store.watchrules import Watch

T = TypeVar("T")


class MemoryContributions:
    """What each input says about each resource, kept as bytes so that nobody shares a dict."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._own: dict[int, tuple[tuple[Target, str, int, bytes], ...]] = {}
        self._by_target: dict[Target, dict[int, None]] = {}
        #: By target, then content hash.
        self._shared: dict[str, dict[str, shared.SharedRow]] = {}
        #: What each input said once; it may have been said again by others since.
        self._spoken: dict[int, dict[shared.SharedKey, None]] = {}
        self._payloads: dict[shared.SharedKey, bytes] = {}

    def lock(self, targets: Iterable[Target]) -> None:
        """Do nothing: transactions run one after the other."""

    def load(self, targets: Sequence[Target]) -> dict[Target, list[Contribution]]:
        """Return all contributions of these targets, oldest first."""
        names = {codec.target_text(target): target for target in targets}
        rows: list[tuple[str, int, int, Target, Kind, bytes]] = [
            (version, ordinal, row_id, target, Kind.OWN, payload)
            for target in names.values()
            for row_id in self._by_target.get(target, ())
            for spoken, version, ordinal, payload in self._own[row_id]
            if spoken == target
        ]
        rows += [
            (*row.newest, target, Kind.SHARED, self._payloads[name, content_hash])
            for name, target in names.items()
            for content_hash, row in self._shared.get(name, {}).items()
        ]
        rows.sort(key=lambda row: row[:3])
        found: dict[Target, list[Contribution]] = {}
        for version, ordinal, _, target, kind, payload in rows:
            part = codec.read_payload(target, version, ordinal, kind, payload)
            found.setdefault(target, []).append(part)
        return found

    def replace(self, by_inbox: Sequence[tuple[int, Sequence[Contribution]]]) -> set[Target]:
        """Make these the contributions of each inbox row; return targets that lost or gained."""
        changed: set[Target] = set()
        for inbox_id, parts in by_inbox:
            changed |= self._replace_own(inbox_id, [p for p in parts if p.kind is Kind.OWN])
        return changed | self._replace_shared(by_inbox)

    def made_by(self, inbox_ids: Iterable[int]) -> dict[int, list[Target]]:
        """Return the targets each input makes or adds to, in its own order."""
        return codec.read_made(
            (row_id, codec.target_text(target), payload)
            for row_id in sorted(set(inbox_ids))
            for target, _, _, payload in self._own.get(row_id, ())
        )

    def _replace_own(self, inbox_id: int, parts: Sequence[Contribution]) -> set[Target]:
        before = self._own.get(inbox_id, ())
        after = tuple((p.target, p.version.key(), p.ordinal, codec.write_payload(p)) for p in parts)
        for target, *_ in before:
            self._journal.drop(self._by_target[target], inbox_id)
        for target, *_ in after:
            self._journal.put(self._by_target.setdefault(target, {}), inbox_id, None)
        self._journal.put(self._own, inbox_id, after)
        return {row[0] for row in set(before) ^ set(after)}

    def _replace_shared(
        self, by_inbox: Sequence[tuple[int, Sequence[Contribution]]]
    ) -> set[Target]:
        payloads: dict[shared.SharedKey, bytes] = {}
        spoken = {
            inbox_id: shared.spoken(parts, payloads, lambda part: part.version.key())
            for inbox_id, parts in by_inbox
        }
        targets = {target for target, _ in payloads}
        keys = {key for inbox_id in spoken for key in self._spoken.get(inbox_id, ())}
        keys |= {(name, content) for name in targets for content in self._shared.get(name, ())}
        # In one order, whatever the hashes of this process.
        held = ((key, self._shared.get(key[0], {}).get(key[1])) for key in sorted(keys))
        before = {key: row for key, row in held if row is not None}
        result = shared.change(before, spoken)
        for key in result.deleted:
            self._journal.drop(self._shared[key[0]], key[1])
            self._journal.drop(self._payloads, key)
        for inbox_id, words in spoken.items():
            told = self._spoken.setdefault(inbox_id, {})
            for key, *_ in words:
                self._journal.put(told, key, None)
        for row in result.written:
            key = (row.target, row.content_hash)
            self._journal.put(self._shared.setdefault(row.target, {}), row.content_hash, row)
            if key not in self._payloads:
                self._journal.put(self._payloads, key, payloads[key])
        return {codec.read_target(target) for target in result.targets}

    def inbox_ids(self, target: Target) -> list[int]:
        """Return the inputs that contribute to a target, oldest first."""
        name = codec.target_text(target)
        ids = set(self._by_target.get(target, ()))
        for row in self._shared.get(name, {}).values():
            ids |= {row.newest.inbox_id, row.oldest.inbox_id}
        return sorted(ids)


class MemoryTransaction:
    """One transaction; the journal undoes it."""

    def __init__(self) -> None:
        self.journal = Journal()
        self.incidents: dict[int, Incident] = {}
        inbox = MemoryInbox(self.journal, self.incidents)
        self.inbox: InboxQueries = inbox
        self.contributions: ContributionQueries = MemoryContributions(self.journal)
        self.claims: ClaimQueries = MemoryClaims(self.journal)
        subscriptions = MemorySubscriptions(self.journal)

        def sight_of(sight: Sight) -> MemorySight:
            def owner_of(id_: str) -> str | None:
                row = subscriptions.get(id_)
                return None if row is None else row.client

            permitted = access.permitted(sight.client, sight.now, sight.person)
            return MemorySight(sight, permitted, owner_of)

        resources = MemoryResources(self.journal, lambda ids: access.mark(ids), sight_of)
        access = MemoryAccess(self.journal, resources.patients)
        self.resources: ResourceQueries = resources
        self.index: IndexQueries = resources.own_index
        watched: dict[str, Watch] = {}
        self.facts: FactQueries = MemoryFacts(self.journal, watched)
        facts = self.facts
        self.watch: WatchQueries = MemoryWatch(
            self.journal,
            watched,
            facts.patients,
            lambda one: facts.persons([one])[one],
            lambda sight: access.permitted(sight.client, sight.now, sight.person),
        )
        self.outbox: OutboxQueries = MemoryOutbox(self.journal)
        self.subscriptions: SubscriptionQueries = subscriptions
        self.work: WorkQueries = MemoryWork(self.journal)
        self.worklist: WorklistQueries = MemoryWorklist(
            self.journal,
            lambda one: facts.persons([one])[one],
            lambda sight: access.permitted(sight.client, sight.now, sight.person),
        )
        self.access: AccessQueries = access
        self.audit: AuditQueries = MemoryAudit(self.journal)
        self.feeds: FeedQueries = MemoryFeedWatch(self.journal, inbox.status_of)
        self.exports: ExportQueries = MemoryExports(self.journal)
        self.directory: DirectoryQueries = MemoryDirectory(self.journal)


class MemoryStore:
    """A `core.ports.Store` that forgets everything with its object."""

    def __init__(self) -> None:
        self._state = MemoryTransaction()
        self._open = False

    async def open(self) -> None:
        """Start to answer."""
        self._open = True

    async def close(self) -> None:
        """Stop to answer; the content stays for `open`."""
        self._open = False

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` whole or not at all."""
        await self._turn()
        try:
            result = work(self._state)
        except BaseException:
            self._state.journal.roll_back()
            raise
        self._state.journal.commit()
        return result

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run `work`; what it writes is undone."""
        await self._turn()
        try:
            return work(self._state)
        finally:
            self._state.journal.roll_back()

    @property
    def incidents(self) -> list[Incident]:
        """The incidents kept so far, for tests of the doors."""
        return list(self._state.incidents.values())

    async def healthy(self) -> bool:
        """Tell whether the store is open."""
        return self._open

    async def _turn(self) -> None:
        """Let other coroutines run, as every other store does."""
        await asyncio.sleep(0)
        if not self._open:
            raise closed()
