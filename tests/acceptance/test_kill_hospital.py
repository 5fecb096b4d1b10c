"""kill -9 between a message to the hospital and its answer: it comes once more, and counts once."""

import asyncio
from datetime import UTC, datetime
from shutil import copytree

import pytest
import yaml

from gateway.core.deliveries import DeliveryStatus
from gateway.pipeline.to_hospital import CONNECTOR
from gateway.simulation.hospital import Hospital, Reply
from gateway.store.factory import open_store
from tests.conftest import ROOT
from tests.support.moved_serve import VARIABLE, MovedClock
from tests.support.process import GatewayProcess, send_until_cut
from tests.unit.pipeline.test_document_requests import changed

pytestmark = pytest.mark.acceptance

#: The five minutes of a lease last less than a second.
SCALE = 400.0
SILENCE = Reply(codes=())
TAKEN = Reply(codes=("CA",))
#: Asks for the word of the application, which goes to the hospital as a message of its own.
ASKING = changed(
    (ROOT / "fixtures" / "hl7v2" / "mdm_t02_new_letter" / "input.er7").read_bytes(),
    MSH_3="DEMO-GAM",
    MSH_15="AL",
    MSH_16="AL",
    MSH_12="2.5",
)


@pytest.fixture
async def hospital():
    made = Hospital()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def gateway(tmp_path, hospital):
    mappings = copytree(ROOT / "mappings", tmp_path / "mappings")
    path = mappings / "sites" / "demo.yaml"
    site = yaml.safe_load(path.read_text()) | {
        "destinations": {"dpi": {"host": "localhost", "port": hospital.port, "timeout_s": 20}},
        "acks_to": "dpi",
    }
    path.write_text(yaml.safe_dump(site, allow_unicode=True))
    clock = MovedClock(tmp_path / "clock.json")
    clock.move(datetime.now(UTC), SCALE)
    environment = {
        VARIABLE: str(clock.path),
        "RELAIS_MAPPINGS": str(mappings),
        "RELAIS_HOOKS_POLL_S": "0.05",
    }
    made = GatewayProcess(
        f"sqlite:///{tmp_path}/kill.db", tmp_path, environment, module="tests.support.moved_serve"
    )
    try:
        yield made.start()
    finally:
        made.kill()


async def rows(store) -> list:
    found = await store.read(lambda tx: tx.outbox.page(list(DeliveryStatus), 0, 100))
    return [row for row in found if row.item.connector == CONNECTOR]


async def confirmed(url: str) -> list:
    """Wait until every message to the hospital is confirmed; return them."""
    store = open_store(url)
    await store.open()
    try:
        async with asyncio.timeout(30):
            # Another process writes it: nothing tells.
            while {row.status for row in await rows(store)} != {DeliveryStatus.CONFIRMED}:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        return await rows(store)
    finally:
        await store.close()


def number(body: bytes) -> str:
    return body.split(b"|")[9].decode()


@pytest.mark.field("FL-062")
@pytest.mark.parametrize("reply", [SILENCE, TAKEN], ids=["unanswered", "answered"])
async def test_a_message_that_was_sent_when_the_gateway_died_is_sent_under_its_number(
    gateway, hospital, reply
):
    hospital.reply = lambda _body: reply
    acks: dict[bytes, bytes] = {}

    await send_until_cut(gateway.ports["mllp"], [ASKING], acks)
    await hospital.arrived(1)
    gateway.kill()
    hospital.reply = lambda _body: TAKEN
    gateway.start()
    [row] = await confirmed(gateway.store_url)

    assert b"MSA|CA|" in acks[ASKING]
    assert 1 <= len(hospital.received) <= 2
    assert len(hospital.received) == 2 or reply is TAKEN
    assert {number(body) for body in hospital.received} == {row.item.key}
    assert len(set(hospital.received)) == 1
    assert list(hospital.taken) == [row.item.key]
    assert gateway.stop() == 0


async def test_a_message_that_was_confirmed_before_the_kill_never_leaves_again(gateway, hospital):
    hospital.reply = lambda _body: TAKEN
    acks: dict[bytes, bytes] = {}

    await send_until_cut(gateway.ports["mllp"], [ASKING], acks)
    await confirmed(gateway.store_url)
    gateway.kill()
    gateway.start()
    # A message of its own shows that the lane was looked at after the start.
    later = changed(ASKING, MSH_10="D9999")
    await send_until_cut(gateway.ports["mllp"], [later], acks)
    first, second = await confirmed(gateway.store_url)

    assert [number(body) for body in hospital.received] == [first.item.key, second.item.key]
    assert (first.attempts, second.attempts) == (1, 1)
    assert gateway.stop() == 0
