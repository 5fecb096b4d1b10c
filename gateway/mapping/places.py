"""Where a rule writes: a FHIR path compiled once, then written without being parsed again.

Does not judge values (`mapping.engine`) nor whole resources (`fhir.shape`).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

Json = dict[str, Any]
Padded = dict[str, list[Any]]

_STEP = re.compile(r"(_?[A-Za-z][A-Za-z0-9]*)(?:\[(\d+)\])?")


class Elements(Protocol):
    """What the engine must know of the FHIR model; `fhir.elements.table()` knows it."""

    def is_list(self, path: str) -> bool:
        """Tell whether the element at `Patient.name` repeats; KeyError when unknown."""
        ...

    def type_of(self, path: str) -> str:
        """Return the FHIR type at a path; KeyError when unknown."""
        ...

    def names(self, path: str) -> tuple[str, ...]:
        """Return the names of the elements below a path."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """A compiled `to`.

    Attributes:
        path: as written in the rule.
        parents: steps above the leaf: name, index of the member for a list (else None), and path
            of that list for traces.
        leaf: name of the last element.
        is_list: the leaf repeats and no index selects a member.
        index: index of the leaf's member, None without index.
        type: FHIR type of the leaf.
        prefix: path of the leaf with the index of every list above it, for traces.
    """

    path: str
    parents: tuple[tuple[str, int | None, str], ...]
    leaf: str
    is_list: bool
    index: int | None
    type: str
    prefix: str

    @property
    def names(self) -> tuple[str, ...]:
        """Return the path without indexes."""
        return (*(step[0] for step in self.parents), self.leaf)


#: Writes one value into a resource; returns the index it got when the leaf repeats. `padded`
#: collects, by path, lists filled up with None because a rule names a later member first.
Writer = Callable[[Json, Any, Padded], int | None]


def writer(place: Place) -> Writer:
    """Compile the writing of a place: a list appends, a single element is replaced."""
    put = _leaf_writer(place)
    parents = place.parents
    if not parents:
        return put

    def write(resource: Json, value: Any, padded: Padded) -> int | None:
        node = resource
        for name, index, path in parents:
            if index is None:
                child = node.get(name)
                if child is None:
                    child = node[name] = {}
                node = child
            else:
                node = _member(node, name, index, path, padded)
        return put(node, value, padded)

    return write


def _leaf_writer(place: Place) -> Writer:
    leaf, chosen = place.leaf, place.index

    def replace(node: Json, value: Any, _padded: Padded) -> None:
        node[leaf] = value

    def append(node: Json, value: Any, _padded: Padded) -> int:
        values = node.get(leaf)
        if values is None:
            node[leaf] = [value]
            return 0
        values.append(value)
        return len(values) - 1

    def choose(node: Json, value: Any, padded: Padded) -> int | None:
        values = node.setdefault(leaf, [])
        _pad(values, chosen or 0, place.prefix.rpartition("[")[0], padded)
        values[chosen or 0] = value
        return chosen

    if place.is_list:
        return append
    return replace if chosen is None else choose


def _member(node: Json, name: str, index: int, path: str, padded: Padded) -> Json:
    values = node.get(name)
    if values is None:
        values = node[name] = []
    if len(values) <= index:
        _pad(values, index, path, padded)
    member = values[index]
    if member is None:
        member = values[index] = {}
    return member  # type: ignore[no-any-return]


def _pad(values: list[Any], index: int, path: str, padded: Padded) -> None:
    missing = index + 1 - len(values)
    if missing > 0:
        values.extend([None] * missing)
        if missing > 1:
            padded[path] = values


def compile_place(resource: str, to: str, elements: Elements) -> Place:
    """Compile a `to`; a list above the leaf without index stands for its first member.

    Raises:
        KeyError: the resource has no such place; holds the part of the path that is wrong.
    """
    steps: list[tuple[str, int | None, str]] = []
    path = resource
    shown: list[str] = []
    pieces = to.split(".")
    for number, piece in enumerate(pieces, start=1):
        match = _STEP.fullmatch(piece)
        if match is None:
            raise KeyError(f"{path}.{piece}")
        name, index = match[1], int(match[2]) if match[2] else None
        path = f"{path}.{name}"
        repeats = elements.is_list(path)
        if index is not None and not repeats:
            raise KeyError(f"{path}[{index}]")
        last = number == len(pieces)
        if repeats and index is None and not last:
            index = 0
        steps.append((name, index, ".".join([*shown, name])))
        shown.append(name if index is None else f"{name}[{index}]")
    name, index, _ = steps[-1]
    return Place(
        path=to,
        parents=tuple(steps[:-1]),
        leaf=name,
        is_list=repeats and index is None,
        index=index,
        type=elements.type_of(path),
        prefix=".".join(shown),
    )
