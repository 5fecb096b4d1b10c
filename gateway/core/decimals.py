"""A decimal that is written as it was read (FHIR R4 2.24.0.1, decimal: digits are not dropped)."""

from decimal import Decimal
from typing import Self


class ExactDecimal(Decimal):
    """A number with the text it came as: `0.0000000` is not `0E-7`, `1.10` is not `1.1`."""

    text: str

    def __new__(cls, text: str) -> Self:
        """Read a number of JSON or XML.

        Raises:
            decimal.InvalidOperation: the text is no number.
        """
        made = super().__new__(cls, text)
        made.text = str(text)
        return made

    def __str__(self) -> str:
        """Return the text it was read from."""
        return self.text
