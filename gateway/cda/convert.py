"""Every CDA converter, by name; importing this module fills the table."""

from gateway.cda import (
    absence,
    acts,
    author_devices,
    cancer,
    cancer_links,
    cancer_plan,
    cancer_screening,
    clinical,
    codes,
    composition,
    contacts,
    facility,
    followup,
    header,
    participations,
    people,
    professionals,
    stay,
    structures,
    team,
)
from gateway.cda.registry import TABLE

__all__ = [
    "CONVERTERS",
    "absence",
    "acts",
    "author_devices",
    "cancer",
    "cancer_links",
    "cancer_plan",
    "cancer_screening",
    "clinical",
    "codes",
    "composition",
    "contacts",
    "facility",
    "followup",
    "header",
    "participations",
    "people",
    "professionals",
    "stay",
    "structures",
    "team",
]

CONVERTERS = TABLE
