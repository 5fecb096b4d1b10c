"""What the pages of operators and auditors show. Knows neither the store nor HTML."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.core.audit import Entry
from gateway.core.deliveries import DeliveryStatus
from gateway.core.feed_ports import CancelledAlone, MissingNumbers
from gateway.core.messages import InboxStatus
from gateway.entry.certificate_dates import Dates
from gateway.entry.mllp import PendingFrame
from gateway.entry.vitals import LoopState
from gateway.entry.web.data import DeliveryLine
from gateway.pipeline.unused import Use


@dataclass(frozen=True, slots=True)
class Cause:
    """Inputs that wait for a person for one reason.

    Attributes:
        key: of the address of its page.
        code: of the first finding that refuses; empty when there is none.
        where: its place.
        what: in a sentence.
        fix: what to do.
        sender: who sent them.
        type: of the messages.
        numbers: of the inputs, newest first.
        since: receipt of the oldest.
        resent: how many came again under the same control id, changed or not.
    """

    key: str
    code: str
    where: str
    what: str
    fix: str
    sender: str
    type: str
    numbers: tuple[int, ...]
    since: datetime
    resent: int = 0

    @property
    def not_resent(self) -> int:
        """Return how many nobody sent again."""
        return len(self.numbers) - self.resent


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Inputs that wait for a person, by cause.

    Attributes:
        causes: the one with most inputs first.
        total: inputs that wait.
        looked: how many were looked at, the newest; less than `total` when there are very many.
    """

    causes: tuple[Cause, ...]
    total: int
    looked: int


@dataclass(frozen=True, slots=True)
class LeafChange:
    """A value that would differ; None: there is none. `hidden` values are not in it."""

    path: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """A resource that a replay would write.

    Attributes:
        is_new: there is none yet.
        is_deleted: it would go.
    """

    type: str
    id: str
    is_new: bool
    is_deleted: bool
    leaves: tuple[LeafChange, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """What a replay would do.

    Attributes:
        digest: of all of it; a replay that would do something else has another one.
        rows: inputs that were tried.
        passed: of these, how many would be converted.
        changes: resources it would write, at most as many as are shown.
        more: resources beyond these.
    """

    digest: str
    rows: int
    passed: int
    changes: tuple[ResourceChange, ...]
    more: int = 0

    @property
    def stay(self) -> int:
        """Return how many would stay in quarantine."""
        return self.rows - self.passed


@dataclass(frozen=True, slots=True)
class Draft:
    """Rows of a site table that would mend a cause.

    Attributes:
        site: name of the table.
        text: the rows, YAML.
        is_keepable: there is a folder for drafts.
        kept: files of drafts of this site, newest first.
    """

    site: str
    text: str
    is_keepable: bool
    kept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """One delivery.

    Attributes:
        acts: what a person may do with it: `retry`, `give-up`.
        receipt: what the other side said, names and words; no address of a person.
        same: other deliveries about the same thing.
    """

    line: DeliveryLine
    acts: frozenset[str]
    receipt: tuple[tuple[str, str], ...]
    same: tuple[DeliveryLine, ...]


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A feed as operators see it.

    Attributes:
        feed: `<establishment or sender>:<ADT|DOC|...>`.
        name: with the name of the establishment.
        state: `live`, `silent`, `skewed` or `rejecting`; the first that holds of the latter.
        since: when its trouble began; None when there is none.
        last_at: of its last message that was converted; None: none ever was.
        hours: messages of each of the last 24 hours, oldest first.
        delay_s: 95 of 100 of its recent messages took no longer; None when not known.
        skew_s: seconds its clock is behind, below zero ahead; 0 when right.
        refused: inputs in quarantine.
        waiting: expectations that cannot be verified meanwhile.
        silent_events: events that do not come any more, with when they were last heard.
    """

    feed: str
    name: str
    state: str
    since: datetime | None
    last_at: datetime | None
    hours: tuple[int, ...]
    delay_s: float | None
    skew_s: int
    refused: int
    waiting: int
    silent_events: tuple[tuple[str, datetime], ...] = ()


@dataclass(frozen=True, slots=True)
class FeedsPage:
    """Flows by source, and what runs beside them.

    Attributes:
        missing: numbers (MSH-13) that did not come, of senders that count.
        alone: cancellations whose original has not come after a day, oldest first.
        unused: name of the feed, event and counts of messages that nothing uses, most first.
    """

    sources: tuple[SourceRow, ...]
    frames: tuple[PendingFrame, ...]
    certificates: tuple[Dates, ...]
    loops: Mapping[str, LoopState]
    inbox: Mapping[InboxStatus, int]
    outbox: Mapping[DeliveryStatus, int]
    oldest_s: float
    missing: tuple[MissingNumbers, ...] = ()
    alone: tuple[CancelledAlone, ...] = ()
    unused: tuple[tuple[str, str, Use], ...] = ()


@dataclass(frozen=True, slots=True)
class JournalPage:
    """Entries of the journal of accesses.

    Attributes:
        entries: newest first.
        older: number to go on below, None at the end.
        special: break-glass and revealed values of the period, newest first; on the first page.
        total: entries that are wanted.
        head: number and digest of the last entry.
        fault: what is wrong with the chain, in words; empty when nothing is; None: not looked.
    """

    entries: tuple[Entry, ...]
    older: int | None
    special: tuple[Entry, ...]
    total: int
    head: tuple[int, str]
    fault: str | None = None
