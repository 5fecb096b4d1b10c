"""One gap and one path as values: persons, facts, arithmetic, bars, marks and holes.

Texts that come from outside the catalogue of `web.words` (names of rules, sentences of the
engine) are `Text`: one entry per language.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from gateway.core.facts import LedgerLine, Status
from gateway.entry.web.record_link import RecordLink

#: The same words by language code, `fr` and `en`.
Text = Mapping[str, str]

#: Lanes of the swimlane, in their order on the page.
LANES = ("urg", "mco", "smr", "had", "home", "ms", "sup", "doc", "snd")
#: Severities, the worst first.
SEVERITIES = ("critical", "major", "minor", "info")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody a gap or a path is about.

    Attributes:
        id: FHIR id of one of the Patients of the person.
        name: `NAME First`, empty when no feed said it.
        sex: FHIR administrative gender.
        ins: `qualified`, `unverified` or `none`.
        deceased: when or that the person died, as text of the resource; empty otherwise.
        feed: with the name of its establishment, when it is no person but a feed.
        event: of the feed, `A03`; empty for all of it.
    """

    id: str
    name: str = ""
    birth_date: date | None = None
    sex: str = ""
    ins: str = "none"
    deceased: str = ""
    feed: str = ""
    event: str = ""

    @property
    def link(self) -> str:
        """Return the page that shows more of it."""
        return "/" if self.feed else f"/patients/{self.id}"


@dataclass(frozen=True, slots=True)
class Gap:
    """One expectation as a row shows it.

    Attributes:
        name: of the rule.
        why: one sentence, at most about 120 characters.
        source: lane the person left.
        target: lane where the person, or the letter, should be.
        work: business status of the Task, empty without one.
        feed_down: opened although a feed was silent (rules that cannot wait).
        version: of the Task, 0 without one.
        owner: identifier of who has it, with their name; empty: nobody.
        until: instant it is put off to, or promised for.
        next: what to do now, in a few words.
    """

    id: str
    episode: int
    rule: str
    rule_version: int
    severity: str
    status: Status
    name: Text
    why: Text
    person: Person
    source: str
    target: str
    anchor: datetime
    deadline: datetime | None
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    work: str = ""
    feed_down: bool = False
    version: int = 0
    owner: str = ""
    owner_name: str = ""
    until: datetime | None = None
    next: Text = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Tell whether somebody should act on it now."""
        return self.status is Status.OVERDUE


@dataclass(frozen=True, slots=True)
class Evidence:
    """One fact behind a gap.

    Attributes:
        event: of the alphabet of events.
        at: event time, its lower bound.
        until: its upper bound when the time is not exactly known.
        heard_at: when Relais learned it.
        source: the feed.
        message: number of the inbox row that said it, None for what our own sends prove.
    """

    event: str
    at: datetime
    until: datetime | None
    heard_at: datetime
    source: str
    message: int | None


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the arithmetic of a deadline.

    Attributes:
        kind: `start`, `allowed`, `skipped`, `pauses`, `due`, `grace`, `checked`, `feed`, `late`.
        at: an instant of that line.
        span: a length of that line.
        text: words of that line when neither says it all.
        origin: where the value comes from.
        message: number of the inbox row it comes from.
    """

    kind: str
    at: datetime | None = None
    span: timedelta | None = None
    text: Text = field(default_factory=dict)
    origin: Text = field(default_factory=dict)
    message: int | None = None


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed and whether it speaks.

    Attributes:
        state: `live` or `silent`.
        unconfirmed: expectations that wait for it.
    """

    name: str
    state: str
    last_at: datetime
    count: int
    unconfirmed: int = 0


@dataclass(frozen=True, slots=True)
class WorkStep:
    """Something that was done about a gap.

    Attributes:
        what: `taken`, `assigned`, `deferred`, `closed`, ...: a key of the catalogue, `did.<what>`.
        who: name of who did it; empty when it was the gateway.
        about: name, outcome or words that belong to it, as the catalogue wants them.
        until: instant that belongs to it.
    """

    what: str
    at: datetime
    who: str = ""
    about: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Muted:
    """A mute that hides a gap now."""

    id: str
    reason: str
    until: datetime
    author: str
    note: str


@dataclass(frozen=True, slots=True)
class Work:
    """How far people are with a gap.

    Attributes:
        version: of the Task; a form repeats it, so that whoever comes second is told.
        status: FHIR status of the Task.
        state: its business status.
        owner: identifier of who has it; empty: nobody.
        outcome: reason it was settled for, by a person.
        until: instant it is put off to, or promised for.
        latest: latest instant it can be put off to.
        can: acts that go with its state.
        writer: identifier of who wrote its last version, and may take it back; empty: it was the
            gateway, or there is no version before.
        history: the newest first.
    """

    version: int
    status: str
    state: str
    owner: str = ""
    owner_name: str = ""
    outcome: str = ""
    until: datetime | None = None
    latest: datetime | None = None
    can: frozenset[str] = frozenset()
    writer: str = ""
    history: tuple[WorkStep, ...] = ()
    mute: Muted | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody who can act, and how to reach them.

    Attributes:
        part: `source`, `target`, `doctor` or `circle`.
        reach: (kind, value) pairs: `phone`, `email`, `mss`, `other`.
        place: identifier of an establishment, FINESS; empty for a person.
    """

    part: str
    name: str
    reach: tuple[tuple[str, str], ...] = ()
    place: str = ""


