"""What one input says about one resource: the unit that is stored and folded.

A stored resource is a pure fold of the contributions of all inputs (ADR 0002). Nobody edits a
resource; a late, repeated or corrected input adds or replaces its own contributions and the fold
runs again. Folding itself is in `fhir.fold` and `hl7v2.movements`.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from gateway.core.coverage import SectionCoverage
from gateway.core.issues import Issue
from gateway.core.values import value

if TYPE_CHECKING:
    from gateway.core.facts import Assertion

Json = dict[str, Any]

#: Before every word of a master: see `Version.background`.
_BACKGROUND = datetime(1900, 1, 1, tzinfo=UTC)


class Target(NamedTuple):
    """The resource that is folded, for a stay together with its movements."""

    type: str
    id: str


class Version(NamedTuple):
    """Orders what was said by when it was said at the source, never by when it was received.

    Attributes:
        recorded_at: EVN-2, else MSH-7; `effectiveTime` of a CDA. Aware, UTC.
        sent_at: MSH-7; `effectiveTime` of a CDA. Aware, UTC.
        rank: INSERT 0, UPDATE 1, CANCEL 2 of a movement; `versionNumber` of a document.
        digest: canonical SHA-256 of the input, hex: a total order without a clock.
    """

    recorded_at: datetime
    sent_at: datetime
    rank: int
    digest: str

    def key(self) -> str:
        """Return a text that sorts as the tuple does, for the store."""
        return f"{_stamp(self.recorded_at)}|{_stamp(self.sent_at)}|{self.rank:06d}|{self.digest}"

    def background(self) -> "Version":
        """Return the version of a source that is not the master of what it says.

        Demographics in a document or an appointment message create what is missing and never
        win over what the identity feed says, whenever it says it.
        """
        return self._replace(recorded_at=_BACKGROUND)

    @property
    def is_background(self) -> bool:
        """Tell whether `background` made it."""
        return self.recorded_at == _BACKGROUND

    @classmethod
    def from_key(cls, key: str) -> "Version":
        """Read back what `key` wrote."""
        recorded, sent, rank, digest = key.split("|")
        return cls(_instant(recorded), _instant(sent), int(rank), digest)


class Kind(StrEnum):
    """How the contributions of one target are kept."""

    #: One row per input: patients, stays, documents, appointments.
    OWN = "own"
    #: Reference data said again by every message (organisations, professionals, places):
    #: equal content is kept once, with its highest version.
    SHARED = "shared"
    #: Addressed by its content and made by one input only (Binary, Provenance): never folded.
    ONCE = "once"


@value(frozen=True, slots=True)
class Contribution:
    """A partial resource with what it removes.

    Attributes:
        target: the resource (type, computed id) it speaks about.
        version: its place in the order of the source.
        ordinal: position among the contributions of the same input to the same target; the
            higher wins between equal versions.
        resource: partial FHIR resource, `resourceType` and `id` included, no `meta.versionId`.
        removals: places the source declared empty (HL7 `""`): an element (`birthDate`) or one
            member of a keyed list (`name:usual`, `identifier:<system>|*`).
        annotates: says something about a resource that another input makes (a replaced document
            becomes superseded) and makes no resource when alone.
        kind: how it is kept.
        movement: the row of a movement ledger when the target is a stay, JSON-able.
        document: patient and setId of the document that says it, when its next version may say
            otherwise (`fhir.versions`); empty for everything else.
        writer: the client that wrote the whole resource over REST (`fhir.written_fold`); empty
            for everything that inputs say.
        told_in: id of the DocumentReference of the document whose body says it, whose masks it
            shares when nothing else says it (`fhir.masked`); empty for everything else.
    """

    target: Target
    version: Version
    resource: Json
    ordinal: int = 0
    removals: tuple[str, ...] = ()
    annotates: bool = False
    kind: Kind = Kind.OWN
    movement: Json | None = None
    document: str = ""
    writer: str = ""
    told_in: str = ""


@value(frozen=True, slots=True)
class Claim:
    """What a target asserts that other targets may contradict: here the traits of an INS.

    Targets that share `(kind, value)` are folded again when one of them changes its claim, so
    that the result does not depend on who came first.

    Attributes:
        kind: such as `ins`.
        value: the shared key; for an INS a uuid5, not the matricule.
        target: who claims.
        content: what is claimed, comparable text (folded traits).
    """

    kind: str
    value: str
    target: Target
    content: str


@dataclass(frozen=True, slots=True)
class TraceLine:
    """Where one written value comes from.

    Attributes:
        resource: `Type/id`.
        target: FHIR path, `identifier[0]`; the line explains everything below it.
        source: input place (`PID-3[1]`, an XPath), `constant`, or `conceptmap <name>`.
        via: name of the converter or derivation.
        spec: clause of the specification that asks for it.
    """

    resource: str
    target: str
    source: str
    via: str
    spec: str


@dataclass(slots=True)
class Mapped:
    """What an adapter makes of one input.

    Attributes:
        contributions: partial resources, in the order of the mapping file.
        flags: data-quality flags such as `zbe-shifted`; closed list in `core.flags`.
        issues: what was dropped or doubtful; none refuses the input (that raises).
        assertions: what it says about the pathway of its patient.
        coverage: what became of each section of a document, when a trace was asked for.
        feed: the feed it came by, empty when the adapter does not say.
    """

    contributions: list[Contribution] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    trace: list[TraceLine] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    assertions: "list[Assertion]" = field(default_factory=list)
    coverage: tuple[SectionCoverage, ...] = ()
    feed: str = ""


def _stamp(instant: datetime) -> str:
    return _utc_stamp(instant if instant.tzinfo is UTC else instant.astimezone(UTC))


# A message has few instants. Only UTC is remembered: elsewhere two instants can look equal.
@lru_cache(maxsize=256)
def _utc_stamp(instant: datetime) -> str:
    return instant.isoformat(timespec="microseconds")[:26].replace("-", "").replace(":", "")


def _instant(stamp: str) -> datetime:
    return datetime.fromisoformat(f"{stamp}Z")
