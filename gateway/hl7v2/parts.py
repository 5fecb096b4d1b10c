"""What a message and its parts have in common: they can be selected from.

Holds no text (`hl7v2.message`).
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence


class Part(ABC):
    """A message, a segment, or a part of a field: what a mapping selects from."""

    __slots__ = ()

    @property
    @abstractmethod
    def place(self) -> str:
        """Return the place for traces and issues, `PID-3[2].4`."""

    @property
    @abstractmethod
    def is_null(self) -> bool:
        """Tell whether the sender said that there is no value (`""`)."""

    @abstractmethod
    def select(self, path: str) -> "Sequence[Part]":
        """Return what is at a place, in order: segments, or valued parts of fields."""

    @abstractmethod
    def text(self) -> str:
        """Return the decoded text; empty for what is no single value, and for `""`."""
