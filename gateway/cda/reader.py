"""Reads CDA R2 bytes into a `Document` whose nodes are the `Source` of the mapping engine.

Does not convert anything (`cda.convert`) and shows no lxml type: a node gives text, attributes
and other nodes. HL7 CDA R2 (ISO 27932); CI-SIS volet Structuration minimale.
"""

from typing import Any

from gateway.cda.document import Document
from gateway.cda.paths import PREFIXES, path_fault
from gateway.cda.safety import Limits, parse, too_big
from gateway.cda.tree import CDA, Node, local
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue, Severity

__all__ = ["PREFIXES", "Document", "Limits", "Node", "path_fault", "read"]

_ROOT = f"{CDA}ClinicalDocument"
_XSL = "{http://www.w3.org/1999/XSL/Transform}"


def read(body: bytes, limits: Limits = Limits()) -> Document:  # noqa: B008 - frozen, shared
    """Read a CDA document, plain, self-presentable or inside a signature.

    Raises:
        RejectedError: on any bytes that are not one ClinicalDocument (RLS-CDA-001 to 009).
    """
    root, flags = parse(body, limits)
    _refuse_crowd(root, len(body), limits)
    if root.tag == _ROOT:
        return Document(body, root, "text/xml", flags)
    found = list(root.iter(_ROOT))
    if len(found) != 1:
        raise RejectedError([_no_document(root, len(found))])
    if root.tag in (f"{_XSL}stylesheet", f"{_XSL}transform"):
        # The style sheet around it is never compiled.
        return Document(body, found[0], "application/xslt+xml", (*flags, "self-presentable"))
    return Document(body, found[0], "text/xml", (*flags, "signature-unverified"))


def _refuse_crowd(root: Any, size: int, limits: Limits) -> None:
    """Refuse what would take long: the time a conversion takes grows with these two numbers."""
    found = next(root.iter(_ROOT), root)
    if len(found) > limits.header:
        raise RejectedError([too_big(f"the header has more than {limits.header} elements")])
    # None is shorter than `<entry></entry>`, so most documents are not counted.
    if size < 15 * limits.statements:
        return
    statements = sum(1 for _ in found.iter(f"{CDA}entry", f"{CDA}entryRelationship"))
    if statements > limits.statements:
        raise RejectedError([too_big(f"the body has more than {limits.statements} statements")])


def _no_document(root: Any, count: int) -> Issue:
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
