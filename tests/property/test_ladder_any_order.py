"""Whatever looks happen between, by whom and with whose clock: the same Tasks, the same alerts."""

import asyncio
import random
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.contributions import Json
from gateway.pipeline.watch import Watcher
from gateway.store.factory import open_store
from tests.support.assertions import paris
from tests.support.opened_gaps import BED, LETTER, Ward, deferred
from tests.support.pipeline import HandClock

#: Every instant at which something is due when nobody acts.
DUE = (
    "2026-03-10 00:00", "2026-03-10 02:00", "2026-03-10 05:59:59", "2026-03-10 06:00",
    "2026-03-11 23:59:59", "2026-03-13 23:59:59", "2026-03-17 23:59:59",
)  # fmt: skip
HOURS = st.integers(min_value=-30, max_value=24 * 9)


def worker(ward: Ward, at: datetime) -> Watcher:
    """Return another worker, whose clock says what it says."""
    made = ward.watcher
    return Watcher(ward.store, made.rules, made.ids, HandClock(at), made.settings)


async def told(ward: Ward) -> list[Json]:
    """Return every version of both Tasks and every alert, without the instants of writing."""
    tasks = [*await ward.tasks(BED), *await ward.tasks(LETTER), *await ward.alerts()]
    return [{k: v for k, v in one.items() if k not in ("meta", "lastModified")} for one in tasks]


async def played(hours: list[int], puts_off: int | None) -> list[Json]:
    """Look at every instant that is due, and at others before, between and again.

    Args:
        hours: of other looks, after the first opening; those of the past are of a clock that is
            behind.
        puts_off: hours after the second opening at which somebody puts the letter off by a day.
    """
    ward = await Ward.of()
    start = paris(DUE[0])
    extra = sorted(start + timedelta(hours=hour) for hour in hours)
    deferral = paris(DUE[2]) + timedelta(hours=puts_off) if puts_off is not None else None
    due = {paris(text) for text in DUE}
    if deferral is not None:
        due |= {deferral, deferral + timedelta(hours=24)}
        # What is due later for it: the instants of the ladder are counted again.
        due |= {paris(f"2026-03-{day} 23:59:59") for day in range(11, 21)}
    for at in sorted(due):
        for one in [one for one in extra if one < at]:
            extra.remove(one)
            row = await ward.row() if at > paris(DUE[2]) else None
            if row is not None:
                person = row.person_id
                await ward.store.write(lambda tx, p=person, a=one: tx.watch.touch({p: a}))
            # Never beyond what is due: a look there would pass it over.
            await worker(ward, one).drain()
        ward.clock.instant = at
        if at == deferral:
            until = (at + timedelta(hours=24)).isoformat()
            await ward.write(at.isoformat(), **deferred(until))
        await ward.watcher.drain()
        await worker(ward, at).drain()
    return await told(ward)


@settings(max_examples=25, deadline=None)
@given(st.lists(HOURS, max_size=6), st.one_of(st.none(), st.integers(1, 60)))
def test_looks_between_change_nothing(hours: list[int], puts_off: int | None) -> None:
    plain = asyncio.run(played([], puts_off))
    mixed = asyncio.run(played(hours, puts_off))

    assert plain == mixed


@pytest.mark.parametrize("seed", range(3))
async def test_workers_beside_each_other_tell_each_rung_once(seed: int, tmp_path) -> None:
    ward = await Ward.of(open_store(f"sqlite:///{tmp_path}/ladder.db"))
    chance = random.Random(seed)
    for text in DUE:
        at = paris(text)
        behind = [timedelta(hours=chance.choice([0, 0, 1, 7])) for _ in range(4)]
        clocks = [at, *(at - one for one in behind)]
        await asyncio.gather(*(worker(ward, one).drain() for one in clocks))

    seen = await told(ward)
    await ward.store.close()
    once = await Ward.of()
    await once.at(*DUE)

    assert seen == await told(once)
