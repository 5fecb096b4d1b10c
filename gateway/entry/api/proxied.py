"""Who calls and how, when a proxy stands before the door (`X-Forwarded-For`, `-Proto`).

What these headers say counts from a declared proxy, and from this machine; from anybody else it is
nothing. A request by a declared proxy that does not say for whom comes from nobody known: it is
not taken for one of this machine, although the proxy may run here.
"""

import ipaddress
from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Proxied:
    """ASGI layer around the application, outside of everything that asks who calls."""

    def __init__(self, app: ASGIApp, proxies: Sequence[Network] = ()) -> None:
        """Wrap an application.

        Args:
            app: the application.
            proxies: declared ones.
        """
        self._app, self._proxies = app, tuple(proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its caller."""
        if scope["type"] in ("http", "websocket"):
            peer = _address(scope["client"][0] if scope.get("client") else "")
            is_declared = self._is_proxy(peer)
            if is_declared or (peer is not None and peer.is_loopback):
                scope = self._told(scope, is_declared)
        await self._app(scope, receive, send)

    def _told(self, scope: Scope, is_declared: bool) -> Scope:
        """Return a request as its proxy tells of it."""
        said: dict[bytes, list[str]] = {b"x-forwarded-for": [], b"x-forwarded-proto": []}
        for name, value in scope["headers"]:
            if name in said:
                said[name] += [one.strip() for one in value.decode("latin-1").split(",")]
        chain, proto = said[b"x-forwarded-for"], said[b"x-forwarded-proto"]
        if not chain and not is_declared:
            return scope
        # The last one that is no proxy of ours: what stands before it anybody can write.
        callers = [one for one in chain if not self._is_proxy(_address(one))]
        found: Scope = {**scope, "client": (callers[-1] if callers else "", 0)}
        if proto and proto[-1] in ("http", "https"):
            is_socket = scope["type"] == "websocket"
            secure = proto[-1] == "https"
            found["scheme"] = ("wss" if secure else "ws") if is_socket else proto[-1]
        return found

    def _is_proxy(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None) -> bool:
        return address is not None and any(
            address in network for network in self._proxies if network.version == address.version
        )


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return an address, None when it is none; one of IPv4 inside IPv6 is the one it holds."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return mapped or found
