"""Values that are made by the dozen for every message.

A frozen dataclass sets each field by a call, which makes it three times as slow to make as a
plain one. `value` is frozen for the type checker, which refuses every change of a field, and
plain when it runs. Equality and hash are those of a frozen dataclass.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

__all__ = ["value"]

if TYPE_CHECKING:
    from dataclasses import dataclass as value
else:

    def value(*, frozen: bool, slots: bool) -> Callable[[type], type]:
        """Return the decorator of a class of values, written as `dataclass` is."""
        return dataclass(slots=slots, unsafe_hash=frozen)
