"""The only importer of the HTTP client.

Does not retry and does not decide what is sent: it sends once and says what came back.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx2 as httpx

_WAITING = (ssl.SSLWantReadError, ssl.SSLWantWriteError)


class HttpFailureError(OSError):
    """No answer came: connection, TLS or time.

    Attributes:
        is_tls: the certificate or the handshake was the reason.
    """

    def __init__(self, what: str, *, is_tls: bool = False) -> None:
        super().__init__(what)
        self.is_tls = is_tls


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What a server said."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class HttpClient:
    """A client that keeps its connections; redirects are not followed."""

    def __init__(
        self,
        tls: ssl.SSLContext | None = None,
        connections: int = 32,
        *,
        keeps_connections: bool = True,
    ) -> None:
        """Prepare a client.

        Args:
            tls: context for https; the authorities of the system by default.
            connections: open at the same time at most.
            keeps_connections: use a connection again. Not for `post` to a chosen address: two
                names at one address would share a connection that was checked for one of them.
        """
        limits = httpx.Limits(
            max_connections=connections,
            max_keepalive_connections=connections if keeps_connections else 0,
        )
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
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def get(
        self,
        url: str,
        timeout_s: float,
        *,
        headers: Mapping[str, str] | None = None,
        address: str = "",
        body_limit: int | None = None,
    ) -> HttpReply:
        """Send one GET; arguments and errors as `post`."""
        request = self._request("GET", url, b"", dict(headers or {}), timeout_s, address)
        return await self._send(request, body_limit)

    async def post(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        timeout_s: float,
        *,
        address: str = "",
        body_limit: int | None = None,
    ) -> HttpReply:
        """Send one POST.

        Args:
            url: where to; its host is what the certificate must name.
            body: what is sent.
            headers: of the request.
            timeout_s: for each of connecting, writing, reading.
            address: connect to this address of the host instead of resolving it again.
            body_limit: stop reading the answer after so many bytes; all of it by default.

        Raises:
            HttpFailureError: no answer came.
        """
        request = self._request("POST", url, body, dict(headers), timeout_s, address)
        return await self._send(request, body_limit)

    async def _send(self, request: httpx.Request, body_limit: int | None) -> HttpReply:
        try:
            answer = await self._client.send(request, stream=True)
            try:
                content = await _read(answer, body_limit)
            finally:
                await answer.aclose()
        except httpx.TransportError as error:
            raise HttpFailureError(type(error).__name__, is_tls=_is_tls(error)) from error
        return HttpReply(answer.status_code, content, dict(answer.headers))

    def _request(
        self,
        method: str,
        url: str,
        body: bytes,
        headers: dict[str, str],
        timeout_s: float,
        address: str,
    ) -> httpx.Request:
        target = httpx.URL(url)
        if not address:
            return self._client.build_request(
                method, target, content=body, headers=headers, timeout=timeout_s
            )
        headers["Host"] = target.netloc.decode("ascii")
        return self._client.build_request(
            method,
            target.copy_with(host=address),
            content=body,
            headers=headers,
            timeout=timeout_s,
            extensions={"sni_hostname": target.host},
        )


async def _read(answer: httpx.Response, limit: int | None) -> bytes:
    if limit is None:
        return await answer.aread()
    content = bytearray()
    async for chunk in answer.aiter_raw(4096):
        content += chunk
        if len(content) >= limit:
            break
    return bytes(content[:limit])


def _is_tls(error: BaseException) -> bool:
    """Look for the fault of TLS that a connection error was made from."""
    found: BaseException | None = error
    while found is not None:
        # Waiting for bytes of a record that never come is time, not a fault of TLS.
        if isinstance(found, ssl.SSLError) and not isinstance(found, _WAITING):
            return True
        found = found.__cause__ or found.__context__
    return False
