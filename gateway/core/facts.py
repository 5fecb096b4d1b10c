"""What an input asserts about a person's pathway, before anything is concluded from it.

A fact is what remains of the assertions of one key: the one with the highest revision, unless
that one retracts it; what is told in parts (`core.events.is_told_in_parts`) is completed by the
earlier ones. So facts depend on the set of assertions only, never on their order.
The alphabet of events and their attributes are in `core.events`; conclusions in `pathway`.
"""

from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from gateway.core.contributions import Target
from gateway.core.values import value

#: JSON-able; text, numbers, true, false, or lists of text. Instants are `Z` text, seconds.
Attributes = dict[str, Any]


#: Between the Patient and the Account in the name of a part of a dossier.
_OF = "/"


def dossier_part(patient_id: str, account_id: str, number: int = 1) -> str:
    """Return whom facts are held under that were told of a moved dossier under a Patient.

    A part of a dossier stands beside Patients wherever persons are made up of them: it belongs
    to the person of whom the dossier is now, and goes with the dossier when that moves.

    Args:
        patient_id: the Patient they were told under.
        account_id: the dossier.
        number: 1; above for facts of which it was learned later that they are of the dossier.
    """
    more = f"{_OF}{number}" if number > 1 else ""
    return f"{patient_id}{_OF}{account_id}{more}"


def told_of(holder_id: str) -> tuple[str, str]:
    """Return under which Patient facts were told, and of which dossier; empty when of none held."""
    if feed_of(holder_id):
        return holder_id, ""
    patient_id, _, rest = holder_id.partition(_OF)
    return patient_id, rest.partition(_OF)[0]


#: Before the name of a feed where whom facts are about is written.
_FEED = "feed:"


def feed_subject(feed: str) -> str:
    """Return whom facts about a feed are held under: beside Patients, and never one of them."""
    return f"{_FEED}{feed}"


def feed_of(holder_id: str) -> str:
    """Return the feed that a holder of facts is; empty when it is a Patient."""
    return holder_id.removeprefix(_FEED) if holder_id.startswith(_FEED) else ""


class Op(StrEnum):
    """What an assertion does to its fact."""

    ASSERT = "assert"
    RETRACT = "retract"
    #: Corrects a fact that stands and makes none: it waits for an assertion.
    AMEND = "amend"


class Span(NamedTuple):
    """An event time as precisely as it is known; both ends aware, UTC.

    A date is [00:00, 24:00) of that day in Paris; an ambiguous hour has two values.
    """

    low: datetime
    high: datetime


@value(frozen=True, slots=True)
class Assertion:
    """One word about one fact.

    Attributes:
        aid: hash of the canonical content, without receipt time and control id.
        event: such as `ENC.DISCHARGE`, of `core.events`.
        key: business identity of the fact, unique over all persons.
        op: assert, retract or amend.
        revision: sortable text, `Version.key()` of what said it.
        when: event time.
        sent_at: emission at the source, UTC.
        patient: the Patient it is about, a part of a dossier (`dossier_part`), or a feed
            (`feed_subject`); None when nobody is.
        source: feed that said it, `<establishment or sender>:<ADT|DOC|SIU|...>`.
        attributes: what rules may read; names of `core.events.ATTRIBUTES`.
        flags: `tz-ambiguous`, `imprecise`, ...
    """

    aid: str
    event: str
    key: str
    op: Op
    revision: str
    when: Span
    sent_at: datetime
    patient: Target | None
    source: str
    attributes: Attributes = field(default_factory=dict)
    flags: tuple[str, ...] = ()


@value(frozen=True, slots=True)
class Received:
    """An assertion with its receipt.

    Attributes:
        at: instant of receipt `tr`, UTC, given once; of a word that is said again by another
            clock (`pathway.corrected`) since when it is known so.
        order: inbox id: settles equal instants.
        heard_at: receipt of the word itself when it is said again.
    """

    assertion: Assertion
    at: datetime
    order: int
    heard_at: datetime | None = None


class Status(StrEnum):
    """State of an expectation; `overdue` is the only one that opens a gap."""

    PENDING = "pending"
    PAUSED = "paused"
    MET = "met"
    MET_LATE = "met_late"
    OVERDUE = "overdue"
    UNCONFIRMED = "unconfirmed"
    CANCELLED = "cancelled"
    MOOT = "moot"
    VOID = "void"


@value(frozen=True, slots=True)
class LedgerLine:
    """One transition, never rewritten.

    Attributes:
        instant: receipt or detection instant, UTC, whole seconds.
        episode: openings so far, at least 1.
        from_status: None on the first line.
        cause: trigger, closer, closer-retracted, canceller, trigger-retracted, timer,
            deadline-moved, pause, resume, feed, rule-change or identity.
    """

    instant: datetime
    gap_id: str
    episode: int
    rule: str
    rule_version: int
    from_status: Status | None
    to_status: Status
    cause: str


@value(frozen=True, slots=True)
class ExpectationRow:
    """The state of one expectation as the engine left it.

    Attributes:
        gap_id: hash of tenant, rule id and key of the trigger.
        x: hash of rule id and key of the trigger.
        person_id: whose facts it came from.
        patient: Patient, part of a dossier (`dossier_part`) or feed (`feed_subject`) that
            carries the trigger.
        trigger: key of the trigger fact.
        anchor: where the deadline counts from, UTC.
        deadline: UTC; None while an open pause leaves it undefined.
        theta: instant at which it would be detected, UTC; None when settled.
        episode: openings so far, at least 1.
        opened_at: of the episode, None while never opened.
        closed_at: of the episode.
        closer: key of the fact that met it, empty when none.
        evidence: keys of facts a person must see, trigger first.
        details: what pages and resources show: names of attributes of the trigger, flags.
    """

    gap_id: str
    x: str
    person_id: str
    patient: Target
    rule: str
    rule_version: int
    severity: str
    status: Status
    trigger: str
    anchor: datetime
    deadline: datetime | None
    theta: datetime | None
    episode: int = 1
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    closer: str = ""
    evidence: tuple[str, ...] = ()
    details: Attributes = field(default_factory=dict)
