"""Clinical statements that were made or are true: problems, allergies, treatments, devices.

Planned acts are in `cda.followup`. CI-SIS content templates FR-Problème, FR-Allergie,
FR-Traitement, FR-Produit-de-santé, FR-Dispositif-médical, FR-Simple-Observation.
"""

from typing import Any

from gateway.cda.codes import (
    PERIOD_UNITS,
    concept,
    number,
    original_text,
    quantity,
    quantity_range,
    ratio,
    referenced_text,
)
from gateway.cda.contacts import date_time, period, stamp
from gateway.cda.context import Context
from gateway.cda.reader import Node
from gateway.cda.registry import converter
from gateway.core.contributions import Json
from gateway.mapping.converters import Flawed

_CLINICAL_STATUS = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_ALLERGY_CLINICAL = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
_ALLERGY_VERIFICATION = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"
_ACTIVE_CONCERNS = ("active", "suspended")


def _entry_id(type_: str) -> Any:
    def make(node: Node, context: Context) -> str | None:
        return context.making(type_, node)

    make.__doc__ = f"Give the id of the {type_} made from an entry."
    return make


condition_id = converter("condition_id")(_entry_id("Condition"))
statement_id = converter("medication_statement_id")(_entry_id("MedicationStatement"))
medication_request_id = converter("medication_request_id")(_entry_id("MedicationRequest"))
procedure_id = converter("procedure_id")(_entry_id("Procedure"))
observation_id = converter("observation_id")(_entry_id("Observation"))
device_id = converter("device_id")(_entry_id("Device"))
device_use_id = converter("device_use_id")(_entry_id("DeviceUseStatement"))


def is_negated(node: Node) -> bool:
    """Tell whether a statement says that something is not so; `false` is often written out."""
    return node.get("negationInd") == "true"


@converter("condition_clinical_status")
def condition_clinical_status(node: Node, _context: Context) -> Json | None:
    """Give the clinical status of the concern; none for a refuted problem (FHIR R4 con-4).

    Spec: IHE PCC 1.3.6.1.4.1.19376.1.5.3.1.4.5.1, statusCode of the concern act.
    """
    if is_negated(node):
        return None
    concern = node.above("act")
    status = concern.child("statusCode") if concern is not None else None
    if status is None:
        return None
    code = "active" if status.get("code") in _ACTIVE_CONCERNS else "resolved"
    return {"coding": [{"system": _CLINICAL_STATUS, "code": code}]}


@converter("condition_verification")
def condition_verification(node: Node, _context: Context) -> Json:
    """Give `refuted` for a negated problem, so that it is never read as present."""
    code = "refuted" if is_negated(node) else "confirmed"
    return {"coding": [{"system": _VERIFICATION, "code": code}]}


@converter("onset")
def onset(node: Node, context: Context) -> Any:
    """Give the start of an IVL_TS, or the point itself."""
    low = node.child("low")
    return date_time(low if low is not None else node, context)


@converter("end")
def end(node: Node, context: Context) -> Any:
    """Give the end of an IVL_TS."""
    high = node.child("high")
    return date_time(high, context) if high is not None else None


@converter("allergy_substance")
def allergy_substance(node: Node, context: Context) -> Any:
    """Give what the person reacts to: the substance, else the coded value, else the kind alone.

    An entry that says nothing but the kind, with a dangling or empty text, makes no resource:
    letters write "no allergy" that way.

    Spec: CI-SIS FR-Allergie-ou-hypersensibilité, participant CSM; JDV_AbsentOrUnknownAllergy.
    """
    substance = node.select(
        "cda:participant[@typeCode='CSM']/cda:participantRole/cda:playingEntity"
    )
    for entity in substance:
        code, name = entity.child("code"), entity.child("name")
        found = concept(code, context) if code is not None else None
        if found is not None:
            return found
        if name is not None and name.text():
            return {"text": name.text()}
    value = node.child("value")
    return concept(value, context) if value is not None else None


@converter("allergy_id")
def allergy_id(node: Node, context: Context) -> str | None:
    """Give the id of an AllergyIntolerance that names its substance, else nothing."""
    made = allergy_substance(node, context)
    said = made.value if isinstance(made, Flawed) else made
    return context.making("AllergyIntolerance", node) if said else None


@converter("allergy_clinical_status")
def allergy_clinical_status(node: Node, _context: Context) -> Json | None:
    """Give the clinical status of the concern, none when refuted (FHIR R4 ait-2)."""
    if is_negated(node):
        return None
    concern = node.above("act")
    status = concern.child("statusCode") if concern is not None else None
    # `completed` says that the entry is complete, not that the allergy is over.
    code = "inactive" if status is not None and status.get("code") == "aborted" else "active"
    return {"coding": [{"system": _ALLERGY_CLINICAL, "code": code}]}


@converter("allergy_verification")
def allergy_verification(node: Node, _context: Context) -> Json:
    """Give `refuted` for a negated allergy."""
    code = "refuted" if is_negated(node) else "confirmed"
    return {"coding": [{"system": _ALLERGY_VERIFICATION, "code": code}]}


