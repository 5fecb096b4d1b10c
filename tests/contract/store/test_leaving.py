"""The outbox under its deliverer: retries, dead letters, order of a subscription, a worker's death.

The same on each store: what `tests/unit/pipeline` proves of the deliverer holds for the queries.
"""

from datetime import timedelta

import pytest

from gateway.core.deliveries import DeliveryStatus
from tests.support.delivering import AWAY, GONE, REFUSED, House, Line, drain
from tests.support.gaps import closed, opened
from tests.support.pipeline import START

D = DeliveryStatus


@pytest.fixture
def house(store):
    """Give a deliverer over each of the stores."""
    return House(store)


async def stands(house, *keys, connector="mssante"):
    return [(await house.find(key, connector)).status for key in keys]


async def test_waits_grow_to_their_ceiling_and_nothing_leaves_before(house):
    line = Line("mssante", *[AWAY] * 7)
    deliverer = house.deliverer(line)
    await house.queue("k")
    waits = []

    while len(waits) < 7:
        assert await deliverer.step() == 1
        due = (await house.find("k")).due_at
        waits.append((due - house.clock.now()).total_seconds())
        house.clock.instant = due - timedelta(milliseconds=1)
        assert await deliverer.step() == 0
        house.clock.instant = due

    assert waits == [2, 4, 8, 16, 32, 60, 60]
    assert len(line.given) == 7


async def test_a_dead_letter_stays_until_a_person_sends_it_again(house):
    line = Line("mssante", *[AWAY] * 500)
    deliverer = house.deliverer(line)
    await house.queue("dead", "alive", lane="one")

    while (await house.find("dead")).status is not D.GIVEN_UP:
        house.clock.advance(minutes=1)
        await deliverer.step()
    tried = len(line.given)
    line.script.clear()
    await drain(deliverer)
    dead = await house.find("dead")
    after = await stands(house, "dead", "alive")
    now = house.clock.now()
    await house.store.write(lambda tx: tx.outbox.settle(dead.id, D.QUEUED, now))
    await drain(deliverer)

    assert tried > 50
    assert dead.note == "RLS-SUB-032 The receiver answered 500."
    assert after == [D.GIVEN_UP, D.CONFIRMED]
    assert line.keys[tried:] == ["alive", "dead"]
    assert await stands(house, "dead") == [D.CONFIRMED]


async def test_events_of_a_subscription_keep_their_order_through_every_failure(house):
    await house.subscribe("s1")
    await house.subscribe("s2")
    gaps = [opened(gap_id=f"g{n}") for n in range(3)]
    line = Line("fhir_hook", AWAY, AWAY, AWAY, REFUSED, AWAY)
    deliverer = house.deliverer(line)

    await house.publish(*gaps)
    while await house.store.read(lambda tx: tx.outbox.counts()) != {("fhir_hook", D.CONFIRMED): 6}:
        await deliverer.step()
        house.clock.advance(seconds=7)

    for name in ("s1", "s2"):
        numbers = [key for key in line.keys if key.startswith(name)]
        assert numbers == sorted(numbers)
        assert set(numbers) == {f"{name}:{n}" for n in (1, 2, 3)}


async def test_after_a_dead_letter_the_later_events_wait_for_the_client(house):
    await house.subscribe()
    await house.publish(opened(), closed())
    deliverer = house.deliverer(Line("fhir_hook", *[AWAY] * 500))

    while (await house.subscription()).status == "active":
        house.clock.advance(minutes=1)
        await deliverer.step()
    await drain(deliverer)

    assert await stands(house, "s1:1", "s1:2", connector="fhir_hook") == [D.GIVEN_UP, D.SKIPPED]
    kept = await house.store.read(lambda tx: tx.subscriptions.events("s1", 1, 9))
    assert [number for number, _, _ in kept] == [1, 2]


async def test_a_receiver_that_is_gone_is_sent_nothing_more(house):
    await house.subscribe()
    await house.publish(opened(), closed())
    line = Line("fhir_hook", GONE)

    await drain(house.deliverer(line))

    assert await stands(house, "s1:1", "s1:2", connector="fhir_hook") == [D.REFUSED, D.SKIPPED]
    assert line.keys == ["s1:1"]


@pytest.mark.field("FL-293")
async def test_what_a_dead_worker_held_is_sent_by_the_next_in_its_order(house):
    await house.subscribe()
    await house.publish(opened(), closed())
    # A worker takes the first row and is never heard of again.
    await house.store.write(lambda tx: tx.outbox.claim(["fhir_hook"], START, 9))
    line = Line()
    deliverer = house.deliverer(line)

    await drain(deliverer)
    early = line.keys
    house.clock.advance(minutes=5)
    await drain(deliverer)

    assert early == []
    assert line.keys == ["s1:1", "s1:2"]
    assert [(one.attempts, one.abandoned) for one in line.given] == [(2, True), (1, False)]


async def test_only_an_attempt_nobody_told_the_end_of_counts_as_abandoned(house):
    async def claim(**later):
        house.clock.advance(**later)
        now = house.clock.now()
        [found] = await house.store.write(lambda tx: tx.outbox.claim(["mssante"], now, 9))
        return found

    await house.queue("k")
    first = await claim()
    now = house.clock.now()
    await house.store.write(lambda tx: tx.outbox.settle(first.id, D.RETRY_WAIT, now))

    second = await claim(seconds=1)
    third = await claim(minutes=5)

    assert [one.abandoned for one in (first, second, third)] == [False, False, True]
    assert (await house.find("k")).abandoned is False
