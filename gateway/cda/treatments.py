"""Treatments and vaccinations: the product, why it is given, what is dispensed.

How it is taken is in `cda.dosage`. CI-SIS content templates FR-Traitement, FR-Produit-de-santé,
FR-Prescription, FR-Item-Plan-traitement; IHE PRE (Pharmacy Prescription).
"""

from typing import Any

from gateway.cda.codes import (
    ABSENT_UNKNOWN,
    coding_of,
    concept,
    number,
    quantity,
    ratio,
)
from gateway.cda.context import Context
from gateway.cda.dosage import COMBINED, told_in
from gateway.cda.entries import parts_of, statement_around
from gateway.cda.reader import Node
from gateway.cda.registry import converter
from gateway.cda.timing import is_frequency, span_of
from gateway.core.contributions import Json
from gateway.core.systems import IDENTIFIER_BASE
from gateway.mapping.converters import Flawed

_MATERIAL = ("consumable", "manufacturedProduct", "manufacturedMaterial")
_ABSENT_REASON = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_ABSENT_PRODUCT: Json = {"extension": [{"url": _ABSENT_REASON, "valueCode": "unknown"}]}
_DISPENSER = "1.2.250.1.213.1.1.3.34"
_SUPPLY = "1.2.250.1.213.1.1.3.86"
_SUBSTITUTION = "1.2.250.1.213.1.1.3.87"


def material_of(node: Node) -> Node | None:
    """Return the product of a treatment or vaccination."""
    return node.down(*_MATERIAL)


@converter("medication_statement_id")
def medication_statement_id(node: Node, context: Context) -> str | None:
    """Give the id of the MedicationStatement of a treatment; a step of one is a Dosage of it."""
    return context.making("MedicationStatement", node) if _is_treatment(node) else None


@converter("medication_request_id")
def medication_request_id(node: Node, context: Context) -> str | None:
    """Give the id of the MedicationRequest of a treatment or vaccination that is planned."""
    return context.making("MedicationRequest", node) if _is_treatment(node) else None


@converter("medication_id")
def medication_id(node: Node, context: Context) -> str | None:
    """Give the id of the Medication of a treatment whose product is described in detail."""
    described = _is_treatment(node) and _is_described(node)
    return context.entry_id("Medication", node) if described else None


def _is_treatment(node: Node) -> bool:
    """Tell a treatment from a step of one: inside another it is one only in a combination.

    Spec: IHE PCC 6.3.4.16, 1.3.6.1.4.1.19376.1.5.3.1.4.11 combination medications.
    """
    around = statement_around(node)
    return around is None or around.has_template(COMBINED)


@converter("combined_statement")
def combined_statement(node: Node, context: Context) -> Json | None:
    """Give the treatment a product is a part of, for products given together."""
    around = statement_around(node)
    found = context.entry_id("MedicationStatement", around) if around is not None else None
    return {"reference": f"MedicationStatement/{found}"} if found else None


@converter("combined_request")
def combined_request(node: Node, context: Context) -> Json | None:
    """Give what products that are ordered together have in common: the id of their treatment."""
    whole = node if node.has_template(COMBINED) else statement_around(node)
    found = context.entry_id("MedicationRequest", whole) if whole is not None else None
    system = f"{IDENTIFIER_BASE}/combined-treatment"
    return {"system": system, "value": found} if found else None


@converter("section_code")
def section_code(node: Node, _context: Context) -> str | None:
    """Give the code of the section an entry stands in.

    Spec: LDL-SES, LDL-EES: the section tells whether a treatment goes on.
    """
    section = node.above("section")
    code = section.child("code") if section is not None else None
    return code.get("code") or None if code is not None else None


def _is_described(node: Node) -> bool:
    """Tell whether a code is not enough for a product: it has a form, ingredients or a lot.

    Spec: IHE PRE 6.3.4.1 pharm:formCode, pharm:ingredient; CDA R2 lotNumberText.
    """
    material = material_of(node)
    if material is None:
        return False
    lot = material.child("lotNumberText")
    if lot is not None and lot.text():
        return True
    return bool(material.select("pharm:formCode[@code]") or material.select("pharm:ingredient"))


@converter("medication")
def medication(node: Node, context: Context) -> Any:
    """Give the product: its codes, and its name as text.

    The words an author wrote beside the code are often a whole line, dose included; they are the
    text when the product has no name.

    Spec: CI-SIS FR-Produit-de-santé, manufacturedMaterial: CIS, then CIP and ATC translations;
    IHE PRE pharm:asSpecializedKind, the class it belongs to.
    """
    code, name = node.child("code"), node.child("name")
    made = concept(code, context) if code is not None else None
    value: Json | None = made.value if isinstance(made, Flawed) else made
    kinds = [
        coding
        for kind in node.select("pharm:asSpecializedKind/pharm:generalizedMedicineClass/pharm:code")
        if (coding := coding_of(kind, context))
    ]
    named = name.text() if name is not None else ""
    if value is None and not kinds:
        return {"text": named} if named else None
    value = {} if value is None else value
    if kinds:
        value["coding"] = [*value.get("coding", ()), *kinds]
    if named:
        value["text"] = named
    return Flawed(value, made.issues) if isinstance(made, Flawed) else value


