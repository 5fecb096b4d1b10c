"""A letter that leaves by the outbox, over real sockets."""

import pytest

from gateway.pipeline.deliver import Deliverer, DeliveryPolicy
from gateway.simulation.hospital import Hospital
from gateway.simulation.mail_operator import Fate, Manners
from gateway.store.factory import open_store
from tests.support.arriving import Arriving
from tests.support.mail import NOW, delivery, fate_of, letter, post, to
from tests.support.pipeline import HandClock

POLICY = DeliveryPolicy(base="https://relais.example/fhir")


class Leaving:
    """The outbox of a gateway with one letter to an address."""

    def __init__(self, office, store):
        self.office = office
        self.store = store
        self.clock = HandClock(NOW)
        self.item = delivery(b"").item
        self.again()

    def again(self):
        """Start the deliverer anew, as after a kill."""
        self.deliverer = Deliverer(
            self.store, [self.office.connector], self.clock, POLICY, draw=lambda: 1.0
        )

    async def queue(self, fate: Fate, **details):
        self.item = delivery(letter(), to(fate), **details).item
        await self.store.write(lambda tx: tx.outbox.queue([self.item], NOW))

    async def notices(self):
        """Do what the poller of `serve` does."""
        for notice in await self.office.notices.poll():
            await self.deliverer.apply_notice(notice)
        await self.office.notices.done()

    async def row(self):
        return await self.store.read(lambda tx: tx.outbox.by_key("mssante", self.item.key))

    async def status(self):
        return (await self.row()).status


@pytest.fixture
async def leaving(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/mail.db")
    async with post(tmp_path, Manners(fate=fate_of)) as office:
        await store.open()
        try:
            yield Leaving(office, store)
        finally:
            await store.close()


@pytest.fixture
async def arriving(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/letters.db")
    hospital = Hospital()
    await store.open()
    await hospital.start()
    async with post(tmp_path) as office:
        made = Arriving(office, store, hospital)
        try:
            yield made
        finally:
            await made.connector.close()
            await hospital.stop()
            await store.close()
