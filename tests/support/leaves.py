"""Invariants of converted resources: nothing empty, nothing dangling, nothing invented."""

import re
from collections.abc import Iterator
from typing import Any

#: Made by the fold or by identity, not read from one place of the input.
_DERIVED = re.compile(
    r"^(resourceType|id|meta(\..*)?|status|statusHistory.*|classHistory.*|period.*"
    r"|location.*|partOf.*|identifier.*)$"
)


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


def unexplained(resources: list[dict], trace: list) -> list[str]:
    """Return the leaves that no line of the trace explains."""
    lines: dict[str, set[str]] = {}
    for line in trace:
        lines.setdefault(line.resource, set()).add(_bare(line.target))
    found = []
    for resource in resources:
        name = f"{resource['resourceType']}/{resource['id']}"
        if resource["resourceType"] == "Provenance":
            continue
        told = lines.get(name, set())
        for path, _ in leaves(resource):
            bare = _bare(path)
            parts = bare.split(".")
            above = {".".join(parts[:depth]) for depth in range(1, len(parts) + 1)}
            if not above & told and not _DERIVED.match(path):
                found.append(f"{name} {path}")
    return found


def _bare(path: str) -> str:
    return re.sub(r"\[\d+\]", "", path)
