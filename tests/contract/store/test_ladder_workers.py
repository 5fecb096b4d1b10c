"""Workers of two processes on one database tell each rung and each digest once."""

import asyncio

from gateway.core.contributions import Json
from gateway.core.ports import Store
from gateway.fhir.identity import Ids
from gateway.pipeline.digests import Digester
from gateway.pipeline.watch import Watcher
from gateway.store.factory import open_store
from tests.support.assertions import paris
from tests.support.opened_gaps import BED, LETTER, Ward, deferred
from tests.support.pipeline import HandClock

#: Something is due at each of them; the deferral of Tuesday ends on Wednesday at 09:00.
INSTANTS = (
    "2026-03-10 00:00", "2026-03-10 02:00", "2026-03-10 05:59:59", "2026-03-10 06:00",
    "2026-03-10 08:30", "2026-03-11 09:00", "2026-03-11 23:59:59", "2026-03-12 08:30",
    "2026-03-12 23:59:59", "2026-03-16 23:59:59", "2026-03-18 23:59:59",
)  # fmt: skip


async def _work(ward: Ward, stores: list[Store], at: str) -> None:
    """Let four workers look and two make digests, all at once."""
    ward.clock.instant = paris(at)
    made = ward.watcher
    lookers = [
        Watcher(store, made.rules, made.ids, HandClock(paris(at)), made.settings)
        for store in stores * 2
    ]
    await asyncio.gather(*(one.drain() for one in lookers))
    makers = [Digester(store, Ids(), HandClock(paris(at))) for store in stores]
    await asyncio.gather(*(one.step() for one in makers))


async def _told(ward: Ward) -> list[Json]:
    kept = [*await ward.tasks(BED), *await ward.tasks(LETTER), *await ward.alerts()]
    return [{k: v for k, v in one.items() if k not in ("meta", "lastModified")} for one in kept]


async def _lived(ward: Ward, stores: list[Store]) -> list[Json]:
    for at in INSTANTS:
        await _work(ward, stores, at)
        if at == "2026-03-10 08:30":
            await ward.write("2026-03-10 09:00", **deferred("2026-03-11 09:00"))
    return await _told(ward)


async def test_two_processes_tell_what_one_tells(durable_url: str) -> None:
    first, second = open_store(durable_url, timeout_s=20), open_store(durable_url, timeout_s=20)
    ward = await Ward.of(first)
    await second.open()

    together = await _lived(ward, [first, second])
    await second.close()
    await first.close()
    alone = await Ward.of()

    assert together == await _lived(alone, [alone.store])
