"""Every CDA converter, by name; importing this module fills the table."""

from gateway.cda import (
    acts,
    cancer,
    cancer_links,
    cancer_plan,
    cancer_screening,
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
    "acts",
    "cancer",
    "cancer_links",
    "cancer_plan",
    "cancer_screening",
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
