"""Judges every element by itself: attributes in the wrong case, no xsi:type, empty, no such time.

Does not know the place of anything. HL7 CDA R2 data types.
"""

from collections.abc import Iterator

from gateway.cda.reader import Document, Node
from gateway.conformance.cda import kinds
from gateway.conformance.finding import Finding
from gateway.conformance.forms import FORMS
from gateway.core.timestamps import parse_timestamp

#: Attributes of CDA by their name in small letters.
_NAMES = {
    name.lower(): name
    for name in (
        "nullFlavor", "code", "codeSystem", "codeSystemName", "codeSystemVersion", "displayName",
        "value", "unit", "root", "extension", "typeCode", "classCode", "moodCode",
        "determinerCode", "contextControlCode", "inversionInd", "negationInd", "qualifier", "use",
        "mediaType", "representation", "operator", "institutionSpecified", "assigningAuthorityName",
    )
}  # fmt: skip
#: Elements whose @value is a time.
_TIMES = frozenset({"effectiveTime", "time", "birthTime", "deceasedTime", "low", "high", "center"})
#: Intervals of numbers have bounds too.
_BOUNDS = frozenset({"low", "high", "center"})
_TIMED = frozenset({"effectiveTime", "time", "phase"})


def leaf_findings(document: Document) -> Iterator[Finding]:
    """Yield what is wrong with single elements, in the order of the document."""
    without_zone: list[Node] = []
    for node, above in _elements(document.root, ""):
        attributes = node.attributes
        yield from _attributes(node, attributes)
        if node.name in _TIMES and (node.name not in _BOUNDS or above in _TIMED):
            yield from _time(node, without_zone)
        if node.name == "value" and above == "observation" and "type" not in attributes:
            yield from _type(node)
        if not attributes and not any(node.elements()) and not node.text():
            yield kinds.EMPTY.at(node.place, part="element")
    if without_zone:
        place = f"{without_zone[0].place}/@value"
        yield kinds.NO_ZONE.at(place, count=str(len(without_zone)))


def _elements(node: Node, above: str) -> Iterator[tuple[Node, str]]:
    """Yield elements with the name of what holds them, without the narrative of sections."""
    yield node, above
    for child in node.elements():
        if node.name != "section" or child.name != "text":
            yield from _elements(child, node.name)


def _attributes(node: Node, attributes: dict[str, str]) -> Iterator[Finding]:
    for name, value in attributes.items():
        expected = _NAMES.get(name.lower())
        if expected is None:
            continue
        if name != expected:
            yield kinds.WRONG_CASE.at(f"{node.place}/@{name}", expected=expected)
        elif not value.strip():
            yield kinds.EMPTY.at(f"{node.place}/@{name}", part="attribute")


def _type(node: Node) -> Iterator[Finding]:
    if node.attributes and not node.has_null_flavor:
        yield kinds.NO_TYPE.at(node.place, expected=node.type or "ST")


def _time(node: Node, without_zone: list[Node]) -> Iterator[Finding]:
    value = node.get("value")
    if not value:
        return
    if not FORMS["TIME"].fits(value):
        form = FORMS["TIME"].title
        yield kinds.WRONG_FORM.at(f"{node.place}/@value", clause="CDA TS", form=form)
    elif "tz-assumed" in parse_timestamp(value).flags:
        without_zone.append(node)
