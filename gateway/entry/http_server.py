"""The HTTP server: in our loop, on our socket, with what TLS knows of a caller on each request."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.entry.auth.certificates import digest_of_peer, note_certificate


class HttpServer:
    """uvicorn inside our loop, on our socket, without its signal handlers."""

    def __init__(
        self, app: FastAPI, listening: socket.socket, tls: ssl.SSLContext | None = None
    ) -> None:
        """Prepare; nothing is answered yet.

        Args:
            app: the application.
            listening: bound, not listening yet.
            tls: context of the door; None: plain HTTP.
        """
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            # Whose word about callers counts is `api.proxied`'s question.
            proxy_headers=False,
            timeout_graceful_shutdown=10,
            lifespan="off",
            # What clients send on a websocket is a ticket.
            ws_max_size=4096,
            http=_KnownPeer,
            ssl_context_factory=None if tls is None else lambda _config, _default: tls,
        )
        self._server = _Quiet(config)
        self._socket = listening
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Answer requests."""
        self._task = asyncio.create_task(self._server.serve([self._socket]))
        ready = asyncio.create_task(self._server.ready.wait())
        await asyncio.wait([self._task, ready], return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            ready.cancel()
            await self._task

    async def stop(self) -> None:
        """Finish what was begun."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task


class _Quiet(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell when requests are answered."""
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to our own process."""
        yield


class _KnownPeer(HttpToolsProtocol):
    """Notes the certificate of a connection on each of its requests."""

    def connection_made(self, transport: Any) -> None:
        """Remember who connected."""
        super().connection_made(transport)
        digest = digest_of_peer(transport.get_extra_info("ssl_object"))
        inner = self.app

        async def known(scope: Any, receive: Any, send: Any) -> None:
            note_certificate(scope, digest)
            await inner(scope, receive, send)

        if digest:
            self.app = known