@converter("reactions")
def reactions(node: Node, context: Context) -> list[Json]:
    """Give one reaction a manifestation.

    Spec: CI-SIS FR-Allergie-ou-hypersensibilité, entryRelationship MFST.
    """
    found: list[Json] = []
    for value in node.select("cda:entryRelationship[@typeCode='MFST']/cda:observation/cda:value"):
        made = concept(value, context)
        manifestation = made.value if isinstance(made, Flawed) else made
        if manifestation:
            found.append({"manifestation": [manifestation]})
    return found


@converter("medication")
def medication(node: Node, context: Context) -> Any:
    """Give the product: its codes, and its name as text when the author wrote nothing else.

    Spec: CI-SIS FR-Produit-de-santé, manufacturedMaterial: CIS, then CIP and ATC translations.
    """
    code, name = node.child("code"), node.child("name")
    made = concept(code, context) if code is not None else None
    value: Json | None = made.value if isinstance(made, Flawed) else made
    named = name.text() if name is not None else ""
    if value is None:
        return {"text": named} if named else None
    if named and (code is None or not original_text(code)):
        value["text"] = named
    return made


@converter("treatment_period")
def treatment_period(node: Node, context: Context) -> Any:
    """Give the period of a treatment: its first effectiveTime.

    Spec: CI-SIS FR-Traitement, effectiveTime[1] of type IVL_TS.
    """
    first = node.child("effectiveTime")
    return period(first, context) if first is not None and not _is_frequency(first) else None


@converter("dosage")
def dosage(node: Node, context: Context) -> Json | None:
    """Give the dosage of a treatment: text, frequency, route, dose, rate, maximum.

    Spec: CI-SIS FR-Traitement; FHIR R4 Dosage.
    """
    found: Json = {}
    text = referenced_text(node.child("text"))
    if text:
        found["text"] = text
    for times in node.children("effectiveTime"):
        repeat = _repeat(times) if _is_frequency(times) else None
        if repeat:
            found["timing"] = {"repeat": repeat}
    route = node.child("routeCode")
    made = concept(route, context) if route is not None else None
    if made is not None:
        found["route"] = made.value if isinstance(made, Flawed) else made
    dose = _dose_and_rate(node, context)
    if dose:
        found["doseAndRate"] = [dose]
    most = node.child("maxDoseQuantity")
    limit = ratio(most, context) if most is not None else None
    if limit:
        found["maxDosePerPeriod"] = limit
    return found or None


def _is_frequency(node: Node) -> bool:
    return node.get("operator") == "A" or node.type in ("PIVL_TS", "EIVL_TS", "SXPR_TS")


def _repeat(node: Node) -> Json | None:
    """Return how often, for a PIVL_TS in a unit of time FHIR knows."""
    length = node.child("period")
    if length is None:
        return None
    value, unit = number(length.get("value")), length.get("unit")
    if not value or unit not in PERIOD_UNITS:
        return None
    return {"frequency": 1, "period": value, "periodUnit": unit}


def _dose_and_rate(node: Node, context: Context) -> Json:
    found: Json = {}
    dose, rate = node.child("doseQuantity"), node.child("rateQuantity")
    if dose is not None:
        exact, between = quantity_range(dose, context)
        if exact:
            found["doseQuantity"] = exact
        elif between:
            found["doseRange"] = between
    if rate is not None:
        exact, between = quantity_range(rate, context)
        if exact:
            found["rateQuantity"] = exact
        elif between:
            found["rateRange"] = between
    return found


@converter("value_text")
def value_text(node: Node, _context: Context) -> str | None:
    """Give a value of type ST or ED."""
    return (node.text() or None) if node.type in ("ST", "ED", "") and not node.get("code") else None


@converter("value_boolean")
def value_boolean(node: Node, _context: Context) -> bool | None:
    """Give a value of type BL."""
    if node.type != "BL":
        return None
    return {"true": True, "false": False}.get(node.get("value"))


@converter("value_concept")
def value_concept(node: Node, context: Context) -> Any:
    """Give a coded value."""
    return concept(node, context) if node.type in ("CD", "CE", "CO", "CV") else None


@converter("value_quantity")
def value_quantity(node: Node, context: Context) -> Json | None:
    """Give a value of type PQ."""
    return quantity(node, context) if node.type == "PQ" else None


@converter("value_integer")
def value_integer(node: Node, _context: Context) -> int | None:
    """Give a value of type INT."""
    value = number(node.get("value")) if node.type == "INT" else None
    return value if isinstance(value, int) else None


@converter("value_date_time")
def value_date_time(node: Node, _context: Context) -> str | None:
    """Give a value of type TS; letters write dates as EIVL_TS too."""
    found = stamp(node) if node.type in ("TS", "EIVL_TS", "IVL_TS") else None
    return None if found is None else found.text_fhir


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
