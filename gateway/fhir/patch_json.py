"""JSON Patch on a resource: add, remove, replace, move, copy, test (RFC 6902, RFC 6901).

All or nothing: the resource that is given is never touched. Does not judge the result.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.core.contributions import Json
from gateway.core.errors import RejectedError
from gateway.fhir import write_faults as faults

#: Operations of one patch, and how much `copy` may add in all, values.
_MOST, _COPIED = 500, 100_000
_NEEDS = {
    "add": ("path", "value"),
    "copy": ("from", "path"),
    "move": ("from", "path"),
    "remove": ("path",),
    "replace": ("path", "value"),
    "test": ("path", "value"),
}
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)
Pointer = tuple[str, ...]


class CannotError(Exception):
    """An operation cannot be done; the text says why."""


@dataclass(frozen=True, slots=True)
class _Operation:
    op: str
    path: Pointer
    source: Pointer
    value: Any


def json_patch(told: Any) -> Callable[[Json], Json]:
    """Read a patch; return what carries it out.

    Args:
        told: JSON of a patch document.

    Returns:
        A function of a resource that returns the patched one and raises RejectedError with the
        index of the operation that cannot be done (RLS-FHR-261).

    Raises:
        RejectedError: it is no patch (RLS-FHR-260).
    """
    if not isinstance(told, list) or not told:
        raise RejectedError([faults.bad_patch("http.body", "it is no list of operations")])
    if len(told) > _MOST:
        raise RejectedError([faults.bad_patch("http.body", f"more than {_MOST} operations")])
    operations = [_read(one, number) for number, one in enumerate(told)]
    return lambda resource: _patched(resource, operations)


def _read(told: Any, number: int) -> _Operation:
    where = f"operation[{number}]"
    op = told.get("op") if isinstance(told, dict) else None
    if not isinstance(op, str) or op not in _NEEDS:
        raise RejectedError([faults.bad_patch(where, f"`op` is none of {', '.join(_NEEDS)}")])
    missing = [name for name in _NEEDS[op] if name not in told]
    if missing:
        raise RejectedError([faults.bad_patch(where, f"`{missing[0]}` is missing")])
    pointers = {name: _pointer(told.get(name, "")) for name in ("path", "from")}
    for name, pointer in pointers.items():
        if pointer is None:
            raise RejectedError([faults.bad_patch(where, f"`{name}` is no JSON Pointer")])
    return _Operation(op, pointers["path"] or (), pointers["from"] or (), told.get("value"))


def _pointer(text: Any) -> Pointer | None:
    """Read a JSON Pointer (RFC 6901 3); None when it is none."""
    if text == "":
        return ()
    if not isinstance(text, str) or text[0] != "/" or re.search(r"~(?![01])", text):
        return None
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/"))


def _patched(resource: Json, operations: Sequence[_Operation]) -> Json:
    state = _State(_copy(resource))
    for number, one in enumerate(operations):
        try:
            state.do(one)
        except CannotError as error:
            where = f"operation[{number}]"
            raise RejectedError([faults.patch_failed(where, str(error))]) from None
    if not isinstance(state.root, dict):
        raise RejectedError([faults.patch_failed("operation", "no resource is left")])
    return state.root


class _State:
    """A document under a patch."""

    def __init__(self, root: Any) -> None:
        self.root = root
        self._copied = 0

    def do(self, one: _Operation) -> None:
        """Do one operation.

        Raises:
            CannotError: as the name says.
        """
        if one.op == "add":
            self._add(one.path, _copy(one.value))
        elif one.op == "remove":
            self._remove(one.path)
        elif one.op == "replace":
            self._replace(one.path, _copy(one.value))
        elif one.op == "copy":
            value = _copy(self._get(one.source))
            self._copied += _size(value)
            if self._copied > _COPIED:
                msg = "it copies too much"
                raise CannotError(msg)
            self._add(one.path, value)
        elif one.op == "move":
            if one.path[: len(one.source)] == one.source and one.path != one.source:
                msg = "nothing is moved into itself"
                raise CannotError(msg)
            value = self._get(one.source)
            self._remove(one.source)
            self._add(one.path, value)
        elif not same(self._get(one.path), one.value):
            msg = "the test does not hold"
            raise CannotError(msg)

    def _get(self, path: Pointer) -> Any:
        value = self.root
        for name in path:
            if isinstance(value, dict) and name in value:
                value = value[name]
            elif isinstance(value, list):
                value = value[_index(name, len(value) - 1)]
            else:
                msg = "there is nothing at this place"
                raise CannotError(msg)
        return value

    def _add(self, path: Pointer, value: Any) -> None:
        if not path:
            self.root = value
            return
        holder, name = self._get(path[:-1]), path[-1]
        if isinstance(holder, list):
            holder.insert(len(holder) if name == "-" else _index(name, len(holder)), value)
        elif isinstance(holder, dict):
            holder[name] = value
        else:
            msg = "there is no object or list at this place"
            raise CannotError(msg)

    def _remove(self, path: Pointer) -> None:
        self._get(path)
        if not path:
            self.root = None
            return
        holder, name = self._get(path[:-1]), path[-1]
        if isinstance(holder, list):
            del holder[int(name)]
        else:
            del holder[name]

    def _replace(self, path: Pointer, value: Any) -> None:
        self._get(path)
        if not path:
            self.root = value
            return
        holder, name = self._get(path[:-1]), path[-1]
        holder[int(name) if isinstance(holder, list) else name] = value


def _index(name: str, last: int) -> int:
    if not _INDEX.fullmatch(name) or int(name) > last:
        msg = "the list has no such place"
        raise CannotError(msg)
    return int(name)


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are equal (RFC 6902 4.6); a number is compared by its value."""
    if isinstance(one, bool) or isinstance(other, bool) or one is None or other is None:
        return one is other
    if isinstance(one, dict):
        if not isinstance(other, dict) or one.keys() != other.keys():
            return False
        return all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list):
        if not isinstance(other, list) or len(one) != len(other):
            return False
        return all(map(same, one, other))
    return isinstance(one, str) == isinstance(other, str) and bool(one == other)


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copy(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_copy(item) for item in value]
    return value


def _size(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(map(_size, value.values()))
    return 1 + sum(map(_size, value)) if isinstance(value, list) else 1
