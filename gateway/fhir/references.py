"""Finds and rewrites what a resource points to: references, addresses, links in its narrative.

Standard: FHIR R4 http 3.1.0.11.2 (replacing identities in a transaction): Reference.reference,
elements of type uri, url, oid, uuid, and the links of the narrative.
"""

import re
from collections.abc import Callable, Iterator

from gateway.core.contributions import Json
from gateway.fhir.elements import Element, table

_ADDRESSES = frozenset({"uri", "url", "oid", "uuid"})
_LINK = re.compile(r"""((?:href|src)\s*=\s*)("[^"<>]*"|'[^'<>]*')""")
_ID = r"[A-Za-z0-9\-.]{1,64}"
#: `Type/id`, with a version or without.
LITERAL = re.compile(rf"([A-Z][A-Za-z]+)/({_ID})(?:/_history/({_ID}))?(?:#.*)?", re.ASCII)
#: `Type?criteria`: which resource it is, is looked for when it is written.
CONDITIONAL = re.compile(r"([A-Z][A-Za-z]{1,40})\?(.+)", re.ASCII | re.DOTALL)

Change = Callable[[str], str]


def rewritten(resource: Json, references: Change, addresses: Change | None = None) -> Json:
    """Return a copy of a resource that points elsewhere.

    Args:
        resource: of a type of the element table.
        references: gives the new text of each `Reference.reference`.
        addresses: gives that of each uri, url, oid, uuid and link of the narrative; None leaves
            them.
    """
    writer = _Writer(references, addresses)
    return writer.of(resource, str(resource.get("resourceType", "")))


def told_by(resource: Json) -> Iterator[tuple[str, str]]:
    """Give the place (as in FHIRPath) and the text of each `Reference.reference`."""
    name = str(resource.get("resourceType", ""))
    yield from _told(resource, name)


def _told(value: object, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, item in value.items():
            if name == "reference" and isinstance(item, str):
                yield f"{place}.{name}", item
            else:
                yield from _told(item, f"{place}.{name}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _told(item, f"{place}[{number}]")


class _Writer:
    def __init__(self, references: Change, addresses: Change | None) -> None:
        self._references = references
        self._addresses = addresses

    def of(self, value: Json, type_: str) -> Json:
        """Return a copy of a value of a type; what no definition knows is copied as it is."""
        known = table().elements_of(type_) if type_ in table().type_names else {}
        made: Json = {}
        for name, item in value.items():
            if type_ == "Reference" and name == "reference" and isinstance(item, str):
                made[name] = self._references(item)
            else:
                made[name] = self._element(item, known.get(name))
        return made

    def _element(self, item: object, element: Element | None) -> object:
        if isinstance(item, list):
            return [self._element(one, element) for one in item]
        if element is None:
            return item
        if isinstance(item, dict):
            held = element.type == "Resource"
            return self.of(item, str(item.get("resourceType", "")) if held else element.type)
        if not isinstance(item, str) or self._addresses is None:
            return item
        if element.type in _ADDRESSES:
            return self._addresses(item)
        return _LINK.sub(self._link, item) if element.type == "xhtml" else item

    def _link(self, found: re.Match[str]) -> str:
        quote, text = found[2][0], found[2][1:-1]
        told = text if self._addresses is None else self._addresses(text)
        return f"{found[1]}{quote}{told}{quote}"
