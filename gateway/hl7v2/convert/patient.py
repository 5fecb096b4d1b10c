"""The patient: identifiers, identity status and demographics of PID."""

from typing import Any

from gateway.core.contributions import Json
from gateway.core.digits import whole_number
from gateway.core.envelope import INS_ROOTS, TEST_ROOTS
from gateway.core.identity import TABLE_0445, ins_key_is_right, vouches
from gateway.hl7v2 import faults
from gateway.hl7v2.context import Context
from gateway.hl7v2.convert.dates import date_text
from gateway.hl7v2.convert.table import FR_CORE, FR_SYSTEM, V2_SYSTEM, converter
from gateway.hl7v2.message import Node
from gateway.mapping.converters import REMOVED, Flawed, Removed

RELIABILITY = FR_CORE + "fr-core-identity-reliability"
NATIONALITY = FR_CORE + "fr-core-patient-nationality"
BIRTH_DATE_UPDATED = FR_CORE + "fr-core-patient-birthdate-update-indicator"

_SEXES = {"F": "female", "M": "male", "U": "unknown"}

#: The displays are part of the patterns of the FR Core slices.
_TYPES: dict[str, Json] = {
    "PI": {
        "system": f"{V2_SYSTEM}0203",
        "code": "PI",
        "display": "Patient internal identifier",
    },
    "RRI": {"system": f"{V2_SYSTEM}0203", "code": "RRI", "display": "Regional registry ID"},
    "NDP": {
        "system": f"{FR_SYSTEM}fr-core-cs-v2-0203",
        "code": "NDP",
        "display": "Identifiant du patient au Dossier Pharmaceutique",
    },
    "INS-C": {
        "system": f"{FR_SYSTEM}fr-core-cs-v2-0203",
        "code": "INS-C",
        "display": "Identifiant National de Santé Calculé",
    },
    "MR": {"system": f"{V2_SYSTEM}0203", "code": "MR"},
    "PN": {"system": f"{V2_SYSTEM}0203", "code": "PN"},
}


@converter("patient_id", reads=("PID-3",))
def patient_id(_node: Node, context: Context) -> str:
    """Return the computed id of the Patient.

    Spec: PAM France 2.11 6.6.1 (PID-3).
    """
    return context.patient.id


@converter("patient_reference", reads=("PID-3",))
def patient_reference(_node: Node, context: Context) -> Json:
    """Return a reference to the Patient.

    Spec: PAM France 2.11 6.6.1 (PID-3).
    """
    return {"reference": f"Patient/{context.patient.id}"}


@converter("patient_identifier")
def patient_identifier(node: Node, context: Context) -> Any:
    """Return an identifier of the patient; the billing number (NH) is none.

    The INS is written whatever the identity status: the fold decides whether it is shown.
    A local number other than the one the Patient is made of has no type: a Patient has one IPP.
    Spec: PAM France 2.11 6.6.1 (PID-3, CX-5); FR Core fr-core-patient, identifier slices.
    """
    kind = node.component(5)
    if kind == "INS":
        return _ins(node, context)
    value = node.component(1)
    if kind == "NH" or not value or node.is_null:
        return None
    domain = ipp_domain(node, context)
    if not domain:
        return None
    if kind in ("", "PI"):
        if (domain, value) == (context.patient.system, context.patient.value):
            return {
                "use": "usual",
                "type": {"coding": [_TYPES["PI"]]},
                "system": domain,
                "value": value,
            }
        return {"use": "secondary", "system": domain, "value": value}
    if kind not in _TYPES:
        return {"use": "secondary", "system": domain, "value": value}
    coding = _TYPES[kind]
    return {"use": "secondary", "type": {"coding": [coding]}, "system": domain, "value": value}


def ipp_domain(node: Node, context: Context) -> str:
    """Return the domain of a patient number, empty when neither message nor site tells it."""
    name, universal = node.component(4, 1), node.component(4, 2)
    if not (name or universal or context.site.finess):
        return ""
    return context.site.domain(
        "ipp", name, universal, node.component(4, 3), facility=context.facility
    )


def _ins(node: Node, context: Context) -> Any:
    root = node.component(4, 2).removeprefix("urn:oid:")
    if root not in INS_ROOTS:
        return None
    if node.is_null or node.is_null_at(1):
        return Removed(f"urn:oid:{root}|*")
    if root in TEST_ROOTS and not context.test_ins:
        return Flawed(None, (faults.test_ins_refused(node.place),))
    value = node.component(1)
    if not ins_key_is_right(value):
        return Flawed(None, (faults.wrong_ins_key(node.place),))
    code = INS_ROOTS[root]
    return {
        "use": "official",
        "type": {"coding": [{"system": f"{FR_SYSTEM}fr-core-cs-v2-0203", "code": code}]},
        "system": f"urn:oid:{root}",
        "value": value,
    }


