"""kill -9 of the process that sends: the same number again, never a new one, nothing lost."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.connectors.fhir_hook import FhirHook
from gateway.connectors.http import HttpClient
from gateway.core.deliveries import DeliveryStatus
from gateway.pipeline.deliver import Deliverer, DeliveryPolicy
from gateway.pipeline.publish import gap_changes
from gateway.simulation.receiver import Answer, Receiver
from gateway.store.factory import migrate, open_store
from tests.conftest import ROOT
from tests.support.gaps import BASE, IDS, LOOPBACK, closed, opened, subscribed_row, subscription
from tests.support.pipeline import START, HandClock

_WORKER = """
import asyncio, sys
from gateway.connectors.fhir_hook import FhirHook
from gateway.connectors.http import HttpClient
from gateway.pipeline.deliver import Deliverer, DeliveryPolicy
from gateway.store.factory import open_store
from tests.support.gaps import BASE, LOOPBACK
from tests.support.pipeline import HandClock

async def main():
    store = open_store(sys.argv[1], timeout_s=10)
    await store.open()
    async with HttpClient(keeps_connections=False) as http:
        deliverer = Deliverer(store, [FhirHook(http, LOOPBACK)], HandClock(), DeliveryPolicy(BASE))
        while True:
            await deliverer.step()
            await asyncio.sleep(0.01)

asyncio.run(main())
"""


async def _arrivals(receiver: Receiver, count: int) -> None:
    for _ in range(2000):
        if len(receiver.arrived) >= count:
            return
        await asyncio.sleep(0.01)
    pytest.fail("nothing arrived")


@pytest.mark.long
@pytest.mark.parametrize("delay_s", [0.0, 30.0], ids=["after the answer", "before the answer"])
async def test_a_killed_sender_renumbers_nothing_and_loses_nothing(tmp_path: Path, delay_s: float):
    url = f"sqlite:///{tmp_path / 'relais.db'}"
    migrate(url)
    store = open_store(url, timeout_s=10)
    await store.open()
    receiver = Receiver()
    await receiver.start()
    row = subscribed_row("s1", subscription(receiver.url))
    await store.write(lambda tx: tx.subscriptions.put(row))
    await store.write(lambda tx: gap_changes(tx, [opened(), closed()], START, IDS))
    receiver.script.append(Answer(200, delay_s=delay_s))

    worker = await asyncio.create_subprocess_exec(sys.executable, "-c", _WORKER, url, cwd=ROOT)
    await _arrivals(receiver, 1)
    worker.kill()
    await worker.wait()
    clock = HandClock(START + timedelta(minutes=6))
    async with HttpClient(keeps_connections=False) as http:
        deliverer = Deliverer(store, [FhirHook(http, LOOPBACK)], clock, DeliveryPolicy(BASE))
        while await deliverer.step():
            continue

    sent = [(one.number, one.bundle_id) for one in receiver.arrived]
    numbers = [number for number, _ in sent]
    assert sorted(set(numbers)) == [1, 2]
    assert numbers == sorted(numbers)
    assert len(set(sent)) == 2
    states = await store.read(lambda tx: tx.outbox.counts())
    assert states == {("fhir_hook", DeliveryStatus.CONFIRMED): 2}
    kept = await store.read(lambda tx: tx.subscriptions.get("s1"))
    assert kept is not None
    assert kept.events == 2
    await receiver.stop()
    await store.close()
