"""Carries out one request inside another, by the same road: rights, rules and answers alike.

An entry of a batch, or a read of a transaction, is answered as if it had come alone.
"""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from fastapi import Request
from starlette.types import Message

_OF_THE_WHOLE = frozenset(
    {b"accept", b"content-encoding", b"content-length", b"content-type", b"prefer",
     b"transfer-encoding", b"accept-encoding", b"if-match", b"if-none-match", b"if-none-exist",
     b"if-modified-since"}
)  # fmt: skip


@dataclass(slots=True)
class InnerAnswer:
    """The answer to an inner request.

    Attributes:
        headers: by name, lower case.
    """

    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


async def carry_out(
    request: Request, method: str, path: str, query: str, headers: dict[str, str], body: bytes
) -> InnerAnswer:
    """Answer a request made of another one.

    Args:
        request: the outer one; who asks is taken from it.
        method: of HTTP.
        path: whole path, such as `/fhir/CareTeam/x`.
        query: behind the question mark.
        headers: those of this request alone.
        body: its body.
    """
    own = [(name, value) for name, value in request.scope["headers"] if name not in _OF_THE_WHOLE]
    own += [
        (n.lower().encode("latin-1"), v.encode("latin-1", "replace")) for n, v in headers.items()
    ]
    own.append((b"content-length", str(len(body)).encode()))
    kept = ("type", "asgi", "http_version", "server", "client", "scheme", "root_path", "extensions")
    scope: dict[str, Any] = {name: request.scope[name] for name in kept if name in request.scope}
    scope |= {
        "method": method,
        "path": path,
        "raw_path": quote(path, safe="/$").encode(),
        "query_string": query.encode("latin-1", "replace"),
        "headers": own,
    }
    answer = InnerAnswer()
    parts: list[bytes] = []
    sent = False

    async def receive() -> Message:
        nonlocal sent
        if sent:
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {
                name.decode("latin-1").lower(): value.decode("latin-1")
                for name, value in message["headers"]
            }
        else:
            parts.append(message.get("body", b""))

    await request.app(scope, receive, send)
    answer.body = b"".join(parts)
    return answer
