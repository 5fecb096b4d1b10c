"""The leaves of a CDA header, and which of them are found again in what a document gave."""

from collections.abc import Iterator
from typing import Any

from gateway.cda.contacts import stamp
from gateway.cda.reader import Document, Node
from gateway.core.contributions import Mapped
from tests.support.leaves import leaves

#: Attributes that name a system or a meaning of CDA and not what is said.
_TECHNICAL = {"codeSystem", "codeSystemName", "type", "determinerCode", "contextControlCode"}
#: Attributes that a mapping turns into another word: where they are read is tested by itself.
_TRANSLATED = {"classCode", "moodCode", "nullFlavor", "use", "qualifier", "typeCode",
               "assigningAuthorityName", "extension-of-typeId"}  # fmt: skip


def header_leaves(document: Document) -> Iterator[tuple[str, str, Node]]:
    """Yield (path without positions, value, element) of all that a header says."""
    for child in document.root.elements():
        if child.name != "component":
            yield from _below(child, child.name)


def _below(node: Node, path: str) -> Iterator[tuple[str, str, Node]]:
    for name, value in sorted(node.written.items()):
        local = name.rpartition("}")[2]
        if local not in _TECHNICAL and local not in _TRANSLATED and value.strip():
            yield f"{path}/@{local}", value.strip(), node
    text = " ".join(node.content.split())
    if text:
        yield path, text, node
    for child in node.elements():
        yield from _below(child, f"{path}/{child.name}")


def lost(document: Document, mapped: Mapped) -> dict[str, str]:
    """Return the header leaves that are in no resource: path to one such value."""
    said = {
        " ".join(str(value).split()).casefold()
        for part in mapped.contributions
        if part.target.type != "Binary"
        for _, value in leaves(part.resource)
    }
    whole = "\n".join(sorted(said))
    return {
        path: value
        for path, value, node in header_leaves(document)
        if not any(form.casefold() in whole for form in _forms(path, value, node))
    }


def _forms(path: str, value: str, node: Node) -> Iterator[Any]:
    """Yield how a value may look in FHIR."""
    words = " ".join(value.split())
    yield words
    time = stamp(node) if path.endswith("/@value") else None
    if time is not None:
        yield time.text_fhir
        yield time.date_fhir
    scheme, colon, number = words.partition(":")
    if colon and scheme.lower() in ("tel", "fax", "mailto"):
        yield number.strip()
    if path.endswith("/@root") and node.get("extension"):
        # The authority of a number is carried as the system of an identifier.
        yield node.get("extension")
