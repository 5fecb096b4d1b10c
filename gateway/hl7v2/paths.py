"""Places in a message, `PID-3[2].4.2`, compiled once.

Does not look anything up (`hl7v2.message`). Numbers are those of the standard, from 1.
"""

import re
from functools import lru_cache
from typing import NamedTuple

_PATH = re.compile(
    r"([A-Z][A-Z0-9]{2})(?:\[([1-9]\d*)\])?"
    r"(?:-([1-9]\d*)(?:\[([1-9]\d*)\])?(?:\.([1-9]\d*)(?:\.([1-9]\d*))?)?)?"
)


class Path(NamedTuple):
    """A compiled place; 0 means that the part is not given.

    Attributes:
        segment: three-letter name.
        ordinal: which segment of that name, `OBX[2]-5`.
        field: field number.
        repetition: repetition of the field.
        component: component number.
        subcomponent: sub-component number.
    """

    segment: str
    ordinal: int
    field: int
    repetition: int
    component: int
    subcomponent: int


@lru_cache(maxsize=4096)
def compile_path(text: str) -> Path:
    """Compile a place.

    Raises:
        ValueError: the text is no place; only a wrong mapping or a bug gives one.
    """
    match = _PATH.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a place such as PID-3[2].4.2")
    segment, *numbers = match.groups()
    return Path(segment, *(int(number) if number else 0 for number in numbers))


@lru_cache(maxsize=4096)
def path_of_field(segment: str, field: int) -> Path:
    """Return the place of a whole field."""
    return Path(segment, 0, field, 0, 0, 0)


def is_path(text: str) -> bool:
    """Tell whether a mapping may use this text as a place in a message."""
    return _PATH.fullmatch(text) is not None
