"""A document as lines a person reads: each element that says something, by its place.

Shows what was received and interprets nothing: attributes as written, text with blanks collapsed.
Narratives and bodies are shortened. HL7 CDA R2 (ISO 27932).
"""

from collections.abc import Collection
from dataclasses import dataclass

from gateway.cda.document import Document
from gateway.cda.tree import Node, local

_LONGEST = 400
#: Elements whose inside is one text.
_WHOLE = frozenset({"text", "title"})


@dataclass(frozen=True, slots=True)
class Line:
    """One element.

    Attributes:
        number: in the order of the document.
        place: XPath with positions.
        depth: elements around it.
        name: local name.
        attributes: as written, by local name.
        text: its own text; of a narrative or title all text inside; shortened.
        is_section: it is a section of the body.
    """

    number: int
    place: str
    depth: int
    name: str
    attributes: tuple[tuple[str, str], ...]
    text: str
    is_section: bool


def outline(document: Document, wanted: Collection[str], most: int) -> tuple[list[Line], int]:
    """Return the elements that say something, and how many more there are.

    Args:
        document: that was read.
        wanted: places that are shown although they say nothing themselves.
        most: lines at most; what is wanted comes in any case.

    Returns:
        The lines in the order of the document, and the number of those left out.
    """
    lines: list[Line] = []
    left_out = 0
    whole_until = 0
    for node in document.tree.order:
        if node.at < whole_until:
            continue
        name = local(node.tag)
        is_whole = name in _WHOLE and node.above("section") is not None
        if is_whole:
            whole_until = node.end
        is_section = name == "section"
        text = _short(node.text() if is_whole else " ".join(node.content.split()))
        attributes = tuple((local(key), _short(value)) for key, value in node.written.items())
        place = node.place
        if not (text or attributes or is_section or place in wanted):
            continue
        if len(lines) >= most and not (is_section or place in wanted):
            left_out += 1
            continue
        lines.append(Line(node.at, place, _depth(node), name, attributes, text, is_section))
    return lines, left_out


def _depth(node: Node) -> int:
    depth, around = 0, node.parent
    while around is not None:
        depth, around = depth + 1, around.parent
    return depth


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
