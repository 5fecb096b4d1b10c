"""The bytes of a document in OBX-5: base64 decoded, one document cut in pieces put together.

Does not know which OBX hold documents (`hl7v2.envelope`) nor what they say (`cda`). Standards:
HL7 v2.5 2.A.24 (ED), RFC 4648 section 4, CI-SIS volet on CDA documents in HL7 v2, OBX-5.
"""

import binascii
from collections.abc import Sequence

from gateway.core import base64text
from gateway.core.envelope import EmbeddedDocument
from gateway.core.errors import RejectedError
from gateway.hl7v2 import document_refusals as refusals
from gateway.hl7v2.message import Node, Segment
from gateway.hl7v2.refusals import required_field

#: The sender told nothing of what the bytes are; their content did.
FLAG_INCOMPLETE = "ed-incomplete"
#: One document came in several OBX.
FLAG_JOINED = "document-joined"
_BLANKS = b" \t\r\n"
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
#: How a document begins; the middle of one does not.
_BEGINNINGS = (b"<", b"\xef\xbb\xbf<", b"%PDF-", b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_KINDS = ((b"%PDF-", "PDF"), (b"PK\x03\x04", "ZIP"), (b"\xd0\xcf\x11\xe0", "OLE"))


def grouped(segments: Sequence[Segment]) -> list[list[Segment]]:
    """Return the OBX of each document: a piece follows its first one and tells the same.

    A piece has the OBX-3 and OBX-4 of the first one, which begins as a document does and the
    piece does not.
    """
    found: list[list[Segment]] = []
    for obx in segments:
        if found and _continues(found[-1][0], obx):
            found[-1].append(obx)
        else:
            found.append([obx])
    return found


def _continues(first: Segment, obx: Segment) -> bool:
    if obx.field(2).upper() != "ED" or first.field(2).upper() != "ED":
        return False
    same = all(first.field(number) == obx.field(number) for number in (3, 4))
    return same and _begins(first) and not _begins(obx)


def _begins(obx: Segment) -> bool:
    """Tell whether OBX-5 begins as a document does."""
    try:
        head = _plain(obx)[:64]
        start = binascii.a2b_base64(head[: len(head) // 4 * 4])
    except (binascii.Error, UnicodeEncodeError):
        return False
    return start.lstrip().startswith(_BEGINNINGS)


def _plain(obx: Segment) -> bytes:
    return _without_blanks(_part(obx.nodes(5), 5).encode("ascii"))


def _part(nodes: Sequence[Node], number: int) -> str:
    """Return a component of OBX-5, of the first repetition that holds it.

    A node is cut once; a field would be cut, and a document copied, for each part asked for.
    """
    return next((text for node in nodes if (text := node.component(number))), "")


def _without_blanks(data: bytes) -> bytes:
    # Most documents come in one line: each blank is looked for much faster than all are removed.
    return data.translate(None, _BLANKS) if any(blank in data for blank in _BLANKS) else data


def decode(pieces: Sequence[Segment], *, lenient: bool) -> EmbeddedDocument:
    """Decode OBX-5 of one document.

    Args:
        pieces: its OBX, mostly one.
        lenient: take a document of which OBX-5.2 to 5.4 tell nothing.

    Raises:
        RejectedError: RLS-HL7-020, 041, 043 or 044.
    """
    obx = pieces[0]
    ordinal = obx.ordinal
    repairs: tuple[str, ...] = ()
    nodes = obx.nodes(5)
    untold = [n for n in (2, 3, 4) if not _part(nodes, n)]
    if untold:
        if not lenient:
            raise RejectedError([required_field(f"OBX[{ordinal}]-5.{untold[0]}")])
        repairs = (FLAG_INCOMPLETE,)
    encoding = _part(nodes, 4).upper()
    if encoding not in ("BASE64", ""):
        raise RejectedError([refusals.unknown_encoding(ordinal)])
    data = b"".join(
        _encoded(piece, nodes if piece is obx else piece.nodes(5), is_last=piece is pieces[-1])
        for piece in pieces
    )
    if not data:
        raise RejectedError([refusals.empty_document(ordinal)])
    if len(pieces) > 1:
        repairs = (*repairs, FLAG_JOINED)
    if b"-" in data or b"_" in data:
        data, repairs = data.translate(_URL_SAFE), (*repairs, "base64-urlsafe")
    if len(data) % 4 in (2, 3) and not data.endswith(b"="):
        data, repairs = data + b"=" * (-len(data) % 4), (*repairs, "base64-padding")
    try:
        body = base64text.decode(data.decode("ascii"))
        whole = "base64-padding" not in repairs or _ends_cleanly(data[-4:])
    except ValueError:
        whole = False
    if not whole:
        raise RejectedError([refusals.not_base64(ordinal)])
    hint = _part(nodes, 3).upper() or _kind(body)
    return EmbeddedDocument(f"OBX[{ordinal}]-5", body, hint, repairs)


def _encoded(obx: Segment, nodes: Sequence[Node], *, is_last: bool) -> bytes:
    """Return base64 as one line; only the last piece of a document may be padded."""
    try:
        data = _part(nodes, 5).encode("ascii")
    except UnicodeEncodeError:
        raise RejectedError([refusals.not_base64(obx.ordinal)]) from None
    # Senders wrap base64 with line ends, as \.br\ or as they are.
    data = _without_blanks(data)
    if not is_last and data.endswith(b"="):
        raise RejectedError([refusals.not_base64(obx.ordinal)])
    return data


def _kind(body: bytes) -> str:
    """Return what bytes are by how they begin; CDA when nothing else is known."""
    return next((name for start, name in _KINDS if body.startswith(start)), "XML")


def _ends_cleanly(group: bytes) -> bool:
    """Tell whether a last group without padding was written as one.

    Of text cut in the middle of a group the unused bits are mostly not zero.
    """
    return binascii.b2a_base64(binascii.a2b_base64(group), newline=False) == group
