"""Consent to the national record: ZFA."""

from typing import Any

from gateway.core.contributions import Json
from gateway.core.systems import FHIR_BASE
from gateway.hl7v2.context import Context
from gateway.hl7v2.convert.table import converter
from gateway.hl7v2.message import Node

#: ZFA-9 (feeding) and ZFA-11 (consultation); NA says that nothing was asked.
_PROVISIONS = {
    9: {"IO": "deny", "INO": "permit"},
    11: {"INC": "deny", "IC": "permit"},
}
_SUBJECTS = {9: "dmp-feeding", 11: "dmp-consultation"}


@converter("consent_id", reads=("PV1-19",))
def consent_id(node: Node, context: Context) -> Any:
    """Return the id of a consent: patient, visit and field; nothing when it was not asked.

    Spec: PAM France 2.11 6.14 (ZFA-9, ZFA-11).
    """
    if consent_provision(node, context) is None:
        return None
    number = context.visit.number if context.visit else ""
    return context.ids.consent(context.patient.id, number, f"ZFA-{node.field}")


@converter("consent_category")
def consent_category(node: Node, _context: Context) -> Json:
    """Return what is consented to: feeding the national record, or consulting it.

    Spec: PAM France 2.11 6.14 (ZFA-9, ZFA-11).
    """
    system = f"{FHIR_BASE}/CodeSystem/consent-subject"
    return {"coding": [{"system": system, "code": _SUBJECTS[node.field]}]}


@converter("consent_provision")
def consent_provision(node: Node, _context: Context) -> Any:
    """Return permit or deny.

    Spec: PAM France 2.11 6.14 (IO, INO; INC, IC).
    """
    return _PROVISIONS[node.field].get(node.text())
