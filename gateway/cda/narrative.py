"""Flattens the narrative block of a section to plain text and finds what references point to.

Does not make XHTML. HL7 CDA R2 4.3.5 (narrative block), 4.3.5.11 (references by ID).
"""

from gateway.cda.tree import Node, Tree

_BREAKS = frozenset({"br", "tr", "item", "paragraph", "caption", "title", "list"})
_CELLS = frozenset({"td", "th"})


def targets(tree: Tree) -> dict[str, Node]:
    """Return the narrative elements of a document by their ID; the first of equal ones."""
    found: dict[str, Node] = {}
    end = 0
    for text in tree.by_tag.get("text", ()):
        # A text inside another one has been looked at.
        if text.at >= end:
            end = text.end
            for node in tree.order[text.at : end]:
                name = node.written.get("ID")
                if name:
                    found.setdefault(name, node)
    return found


def lines(element: Node) -> str:
    """Return rows, items and paragraphs on lines of their own, cells parted by a bar."""
    pieces: list[str] = []
    _flatten(element, pieces)
    rows = [" ".join(row.split()).strip("| ") for row in "".join(pieces).split("\n")]
    return "\n".join([row for row in rows if row])


def _flatten(element: Node, pieces: list[str]) -> None:
    # In pretty-printed XML a line break of the source is only a blank.
    pieces.append(element.content.replace("\n", " "))
    for child in element.nodes:
        breaks = child.tag in _BREAKS
        if breaks:
            pieces.append("\n")
        _flatten(child, pieces)
        if breaks:
            pieces.append("\n")
        elif child.tag in _CELLS:
            pieces.append(" | ")
        pieces.append(child.tail.replace("\n", " "))
