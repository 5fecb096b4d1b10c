"""Notifications to many subscribers: from a message to the last of them, and how many a second.

The subscribers are one receiver on this machine (rest-hook), or as many open websockets; each has
its own subscription to admissions, with content id-only. The receiver shares the processors.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import httpx2
from websockets.asyncio.client import ClientConnection, connect

from gateway.simulation.receiver import Receiver
from tests.bench import inputs, load, servers
from tests.bench.figures import Report
from tests.support.gaps import extension, subscription

TOPIC = "https://relais.example/fhir/SubscriptionTopic/encounter-admitted"
_PATIENCE_S = 300.0


@dataclass
class Heard:
    """What subscribers heard of.

    Attributes:
        events: counted over all of them.
        requests: notifications they came in.
    """

    events: int = 0
    requests: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, bundle: dict) -> None:
        """Count the events of a notification."""
        told = bundle["entry"][0]["resource"]["parameter"]
        self.requests += 1
        self.events += sum(one["name"] == "notification-event" for one in told)
        self.changed.set()

    async def reach(self, events: int) -> None:
        """Wait until so many events were heard of."""
        async with asyncio.timeout(_PATIENCE_S):
            while self.events < events:
                self.changed.clear()
                await self.changed.wait()


class _Counting(Receiver):
    """A receiver that counts and keeps nothing."""

    heard: Heard

    def _keep(self, request: object) -> None:
        self.heard.take(json.loads(request.body))  # type: ignore[attr-defined]


def fanout(report: Report, runs: int, subscribers: int, messages: int) -> None:
    """Measure three ways of being told."""
    ways: tuple[tuple[str, int, bool], ...] = (
        ("rest-hook", 1, False),
        ("rest-hook max-count 50", 50, False),
        ("websocket", 1, True),
    )
    bodies = [body for body in inputs.movements(messages * 12) if b"ADT^A01" in body[:200]]
    report.note(f"fanout: {subscribers} subscribers, {len(bodies[:messages])} admissions")
    for _ in range(runs):
        for name, at_once, by_socket in ways:
            asyncio.run(_one(report, name, bodies[:messages], subscribers, at_once, by_socket))
    report.table(f"Notifications to {subscribers} subscribers", "fanout")


async def _one(
    report: Report,
    name: str,
    bodies: Sequence[bytes],
    subscribers: int,
    at_once: int,
    by_socket: bool,
) -> None:
    heard = Heard()
    first, *others = bodies
    with servers.relais() as server:
        listening = _sockets if by_socket else _hooks
        async with listening(server, subscribers, at_once, heard):
            heard.requests = 0
            began = time.perf_counter()
            await asyncio.to_thread(load.play, server.port, [first], 1)
            await heard.reach(subscribers)
            alone = time.perf_counter() - began
            heard.requests = 0
            began = time.perf_counter()
            await asyncio.to_thread(load.play, server.port, others, 8)
            acknowledged = time.perf_counter() - began
            await heard.reach(subscribers * len(bodies))
            seconds = time.perf_counter() - began
    events = subscribers * len(others)
    report.add(f"fanout {name}: one message to the last subscriber", "ms", 1e3 * alone)
    report.add(f"fanout {name}: events", "1/s", events / seconds)
    report.add(f"fanout {name}: notifications", "1/s", heard.requests / seconds)
    report.add(f"fanout {name}: messages acknowledged", "1/s", len(others) / acknowledged)


@asynccontextmanager
async def _hooks(server: servers.Server, count: int, at_once: int, heard: Heard):
    """Subscribe so many times to one receiver, until every handshake is answered."""
    receiver = _Counting()
    receiver.heard = heard
    await receiver.start()
    channel = {"extension": [extension("backport-max-count", valuePositiveInt=at_once)]}
    async with _client(server) as client:
        for _ in range(count):
            await _subscribe(client, {**subscription(receiver.url, **channel), "criteria": TOPIC})
        async with asyncio.timeout(_PATIENCE_S):
            while heard.requests < count:
                heard.changed.clear()
                await heard.changed.wait()
            # The last answer is written a moment after it was given.
            while await _waiting(client):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        yield
    await receiver.stop()


@asynccontextmanager
async def _sockets(server: servers.Server, count: int, at_once: int, heard: Heard):
    """Subscribe so many times, each with a websocket of its own."""
    made = subscription("", type="websocket")
    made["channel"].pop("endpoint")
    made["channel"]["extension"] = [extension("backport-max-count", valuePositiveInt=at_once)]
    async with _client(server) as client, AsyncExitStack() as stack:
        readers = []
        for _ in range(count):
            id_ = await _subscribe(client, {**made, "criteria": TOPIC})
            path = f"/fhir/Subscription/{id_}/$get-ws-binding-token"
            given = (await client.get(path)).json()["parameter"]
            [token] = [one["valueString"] for one in given if one["name"] == "token"]
            url = f"ws://127.0.0.1:{server.http_port}/fhir/ws"
            socket = await stack.enter_async_context(connect(url))
            await socket.send(f"bind-with-token {token}")
            heard.take(json.loads(await socket.recv()))
            readers.append(asyncio.create_task(_read(socket, heard)))
        yield
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)


async def _read(socket: ClientConnection, heard: Heard) -> None:
    async for frame in socket:
        heard.take(json.loads(frame))


def _client(server: servers.Server) -> httpx2.AsyncClient:
    # The HTTP door opens a little after the one of MLLP.
    return httpx2.AsyncClient(
        base_url=f"http://127.0.0.1:{server.http_port}",
        timeout=60,
        transport=httpx2.AsyncHTTPTransport(retries=6),
    )


async def _subscribe(client: httpx2.AsyncClient, wanted: dict) -> str:
    answer = await client.post("/fhir/Subscription", json=wanted)
    answer.raise_for_status()
    id_: str = answer.json()["id"]
    return id_


async def _waiting(client: httpx2.AsyncClient) -> int:
    found = await client.get("/fhir/Subscription?status=requested&_summary=count")
    total: int = found.json()["total"]
    return total
