"""Small numbers are not shown, nor left to be found by subtracting what is shown from a total.

A number of handoffs below `FLOOR` could be one person's. It is hidden (primary suppression), and
so are others of the same line, until what is hidden there adds up to at least `FLOOR` and is more
than one number (complementary suppression): the total of the line then gives nothing back.
Nothing at all, 0, is told. Decision: docs/adr/0027-small-numbers.md.
"""

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

K = TypeVar("K", bound=Hashable)
#: The least number that is shown.
FLOOR = 10


def is_small(number: int) -> bool:
    """Tell whether a number could be told apart."""
    return 0 < number < FLOOR


def hidden(
    numbers: Mapping[K, int],
    lines: Iterable[Collection[K]] | None = None,
    closed: Collection[K] = (),
) -> frozenset[K]:
    """Return the numbers of a table that are not shown.

    Args:
        numbers: by their place.
        lines: places whose sum is shown somewhere; without it one line of them all.
        closed: places that are not shown for another reason.

    Returns:
        Their places; the same for the same numbers, whatever the order.
    """
    shut = {place for place, number in numbers.items() if is_small(number)} | set(closed)
    told = [sorted(line, key=repr) for line in (lines if lines is not None else [numbers])]
    while True:
        more = {place for line in told for place in _one_more(line, numbers, shut)}
        if not more:
            return frozenset(shut)
        shut |= more


def _one_more(line: Sequence[K], numbers: Mapping[K, int], shut: set[K]) -> list[K]:
    """Return the number of a line that has to be hidden too; nothing when the line is safe."""
    inside = [numbers[place] for place in line if place in shut and numbers[place]]
    if not inside or (len(inside) > 1 and sum(inside) >= FLOOR):
        return []
    left = [place for place in line if place not in shut and numbers[place]]
    return [min(left, key=lambda place: (numbers[place], repr(place)))] if left else []


def nested(totals: Sequence[int]) -> tuple[bool, ...]:
    """Tell which of some totals are shown, each of which holds the one before.

    The difference of two that are shown is a number too: it is 0, or at least `FLOOR`.
    """
    shown, last = [], 0
    for total in totals:
        is_shown = not is_small(total) and not is_small(total - last)
        shown.append(is_shown)
        last = total if is_shown else last
    return tuple(shown)
