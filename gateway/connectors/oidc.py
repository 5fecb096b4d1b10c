"""The three calls an OpenID Connect provider gets from us, behind the walls of every outgoing call.

Sends once and says what came back; judges no token (`entry.auth.id_token`).
"""

import asyncio
import json
import ssl
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from gateway.connectors.fhir_hook import Resolver, resolve
from gateway.connectors.http import HttpClient, HttpFailureError, HttpReply
from gateway.core.egress import EgressPolicy, EndpointError, may_connect, read_endpoint

_LIMIT = 256 * 1024
_FORM = "application/x-www-form-urlencoded"


class ProviderError(Exception):
    """The provider does not answer, or not as agreed; the text quotes nothing of it."""


class OidcProvider:
    """Calls one provider."""

    def __init__(
        self,
        policy: EgressPolicy,
        *,
        timeout_s: float = 10.0,
        resolver: Resolver = resolve,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Prepare; nothing is called.

        Args:
            policy: what may be called: the hosts of the provider.
            timeout_s: for a whole attempt.
            resolver: gives addresses of names.
            tls: context for https; the authorities of the system by default.
        """
        self._policy, self._timeout_s = policy, timeout_s
        self._resolver, self._tls = resolver, tls

    async def tokens(
        self, url: str, form: Mapping[str, str], client_id: str, secret: str
    ) -> dict[str, Any]:
        """Exchange a code (RFC 6749 4.1.3, client_secret_basic).

        Raises:
            ProviderError: no tokens came.
        """
        named = ":".join(quote(part, safe="") for part in (client_id, secret))
        basic = b64encode(named.encode()).decode()
        headers = {"Content-Type": _FORM, "Authorization": f"Basic {basic}"}
        return await self._json("POST", url, urlencode(form).encode(), headers)

    async def userinfo(self, url: str, access_token: str) -> dict[str, Any]:
        """Return what the provider knows of who logged in.

        Raises:
            ProviderError: it does not say.
        """
        headers = {"Authorization": f"Bearer {access_token}", "Content-Type": _FORM}
        return await self._json("POST", url, b"", headers)

    async def keys(self, url: str) -> dict[str, Any]:
        """Return the key set of the provider.

        Raises:
            ProviderError: it does not give it.
        """
        return await self._json("GET", url, b"", {})

    async def _json(
        self, method: str, url: str, body: bytes, headers: dict[str, str]
    ) -> dict[str, Any]:
        try:
            async with asyncio.timeout(self._timeout_s):
                reply = await self._send(method, url, body, headers)
        except (TimeoutError, OSError, HttpFailureError) as error:
            raise ProviderError(type(error).__name__) from error
        if reply.status != 200 or len(reply.body) > _LIMIT:
            msg = f"HTTP {reply.status}"
            raise ProviderError(msg)
        try:
            found = json.loads(reply.body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            msg = "no JSON object"
            raise ProviderError(msg)
        return found

    async def _send(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> HttpReply:
        address = await self._address(url)
        async with HttpClient(self._tls, keeps_connections=False) as client:
            if method == "GET":
                return await client.get(
                    url, self._timeout_s, address=address, body_limit=_LIMIT + 1
                )
            return await client.post(
                url, body, headers, self._timeout_s, address=address, body_limit=_LIMIT + 1
            )

    async def _address(self, url: str) -> str:
        try:
            endpoint = read_endpoint(url, self._policy)
        except EndpointError as error:
            raise ProviderError(str(error)) from error
        found = await self._resolver(endpoint.host, endpoint.port)
        if not found or not all(may_connect(one, endpoint, self._policy) for one in found):
            msg = "its name leads to an address inside"
            raise ProviderError(msg)
        return found[0]
