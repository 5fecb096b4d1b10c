"""The input as blocks of rows: segments with their fields, sections with their elements."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from gateway.cda.document import Document
from gateway.cda.outline import Line, outline
from gateway.core.coverage import SectionCoverage
from gateway.entry.bench.explained import Resolve
from gateway.entry.bench.study import Block, Found, Made, Row
from gateway.entry.web.segments import Segment

#: Elements of one document that are shown at most, beside those something points to.
_MOST = 250
_NO_NAME = ("", "")


@dataclass(slots=True)
class Sheet:
    """The blocks of an input, with the anchor of each place.

    Attributes:
        blocks: in order.
        anchors: by place, for `explained.resolver`.
        left_out: lines that are not shown.
    """

    blocks: list[Block] = field(default_factory=list)
    anchors: dict[str, str] = field(default_factory=dict)
    left_out: int = 0

    def take_segments(self, segments: Sequence[Segment], unread: Collection[str]) -> None:
        """Add the segments of a message.

        Args:
            segments: as `web.segments` cut them.
            unread: places nothing looked at, `PV1-45`, `OBX[2]-5`.
        """
        seen: dict[str, int] = {}
        for segment in segments:
            name = segment.name.partition("[")[0]
            seen[name] = number = seen.get(name, 0) + 1
            self.anchors[f"{name}-{number}"] = f"s-{name}-{number}"
            rows = []
            for one in segment.fields:
                place = one.anchor.removeprefix("f-")
                self.anchors[place] = one.anchor
                same = {one.place, f"{name}[{number}]-{place.rpartition('-')[2]}"}
                is_read = same.isdisjoint(unread)
                rows.append(
                    Row(one.anchor, one.place, one.place, one.names, one.value, one.parts,
                        is_read=is_read)
                )  # fmt: skip
            self.blocks.append(
                Block(f"s-{name}-{number}", segment.name, segment.names, "", tuple(rows))
            )

    def take_document(
        self, document: Document, coverage: Iterable[SectionCoverage], wanted: Collection[str]
    ) -> None:
        """Add the header and the sections of a document.

        Args:
            document: that was read.
            coverage: what became of its sections.
            wanted: places something points to.
        """
        states = {one.place: one for one in coverage}
        unread = {part.place for one in states.values() for part in one.unread}
        lines, more = outline(document, {*wanted, *unread}, _MOST)
        self.left_out += more
        rows: list[Row] = []
        heading: Line | None = None
        for line in lines:
            if line.is_section:
                self._end(heading, rows, states)
                heading, rows = line, []
                continue
            self.anchors.setdefault(line.place, f"x-{line.number}")
            rows.append(_row(line, is_read=not any(_inside(line.place, one) for one in unread)))
        self._end(heading, rows, states)

    def _end(
        self, heading: Line | None, rows: list[Row], states: dict[str, SectionCoverage]
    ) -> None:
        """Add what was gathered under a section, or under the header before any."""
        if heading is None:
            self.anchors.setdefault("/ClinicalDocument", "x-0h")
            self.blocks.append(Block("x-0h", "ClinicalDocument", _NO_NAME, "", tuple(rows)))
            return
        told = states.get(heading.place)
        anchor = f"x-{heading.number}"
        self.anchors.setdefault(heading.place, anchor)
        title = (told.title or told.code) if told else ""
        state = told.state.value if told else ""
        self.blocks.append(
            Block(anchor, title or heading.place.rpartition("/")[2], _NO_NAME, state, tuple(rows))
        )

    def linked(self, made: Iterable[Made], found: Sequence[Found]) -> tuple[Block, ...]:
        """Return the blocks with the values that come from each row, and what was found there."""
        values: dict[str, list[str]] = {}
        for one in made:
            for value in one.values:
                for anchor in value.anchors:
                    values.setdefault(anchor, []).append(value.id)
        notes: dict[str, list[int]] = {}
        for number, one_found in enumerate(found, 1):
            if one_found.anchor:
                notes.setdefault(one_found.anchor, []).append(number)

        return tuple(
            replace(
                block,
                values=tuple(values.get(block.anchor, ())),
                notes=tuple(notes.get(block.anchor, ())),
                rows=tuple(
                    replace(
                        row,
                        values=tuple(values.get(row.anchor, ())),
                        notes=tuple(notes.get(row.anchor, ())),
                    )
                    for row in block.rows
                ),
            )
            for block in self.blocks
        )


def placed(found: Iterable[Found], resolve: Resolve) -> tuple[Found, ...]:
    """Return findings with the anchor of their place."""
    return tuple(
        replace(one, anchor=next((a for _, a in resolve(one.where) if a), "")) for one in found
    )


def _row(line: Line, *, is_read: bool) -> Row:
    said = " ".join(f'{name}="{value}"' for name, value in line.attributes)
    text = f"{said} {line.text}".strip()
    return Row(f"x-{line.number}", _last(line.place), line.place, _NO_NAME, text, is_read=is_read)


def _last(place: str) -> str:
    return "/".join(place.split("/")[2:][-2:]) or "ClinicalDocument"


def _inside(place: str, around: str) -> bool:
    return place == around or place.startswith(f"{around}/")
