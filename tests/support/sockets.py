"""The doors of subscriptions on a real port, and a client that listens on a websocket."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

import httpx2
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from gateway.core.contributions import Json
from gateway.entry.api.app import AppSettings, create_app
from gateway.entry.api.sockets import SocketRhythm, sockets_router
from gateway.entry.api.subscriptions import SubscriptionSettings, subscriptions_router
from gateway.fhir.subscriptions import SubscriptionRules
from gateway.pipeline.publish import GapChange, gap_changes
from gateway.store.memory import MemoryStore
from tests.support.gaps import (
    IDS,
    LOOPBACK,
    parameters,
    subscription,
)
from tests.support.pipeline import HandClock

SUBSCRIPTIONS = "/fhir/Subscription"
QUICK = SocketRhythm(first_s=0.3, poll_s=0.02, look_s=1.0, write_s=0.5, most=2)


@dataclass
class Door:
    """A gateway on a real port, and what it holds."""

    store: MemoryStore
    clock: HandClock
    client: httpx2.AsyncClient
    port: int

    async def subscribe(self, *filters: str, **channel: object) -> str:
        """Create a subscription to a socket; return its id."""
        made = subscription("", *filters, **{"type": "websocket", **channel})
        made["channel"].pop("endpoint")
        answer = await self.client.post(SUBSCRIPTIONS, json=made)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    async def ticket(self, query: str = "", **asked: str) -> Json:
        """Ask for a ticket; return the parameters of the answer."""
        path = f"{SUBSCRIPTIONS}/$get-ws-binding-token{query}"
        answer = await self.client.get(path, params=asked)
        assert answer.status_code == 200, answer.text
        return {
            one["name"]: next(v for k, v in one.items() if k.startswith("value"))
            for one in answer.json()["parameter"]
        }

    @asynccontextmanager
    async def open(self, **more: object) -> AsyncIterator[ClientConnection]:
        """Open a socket."""
        async with connect(f"ws://127.0.0.1:{self.port}/fhir/ws", **more) as opened_:
            yield opened_

    @asynccontextmanager
    async def bound(self, query: str = "", **asked: str) -> AsyncIterator[ClientConnection]:
        """Open a socket and bind it."""
        given = await self.ticket(query, **asked)
        async with self.open() as socket:
            await socket.send(f"bind-with-token {given['token']}")
            yield socket

    async def publish(self, *changes: GapChange) -> None:
        """Let gaps change."""
        now = self.clock.now()
        await self.store.write(lambda tx: gap_changes(tx, changes, now, IDS))


class Server(uvicorn.Server):
    """A server that tells when it answers, and leaves the signals alone."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(store, clock, rhythm=QUICK) -> AsyncIterator[Door]:
    """Serve the doors of subscriptions on a port of this machine."""
    settings = SubscriptionSettings("http://localhost/fhir", SubscriptionRules(LOOPBACK))
    app = create_app(
        store,
        AppSettings("http://localhost", "9.9.9", "2026-11-21"),
        routers=[
            subscriptions_router(store, clock, settings),
            sockets_router(store, clock, settings, rhythm),
        ],
    )
    config = uvicorn.Config(app, port=0, log_config=None, lifespan="off", ws_max_size=4096)
    server = Server(config)
    task = asyncio.create_task(server.serve())
    await server.ready.wait()
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        yield Door(store, clock, client, port)
    server.should_exit = True
    await task


async def heard(socket: ClientConnection, many: int) -> list[tuple[str, int]]:
    """Return kind and number of the next notifications."""
    found = []
    for _ in range(many):
        bundle = json.loads(await asyncio.wait_for(socket.recv(), 5))
        found.append((parameters(bundle)["type"], *numbers(bundle)))
    return found


def numbers(bundle: Json) -> list[int]:
    return [
        int(part["valueString"])
        for one in bundle["entry"][0]["resource"]["parameter"]
        for part in one.get("part", ())
        if part["name"] == "event-number"
    ]


async def close_code(socket: ClientConnection) -> int:
    """Read until the other side closes; return the code it closed with."""
    with suppress(ConnectionClosed):
        async with asyncio.timeout(10):
            async for _ in socket:
                continue
    assert socket.close_code is not None
    return socket.close_code
