"""From the bytes to the answer: durable first, slow and repeated inputs included."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import orjson
import pytest

from gateway.core.errors import RetriableError
from gateway.core.issues import Issue, Severity
from gateway.core.messages import InboxStatus, Outcome
from gateway.pipeline.commit import store_bytes
from gateway.pipeline.prepared import Policy
from gateway.pipeline.receive import ReceiveLimits, Receiver
from gateway.store.memory import MemoryStore
from tests.support.pipeline import RULES, START, FakeConverter, HandClock, raw

QUICK = ReceiveLimits(threads=2, store_early_s=0.05, deadline_s=0.3)


class AwayStore(MemoryStore):
    """A store that can be taken away and slowed down."""

    def __init__(self):
        super().__init__()
        self.is_away = False
        self.commits = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def write(self, work):
        await self.gate.wait()
        if self.is_away:
            raise RetriableError([Issue("RLS-STO-000", Severity.ERROR, "store", "away.", "Wait.")])
        self.commits += 1
        return await super().write(work)


@asynccontextmanager
async def receiving(limits=QUICK, policy=None):
    store = AwayStore()
    await store.open()
    converter = FakeConverter(policy)
    receiver = Receiver(store, converter, HandClock(), RULES, limits)
    await receiver.start()
    try:
        yield receiver, store, converter
    finally:
        store.gate.set()
        await receiver.stop()


async def statuses(store):
    return [row.status for row in await store.read(lambda tx: tx.inbox.page(None, 0, 100))]


async def test_an_input_is_stored_before_it_is_answered():
    async with receiving() as (receiver, store, _):
        store.gate.clear()
        waiting = asyncio.create_task(receiver.receive(raw("1:p1:0")))
        await asyncio.sleep(0.05)

        assert not waiting.done()

        store.gate.set()
        assert (await waiting).outcome is Outcome.ACCEPTED
        assert await statuses(store) == [InboxStatus.CONVERTED]


async def test_inputs_that_are_ready_together_share_a_commit():
    async with receiving() as (receiver, store, _):
        store.gate.clear()
        waiting = [asyncio.create_task(receiver.receive(raw(f"{n}:p{n}:0"))) for n in range(50)]
        await asyncio.sleep(0.1)
        store.gate.set()

        receipts = await asyncio.gather(*waiting)

    assert {receipt.outcome for receipt in receipts} == {Outcome.ACCEPTED}
    # One commit was waiting at the gate with what was ready then; the rest shares another.
    assert store.commits <= 3


@pytest.mark.field("FL-083")
async def test_a_store_that_is_away_makes_the_sender_come_again():
    async with receiving() as (receiver, store, _):
        store.is_away = True
        refused = await receiver.receive(raw("1:p1:0"))
        store.is_away = False
        accepted = await receiver.receive(raw("1:p1:0"))

    assert (refused.outcome, refused.ack[:2]) == (Outcome.UNAVAILABLE, b"AR")
    assert accepted.outcome is Outcome.ACCEPTED


async def test_a_site_may_want_no_answer_while_the_store_is_away():
    async with receiving(policy=Policy(transient_ack="none")) as (receiver, store, _):
        store.is_away = True

        receipt = await receiver.receive(raw("1:p1:0"))

    assert (receipt.outcome, receipt.ack) == (Outcome.UNAVAILABLE, b"")


@pytest.mark.field("FL-064")
async def test_resends_while_the_first_copy_is_in_process_share_its_answer():
    async with receiving(ReceiveLimits(threads=4)) as (receiver, _, converter):
        receipts = await asyncio.gather(*(receiver.receive(raw("1:p1:slow:0.1")) for _ in range(5)))

    assert converter.converted == 1
    assert sorted(r.outcome for r in receipts) == ["accepted"] + ["duplicate"] * 4
    assert {receipt.ack for receipt in receipts} == {b"AA 1 "}


@pytest.mark.field("FL-082")
async def test_past_the_deadline_a_kept_input_is_acknowledged_and_converted_later():
    async with receiving() as (receiver, store, _):
        receipt = await receiver.receive(raw("1:p1:slow:0.6"))
        assert (receipt.outcome, receipt.ack) == (Outcome.ACCEPTED, b"AA 1 ")
        assert receipt.flags == ("ack-downgraded",)
        assert await statuses(store) == [InboxStatus.RECEIVED]

        await asyncio.sleep(0.6)

        assert await statuses(store) == [InboxStatus.CONVERTED]


@pytest.mark.field("FL-018")
async def test_with_a_frozen_store_nothing_positive_is_answered():
    async with receiving() as (receiver, store, _):
        store.gate.clear()
        receipt = await receiver.receive(raw("1:p1:0"))

        assert (receipt.outcome, receipt.ack[:2]) == (Outcome.UNAVAILABLE, b"AR")
        assert receiver.stalled_for() >= 0.3


@pytest.mark.field("FL-328")
async def test_a_slow_conversion_delays_nobody_else():
    async with receiving(ReceiveLimits(threads=2)) as (receiver, _, _):
        slow = asyncio.create_task(receiver.receive(raw("1:p1:slow:2")))
        await asyncio.sleep(0.05)
        loop = asyncio.get_running_loop()
        began = loop.time()

        receipts = [await receiver.receive(raw(f"{n}:p{n}:0")) for n in range(2, 12)]

        assert loop.time() - began < 1.0
        assert {receipt.outcome for receipt in receipts} == {Outcome.ACCEPTED}
        assert not slow.done()
        await slow


async def test_only_the_culprit_of_a_refused_batch_is_quarantined():
    async with receiving() as (receiver, store, _):
        store.gate.clear()
        texts = ["1:p1:0", "2:p2:shape", "3:p3:0"]
        waiting = [asyncio.create_task(receiver.receive(raw(text))) for text in texts]
        await asyncio.sleep(0.1)
        store.gate.set()

        receipts = await asyncio.gather(*waiting)

        assert [r.outcome for r in receipts] == ["accepted", "rejected", "accepted"]
        assert [issue.where for issue in receipts[1].issues] == ["Patient.colour"]
        row = await store.read(lambda tx: tx.inbox.get(receipts[1].inbox_id))
        assert (row.status, row.body) == (InboxStatus.QUARANTINED, b"2:p2:shape")


async def test_a_value_that_breaks_its_type_is_left_out_and_the_rest_is_kept():
    async with receiving() as (receiver, store, _):
        receipts = await asyncio.gather(
            *(receiver.receive(raw(text)) for text in ("1:p1:0", "2:p2:value", "3:p3:0"))
        )

        assert [r.outcome for r in receipts] == ["accepted", "accepted", "accepted"]
        row = await store.read(lambda tx: tx.inbox.get(receipts[1].inbox_id))
        told = [(i.code, i.severity, i.where) for i in row.issues]
        assert told == [("RLS-MAP-092", Severity.WARNING, "PID-8")]
        current = await store.read(lambda tx: tx.resources.current([("Patient", "p2")]))
        kept = orjson.loads(current["Patient", "p2"].body)
        assert kept["name"] == [{"use": "official", "family": "F0"}]
        assert "gender" not in kept


async def test_a_source_in_mode_accept_is_answered_before_the_conversion():
    async with receiving(policy=Policy(process=False)) as (receiver, store, _):
        receipt = await receiver.receive(raw("1:p1:slow:0.2"))

        assert (receipt.outcome, receipt.ack) == (Outcome.ACCEPTED, b"AA 1 ")
        assert await statuses(store) == [InboxStatus.RECEIVED]
        await asyncio.sleep(0.5)
        assert await statuses(store) == [InboxStatus.CONVERTED]


@pytest.mark.field("FL-070")
async def test_a_refusal_after_an_early_answer_goes_to_quarantine_and_not_to_the_sender():
    async with receiving(policy=Policy(process=False)) as (receiver, store, _):
        receipt = await receiver.receive(raw("1:p1:bad"))
        await asyncio.sleep(0.2)

        assert receipt.ack == b"AA 1 "
        [row] = await store.read(lambda tx: tx.inbox.page(None, 0, 10))
        assert row.status is InboxStatus.QUARANTINED
        assert [issue.code for issue in row.issues] == ["RLS-HL7-000"]


@pytest.mark.field("FL-066")
async def test_a_bug_in_a_mapping_still_gives_an_answer_and_keeps_the_bytes():
    async with receiving() as (receiver, store, _):
        receipt = await receiver.receive(raw("1:p1:bug"))

        assert receipt.ack == b"AE 1 RLS-MAP-000"
        assert await statuses(store) == [InboxStatus.FAILED]


async def test_rows_left_by_a_crash_are_converted():
    async with receiving() as (receiver, store, converter):
        opened = converter.open(raw("1:p1:0"))
        await store.write(lambda tx: store_bytes(tx, opened, START))
        taken = await receiver.take_backlog(timedelta(seconds=-1))

        assert taken == 1
        assert await statuses(store) == [InboxStatus.CONVERTED]
