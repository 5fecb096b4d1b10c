"""Converters of HL7 v2 data types and segments, one module a family, all in `CONVERTERS`."""

from gateway.hl7v2.convert import (
    appointments,
    consents,
    contacts,
    dates,
    documents,
    names,
    organizations,
    patient,
    professionals,
    stay,
)
from gateway.hl7v2.convert.table import CONVERTERS

__all__ = [
    "CONVERTERS",
    "appointments",
    "consents",
    "contacts",
    "dates",
    "documents",
    "names",
    "organizations",
    "patient",
    "professionals",
    "stay",
]
