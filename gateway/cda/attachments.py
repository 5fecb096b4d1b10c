"""Files inside a structured document: copies of it, annexes, images.

Does not decode them (`cda.bodies`). CI-SIS content templates FR-Document-attaché, FR-Image-
illustrative; CDA R2 observationMedia; sections 55107-7, 55108-5 and 57723-9.
"""

from base64 import b64encode
from hashlib import sha1
from typing import Any

from gateway.cda.codes import concept
from gateway.cda.context import Attached, Context
from gateway.cda.reader import Node
from gateway.cda.registry import converter
from gateway.core.contributions import Json
from gateway.mapping.converters import Flawed

#: Copy of the document itself in another form.
_COPY = "55108-5"
_KIND = "69764-9"
_ALL_MEDIA = (
    "cda:component/cda:structuredBody/descendant::cda:section/cda:entry"
    "/descendant::cda:observationMedia"
)


def _file(node: Node, context: Context) -> Attached | None:
    """Return the file of an observationMedia, None when it could not be used."""
    value = node.child("value")
    return context.media.get(value.key) if value is not None else None


def loose_media(context: Context) -> list[Attached]:
    """Return the media that stand in no observationMedia, each once."""
    found = {
        media.sha256: media
        for value, media in context.media.items()
        if value.parent is None or value.parent.tag != "observationMedia"
    }
    return list(found.values())


@converter("media_binary_id")
def media_binary_id(node: Node, context: Context) -> str | None:
    """Give the id of the Binary of embedded media, of their SHA-256; the same twice is one."""
    media = context.media.get(node.key)
    place = ("binary", media.sha256 if media else "")
    if media is None or place in context.memo:
        return None
    context.memo[place] = True
    return context.ids.binary(media.sha256)


@converter("media_type")
def media_type(node: Node, context: Context) -> str:
    """Give the media type of embedded media, by their content."""
    return context.media[node.key].content_type


@converter("media_data")
def media_data(node: Node, context: Context) -> str:
    """Give the decoded bytes of embedded media in plain base64."""
    return b64encode(context.media[node.key].data).decode()


def attached_reference(node: Node, context: Context) -> Json | None:
    """Return a reference to the DocumentReference of a file that could be decoded."""
    found = context.entry_id("DocumentReference", node) if _file(node, context) else None
    return {"reference": f"DocumentReference/{found}"} if found else None


@converter("presented_forms")
def presented_forms(node: Node, context: Context) -> list[Json]:
    """Give the report as it is read: the copy inside a structured one, the body of a level-1 one.

    Spec: CI-SIS section 55108-5; IHE XDS-SD; FHIR R4 DiagnosticReport.presentedForm.
    """
    found = []
    for media_ in node.select(_ALL_MEDIA):
        said = _kind_beside(media_)
        made = attached_content(media_, context)
        if made and said is not None and said.get("code") == _COPY:
            found.append(made["attachment"])
    for body in context.attached[1:]:
        found.append(_attachment(body, context, ""))
    return found


@converter("attached_document_id")
def attached_document_id(node: Node, context: Context) -> str | None:
    """Give the id of the DocumentReference of a file that could be decoded."""
    return context.making("DocumentReference", node) if _file(node, context) else None


@converter("attached_kind")
def attached_kind(node: Node, context: Context) -> Any:
    """Give what a file is: said beside it, else by the statement or section around it.

    Spec: CI-SIS FR-Document-attaché, observation 69764-9.
    """
    said = _kind_beside(node)
    made = concept(said, context) if said is not None else None
    current = node.parent
    while not made and current is not None and current.name != "structuredBody":
        code = current.child("code")
        made = concept(code, context) if code is not None else None
        current = current.parent
    return made


def _kind_beside(node: Node) -> Node | None:
    organizer = node.above("organizer")
    if organizer is None:
        return None
    found = organizer.select(f"cda:component/cda:observation[cda:code/@code='{_KIND}']/cda:value")
    return found[0] if found else None


@converter("attached_link")
def attached_link(node: Node, context: Context) -> Json:
    """Give how a file relates to its document: a copy transforms it, an annex is added to it.

    Spec: FHIR R4 document-relationship-type; CI-SIS section 55108-5, copy of the document.
    """
    said = _kind_beside(node)
    is_copy = said is not None and said.get("code") == _COPY
    target = {"reference": f"DocumentReference/{context.reference.id}"}
    return {"code": "transforms" if is_copy else "appends", "target": target}


@converter("attached_content")
def attached_content(node: Node, context: Context) -> Json | None:
    """Give a file as an attachment: where its bytes are, their type, size and hash."""
    found = _file(node, context)
    if found is None:
        return None
    kind = attached_kind(node, context)
    said = kind.value if isinstance(kind, Flawed) else kind
    return {"attachment": _attachment(found, context, (said or {}).get("text", ""))}


def _attachment(found: Attached, context: Context, title: str) -> Json:
    digest = sha1(found.data, usedforsecurity=False).digest()
    return {
        "contentType": found.content_type,
        "url": f"Binary/{context.ids.binary(found.sha256)}",
        "size": len(found.data),
        "hash": b64encode(digest).decode(),
        "title": title,
        "creation": context.created.text_fhir,
    }
