"""What a message and its parts have in common: they can be selected from.

Holds no text (`hl7v2.message`).
"""

from collections.abc import Sequence


class Part:
    """A message, a segment, or a part of a field: what a mapping selects from.

    No `ABC`: its metaclass cannot be compiled together with a dataclass below it (ADR 13).
    """

    __slots__ = ()

    @property
    def place(self) -> str:
        """Return the place for traces and issues, `PID-3[2].4`."""
        raise NotImplementedError

    @property
    def is_null(self) -> bool:
        """Tell whether the sender said that there is no value (`""`)."""
        raise NotImplementedError

    def select(self, path: str) -> "Sequence[Part]":
        """Return what is at a place, in order: segments, or valued parts of fields."""
        raise NotImplementedError

    def text(self) -> str:
        """Return the decoded text; empty for what is no single value, and for `""`."""
        raise NotImplementedError
