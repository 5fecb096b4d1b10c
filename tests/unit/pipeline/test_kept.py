"""Inputs that were answered once kept are converted without slowing who waits for an answer."""

import asyncio
import contextlib
from contextlib import asynccontextmanager

from gateway.core.errors import RetriableError
from gateway.core.issues import Issue, Severity
from gateway.pipeline.kept import Kept, KeptLimits
from tests.support.pipeline import raw

SMALL = KeptLimits(calm=2, beside=1, together=4, share=0.01, patience_s=30.0, size=1000)
_STEP_S = 0.02


class Conversions:
    """Counts what is converted, in order; the pressure is what a test says."""

    def __init__(self):
        self.pressure = 0
        self.done = []
        self.most = 0
        self._now = 0
        self._more = asyncio.Condition()
        self.away = set()

    async def convert(self, _raw, row_id):
        if row_id in self.away:
            raise RetriableError([Issue("RLS-STO-000", Severity.ERROR, "store", "away.", "Wait.")])
        self._now += 1
        self.most = max(self.most, self._now)
        await asyncio.sleep(_STEP_S)
        self._now -= 1
        self.done.append(row_id)
        async with self._more:
            self._more.notify_all()

    async def until(self, count):
        async with asyncio.timeout(5), self._more:
            await self._more.wait_for(lambda: len(self.done) >= count)
        # What counts the conversions goes on first.
        await asyncio.sleep(0)


@asynccontextmanager
async def keeping(limits=SMALL):
    conversions = Conversions()
    kept = Kept(conversions.convert, lambda: conversions.pressure, limits)
    task = asyncio.create_task(kept.run())
    try:
        yield kept, conversions
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def add(kept, count):
    for row_id in range(1, count + 1):
        kept.add(raw("1:p1:0"), row_id)


async def test_where_few_wait_inputs_are_converted_in_order_and_together():
    async with keeping() as (kept, conversions):
        add(kept, 8)
        await conversions.until(8)

        assert conversions.done == list(range(1, 9))
        assert conversions.most == SMALL.together


async def test_while_many_wait_conversions_have_only_a_share_of_the_time():
    async with keeping() as (kept, conversions):
        conversions.pressure = SMALL.calm + 1
        add(kept, 8)
        await conversions.until(1)
        # One in a row, then a pause of 99 times its length, of which this is a tenth.
        await asyncio.sleep(_STEP_S * 10)

        assert conversions.done == [1]
        assert 1 not in kept
        assert 2 in kept


async def test_what_was_put_off_for_long_gives_way_no_more():
    limits = KeptLimits(calm=2, beside=1, together=4, share=0.5, patience_s=0.0, size=1000)
    async with keeping(limits) as (kept, conversions):
        conversions.pressure = limits.calm + 1
        add(kept, 8)
        await conversions.until(8)

        assert conversions.most == limits.together


async def test_what_does_not_fit_is_left_to_the_store():
    fits = SMALL.size // len(raw("1:p1:0").body)
    async with keeping() as (kept, conversions):
        add(kept, fits + 3)

        assert fits in kept
        assert fits + 1 not in kept
        await conversions.until(fits)
        kept.add(raw("1:p1:0"), 9999)
        await conversions.until(fits + 1)

    assert conversions.done == [*range(1, fits + 1), 9999]


async def test_a_store_that_is_away_stops_nothing():
    async with keeping() as (kept, conversions):
        conversions.away = {1}
        add(kept, 3)
        await conversions.until(2)

        assert conversions.done == [2, 3]
        await asyncio.sleep(_STEP_S)
        assert 1 not in kept