@converter("medication_concept")
def medication_concept(node: Node, context: Context) -> Any:
    """Give the product of a treatment that has no Medication of its own.

    The statement itself says by its code that no treatment is known; a product that is not named
    is said to be unknown, because the times of its last dose are told all the same.

    Spec: CI-SIS FR-Produit-de-santé; JDV_AbsentOrUnknownMedication; FHIR R4
    MedicationStatement.medication[x] 1..1.
    """
    if _is_described(node):
        return None
    code, material = node.child("code"), material_of(node)
    if code is not None and code.get("codeSystem") == ABSENT_UNKNOWN:
        return concept(code, context)
    made = medication(material, context) if material is not None else None
    return made or _ABSENT_PRODUCT


@converter("medication_reference")
def medication_reference(node: Node, context: Context) -> Json | None:
    """Give a reference to the Medication made of the same treatment."""
    found = context.entry_id("Medication", node) if _is_described(node) else None
    return {"reference": f"Medication/{found}"} if found else None


@converter("ingredients")
def ingredients(node: Node, context: Context) -> list[Json]:
    """Give the substances of a product with their strength.

    Spec: IHE PRE 6.3.4.1, pharm:ingredient/pharm:quantity and pharm:ingredient/pharm:code.
    """
    found = []
    for part in node.select("pharm:ingredient"):
        substance = next(iter(part.select("pharm:ingredient")), None)
        coded = next(iter(substance.select("pharm:code")), None) if substance is not None else None
        made = concept(coded, context) if coded is not None else None
        item = made.value if isinstance(made, Flawed) else made
        if item is None and substance is not None:
            name = next((n.text() for n in substance.select("pharm:name") if n.text()), "")
            item = {"text": name} if name else None
        if item is None:
            continue
        entry: Json = {"itemCodeableConcept": item}
        if part.get("classCode") == "ACTI":
            entry["isActive"] = True
        strength = next(
            (s for n in part.select("pharm:quantity") if (s := ratio(n, context))), None
        )
        if strength:
            entry["strength"] = strength
        found.append(entry)
    return found


@converter("treatment_period")
def treatment_period(node: Node, context: Context) -> Any:
    """Give the period of a treatment: its first effectiveTime.

    Spec: CI-SIS FR-Traitement, effectiveTime[1] of type IVL_TS.
    """
    first = node.child("effectiveTime")
    return span_of(first, context) if first is not None and not is_frequency(first) else None


@converter("reason_codes")
def reason_codes(node: Node, context: Context) -> list[Any]:
    """Give why something is done: the code of the problem it points to, or an observed reason.

    Spec: CI-SIS FR-Référence-interne, entryRelationship RSON, act/code; FR-Acte, RSON.
    """
    said = node.select("cda:entryRelationship[@typeCode='RSON']/cda:act/cda:code")
    said += node.select("cda:entryRelationship[@typeCode='RSON']/cda:observation/cda:value")
    return [made for coded in said if (made := concept(coded, context))]


# --- what is dispensed ------------------------------------------------------------------------


@converter("repeats_allowed")
def repeats_allowed(node: Node, _context: Context) -> int | None:
    """Give how often a prescription may be dispensed again.

    Spec: CI-SIS FR-Prescription, repeatNumber.
    """
    value = number(node.get("value"))
    return value if isinstance(value, int) and value >= 0 else None


@converter("dispensed_quantity")
def dispensed_quantity(node: Node, context: Context) -> Json | None:
    """Give how much is to be dispensed.

    Spec: CI-SIS FR-Quantité-de-produit, supply RQO, quantity with an EDQM unit.
    """
    for part in parts_of(node):
        measure = part.child("quantity") if part.has_template(_SUPPLY) else None
        found = quantity(measure, context) if measure is not None else None
        if found:
            return found
    return None


@converter("substitution")
def substitution(node: Node, context: Context) -> Any:
    """Give whether another product may be dispensed instead, as coded.

    Spec: CI-SIS FR-Autorisation-substitution, act DEF, code substanceAdminSubstitution.
    """
    for part in parts_of(node):
        code = part.child("code") if part.has_template(_SUBSTITUTION) else None
        found = concept(code, context) if code is not None else None
        if found:
            return found
    return None


@converter("dispenser_notes")
def dispenser_notes(node: Node, _context: Context) -> list[Json]:
    """Give what is told to the dispenser.

    Spec: CI-SIS FR-Instructions-au-dispensateur, code FINSTRUCT.
    """
    return [{"text": text} for text in told_in(node, _DISPENSER)]
