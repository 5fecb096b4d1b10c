"""Invented numbers with right check keys, in ranges that nobody is given.

Does not judge numbers; the checks of received ones are in `gateway.core`.
"""

from datetime import date

#: ITU-T X.660 reserves the arc 2.999 for examples: the OIDs of the invented establishments.
EXAMPLE_ARC = "2.999"


def luhn_key(digits: str) -> str:
    """Return the key digit that makes `digits` + key pass the Luhn formula (ISO/IEC 7812-1)."""
    total = 0
    for position, char in enumerate(reversed(digits)):
        doubled = int(char) * (2 if position % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def finess(order: int) -> str:
    """Return an invented FINESS number: département 99 does not exist; the key is right."""
    body = f"99{order:06d}"
    return body + luhn_key(body)


def rpps(order: int) -> str:
    """Return an invented RPPS number of 11 digits, in the 999 range, with its Luhn key."""
    body = f"999{order:07d}"
    return body + luhn_key(body)


def ins(sex: str, birth: date, place: str, order: int) -> str:
    """Return an invented INS matricule of 15 characters with its key (97 minus NIR modulo 97).

    Args:
        sex: `M` or `F`.
        birth: birth date.
        place: COG code of five digits; the region uses codes that are given to no place.
        order: rank in the register of the month.
    """
    body = f"{1 if sex == 'M' else 2}{birth:%y%m}{place}{order:03d}"
    return f"{body}{97 - int(body) % 97:02d}"


def phone(order: int) -> str:
    """Return a telephone number of a range that the regulator keeps for fiction."""
    return f"046571{order % 10_000:04d}"


def mobile(order: int) -> str:
    """Return a mobile number of a range that the regulator keeps for fiction."""
    return f"063998{order % 10_000:04d}"
