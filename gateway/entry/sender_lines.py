"""The ways a sender reaches the other side: one message at a time over MLLP or HTTP.

Does not decide what is sent nor how often (`entry.sender`). Follows HL7 v2 Transport
Specification MLLP release 1.
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, cast
from urllib.parse import urlsplit

from gateway.core.errors import FatalError, RetriableError
from gateway.core.issues import Issue, Severity
from gateway.hl7v2.framing import Frame, FrameDecoder

_DEFAULT_PORTS = {"mllp": 2575, "mllps": 2576, "http": 8080, "https": 443}
_HL7 = {"Content-Type": "application/hl7-v2"}


class Scheme(StrEnum):
    """How messages travel."""

    MLLP = "mllp"
    MLLPS = "mllps"
    HTTP = "http"
    HTTPS = "https"


@dataclass(frozen=True, slots=True)
class Address:
    """Where messages go.

    Attributes:
        scheme: transport.
        host: name or address.
        port: the default of the scheme when none was written.
        path: of HTTP, `/hl7v2` when none was written.
    """

    scheme: Scheme
    host: str
    port: int
    path: str = ""

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read `mllp://host:port`, `mllps://...` or `http(s)://host:port/path`.

        Raises:
            FatalError: the text is no such address (RLS-NET-010).
        """
        try:
            parts = urlsplit(text)
            scheme, host, port = Scheme(parts.scheme), parts.hostname, parts.port
        except ValueError as error:
            raise FatalError([_bad_address()]) from error
        if not host:
            raise FatalError([_bad_address()])
        is_http = scheme in (Scheme.HTTP, Scheme.HTTPS)
        path = (parts.path.rstrip("/") or "/hl7v2") if is_http else ""
        return cls(scheme, host, _DEFAULT_PORTS[scheme] if port is None else port, path)

    def __str__(self) -> str:
        """Give the address back as text."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What an HTTP server said."""

    status: int
    body: bytes


class HttpPost(Protocol):
    """An HTTP client, given by the caller: only `gateway.connectors` imports one."""

    async def __call__(
        self, url: str, body: bytes, headers: Mapping[str, str], timeout_s: float
    ) -> HttpAnswer:
        """Send one POST.

        Raises:
            OSError: no answer came (connection or time).
        """
        ...


class Line(Protocol):
    """Something that carries one message at a time and brings its answer back."""

    async def exchange(self, body: bytes, timeout_s: float) -> bytes:
        """Send one message and return its answer.

        Raises:
            RetriableError: no answer came; the line must be opened again.
        """
        ...

    def close(self) -> None:
        """Give the line up."""
        ...


