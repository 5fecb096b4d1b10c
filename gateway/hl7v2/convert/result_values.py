"""What an OBX measures: its value by the type OBX-2 announces, its unit, its reference range.

A value that is not of its type is kept as text, as sent; nothing is rounded, converted or guessed.
Standard: HL7 v2.5 7.4.2.2 (OBX-2, table 0125), 7.4.2.5 to 7.4.2.8 (OBX-5 to OBX-8).
"""

import re
from typing import Any

from gateway.core.contributions import Json
from gateway.hl7v2.context import Context
from gateway.hl7v2.convert.codes import coded
from gateway.hl7v2.convert.dates import stamp
from gateway.hl7v2.convert.table import converter
from gateway.hl7v2.message import Node, Segment
from gateway.hl7v2.result_refusals import no_ucum
from gateway.hl7v2.results import CODED, DATES, NUMBER, PLAIN_NUMBER, STRUCTURED, TIME, clock
from gateway.hl7v2.ucum import is_ucum
from gateway.mapping.converters import Flawed

UCUM = "http://unitsofmeasure.org"
#: How many digits were written behind the point: JSON numbers lose the last zeros.
_PRECISION = "http://hl7.org/fhir/StructureDefinition/quantity-precision"
_UNITS = "ucum-units"
_DECLARED = "UCUM"
_COMPARED = re.compile(r"(<=|>=|<|>)\s*([0-9]+(?:[.,][0-9]+)?)")
_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_RANGE = re.compile(r"(-?[0-9]+(?:[.,][0-9]+)?)\s*(?:-|\u2013|à)\s*(-?[0-9]+(?:[.,][0-9]+)?)")
#: SN.1 to the comparator of a Quantity; `=` and nothing say equal.
_COMPARATORS = {"<": "<", "<=": "<=", ">": ">", ">=": ">=", "=": "", "": ""}
#: More digits than a measurement has; a JSON number would change them.
_DIGITS = 15

#: Element of the value, the value, and what is wrong with it.
Value = tuple[str, Any]


def value_of(node: Node, kind: str, unit: Json) -> Value:
    """Return the element of Observation that a value belongs in, `valueQuantity`, and the value.

    Args:
        node: one repetition of OBX-5.
        kind: OBX-2.
        unit: of OBX-6, as parts of a Quantity.

    Spec: HL7 v2.5 7.4.2.2 (OBX-2, table 0125), 7.4.2.5 (OBX-5).
    """
    if kind == NUMBER:
        found = _measured(node.component(1).strip(), unit)
        return ("valueQuantity", found) if found else _as_text(node)
    if kind == STRUCTURED:
        return _structured(node, unit)
    text = node.text()
    if kind in DATES:
        found_stamp = stamp(text)
        return ("valueDateTime", found_stamp.text_fhir) if found_stamp else _as_text(node)
    if kind == TIME:
        time = clock(text)
        return ("valueTime", time) if time else _as_text(node)
    return _as_text(node)


def _as_text(node: Node) -> Value:
    """Return a value as it was sent, its components side by side."""
    parts = [node.component(number) for number in range(1, 11)]
    return "valueString", " ".join(part for part in parts if part)


def _quantity(text: str, unit: Json) -> Json | None:
    """Return a Quantity of a plain number, None when JSON would not keep its digits."""
    digits = text.lstrip("+-").replace(".", "").lstrip("0")
    if not PLAIN_NUMBER.fullmatch(text) or len(digits) > _DIGITS:
        return None
    whole, _, fraction = text.partition(".")
    found: Json = {"value": float(text) if fraction else int(whole)}
    if fraction.endswith("0"):
        found["_value"] = {"extension": [{"url": _PRECISION, "valueInteger": len(fraction)}]}
    return found | unit


def _measured(text: str, unit: Json) -> Json | None:
    """Return a Quantity of what an NM holds: a decimal comma and a comparator are understood."""
    if _COMMA.fullmatch(text):
        return _quantity(text.replace(",", "."), unit)
    compared = _COMPARED.fullmatch(text)
    if compared is None:
        return _quantity(text, unit)
    found = _quantity(compared[2].replace(",", "."), unit)
    return found and {**found, "comparator": compared[1]}


def _structured(node: Node, unit: Json) -> Value:
    """Return an SN: a number with its comparator, a range, a ratio, else text.

    Spec: HL7 v2.5 2.A.71 (SN).
    """
    sign, first, link, second = (node.component(number).strip() for number in (1, 2, 3, 4))
    if sign not in _COMPARATORS:
        return _as_text(node)
    if not link and not second:
        found = _quantity(first, unit)
        if found is None:
            return _as_text(node)
        comparator = _COMPARATORS[sign]
        return "valueQuantity", {**found, "comparator": comparator} if comparator else found
    bounds = _quantity(first, unit), _quantity(second, unit)
    if None in bounds or _COMPARATORS[sign]:
        return _as_text(node)
    if link == "-":
        return "valueRange", {"low": bounds[0], "high": bounds[1]}
    if link in (":", "/"):
        ratio = _quantity(first, {}), _quantity(second, {})
        return "valueRatio", {"numerator": ratio[0], "denominator": ratio[1]}
    return _as_text(node)


