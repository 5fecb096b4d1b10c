"""What the pages show, and the protocol of what finds it.

Knows neither the store nor HTML; `web.store_*` fill these values, `web.routes` shows them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from gateway.core.deliveries import DeliveryStatus
from gateway.core.issues import Issue
from gateway.core.messages import InboxStatus
from gateway.core.worklist import SavedView
from gateway.entry.web.forms import Form
from gateway.entry.web.people import Colleague
from gateway.entry.web.values import Feed, Gap, GapPage, Path, Text
from gateway.pipeline.closed_doors import Outage
from gateway.pipeline.document_timeline import DocumentTimeline


@dataclass(frozen=True, slots=True)
class AgeRow:
    """Open gaps of one severity by days since the deadline: 0 to 1, 2 to 3, 4 to 7, more."""

    severity: str
    counts: tuple[int, int, int, int]

    @property
    def total(self) -> int:
        """Return how many there are."""
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class Overview:
    """The first page.

    Attributes:
        first: what to look at first, at most five.
        due: deadlines of today that are still ahead, with their severity.
        closed: what was settled lately, newest first.
        open_gaps: how many are open, however many `ages` looked at.
        unconfirmed: expectations past their deadline whose feed is silent.
        flow: messages received per hour, the 24 hours before now, oldest first.
        inbox: inputs by state.
        outbox: deliveries by state.
    """

    first: tuple[Gap, ...]
    ages: tuple[AgeRow, ...]
    open_gaps: int
    persons_to_call: int
    due: tuple[tuple[datetime, str], ...]
    closed: tuple[Gap, ...]
    unconfirmed: int
    feeds: tuple[Feed, ...]
    flow: tuple[int, ...]
    inbox: Mapping[InboxStatus, int]
    outbox: Mapping[DeliveryStatus, int]

    @property
    def aged(self) -> int:
        """Return how many gaps `ages` counts: all, or the most severe when there are many."""
        return sum(row.total for row in self.ages)


@dataclass(frozen=True, slots=True)
class Badges:
    """Counts beside the entries of the navigation: open gaps, inputs that wait for a person."""

    open_gaps: int
    held: int


#: Views of the worklist, in the order of their tabs.
VIEWS = ("mine", "none", "open", "today", "deferred", "muted", "unconfirmed", "closed")


@dataclass(frozen=True, slots=True)
class GapFilter:
    """What the worklist should show.

    Attributes:
        view: one of `VIEWS`.
        severity: empty for all.
        rule: empty for all.
        owner: identifier; `none` for nobody; empty for whoever.
        estab: FINESS; empty for all.
        patient: FHIR id; empty for all.
        state: business status; empty for all.
        age: days since the deadline, `0`, `2`, `4` or `8` and up to the next of them; empty: any.
        sort: `severity` or `deadline`.
        after: place of the last row of the page before (views by key).
        start: how many rows to pass over (the other views).
        me: who looks, for the view `mine` and saved views.
    """

    view: str = "open"
    severity: str = ""
    rule: str = ""
    owner: str = ""
    estab: str = ""
    patient: str = ""
    state: str = ""
    age: str = ""
    sort: str = "severity"
    after: tuple[str, ...] = ()
    start: int = 0
    me: str = ""


@dataclass(frozen=True, slots=True)
class Worklist:
    """Rows of the worklist.

    Attributes:
        total: how many meet the filter.
        capped: there are more than were looked at.
        views: how many rows each view has without filters.
        rules: those one can filter by.
        estabs: names of establishments by FINESS, likewise.
        owners: names of those who act, by identifier, likewise.
        saved: views of who looks.
        following: place of the last row when there are more.
        patient: name of the person that is filtered by, empty without.
    """

    rows: tuple[Gap, ...]
    total: int
    capped: bool
    views: Mapping[str, int]
    rules: Mapping[str, Text]
    estabs: Mapping[str, str] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)
    saved: tuple[SavedView, ...] = ()
    following: tuple[str, ...] = ()
    patient: str = ""


@dataclass(frozen=True, slots=True)
class MessageLine:
    """An input as the list shows it; never its bytes."""

    number: int
    received_at: datetime
    type: str
    sender: str
    channel: str
    status: InboxStatus
    control_id: str
    issues: tuple[Issue, ...]
    flags: tuple[str, ...]
    attempts: int


@dataclass(frozen=True, slots=True)
class MessageList:
    """A page of inputs, newest first; `older` is the number to go on below, None at the end."""

    rows: tuple[MessageLine, ...]
    older: int | None
    counts: Mapping[InboxStatus, int]


@dataclass(frozen=True, slots=True)
class Trace:
    """Where one value of a resource comes from."""

    resource: str
    target: str
    value: str
    source: str
    via: str
    spec: str


@dataclass(frozen=True, slots=True)
class MessagePage:
    """One input with what it made."""

    line: MessageLine
    body: bytes
    charset: str
    answer: str
    size: int
    resources: tuple[str, ...]
    trace: tuple[Trace, ...]
    way: "Way" = field(default_factory=lambda: Way())


@dataclass(frozen=True, slots=True)
class Way:
    """How far an input came.

    Attributes:
        sent_at: as its sender tells; None: unreadable.
        answer: MSA-1; empty: there is none.
        stored_at: what it made was last stored; None: nothing is.
        facts: events it tells the pathway.
        sends: deliveries of its documents.
    """

    sent_at: datetime | None = None
    answer: str = ""
    stored_at: datetime | None = None
    facts: tuple[str, ...] = ()
    sends: tuple["DeliveryLine", ...] = ()


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """Something that leaves, without its content or its addressee's name."""

    number: int
    connector: str
    about: str
    to: str
    status: DeliveryStatus
    evidence: str
    attempts: int
    created_at: datetime
    due_at: datetime
    note: str


