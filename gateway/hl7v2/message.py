r"""A message that has been read: segments, fields and their parts, split when they are asked for.

Does not read bytes (`hl7v2.reader`) nor judge them (`hl7v2.intake`). Standard: HL7 v2.5 2.5
(parts of a message) and 2.14 (MSH-1 is the separator itself).

A `Message` and its cells hold the text; `Segment` and `Node` are light views made on demand. A
view holds its message, never the other way round, so that a message of 20 MB leaves the memory
with its last view and not at the next garbage collection.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import methodcaller
from typing import Any

from gateway.hl7v2.cells import NULL, Cell, Dialect, Dialects, Pieces, cells_by_name
from gateway.hl7v2.parts import Part
from gateway.hl7v2.paths import Path, compile_path, path_of_field
from gateway.hl7v2.separators import Separators


@dataclass(frozen=True, slots=True, eq=False)
class Message(Part):
    """A message as read; a mapping source.

    Attributes:
        raw: the bytes as received.
        charset: the Python codec that read them.
        separators: MSH-1 and MSH-2.
        flags: data-quality flags of the reader.
        line_ends: what ended the segments, CR as the standard says, or LF, or CRLF.
    """

    raw: bytes
    charset: str
    separators: Separators
    flags: tuple[str, ...]
    line_ends: str
    _cells: tuple[Cell, ...]
    _by_name: Mapping[str, Sequence[Cell]]
    _dialects: Dialects

    @property
    def place(self) -> str:
        """Return the empty place: the whole message."""
        return ""

    @property
    def segments(self) -> tuple["Segment", ...]:
        """Return every segment in the order of the message."""
        return tuple(Segment(self, cell) for cell in self._cells)

    def segments_named(self, name: str) -> tuple["Segment", ...]:
        """Return the segments of a name, in order."""
        return tuple(Segment(self, cell) for cell in self._by_name.get(name, ()))

    def first(self, name: str) -> "Segment | None":
        """Return the first segment of a name."""
        cells = self._by_name.get(name)
        return Segment(self, cells[0]) if cells else None

    def has(self, name: str) -> bool:
        """Tell whether a segment of that name is there."""
        return name in self._by_name

    def count(self, name: str) -> int:
        """Return how many segments have a name."""
        return len(self._by_name.get(name, ()))

    def position(self, name: str) -> int:
        """Return the index of the first segment of a name, -1 without one."""
        cells = self._by_name.get(name)
        return cells[0].index if cells else -1

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of all segments, in order."""
        return tuple(cell.name for cell in self._cells)

    def select(self, path: str) -> Sequence["Part"]:
        """Return what is at a place, in order: segments, or valued parts of fields."""
        target = compile_path(path)
        cells = self._by_name.get(target.segment)
        if cells is None:
            return ()
        if target.ordinal:
            cells = [cell for cell in cells if cell.ordinal == target.ordinal]
        if not target.field:
            return [Segment(self, cell) for cell in cells]
        if len(cells) == 1:
            return _nodes(self, cells[0], target)
        return [node for cell in cells for node in _nodes(self, cell, target)]

    def value(self, path: str) -> str:
        """Return the text of the first node at a place, empty when there is none."""
        target = compile_path(path)
        for cell in self._by_name.get(target.segment, ()):
            if not target.ordinal or target.ordinal == cell.ordinal:
                text = cell.first_text(target)
                if text is not None:
                    return text
        return ""

    def text(self) -> str:
        """Return nothing: a message is no value."""
        return ""

    @property
    def is_null(self) -> bool:
        """Return False: only fields and their parts can be said empty."""
        return False

    @property
    def message_type(self) -> str:
        """Return MSH-9.1, upper case."""
        return self.value("MSH-9.1").upper()

    @property
    def trigger_event(self) -> str:
        """Return MSH-9.2, upper case."""
        return self.value("MSH-9.2").upper()

    @property
    def control_id(self) -> str:
        """Return MSH-10."""
        return self.value("MSH-10")

    def with_fields(self, segment: "Segment", fields: Sequence[str], *flags: str) -> "Message":
        """Return the message with other raw fields in one segment; `raw` stays as received.

        Args:
            segment: the one to replace.
            fields: raw fields, index = HL7 number, the name at 0.
            flags: why.
        """
        old = self._cells[segment.index]
        raw = old.dialects.field.join(fields)
        new = Cell(old.name, raw, old.dialects, old.index, old.ordinal)
        cells = (*self._cells[: old.index], new, *self._cells[old.index + 1 :])
        return replace(
            self, flags=(*self.flags, *flags), _cells=cells, _by_name=cells_by_name(cells)
        )

    def with_flags(self, *flags: str) -> "Message":
        """Return the message with more flags."""
        return replace(self, flags=(*self.flags, *flags))


