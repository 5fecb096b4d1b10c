"""One client that is used again for a while: not each request costs a handshake.

A client reads its certificate when it is made; so it is given up after some minutes, and at once
when no answer comes, and a renewed certificate counts without a restart.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from prometheus_client import Counter

from gateway.connectors.http import HttpClient, HttpFailureError

_LIFE_S = 300.0
_MADE = Counter("relais_http_clients_made_total", "HTTP clients made, by connector", ["connector"])


@dataclass(slots=True)
class _Kept:
    client: HttpClient
    since: float
    users: int = 0


class HttpLine:
    """The way to one other side."""

    def __init__(
        self, name: str, tls: Callable[[], ssl.SSLContext], life_s: float = _LIFE_S
    ) -> None:
        """Prepare; nothing is opened.

        Args:
            name: of the connector, for figures.
            tls: makes the context of a new client.
            life_s: a client is used for new requests so long, seconds.
        """
        self._name = name
        self._tls = tls
        self._life_s = life_s
        self._kept: _Kept | None = None

    @asynccontextmanager
    async def client(self) -> AsyncIterator[HttpClient]:
        """Lend the client for one request; one that was given up is closed by its last user."""
        kept = await self._current()
        kept.users += 1
        try:
            yield kept.client
        except HttpFailureError:
            # A refused certificate may show as a mere cut.
            if self._kept is kept:
                self._kept = None
            raise
        finally:
            kept.users -= 1
            if self._kept is not kept and not kept.users:
                await kept.client.close()

    async def close(self) -> None:
        """Close what is open; the next request opens anew."""
        kept, self._kept = self._kept, None
        if kept is not None and not kept.users:
            await kept.client.close()

    async def _current(self) -> _Kept:
        now = asyncio.get_running_loop().time()
        if self._kept is not None and now - self._kept.since < self._life_s:
            return self._kept
        await self.close()
        self._kept = _Kept(HttpClient(self._tls()), now)
        _MADE.labels(self._name).inc()
        return self._kept
