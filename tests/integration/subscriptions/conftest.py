"""The FHIR door with writable subscriptions, a deliverer and a receiver, all on this machine."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx2
import pytest

from gateway.connectors.fhir_hook import FhirHook
from gateway.connectors.http import HttpClient
from gateway.core.contributions import Json
from gateway.entry.api.app import AppSettings, create_app
from gateway.entry.api.declarations import DeclarationSettings, declarations_router
from gateway.entry.api.sockets import sockets_router
from gateway.entry.api.subscriptions import SubscriptionSettings, subscriptions_router
from gateway.fhir.subscriptions import SubscriptionRules
from gateway.pipeline.commit import commit
from gateway.pipeline.deliver import Deliverer, DeliveryPolicy
from gateway.pipeline.publish import GapChange, gap_changes
from gateway.simulation.receiver import Receiver
from gateway.store.memory import MemoryStore
from tests.conftest import ROOT as HOUSE
from tests.support.declared import CLINIC, HOSPITAL, Clinic
from tests.support.gaps import IDS, LOOPBACK, subscription
from tests.support.gateway import converter, message
from tests.support.pipeline import RULES, HandClock

ROOT = "http://relais.test:8080"


@dataclass
class Region:
    """Everything a subscription meets."""

    store: MemoryStore
    client: httpx2.AsyncClient
    receiver: Receiver
    deliverer: Deliverer
    clock: HandClock

    async def subscribe(self, *filters: str, **more: object) -> Json:
        """Create a subscription to the receiver; return it as answered."""
        sent = subscription(self.receiver.url, *filters, **more)
        answer = await self.client.post("/fhir/Subscription", json=sent)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def activate(self, *filters: str, **more: object) -> str:
        """Create a subscription and let it be asked; return its id."""
        id_ = (await self.subscribe(*filters, **more))["id"]
        self.clock.advance(seconds=1)
        await self.rest()
        return id_

    async def rest(self) -> None:
        """Send what is due until nothing is."""
        for _ in range(100):
            if not await self.deliverer.step():
                return
        pytest.fail("the outbox does not come to rest")

    async def publish(self, *changes: GapChange) -> None:
        """Let gaps change."""
        now = self.clock.now()
        await self.store.write(lambda tx: gap_changes(tx, changes, now, IDS))

    async def read(self, id_: str) -> Json:
        """Read a subscription."""
        return (await self.client.get(f"/fhir/Subscription/{id_}")).json()


@pytest.fixture
async def region() -> AsyncIterator[Region]:
    """Give a region at rest."""
    store, receiver, clock = MemoryStore(), Receiver(), HandClock()
    await store.open()
    await receiver.start()
    settings = SubscriptionSettings(f"{ROOT}/fhir", SubscriptionRules(LOOPBACK, per_client=3))
    app = create_app(
        store,
        AppSettings(ROOT, "9.9.9", "2026-11-21"),
        routers=[
            subscriptions_router(store, clock, settings),
            sockets_router(store, clock, settings),
        ],
    )
    transport = httpx2.ASGITransport(app=app)
    async with (
        httpx2.AsyncClient(transport=transport, base_url=ROOT) as client,
        HttpClient(keeps_connections=False) as http,
    ):
        hook = FhirHook(http, LOOPBACK, timeout_s=0.5)
        policy = DeliveryPolicy(f"{ROOT}/fhir")
        deliverer = Deliverer(store, [hook], clock, policy, draw=lambda: 0.5)
        yield Region(store, client, receiver, deliverer, clock)
    await receiver.stop()
    await store.close()


@pytest.fixture
async def clinic(region):
    settings = DeclarationSettings(IDS, {"local": (CLINIC, HOSPITAL)})
    app = create_app(
        region.store,
        AppSettings(ROOT, "9.9.9", "2026-11-21"),
        routers=[declarations_router(region.store, region.clock, settings)],
    )
    body = (HOUSE / "fixtures/hl7v2/adt_a03_discharge_to_rehabilitation/input.er7").read_bytes()
    made = converter()
    item = made.prepare(made.open(message(body)))
    await region.store.write(lambda tx: commit(tx, [item], region.clock.now(), RULES))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url=ROOT) as client:
        yield Clinic(region, client)