@dataclass(frozen=True, slots=True)
class Rung:
    """A step of who is told next: role, when, and whether it was told."""

    role: str
    due: datetime | None
    told: bool


@dataclass(frozen=True, slots=True)
class GapPage:
    """Everything the page of one gap shows."""

    gap: Gap
    expected: Text
    law: Text
    steps: tuple[Step, ...]
    evidence: tuple[Evidence, ...]
    closes: tuple[Text, ...]
    history: tuple[LedgerLine, ...]
    feeds: tuple[Feed, ...]
    around: "Path"
    work: Work | None = None
    contacts: tuple[Contact, ...] = ()
    ladder: tuple[Rung, ...] = ()


@dataclass(frozen=True, slots=True)
class Stay:
    """A bar of the swimlane; without end it goes on.

    Attributes:
        leaves: when the person was away on leave, from and to; without end still.
    """

    lane: str
    label: str
    start: datetime
    end: datetime | None = None
    planned: bool = False
    link: str = ""
    leaves: tuple[tuple[datetime, datetime | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """An instant of the swimlane.

    Attributes:
        kind: `doc`, `ok` (delivered), `ko` (refused), `wait` (on its way), `ask` (request,
            appointment) or `dot`.
        until: upper bound of an imprecise time.
        to: who it was sent to, `professional` or `patient`, empty when that is not known.
    """

    lane: str
    label: str
    at: datetime
    kind: str = "doc"
    until: datetime | None = None
    link: str = ""
    to: str = ""


@dataclass(frozen=True, slots=True)
class Hole:
    """What did not arrive: an empty slot in the lane where it should be."""

    gap: Gap
    due: datetime
    lane: str

    @property
    def closed(self) -> datetime | None:
        """Return when it ended, None while it is open."""
        return self.gap.closed_at


@dataclass(frozen=True, slots=True)
class Silence:
    """A feed that said nothing for a while."""

    lane: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Identity:
    """A record of a person at one establishment.

    Attributes:
        number: of the patient there (IPP).
        place: who gave it: name, else the system of the number.
        merged: the record gave way to another one.
    """

    number: str
    place: str
    merged: bool = False


@dataclass(frozen=True, slots=True)
class Planned:
    """Something planned, and what became of it.

    Attributes:
        progress: a code of `core.care.Progress`.
        low: when it is planned; None when nobody said.
        seen: when what shows that it was done happened.
        links: (kind of resource, address) of what planned it and of what shows it.
    """

    label: str
    progress: str
    low: datetime | None = None
    seen: datetime | None = None
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Letter:
    """A document and how far it went.

    Attributes:
        state: FHIR status of the DocumentReference.
        sent: (channel, state of the delivery, addressees in that state), the furthest first.
    """

    id: str
    label: str
    at: datetime
    author: str
    state: str
    sent: tuple[tuple[str, str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Path:
    """One person's path.

    Attributes:
        planned: the latest first.
        letters: the newest first, at most as many as a page shows.
        more_letters: older ones that are not among them.
    """

    person: Person
    stays: tuple[Stay, ...] = ()
    marks: tuple[Mark, ...] = ()
    holes: tuple[Hole, ...] = ()
    silences: tuple[Silence, ...] = ()
    held: int = 0
    identities: tuple[Identity, ...] = ()
    links: tuple[RecordLink, ...] = ()
    planned: tuple[Planned, ...] = ()
    letters: tuple[Letter, ...] = ()
    more_letters: int = 0