def unit_of(obx: Segment, context: Context) -> Flawed:
    """Return the unit of a result as parts of a Quantity.

    The unit is kept as sent; a UCUM code is claimed where the sender says that it is one and it
    is written so, else only where the table has the unit.

    Spec: HL7 v2.5 7.4.2.6 (OBX-6); UCUM 2.1.
    """
    node = obx.node(6)
    if node is None or node.is_null:
        return Flawed({}, ())
    code, label = node.component(1), node.component(2)
    shown = label or code
    if not shown:
        return Flawed({}, ())
    unit: Json = {"unit": shown}
    if node.component(3).upper() == _DECLARED and code:
        if is_ucum(code):
            return Flawed(unit | {"system": UCUM, "code": code}, ())
        return Flawed(unit, (no_ucum(node.place),))
    local = context.site.local_codes.get(_UNITS, {})
    for text in (code, label):
        found = local.get(text) or context.units.get(text, "")
        if found:
            return Flawed(unit | {"system": UCUM, "code": found}, ())
    return Flawed(unit, ())


def _of_element(obx: Segment, context: Context, element: str) -> Any:
    """Return the value of a result when it belongs in this element; of several none does."""
    nodes = [node for node in obx.nodes(5) if not node.is_null]
    if len(nodes) != 1:
        return None
    found, value, issues = _value(nodes[0], obx, context)
    if found != element:
        return None
    return Flawed(value, issues) if issues else value


def _value(node: Node, obx: Segment, context: Context) -> tuple[str, Any, tuple[Any, ...]]:
    kind = obx.field(2).upper()
    if kind in CODED:
        return "valueCodeableConcept", coded(node, context), ()
    unit = unit_of(obx, context)
    element, value = value_of(node, kind, unit.value)
    return element, value, unit.issues if "Quantity" in element or "Range" in element else ()


@converter("result_quantity", reads=("OBX-2", "OBX-5", "OBX-6"))
def result_quantity(obx: Segment, context: Context) -> Any:
    """Return what was measured, of an NM or an SN of one number.

    Spec: HL7 v2.5 2.A.46 (NM), 2.A.71 (SN), 7.4.2.6 (OBX-6).
    """
    return _of_element(obx, context, "valueQuantity")


@converter("result_range", reads=("OBX-2", "OBX-5", "OBX-6"))
def result_range(obx: Segment, context: Context) -> Any:
    """Return an SN of two bounds.

    Spec: HL7 v2.5 2.A.71 (SN, `1-2`).
    """
    return _of_element(obx, context, "valueRange")


@converter("result_ratio", reads=("OBX-2", "OBX-5"))
def result_ratio(obx: Segment, context: Context) -> Any:
    """Return an SN of a ratio, such as a titre.

    Spec: HL7 v2.5 2.A.71 (SN, `1:128`).
    """
    return _of_element(obx, context, "valueRatio")


@converter("result_concept", reads=("OBX-2", "OBX-5"))
def result_concept(obx: Segment, context: Context) -> Any:
    """Return a coded result.

    Spec: HL7 v2.5 2.A.13 (CE), 2.A.20 (CWE), 2.A.10 (CNE).
    """
    return _of_element(obx, context, "valueCodeableConcept")


@converter("result_text", reads=("OBX-2", "OBX-5"))
def result_text(obx: Segment, context: Context) -> Any:
    """Return a result in words, and whatever is not of the type it is announced as.

    Spec: HL7 v2.5 2.A.72 (ST), 2.A.79 (TX), 2.A.31 (FT).
    """
    return _of_element(obx, context, "valueString")


@converter("result_date", reads=("OBX-2", "OBX-5"))
def result_date(obx: Segment, context: Context) -> Any:
    """Return a result that is a date or an instant, precision as sent.

    Spec: HL7 v2.5 2.A.21 (DT), 2.A.77 (TS).
    """
    return _of_element(obx, context, "valueDateTime")


@converter("result_time", reads=("OBX-2", "OBX-5"))
def result_time(obx: Segment, context: Context) -> Any:
    """Return a result that is a time of day.

    Spec: HL7 v2.5 2.A.75 (TM).
    """
    return _of_element(obx, context, "valueTime")


@converter("result_components", reads=("OBX-2", "OBX-3", "OBX-5", "OBX-6"))
def result_components(obx: Segment, context: Context) -> Any:
    """Return the values of a result that has several, each as a part of it.

    Spec: HL7 v2.5 7.4.2.5 (OBX-5 repeats); FHIR R4 Observation.component, obs-7.
    """
    nodes = [node for node in obx.nodes(5) if not node.is_null]
    name = obx.node(3)
    if len(nodes) < 2 or name is None:
        return None
    code = coded(name, context)
    members: list[Json] = []
    issues: tuple[Any, ...] = ()
    for node in nodes:
        element, value, issues = _value(node, obx, context)
        if value:
            members.append({"code": code, element: value})
    return Flawed(members, issues)


@converter("reference_range", reads=("OBX-6",))
def reference_range(node: Node, context: Context) -> Any:
    """Return a reference range as sent, with the bounds that can be read from it.

    Spec: HL7 v2.5 7.4.2.7 (OBX-7: `lower-upper`, `< upper`, `> lower`, or words).
    """
    text = node.text().strip()
    if not text:
        return None
    found: Json = {"text": text}
    unit = unit_of(node.segment, context).value
    between, compared = _RANGE.fullmatch(text), _COMPARED.fullmatch(text)
    if between is not None:
        bounds = {"low": between[1], "high": between[2]}
    elif compared is not None and len(compared[1]) == 1:
        bounds = {"high" if compared[1] == "<" else "low": compared[2]}
    else:
        bounds = {}
    for side, number in bounds.items():
        quantity = _quantity(number.replace(",", "."), unit)
        if quantity:
            found[side] = quantity
    return found
