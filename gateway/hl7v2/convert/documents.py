"""What a message says about the document it carries: TXA, OBR, OBX; the document itself wins."""

import re
from typing import Any

from gateway.fhir.identity import master_identifier
from gateway.hl7v2.context import Context
from gateway.hl7v2.convert.table import converter
from gateway.hl7v2.envelope import is_pointer, mask_of, pointers
from gateway.hl7v2.message import Node, Segment

_TRE_A05 = (
    "https://mos.esante.gouv.fr/NOS/TRE_A05-TypeDocComplementaire/FHIR/"
    "TRE-A05-TypeDocComplementaire"
)
_TRE_A07 = (
    "https://mos.esante.gouv.fr/NOS/TRE_A07-StatutVisibiliteDocument/FHIR/"
    "TRE-A07-StatutVisibiliteDocument"
)
#: RP-3 and RP-4 (HL7 tables 0191 and 0291).
_CONTENT_TYPES = {
    ("APPLICATION", "PDF"): "application/pdf",
    ("AP", "PDF"): "application/pdf",
    ("TEXT", "XML"): "text/xml",
    ("TEXT", "HTML"): "text/html",
    ("IMAGE", "JPEG"): "image/jpeg",
}
_SYSTEMS = {"LN": "http://loinc.org", "TRE_A05": _TRE_A05}
_ROOT = re.compile(
    r"[0-2](?:\.(?:0|[1-9][0-9]*))+|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
)


def document_id(node: Node) -> tuple[str, str] | None:
    """Return root and extension of TXA-12 or TXA-13, None when it holds none.

    `77^^1.2.3^ISO` is the extension 77 of the root 1.2.3; a root alone may be followed by a
    namespace, which says nothing.
    Spec: CI-SIS, transmission of a CDA document in HL7 v2, TXA-12.
    """
    first, root = node.component(1), node.component(3)
    if _ROOT.fullmatch(root):
        return root, first
    return (first, "") if _ROOT.fullmatch(first) else None


@converter("document_reference_id")
def document_reference_id(node: Node, context: Context) -> Any:
    """Return the id of the document, of its unique identifier.

    Spec: CI-SIS, transmission of a CDA document in HL7 v2, TXA-12.
    """
    found = document_id(node)
    return context.ids.document(*master_identifier(*found)) if found else None


@converter("document_identifier")
def document_identifier(node: Node, _context: Context) -> Any:
    """Return the unique identifier of the document.

    Spec: CI-SIS, transmission of a CDA document in HL7 v2, TXA-12.
    """
    found = document_id(node)
    if found is None:
        return None
    system, value = master_identifier(*found)
    return {"system": system, "value": value}


@converter("replaced_document")
def replaced_document(node: Node, context: Context) -> Any:
    """Return the document this one replaces, by its identifier: it may never have come here.

    Spec: CI-SIS, transmission of a CDA document in HL7 v2, TXA-13; FHIR R4 2.3.0.2.
    """
    found = document_identifier(node, context)
    if found is None:
        return None
    return {"code": "replaces", "target": {"type": "DocumentReference", "identifier": found}}


@converter("content_elsewhere")
def content_elsewhere(obx: Segment, _context: Context) -> Any:
    """Return what is told of a document that is only pointed to: what it is, not where.

    The place is a path inside the hospital; it stays in the stored message and is never fetched.
    Spec: HL7 v2.5 2.A.65 (RP).
    """
    if not is_pointer(obx):
        return None
    title = obx.field(3, 2) or obx.field(3) or obx.place
    kind = (obx.field(5, 3).upper(), obx.field(5, 4).upper())
    content_type = _CONTENT_TYPES.get(kind)
    told = {"contentType": content_type} if content_type else {}
    return {"attachment": {**told, "title": title}}


@converter("mask_of_content_elsewhere")
def mask_of_content_elsewhere(obx: Segment, _context: Context) -> Any:
    """Return the mask a flag asks for on a document that is only pointed to.

    A document that is there gives all its labels itself (`cda`).
    Spec: CI-SIS, transmission of a CDA document in HL7 v2, MetaDMPMSS; ANS TRE_A07.
    """
    label = mask_of(obx)
    if not label or not pointers(obx.message):
        return None
    return {"coding": [{"system": _TRE_A07, "code": label}]}


@converter("document_type")
def document_type(node: Node, _context: Context) -> Any:
    """Return the type of the document: LOINC or the French complement.

    Spec: CI-SIS, transmission of a CDA document in HL7 v2, OBR-4.
    """
    system = _SYSTEMS.get(node.component(3))
    code, label = node.component(1), node.component(2)
    if system is None or not code:
        return {"text": label} if label else None
    return {"coding": [{"system": system, "code": code, "display": label}]}
