"""Notifications leave: handshake first, events in their order, and what follows from each."""

from collections.abc import AsyncIterator

import orjson
import pytest

from gateway.core.deliveries import DeliveryStatus
from gateway.pipeline.subscribed import keep
from gateway.store.memory import MemoryStore
from tests.support.delivering import AWAY, CONFIRMED, GONE, REFUSED, House, Line, drain
from tests.support.gaps import (
    closed,
    extension,
    opened,
    parameters,
    subscribed_row,
    subscription,
)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    store = MemoryStore()
    await store.open()
    yield House(store)
    await store.close()


@pytest.mark.field("FL-244")
async def test_a_later_event_waits_for_the_one_before(house):
    await house.subscribe()
    await house.publish(opened(), closed())
    line = Line("fhir_hook", AWAY, AWAY)
    deliverer = house.deliverer(line)

    while (await house.find("s1:2", "fhir_hook")).status is not DeliveryStatus.CONFIRMED:
        await deliverer.step()
        house.clock.advance(seconds=10)

    assert line.keys == ["s1:1", "s1:1", "s1:1", "s1:2"]


def _kind(delivery):
    return parameters(orjson.loads(delivery.item.body))["type"]


async def _requested(house, resource=None):
    row = subscribed_row("s1", resource or subscription(), "requested")
    now = house.clock.now()
    await house.store.write(lambda tx: keep(tx, row, now))


async def test_a_handshake_that_is_answered_makes_a_subscription_active(house):
    await _requested(house)
    line = Line()

    await drain(house.deliverer(line))

    [sent] = line.given
    assert _kind(sent) == "handshake"
    assert parameters(orjson.loads(sent.item.body))["status"] == "requested"
    assert sent.item.details["endpoint"] == "http://localhost:9/notify"
    assert (await house.subscription()).status == "active"
    shown = await house.store.read(lambda tx: tx.resources.current([("Subscription", "s1")]))
    assert orjson.loads(shown["Subscription", "s1"].body)["status"] == "active"


@pytest.mark.field("FL-237")
@pytest.mark.parametrize("answer", [AWAY, REFUSED], ids=["away", "refused"])
async def test_a_handshake_that_fails_makes_an_error_that_says_why(house, answer):
    await _requested(house)
    line = Line("fhir_hook", answer)

    await drain(house.deliverer(line))

    found = await house.subscription()
    assert found.status == "error"
    assert found.error == f"The handshake failed: {answer.issues[0].what}"
    assert len(line.given) == 1


@pytest.mark.field("FL-245")
async def test_what_happens_during_the_handshake_is_told_after_it(house):
    await _requested(house)
    line = Line()

    class Slow(Line):
        async def send(self, delivery):
            if _kind(delivery) == "handshake":
                await house.publish(opened())
            return await line.send(delivery)

    await drain(house.deliverer(Slow()))

    assert [_kind(one) for one in line.given] == ["handshake", "event-notification"]
    assert line.keys[1] == "s1:1"


async def test_a_subscription_written_twice_is_asked_once_about_its_last_form(house):
    await _requested(house)
    await _requested(house, subscription("http://localhost:10/other"))
    line = Line()

    await drain(house.deliverer(line))

    assert [one.item.details["endpoint"] for one in line.given] == ["http://localhost:10/other"]


async def test_events_wait_while_a_subscription_is_asked_again(house):
    await house.subscribe()
    await house.publish(opened())
    await _requested(house)
    line = Line()
    deliverer = house.deliverer(line)

    await drain(deliverer)
    house.clock.advance(seconds=2)
    await drain(deliverer)

    assert [_kind(one) for one in line.given] == ["handshake", "event-notification"]


@pytest.mark.field("FL-236")
async def test_beyond_the_horizon_the_subscription_is_in_error_and_events_are_kept(house):
    await house.subscribe()
    await house.publish(opened(), closed())
    line = Line("fhir_hook", *[AWAY] * 500)
    deliverer = house.deliverer(line)

    while (await house.subscription()).status == "active":
        await deliverer.step()
        house.clock.advance(seconds=61)
    await drain(deliverer)

    found = await house.subscription()
    assert found.status == "error"
    assert found.error.startswith("Event 1 could not be delivered: The receiver answered 500.")
    assert (await house.find("s1:1", "fhir_hook")).status is DeliveryStatus.GIVEN_UP
    assert (await house.find("s1:2", "fhir_hook")).status is DeliveryStatus.SKIPPED
    events = await house.store.read(lambda tx: tx.subscriptions.events("s1", 1, 9))
    assert [number for number, _, _ in events] == [1, 2]