def is_vouched(statuses: set[str]) -> bool:
    """Tell whether an identity status allows the INS: VALI, and neither DOUT, FICT nor USUR.

    Spec: PAM France 2.11 6.6.15 (PID-32).
    """
    return vouches({(TABLE_0445, status) for status in statuses})


@converter("identity_reliability", reads=("ZFD-5", "ZFD-6", "ZFD-7"))
def identity_reliability(node: Node, context: Context) -> Any:
    """Return the identity status of one repetition; method, date and proof go with PROV or VALI.

    Spec: PAM France 2.11 6.6.15 (PID-32), 6.16 (ZFD-5 to ZFD-7); FR Core
    fr-core-identity-reliability.
    """
    if node.is_null:
        return Removed(RELIABILITY)
    words = context.identity_words
    status = words.statuses.find(node.text())
    if status is None:
        return Flawed(None, (faults.unknown_code(node.place, "table 0445"),))
    parts = [{"url": "identityStatus", "valueCoding": words.statuses.coding(status)}]
    if node.text() in ("PROV", "VALI"):
        parts += _proof(context)
    return {"url": RELIABILITY, "extension": parts}


def _proof(context: Context) -> list[Json]:
    source = context.message.first("ZFD")
    if source is None:
        return []
    parts: list[Json] = []
    words = context.identity_words
    if method := words.methods.find(source.field(5)):
        coding = words.methods.coding(method)
        parts.append({"url": "methodCollection", "valueCoding": coding})
    if day := date_text(source.field(6)):
        parts.append({"url": "dateCollection", "valueDate": day})
    if proof := words.proofs.find(source.field(7)):
        parts.append({"url": "validationMode", "valueCoding": words.proofs.coding(proof)})
    return parts


@converter("gender", of_text=True)
def gender(node: Node, _context: Context) -> Any:
    """Return the administrative gender; what the table does not have is unknown, with an issue.

    Spec: PAM France 2.11 6.6.1 (PID-8); FR Core allows male, female and unknown.
    """
    if node.is_null:
        return REMOVED
    found = _SEXES.get(node.text())
    return found or Flawed("unknown", (faults.unknown_sex(node.place),))


@converter("multiple_birth", reads=("PID-24",))
def multiple_birth(node: Node, _context: Context) -> Any:
    """Return the rank of a multiple birth; rank 1 alone is said of every single birth.

    Spec: HL7 v2.5 3.4.2.24, 3.4.2.25 (PID-24, PID-25).
    """
    if node.is_null:
        return REMOVED
    rank = whole_number(node.text())
    if rank is None:
        return None
    said = node.value("PID-24")
    return rank if said == "Y" or (said != "N" and rank > 1) else None


@converter("yes_no", of_text=True)
def yes_no(node: Node, _context: Context) -> Any:
    """Return a boolean of Y or N.

    Spec: HL7 v2.5 table 0136.
    """
    if node.is_null:
        return REMOVED
    return {"Y": True, "N": False}.get(node.text())


@converter("language", of_text=True)
def language(node: Node, _context: Context) -> Any:
    """Return a communication in the language of an ISO 639 code.

    Spec: HL7 v2.5 3.4.2.15 (PID-15).
    """
    if node.is_null:
        return REMOVED
    coding = {"system": "urn:ietf:bcp:47", "code": node.component(1).lower()}
    return {"language": {"coding": [coding]}}


@converter("nationality", of_text=True)
def nationality(node: Node, _context: Context) -> Any:
    """Return the nationality extension of an ISO 3166 code.

    Spec: PAM France 2.11 6.6.1 (PID-26); FR Core fr-core-patient-nationality.
    """
    if node.is_null:
        return Removed(NATIONALITY)
    coding = {"system": "urn:iso:std:iso:3166", "code": node.component(1)}
    return {
        "url": NATIONALITY,
        "extension": [{"url": "code", "valueCodeableConcept": {"coding": [coding]}}],
    }


@converter("birth_date_updated", of_text=True)
def birth_date_updated(node: Node, _context: Context) -> Any:
    """Return the extension that the birth date was corrected.

    Spec: PAM France 2.11 6.16 (ZFD-4); FR Core fr-core-patient-birthdate-update-indicator.
    """
    if node.text() not in ("Y", "N"):
        return None
    return {"url": BIRTH_DATE_UPDATED, "valueBoolean": node.text() == "Y"}
