"""Invented numbers pass the checks of real ones and lie in ranges nobody is given."""

from datetime import date

import pytest

from gateway.simulation import numbers


def _luhn_valid(digits: str) -> bool:
    """The formula as a receiver writes it: from the right, every second digit doubled."""
    doubled = [sum(divmod(2 * int(char), 10)) for char in digits[-2::-2]]
    return (sum(doubled) + sum(int(char) for char in digits[-1::-2])) % 10 == 0


@pytest.mark.parametrize("order", [1, 17, 100, 400, 999_999])
def test_finess_has_a_right_key_in_a_departement_that_does_not_exist(order: int) -> None:
    number = numbers.finess(order)

    assert len(number) == 9
    assert number.startswith("99")
    assert _luhn_valid(number)


@pytest.mark.parametrize("order", [1, 29, 144, 9_999_999])
def test_rpps_has_eleven_digits_and_a_right_key(order: int) -> None:
    number = numbers.rpps(order)

    assert len(number) == 11
    assert _luhn_valid(number)


@pytest.mark.parametrize(
    ("sex", "head"), [("M", "1580199030"), ("F", "2580199030")], ids=["man", "woman"]
)
def test_matricule_carries_sex_month_of_birth_place_and_a_right_key(sex: str, head: str) -> None:
    matricule = numbers.ins(sex, date(1958, 1, 15), "99030", 1)

    assert len(matricule) == 15
    assert matricule.startswith(head)
    # The key makes the whole divisible: body + key = 97 times something.
    assert (int(matricule[:13]) + int(matricule[13:])) % 97 == 0
