"""What a cancer document points to: other documents, the session of the tumour board, its team.

All by identifier: what another input makes may never have come here (ADR 7). A document that is
only referred to is neither replaced nor completed by this one, so no `relatesTo` is made of it.
CI-SIS FR-Références-externes (1.2.250.1.213.1.1.3.35), volet Structuration minimale; FHIR R4
2.3.0.2, logical references.
"""

from gateway.cda.codes import referenced_text
from gateway.cda.context import Context
from gateway.cda.entries import PLAN_SECTION, section_key
from gateway.cda.header import document_identifier
from gateway.cda.reader import Node
from gateway.cda.registry import converter
from gateway.core.contributions import Json
from gateway.core.systems import IDENTIFIER_BASE
from gateway.fhir.identity import document_key

#: Types of documents whose plan a programme is based on: tumour board, care programme (JDV_J07).
_FRCP, _PPS = "34794-8", "18776-5"
_EXTERNAL = (
    "cda:component/cda:structuredBody/descendant::cda:section/cda:entry"
    "/cda:act[cda:templateId/@root='1.2.250.1.213.1.1.3.35']"
)


@converter("referred_documents")
def referred_documents(node: Node, context: Context) -> list[Json]:
    """Give the documents this one refers to, with the words it has for them.

    Spec: CI-SIS CANCER-PPS, section 55107-7: tumour board, molecular report, former programme.
    """
    found: list[Json] = []
    for act in node.document.select(_EXTERNAL):
        for document in act.select("cda:reference/cda:externalDocument"):
            own = document.child("id")
            identifier = document_identifier(own, context) if own is not None else None
            if identifier is None:
                continue
            context.note("DocumentReference", context.reference.id, act)
            reference: Json = {"type": "DocumentReference", "identifier": identifier}
            words = referenced_text(document.child("text"))
            code = document.child("code")
            if code is not None and not words:
                words = code.get("displayName")
            if words:
                reference["display"] = words
            if reference not in found:
                found.append(reference)
    return found


@converter("base_plans")
def base_plans(node: Node, context: Context) -> list[Json]:
    """Give the plans a plan is based on: proposal of the tumour board, same part of a programme.

    Only of documents that are named with their type and setId: plans group by them.
    """
    found: list[Json] = []
    for document in node.document.select(f"{_EXTERNAL}/cda:reference/cda:externalDocument"):
        code, group = document.child("code"), document.child("setId")
        if code is None or group is None or not group.get("root"):
            continue
        sections = {_FRCP: PLAN_SECTION, _PPS: section_key(node)}
        section = sections.get(code.get("code"))
        key = document_key(group.get("root"), group.get("extension"))
        if section and key != context.set_key:
            plan = {"system": f"{IDENTIFIER_BASE}/care-plan", "value": f"{key}#{section}"}
            found.append({"type": "CarePlan", "identifier": plan})
    return found
