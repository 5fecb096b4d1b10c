"""The outbox leaves: once, again after a failure, and in the end to a person."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from gateway.core.deliveries import DeliveryStatus, Handover, NewDelivery, Notice
from gateway.core.errors import RetriableError
from gateway.pipeline.deliver import Deliverer, DeliveryPolicy
from gateway.store.memory import MemoryStore
from gateway.store.outboxrules import LEASE
from tests.support.delivering import AWAY, CONFIRMED, REFUSED, RULE, House, Line, drain, issue_of
from tests.support.gaps import BASE, opened
from tests.support.pipeline import START, HandClock


@pytest.fixture
async def house() -> AsyncIterator[House]:
    store = MemoryStore()
    await store.open()
    yield House(store)
    await store.close()


async def test_what_is_queued_is_sent_once_and_settled(house):
    line = Line("mssante", Handover(DeliveryStatus.CONFIRMED, "250", {"message_id": "m"}))
    deliverer = house.deliverer(line)
    await house.queue("k")

    assert await deliverer.step() == 1
    assert await deliverer.step() == 0

    found = await house.find("k")
    assert (found.status, found.note) == (DeliveryStatus.CONFIRMED, "250")
    assert found.receipt == {"message_id": "m"}
    assert line.keys == ["k"]


async def test_what_is_sent_waits_for_its_notice(house):
    deliverer = house.deliverer(Line("mssante", Handover(DeliveryStatus.SENT, "250")))
    await house.queue("k")
    await drain(deliverer)
    assert (await house.find("k")).status is DeliveryStatus.SENT

    notice = Notice("mssante", "k", DeliveryStatus.CONFIRMED, START, "2.1.5", {"evidence": "x"})
    assert await deliverer.apply_notice(notice) is True
    assert await deliverer.apply_notice(notice) is True

    found = await house.find("k")
    assert (found.status, found.note) == (DeliveryStatus.CONFIRMED, "2.1.5")


async def test_a_bounce_takes_back_what_was_confirmed_and_not_the_other_way_round(house):
    deliverer = house.deliverer(Line("mssante"))
    await house.queue("k")
    await drain(deliverer)

    await deliverer.apply_notice(Notice("mssante", "k", DeliveryStatus.REFUSED, START, "5.1.1"))
    await deliverer.apply_notice(Notice("mssante", "k", DeliveryStatus.CONFIRMED, START, "2.1.5"))

    found = await house.find("k")
    assert (found.status, found.note) == (DeliveryStatus.REFUSED, "5.1.1")


async def test_a_notice_about_something_else_is_told_as_such(house):
    notice = Notice("mssante", "nobody's", DeliveryStatus.CONFIRMED, START)

    assert await house.deliverer(Line("mssante")).apply_notice(notice) is False


async def test_a_refusal_is_final(house):
    line = Line("mssante", REFUSED)
    deliverer = house.deliverer(line)
    await house.queue("k")

    await drain(deliverer)
    house.clock.advance(hours=2)
    await drain(deliverer)

    found = await house.find("k")
    assert found.status is DeliveryStatus.REFUSED
    assert found.note == "RLS-SUB-033 The receiver refused with 404."
    assert line.keys == ["k"]


@pytest.mark.field("FL-248")
async def test_waits_double_to_a_ceiling_with_full_jitter(house):
    line = Line("mssante", *[AWAY] * 7)
    deliverer = house.deliverer(line, draw=lambda: 0.5)
    await house.queue("k")
    waits = []

    for _ in range(7):
        assert await deliverer.step() == 1
        found = await house.find("k")
        waits.append((found.due_at - house.clock.now()).total_seconds())
        house.clock.instant = found.due_at

    assert waits == [1, 2, 4, 8, 16, 30, 30]


async def test_a_receiver_that_names_its_time_gets_it(house):
    line = Line("mssante", RetriableError([issue_of()], 120.0))
    await house.queue("k")

    await house.deliverer(line).step()

    found = await house.find("k")
    assert found.status is DeliveryStatus.RETRY_WAIT
    assert (found.due_at - house.clock.now()).total_seconds() == 120


@pytest.mark.field("FL-236")
async def test_at_the_end_of_the_horizon_a_person_gets_the_dead_letter(house):
    line = Line("mssante", *[AWAY] * 500)
    deliverer = house.deliverer(line)
    await house.queue("k")
    tried_until = START

    while (found := await house.find("k")).status is not DeliveryStatus.GIVEN_UP:
        house.clock.instant = max(house.clock.instant, found.due_at)
        tried_until = house.clock.now()
        await deliverer.step()

    assert tried_until == START + timedelta(hours=1)
    assert found.note == "RLS-SUB-032 The receiver answered 500."
    assert 60 < len(line.given) < 80


@pytest.mark.field("FL-250")
async def test_a_bug_in_a_connector_is_told_without_its_words_and_hurts_nobody_else(house):
    line = Line("mssante", KeyError("DUPONT"), CONFIRMED)
    deliverer = house.deliverer(line)
    await house.queue("a", "b")

    with capture_logs() as logs:
        await deliverer.step()

    assert (await house.find("a")).status is DeliveryStatus.RETRY_WAIT
    assert (await house.find("b")).status is DeliveryStatus.CONFIRMED
    assert "DUPONT" not in f"{logs} {await house.find('a')}"
    assert [log["event"] for log in logs if log["log_level"] == "error"] == ["delivery_failed"]


class DyingStore:
    """A store whose process dies when it is to write how an attempt ended."""

    def __init__(self, store):
        self.store = store
        self.writes = 0

    async def write(self, work):
        self.writes += 1
        if self.writes > 1:
            raise RetriableError([issue_of("RLS-STO-001", "killed")])
        return await self.store.write(work)

    async def read(self, work):
        return await self.store.read(work)


async def test_killed_between_sending_and_settling_the_same_number_is_sent_again(house):
    await house.subscribe()
    await house.publish(opened())
    first, second = Line(), Line()
    policy = DeliveryPolicy(BASE, RULE)
    dying = Deliverer(DyingStore(house.store), [first], house.clock, policy)

    with pytest.raises(RetriableError):
        await dying.step()
    house.clock.advance(minutes=6)
    await drain(house.deliverer(second))

    assert first.keys == second.keys == ["s1:1"]
    assert first.given[0].item.body == second.given[0].item.body
    assert (await house.subscription()).events == 1
    assert (await house.find("s1:1", "fhir_hook")).status is DeliveryStatus.CONFIRMED


class Slow(Line):
    """A connector whose sending takes longer than any lease."""

    async def send(self, delivery):
        self.given.append(delivery)
        await asyncio.Event().wait()


class Ticking(HandClock):
    """A clock that, looked at once, stands just before what was claimed is no longer ours."""

    later = START + LEASE - timedelta(seconds=10.05)

    def now(self):
        found, self.instant = self.instant, self.later
        return found


async def test_an_attempt_ends_before_its_lease_and_is_told_as_abandoned(house):
    house.clock = Ticking()
    slow, next_one = Slow("mssante"), Line("mssante")
    await house.store.write(lambda tx: tx.outbox.queue([NewDelivery("mssante", "k", START)], START))

    with capture_logs() as logs:
        assert await house.deliverer(slow).step() == 1
    assert (await house.find("k")).status is DeliveryStatus.SENDING
    house.clock = HandClock(START + LEASE)
    await house.deliverer(next_one).step()

    assert [log["event"] for log in logs] == ["delivery_overran"]
    assert [one.abandoned for one in slow.given + next_one.given] == [False, True]
    assert (await house.find("k")).status is DeliveryStatus.CONFIRMED


async def test_what_waited_for_its_turn_beyond_its_lease_is_left_to_the_next_claim(house):
    class Clogged(Line):
        async def send(self, delivery):
            house.clock.advance(minutes=6)
            return await super().send(delivery)

    clogged, free = Clogged("mssante"), Line("mssante")
    policy = DeliveryPolicy(BASE, RULE, concurrency=1)
    await house.queue("a", "b")

    await Deliverer(house.store, [clogged], house.clock, policy).step()
    await house.deliverer(free).step()

    assert (clogged.keys, free.keys) == (["a"], ["b"])
    assert {(await house.find(key)).status for key in "ab"} == {DeliveryStatus.CONFIRMED}


class Careful(Line):
    """A connector that can find out whether an earlier attempt arrived."""

    async def before_resend(self, delivery):
        return Handover(DeliveryStatus.SENT, "found its copy")


async def test_before_a_second_attempt_a_connector_may_find_the_first_one(house):
    line = Careful("mssante", AWAY)
    deliverer = house.deliverer(line)
    await house.queue("k")

    await deliverer.step()
    house.clock.advance(minutes=1)
    await deliverer.step()

    found = await house.find("k")
    assert (found.status, found.note) == (DeliveryStatus.SENT, "found its copy")
    assert line.keys == ["k"]
