"""Which slice a value belongs to (FHIR R4 5.1.0.12): each discriminator of the element must fit."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from gateway.fhir.fits import reference_form
from gateway.fhir.profiles.definitions import unversioned
from gateway.fhir.profiles.items import Item, contains
from gateway.fhir.profiles.snapshot import NOTHING, Discriminator, Node

#: Whether a value meets a profile.
Meets = Callable[[Item, str], bool]
#: Whether a value set has the code of a value; None when it cannot be told.
InValueSet = Callable[[str, Any], bool | None]

_EXTENSION = re.compile(r"extension\('([^']+)'\)")


@dataclass(frozen=True, slots=True)
class Slicer:
    """Finds the slice of a value.

    Attributes:
        meets: for slices told apart by a profile.
        in_value_set: for slices told apart by a required binding.
    """

    meets: Meets
    in_value_set: InValueSet

    def slice_of(self, node: Node, item: Item) -> Node | None:
        """Return the first slice of an element that a value belongs to; None when none fits."""
        for one in node.slices:
            if self._belongs(node, one, item):
                return one
        return None

    def _belongs(self, node: Node, one: Node, item: Item) -> bool:
        if not node.discriminators:
            # Slices without discriminator are told apart by all that they say.
            return bool(one.types) and all(self.meets(item, p) for p in one.types[0].profiles)
        return all(self._fits(by, one, item) for by in node.discriminators)

    def _fits(self, by: Discriminator, one: Node, item: Item) -> bool:
        if by.type == "type":
            return _has_type(by.path, one, item)
        if by.type == "profile":
            return self._has_profile(by.path, one, item)
        if by.type == "exists":
            return _exists(by.path, one, item)
        return self._has_value(by.path, one, item)

    def _has_profile(self, path: str, one: Node, item: Item) -> bool:
        node = _node_at(one, path)
        profiles = node.types[0].profiles if node and node.types else ()
        values = list(_values_at(item.value, path))
        return any(
            self.meets(Item(value, item.place, "", None), profile)
            for profile in profiles
            for value in values
        )

    def _has_value(self, path: str, one: Node, item: Item) -> bool:
        """Tell whether the value at a path is the one the slice says, by value or pattern."""
        if path == "url":
            return isinstance(item.value, dict) and item.value.get("url") == _url_of(one)
        parts = _parts(path)
        said = False
        # What a slice says of an element above the path, it says of what is at the path.
        for depth in range(len(parts) + 1):
            nodes = _below(one, parts[:depth])
            values = list(_walk(item.value, parts[:depth]))
            told = [self._says(node, values) for node in nodes]
            if False in told and True not in told:
                return False
            said = said or True in told
        return said

    def _says(self, node: Node, values: list[Any]) -> bool | None:
        """Tell whether one of the values is what a node says; None when it says nothing."""
        if node.fixed is not NOTHING:
            return any(value == node.fixed for value in values)
        if node.pattern is not NOTHING:
            return any(contains(value, node.pattern) for value in values)
        if node.strength == "required" and node.value_set:
            # A list that is not loaded tells nothing: the value is not thrown out of its slice.
            told = [self.in_value_set(node.value_set, value) for value in values]
            return True if True in told else None if None in told else False
        return None


def _url_of(one: Node) -> str:
    node = one.children.get("url")
    if node is not None and node.fixed is not NOTHING:
        return str(node.fixed)
    profiles = one.types[0].profiles if one.types else ()
    # A part of a complex extension may be known by its name alone.
    return unversioned(profiles[0]) if profiles else one.slice


def _parts(path: str) -> tuple[str, ...]:
    """Split `extension('u').value` into `extension('u')` and `value`; `$this` is no part."""
    marked = _EXTENSION.sub(lambda m: m[0].replace(".", "\0"), path)
    return tuple(
        part.replace("\0", ".") for part in marked.split(".") if part not in ("$this", "resolve()")
    )


def _node_at(one: Node, path: str) -> Node | None:
    return next(iter(_below(one, _parts(path))), None)


def _below(one: Node, parts: tuple[str, ...]) -> list[Node]:
    """Return what a slice says of a path: the element, and the slices of it that must be there."""
    nodes = [one]
    for part in parts:
        nodes = [below for node in nodes for below in _step(node, part)]
    return nodes


def _step(node: Node, part: str) -> list[Node]:
    url = _EXTENSION.fullmatch(part)
    if url:
        extension = node.children.get("extension")
        return [s for s in extension.slices if _url_of(s) == url[1]] if extension else []
    below = node.children.get(part) or node.children.get(f"{part}[x]")
    return [below, *(s for s in below.slices if s.minimum)] if below else []


def _values_at(value: Any, path: str) -> Iterator[Any]:
    yield from _walk(value, _parts(path))


def _walk(value: Any, parts: tuple[str, ...]) -> Iterator[Any]:
    if isinstance(value, list):
        for one in value:
            yield from _walk(one, parts)
        return
    if not parts:
        if value is not None:
            yield value
        return
    if not isinstance(value, dict):
        return
    part, rest = parts[0], parts[1:]
    url = _EXTENSION.fullmatch(part)
    if url:
        for one in value.get("extension", ()):
            if isinstance(one, dict) and one.get("url") == url[1]:
                yield from _walk(one, rest)
    elif part in value:
        yield from _walk(value[part], rest)
    else:
        for key, below in value.items():
            if key.startswith(part) and key[len(part) :][:1].isupper():
                yield from _walk(below, rest)


def _has_type(path: str, one: Node, item: Item) -> bool:
    node = _node_at(one, path)
    wanted = {ref.code for ref in node.types} if node else set[str]()
    if _parts(path) == ():
        if path == "resolve()":
            return bool(wanted & _target_types(item.value))
        return item.type in wanted
    for value in _values_at(item.value, path):
        if path.endswith("resolve()"):
            if wanted & _target_types(value):
                return True
        elif isinstance(value, dict) and value.get("resourceType") in wanted:
            return True
    return False


def _target_types(value: Any) -> set[str]:
    if not isinstance(value, dict):
        return set()
    match = reference_form(str(value.get("reference", "")))
    return {kind for kind in (match[1], match[2]) if kind} if match else set()


def _exists(path: str, one: Node, item: Item) -> bool:
    node = _node_at(one, path)
    is_there = any(True for _ in _values_at(item.value, path))
    if node is not None and node.maximum == 0:
        return not is_there
    return is_there