@pytest.mark.field("FL-248")
async def test_a_refusal_counts_after_a_few_tries(house):
    await house.subscribe()
    await house.publish(opened())
    line = Line("fhir_hook", REFUSED, REFUSED, CONFIRMED)
    deliverer = house.deliverer(line)

    for _ in range(3):
        await deliverer.step()
        house.clock.advance(seconds=61)

    assert (await house.subscription()).status == "active"
    assert (await house.find("s1:1", "fhir_hook")).status is DeliveryStatus.CONFIRMED


async def test_refused_to_the_end_the_subscription_is_in_error(house):
    await house.subscribe()
    await house.publish(opened())
    deliverer = house.deliverer(Line("fhir_hook", REFUSED, REFUSED, REFUSED))

    for _ in range(3):
        await deliverer.step()
        house.clock.advance(seconds=61)

    assert (await house.find("s1:1", "fhir_hook")).status is DeliveryStatus.REFUSED
    assert (await house.subscription()).error == (
        "Event 1 could not be delivered: The receiver refused with 404."
    )


@pytest.mark.field("FL-255")
async def test_a_receiver_that_is_gone_turns_the_subscription_off(house):
    await house.subscribe()
    await house.publish(opened(), closed())
    line = Line("fhir_hook", GONE)

    await drain(house.deliverer(line))

    assert (await house.subscription()).status == "off"
    assert line.keys == ["s1:1"]


async def test_what_is_sent_is_what_the_subscription_asks_for_at_that_moment(house):
    await house.subscribe()
    await house.publish(opened())
    changed = subscription("http://localhost:10/other", header=["X-Key: new"])
    await house.subscribe(resource=changed)
    line = Line()

    await drain(house.deliverer(line))

    details = line.given[0].item.details
    assert details["endpoint"] == "http://localhost:10/other"
    assert details["headers"] == [["X-Key", "new"]]
    kept = await house.find("s1:1", "fhir_hook")
    assert "headers" not in kept.item.details


async def test_full_resources_are_those_of_the_event(house):
    await house.subscribe(resource=subscription(content="full-resource"))
    await house.publish(opened(), closed())
    line = Line()

    await drain(house.deliverer(line))

    first, second = (orjson.loads(one.item.body) for one in line.given)
    versions = [one["entry"][1]["resource"]["meta"]["versionId"] for one in (first, second)]
    assert versions == ["1", "2"]
    assert [e["resource"]["resourceType"] for e in second["entry"][1:]] == ["DetectedIssue", "Task"]


async def test_a_number_that_is_sent_again_says_what_it_said_the_first_time(house):
    """The Task changed between two attempts: the event is still that of the opening."""
    await house.subscribe(resource=subscription(content="full-resource"))
    await house.publish(opened())
    line = Line("fhir_hook", AWAY)
    deliverer = house.deliverer(line)

    await deliverer.step()
    house.clock.advance(minutes=1)
    await house.publish(closed())
    await drain(deliverer)

    assert line.keys == ["s1:1", "s1:1", "s1:2"]
    first, again, last = (one.item.body for one in line.given)
    assert first == again
    states = [orjson.loads(one)["entry"][2]["resource"]["status"] for one in (again, last)]
    assert states == ["requested", "completed"]


async def test_heartbeats_are_sent_once_a_period_to_who_asked(house):
    channel = [extension("backport-heartbeat-period", valueUnsignedInt=60)]
    await house.subscribe("asked", subscription(extension=channel))
    await house.subscribe("silent")
    line = Line("fhir_hook", AWAY)
    deliverer = house.deliverer(line)

    for _ in range(13):
        await drain(deliverer)
        house.clock.advance(seconds=10)

    assert [one.item.details["subscription"] for one in line.given] == ["asked"] * 3
    assert {_kind(one) for one in line.given} == {"heartbeat"}
    assert (await house.subscription("asked")).status == "active"
    assert (await house.subscription("asked")).events == 0