class Segment(Part):
    """One segment of a message; a mapping source."""

    __slots__ = ("_cell", "message")

    def __init__(self, message: Message, cell: Cell) -> None:
        self.message = message
        self._cell = cell

    @property
    def name(self) -> str:
        """Return the three letters."""
        return self._cell.name

    @property
    def index(self) -> int:
        """Return the position in the message, from 0."""
        return self._cell.index

    @property
    def ordinal(self) -> int:
        """Return which segment of its name this is, from 1."""
        return self._cell.ordinal

    @property
    def fields(self) -> list[str]:
        """Return the raw fields, index = HL7 number; not to be changed."""
        return self._cell.fields

    @property
    def raw(self) -> str:
        """Return the segment as sent, without its terminator."""
        return self._cell.raw

    @property
    def place(self) -> str:
        """Return `PID`, or `OBX[2]` where the name is used more than once."""
        alone = len(self.message._by_name.get(self.name, ())) < 2
        return self.name if alone else f"{self.name}[{self.ordinal}]"

    def field(self, number: int, component: int = 1, subcomponent: int = 1) -> str:
        """Return the decoded text of one component of a field, empty when there is none.

        Of a field that repeats, the first repetition that holds this component.
        """
        return self._cell.text(number, component, subcomponent)

    def holds(self, number: int) -> bool:
        """Tell whether a field has a value in its first component, `""` being none.

        That of PID-3 is the identifier: an authority alone identifies nobody.
        """
        return self._cell.holds(number)

    def node(self, number: int) -> "Node | None":
        """Return the first repetition of a field, None when it holds nothing."""
        found = self.nodes(number)
        return found[0] if found else None

    def nodes(self, number: int) -> "list[Node]":
        """Return the valued repetitions of a field."""
        return _nodes(self.message, self._cell, path_of_field(self._cell.name, number))

    def select(self, path: str) -> Sequence["Part"]:
        """Return what is at a place: of this segment when it has that name, else of the message."""
        target = compile_path(path)
        if target.segment != self._cell.name or target.ordinal not in (0, self._cell.ordinal):
            return self.message.select(path)
        if not target.field:
            return [self]
        return _nodes(self.message, self._cell, target)

    def value(self, path: str) -> str:
        """Return the first text at a place, empty when there is none."""
        found = self.select(path)
        return found[0].text() if found else ""

    def text(self) -> str:
        """Return nothing: a segment is no value."""
        return ""

    @property
    def is_null(self) -> bool:
        """Return False: only fields and their parts can be said empty."""
        return False