@dataclass(frozen=True, slots=True)
class DeliveryList:
    """A page of deliveries, newest first, and the doors they wait for."""

    rows: tuple[DeliveryLine, ...]
    older: int | None
    counts: Mapping[DeliveryStatus, int]
    outages: tuple[Outage, ...] = ()


@dataclass(frozen=True, slots=True)
class Pulse:
    """A cheap look at everything the pages show; two that differ name what changed.

    Attributes:
        ledger: number of the last ledger line.
        inbox: inputs by state, and the number of the newest.
        outbox: deliveries by connector and state.
        touched: gaps with a ledger line since the pulse before.
        work: the gaps somebody wrote about last, with the version of their Task.
    """

    ledger: int
    inbox: tuple[tuple[str, int], ...]
    outbox: tuple[tuple[str, int], ...]
    touched: frozenset[str] = frozenset()
    work: frozenset[tuple[str, int]] = frozenset()


class PageData(Protocol):
    """What the pages ask for. Every method reads a bounded amount and never the bytes of a list.

    Each may raise RetriableError when the store does not answer.
    """

    async def badges(self) -> Badges:
        """Return the counts of the navigation; asked for by every page."""
        ...

    async def overview(self, now: datetime) -> Overview:
        """Return the first page."""
        ...

    async def worklist(self, wanted: GapFilter, now: datetime) -> Worklist:
        """Return a page of gaps."""
        ...

    async def gap(self, gap_id: str, now: datetime) -> GapPage | None:
        """Return one gap, None when there is none of that id."""
        ...

    async def shown_gaps(self, gap_ids: Sequence[str]) -> frozenset[str]:
        """Return which of some gaps who looks may be shown."""
        ...

    async def glass_until(self, patient_id: str) -> datetime | None:
        """Return until when who looks sees a patient by break-glass alone; None: by right."""
        ...

    async def act(
        self, forms: Mapping[str, Form], who: Colleague, now: datetime
    ) -> Mapping[str, int | tuple[str, ...]]:
        """Carry out an act on each of some gaps, together.

        Args:
            forms: by gap id, each with the version of the Task that was seen.
            who: acts.
            now: the present instant.

        Returns:
            For each gap the version that stands then, or the codes it was refused by.
        """
        ...

    async def alike(self, gap_ids: Sequence[str]) -> bool:
        """Tell whether gaps are of one rule and one establishment."""
        ...

    async def save_view(self, person: str, name: str, query: str) -> None:
        """Keep the filters of a list under a name."""
        ...

    async def drop_view(self, person: str, name: str) -> None:
        """Forget a saved view."""
        ...

    async def path(self, patient_id: str, now: datetime) -> Path | None:
        """Return the path of the person a Patient belongs to."""
        ...

    async def messages(
        self, statuses: Sequence[InboxStatus], kind: str, before: int | None
    ) -> MessageList:
        """Return inputs below a number, of these states, whose type begins with `kind`."""
        ...

    async def message(self, number: int) -> MessagePage | None:
        """Return one input."""
        ...

    async def retry(self, number: int) -> InboxStatus:
        """Convert an input in quarantine again and return how it ended.

        Raises:
            RejectedError: there is no such row in quarantine.
        """
        ...

    async def discard(self, number: int) -> None:
        """Set an input in quarantine aside for good; its bytes stay.

        Raises:
            RejectedError: there is no such row in quarantine.
        """
        ...

    async def deliveries(
        self, statuses: Sequence[DeliveryStatus], before: int | None
    ) -> DeliveryList:
        """Return deliveries below a number, of these states."""
        ...

    async def document(self, document_id: str) -> DocumentTimeline | None:
        """Return what happened with a document, None when there is none of that id."""
        ...

    async def pulse(self, after: int) -> Pulse:
        """Return the present pulse; `touched` holds gaps with ledger lines above `after`."""
        ...
