"""What the pipeline needs from the outside, named by the need and not by the technology.

`store` implements `Store`; `entry.wiring` alone knows which one is used. A transaction is a plain,
synchronous object of a store thread; who asked for it is woken once it is durable.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol, TypeVar

from gateway.core.access import Sight
from gateway.core.access_ports import AccessQueries
from gateway.core.audit_ports import AuditQueries
from gateway.core.contributions import Claim, Contribution, Target
from gateway.core.delivery_ports import OutboxQueries, SubscriptionQueries
from gateway.core.directory import DirectoryQueries
from gateway.core.export_ports import ExportQueries
from gateway.core.feed_ports import FeedQueries
from gateway.core.inbox_ports import InboxQueries
from gateway.core.index_ports import IndexEntry, IndexQueries
from gateway.core.pathway_ports import FactQueries, WatchQueries
from gateway.core.values import value
from gateway.core.work_ports import WorkQueries
from gateway.core.worklist import WorklistQueries

T = TypeVar("T")


class ContributionQueries(Protocol):
    """What each input says about each resource."""

    def lock(self, targets: Iterable[Target]) -> None:
        """Keep other writers away from these targets until the transaction ends."""
        ...

    def load(self, targets: Sequence[Target]) -> dict[Target, list[Contribution]]:
        """Return all contributions of these targets, any order."""
        ...

    def replace(self, by_inbox: Sequence[tuple[int, Sequence[Contribution]]]) -> set[Target]:
        """Make these the contributions of each inbox row; return targets that lost or gained.

        Kind SHARED: equal content of one target is kept once, with its highest version; a target
        whose contents were all known and keep their order is not in the answer (a content said
        again after another one overtakes it). Kind ONCE is not stored here. What an input says
        again unchanged is not in the answer.
        """
        ...

    def inbox_ids(self, target: Target) -> list[int]:
        """Return the inputs that contribute to a target, oldest first."""
        ...

    def made_by(self, inbox_ids: Iterable[int]) -> dict[int, list[Target]]:
        """Return the targets each input makes or adds to, in its own order; others are left out.

        Only kind OWN, and not what an input merely annotates: that may never have come here.
        """
        ...


class ClaimQueries(Protocol):
    """Claims of targets that other targets may contradict."""

    def replace(self, claims: Mapping[Target, Sequence[Claim]]) -> set[tuple[str, str]]:
        """Make these the claims of each target; return the (kind, value) pairs that changed."""
        ...

    def sharing(self, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[Claim]]:
        """Return every claim on each (kind, value)."""
        ...

    def held(self, targets: Sequence[Target]) -> dict[Target, list[Claim]]:
        """Return the claims of each target that has any."""
        ...


@value(frozen=True, slots=True)
class StoredResource:
    """One version of a resource as served.

    Attributes:
        body: JSON bytes, `meta.versionId` and `meta.lastUpdated` included; empty when deleted.
        content_hash: of the resource without those two, hex; equal content makes no new version.
        owner: the target whose fold made it (a movement is owned by its stay).
        patient: whose it is (`fhir.compartment`); set by the store from the index entries, of a
            deletion that of the version before.
        masks: from whom it is hidden, letters of `core.access.Audience`; set likewise.
    """

    type: str
    id: str
    version: int
    last_updated: datetime
    body: bytes
    deleted: bool
    content_hash: str
    owner: Target
    patient: str = field(default="", compare=False)
    masks: str = field(default="", compare=False)


@value(frozen=True, slots=True)
class NewVersion:
    """A version about to be written together with its index entries (none when deleted)."""

    resource: StoredResource
    index: tuple[IndexEntry, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """One search condition: entries of a parameter that must exist; conditions are ANDed.

    Attributes:
        param: search parameter code; `_id` and `_lastUpdated` are read from the resource row.
        alternatives: values ORed. Token: (system or None, value or None). Reference: (type or
            None, id). Date and quantity: (prefix among eq ne gt lt ge le sa eb ap, low, high),
            a quantity also (system or None, unit or None). String and uri: (None, text). The
            test `words`: (value or None, what stands in the words); `among`: (system, codes...).
        kind: `token`, `reference`, `date`, `string`, `uri` or `quantity`; `chain`: the resource
            this reference points to meets `inner`; `has`: a resource of type `of` whose reference
            points here meets `inner`.
        missing: for `:missing`; then `alternatives` is empty.
        negated: for `:not`.
        test: how texts are compared: empty, `among`, `contains`, `exact`, `below`, `above`, `words`
        of: resource type that `inner` is about.
        inner: conditions on that resource, all of them.
    """

    param: str
    kind: str
    alternatives: tuple[tuple[str | None, ...], ...] = ()
    missing: bool | None = None
    negated: bool = False
    test: str = ""
    of: str = ""
    inner: tuple["Condition", ...] = ()


class Sort(NamedTuple):
    """One key of the order of a search; a resource without value comes last.

    Attributes:
        param: search parameter code; `_id` and `_lastUpdated` are read from the resource row.
        kind: type of the parameter.
        descending: the highest value first.
    """

    param: str
    kind: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a search; with `is_cut` the matches of all pages were not counted to the end."""

    resources: list[StoredResource]
    total: int
    next_cursor: str | None
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """Which versions of many resources are wanted, newest first.

    Attributes:
        type: of one type only; empty for all.
        id: of one resource of that type only; empty for all.
        since: written at this instant or later.
        at: (start, end) of a span during which a version was the current one.
    """

    type: str = ""
    id: str = ""
    since: datetime | None = None
    at: tuple[datetime, datetime] | None = None


