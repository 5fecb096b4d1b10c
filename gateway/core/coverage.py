"""What became of the sections of one document: coded, narrative only, not understood."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """What a section gave."""

    CODED = "coded"
    PARTLY = "partly coded"
    NARRATIVE = "narrative only"
    NOT_UNDERSTOOD = "not understood"
    GROUP = "only sections inside"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Unread:
    """A clinical statement no rule makes anything of; its narrative is kept.

    Attributes:
        place: XPath.
        templates: templateIds it carries.
        code: its code, empty when it has none.
    """

    place: str
    templates: tuple[str, ...]
    code: str


@dataclass(frozen=True, slots=True)
class SectionCoverage:
    """What became of one section, those inside it apart.

    Attributes:
        place: XPath.
        template: its most precise templateId, or its code.
        code: LOINC code, empty when absent.
        title: as written.
        statements: clinical statements in its entries.
        made: `Type/id` of what they gave.
        unread: statements that gave nothing.
        has_text: it has a narrative, kept in the Composition.
        has_sections: it holds other sections.
    """

    place: str
    template: str
    code: str
    title: str
    statements: int
    made: tuple[str, ...]
    unread: tuple[Unread, ...]
    has_text: bool
    has_sections: bool

    @property
    def state(self) -> State:
        """Return what the section gave as a whole."""
        if self.unread:
            return State.NOT_UNDERSTOOD if len(self.unread) == self.statements else State.PARTLY
        if self.statements:
            return State.CODED
        if self.has_text:
            return State.NARRATIVE
        return State.GROUP if self.has_sections else State.EMPTY
