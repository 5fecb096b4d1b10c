"""Public keys of clients at an address of theirs (SMART 2.2, registration by JWKS URL).

The same walls as for notifications: every address of the name is judged, the judged one is
connected to, redirects are not followed, what is read has a limit.
"""

import asyncio
import re
import ssl
from dataclasses import dataclass

from gateway.connectors.fhir_hook import Resolver, resolve
from gateway.connectors.http import HttpClient, HttpFailureError
from gateway.core.egress import EgressPolicy, EndpointError, may_connect, read_endpoint

_LIMIT = 64 * 1024
_LONGEST_S = 3600.0
_MAX_AGE = re.compile(r"(?:^|[,\s])max-age=(\d{1,9})")
_NOT_KEPT = re.compile(r"(?:^|[,\s])(?:no-store|no-cache)(?:$|[,\s])")


class KeysNotFetchedError(Exception):
    """The keys cannot be had; the text says why, without quoting the address."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address gave.

    Attributes:
        jwks: the bytes.
        fresh_s: how long they may be used, seconds: what the server says, an hour at most.
    """

    jwks: bytes
    fresh_s: float


class JwksFetcher:
    """Fetches key sets."""

    def __init__(
        self,
        policy: EgressPolicy,
        *,
        timeout_s: float = 10.0,
        resolver: Resolver = resolve,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Prepare; nothing is fetched.

        Args:
            policy: what may be called.
            timeout_s: for a whole attempt.
            resolver: gives addresses of names.
            tls: context for https; the authorities of the system by default.
        """
        self._policy = policy
        self._timeout_s = timeout_s
        self._resolver = resolver
        self._tls = tls

    async def fetch(self, url: str) -> Fetched:
        """Fetch a key set.

        Raises:
            KeysNotFetchedError: the address may not be called, does not answer, or not with keys.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                address = await self._address(url)
                async with HttpClient(self._tls, keeps_connections=False) as client:
                    reply = await client.get(
                        url, self._timeout_s, address=address, body_limit=_LIMIT + 1
                    )
        except (TimeoutError, OSError, HttpFailureError) as error:
            raise KeysNotFetchedError(type(error).__name__) from error
        if reply.status != 200 or len(reply.body) > _LIMIT:
            said = f"HTTP {reply.status}, {len(reply.body)} bytes"
            raise KeysNotFetchedError(said)
        return Fetched(reply.body, _fresh_s(reply.headers.get("cache-control", "")))

    async def _address(self, url: str) -> str:
        try:
            endpoint = read_endpoint(url, self._policy)
        except EndpointError as error:
            raise KeysNotFetchedError(str(error)) from error
        if endpoint.scheme != "https" and not endpoint.is_loopback:
            msg = "not https"
            raise KeysNotFetchedError(msg)
        addresses = await self._resolver(endpoint.host, endpoint.port)
        if not addresses or not all(may_connect(a, endpoint, self._policy) for a in addresses):
            msg = "its name leads to an address inside"
            raise KeysNotFetchedError(msg)
        return addresses[0]


def _fresh_s(cache_control: str) -> float:
    text = cache_control.lower()
    if _NOT_KEPT.search(text):
        return 0.0
    match = _MAX_AGE.search(text)
    return min(float(match[1]), _LONGEST_S) if match else _LONGEST_S
