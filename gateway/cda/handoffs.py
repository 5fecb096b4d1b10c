"""Where a patient is taken to, or wants to be taken to, and what is asked for at the same time.

CI-SIS content templates FR-Transport-du-patient, FR-Dispositions (preferred establishment);
volets DLU (FLUDT, FLUDR), LDL-EES and TLM-DA; CI-SIS Structuration minimale, participant REFB.
"""

from typing import Any

from gateway.cda.codes import concept
from gateway.cda.contacts import date_time, period, stamp
from gateway.cda.context import Context
from gateway.cda.reader import Node
from gateway.cda.registry import converter
from gateway.cda.structures import organization_reference
from gateway.core.contributions import Json
from gateway.core.systems import FHIR_BASE

_PREFERRED = f"{FHIR_BASE}/StructureDefinition/preferred-establishment"


@converter("preferred_establishment")
def preferred_establishment(node: Node, context: Context) -> Json | None:
    """Give the establishment a patient prefers.

    Spec: CI-SIS FR-Dispositions, act 11302-7, participant DST, RCV, ORG; section 11302-7.
    """
    found = organization_reference(node, context)
    return {"url": _PREFERRED, "valueReference": found} if found else None


@converter("transfer_reasons")
def transfer_reasons(node: Node, context: Context) -> list[Any]:
    """Give why a patient is taken somewhere: said beside the transfer in the same section.

    Spec: CI-SIS FLUDT 57277-6 reason for the transfer, FLUDR 15515-0 reason for the transport.
    """
    section = node.above("section")
    if section is None:
        return []
    said = section.select(
        "cda:entry/cda:observation[cda:code/@code='57277-6' or cda:code/@code='15515-0']/cda:value"
    )
    return [made for value in said if (made := concept(value, context))]


@converter("moment")
def moment(node: Node, context: Context) -> Any:
    """Give a time that is a point."""
    return date_time(node, context) if node.get("value") else None


@converter("span")
def span(node: Node, context: Context) -> Any:
    """Give a time that has bounds."""
    return period(node, context) if not node.get("value") else None


@converter("expected_start")
def expected_start(node: Node, context: Context) -> Json | None:
    """Give from when a stay is expected; the end sent beside it is not one.

    Spec: LDL-EES, encompassingEncounter/effectiveTime/low.
    """
    when = stamp(node.child("low") or node, context)
    return {"start": when.text_fhir} if when is not None else None


# --- what the header of a document asks for ---------------------------------------------------


@converter("admission_request_id")
def admission_request_id(_node: Node, context: Context) -> str:
    """Give the id of the hospitalisation a letter of admission asks for: one for its versions.

    Spec: LDL-EES, participant REFB: who addresses the patient.
    """
    return _header_request(context, "admission", "REFB", 1)


@converter("act_request_id")
def act_request_id(node: Node, context: Context) -> str | None:
    """Give the id of an act a request asks for in its header: its code, and its rank.

    Spec: TLM-DA, documentationOf/serviceEvent/code.
    """
    code = node.child("code")
    if code is None or not code.get("code"):
        return None
    equal = [
        item.key
        for item in node.document.select("cda:documentationOf/cda:serviceEvent/cda:code")
        if item.get("code") == code.get("code")
    ]
    return _header_request(context, "serviceEvent", code.get("code"), equal.index(code.key) + 1)


def _header_request(context: Context, place: str, code: str, rank: int) -> str:
    return context.ids.document_entry("ServiceRequest", context.set_key, place, code, "", rank)


@converter("admission_request_reference")
def admission_request_reference(_node: Node, context: Context) -> Json:
    """Give a reference to the request a planned stay answers."""
    return {"reference": f"ServiceRequest/{_header_request(context, 'admission', 'REFB', 1)}"}
