"""The text of one segment and how the kinds of its fields are cut and decoded.

Does not know the message around a segment (`hl7v2.message`). Standard: HL7 v2.5 2.5.3.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from gateway.hl7v2.escapes import decode
from gateway.hl7v2.paths import Path
from gateway.hl7v2.separators import ABSENT, Separators

#: HL7 `""`: the sender says that there is no value.
NULL = '""'

#: Fields whose delimiters are text when the sender forgot to escape them.
TEXT_FIELDS = {"NTE": 3, "OBR": 13, "OBX": 5}
_TEXT_TYPES = frozenset({"TX", "FT", "ST"})
#: A longer field is cut each time it is asked for, so that a document is not kept twice.
_REMEMBERED = 4096

#: A repetition of a field cut in parts: the whole at 0, then each component at its number.
Pieces = list[str]
#: A field cut in its parts: how they are read, number (from 1) and pieces of each repetition that
#: is not blank, and how many repetitions there are with the blank ones. A plain tuple: a message
#: has dozens.
Cut = tuple["Dialect", list[tuple[int, Pieces]], int]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one kind of field is cut and decoded.

    Attributes:
        repetition: separator, `ABSENT` in MSH-1 and MSH-2.
        component: separator, `ABSENT` in a field that is one text.
        subcomponent: separator, `ABSENT` in a field that is one text.
        blanks: what a valueless field consists of.
        leaf: decodes one leaf; the empty string for `""`.
    """

    repetition: str
    component: str
    subcomponent: str
    blanks: str
    leaf: Callable[[str], str]

    def cut(self, raw: str) -> Cut:
        """Return a field cut in its parts."""
        by = self.component
        if self.repetition in raw:
            every = raw.split(self.repetition)
            valued = [(n, one) for n, one in enumerate(every, 1) if one.strip(self.blanks)]
            return self, [(n, [one, *one.split(by)]) for n, one in valued], len(every)
        if not raw.strip(self.blanks):
            return self, [], 1
        return self, [(1, [raw, *raw.split(by)] if by in raw else [raw, raw])], 1

    def part(self, pieces: Pieces, component: int, subcomponent: int) -> str:
        """Return a raw part of a valued repetition, 0 for the whole; empty when it is blank."""
        if not component:
            return pieces[0]
        if component >= len(pieces):
            return ""
        raw = pieces[component]
        if subcomponent:
            raw = self.subpart(raw, subcomponent)
        return raw if raw and raw.strip(self.blanks) else ""

    def cut_component(self, raw: str) -> Pieces:
        """Return a component with its sub-components at their numbers."""
        return [raw, *raw.split(self.subcomponent)] if self.subcomponent in raw else [raw, raw]

    def subpart(self, raw: str, number: int) -> str:
        """Return a raw sub-component of a component, empty when there is none."""
        if self.subcomponent in raw:
            parts = raw.split(self.subcomponent, number)
            return parts[number - 1] if number <= len(parts) else ""
        return raw if number == 1 else ""

    def first_leaf(self, raw: str) -> str:
        """Return the decoded text of the first leaf."""
        if self.component in raw:
            raw = raw.split(self.component, 1)[0]
        if self.subcomponent in raw:
            raw = raw.split(self.subcomponent, 1)[0]
        return self.leaf(raw)


class Dialects(NamedTuple):
    """How the fields of one message are cut and decoded.

    Attributes:
        field: separator of the fields.
        coded: of coded fields.
        text: of fields that are one text.
        literal: of MSH-1 and MSH-2.
        empty: what an empty field is cut in.
    """

    field: str
    coded: Dialect
    text: Dialect
    literal: Dialect
    empty: Cut


@lru_cache(maxsize=256)
def dialects(separators: Separators, codec: str, *, plain: bool) -> Dialects:
    """Return the dialects of a message.

    Args:
        separators: of the message.
        codec: that read the message.
        plain: the message holds neither escape sequence nor `""`, so its leaves need no look.
    """
    escape = separators.escape

    def coded(raw: str) -> str:
        # Blanks around a code or identifier are padding; in free text they are text.
        raw = raw.strip()
        if escape in raw:
            return decode(raw, separators, codec).strip()
        return "" if raw == NULL else raw

    def text(raw: str) -> str:
        if escape in raw:
            return decode(raw, separators, codec)
        return "" if raw == NULL else raw

    repetition = separators.repetition
    component, subcomponent = separators.component, separators.subcomponent
    blanks = component + subcomponent + " "
    coded_leaf, text_leaf = (str.strip, str) if plain else (coded, text)
    usual = Dialect(repetition, component, subcomponent, blanks, coded_leaf)
    return Dialects(
        separators.field,
        usual,
        Dialect(repetition, ABSENT, ABSENT, "", text_leaf),
        Dialect(ABSENT, ABSENT, ABSENT, "", str),
        (usual, [], 0),
    )


