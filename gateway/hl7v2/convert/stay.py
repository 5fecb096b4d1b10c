"""The stay, its movements and its account: PV1, PV2, ZBE, ZFM, PID-18."""

import re
from typing import Any

from gateway.core.contributions import Json
from gateway.core.issues import Issue
from gateway.core.systems import FHIR_BASE, IDENTIFIER_BASE
from gateway.hl7v2 import faults
from gateway.hl7v2.authorities import system_of
from gateway.hl7v2.classes import class_coding, classify
from gateway.hl7v2.context import Context
from gateway.hl7v2.convert.dates import date_text
from gateway.hl7v2.convert.table import FR_SYSTEM, V2_SYSTEM, V3_SYSTEM, converter
from gateway.hl7v2.convert.tables import TABLES, table_coding
from gateway.hl7v2.encounters import EXPECTED_DISCHARGE
from gateway.hl7v2.message import Node, Segment
from gateway.hl7v2.way_out import PMSI
from gateway.mapping.converters import REMOVED, Flawed, Removed

ARRIVAL_MODE = "http://hl7.org/fhir/StructureDefinition/encounter-modeOfArrival"
_NUMBER_TYPES = f"{FR_SYSTEM}fr-core-cs-identifier-type"
VISIT_NUMBER: Json = {"coding": [{"system": _NUMBER_TYPES, "code": "VN"}]}
MOVEMENT_NUMBER: Json = {"coding": [{"system": _NUMBER_TYPES, "code": "MN"}]}
_PREADMISSION: Json = {
    "coding": [{"system": f"{FHIR_BASE}/CodeSystem/identifier-type", "code": "PREADM"}]
}
ACCOUNT_NUMBER: Json = {
    "coding": [{"system": f"{V2_SYSTEM}0203", "code": "AN", "display": "Account number"}]
}
#: ZFM-1 to ZFM-5.
_PMSI_PARTS = ("modeEntree", "modeSortie", "provenance", "destination", "passageUrgences")
_PMSI_CODE = re.compile(r"[0-9A-Z]", re.ASCII)


@converter("stay_id", reads=("PV1-19", "PID-18"))
def stay_id(_source: object, context: Context) -> Any:
    """Return the id of the stay: of PV1-19, else of PID-18; nothing without visit.

    Spec: PAM France 2.11 5.1, 6.10 (PV1-19).
    """
    return context.visit.id if context.visit else None


@converter("visit_number", reads=("PV1-19", "PID-18"))
def visit_number(_source: object, context: Context) -> Any:
    """Return the visit number.

    Spec: PAM France 2.11 6.10 (PV1-19); FR Core fr-core-encounter, identifier VN.
    """
    if context.visit is None:
        return None
    return {"type": VISIT_NUMBER, "system": context.visit.system, "value": context.visit.number}


@converter("preadmission_number")
def preadmission_number(node: Node, context: Context) -> Any:
    """Return the pre-admission number as a second identifier of the stay.

    The place FR Core foresees fixes its system to a text no number can have.
    Spec: PAM France 2.11 6.10 (PV1-5).
    """
    value = node.component(1)
    if not value or node.is_null:
        return None
    return {"type": _PREADMISSION, "system": cx_domain("visit", node, context), "value": value}


def cx_domain(kind: Any, node: Node, context: Context) -> str:
    """Return the domain of a number (CX): `ipp`, `nda` or `visit`."""
    return context.site.domain(
        kind,
        node.component(4, 1),
        node.component(4, 2),
        node.component(4, 3),
        facility=context.facility,
    )


@converter("movement_identifier")
def movement_identifier(node: Node, context: Context) -> Any:
    """Return a movement number; every repetition of ZBE-1 names the same movement.

    Spec: PAM France 2.11 6.13.1 (ZBE-1); FR Core fr-core-encounter, identifier MN.
    """
    value = node.component(1)
    if not value:
        return None
    system = system_of(
        "movement", node.component(2), node.component(3), node.component(4), context.site
    )
    return {
        "type": MOVEMENT_NUMBER,
        "system": system or f"{IDENTIFIER_BASE}/movement/{context.finess or 'unknown'}",
        "value": value,
    }


@converter("admission_type", of_text=True)
def admission_type(node: Node, context: Context) -> Any:
    """Return the kind of admission: HL7 table 0007, or one of the two French additions.

    Spec: PAM France 2.11 6.10 (PV1-4); FR Core encounter type.
    """
    if node.is_null:
        return REMOVED
    return {"coding": [table_coding("0007", node.text(), "PV1-4", context)]}


@converter("service_type", of_text=True)
def service_type(node: Node, context: Context) -> Any:
    """Return the discipline médico-tarifaire, without the zeros that fill it up to three digits.

    Spec: PAM France 2.11 6.10 (PV1-10), annex 7.2; FR Core fr-core-cs-discipline-prestation.
    """
    if node.is_null:
        return REMOVED
    code = node.text()
    bare = code.lstrip("0")
    known = bare if bare in TABLES["0069"].french else code
    return {"coding": [table_coding("0069", known, "PV1-10", context)]}


