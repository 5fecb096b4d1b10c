"""The text of one segment and how the kinds of its fields are cut and decoded.

Does not know the message around a segment (`hl7v2.message`). Standard: HL7 v2.5 2.5.3.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from gateway.hl7v2.escapes import decode
from gateway.hl7v2.paths import Path
from gateway.hl7v2.separators import ABSENT, Separators

#: HL7 `""`: the sender says that there is no value.
NULL = '""'

#: Fields whose delimiters are text when the sender forgot to escape them.
TEXT_FIELDS = {"NTE": 3, "OBR": 13, "OBX": 5}
_TEXT_TYPES = frozenset({"TX", "FT", "ST"})


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

    def part(self, raw: str, component: int, subcomponent: int) -> str:
        """Return a raw part of a repetition, 0 for the whole; empty when it holds nothing."""
        if component:
            parts = raw.split(self.component, component)
            if component > len(parts):
                return ""
            raw = parts[component - 1]
            if subcomponent:
                parts = raw.split(self.subcomponent, subcomponent)
                if subcomponent > len(parts):
                    return ""
                raw = parts[subcomponent - 1]
        return raw if raw and raw.strip(self.blanks) else ""

    def first_leaf(self, raw: str) -> str:
        """Return the decoded text of the first leaf."""
        if self.component in raw:
            raw = raw.split(self.component, 1)[0]
        if self.subcomponent in raw:
            raw = raw.split(self.subcomponent, 1)[0]
        return self.leaf(raw)


Dialects = tuple[Dialect, Dialect, Dialect]


@lru_cache(maxsize=256)
def dialects(separators: Separators, codec: str, *, plain: bool) -> Dialects:
    """Return the dialects of coded fields, of text fields and of MSH-1 and MSH-2.

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
    return (
        Dialect(repetition, component, subcomponent, blanks, coded_leaf),
        Dialect(repetition, ABSENT, ABSENT, "", text_leaf),
        Dialect(ABSENT, ABSENT, ABSENT, "", str),
    )


class Cell:
    """One segment as text, split into fields at first use.

    Attributes:
        name: three letters, as repaired by the reader.
        index: position in the message, from 0.
        ordinal: which segment of its name, from 1.
    """

    __slots__ = ("_fields", "_raw", "index", "name", "ordinal", "separator")

    def __init__(self, name: str, raw: str, separator: str, index: int, ordinal: int) -> None:
        self.name = name
        self.index = index
        self.ordinal = ordinal
        self.separator = separator
        self._raw: str | None = raw
        self._fields: list[str] | None = None

    @property
    def fields(self) -> list[str]:
        """Return the raw fields, index = HL7 number, the name at 0."""
        fields = self._fields
        if fields is None:
            # The whole text is given up for its parts: a document is held once.
            fields = (self._raw or "").split(self.separator)
            if self.name == "MSH":
                fields.insert(1, self.separator)
            self._fields, self._raw = fields, None
        return fields

    @property
    def raw(self) -> str:
        """Return the segment as sent, without its terminator."""
        if self._fields is None:
            return self._raw or ""
        if self.name == "MSH":
            return self.separator.join([self._fields[0], *self._fields[2:]])
        return self.separator.join(self._fields)

    def add_lines(self, lines: Sequence[str]) -> None:
        """Continue the last field with lines that are no segments."""
        self._raw, self._fields = "\n".join([self.raw, *lines]), None

    def is_text(self, field: int) -> bool:
        """Tell whether a field is free text, to be read whole."""
        if TEXT_FIELDS.get(self.name) != field:
            return False
        return self.name != "OBX" or self.fields[2].strip().upper() in _TEXT_TYPES

    def repetitions(self, number: int, dialects: Dialects) -> tuple[Sequence[str], Dialect]:
        """Return the raw repetitions of a field, none when it is empty, and how to read them."""
        fields = self.fields
        dialect, text, literal = dialects
        if not number or number >= len(fields) or not (raw := fields[number]):
            return (), dialect
        if self.name in TEXT_FIELDS and self.is_text(number):
            dialect = text
        elif number < 3 and self.name == "MSH":
            dialect = literal
        by = dialect.repetition
        return raw.split(by) if by in raw else (raw,), dialect

    def first_text(self, path: Path, dialects: Dialects) -> str | None:
        """Return the text of the first valued part at a place, None when there is none."""
        _, _, field, wanted, component, subcomponent = path
        repetitions, dialect = self.repetitions(field, dialects)
        for number, one in enumerate(repetitions, 1):
            if not wanted or number == wanted:
                raw = dialect.part(one, component, subcomponent)
                if raw:
                    return dialect.first_leaf(raw)
        return None

    def holds(self, number: int, dialects: Dialects) -> bool:
        """Tell whether the first component of one repetition of a field has a value."""
        repetitions, dialect = self.repetitions(number, dialects)
        return any(map(dialect.first_leaf, repetitions))


def cells_by_name(cells: Sequence[Cell]) -> dict[str, list[Cell]]:
    """Return the cells of each name, in order."""
    by_name: dict[str, list[Cell]] = {}
    for cell in cells:
        by_name.setdefault(cell.name, []).append(cell)
    return by_name
