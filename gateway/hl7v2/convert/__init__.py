"""Converters of HL7 v2 data types and segments, one module a family, all in `CONVERTERS`."""

from gateway.hl7v2.convert import (
    appointments,
    codes,
    consents,
    contacts,
    dates,
    documents,
    former,
    merges,
    names,
    orders,
    organizations,
    patient,
    professionals,
    providers,
    referrals,
    stay,
)
from gateway.hl7v2.convert.table import CONVERTERS

__all__ = [
    "CONVERTERS",
    "appointments",
    "codes",
    "consents",
    "contacts",
    "dates",
    "documents",
    "former",
    "merges",
    "names",
    "orders",
    "organizations",
    "patient",
    "professionals",
    "providers",
    "referrals",
    "stay",
]
