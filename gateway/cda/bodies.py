"""The bytes a document is and carries: itself, and the decoded body of a level-1 document.

The content decides the type, not its announcement. IHE ITI XDS-SD; CI-SIS volet CDA R2 niveau 1;
RFC 4648 4 (base64).
"""

from hashlib import sha256
from typing import Any

from gateway.cda import faults
from gateway.cda.context import Attached
from gateway.cda.reader import Document, Node
from gateway.core import base64text
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue

XDS_SD = "1.3.6.1.4.1.19376.1.2.20"
_HEADERS = ("2.16.840.1.113883.2.8.2.1", "1.2.250.1.213.1.1.1.1")
_MODELS = "1.2.250.1.213.1.1.1."
_KINDS = (
    (b"%PDF-", "application/pdf"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"\x89PNG\r\n", "image/png"),
    (b"{\\rtf", "text/rtf"),
)
_REFUSED = (b"MZ", b"\x7fELF", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"#!")
_MARKUP = (b"<!doctype", b"<html", b"<script", b"<svg", b"<?xml")
_BLANKS = b" \t\r\n"
_URL_SAFE = bytes.maketrans(b"-_", b"+/")


def model_of(document: Document) -> str:
    """Return the templateId of the document model, empty when only the headers are there."""
    if document.model is None:
        roots = [node.get("root") for node in document.root.children("templateId")]
        models = [root for root in roots if root not in _HEADERS]
        own = [root for root in models if root.startswith(_MODELS)]
        document.model = (own or models or [""])[0]
    return document.model


def attached_to(document: Document, flags: list[str]) -> tuple[Attached, ...]:
    """Return the document and, for level 1, its decoded body.

    Raises:
        RejectedError: the body does not decode, or is active content (RLS-CDA-017, 018).
    """
    node = document.root.down("component", "nonXMLBody", "text")
    body = None if node is None else _decoded(node, flags)
    key = model_of(document)
    if document.root.down("component", "nonXMLBody") is not None:
        key = f"{XDS_SD}#{body.content_type}" if body else XDS_SD
    own = Attached(document.body, document.content_type, document.sha256, key)
    return (own, body) if body else (own,)


def media_type_of(node: Node) -> str | None:
    """Return the media type that the content of an ED tells by its first bytes.

    Returns:
        None when they tell none, empty when there is no content.

    Raises:
        RejectedError: it does not decode (RLS-CDA-017).
    """
    data = _bytes(node, [])
    if not data.strip():
        return ""
    return next((kind for magic, kind in _KINDS if data.startswith(magic)), None)


#: What is embedded in a structured body: pictures, scanned pages, two-dimensional codes.
_MEDIA = "cda:component/cda:structuredBody/descendant::cda:value[@representation='B64']"


def media_of(document: Document) -> tuple[dict[Any, Attached], list[Issue]]:
    """Return the media embedded in a structured body, by `Node.key`, and what was left out.

    The same picture twice is the same bytes. A broken picture does not spoil a letter.

    Spec: CI-SIS FR-Document-attaché, observationMedia/value; CDA R2 data type ED.
    """
    found: dict[Any, Attached] = {}
    known: dict[str, Attached] = {}
    issues: list[Issue] = []
    for node in document.select(_MEDIA):
        try:
            media = _decoded(node, [])
        except RejectedError:
            media = None
        if media is None:
            issues.append(faults.media_left_out(node.place))
        else:
            found[node.key] = known.setdefault(media.sha256, media)
    return found, issues


def _decoded(node: Node, flags: list[str]) -> Attached | None:
    announced = node.get("mediaType").lower()
    data = _bytes(node, flags)
    if not data.strip():
        flags.append("empty-body")
        return None
    kind = _kind(data, announced, node)
    if kind is None:
        flags.append("body-type-unknown")
        return None
    if announced and kind != announced:
        flags.append("body-type-differs")
    return Attached(data, kind, sha256(data).hexdigest(), "")


def _bytes(node: Node, flags: list[str]) -> bytes:
    if node.get("representation").upper() != "B64":
        return node.raw_text().encode("utf-8")
    try:
        packed = node.raw_text().encode("ascii")
        # Each blank is looked for much faster than all are removed.
        if any(blank in packed for blank in _BLANKS):
            packed = packed.translate(None, _BLANKS)
        if b"-" in packed or b"_" in packed:
            flags.append("base64-url-safe")
            packed = packed.translate(_URL_SAFE)
        return base64text.decode(packed.decode("ascii")) if packed else b""
    except ValueError as error:
        raise RejectedError([faults.broken_base64(node.place)]) from error


def _kind(data: bytes, announced: str, node: Node) -> str | None:
    """Return the media type by content; None when it is none that is known."""
    for magic, kind in _KINDS:
        if data.startswith(magic):
            return kind
    head = data[:256].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if data.startswith(_REFUSED) or head.startswith(_MARKUP):
        raise RejectedError([faults.active_content(node.place)])
    if announced != "text/plain":
        return None
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return "text/plain"
