"""Which fields of a message were looked at, so that what nothing read can be shown.

Does not decide what should be read. Tracking is for explanations, not for the doors: a tracked
message is a copy whose segments remember the fields asked for.
"""

from dataclasses import replace

from gateway.hl7v2.cells import Cell, Cut, cells_by_name
from gateway.hl7v2.leaves import leaves
from gateway.hl7v2.message import Message

#: Segment name, which of its name, field number.
Field = tuple[str, int, int]


class TrackedCell(Cell):
    """A segment that writes down which of its fields are asked for."""

    __slots__ = ("_reads",)

    def __init__(self, cell: Cell, reads: set[Field]) -> None:
        super().__init__(cell.name, cell.raw, cell.dialects, cell.index, cell.ordinal)
        self._reads = reads

    def _first_cut(self, number: int) -> Cut:
        self._reads.add((self.name, self.ordinal, number))
        return super()._first_cut(number)


def tracked(message: Message) -> tuple[Message, set[Field]]:
    """Return a copy of a message, and the set that fills with the fields read from it."""
    reads: set[Field] = set()
    cells = tuple(TrackedCell(cell, reads) for cell in message._cells)
    return replace(message, _cells=cells, _by_name=cells_by_name(cells)), reads


def unread(message: Message, reads: set[Field]) -> dict[str, list[str]]:
    """Return the fields with a value that nobody read, by segment, in order.

    Args:
        message: as sent.
        reads: what was read of its tracked copy.

    Returns:
        `{"PV1": ["PV1-45", "PV1-51"]}`; a segment is `OBX[2]` where its name repeats.
    """
    found: dict[str, list[str]] = {}
    for name, ordinal, number, *_, text in leaves(message):
        if not text or (name, ordinal, number) in reads:
            continue
        segment = f"{name}[{ordinal}]" if message.count(name) > 1 else name
        places = found.setdefault(segment, [])
        place = f"{segment}-{number}"
        if place not in places:
            places.append(place)
    return found
