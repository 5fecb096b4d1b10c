"""The only importer of the HTTP client.

Does not retry and does not decide what is sent: it sends once and says what came back.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx2 as httpx


class HttpFailureError(OSError):
    """No answer came: connection, TLS or time."""


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What a server said."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class HttpClient:
    """A client that keeps its connections; redirects are not followed."""

    def __init__(self, tls: ssl.SSLContext | None = None, connections: int = 32) -> None:
        """Prepare a client.

        Args:
            tls: context for https; the authorities of the system by default.
            connections: kept open at most.
        """
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        self._client = httpx.AsyncClient(
            verify=tls if tls is not None else True,
            limits=limits,
            follow_redirects=False,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        """Use the client as a context: it is closed at the end."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], timeout_s: float
    ) -> HttpReply:
        """Send one POST.

        Raises:
            HttpFailureError: no answer came.
        """
        try:
            answer = await self._client.post(
                url, content=body, headers=dict(headers), timeout=timeout_s
            )
        except httpx.TransportError as error:
            raise HttpFailureError(type(error).__name__) from error
        return HttpReply(answer.status_code, answer.content, dict(answer.headers))
