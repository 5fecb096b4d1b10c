"""Reads the body of a POST within limits, for the doors that take whole inputs.

Does not interpret the body. HTTP semantics: RFC 9110 8.3 (Content-Type), 15.5 (status codes).
"""

import asyncio
import re
from dataclasses import dataclass

from fastapi import Request
from starlette.requests import ClientDisconnect

from gateway.core.issues import Issue, Severity
from gateway.entry.doors import oversize

#: A body that takes longer is given up; as for a frame (mllp.frame_s).
BODY_TIMEOUT_S = 120.0
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([A-Za-z0-9._:+-]{1,40})\"?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Body:
    """A body as received.

    Attributes:
        data: the bytes.
        charset: charset parameter of the Content-Type, None when absent.
    """

    data: bytes
    charset: str | None


class BodyRefusedError(Exception):
    """The body was not read to its end.

    Attributes:
        status: HTTP status of the answer.
        issue: why.
    """

    def __init__(self, status: int, issue: Issue) -> None:
        self.status = status
        self.issue = issue
        super().__init__(str(issue))


async def read_body(
    request: Request, media_types: frozenset[str], limit: int, timeout_s: float = BODY_TIMEOUT_S
) -> Body:
    """Read a body of one of these media types.

    Other media types are refused although the bytes could be read: a browser can send text or a
    form to this door from a foreign page without asking, an HL7 or XML type it cannot.

    Raises:
        BodyRefusedError: 415 media type or compression, 413 too large, 408 too slow, 400 empty
            or cut.
    """
    content_type = request.headers.get("content-type", "")
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in media_types:
        raise BodyRefusedError(415, _wrong_type(media_types))
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise BodyRefusedError(415, _compressed())
    try:
        async with asyncio.timeout(timeout_s):
            data = await _read(request, limit)
    except TimeoutError as error:
        raise BodyRefusedError(408, _cut("it did not arrive in time")) from error
    except ClientDisconnect as error:
        raise BodyRefusedError(400, _cut("the connection ended inside it")) from error
    if not data.strip():
        raise BodyRefusedError(400, _cut("it is empty"))
    charset = _CHARSET.search(content_type)
    return Body(data, charset.group(1) if charset else None)


def caller_address(request: Request) -> str:
    """Return `host:port` of the caller; empty when the server does not know it."""
    if request.client is None:
        return ""
    host, port = request.client
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def _read(request: Request, limit: int) -> bytes:
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced) > limit:
        raise BodyRefusedError(413, oversize(limit, "HTTP body"))
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise BodyRefusedError(413, oversize(limit, "HTTP body"))
        chunks.append(chunk)
    return b"".join(chunks)


def _wrong_type(media_types: frozenset[str]) -> Issue:
    return Issue(
        code="RLS-NET-003",
        severity=Severity.ERROR,
        where="HTTP Content-Type",
        what="this door does not take the media type.",
        fix=f"Send {' or '.join(sorted(media_types))} (with curl: -H 'Content-Type: ...' and "
        "--data-binary, which keeps the line ends).",
    )


def _compressed() -> Issue:
    return Issue(
        code="RLS-NET-004",
        severity=Severity.ERROR,
        where="HTTP Content-Encoding",
        what="compressed bodies are not taken.",
        fix="Send the body without Content-Encoding.",
    )


def _cut(why: str) -> Issue:
    return Issue(
        code="RLS-NET-005",
        severity=Severity.ERROR,
        where="HTTP body",
        what=f"the body cannot be used: {why}.",
        fix="Send the whole input in one request.",
    )
