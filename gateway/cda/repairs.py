"""Reads what a sender spelled wrong in a way that can only mean one thing, and says so.

An attribute in the wrong case, a coded value without `xsi:type`: unreadable for a strict reader,
clear to a person. Nothing else is repaired. HL7 CDA R2 schema; XML 1.0, names are case-sensitive.
"""

import re

from gateway.cda.tree import Node, Tree

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
_SIGNS = frozenset(
    {
        "nullflavor",
        "codesystem",
        "displayname",
        "classcode",
        "moodcode",
        "typecode",
        "Code",
        "Value",
        "Root",
        "Extension",
        "NullFlavor",
    }
)
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")


def mend_attributes(tree: Tree) -> dict[Node, dict[str, str]]:
    """Rename attributes that are in the wrong case.

    Args:
        tree: changed in place.

    Returns:
        By element that was changed, the right name of an attribute to the one that was written.
        One that stands there in the right case as well is left alone.
    """
    found: dict[Node, dict[str, str]] = {}
    if tree.names.isdisjoint(_SIGNS):
        return found
    for node in tree.order:
        written = node.written
        wrong = {
            right: name
            for name in written
            if (right := _NAMES.get(name.lower(), name)) != name and right not in written
        }
        if wrong:
            found[node] = wrong
            rights = {name: right for right, name in wrong.items()}
            node.written = {rights.get(name, name): value for name, value in written.items()}
    return found


def type_of_value(element: Node) -> str:
    """Return the data type that a value without `xsi:type` can only have, empty when unclear.

    A code or its words are a CD, a number with a unit a PQ, bounds with a unit an IVL_PQ, true or
    false a BL, text alone an ST.
    """
    written = element.written
    parts = {child.tag: child for child in element.nodes}
    if written.get("code") or "translation" in parts or "originalText" in parts:
        return "CD"
    value = element.get("value")
    if written.get("unit") and _NUMBER.fullmatch(value):
        return "PQ"
    if value in ("true", "false"):
        return "BL"
    bounds = [parts[name] for name in ("low", "high") if name in parts]
    if bounds:
        return "IVL_PQ" if all(bound.written.get("unit") for bound in bounds) else ""
    return "ST" if not parts and not written and element.text() else ""
