"""Whole numbers of senders: what looks like digits and is none is not read as one."""

import pytest

from gateway.core.digits import whole_number


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("007", 7), ("2147483647", 2147483647), ("0" * 5000 + "9", 9)],
)
def test_a_whole_number_is_read(text, number):
    assert whole_number(text) == number


@pytest.mark.parametrize("text", ["", "²", "١٢", "-1", "+1", "1.0", "2147483648", "9" * 5000, " 1"])
def test_anything_else_is_none(text):
    assert whole_number(text) is None
