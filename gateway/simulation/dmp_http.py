"""A small HTTPS server of the doubles of the shared record: one request a connection.

Asks for a client certificate of its authority and tells the handler whose it is. Standards: RFC
9112 (HTTP/1.1), as much of it as a client of ours uses.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime

_LIMIT = 64 * 2**20
_REASONS = {200: "OK", 202: "Accepted", 400: "Bad Request", 404: "Not Found"}


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What came; header names in lower case.

    Attributes:
        client: value of OU of the client certificate: the Struct_IdNat of the organisation.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    client: str


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What is said."""

    status: int
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[HttpRequest], Awaitable[HttpAnswer | None]]


class HttpsDouble:
    """Listens on a free port of this machine."""

    def __init__(
        self,
        tls: ssl.SSLContext | None,
        handler: Handler,
        clock: Callable[[], datetime],
        port: int = 0,
    ) -> None:
        """Prepare.

        Args:
            tls: a context that requires client certificates; None speaks in clear.
            handler: answers; None closes the connection without a word.
            clock: gives the Date header.
            port: 0 for a free one.
        """
        self._tls = tls
        self._handler = handler
        self._clock = clock
        self._wanted = port
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """Return the port, once started."""
        return int(self._server.sockets[0].getsockname()[1]) if self._server else 0

    async def start(self) -> None:
        """Listen; a door that opens again is where it was."""
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", self._wanted, ssl=self._tls
        )
        self._wanted = self.port

    async def stop(self) -> None:
        """Close the door and every connection."""
        if self._server is None:
            return
        self._server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await _read(reader, _organisation(writer))
            answer = await self._handler(request)
            if answer is not None:
                writer.write(self._written(answer))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError, ValueError):
            # The client left, or spoke no HTTP: nobody to tell.
            pass
        finally:
            writer.transport.abort() if writer.is_closing() else writer.close()

    def _written(self, answer: HttpAnswer) -> bytes:
        lines = [
            f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, 'Said')}",
            f"Date: {format_datetime(self._clock(), usegmt=True)}",
            f"Content-Type: {answer.content_type}",
            f"Content-Length: {len(answer.body)}",
            "Connection: close",
            *(f"{name}: {value}" for name, value in answer.headers.items()),
        ]
        return "\r\n".join([*lines, "", ""]).encode("utf-8") + answer.body


async def _read(reader: asyncio.StreamReader, client: str) -> HttpRequest:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {
        name.strip().lower(): value.strip()
        for line in lines
        for name, _, value in [line.partition(":")]
    }
    length = int(headers.get("content-length", "0"))
    if length > _LIMIT:
        msg = "too large"
        raise ValueError(msg)
    return HttpRequest(method, path, headers, await reader.readexactly(length), client)


def _organisation(writer: asyncio.StreamWriter) -> str:
    shown = writer.get_extra_info("peercert") or {}
    parts = {name: value for pair in shown.get("subject", ()) for name, value in pair}
    return str(parts.get("organizationalUnitName", ""))
