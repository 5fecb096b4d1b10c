"""Devices, and the values of observations.

Hierarchies of results are in `cda.findings`. CI-SIS content templates FR-Dispositif-médical,
FR-Simple-Observation.
"""

from typing import Any

from gateway.cda.codes import (
    concept,
    concept_of,
    is_coded,
    number,
    quantity,
    quantity_range,
    ratio,
    referenced_text,
)
from gateway.cda.contacts import date_time, period, stamp
from gateway.cda.context import Context
from gateway.cda.narrative import lines
from gateway.cda.reader import Node
from gateway.cda.registry import converter
from gateway.core.contributions import Json
from gateway.mapping.converters import Flawed


def _entry_id(type_: str) -> Any:
    def make(node: Node, context: Context) -> str | None:
        return context.making(type_, node)

    make.__doc__ = f"Give the id of the {type_} made from an entry."
    return make


device_id = converter("device_id")(_entry_id("Device"))
device_use_id = converter("device_use_id")(_entry_id("DeviceUseStatement"))


@converter("observation_id")
def observation_id(node: Node, context: Context) -> str | None:
    """Give the id of the Observation of a statement that has a code (FHIR R4 code 1..1)."""
    named = concept_of(node.child("code"), context)
    return context.making("Observation", node) if named else None


@converter("procedure_id")
def procedure_id(node: Node, context: Context) -> str | None:
    """Give the id of the Procedure of an act that is named; an empty shell gives nothing.

    Spec: CI-SIS FR-Acte, code; a nullFlavor never becomes a resource.
    """
    code, text = node.child("code"), node.child("text")
    named = concept(code, context) if code is not None else None
    said = named or (text is not None and referenced_text(text))
    return context.making("Procedure", node) if said else None


@converter("implanted")
def implanted(node: Node, context: Context) -> Any:
    """Give when a device was implanted, when its own time is not said.

    Spec: CI-SIS FR-Dispositif-médical, performer/time.
    """
    own, times = node.child("effectiveTime"), node.select("cda:performer/cda:time")
    known = period(own, context) if own is not None else None
    said = known.value if isinstance(known, Flawed) else known
    return date_time(times[0], context) if times and not said else None


@converter("device_request_id")
def device_request_id(node: Node, context: Context) -> str | None:
    """Give the id of the DeviceRequest of an order that says of what (FHIR R4 code[x] 1..1)."""
    return context.making("DeviceRequest", node) if ordered_device(node, context) else None


@converter("ordered_device")
def ordered_device(node: Node, context: Context) -> Any:
    """Give what is ordered: the code of the device, else the name of its model.

    Spec: CI-SIS FR-Dispositif-médical, playingDevice.
    """
    device = node.select("cda:participant[@typeCode='DEV']/cda:participantRole/cda:playingDevice")
    if not device:
        return None
    code, name = device[0].child("code"), device[0].child("manufacturerModelName")
    made = concept(code, context) if code is not None else None
    named = {"text": name.text()} if name is not None and name.text() else None
    return made if made is not None else named


@converter("device_parameters")
def device_parameters(node: Node, context: Context) -> list[Json]:
    """Give how many of a device are ordered, how often again, and for how long.

    Spec: CI-SIS FR-Dispositif-médical, quantity, repeatNumber, expectedUseTime.
    """
    measures = (
        ("quantity", node.child("quantity")),
        ("repeats", node.child("repeatNumber")),
        ("expected use time", node.down("expectedUseTime", "width")),
    )
    found = []
    for name, measure in measures:
        value = quantity(measure, context) if measure is not None else None
        if value:
            found.append({"code": {"text": name}, "valueQuantity": value})
    return found


@converter("value_text")
def value_text(node: Node, _context: Context) -> str | None:
    """Give a value of type ST or ED; the bytes of a file are no words."""
    is_text = node.type in ("ST", "ED") and node.get("representation") != "B64"
    return lines(node) or None if is_text else None


@converter("value_boolean")
def value_boolean(node: Node, _context: Context) -> bool | None:
    """Give a value of type BL."""
    is_boolean = node.type == "BL"
    return {"true": True, "false": False}.get(node.get("value")) if is_boolean else None


@converter("value_concept")
def value_concept(node: Node, context: Context) -> Any:
    """Give a coded value."""
    return concept(node, context) if is_coded(node.type) else None


@converter("value_quantity")
def value_quantity(node: Node, context: Context) -> Json | None:
    """Give a value of type PQ, or REAL, which has no unit."""
    return quantity(node, context) if node.type in ("PQ", "REAL") else None


@converter("single_quantity")
def single_quantity(node: Node, context: Context) -> Json | None:
    """Give a quantity whose bounds are equal, or that has none."""
    return quantity_range(node, context)[0]


@converter("value_integer")
def value_integer(node: Node, _context: Context) -> int | None:
    """Give a value of type INT."""
    value = number(node.get("value")) if node.type == "INT" else None
    return value if isinstance(value, int) else None


@converter("value_range")
def value_range(node: Node, context: Context) -> Json | None:
    """Give a value of type IVL_PQ with two bounds.

    One bound alone is a Quantity with a comparator.

    Spec: CDA R2 IVL_PQ; FHIR R4 Observation.valueRange.
    """
    if node.type != "IVL_PQ":
        return None
    exact, between = quantity_range(node, context)
    full = between is not None and len(between) == 2 and not exact
    return between if full else None


@converter("value_compared")
def value_compared(node: Node, context: Context) -> Json | None:
    """Give a value of type IVL_PQ with one bound, or with two equal ones.

    Spec: CDA R2 IVL_PQ, low and high with inclusive; FHIR R4 Quantity.comparator.
    """
    if node.type != "IVL_PQ":
        return None
    exact, between = quantity_range(node, context)
    if exact or between is None or len(between) != 1:
        return exact
    bound = "low" if "low" in between else "high"
    limit = node.child(bound)
    inclusive = limit is None or limit.get("inclusive") != "false"
    comparator = {"low": ">", "high": "<"}[bound] + ("=" if inclusive else "")
    return {**between[bound], "comparator": comparator}


@converter("value_ratio")
def value_ratio(node: Node, context: Context) -> Json | None:
    """Give a value of type RTO."""
    return ratio(node, context) if node.type.startswith("RTO") else None


@converter("value_date_time")
def value_date_time(node: Node, _context: Context) -> str | None:
    """Give a value of type TS; letters write dates as EIVL_TS too."""
    found = stamp(node) if node.type in ("TS", "EIVL_TS", "IVL_TS") else None
    return None if found is None else found.text_fhir


@converter("value_period")
def value_period(node: Node, context: Context) -> Any:
    """Give a value of type IVL_TS with bounds."""
    return period(node, context) if node.type == "IVL_TS" and not node.get("value") else None


@converter("device_reference")
def device_reference(node: Node, context: Context) -> Json | None:
    """Give a reference to the Device of the same supply entry."""
    found = context.entry_id("Device", node)
    return {"reference": f"Device/{found}"} if found else None


@converter("udi")
def udi(node: Node, _context: Context) -> str | None:
    """Give the human-readable UDI: application identifiers in parentheses.

    Spec: CI-SIS FR-Dispositif-médical, participantRole/id, `{01}...{17}...`; GS1 general
    specifications; the root may be anything.
    """
    text = node.get("extension")
    return text.replace("{", "(").replace("}", ")") if text.startswith("{") else None
