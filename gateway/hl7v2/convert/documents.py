"""What a message says about the document it carries: TXA, OBR, OBX; the document itself wins."""

import re
from typing import Any

from gateway.fhir.identity import master_identifier
from gateway.hl7v2.context import Context
from gateway.hl7v2.convert.table import converter
from gateway.hl7v2.message import Node

_TRE_A05 = (
    "https://mos.esante.gouv.fr/NOS/TRE_A05-TypeDocComplementaire/FHIR/"
    "TRE-A05-TypeDocComplementaire"
)
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
