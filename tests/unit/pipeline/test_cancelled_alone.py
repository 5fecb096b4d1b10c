"""Operators are told of a cancellation whose original has not come after a day."""

from datetime import timedelta

import pytest

from gateway.core.clock import Clock
from gateway.core.ports import Store
from gateway.entry.figures import read_figures
from gateway.entry.settings import load
from gateway.entry.wiring import build_watcher
from gateway.mapping.loader import load_mappings
from gateway.pipeline.cancellations import FORGOTTEN
from gateway.pipeline.commit import commit
from gateway.pipeline.feed_watch import FeedWatch
from gateway.store.factory import open_store
from gateway.store.memory import MemoryStore
from tests.support.gateway import converter, message
from tests.support.pipeline import RULES, START, HandClock
from tests.unit.pipeline.test_cancellations import ALONE, PAIRS

HOUR = timedelta(hours=1)


@pytest.fixture(params=["memory", "sqlite"])
async def store(request, tmp_path):
    opened = MemoryStore() if request.param == "memory" else open_store(f"sqlite:///{tmp_path}/d")
    await opened.open()
    yield opened
    await opened.close()


async def receive(store: Store, clock: Clock, *bodies: bytes) -> None:
    """Store inputs in one commit."""
    items = [converter().prepare(converter().open(message(body))) for body in bodies]
    await store.write(lambda tx: commit(tx, items, clock.now(), RULES))


async def shown(store: Store, clock: Clock) -> int:
    """Return how many the metric counts."""
    return (await store.read(lambda tx: read_figures(tx, clock.now()))).alone


def watch(store: Store, clock: Clock) -> FeedWatch:
    return FeedWatch(store, clock, build_watcher(load(), store, clock, load_mappings()).settings)


@pytest.mark.field("FL-091")
@pytest.mark.parametrize(("body", "_place"), ALONE)
async def test_what_is_cancelled_alone_is_shown_after_a_day(store, body, _place):
    clock = HandClock(START)
    await receive(store, clock, body)

    found = []
    for hours in (0, 23, 25):
        clock.instant = START + hours * HOUR
        await watch(store, clock).step()
        found.append(await shown(store, clock))
    assert found == [0, 0, 1]


@pytest.mark.field("FL-091")
@pytest.mark.parametrize(("original", "cancelled", "_place"), PAIRS)
async def test_an_original_that_comes_late_settles_it(store, original, cancelled, _place):
    clock = HandClock(START)
    await receive(store, clock, cancelled)
    clock.advance(hours=30)
    assert await shown(store, clock) == 1

    await receive(store, clock, original)
    await watch(store, clock).step()

    assert await shown(store, clock) == 0


async def test_a_second_cancellation_settles_nothing(store):
    clock = HandClock(START)
    [_, cancelled, _] = PAIRS[1].values
    await receive(store, clock, cancelled)
    await receive(store, clock, cancelled.replace(b"C0002", b"C0003"))
    clock.advance(hours=30)

    await watch(store, clock).step()

    assert await shown(store, clock) == 2


async def test_nobody_waits_for_it_for_ever(store):
    clock = HandClock(START)
    [_, cancelled, _] = PAIRS[1].values
    await receive(store, clock, cancelled)
    clock.instant += FORGOTTEN

    await watch(store, clock).step()

    assert await shown(store, clock) == 0
