"""Where extensions stand in a resource, and whether their definitions allow that place."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from gateway.fhir.elements import table
from gateway.fhir.profiles.snapshot import Profile

Json = dict[str, Any]

_HOLDERS = ("extension", "modifierExtension")


class Placed(NamedTuple):
    """One extension.

    Attributes:
        place: FHIRPath with indexes.
        host: names of what it stands on: its path, its type, its path inside that of a datatype.
        outer: URL of the extension it is a part of, else empty.
    """

    extension: Json
    place: str
    host: frozenset[str]
    outer: str
    is_modifier: bool


def all_of(resource: Json) -> Iterator[Placed]:
    """Walk over every extension of a resource, those of what it contains excepted."""
    type_ = str(resource.get("resourceType", ""))
    root = frozenset({type_, "Resource", "DomainResource", "Element"})
    yield from _below(resource, type_, type_, root, "")


def may_stand(profile: Profile, placed: Placed) -> bool:
    """Tell whether one of the contexts of a definition is this place (StructureDefinition.context).

    A context in FHIRPath is not judged.
    """
    for kind, expression in profile.contexts:
        if kind == "fhirpath":
            return True
        if kind == "extension" and expression == placed.outer:
            return True
        if kind == "element" and expression in placed.host:
            return True
    return not profile.contexts


def _below(
    value: Json, place: str, path: str, host: frozenset[str], outer: str
) -> Iterator[Placed]:
    for name, held in value.items():
        if name == "contained":
            continue
        if name in _HOLDERS and isinstance(held, list):
            for index, one in enumerate(held):
                if isinstance(one, dict):
                    yield from _extension(one, f"{place}.{name}[{index}]", host, outer, name)
            continue
        bare = name.removeprefix("_")
        inner = f"{path}.{bare}"
        for suffix, one in _each(held):
            if isinstance(one, dict):
                at = f"{place}.{bare}{suffix}"
                yield from _below(one, at, _path(inner, one), _host(path, bare, one), "")


def _extension(
    one: Json, place: str, host: frozenset[str], outer: str, name: str
) -> Iterator[Placed]:
    yield Placed(one, place, host, outer, name == "modifierExtension")
    inside = frozenset({"Extension", "Element"})
    yield from _below(one, place, "Extension", inside, str(one.get("url", "")))


def _each(held: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(held, list):
        for index, one in enumerate(held):
            yield f"[{index}]", one
    else:
        yield "", held


def _path(path: str, value: Json) -> str:
    """Return the path below which elements are known: a resource in a resource starts anew."""
    return str(value["resourceType"]) if "resourceType" in value else path


def _host(path: str, name: str, value: Json) -> frozenset[str]:
    """Return the names an element goes by in contexts."""
    names = {"Element", f"{path}.{name}"}
    above = _type(path)
    if above:
        names.add(f"{above}.{name}")
        element = table().find(f"{above}.{name}")
        if element is not None and element.choice:
            names |= {f"{path}.{element.choice}[x]", f"{above}.{element.choice}[x]"}
    own = _type(f"{path}.{name}")
    if "resourceType" in value:
        names |= {str(value["resourceType"]), "Resource", "DomainResource"}
    return frozenset(names | ({own} if own else set()))


def _type(path: str) -> str:
    try:
        return table().type_of(path)
    except KeyError:
        return ""
