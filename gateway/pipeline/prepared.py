"""An input between its conversion and its commit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway.cda.document import Document
from gateway.core.contributions import Contribution, TraceLine
from gateway.core.facts import Assertion
from gateway.core.issues import Issue
from gateway.core.messages import Header, InboxStatus, RawMessage
from gateway.core.values import value
from gateway.mapping.sites import DEFAULT_SITE, Site
from gateway.pipeline.carried import Carried

#: Builds the ACK of an HL7 v2 input for an MSA-1 code; returns `b""` for a CDA.
Answer = Callable[[str, Sequence[Issue]], bytes]


@dataclass(frozen=True, slots=True)
class Policy:
    """What the site of a sender wants of the doors.

    Attributes:
        process: answer after conversion (`ack: process`); False answers once the bytes are kept.
        reuse_refused: the same control id with other content is refused (HL7 table 0357, 205).
        transient_ack: MSA-1 when nothing could be kept: `AR`, `AE` or `none`.
    """

    process: bool = True
    reuse_refused: bool = True
    transient_ack: str = "AR"


@value(frozen=True, slots=True)
class Opened:
    """An input whose header was read, before any mapping.

    Attributes:
        parsed: the message or document, or the RejectedError that reading it gave.
        site: the table of its sender.
        flags: what was repaired or noticed before any mapping; kept of a refused input as well.
    """

    raw: RawMessage
    header: Header
    answer: Answer
    policy: Policy
    parsed: Any = None
    site: Site = DEFAULT_SITE
    flags: tuple[str, ...] = ()


@value(frozen=True, slots=True)
class Prepared:
    """An input that was converted, refused or set aside, not yet stored.

    Attributes:
        status: what the inbox row becomes: converted, quarantined, ignored or failed.
        location: `DocumentReference/<id>` of a CDA.
        unanswered: an acknowledgement: kept, never answered.
        inbox_id: id of the row when the bytes were stored before the conversion ended.
        assertions: what the input says about the pathway of its patient.
        feed: the feed it came by, `<establishment or sender>:<ADT|DOC|SIU>`; empty when unknown.
        documents: those it carries, as they were read for the conversion.
    """

    opened: Opened
    status: InboxStatus
    contributions: tuple[Contribution, ...] = ()
    issues: tuple[Issue, ...] = ()
    flags: tuple[str, ...] = ()
    location: str = ""
    unanswered: bool = False
    inbox_id: int | None = None
    trace: tuple[TraceLine, ...] = field(default=(), repr=False)
    assertions: tuple[Assertion, ...] = ()
    feed: str = ""
    documents: tuple[Carried, ...] = field(default=(), repr=False)


class Converting(Protocol):
    """What the receiver and the replay need of a converter; no call ever fails."""

    def open(self, raw: RawMessage) -> Opened:
        """Read the header of an input."""
        ...

    def prepare(self, opened: Opened, *, keep_only: bool = False) -> Prepared:
        """Convert an opened input; with `keep_only` judge its header only."""
        ...

    def explain(self, opened: Opened) -> Sequence[TraceLine]:
        """Tell where each value of an input that converts comes from."""
        ...


def let_go(item: Prepared) -> None:
    """Let go of the documents of an input that is stored: only their bytes are still of use."""
    if isinstance(item.opened.parsed, Document):
        item.opened.parsed.release()
    for one in item.documents:
        one.document.release()