class ResourceQueries(Protocol):
    """The folded resources, current and past."""

    def current(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], StoredResource]:
        """Return the current version of each (type, id) that exists, deleted ones included."""
        ...

    def owned(self, targets: Sequence[Target]) -> dict[Target, list[StoredResource]]:
        """Return the current, not deleted resources made by the fold of each target."""
        ...

    def put(self, versions: Sequence[NewVersion]) -> None:
        """Write new versions: they become current and enter the history."""
        ...

    def version(self, type_: str, id_: str, version: int) -> StoredResource | None:
        """Return one past or current version."""
        ...

    def history(self, type_: str, id_: str, limit: int, before: int | None) -> list[StoredResource]:
        """Return versions of one resource, newest first, numbered below `before`."""
        ...

    def changes(
        self, wanted: Changes, limit: int, cursor: str | None, sight: Sight | None = None
    ) -> tuple[list[StoredResource], str | None]:
        """Return versions of many resources, newest first, and the cursor of the next page.

        Args:
            wanted: which versions.
            limit: how many at most.
            cursor: where the page starts.
            sight: only what a client may be shown now; None: everything.
        """
        ...

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
        """Return current resources that meet every condition.

        The cursor is opaque; paging neither repeats nor loses a resource that does not change. With
        a `sight`, all is as that client may be shown it. Beyond `most` nothing need be counted.
        """
        ...

    def listed(
        self,
        type_: str,
        conditions: Sequence[Condition],
        after_id: str,
        limit: int,
        deleted_since: datetime | None = None,
        sight: Sight | None = None,
    ) -> list[tuple[str, int]]:
        """Return (id, version) of current resources that meet every condition, by id.

        Args:
            type_: resource type.
            conditions: all of them must be met.
            after_id: go on behind it; empty for the first page.
            limit: how many at most.
            deleted_since: those deleted since then instead, whatever the conditions.
            sight: only what a client may be shown now; None: everything.
        """
        ...

    def counts(self) -> dict[str, int]:
        """Return how many current resources of each type exist."""
        ...


class Transaction(Protocol):
    """One database transaction."""

    inbox: InboxQueries
    contributions: ContributionQueries
    claims: ClaimQueries
    resources: ResourceQueries
    facts: FactQueries
    watch: WatchQueries
    outbox: OutboxQueries
    subscriptions: SubscriptionQueries
    work: WorkQueries
    worklist: WorklistQueries
    access: AccessQueries
    audit: AuditQueries
    feeds: FeedQueries
    exports: ExportQueries
    index: IndexQueries
    directory: DirectoryQueries


class Store(Protocol):
    """A durable store. Every await has a time limit of the store's settings."""

    async def open(self) -> None:
        """Connect, check the schema version, start the store's threads.

        Raises:
            FatalError: the schema is newer than this program (RLS-STO-002).
        """
        ...

    async def close(self) -> None:
        """Finish what runs, then disconnect."""
        ...

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in a transaction; durable (synchronous=FULL) when this returns.

        Raises:
            RetriableError: database away, locked, disk full (RLS-STO-001); nothing is stored.
        """
        ...

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` on a snapshot that no writer delays; raises as `write` does."""
        ...

    async def healthy(self) -> bool:
        """Tell whether a trivial read answers in time."""
        ...
