"""Whole numbers as senders write them: ASCII digits, not larger than what is asked for."""

#: The largest `integer`, `positiveInt` and `unsignedInt` of FHIR R4.
HIGHEST = 2_147_483_647


def whole_number(text: str, highest: int = HIGHEST) -> int | None:
    """Return a number from zero to the highest one; None for everything else.

    `str.isdigit` takes `²` for a digit, and `int` refuses what has thousands of them.
    """
    digits = text.lstrip("0") or text[-1:]
    if not (text.isascii() and digits.isdigit() and len(digits) <= len(str(highest))):
        return None
    number = int(digits)
    return number if number <= highest else None
