"""Judges what points to what inside a document: narrative references, IDs, versions, contents.

HL7 CDA R2 4.3.5 (narrative), HDR relatedDocument, setId, versionNumber.
"""

import re
from collections.abc import Iterator

from gateway.cda.bodies import media_type_of
from gateway.cda.reader import Document, Node
from gateway.conformance.cda import kinds
from gateway.conformance.finding import Finding, Layer
from gateway.core.errors import RejectedError

#: `https:`, `mailto:` and their like lead out of the document.
_OUTSIDE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")


def reference_findings(document: Document) -> Iterator[Finding]:
    """Yield references that lead nowhere, and IDs that are there twice."""
    ids: dict[str, Node] = {}
    for node in document.select("descendant::*[@ID]"):
        name = node.get("ID")
        if ids.setdefault(name, node).key is not node.key:
            yield kinds.ID_TWICE.at(f"{node.place}/@ID")
    folded = {name.casefold() for name in ids}
    for node in document.select("descendant::cda:reference[@value]"):
        yield from _reference(node, node.get("value"), "value", set(ids), folded)
    for node in document.select("descendant::cda:renderMultiMedia[@referencedObject]"):
        for name in node.get("referencedObject").split():
            yield from _target(node, name, "referencedObject", set(ids), folded)


def _reference(
    node: Node, value: str, attribute: str, ids: set[str], folded: set[str]
) -> Iterator[Finding]:
    if _OUTSIDE.match(value):
        return
    if not value.startswith("#"):
        yield kinds.NO_HASH.at(f"{node.place}/@{attribute}")
    yield from _target(node, value.removeprefix("#"), attribute, ids, folded)


def _target(
    node: Node, name: str, attribute: str, ids: set[str], folded: set[str]
) -> Iterator[Finding]:
    if name in ids:
        return
    hint = ", although one differs only by its case" if name.casefold() in folded else ""
    hint = hint if name else ": a # alone names nothing"
    yield kinds.DANGLING.at(f"{node.place}/@{attribute}", hint=hint)


def version_findings(document: Document) -> Iterator[Finding]:
    """Yield what contradicts itself between a document and the one it replaces.

    Spec: HDR relatedDocument: a new id, the same setId, the next versionNumber.
    """
    root = document.root
    number = _number(root.child("versionNumber"))
    parents = document.select("cda:relatedDocument[@typeCode='RPLC']/cda:parentDocument")
    if number is not None and number > 1 and not parents:
        yield kinds.NOT_REPLACED.at(f"{root.place}/versionNumber/@value")
    if number == 1 and parents:
        yield kinds.REPLACES_AS_FIRST.at(f"{root.place}/versionNumber/@value")
    own = _pair(root.child("id"))
    for parent in parents:
        if own[0] and own == _pair(parent.child("id")):
            yield kinds.REPLACES_ITSELF.at(f"{parent.place}/id")
        before = _number(parent.child("versionNumber"))
        if before is not None and number is not None and before >= number:
            yield kinds.PARENT_DIFFERS.at(
                f"{parent.place}/versionNumber/@value",
                clause="HDR versionNumber",
                what="a version that is not before this one",
                fix="the version of the replaced document, which is smaller",
            )
        group, known = _pair(parent.child("setId")), _pair(root.child("setId"))
        if group[0] and known[0] and group != known:
            yield kinds.PARENT_DIFFERS.at(
                f"{parent.place}/setId",
                what="another setId",
                fix="the same setId in all versions of a document",
            )


def content_findings(document: Document) -> Iterator[Finding]:
    """Yield bodies and embedded media whose content is not what is announced, or does not decode.

    Spec: CI-SIS volet CDA R2 niveau 1; HL7 CDA R2 data type ED.
    """
    texts = document.select("cda:component/cda:nonXMLBody/cda:text")
    texts += document.select("cda:component/descendant::cda:observationMedia/cda:value")
    for node in texts:
        if node.get("representation").upper() != "B64":
            continue
        announced = node.get("mediaType").lower()
        try:
            found = media_type_of(node)
        except RejectedError as error:
            for issue in error.issues:
                yield Finding(issue, "CDA ED", Layer.PROFILE)
            continue
        if found == "":
            yield kinds.EMPTY.at(node.place, clause="CDA ED", part="content")
        elif found is not None and found != announced:
            yield kinds.MEDIA_DIFFERS.at(f"{node.place}/@mediaType", found=found)


def _number(node: Node | None) -> int | None:
    text = node.get("value") if node is not None else ""
    return int(text) if text.isascii() and text.isdigit() else None


def _pair(node: Node | None) -> tuple[str, str]:
    if node is None:
        return "", ""
    return node.get("root").lower(), node.get("extension")
