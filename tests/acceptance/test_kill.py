"""kill -9 under load, restart, resend: no acknowledged message lost, nothing twice."""

import asyncio
import random
from contextlib import ExitStack

import pytest

from gateway.simulation.faults import PERFECT
from gateway.simulation.play import events
from gateway.simulation.region import Region
from gateway.store.factory import open_store
from gateway.store.memory import MemoryStore
from tests.support import postgres
from tests.support.gateway import holdings, take, without_pathways
from tests.support.process import GatewayProcess, send_until_cut

pytestmark = [pytest.mark.acceptance, pytest.mark.long]
LANES = 8


@pytest.fixture(scope="module")
def bodies():
    """Give the HL7 v2 messages and documents of some patients, as MLLP would bring them."""
    return [event.body for event in events(Region("kill", 60), PERFECT) if event.door == "mllp"]


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request, tmp_path):
    with ExitStack() as stack:
        if request.param == "sqlite":
            yield f"sqlite:///{tmp_path}/kill.db"
        else:
            address = stack.enter_context(postgres.server())
            yield stack.enter_context(postgres.database(address))


async def loaded(port, bodies, acks):
    lanes = [bodies[lane::LANES] for lane in range(LANES)]
    await asyncio.gather(*(send_until_cut(port, lane, acks) for lane in lanes))


@pytest.mark.field("FL-062")
async def test_killed_again_and_again_under_load(store_url, tmp_path, bodies):
    chance = random.Random(store_url.partition(":")[0])
    gateway = GatewayProcess(store_url, tmp_path)
    acks: dict[bytes, bytes] = {}
    kills = 0
    while len(acks) < len(bodies) and kills < 10:
        gateway.start()
        waiting = [body for body in bodies if body not in acks]
        # The last acknowledged ones again: their sender may not have seen the answer.
        again = chance.sample(sorted(acks), min(20, len(acks)))
        load = asyncio.create_task(loaded(gateway.ports["mllp"], again + waiting, acks))
        await asyncio.sleep(chance.uniform(0.1, 0.8))
        gateway.kill()
        kills += 1
        await load
    gateway.start()
    await loaded(gateway.ports["mllp"], [body for body in bodies if body not in acks], acks)
    assert gateway.stop() == 0

    assert kills >= 5
    assert len(acks) == len(bodies)
    assert {ack.split(b"MSA|")[1][:2] for ack in acks.values()} == {b"AA"}
    stored = open_store(store_url)
    await stored.open()
    try:
        rows = await all_rows(stored)
        found = without_pathways(await holdings(stored))
    finally:
        await stored.close()
    assert sorted(row.body for row in rows) == sorted(bodies)
    assert {row.status for row in rows} == {"converted"}
    reference = MemoryStore()
    await reference.open()
    await take(reference, *bodies, together=32)
    assert found == await holdings(reference)


async def all_rows(store):
    rows, after = [], 0
    while page := await store.read(
        lambda tx, after=after: tx.inbox.page(None, after, 500, with_body=True)
    ):
        rows += page
        after = page[-1].id
    return rows
