"""A receiver is told no more events a second than it wants, in their order, and none is lost."""

from datetime import timedelta

import pytest

from gateway.core.deliveries import DeliveryStatus
from gateway.fhir.subscriptions import PER_SECOND
from gateway.pipeline.deliver import Deliverer, DeliveryPolicy
from tests.integration.subscriptions.conftest import ROOT
from tests.support.gaps import extension, opened

TWO = {"url": PER_SECOND, "valuePositiveInt": 2}
EVENTS = 7


def numbers(region) -> list[list[int]]:
    """Return the numbers of each notification of events that arrived."""
    return [
        [
            part["valueString"]
            for event in one.bundle["entry"][0]["resource"]["parameter"]
            if event["name"] == "notification-event"
            for part in event["part"]
            if part["name"] == "event-number"
        ]
        for one in region.receiver.arrived
        if one.kind == "event-notification"
    ]


async def storm(region) -> None:
    """Let many gaps open at one instant."""
    for number in range(EVENTS):
        await region.publish(opened(gap_id=f"gap-{number}"))


async def seconds(region, count: int) -> list[int]:
    """Return how many events have arrived at the end of each second."""
    told = []
    for _ in range(count):
        # Four looks a second, as the worker has them.
        for _ in range(4):
            await region.rest()
            region.clock.advance(milliseconds=250)
        told.append(sum(map(len, numbers(region))))
    return told


@pytest.mark.field("FL-253")
@pytest.mark.parametrize("together", [1, 20])
async def test_a_storm_reaches_a_small_receiver_at_its_pace(region, together):
    count = extension("backport-max-count", valuePositiveInt=together)
    await region.activate(extension=[TWO, count])
    await storm(region)

    told = await seconds(region, 5)

    steps = [after - before for before, after in zip([0, *told], told, strict=False)]
    assert max(steps) <= 2
    assert told[-1] == EVENTS
    assert [int(n) for one in numbers(region) for n in one] == list(range(1, EVENTS + 1))
    assert max(map(len, numbers(region))) == min(together, 2)


@pytest.mark.field("FL-253")
async def test_events_that_come_one_by_one_are_held_to_it_too(region):
    await region.activate(extension=[TWO])
    await region.publish(opened(gap_id="gap-1"))
    await region.rest()

    await region.publish(opened(gap_id="gap-2"))
    await region.rest()
    at_once = sum(map(len, numbers(region)))
    region.clock.advance(milliseconds=500)
    await region.rest()

    assert (at_once, sum(map(len, numbers(region)))) == (1, 2)


async def test_the_operator_sets_a_limit_for_everybody(region):
    policy = DeliveryPolicy(f"{ROOT}/fhir", per_second=1)
    connectors = list(region.deliverer._connectors.values())
    region.deliverer = Deliverer(region.store, connectors, region.clock, policy, draw=lambda: 0.5)
    await region.activate(extension=[TWO])
    await storm(region)

    assert await seconds(region, 3) == [1, 2, 3]


async def test_waiting_is_no_attempt(region):
    await region.activate(extension=[TWO])
    await storm(region)
    for _ in range(5):
        await region.rest()

    rows = await region.store.read(
        lambda tx: tx.outbox.page((DeliveryStatus.RETRY_WAIT,), 0, 50, "fhir_hook")
    )

    assert [(row.attempts, row.note) for row in rows] == [(0, "waits-for-turn")]
    assert rows[0].due_at - region.clock.now() == timedelta(seconds=0.5)


@pytest.mark.parametrize("value", [{"valuePositiveInt": 1001}, {"valueString": "2"}])
async def test_a_pace_that_cannot_be_kept_is_refused(region, value):
    with pytest.raises(AssertionError, match="RLS-SUB-010"):
        await region.subscribe(extension=[{"url": PER_SECOND, **value}])
