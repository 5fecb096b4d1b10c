"""What a browser left here for a moment: text typed into a closed session, results to be shown.

In this process, as sessions are; bounded, for ten minutes, and for the one person it is of.
"""

import secrets
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")
_KEPT_S = 600.0
_MOST = 2000


@dataclass(slots=True)
class Kept(Generic[T]):
    """Values by key, each of one person."""

    _held: dict[str, tuple[float, str, T]] = field(default_factory=dict)

    def keep(self, person: str, value: T, now: float) -> str:
        """Keep a value; return its secret key.

        Args:
            person: whom it is shown to.
            value: what is kept.
            now: seconds since the epoch.
        """
        key = secrets.token_urlsafe(16)
        self._held = {k: v for k, v in self._held.items() if v[0] > now - _KEPT_S}
        while len(self._held) >= _MOST:
            self._held.pop(next(iter(self._held)))
        self._held[key] = (now, person, value)
        return key

    def find(self, key: str, person: str, now: float) -> T | None:
        """Return a value to the person it is of."""
        found = self._held.get(key)
        is_theirs = found is not None and found[1] == person and found[0] > now - _KEPT_S
        return found[2] if found is not None and is_theirs else None

    def drop(self, key: str) -> None:
        """Forget a value."""
        self._held.pop(key, None)
