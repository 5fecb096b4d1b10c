"""Every CDA converter, by name; importing this module fills the table."""

from gateway.cda import (
    clinical,
    codes,
    composition,
    contacts,
    followup,
    header,
    people,
    professionals,
)
from gateway.cda.registry import TABLE

__all__ = [
    "CONVERTERS",
    "clinical",
    "codes",
    "composition",
    "contacts",
    "followup",
    "header",
    "people",
    "professionals",
]

CONVERTERS = TABLE
