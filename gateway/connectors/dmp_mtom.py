"""MTOM: a SOAP envelope with documents beside it, as multipart bytes; and such bytes read back.

Knows no registry. Only documents travel as parts: what is base64 inside headers stays where it is.
Standards: W3C MTOM 1.0, XOP 1.0, RFC 2387 (multipart/related), RFC 2392 (cid).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import unquote

ROOT = "root@relais"
_PARAMETER = re.compile(r';\s*([A-Za-z-]+)\s*=\s*(?:"([^"]*)"|([^;\s]*))')
_ENVELOPE = 'application/xop+xml; charset=UTF-8; type="application/soap+xml"'


@dataclass(frozen=True, slots=True)
class Part:
    """One part.

    Attributes:
        content_id: without brackets.
        content_type: as written.
        data: bytes as they travel.
    """

    content_id: str
    content_type: str
    data: bytes


class MultipartError(ValueError):
    """The bytes are no multipart that can be read; the text says why and quotes nothing."""


def content_type(boundary: str, action: str) -> str:
    """Return the Content-Type of a request (SOAP 1.2 MTOM)."""
    return (
        f'multipart/related; type="application/xop+xml"; start="<{ROOT}>"; '
        f'start-info="application/soap+xml"; boundary="{boundary}"; action="{action}"'
    )


def write(envelope: bytes, parts: Sequence[Part]) -> tuple[str, bytes]:
    """Return boundary and body; the same input gives the same bytes.

    Spec: RFC 2046 5.1.1: no part holds the boundary, which is a digest of all of them.
    """
    digest = sha256()
    for data in (envelope, *(part.data for part in parts)):
        digest.update(sha256(data).digest())
    boundary = f"relais-{digest.hexdigest()[:40]}"
    chunks: list[bytes] = []
    for part in (Part(ROOT, _ENVELOPE, envelope), *parts):
        head = (
            f"--{boundary}\r\nContent-Type: {part.content_type}\r\n"
            f"Content-Transfer-Encoding: binary\r\nContent-ID: <{part.content_id}>\r\n\r\n"
        )
        chunks += [head.encode("ascii"), part.data, b"\r\n"]
    chunks.append(f"--{boundary}--\r\n".encode("ascii"))
    return boundary, b"".join(chunks)


def envelope_of(kind: str, body: bytes) -> bytes:
    """Return the envelope of an answer, which may be plain or the root of a multipart.

    Raises:
        MultipartError: it cannot be found.
    """
    if not kind.lower().lstrip().startswith("multipart/"):
        return body
    return read(kind, body)[0].data


def read(kind: str, body: bytes) -> list[Part]:
    """Split a multipart body, its root first.

    Args:
        kind: its Content-Type.
        body: its bytes.

    Raises:
        MultipartError: no boundary, no root, or no end.
    """
    given = {name.lower(): quoted or bare for name, quoted, bare in _PARAMETER.findall(kind)}
    boundary = given.get("boundary", "")
    if not boundary:
        msg = "no boundary"
        raise MultipartError(msg)
    # The first delimiter has no line end before it.
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary.encode("utf-8"))
    if len(pieces) < 3 or not pieces[-1].startswith(b"--"):
        msg = "cut short"
        raise MultipartError(msg)
    parts = [_part(piece) for piece in pieces[1:-1]]
    start = given.get("start", "").strip("<>")
    root = next((part for part in parts if part.content_id == start), None)
    if start and root is None:
        msg = "no root part"
        raise MultipartError(msg)
    first = root or parts[0]
    return [first, *(part for part in parts if part is not first)]


def named(href: str) -> str:
    """Return the Content-ID that a `cid:` address names (RFC 2392, percent-decoded)."""
    return unquote(href.removeprefix("cid:"))


def _part(piece: bytes) -> Part:
    head, separator, data = piece.partition(b"\r\n\r\n")
    if not separator:
        msg = "a part without headers"
        raise MultipartError(msg)
    headers = {
        name.strip().lower(): value.strip()
        for line in head.decode("utf-8", "replace").split("\r\n")
        if line.strip()
        for name, _, value in [line.partition(":")]
    }
    return Part(
        headers.get("content-id", "").strip("<>"),
        headers.get("content-type", ""),
        data,
    )
