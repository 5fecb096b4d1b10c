"""An input and what became of it, as the workbench shows them beside each other.

Plain values that travel between processes. Nothing here is computed (`bench.studies`) nor written
as HTML (`web.bench`).
"""

from dataclasses import dataclass

from gateway.entry.web.segments import Part


@dataclass(frozen=True, slots=True)
class Found:
    """A finding about the input.

    Attributes:
        anchor: id of the row it is about; empty when it is about none of them.
        clause: of the standard; may be empty.
        layer: who found it (`conformance.finding.Layer`).
        repaired: a lenient source repairs it.
    """

    code: str
    severity: str
    where: str
    what: str
    fix: str
    anchor: str = ""
    clause: str = ""
    layer: str = ""
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A field of a message or an element of a document.

    Attributes:
        anchor: its id on the page.
        place: `PID-3`, or the last steps of an XPath.
        whole: the whole place.
        names: French and English name, may be empty.
        value: as received, shortened.
        parts: components, when it has several.
        values: ids of the values of the result that come from it.
        notes: numbers of the findings about it, from 1.
        is_read: the conversion looked at it.
    """

    anchor: str
    place: str
    whole: str
    names: tuple[str, str]
    value: str
    parts: tuple[Part, ...] = ()
    values: tuple[str, ...] = ()
    notes: tuple[int, ...] = ()
    is_read: bool = True

    def label(self, language: str) -> str:
        """Return its name."""
        return self.names[language == "en"]


@dataclass(frozen=True, slots=True)
class Block:
    """A segment of a message, or a section of a document.

    Attributes:
        anchor: its id on the page.
        name: `PID`, or the title of the section.
        names: French and English name, may be empty.
        state: what became of a section (`core.coverage.State`); empty for a segment.
        rows: what it holds.
        values: ids of the values that come from it as a whole.
        notes: numbers of the findings about it as a whole.
    """

    anchor: str
    name: str
    names: tuple[str, str]
    state: str
    rows: tuple[Row, ...]
    values: tuple[str, ...] = ()
    notes: tuple[int, ...] = ()

    def label(self, language: str) -> str:
        """Return its name."""
        return self.names[language == "en"]


@dataclass(frozen=True, slots=True)
class Value:
    """A value of the result with what explains it.

    Attributes:
        id: on the page.
        path: element, `identifier[0]`.
        lines: what stands there: path below it (may be empty) and value.
        sources: where it comes from: words, and the anchor of the row, empty when there is none.
        via: converters.
        spec: clause of the specification.
    """

    id: str
    path: str
    lines: tuple[tuple[str, str], ...]
    sources: tuple[tuple[str, str], ...] = ()
    via: str = ""
    spec: str = ""

    @property
    def anchors(self) -> tuple[str, ...]:
        """Return the rows it comes from."""
        return tuple(dict.fromkeys(anchor for _, anchor in self.sources if anchor))


@dataclass(frozen=True, slots=True)
class Made:
    """A resource of the result.

    Attributes:
        anchor: its id on the page.
        type: of the resource.
        id: of the resource.
        values: in its order.
    """

    anchor: str
    type: str
    id: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Study:
    """One input and what became of it.

    Attributes:
        kind: `hl7v2`, `cda` or `fhir`.
        status: what the inbox row would become (`InboxStatus`); `judged` for FHIR.
        type: MSH-9 or the model of the document.
        control_id: MSH-10 or the id of the document.
        answer: what the door would answer; empty when it would not.
        charset: the text was read in; empty for XML.
        site: table of the sender.
        flags: what was noticed.
        found: findings, worst first.
        blocks: of the input.
        left_out: lines of the input that are not shown.
        text: of an input that cannot be cut into blocks, shortened.
        made: resources.
        more: resources that are not shown.
        facts: what it says about the pathway: event, time, key.
        unchecked: checks that were not made, with the reason.
        bundle: the whole result as JSON, when it was asked for.
    """

    kind: str
    status: str
    type: str = ""
    control_id: str = ""
    answer: str = ""
    charset: str = ""
    site: str = ""
    flags: tuple[str, ...] = ()
    found: tuple[Found, ...] = ()
    blocks: tuple[Block, ...] = ()
    left_out: int = 0
    text: str = ""
    made: tuple[Made, ...] = ()
    more: int = 0
    facts: tuple[tuple[str, str, str], ...] = ()
    unchecked: tuple[tuple[str, str], ...] = ()
    bundle: bytes = b""

    @property
    def unread(self) -> int:
        """Return how many fields with a value nothing looked at."""
        return sum(not row.is_read for block in self.blocks for row in block.rows)
