"""Reads what a sender spelled wrong in a way that can only mean one thing, and says so.

An attribute in the wrong case, a coded value without `xsi:type`: unreadable for a strict reader,
clear to a person. Nothing else is repaired. HL7 CDA R2 schema; XML 1.0, names are case-sensitive.
"""

import re
from collections.abc import Mapping
from typing import Any

#: Attributes of CDA R2 whose loss changes what is said.
_NAMES = {
    name.lower(): name
    for name in (
        "nullFlavor",
        "codeSystem",
        "codeSystemName",
        "displayName",
        "classCode",
        "moodCode",
        "typeCode",
        "negationInd",
        "inversionInd",
        "mediaType",
        "representation",
        "root",
        "extension",
        "code",
        "value",
        "unit",
        "use",
        "qualifier",
    )
}
#: Spellings that real senders get wrong; only a document with one of them is walked.
_SIGNS = (
    b"nullflavor=",
    b"codesystem=",
    b"displayname=",
    b"classcode=",
    b"moodcode=",
    b"typecode=",
    b" Code=",
    b" Value=",
    b" Root=",
    b" Extension=",
    b" NullFlavor=",
)
_CDA = "{urn:hl7-org:v3}"
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")


def mend_attributes(root: Any, body: bytes) -> dict[Any, dict[str, str]]:
    """Rename attributes that are in the wrong case.

    Args:
        root: element tree, changed in place.
        body: the bytes it was read from.

    Returns:
        By element that was changed, the right name of an attribute to the one that was written.
        One that stands there in the right case as well is left alone.
    """
    found: dict[Any, dict[str, str]] = {}
    if not any(sign in body for sign in _SIGNS):
        return found
    for element in root.iter("*"):
        wrong = {
            right: name
            for name in element.attrib
            if (right := _NAMES.get(name.lower(), name)) != name and right not in element.attrib
        }
        if wrong:
            found[element] = wrong
            rename(element, {name: right for right, name in wrong.items()})
    return found


def rename(element: Any, names: Mapping[str, str]) -> None:
    """Rename attributes of an element, where they stand."""
    kept = [(names.get(name, name), value) for name, value in element.attrib.items()]
    element.attrib.clear()
    for name, value in kept:
        element.set(name, value)


def type_of_value(element: Any) -> str:
    """Return the data type that a value without `xsi:type` can only have, empty when unclear.

    A code or its words are a CD, a number with a unit a PQ, bounds with a unit an IVL_PQ, true or
    false a BL, text alone an ST.
    """
    parts = {child.tag: child for child in element.iterchildren("*")}
    if element.get("code") or f"{_CDA}translation" in parts or f"{_CDA}originalText" in parts:
        return "CD"
    value = (element.get("value") or "").strip()
    if element.get("unit") and _NUMBER.fullmatch(value):
        return "PQ"
    if value in ("true", "false"):
        return "BL"
    bounds = [parts[name] for name in (f"{_CDA}low", f"{_CDA}high") if name in parts]
    if bounds:
        return "IVL_PQ" if all(bound.get("unit") for bound in bounds) else ""
    return "ST" if not parts and not element.attrib and (element.text or "").strip() else ""
