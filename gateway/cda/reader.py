"""Reads CDA R2 bytes into a `Document` whose nodes are the `Source` of the mapping engine.

Does not convert anything (`cda.convert`) and shows no type of a parser: a node gives text,
attributes and other nodes. HL7 CDA R2 (ISO 27932); CI-SIS volet Structuration minimale.
"""

from gateway.cda.document import Document
from gateway.cda.paths import PREFIXES, path_fault
from gateway.cda.safety import Limits, judge, too_big
from gateway.cda.tree import Node, Tree, local
from gateway.cda.tree_builder import build
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue, Severity

__all__ = ["PREFIXES", "Document", "Limits", "Node", "path_fault", "read"]

_ROOT = "ClinicalDocument"
_XSL = "{http://www.w3.org/1999/XSL/Transform}"


def read(body: bytes, limits: Limits = Limits()) -> Document:  # noqa: B008 - frozen, shared
    """Read a CDA document, plain, self-presentable or inside a signature.

    Raises:
        RejectedError: on any bytes that are not one ClinicalDocument (RLS-CDA-001 to 009).
    """
    judged = judge(body, limits)
    document = Document(body, limits)
    tree, flags = build(judged, limits, document), judged.flags
    root, content_type = tree.order[0], "text/xml"
    if root.tag != _ROOT:
        found = tree.by_tag.get(_ROOT, [])
        if len(found) != 1:
            raise RejectedError([_no_document(root, len(found))])
        # The style sheet around it is never compiled.
        is_sheet = root.tag in (f"{_XSL}stylesheet", f"{_XSL}transform")
        content_type = "application/xslt+xml" if is_sheet else content_type
        flags = (*flags, "self-presentable" if is_sheet else "signature-unverified")
        tree = tree.part(found[0])
    _refuse_crowd(tree, limits)
    document.plant(tree, content_type, flags)
    return document


def _refuse_crowd(tree: Tree, limits: Limits) -> None:
    """Refuse what would take long: the time a conversion takes grows with these two numbers."""
    if len(tree.order[0].nodes) > limits.header:
        raise RejectedError([too_big(f"the header has more than {limits.header} elements")])
    statements = sum(len(tree.by_tag.get(tag, ())) for tag in ("entry", "entryRelationship"))
    if statements > limits.statements:
        raise RejectedError([too_big(f"the body has more than {limits.statements} statements")])


def _no_document(root: Node, count: int) -> Issue:
    if count > 1:
        return Issue(
            code="RLS-CDA-008",
            severity=Severity.ERROR,
            where=f"/{local(root.tag)}",
            what="The XML holds several ClinicalDocument elements.",
            fix="Send one document per request.",
        )
    if local(root.tag) == "ClinicalDocument":
        return Issue(
            code="RLS-CDA-006",
            severity=Severity.ERROR,
            where="/ClinicalDocument",
            what="The namespace urn:hl7-org:v3 is missing or wrong.",
            fix='Declare xmlns="urn:hl7-org:v3" on ClinicalDocument.',
        )
    return Issue(
        code="RLS-CDA-007",
        severity=Severity.ERROR,
        where="/",
        what="The XML is not a CDA document: no ClinicalDocument element was found.",
        fix="Send a CDA R2 document with the root ClinicalDocument of urn:hl7-org:v3.",
    )
