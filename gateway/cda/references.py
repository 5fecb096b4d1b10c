"""Other documents a document names, by identifier: they may never have come here (ADR 7).

A document that is only referred to is neither replaced nor completed by this one, so no
`relatesTo` is made of it. CI-SIS FR-Références-externes (1.2.250.1.213.1.1.3.35); IHE PCC
1.3.6.1.4.1.19376.1.5.3.1.4.4; FHIR R4 2.3.0.2, logical references.
"""

from gateway.cda.codes import referenced_text
from gateway.cda.context import Context
from gateway.cda.header import document_identifier
from gateway.cda.reader import Node
from gateway.cda.registry import converter
from gateway.core.contributions import Json

#: The entries that name other documents.
EXTERNAL = (
    "cda:component/cda:structuredBody/descendant::cda:section/cda:entry"
    "/cda:act[cda:templateId/@root='1.2.250.1.213.1.1.3.35']"
)


@converter("referred_documents")
def referred_documents(node: Node, context: Context) -> list[Json]:
    """Give the documents this one refers to, with the words it has for them.

    Spec: CI-SIS FR-Références-externes, reference/externalDocument.
    """
    found: list[Json] = []
    for act in node.document.select(EXTERNAL):
        for document in act.select("cda:reference/cda:externalDocument"):
            own = document.child("id")
            identifier = document_identifier(own, context) if own is not None else None
            if identifier is None or tuple(identifier.values()) == context.master:
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