@converter("admit_source_v2", of_text=True)
def admit_source_v2(node: Node, context: Context) -> Any:
    """Return the source coding of the admit source; the mapped one follows it.

    Spec: PAM France 2.11 6.10 (PV1-14), HL7 table 0023.
    """
    return None if node.is_null else table_coding("0023", node.text(), "PV1-14", context)


@converter("discharge_circumstance", of_text=True)
def discharge_circumstance(node: Node, context: Context) -> Any:
    """Return why the patient left; it does not tell where to.

    Spec: PAM France 2.11 6.10 (PV1-36), table 0112; FR Core fr-core-cs-circonstances-sortie.
    """
    if node.is_null:
        return None
    return {"coding": [table_coding("0112", node.text(), "PV1-36", context)]}


@converter("pmsi_movement", reads=("ZFM-1", "ZFM-2", "ZFM-3", "ZFM-4", "ZFM-5"))
def pmsi_movement(segment: Segment, _context: Context) -> Any:
    """Return the PMSI modes of entry and exit, provenance and destination.

    Spec: PAM France 2.11 6.17 (ZFM): each is one sign.
    """
    parts: list[Json] = []
    issues: list[Issue] = []
    for number, name in enumerate(_PMSI_PARTS, 1):
        code = segment.field(number)
        if _PMSI_CODE.fullmatch(code):
            parts.append({"url": name, "valueCode": code})
        elif code:
            issues.append(faults.unknown_code(f"{segment.place}-{number}", f"ZFM-{number}"))
    made = {"url": PMSI, "extension": parts} if parts else None
    return Flawed(made, tuple(issues)) if issues else made


@converter("confidential", of_text=True)
def confidential(node: Node, _context: Context) -> Any:
    """Return the restricted label of a confidential visit.

    Spec: PAM France 2.11 6.11 (PV2-22); v3 Confidentiality.
    """
    if node.text() != "Y":
        return None
    return {"system": f"{V3_SYSTEM}Confidentiality", "code": "R"}


@converter("expected_discharge")
def expected_discharge(node: Node, _context: Context) -> Any:
    """Return the extension for the day the discharge is expected.

    Spec: PAM France 2.11 6.11 (PV2-9); FR Core fr-core-estimated-discharge-date (a date).
    """
    if node.is_null:
        return Removed(EXPECTED_DISCHARGE)
    day = date_text(node.text())
    if not day:
        return Flawed(None, (faults.unusable_date(node.place),))
    return {"url": EXPECTED_DISCHARGE, "valueDate": day}


@converter("arrival_mode", of_text=True)
def arrival_mode(node: Node, context: Context) -> Any:
    """Return the extension for the transport of the arrival.

    Spec: PAM France 2.11 6.11 (PV2-38); FHIR R4 encounter-modeOfArrival.
    """
    if node.is_null:
        return Removed(ARRIVAL_MODE)
    coding = table_coding("0430", node.text(), "PV2-38", context)
    return {"url": ARRIVAL_MODE, "valueCoding": coding}


@converter("encounter_class", reads=("PV1-21",))
def encounter_class(node: Node, _context: Context) -> Any:
    """Return the class of a stay of which no movement is known yet.

    Spec: PAM France 2.11 6.10 (PV1-2, PV1-21).
    """
    care = classify(node.text(), node.value("PV1-21"), "")
    return class_coding(care) if care.code else None


@converter("account_id", reads=("PID-18",))
def account_id(_source: object, context: Context) -> Any:
    """Return the id of the account (dossier administratif).

    Spec: PAM France 2.11 6.6 (PID-18).
    """
    return context.account.id if context.account else None


@converter("account_reference", reads=("PID-18",))
def account_reference(_source: object, context: Context) -> Any:
    """Return a reference to the account.

    Spec: PAM France 2.11 6.6 (PID-18).
    """
    return {"reference": f"Account/{context.account.id}"} if context.account else None


@converter("account_identifier", reads=("PID-18",))
def account_identifier(_source: object, context: Context) -> Any:
    """Return the number of the account.

    Spec: PAM France 2.11 6.6 (PID-18).
    """
    found = context.account
    return (
        {"type": ACCOUNT_NUMBER, "system": found.system, "value": found.number} if found else None
    )


@converter("account_status", reads=("PV1-41", "PV1-51"))
def account_status(node: Node, context: Context) -> str:
    """Return the status of the account after this message.

    A cancelled admission burns the number unless PV1-51 limits it to the visit (V); the last
    visit of the dossier (PV1-41 D) closes it.
    Spec: PAM France 2.11 6.10 (PV1-41, PV1-51), event A11.
    """
    if context.event == "A11" and node.value("PV1-51") != "V":
        return "entered-in-error"
    return "inactive" if node.value("PV1-41") == "D" else "active"
