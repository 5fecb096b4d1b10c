"""Flattens the narrative block of a section to plain text and finds what references point to.

Does not make XHTML. HL7 CDA R2 4.3.5 (narrative block), 4.3.5.11 (references by ID).
"""

from typing import Any

from lxml import etree

_CDA = "{urn:hl7-org:v3}"
_BREAKS = {
    f"{_CDA}{name}" for name in ("br", "tr", "item", "paragraph", "caption", "title", "list")
}
_CELLS = {f"{_CDA}td", f"{_CDA}th"}


def targets(root: Any) -> dict[str, Any]:
    """Return the narrative elements of a document by their ID; the first of equal ones."""
    found: dict[str, Any] = {}
    for text in root.iter(f"{_CDA}text"):
        for element in text.iter(etree.Element):
            name = element.get("ID")
            if name:
                found.setdefault(name, element)
    return found


def lines(element: Any) -> str:
    """Return rows, items and paragraphs on lines of their own, cells parted by a bar."""
    pieces: list[str] = []
    _flatten(element, pieces)
    rows = (" ".join(row.split()).strip("| ") for row in "".join(pieces).split("\n"))
    return "\n".join(row for row in rows if row)


def _flatten(element: Any, pieces: list[str]) -> None:
    # In pretty-printed XML a line break of the source is only a blank.
    pieces.append((element.text or "").replace("\n", " "))
    for child in element.iterchildren(etree.Element):
        if child.tag in _BREAKS:
            pieces.append("\n")
        _flatten(child, pieces)
        if child.tag in _CELLS:
            pieces.append(" | ")
        elif child.tag in _BREAKS:
            pieces.append("\n")
        pieces.append((child.tail or "").replace("\n", " "))
