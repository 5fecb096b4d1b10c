"""Writers that touch the same things in opposite order, and rows a crash left behind."""

import asyncio
from datetime import timedelta

import pytest

from gateway.core.contributions import Target
from gateway.core.messages import InboxStatus
from gateway.pipeline.commit import store_bytes
from gateway.pipeline.receive import Receiver
from gateway.store.factory import open_store
from tests.support.gateway import converter, holdings, message, take
from tests.support.pipeline import RULES, START, HandClock
from tests.unit.hl7v2.compose import PID, admission, with_field, with_msh


@pytest.mark.field("FL-222")
async def test_locks_in_opposite_order_never_wait_for_each_other(store):
    targets = [Target("Organization", "o"), Target("Practitioner", "p")]

    async def lock(order):
        await store.write(lambda tx: tx.contributions.lock(order))

    async with asyncio.timeout(20):
        await asyncio.gather(*(lock(targets[::way]) for _ in range(25) for way in (1, -1)))


@pytest.mark.field("FL-222")
async def test_two_processes_that_share_organisations_and_doctors_both_get_through(durable_url):
    """Both send the same people in opposite order; nothing is lost, nothing stands twice."""
    bodies = [
        admission(
            MSH=with_msh(10, f"G{n}"), PID=with_field(PID, 3, f"P{n}^^^CHU-DEMO&990000001&M^PI")
        )
        for n in range(10)
    ]
    stores = [open_store(durable_url, timeout_s=20) for _ in range(2)]
    for one in stores:
        await one.open()
    receivers = [Receiver(one, converter(), HandClock(), RULES) for one in stores]
    for receiver in receivers:
        await receiver.start()
    try:
        async with asyncio.timeout(60):
            receipts = await asyncio.gather(
                *(receivers[0].receive(message(body)) for body in bodies),
                *(receivers[1].receive(message(body)) for body in reversed(bodies)),
            )
        patients = await holdings(stores[0], "Patient")
        stored = await stores[0].read(lambda tx: tx.inbox.page(None, 0, 100))
    finally:
        for receiver, one in zip(receivers, stores, strict=True):
            await receiver.stop()
            await one.close()

    assert {receipt.ack.split(b"|MSA|")[0][:3] for receipt in receipts} == {b"MSH"}
    assert {receipt.outcome for receipt in receipts} <= {"accepted", "duplicate"}
    assert len(patients) == 10
    assert len(stored) == 10


@pytest.mark.field("FL-293")
async def test_rows_left_received_by_a_crash_are_converted_by_the_next_process(durable_url):
    crashed = open_store(durable_url, timeout_s=20)
    await crashed.open()
    opened = converter().open(message(admission()))
    await crashed.write(lambda tx: store_bytes(tx, opened, START))
    await crashed.close()
    store = open_store(durable_url, timeout_s=20)
    await store.open()
    receiver = Receiver(store, converter(), HandClock(), RULES)
    await receiver.start()
    try:
        taken = await receiver.take_backlog(timedelta(seconds=-1))
        rows = await store.read(lambda tx: tx.inbox.page(None, 0, 10))
        patients = await holdings(store, "Patient")
    finally:
        await receiver.stop()
        await store.close()

    assert taken == 1
    assert [row.status for row in rows] == [InboxStatus.CONVERTED]
    assert len(patients) == 1


@pytest.mark.field("FL-332")
@pytest.mark.parametrize("control_id", ["../../etc/cron.d/x", "..\\..\\x", "/etc/x", "a%00b"])
async def test_a_control_id_is_never_a_path(tmp_path, control_id):
    folder = tmp_path / "deep" / "er"
    folder.mkdir(parents=True)
    store = open_store(f"sqlite:///{folder / 'relais.db'}", timeout_s=20)
    await store.open()
    try:
        # A backslash would be an escape: it is written as one.
        sent = control_id.replace("\\", "\\E\\")
        [receipt] = await take(store, admission(MSH=with_msh(10, sent)))
        [row] = await store.read(lambda tx: tx.inbox.page(None, 0, 10))
    finally:
        await store.close()

    assert receipt.outcome == "accepted"
    assert row.header.control_id in (control_id, sent)
    assert {path.parent for path in tmp_path.rglob("*") if path.is_file()} == {folder}
    assert {path.name.partition(".")[0] for path in folder.iterdir()} == {"relais"}
