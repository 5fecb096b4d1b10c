"""CDA coded and measured types (CE, CD, PQ, IVL_PQ, RTO) to FHIR.

Does not choose codes: systems and units come from concept maps. HL7 CDA R2 data types; a
nullFlavor never becomes a value, but its original text is kept.
"""

import re
from math import isfinite
from typing import Any

from gateway.cda.context import Context
from gateway.cda.faults import code_without_system
from gateway.cda.narrative import lines
from gateway.cda.reader import Node
from gateway.cda.registry import converter
from gateway.core.contributions import Json
from gateway.mapping.converters import Flawed

UCUM = "http://unitsofmeasure.org"
#: Units of time that FHIR has as `periodUnit`.
PERIOD_UNITS = frozenset({"s", "min", "h", "d", "wk", "mo", "a"})
EDQM = "http://standardterms.edqm.eu"
#: HL7 IPS, codes of absent or unknown data: "no known allergies", "no information".
ABSENT_UNKNOWN = "2.16.840.1.113883.5.1150.1"
#: Packages and dose forms of the EDQM Standard Terms have numbers of eight digits.
_EDQM_CODE = re.compile(r"[0-9]{8}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_MOST_DIGITS = 18
_CODED = ("CD", "CE", "CO", "CV", "CS")


def system_uri(oid: str, context: Context) -> str:
    """Return the FHIR system of an OID: by table, else `urn:oid:`; a UUID in lower case.

    Spec: HL7 FHIR R4 terminologies-systems; OIDs without published URI keep the OID.
    """
    known = context.systems.get(oid)
    if known:
        return known
    if not oid:
        return ""
    return f"urn:uuid:{oid.lower()}" if "-" in oid else f"urn:oid:{oid}"


def coding_of(node: Node, context: Context) -> Json | None:
    """Return the Coding of one element with `code`, None when it has none."""
    code = node.get("code")
    if not code:
        return None
    coding = {"code": code}
    system = system_uri(node.get("codeSystem"), context)
    if system:
        coding = {"system": system, "code": code}
    version = node.get("codeSystemVersion")
    if version:
        coding["version"] = version
    display = node.get("displayName")
    if display:
        coding["display"] = display
    return coding


def original_text(node: Node) -> str:
    """Return what the author wrote: originalText, itself or the narrative it points to."""
    original = node.child("originalText")
    if original is None:
        return ""
    return original.text() or referenced_text(original)


def referenced_text(node: Node | None) -> str:
    """Return the narrative text a `reference` child points to, empty when it dangles.

    Spec: HL7 CDA R2 4.3.5.11; references are resolved by ID, never guessed.
    """
    reference = node.child("reference") if node is not None else None
    if node is None or reference is None:
        return ""
    return node.document.narrative(reference.get("value"))


@converter("concept")
def concept(node: Node, context: Context) -> Any:
    """Give a CodeableConcept: main code first, then translations, then the author's words."""
    codings = [
        found
        for part in (node, *node.children("translation"))
        if (found := coding_of(part, context))
    ]
    text = original_text(node) or node.get("displayName") or _said_by_translation(node)
    if not codings and not text:
        return None
    result: Json = {}
    if codings:
        result["coding"] = codings
    if text:
        result["text"] = text
    if any("system" not in found for found in codings):
        return Flawed(result, (code_without_system(node.place),))
    return result


def concept_of(node: Node | None, context: Context) -> Json | None:
    """Return the CodeableConcept of an element that is read elsewhere too, without its flaws."""
    made = concept(node, context) if node is not None else None
    return made.value if isinstance(made, Flawed) else made


def _said_by_translation(node: Node) -> str:
    """Return the words of the first translation that has some, for a code with a nullFlavor."""
    parts = node.children("translation")
    return next((text for part in parts if (text := original_text(part))), "")


def is_coded(type_: str) -> bool:
    """Tell whether a data type is a coded one."""
    return type_ in _CODED


@converter("concept_with_qualifiers")
def concept_with_qualifiers(node: Node, context: Context) -> Any:
    """Give a CodeableConcept whose qualifiers (laterality of a site) are further codings.

    Spec: HL7 CDA R2 CD.qualifier; CI-SIS FR-Problème, targetSiteCode.
    """
    made = concept(node, context)
    value = made.value if isinstance(made, Flawed) else made
    if value is None:
        return None
    for value_node in node.select("cda:qualifier/cda:value"):
        found = coding_of(value_node, context)
        if found is not None:
            value.setdefault("coding", []).append(found)
    return made


@converter("coding")
def coding(node: Node, context: Context) -> Any:
    """Give a Coding of the main code."""
    return coding_of(node, context)


@converter("text")
def text(node: Node, _context: Context) -> str | None:
    """Give the text with blanks collapsed; an element with nullFlavor gives nothing."""
    return node.text() or None


@converter("narrative")
def narrative(node: Node, _context: Context) -> str | None:
    """Give the narrative text an entry's `text` points to, or holds; None when it dangles."""
    return referenced_text(node) or lines(node) or None


@converter("boolean")
def boolean(node: Node, _context: Context) -> bool | None:
    """Give the value of a BL."""
    return {"true": True, "1": True, "false": False, "0": False}.get(
        node.text() or node.get("value")
    )


def quantity(node: Node, context: Context) -> Json | None:
    """Give a Quantity; UCUM is claimed only for the units of the table.

    Packages and dose forms have an EDQM code for a unit, and their name beside it.

    Spec: CI-SIS FR-Quantité-de-produit, quantity/@unit; HL7 FHIR R4 Quantity.
    """
    value = number(node.get("value"))
    if value is None:
        return None
    result: Json = {"value": value}
    unit = node.get("unit")
    if _EDQM_CODE.fullmatch(unit):
        said = _said_by_translation(node)
        return result | ({"unit": said} if said else {}) | {"system": EDQM, "code": unit}
    # `1` is UCUM for "no unit" and says nothing to a reader.
    if unit and unit != "1":
        result["unit"] = unit
        code = context.units.get(unit)
        if code:
            result |= {"system": UCUM, "code": code}
    return result


def number(text_: str) -> int | float | None:
    """Return a number as written; a decimal comma is read.

    Returns:
        None when it is none, or one that JSON cannot hold.
    """
    if not _NUMBER.fullmatch(text_):
        return None
    if set(text_) & set(".,eE"):
        real = float(text_.replace(",", "."))
        return real if isfinite(real) else None
    return int(text_) if len(text_) <= _MOST_DIGITS else None


def quantity_range(node: Node, context: Context) -> tuple[Json | None, Json | None]:
    """Return (quantity, range) of a PQ or IVL_PQ: equal bounds are one quantity.

    Spec: CI-SIS FR-Traitement, doseQuantity and rateQuantity with low and high.
    """
    if node.get("value"):
        return quantity(node, context), None
    low, high = node.child("low"), node.child("high")
    least = quantity(low, context) if low is not None else None
    most = quantity(high, context) if high is not None else None
    if least is None and most is None:
        return None, None
    if least == most:
        return least, None
    bounds = {"low": least, "high": most}
    return None, {key: value for key, value in bounds.items() if value is not None}


def ratio(node: Node, context: Context) -> Json | None:
    """Return a Ratio of an RTO; both parts must be there."""
    above, below = node.child("numerator"), node.child("denominator")
    numerator = quantity(above, context) if above is not None else None
    denominator = quantity(below, context) if below is not None else None
    if numerator is None or denominator is None:
        return None
    return {"numerator": numerator, "denominator": denominator}