class MllpLine(asyncio.Protocol):
    """One MLLP connection of a sender; one message in flight."""

    def __init__(self, address: Address) -> None:
        self._where = str(address)
        self._decoder = FrameDecoder()
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[bytes] | None = None
        self._is_lost = False

    @classmethod
    async def open(
        cls, address: Address, *, tls: ssl.SSLContext | None = None, timeout_s: float = 30.0
    ) -> "MllpLine":
        """Connect.

        Raises:
            RetriableError: nobody answers there, or TLS was refused (RLS-NET-011).
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout_s):
                _, line = await loop.create_connection(
                    lambda: cls(address), address.host, address.port, ssl=tls
                )
        except OSError as error:
            raise RetriableError([_unreachable(str(address))]) from error
        return line

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Take the answer; one that nobody waits for settles nothing."""
        events = self._decoder.feed(data)
        if self._decoder.awaits_cr:
            events += self._decoder.settle()
        for event in events:
            if isinstance(event, Frame) and self._answer and not self._answer.done():
                self._answer.set_result(event.body)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits that no answer will come."""
        self._is_lost = True
        if self._answer and not self._answer.done():
            self._answer.set_exception(RetriableError([_closed(self._where)]))

    async def exchange(self, body: bytes, timeout_s: float) -> bytes:
        """Send one message and return its answer.

        After a time-out the line is closed, so that a late answer is never taken for that of the
        next message.

        Raises:
            RetriableError: closed before the answer (RLS-NET-012), no answer in time
                (RLS-NET-013), the answer is for another message (RLS-NET-014).
        """
        if self._is_lost or self._transport is None:
            raise RetriableError([_closed(self._where)])
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(b"\x0b%b\x1c\r" % body)
        try:
            async with asyncio.timeout(timeout_s):
                answer = await self._answer
        except TimeoutError as error:
            self.close()
            raise RetriableError([_no_answer(self._where)]) from error
        finally:
            self._answer = None
        if not _is_answer_to(body, answer):
            self.close()
            raise RetriableError([_other_answer(self._where)])
        return answer

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()


class HttpLine:
    """Messages by POST; the client keeps the connections."""

    def __init__(self, address: Address, post: HttpPost) -> None:
        self._where = str(address)
        self._post = post

    async def exchange(self, body: bytes, timeout_s: float) -> bytes:
        """Send one message and return its answer, whatever the status when it is an ACK.

        Raises:
            RetriableError: no answer (RLS-NET-011), or no ACK in it (RLS-NET-014).
        """
        try:
            answer = await self._post(self._where, body, _HL7, timeout_s)
        except OSError as error:
            raise RetriableError([_unreachable(self._where)]) from error
        if not _is_answer_to(body, answer.body):
            raise RetriableError([_other_answer(self._where)])
        return answer.body

    def close(self) -> None:
        """Nothing to give up."""


def ack_code(ack: bytes) -> str:
    """Return MSA-1, empty when there is none."""
    msa = _msa(ack)
    return msa[1].decode("ascii", "replace").strip() if len(msa) > 1 else ""


def _msa(ack: bytes) -> list[bytes]:
    separator = ack[3:4]
    if not ack.startswith(b"MSH") or not separator:
        return []
    place = ack.find(b"\rMSA" + separator)
    return ack[place + 1 :].split(b"\r", 1)[0].split(separator) if place >= 0 else []


def _is_answer_to(body: bytes, ack: bytes) -> bool:
    """Tell whether MSA-2 repeats MSH-10; a refusal of an unreadable header may have none."""
    msa = _msa(ack)
    if not msa:
        return False
    header = body.split(b"\r", 1)[0].split(body[3:4] or b"|")
    asked = header[9].strip() if len(header) > 9 else b""
    answered = msa[2].strip() if len(msa) > 2 else b""
    return answered in (b"", asked)


def _bad_address() -> Issue:
    return Issue(
        code="RLS-NET-010",
        severity=Severity.ERROR,
        where="address",
        what="the text is no address messages can be sent to.",
        fix="Write mllp://host:port, mllps://host:port or http://host:port/hl7v2.",
    )


def _unreachable(where: str) -> Issue:
    return Issue(
        code="RLS-NET-011",
        severity=Severity.ERROR,
        where=where,
        what="no connection could be made.",
        fix="Check that the other side listens there, the firewall and the TLS certificates.",
    )


def _closed(where: str) -> Issue:
    return Issue(
        code="RLS-NET-012",
        severity=Severity.ERROR,
        where=where,
        what="the other side closed the connection before it answered.",
        fix="Send again; over TLS 1.3 this is also how a missing client certificate shows.",
    )


def _no_answer(where: str) -> Issue:
    return Issue(
        code="RLS-NET-013",
        severity=Severity.ERROR,
        where=where,
        what="no answer came in time; it is not known whether the message was kept.",
        fix="Send the same message again, unchanged: it counts once.",
    )


def _other_answer(where: str) -> Issue:
    return Issue(
        code="RLS-NET-014",
        severity=Severity.ERROR,
        where=where,
        what="what came back is no acknowledgement of this message.",
        fix="Check MSA-2 of the other side; send the message again.",
    )
