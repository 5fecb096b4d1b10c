"""One attempt learns that a door is closed; the others wait for it, no longer than they must."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from gateway.core.deliveries import DeliveryStatus, Handover
from gateway.core.errors import RetriableError
from gateway.pipeline.closed_doors import outages
from gateway.store.memory import MemoryStore
from tests.support.delivering import AWAY, REFUSED, House, Line, drain, issue_of
from tests.support.pipeline import START

W, C = DeliveryStatus.RETRY_WAIT, DeliveryStatus.CONFIRMED
CLOSED = RetriableError([issue_of("RLS-MSS-020", "It is away.")], 30.0, whole_door=True)
NOT_READ = RetriableError([issue_of("RLS-MSS-027", "The mailbox is away.")], 30.0)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    store = MemoryStore()
    await store.open()
    yield House(store)
    await store.close()


async def closed(house, line, *more):
    """Let a first letter find the door closed; return the deliverer."""
    deliverer = house.deliverer(line, *more)
    await house.queue("first")
    await drain(deliverer)
    return deliverer


async def test_one_row_is_the_probe_and_the_others_keep_their_attempts(house):
    line = Line("mssante", CLOSED, CLOSED)
    deliverer = await closed(house, line)
    await house.queue("a", "b", "c")
    await drain(deliverer)
    before = list(line.keys)
    house.clock.advance(seconds=30)
    await drain(deliverer)

    assert before == ["first"]
    # The one that waits longest is the probe.
    assert line.keys == ["first", "a"]
    assert [(await house.find(key)).attempts for key in "abc"] == [1, 0, 0]


async def test_the_others_leave_in_their_order_once_the_probe_got_in(house):
    line = Line("mssante", CLOSED)
    deliverer = await closed(house, line)
    await house.queue("a", "b", "c")
    house.clock.advance(seconds=30)
    await drain(deliverer)
    house.clock.advance(seconds=2)
    await drain(deliverer)

    assert line.keys == ["first", "a", "first", "b", "c"]
    assert {(await house.find(key)).status for key in "abc"} == {C}


async def test_a_closed_door_holds_up_no_other_channel(house):
    line, other = Line("mssante", CLOSED), Line("dmp")
    deliverer = await closed(house, line, other)
    await house.queue("a", connector="dmp")
    await drain(deliverer)

    assert other.keys == ["a"]


async def test_a_fault_of_one_letter_closes_nothing(house):
    line = Line("mssante", AWAY, REFUSED)
    deliverer = await closed(house, line)
    await house.queue("a", "b")
    await drain(deliverer)

    assert line.keys == ["first", "a", "b"]


async def test_a_door_that_refuses_the_probes_letter_is_open(house):
    line = Line("mssante", CLOSED, AWAY)
    deliverer = await closed(house, line)
    await house.queue("a", "b")
    house.clock.advance(seconds=30)
    await drain(deliverer)
    house.clock.advance(seconds=2)
    await drain(deliverer)

    # The first stays behind with its own wait; the others go.
    assert {(await house.find(key)).status for key in "ab"} == {C}


class Looking(Line):
    """A connector that looks whether an earlier attempt arrived, and cannot."""

    async def before_resend(self, delivery):
        raise NOT_READ


async def test_a_look_elsewhere_says_nothing_of_the_door_and_the_next_row_is_the_probe(house):
    line = Looking("mssante", AWAY, CLOSED, CLOSED)
    await house.queue("was in")
    await drain(house.deliverer(line))
    deliverer = await closed(house, line)
    house.clock.advance(seconds=30)
    await house.queue("a", "b", "c")
    await drain(deliverer)
    house.clock.advance(seconds=2)
    await drain(deliverer)

    assert line.keys == ["was in", "first", "first"]
    assert (await house.find("was in")).note.startswith("RLS-MSS-027")


async def test_what_never_came_in_is_looked_for_nowhere(house):
    line = Looking("mssante", CLOSED, CLOSED)
    deliverer = await closed(house, line)
    for _ in range(2):
        house.clock.advance(seconds=30)
        await drain(deliverer)

    assert line.keys == ["first"] * 3
    assert (await house.find("first")).status is C


async def test_what_came_in_once_is_looked_for_after_a_closed_door_too(house):
    line = Looking("mssante", AWAY)
    await house.queue("was in")
    deliverer = house.deliverer(line)
    await drain(deliverer)
    for _ in range(3):
        house.clock.advance(minutes=1)
        await drain(deliverer)

    assert line.keys == ["was in"]


async def test_an_abandoned_attempt_is_not_put_back_for_it_would_be_forgotten(house):
    line = Line("mssante", CLOSED, CLOSED)
    await house.queue("lost", "first")
    await house.store.write(lambda tx: tx.outbox.claim(["mssante"], START, 1))
    deliverer = house.deliverer(line)
    await drain(deliverer)
    house.clock.advance(minutes=6)
    await drain(deliverer)

    assert [one.abandoned for one in line.given if one.item.key == "lost"] == [True]


async def test_a_lane_keeps_its_order_behind_a_closed_door(house):
    line = Line("mssante", CLOSED, CLOSED)
    deliverer = house.deliverer(line)
    await house.queue("1", "2", "3", lane="of-one")
    for _ in range(6):
        await drain(deliverer)
        house.clock.advance(seconds=60)

    assert line.keys == ["1", "1", "1", "2", "3"]


async def test_at_the_end_of_the_horizon_nothing_is_held_back(house):
    line = Line("mssante", *[CLOSED] * 9)
    deliverer = await closed(house, line)
    await house.queue("a", "b", "c")
    house.clock.instant = START + timedelta(hours=1)
    await drain(deliverer)

    ended = {(await house.find(key)).status for key in ("first", "a", "b", "c")}
    assert ended == {DeliveryStatus.GIVEN_UP}


async def test_the_door_is_told_once_when_it_closes_and_once_when_it_opens(house):
    line = Line("mssante", CLOSED, CLOSED)
    with capture_logs() as logs:
        deliverer = await closed(house, line)
        for _ in range(3):
            house.clock.advance(seconds=30)
            await drain(deliverer)

    doors = [log for log in logs if log["event"].startswith("channel_")]
    assert [(log["event"], log["log_level"]) for log in doors] == [
        ("channel_closed", "error"),
        ("channel_open", "info"),
    ]
    assert doors[0]["code"] == "RLS-MSS-020"


async def test_what_waits_is_read_from_the_rows_by_channel_and_fault(house):
    refused = RetriableError([issue_of("RLS-DMP-021", "No TLS.")], 900.0, whole_door=True)
    deliverer = house.deliverer(Line("mssante", CLOSED), Line("dmp", refused))
    await house.queue("a", "b")
    await house.queue("c", connector="dmp")
    await deliverer.step()

    told = await house.store.read(outages)

    assert [(one.connector, one.code, one.said, one.waiting) for one in told] == [
        ("dmp", "RLS-DMP-021", "No TLS.", 1),
        ("mssante", "RLS-MSS-020", "It is away.", 1),
    ]
    assert told[1].next_at == START + timedelta(seconds=30)


async def test_a_handover_found_by_a_look_sends_nothing_again(house):
    class Found(Line):
        async def before_resend(self, delivery):
            return Handover(C, "found its copy")

    line = Found("mssante", AWAY)
    deliverer = await closed(house, line)
    house.clock.advance(seconds=30)
    await drain(deliverer)

    assert (await house.find("first")).note == "found its copy"
    assert line.keys == ["first"]