class Node(Part):
    """A valued repetition of a field, a component or a sub-component; a mapping source.

    Attributes:
        message: where it stands.
        repetition: repetition number, from 1.
    """

    __slots__ = ("_cell", "_dialect", "_path", "_pieces", "message", "repetition")

    def __init__(
        self,
        message: Message,
        cell: Cell,
        dialect: Dialect,
        path: Path,
        repetition: int,
        pieces: Pieces,
    ) -> None:
        self.message = message
        self.repetition = repetition
        self._cell = cell
        self._dialect = dialect
        self._path = path
        # Of a component these are its sub-components.
        self._pieces = pieces

    @property
    def segment(self) -> Segment:
        """Return the segment it stands in."""
        return Segment(self.message, self._cell)

    @property
    def field(self) -> int:
        """Return the field number."""
        return self._path.field

    @property
    def raw(self) -> str:
        """Return the text as sent, not decoded."""
        return self._pieces[0]

    @property
    def place(self) -> str:
        """Return `PID-3[2].4`; the repetition is written where the field repeats."""
        _, _, field, _, component, subcomponent = self._path
        place = f"{self.segment.place}-{field}"
        if self._cell.cut(field)[2] > 1:
            place += f"[{self.repetition}]"
        if component:
            place += f".{component}"
        return f"{place}.{subcomponent}" if subcomponent else place

    @property
    def is_null(self) -> bool:
        """Tell whether the sender said that there is no value (`""`)."""
        return self._pieces[0].strip() == NULL

    def is_null_at(self, component: int, subcomponent: int = 1) -> bool:
        """Tell whether a component is `""`, as in `""^Orianne^^^^^D`."""
        pieces = self._pieces
        if component >= len(pieces):
            return False
        return self._dialect.subpart(pieces[component], subcomponent).strip() == NULL

    def component(self, number: int, subcomponent: int = 1) -> str:
        """Return the decoded text of a component; empty when absent or `""`.

        On a component the number is that of a sub-component.
        """
        pieces = self._pieces
        if number >= len(pieces):
            return ""
        piece, dialect = pieces[number], self._dialect
        if subcomponent != 1 or dialect.subcomponent in piece:
            piece = dialect.subpart(piece, subcomponent)
        return dialect.leaf(piece) if piece else ""

    def text(self) -> str:
        """Return the decoded text; of something with components, the first leaf.

        A field that was simple and got components keeps its value in the first (HL7 v2.5 2.8.2).
        """
        return self.component(1)

    def select(self, path: str) -> Sequence["Part"]:
        """Return what is at a place, as `Segment.select`.

        Below the field of this node the place is read in this repetition only: `PID-3.4` from
        the second PID-3 is the fourth component of the second.
        """
        target = compile_path(path)
        if (
            target.segment == self._cell.name
            and target.field == self._path.field
            and not target.repetition
        ):
            return _nodes(self.message, self._cell, target._replace(repetition=self.repetition))
        return self.segment.select(path)

    def value(self, path: str) -> str:
        """Return the first text at a place, empty when there is none."""
        found = self.select(path)
        return found[0].text() if found else ""


def selector(path: str) -> Callable[[Any], Sequence[Part]]:
    """Compile `select` for a place.

    Rules ask most often for a segment that is there once, or for a field of it, and find nothing.
    """
    target = compile_path(path)
    name, ordinal, field, *_ = target
    if ordinal:
        return methodcaller("select", path)

    def select(source: Part) -> Sequence[Part]:
        if source.__class__ is not Message:
            return source.select(path)
        cells = source._by_name.get(name)
        if cells is None:
            return ()
        if len(cells) > 1:
            return source.select(path)
        return _nodes(source, cells[0], target) if field else (Segment(source, cells[0]),)

    return select


def _nodes(message: Message, cell: Cell, path: Path) -> list[Node]:
    """Return the valued nodes at a place of one segment."""
    _, _, field, wanted, component, subcomponent = path
    dialect, valued, _ = cell._cuts.get(field) or cell._first_cut(field)
    found: list[Node] = []
    for number, pieces in valued:
        if wanted and number != wanted:
            continue
        if component:
            raw = dialect.part(pieces, component, subcomponent)
            if not raw:
                continue
            pieces = dialect.cut_component(raw)
        found.append(Node(message, cell, dialect, path, number, pieces))
    return found
