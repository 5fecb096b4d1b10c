"""What changed between two versions of a resource, value by value."""

from collections.abc import Iterator
from typing import Any

import orjson

from gateway.pipeline.refold import Change

_BOOKKEEPING = ("meta.versionId", "meta.lastUpdated")


def changed_leaves(change: Change) -> Iterator[tuple[str, Any, Any]]:
    """Yield (path, value before, value after) of each leaf that differs; None: there is none."""
    before = _leaves(change.before.body) if change.before and change.before.body else {}
    after = _leaves(change.after.body) if change.after.body else {}
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if old != new and path not in _BOOKKEEPING:
            yield path, old, new


def differences(change: Change) -> Iterator[str]:
    """Yield `path: before -> after` for each leaf that differs."""
    for path, old, new in changed_leaves(change):
        yield f"{path}: {_shown(old)} -> {_shown(new)}"


def _leaves(body: bytes) -> dict[str, Any]:
    found: dict[str, Any] = {}
    _walk("", orjson.loads(body), found)
    return found


def _walk(path: str, value: Any, found: dict[str, Any]) -> None:
    if isinstance(value, dict):
        for name, below in value.items():
            _walk(f"{path}.{name}" if path else name, below, found)
    elif isinstance(value, list):
        for index, below in enumerate(value):
            _walk(f"{path}[{index}]", below, found)
    else:
        found[path] = value


def _shown(value: Any) -> str:
    return "(none)" if value is None else orjson.dumps(value).decode()
