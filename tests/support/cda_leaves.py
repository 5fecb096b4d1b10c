"""The leaves of the coded entries of a CDA document, and which of them a conversion carries.

A leaf is a code, a display, a date, a quantity, a unit or a name inside an entry. It is carried
when the resources made in its section, or those of people, places and the document, hold its value.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree

from gateway.core.contributions import Mapped
from gateway.core.timestamps import TimestampError, parse_timestamp

CDA = "{urn:hl7-org:v3}"
_TIMES = frozenset({"effectiveTime", "low", "high", "center", "time", "comp", "birthTime"})
_NAMES = frozenset({"name", "family", "given", "prefix", "suffix", "lotNumberText"})
_EVERYWHERE = frozenset(
    {"Patient", "Practitioner", "PractitionerRole", "Organization", "Encounter", "Composition"}
)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf.

    Attributes:
        section: XPath of its section, as traces write it.
        path: element names from the entry down, and the attribute: `observation/value/@code`.
        kind: code, display, date, number, unit or name.
        value: as written.
    """

    section: str
    path: str
    kind: str
    value: str


def leaves(root: Any) -> list[Leaf]:
    """Return the leaves of every entry of a document, in document order."""
    document = (
        root if root.tag == f"{CDA}ClinicalDocument" else next(root.iter(f"{CDA}ClinicalDocument"))
    )
    found = []
    for section in document.iter(f"{CDA}section"):
        place = _place(section, document)
        for entry in section.iterchildren(f"{CDA}entry"):
            for element in entry.iter(etree.Element):
                found += _of(element, entry, place)
    return found


def _of(element: Any, entry: Any, place: str) -> Iterator[Leaf]:
    name = _local(element)
    path = _path(element, entry)
    if name == "templateId" or name == "id":
        return
    for attribute, kind in (("code", "code"), ("displayName", "display"), ("unit", "unit")):
        if element.get(attribute):
            yield Leaf(
                place, f"{path}/@{attribute}", kind, " ".join(element.get(attribute).split())
            )
    value = element.get("value")
    if value and name != "reference":
        kind = _value_kind(element, name)
        yield Leaf(place, f"{path}/@value", kind, value.strip())
    text = " ".join((element.text or "").split())
    if text and (name in _NAMES or (name == "value" and _type(element) == "ST")):
        yield Leaf(place, path, "name", text)


def _value_kind(element: Any, name: str) -> str:
    if element.get("unit") or _type(element) in ("PQ", "INT", "REAL"):
        return "number"
    if _type(element) == "BL":
        return "boolean"
    if name in _TIMES or _type(element) in ("TS", "EIVL_TS", "IVL_TS"):
        return "date"
    return "name" if name == "telecom" else "number"


def carried(leaf: Leaf, said: "Said") -> bool:
    """Tell whether the output holds the value of a leaf."""
    if leaf.kind == "boolean":
        return (leaf.value == "true") in said.booleans
    if leaf.kind == "number":
        try:
            return float(leaf.value.replace(",", ".")) in said.numbers
        except ValueError:
            return leaf.value in said.texts
    if leaf.kind == "date":
        try:
            stamp = parse_timestamp(leaf.value)
        except TimestampError:
            return False
        return stamp.text_fhir in said.texts or stamp.date_fhir in said.texts
    text = leaf.value.removeprefix("tel:").removeprefix("mailto:")
    return text in said.texts


@dataclass(frozen=True, slots=True)
class Said:
    """The scalars of some resources."""

    texts: frozenset[str]
    numbers: frozenset[float]
    booleans: frozenset[bool]


def said_by_section(mapped: Mapped) -> Mapping[str, Said]:
    """Return what the resources of each section say, those of people and places added.

    Args:
        mapped: of a conversion with trace.
    """
    resources: dict[str, list[Any]] = {}
    for part in mapped.contributions:
        name = f"{part.target.type}/{part.target.id}"
        resources.setdefault(name, []).append(part.resource)
    everywhere = [
        resource
        for name, parts in resources.items()
        for resource in parts
        if name.partition("/")[0] in _EVERYWHERE
    ]
    found = {}
    for section in mapped.coverage:
        own = [resource for name in section.made for resource in resources.get(name, ())]
        own += [
            resource
            for name, parts in resources.items()
            for resource in parts
            if name.partition("/")[0] in ("Medication", "Binary") and _refers(own, name)
        ]
        found[section.place] = _said([*own, *everywhere])
    return found


def _refers(resources: list[Any], name: str) -> bool:
    return any(name in _texts_of(resource) for resource in resources)


def _said(resources: list[Any]) -> Said:
    texts: set[str] = set()
    numbers: set[float] = set()
    booleans: set[bool] = set()
    for value in (scalar for resource in resources for scalar in _scalars(resource)):
        if isinstance(value, bool):
            booleans.add(value)
        elif isinstance(value, int | float):
            numbers.add(float(value))
        else:
            texts.add(" ".join(value.split()))
    return Said(frozenset(texts), frozenset(numbers), frozenset(booleans))


def _texts_of(value: Any) -> set[str]:
    return {scalar for scalar in _scalars(value) if isinstance(scalar, str)}


def _scalars(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _scalars(item)
    elif isinstance(value, list):
        for item in value:
            yield from _scalars(item)
    else:
        yield value


def _type(element: Any) -> str:
    found = element.get("{http://www.w3.org/2001/XMLSchema-instance}type") or ""
    return str(found).rpartition(":")[2]


def _local(element: Any) -> str:
    return str(etree.QName(element).localname)


def _path(element: Any, entry: Any) -> str:
    names = []
    while element is not entry:
        names.append(_local(element))
        element = element.getparent()
    return "/".join(reversed(names))


def _place(element: Any, root: Any) -> str:
    parts = []
    while element is not root:
        parent = element.getparent()
        same = list(parent.iterchildren(element.tag))
        number = f"[{same.index(element) + 1}]" if len(same) > 1 else ""
        parts.append(_local(element) + number)
        element = parent
    return "/".join(["/ClinicalDocument", *reversed(parts)])
