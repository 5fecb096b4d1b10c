"""kill -9 of the gateway and of subscribers: every number arrives or can be asked for, in order.

Three ways of being told of the same stays: one notification an event, several together, and a
websocket that is opened again where it broke. Time runs faster for the gateway, so that the lease
of what a killed process was sending ends within the test.
"""

import asyncio
import json
import random
from contextlib import suppress
from datetime import timedelta
from http.client import HTTPException
from itertools import pairwise

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from gateway.simulation.faults import PERFECT
from gateway.simulation.play import events
from gateway.simulation.region import Region
from gateway.store.factory import open_store
from tests.acceptance.test_kill_deliveries import events_in
from tests.support.gaps import extension, parameters, subscription
from tests.support.region_process import RegionProcess

pytestmark = [pytest.mark.acceptance, pytest.mark.long]

TOPICS = "https://relais.example/fhir/SubscriptionTopic"
#: A ticket for a websocket still lives a third of a second, a lease three.
SCALE = 100.0
KILLS = 2


@pytest.fixture(scope="module")
def told():
    """Give the movements of some patients."""
    return [one for one in events(Region("kill subscribers", 14), PERFECT) if one.door == "mllp"]


@pytest.fixture
def region(tmp_path, told):
    made = RegionProcess.under(tmp_path, f"sqlite:///{tmp_path}/kill.db")
    made.clock.move(told[0].at - timedelta(hours=1), SCALE)
    try:
        yield made.start()
    finally:
        made.kill()


class Listener:
    """A client with a websocket: opened again wherever it breaks, from the next number on."""

    def __init__(self, region: RegionProcess, id_: str) -> None:
        self.region, self.id = region, id_
        self.told: dict[int, tuple[str, str]] = {}
        #: What came over each connection, in order.
        self.connections: list[list[int]] = []
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            with suppress(OSError, ValueError, KeyError, HTTPException, WebSocketException):
                await self._listen()
            # The gateway is being started again; nobody tells when it answers.
            await asyncio.sleep(0.05)

    async def _listen(self) -> None:
        since = max(self.told, default=0) + 1
        path = f"Subscription/{self.id}/$get-ws-binding-token?eventsSinceNumber={since}"
        given = await asyncio.to_thread(self.region.ask, path)
        [token] = [p["valueString"] for p in given["parameter"] if p["name"] == "token"]
        port = self.region.gateway.ports["http"]
        async with connect(f"ws://127.0.0.1:{port}/fhir/ws") as socket:
            await socket.send(f"bind-with-token {token}")
            self.connections.append([])
            async for frame in socket:
                for number, told in events_in(json.loads(frame)).items():
                    assert self.told.setdefault(number, told) == told
                    self.connections[-1].append(number)
                self._changed.set()

    async def heard(self, number: int) -> None:
        """Wait until an event arrived."""
        while max(self.told, default=0) < number:
            self._changed.clear()
            await self._changed.wait()


async def subscribed(region: RegionProcess) -> dict[str, str]:
    """Ask to be told in three ways; return the ids once the handshakes are answered."""
    single = {**subscription(region.endpoint), "criteria": f"{TOPICS}/encounter-admitted"}
    several = subscription(
        region.endpoint,
        content="full-resource",
        extension=[extension("backport-max-count", valuePositiveInt=5)],
    )
    socket = subscription("", type="websocket")
    socket["channel"].pop("endpoint")
    wanted = {
        "single": single,
        "several": {**several, "criteria": f"{TOPICS}/encounter-discharged"},
        "socket": {**socket, "criteria": f"{TOPICS}/encounter-admitted"},
    }
    ids = {name: region.ask("Subscription", one)["id"] for name, one in wanted.items()}
    async with asyncio.timeout(20):
        for name in ("single", "several"):
            # Only the door of another process tells.
            while region.ask(f"Subscription/{ids[name]}")["status"] != "active":  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    return ids


async def killed(region: RegionProcess, chance: random.Random, acks: dict[bytes, bytes]) -> None:
    """Kill gateway and receiver by turns, each at a step drawn by chance."""
    for name in ("gateway", "receiver") * KILLS:
        await region.step(chance, acks)
        await region.fall(name, chance.uniform(0.0, 0.2))


@pytest.mark.field("FL-244", "FL-268")
async def test_every_number_arrives_or_can_be_asked_for_in_order(region, told, tmp_path):
    ids = await subscribed(region)
    listener = Listener(region, ids["socket"])
    listening = asyncio.create_task(listener.run())
    acks: dict[bytes, bytes] = {}
    store = open_store(f"sqlite:///{tmp_path}/kill.db")
    await store.open()

    await asyncio.gather(region.send(told, acks), killed(region, random.Random("order"), acks))
    await region.rest(store)
    counted = {
        name: (await store.read(lambda tx, i=id_: tx.subscriptions.get(i))).events
        for name, id_ in ids.items()
    }
    async with asyncio.timeout(20):
        await listener.heard(counted["socket"])
    listening.cancel()
    asked = {
        name: events_in(region.ask(f"Subscription/{id_}/$events")) for name, id_ in ids.items()
    }
    arrived = {name: _arrived(region, ids[name]) for name in ("single", "several")}

    assert region.kills == {"gateway": KILLS, "receiver": KILLS}
    assert {ack.split(b"MSA|")[1][:2] for ack in acks.values()} == {b"AA"}
    assert counted["single"] == counted["socket"] > 10
    assert counted["several"] > 6
    for name, count in counted.items():
        assert list(asked[name]) == list(range(1, count + 1))
    for name, notifications in arrived.items():
        assert {n: told for one in notifications for n, told in one.items()} == asked[name]
        firsts = [n for one in notifications for n in one]
        new = list(dict.fromkeys(firsts))
        assert new == sorted(new)
        assert all(list(one) == list(range(min(one), max(one) + 1)) for one in notifications)
    assert max(map(len, arrived["several"])) > 1
    assert max(map(len, arrived["single"])) == 1
    assert listener.told == asked["socket"]
    assert len(listener.connections) > KILLS
    for numbers in listener.connections:
        assert all(two == one + 1 for one, two in pairwise(numbers))
    assert [told for _, told in asked["single"].items()] == [
        told for _, told in asked["socket"].items()
    ]
    await store.close()


def _arrived(region: RegionProcess, id_: str) -> list[dict[int, tuple[str, str]]]:
    """Return the events of each notification a subscription got, in order of arrival."""
    found = []
    for one in region.receiver.arrived():
        named = parameters(one.bundle)["subscription"]["reference"] if one.number else ""
        if named.endswith(id_):
            found.append(events_in(one.bundle))
    return found
