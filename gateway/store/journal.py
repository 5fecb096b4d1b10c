"""How the memory store takes a transaction back: old values of what it changed."""

from collections.abc import Hashable
from typing import Any, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
_ABSENT = object()


class Journal:
    """Changes dicts and remembers what was there before."""

    def __init__(self) -> None:
        self._undo: list[tuple[dict[Any, Any], Any, Any]] = []

    def put(self, table: dict[K, V], key: K, value: V) -> None:
        """Set an entry."""
        self._undo.append((table, key, table.get(key, _ABSENT)))
        table[key] = value

    def drop(self, table: dict[K, V], key: K) -> None:
        """Remove an entry if it is there."""
        if key in table:
            self._undo.append((table, key, table.pop(key)))

    def commit(self) -> None:
        """Keep the changes."""
        self._undo.clear()

    def roll_back(self) -> None:
        """Take the changes back, the last first."""
        while self._undo:
            table, key, value = self._undo.pop()
            if value is _ABSENT:
                del table[key]
            else:
                table[key] = value
