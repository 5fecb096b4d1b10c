"""Turn quantities into ranges of fixed-width text that sorts as the numbers do (FHIR R4 search).

A searched number stands for the span its digits leave open: 5.4 is 5.35 to 5.45. What a resource
holds is the number itself, or with a comparator all numbers on one side of it.
"""

import re
from decimal import Decimal
from typing import Any

#: Beyond this no value of care is; such numbers are kept as the bound.
_LIMIT = Decimal(10) ** 15
_STEP = Decimal("0.000000001")
_FORM = re.compile(r"[+-]?(\d{1,18})(\.\d{1,12})?([eE][+-]?\d{1,2})?", re.ASCII)

FIRST = "0" * 26
LAST = "9" * 26

Range = tuple[str, str]


def number_text(number: Decimal) -> str:
    """Write a number so that texts sort as numbers do, negative ones included."""
    held = min(max(number, -_LIMIT), _LIMIT)
    return f"{held + _LIMIT:026.9f}"


def quantity_range(value: dict[str, Any]) -> Range | None:
    """Return the span of a Quantity of a resource; None without a value."""
    number = value.get("value")
    if not isinstance(number, int | float | Decimal) or isinstance(number, bool):
        return None
    exact = Decimal(str(number))
    low, high = number_text(exact), number_text(exact + _STEP)
    return {
        "<": (FIRST, low),
        "<=": (FIRST, high),
        ">": (high, LAST),
        ">=": (low, LAST),
    }.get(value.get("comparator", ""), (low, high))


def search_range(prefix: str, text: str) -> Range | None:
    """Return the span of a searched number; None when it is none.

    Spec: FHIR R4 3.1.1.4.5, number: the digits count for `eq` and `ne` only, `ap` is 10 %.
    """
    form = _FORM.fullmatch(text)
    if form is None:
        return None
    number = Decimal(text)
    if prefix in ("eq", "ne"):
        digits = len(form[2]) - 1 if form[2] else 0
        power = int(form[3][1:]) if form[3] else 0
        half = Decimal(5).scaleb(power - digits - 1)
        return number_text(number - half), number_text(number + half)
    if prefix == "ap":
        tenth = abs(number) / 10
        return number_text(number - tenth), number_text(number + tenth + _STEP)
    return number_text(number), number_text(number + _STEP)
