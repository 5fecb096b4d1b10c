"""Small numbers are neither shown nor left to subtraction."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.pathway.small_numbers import FLOOR, hidden, nested

TABLES = st.dictionaries(st.integers(0, 12), st.integers(0, 60), max_size=9)


def test_one_small_number_takes_the_next_smallest_with_it() -> None:
    assert hidden({"a": 3, "b": 40, "c": 25, "d": 90}) == {"a", "c"}


def test_small_numbers_that_add_up_need_no_other() -> None:
    assert hidden({"a": 6, "b": 7, "c": 25}) == {"a", "b"}
    assert hidden({"a": 2, "b": 3, "c": 25}) == {"a", "b", "c"}


def test_nothing_is_told_as_nothing() -> None:
    assert hidden({"a": 0, "b": 12}) == frozenset()


def test_what_is_shut_for_another_reason_takes_another_with_it() -> None:
    assert hidden({"a": 50, "b": 12, "c": 25}, closed=["a"]) == {"a", "b"}


@given(TABLES)
def test_no_total_gives_a_small_number_back(numbers: dict[int, int]) -> None:
    shut = hidden(numbers)
    inside = [numbers[place] for place in shut if numbers[place]]

    assert all(
        number == 0 or number >= FLOOR for place, number in numbers.items() if place not in shut
    )
    # The sum of what is hidden is known from the total; it is of several, and not small itself,
    # unless nothing of the table is shown at all.
    left = [number for place, number in numbers.items() if place not in shut and number]
    assert not inside or not left or (len(inside) > 1 and sum(inside) >= FLOOR)


@given(st.dictionaries(st.tuples(st.integers(0, 3), st.integers(0, 3)), st.integers(0, 40)))
def test_no_line_or_column_gives_a_small_number_back(numbers: dict[tuple[int, int], int]) -> None:
    lines = [[p for p in numbers if p[side] == n] for side in (0, 1) for n in range(4)]
    shut = hidden(numbers, lines)

    for line in lines:
        inside = [numbers[place] for place in line if place in shut and numbers[place]]
        left = [place for place in line if place not in shut and numbers[place]]
        assert not inside or not left or (len(inside) > 1 and sum(inside) >= FLOOR)


@given(st.lists(st.integers(0, 30), max_size=6))
def test_longer_periods_give_no_small_difference(more: list[int]) -> None:
    totals = [sum(more[: n + 1]) for n in range(len(more))]
    shown = [total for total, is_shown in zip(totals, nested(totals), strict=True) if is_shown]

    steps = [b - a for a, b in zip([0, *shown], shown, strict=False)]
    assert all(step == 0 or step >= FLOOR for step in steps)