class Cell:
    """One segment as text, split into fields and their parts at first use.

    Attributes:
        name: three letters, as repaired by the reader.
        index: position in the message, from 0.
        ordinal: which segment of its name, from 1.
        dialects: how its fields are cut and decoded.
    """

    __slots__ = ("_cuts", "_fields", "_raw", "dialects", "index", "name", "ordinal")

    def __init__(self, name: str, raw: str, dialects: Dialects, index: int, ordinal: int) -> None:
        self.name = name
        self.index = index
        self.ordinal = ordinal
        self.dialects = dialects
        self._raw: str | None = raw
        self._fields: list[str] | None = None
        self._cuts: dict[int, Cut] = {}

    @property
    def fields(self) -> list[str]:
        """Return the raw fields, index = HL7 number, the name at 0."""
        fields = self._fields
        if fields is None:
            # The whole text is given up for its parts: a document is held once.
            fields = (self._raw or "").split(self.dialects.field)
            if self.name == "MSH":
                fields.insert(1, self.dialects.field)
            self._fields, self._raw = fields, None
        return fields

    @property
    def raw(self) -> str:
        """Return the segment as sent, without its terminator."""
        if self._fields is None:
            return self._raw or ""
        if self.name == "MSH":
            return self.dialects.field.join([self._fields[0], *self._fields[2:]])
        return self.dialects.field.join(self._fields)

    def add_lines(self, lines: Sequence[str]) -> None:
        """Continue the last field with lines that are no segments."""
        self._raw, self._fields = "\n".join([self.raw, *lines]), None

    def put(self, number: int, raw: str) -> None:
        """Replace a raw field, before anything was read of it."""
        self.fields[number] = raw

    def is_text(self, field: int) -> bool:
        """Tell whether a field is free text, to be read whole."""
        if TEXT_FIELDS.get(self.name) != field:
            return False
        return self.name != "OBX" or self.fields[2].strip().upper() in _TEXT_TYPES

    def cut(self, number: int) -> Cut:
        """Return a field cut in its parts; remembered, since rules come back to a field."""
        found = self._cuts.get(number)
        return self._first_cut(number) if found is None else found

    def _first_cut(self, number: int) -> Cut:
        fields = self._fields or self.fields
        dialects = self.dialects
        raw = fields[number] if 0 < number < len(fields) else ""
        if not raw:
            found = dialects.empty
        elif self.name in TEXT_FIELDS and self.is_text(number):
            found = dialects.text.cut(raw)
        elif number < 3 and self.name == "MSH":
            found = dialects.literal.cut(raw)
        else:
            found = dialects.coded.cut(raw)
        if len(raw) <= _REMEMBERED:
            self._cuts[number] = found
        return found

    def first_text(self, path: Path) -> str | None:
        """Return the text of the first valued part at a place, None when there is none."""
        _, _, field, wanted, component, subcomponent = path
        dialect, valued, _ = self._cuts.get(field) or self._first_cut(field)
        for number, pieces in valued:
            if not wanted or number == wanted:
                raw = dialect.part(pieces, component, subcomponent)
                if raw:
                    return dialect.first_leaf(raw)
        return None

    def text(self, number: int, component: int = 1, subcomponent: int = 1) -> str:
        """Return the text of a component of the first repetition that holds it, else empty."""
        dialect, valued, _ = self._cuts.get(number) or self._first_cut(number)
        for _, pieces in valued:
            if component < len(pieces):
                raw = pieces[component]
                if subcomponent != 1 or dialect.subcomponent in raw:
                    raw = dialect.subpart(raw, subcomponent)
                if raw and raw.strip(dialect.blanks):
                    return dialect.leaf(raw)
        return ""

    def holds(self, number: int) -> bool:
        """Tell whether the first component of one repetition of a field has a value."""
        dialect, valued, _ = self._cuts.get(number) or self._first_cut(number)
        for _, pieces in valued:  # noqa: SIM110 - a generator costs more than the test
            if dialect.first_leaf(pieces[1]):
                return True
        return False


def cells_by_name(cells: Sequence[Cell]) -> dict[str, list[Cell]]:
    """Return the cells of each name, in order."""
    by_name: dict[str, list[Cell]] = {}
    for cell in cells:
        by_name.setdefault(cell.name, []).append(cell)
    return by_name
