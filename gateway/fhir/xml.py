"""FHIR resources as XML (FHIR R4 2.6.1): elements in the order of their definition.

Written from JSON that was read by `fhir.bundle.read_exact`, so decimals keep their digits.
Elements that no definition here knows keep the order they have.
"""

import re
from collections.abc import Sequence
from itertools import zip_longest
from xml.etree import ElementTree as Tree

from gateway.core.contributions import Json
from gateway.fhir.elements import Element, table

_FHIR = "http://hl7.org/fhir"
_XHTML = "http://www.w3.org/1999/xhtml"
#: Characters XML 1.0 cannot carry.
_FOREIGN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PLAIN = Element("string")


def to_xml(resource: Json, *, indent: bool = False) -> bytes:
    """Write a resource as an XML document in UTF-8.

    Args:
        resource: JSON of a resource; a number with a fraction is a `Decimal`.
        indent: one element a line. What people read (`text.div`) stays as it is.
    """
    writer = _Writer()
    root = writer.resource(resource)
    root.set("xmlns", _FHIR)
    if indent:
        Tree.indent(root)
    for place, narrative in writer.narratives:
        place.text = narrative.text
        place.extend(list(narrative))
    written: bytes = Tree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


class _Writer:
    """Builds one document.

    Attributes:
        narratives: what goes into the empty `div` elements of the tree once it is laid out.
    """

    def __init__(self) -> None:
        self.narratives: list[tuple[Tree.Element, Tree.Element]] = []

    def resource(self, resource: Json) -> Tree.Element:
        type_ = resource["resourceType"]
        node = Tree.Element(type_)
        self._content(node, resource, type_, is_resource=True)
        return node

    def _content(
        self, node: Tree.Element, value: Json, type_: str, *, is_resource: bool = False
    ) -> None:
        known = table().elements_of(type_) if type_ in table().type_names else {}
        for name in _ordered(value, known):
            if name == "id" and not is_resource:
                node.set("id", _text(value[name]))
            elif name == "url" and type_ == "Extension":
                node.set("url", _text(value[name]))
            else:
                self._element(node, name, value, known.get(name, _PLAIN))

    def _element(self, node: Tree.Element, name: str, value: Json, element: Element) -> None:
        values, companions = _listed(value.get(name)), _listed(value.get(f"_{name}"))
        for item, companion in zip_longest(values, companions):
            if isinstance(item, dict) and "resourceType" in item:
                Tree.SubElement(node, name).append(self.resource(item))
            elif isinstance(item, dict):
                self._content(Tree.SubElement(node, name), item, element.type)
            elif element.type == "xhtml":
                self._narrative(node, _text(item))
            else:
                self._primitive(node, name, item, companion)

    def _primitive(self, node: Tree.Element, name: str, item: object, companion: object) -> None:
        child = Tree.SubElement(node, name)
        if item is not None:
            child.set("value", _text(item))
        if isinstance(companion, dict):
            self._content(child, companion, "Element")

    def _narrative(self, node: Tree.Element, text: str) -> None:
        div = Tree.SubElement(node, "div", {"xmlns": _XHTML})
        # What is no XHTML is told as text. No document type, so no entity, is ever read.
        div.text = text
        if "<!" in text:
            return
        try:
            found = Tree.fromstring(text)  # noqa: S314 (no declaration can be in it)
        except Tree.ParseError:
            return
        div.text = None
        for part in found.iter():
            part.tag = str(part.tag).rpartition("}")[2]
        self.narratives.append((div, found))


def _ordered(value: Json, known: dict[str, Element]) -> list[str]:
    """Return the names of the elements that are there, by themselves or by a companion."""
    there = dict.fromkeys(name.removeprefix("_") for name in value if name != "resourceType")
    return [*(name for name in known if name in there), *(n for n in there if n not in known)]


def _listed(value: object) -> Sequence[object]:
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _FOREIGN.sub("\ufffd", str(value))
