"""Who can be written to: professionals, structures and their secure mailboxes, as data.

Standards: Annuaire Santé (ANS), published extracts and FHIR API; MOS TRE_R257 (types of mailbox).
Reading them is `connectors.directory` and `connectors.directory_extracts`, keeping them `store`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class BoxKind(StrEnum):
    """Kind of a mailbox (TRE_R257)."""

    PERSONAL = "PER"
    ORGANISATION = "ORG"
    APPLICATION = "APP"
    PRACTICE = "CAB"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the directory: somebody at a place, or a place, perhaps with a mailbox.

    Attributes:
        origin: `extract:mssante`, `extract:practitioners`, `api`.
        rpps: of a professional, 11 digits; empty for a structure.
        finess: of the structure, 9 characters; empty when not known.
        address: of the mailbox; empty when this source tells none, which is not "no mailbox".
        kind: of the mailbox; empty without one.
        family: name of practice.
        given: first name of practice.
        profession: label.
        structure: name of the structure.
        place: commune of the structure.
        postcode: of the structure.
        unlisted: on the red list (`listeRouge`): used when it is named, never proposed.
        seen_at: when the source said so, UTC.
    """

    origin: str
    rpps: str = ""
    finess: str = ""
    address: str = ""
    kind: str = ""
    family: str = ""
    given: str = ""
    profession: str = ""
    structure: str = ""
    place: str = ""
    postcode: str = ""
    unlisted: bool = False
    seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SourceState:
    """What is known of one source of the directory.

    Attributes:
        origin: as `Entry.origin`.
        as_of: date of what it says (of the extract, of the last answer), UTC.
        loaded_at: when it was read last, UTC.
        entries: how many lines it gave.
        failing_since: since when it cannot be read; None when it can.
        failure: code of why.
    """

    origin: str
    as_of: datetime | None
    loaded_at: datetime
    entries: int
    failing_since: datetime | None = None
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked for; every value that is given must be met.

    Attributes:
        rpps: 11 digits.
        finess: of the structure.
        name: beginning of the name of practice or a word of the structure's, accents and case
            ignored.
        place: commune, or the beginning of its postcode.
        address: of a mailbox.
    """

    rpps: str = ""
    finess: str = ""
    name: str = ""
    place: str = ""
    address: str = ""


class DirectoryQueries(Protocol):
    """The directory as it is kept."""

    def put(self, entries: Sequence[Entry]) -> None:
        """Keep entries; one that is there already from the same source is replaced."""
        ...

    def forget(self, origin: str, before: datetime) -> int:
        """Forget what a source said before an instant; return how many entries."""
        ...

    def forget_answers(self, origin: str, rpps: Sequence[str]) -> None:
        """Forget what a source said about professionals: it answers anew."""
        ...

    def find(self, asked: Asked, limit: int) -> list[Entry]:
        """Return entries, by name, then address."""
        ...

    def of_professionals(self, rpps: Sequence[str]) -> Mapping[str, list[Entry]]:
        """Return the entries of each professional that has any."""
        ...

    def of_structures(self, finess: Sequence[str]) -> Mapping[str, list[Entry]]:
        """Return the entries of structures themselves, without those of people."""
        ...

    def note(self, state: SourceState) -> None:
        """Keep the state of a source."""
        ...

    def states(self) -> list[SourceState]:
        """Return every source that was ever read or failed, by origin."""
        ...
