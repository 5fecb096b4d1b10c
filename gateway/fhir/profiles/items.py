"""The values of a resource as profiles see them: with type, place, and what a primitive carries."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from gateway.fhir.primitives import PRIMITIVES
from gateway.fhir.profiles.snapshot import Node

Json = dict[str, Any]

_BY_SUFFIX = {name[0].upper() + name[1:]: name for name in PRIMITIVES}


class Item(NamedTuple):
    """One value.

    Attributes:
        value: JSON; None when a primitive has extensions only.
        place: FHIRPath with indexes, `Patient.name[0].given[1]`.
        type: FHIR type when the name or the profile says it, else empty.
        beside: of a primitive, `_name`: an object with id and extensions, or None.
    """

    value: Any
    place: str
    type: str
    beside: Any = None


def children(owner: Item, node: Node, siblings: dict[str, Node]) -> list[Item]:
    """Return the values of an element of an object.

    Args:
        owner: the object; a primitive has the children of `_name`.
        node: the element asked for.
        siblings: the elements beside it, whose values are theirs.
    """
    held = owner.value if isinstance(owner.value, dict) else owner.beside
    if not isinstance(held, dict):
        return []
    if node.is_choice:
        return list(_choice(held, owner.place, node.name.removesuffix("[x]"), siblings))
    code = node.types[0].code if len(node.types) == 1 else ""
    return list(_values(held, node.name, f"{owner.place}.{node.name}", code))


def _choice(held: Json, place: str, name: str, siblings: dict[str, Node]) -> Iterator[Item]:
    seen = set[str]()
    for key in held:
        bare = key.removeprefix("_")
        suffix = bare.removeprefix(name)
        if bare in seen or bare in siblings or suffix == bare or not suffix[:1].isupper():
            continue
        seen.add(bare)
        yield from _values(held, bare, f"{place}.{bare}", _BY_SUFFIX.get(suffix, suffix))


def _values(held: Json, name: str, place: str, code: str) -> Iterator[Item]:
    value, beside = held.get(name), held.get(f"_{name}")
    if not isinstance(value, list) and not isinstance(beside, list):
        if value is not None or beside is not None:
            yield Item(value, place, _named(value, code), beside)
        return
    values = value if isinstance(value, list) else []
    besides = beside if isinstance(beside, list) else []
    for index in range(max(len(values), len(besides))):
        one = values[index] if index < len(values) else None
        more = besides[index] if index < len(besides) else None
        if one is not None or more is not None:
            yield Item(one, f"{place}[{index}]", _named(one, code), more)


def _named(value: Any, code: str) -> str:
    """Return the type of a value; that of a resource in a resource is its own."""
    if code in ("", "Resource") and isinstance(value, dict) and "resourceType" in value:
        return str(value["resourceType"])
    return code


def contains(value: Any, pattern: Any) -> bool:
    """Tell whether a value holds what a pattern says (FHIR R4 ElementDefinition.pattern[x])."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(
            key in value and contains(value[key], wanted) for key, wanted in pattern.items()
        )
    if isinstance(pattern, list):
        return isinstance(value, list) and all(
            any(contains(item, wanted) for item in value) for wanted in pattern
        )
    return bool(value == pattern) and isinstance(value, bool) == isinstance(pattern, bool)
