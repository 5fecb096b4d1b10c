r"""A message that has been read: segments, fields and their parts, split when they are asked for.

Does not read bytes (`hl7v2.reader`) nor judge them (`hl7v2.intake`). Standard: HL7 v2.5 2.5
(parts of a message) and 2.14 (MSH-1 is the separator itself).

A `Message` and its cells hold the text; `Segment` and `Node` are light views made on demand. A
view holds its message, never the other way round, so that a message of 20 MB leaves the memory
with its last view and not at the next garbage collection.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.hl7v2.cells import NULL, Cell, Dialect, cells_by_name
from gateway.hl7v2.parts import Part
from gateway.hl7v2.paths import Path, compile_path
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
    _dialects: tuple[Dialect, Dialect, Dialect]

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
        cells = self._by_name.get(target.segment, ())
        if target.ordinal:
            cells = [cell for cell in cells if cell.ordinal == target.ordinal]
        if not target.field:
            return [Segment(self, cell) for cell in cells]
        found: list[Node] = []
        for cell in cells:
            _collect(self, cell, target, found)
        return found

    def value(self, path: str) -> str:
        """Return the text of the first node at a place, empty when there is none."""
        target = compile_path(path)
        for cell in self._by_name.get(target.segment, ()):
            if not target.ordinal or target.ordinal == cell.ordinal:
                text = cell.first_text(target, self._dialects)
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
        new = Cell(old.name, old.separator.join(fields), old.separator, old.index, old.ordinal)
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
        path = Path(self._cell.name, 0, number, 0, component, subcomponent)
        return self._cell.first_text(path, self.message._dialects) or ""

    def holds(self, number: int) -> bool:
        """Tell whether a field has a value in its first component, `""` being none.

        That of PID-3 is the identifier: an authority alone identifies nobody.
        """
        return self._cell.holds(number, self.message._dialects)

    def node(self, number: int) -> "Node | None":
        """Return the first repetition of a field, None when it holds nothing."""
        found = self.nodes(number)
        return found[0] if found else None

    def nodes(self, number: int) -> "list[Node]":
        """Return the valued repetitions of a field."""
        found: list[Node] = []
        _collect(self.message, self._cell, Path(self.name, 0, number, 0, 0, 0), found)
        return found

    def select(self, path: str) -> Sequence["Part"]:
        """Return what is at a place: of this segment when it has that name, else of the message."""
        target = compile_path(path)
        if target.segment != self._cell.name or target.ordinal not in (0, self._cell.ordinal):
            return self.message.select(path)
        if not target.field:
            return [self]
        found: list[Node] = []
        _collect(self.message, self._cell, target, found)
        return found

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
        field: field number.
        repetition: repetition number, from 1.
        raw: the text as sent, not decoded.
    """

    __slots__ = (
        "_cell",
        "_component",
        "_dialect",
        "_parts",
        "_repeats",
        "_subcomponent",
        "field",
        "message",
        "raw",
        "repetition",
    )

    def __init__(
        self,
        message: Message,
        cell: Cell,
        dialect: Dialect,
        path: Path,
        repetition: int,
        repeats: bool,
        raw: str,
    ) -> None:
        self.message = message
        self.field = path.field
        self.repetition = repetition
        self.raw = raw
        self._cell = cell
        self._dialect = dialect
        self._component = path.component
        self._subcomponent = path.subcomponent
        self._repeats = repeats
        self._parts: list[str] | None = None

    @property
    def segment(self) -> Segment:
        """Return the segment it stands in."""
        return Segment(self.message, self._cell)

    @property
    def place(self) -> str:
        """Return `PID-3[2].4`; the repetition is written where the field repeats."""
        place = f"{self.segment.place}-{self.field}"
        if self._repeats:
            place += f"[{self.repetition}]"
        if self._component:
            place += f".{self._component}"
        return f"{place}.{self._subcomponent}" if self._subcomponent else place

    @property
    def is_null(self) -> bool:
        """Tell whether the sender said that there is no value (`""`)."""
        return self.raw.strip() == NULL

    def is_null_at(self, component: int, subcomponent: int = 1) -> bool:
        """Tell whether a component is `""`, as in `""^Orianne^^^^^D`."""
        return self._piece(component, subcomponent).strip() == NULL

    def component(self, number: int, subcomponent: int = 1) -> str:
        """Return the decoded text of a component; empty when absent or `""`.

        On a component the number is that of a sub-component.
        """
        piece = self._piece(number, subcomponent)
        return self._dialect.leaf(piece) if piece else ""

    def text(self) -> str:
        """Return the decoded text; of something with components, the first leaf.

        A field that was simple and got components keeps its value in the first (HL7 v2.5 2.8.2).
        """
        return self.component(1)

    def _piece(self, number: int, subcomponent: int) -> str:
        parts = self._parts
        dialect = self._dialect
        if parts is None:
            by = dialect.subcomponent if self._component else dialect.component
            parts = self._parts = [self.raw] if self._subcomponent else self.raw.split(by)
        if number > len(parts):
            return ""
        piece = parts[number - 1]
        if dialect.subcomponent in piece:
            pieces = piece.split(dialect.subcomponent)
            return pieces[subcomponent - 1] if subcomponent <= len(pieces) else ""
        return piece if subcomponent == 1 else ""

    def select(self, path: str) -> Sequence["Part"]:
        """Return what is at a place, as `Segment.select`.

        Below the field of this node the place is read in this repetition only: `PID-3.4` from
        the second PID-3 is the fourth component of the second.
        """
        target = compile_path(path)
        if (
            target.segment == self._cell.name
            and target.field == self.field
            and not target.repetition
        ):
            target = target._replace(repetition=self.repetition)
            found: list[Node] = []
            _collect(self.message, self._cell, target, found)
            return found
        return self.segment.select(path)

    def value(self, path: str) -> str:
        """Return the first text at a place, empty when there is none."""
        found = self.select(path)
        return found[0].text() if found else ""


def _collect(message: Message, cell: Cell, path: Path, found: list[Node]) -> None:
    """Add the valued nodes at a place of one segment."""
    _, _, field, wanted, component, subcomponent = path
    repetitions, dialect = cell.repetitions(field, message._dialects)
    many = len(repetitions) > 1
    for number, one in enumerate(repetitions, 1):
        if not wanted or number == wanted:
            raw = dialect.part(one, component, subcomponent)
            if raw:
                found.append(Node(message, cell, dialect, path, number, many, raw))
