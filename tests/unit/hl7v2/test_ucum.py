"""Units that are announced as UCUM: which are written so."""

import pytest

from gateway.hl7v2.ucum import is_ucum


@pytest.mark.parametrize(
    "unit",
    [
        "g/L", "mmol/L", "umol/L", "10*9/L", "10^12/L", "10*-3", "mm[Hg]", "cm[H2O]", "/min", "%",
        "{cells}/uL", "U/L", "m[iU]/L", "kg/m2", "g.m-2", "mg/(24.h)", "mL/min/{1.73_m2}", "1",
        "U/g{Hb}", "[GPL'U]", "nkat/L", "{INR}", "Cel", "meq/L", "ug/mL",
    ],
)  # fmt: skip
def test_a_unit_of_ucum_is_one(unit):
    assert is_ucum(unit)


@pytest.mark.parametrize(
    "unit",
    [
        "", "/", "g/", "g//L", "(g", "g)", "giga/L", "UI/L", "mcg", "µg", "G/L", "T/L", "mmHg",
        "g L", "g/l/", "[iU", "{a", "10*9//L", "m2m", "g" * 65, "0", "²",
    ],
)  # fmt: skip
def test_what_is_written_otherwise_is_none(unit):
    assert not is_ucum(unit)


def test_brackets_in_each_other_cost_no_more_than_their_length():
    assert not is_ucum("(" * 64)
    assert is_ucum("(" * 31 + "g" + ")" * 31)
