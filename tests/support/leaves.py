"""Invariants of converted resources: nothing empty, nothing dangling, nothing invented."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from gateway.core.contributions import Contribution, TraceLine


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (path, value) of every leaf; list members have an index."""
    if isinstance(value, dict):
        for name, below in value.items():
            yield from leaves(below, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from leaves(below, f"{path}[{index}]")
    else:
        yield path, value


def empty_places(resources: list[dict]) -> list[str]:
    """Return the places of empty objects, lists and strings."""
    found = []

    def walk(value: Any, path: str) -> None:
        if value in ({}, [], "", None):
            found.append(path)
        elif isinstance(value, dict):
            for name, below in value.items():
                walk(below, f"{path}.{name}")
        elif isinstance(value, list):
            for below in value:
                walk(below, path)

    for resource in resources:
        walk(resource, resource["resourceType"])
    return found


def dangling(resources: list[dict]) -> list[str]:
    """Return references to resources that are not among these."""
    known = {f"{resource['resourceType']}/{resource['id']}" for resource in resources}
    return [
        f"{resource['resourceType']}.{path} -> {value}"
        for resource in resources
        for path, value in leaves(resource)
        if path.endswith("reference") and not value.startswith("#") and value not in known
    ]


def unexplained(
    contributions: Iterable[Contribution], resources: list[dict], trace: Iterable[TraceLine]
) -> list[str]:
    """Return the leaves that no line of the trace explains.

    In a contribution list members count: a line of `name[0]` says nothing of `name[1]`. A fold
    moves members, so there the element must be explained, by whichever contribution.
    """
    exact: dict[str, set[str]] = {}
    for line in trace:
        exact.setdefault(line.resource, set()).add(line.target)
    bare = {name: {_bare(target) for target in told} for name, told in exact.items()}
    said = [part.resource for part in contributions]
    return [
        f"{name} {path}"
        for many, lines, written in ((said, exact, str), (resources, bare, _bare))
        for resource in many
        for name in [f"{resource['resourceType']}/{resource['id']}"]
        for path, _ in leaves(resource)
        if path != "resourceType" and lines.get(name, set()).isdisjoint(_above(written(path)))
    ]


def _above(path: str) -> list[str]:
    """Return a path and what it is below: `a[0].b` is below `a[0]` and `a`."""
    return [path[: found.start()] for found in re.finditer(r"[.\[]|$", path)]


def _bare(path: str) -> str:
    return re.sub(r"\[\d+\]", "", path)
