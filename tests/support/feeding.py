"""A gateway with feeds of known habits, and what watches over them."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson

from gateway.core.contributions import Json
from gateway.core.facts import ExpectationRow, LedgerLine, Status
from gateway.core.feed_ports import Heard
from gateway.core.ports import Store
from gateway.entry.settings import load
from gateway.entry.sources import brought_by
from gateway.entry.wiring import build_watcher
from gateway.fhir.identity import Ids
from gateway.mapping.loader import load_mappings
from gateway.pipeline.feed_watch import FeedWatch
from gateway.pipeline.watch import Watcher
from gateway.store.memory import MemoryStore
from tests.support.assertions import paris
from tests.support.pipeline import HandClock

ADT = "990000027:ADT"
#: A Tuesday; habits are known for five weeks then.
DAY = "2026-03-10"
_WEEKS = timedelta(weeks=5)
_STEP = timedelta(minutes=2)


@dataclass
class Feeding:
    """A store, a clock, the watch over feeds and what looks at their facts."""

    store: Store
    clock: HandClock
    watch: FeedWatch
    watcher: Watcher
    told: int = field(default=0)

    @classmethod
    async def of(cls, store: Store | None = None) -> "Feeding":
        """Start with nothing known."""
        store = store or MemoryStore()
        await store.open()
        clock = HandClock(paris(f"{DAY} 00:00"))
        mappings = load_mappings()
        watcher = build_watcher(load(), store, clock, mappings)
        watch = FeedWatch(store, clock, watcher.settings, brought_by(mappings))
        return cls(store, clock, watch, watcher)

    async def spoke(self, until: str, *events: str, feed: str = ADT) -> None:
        """Let a feed have spoken every two minutes for five weeks, its events in turn."""
        end = paris(f"{DAY} {until}")
        at = end - _WEEKS
        heard = []
        while at <= end:
            heard.append(Heard(feed, (events or ("A01",))[len(heard) % max(1, len(events))], at))
            at += _STEP
        await self._hear(heard)

    async def hear(self, at: str, event: str = "A01", feed: str = ADT) -> None:
        """Let one message come."""
        await self._hear([Heard(feed, event, paris(f"{DAY} {at}"))])

    async def hear_at(self, instant: str, event: str = "A01", feed: str = ADT) -> None:
        """Let a message come at an instant of another day."""
        await self._hear([Heard(feed, event, paris(instant))])

    async def _hear(self, heard: list[Heard]) -> None:
        await self.store.write(lambda tx: tx.feeds.count(heard))
        last = heard[-1]
        await self.store.write(lambda tx: tx.watch.feed_seen([(last.feed, last.at, last.at)]))

    async def at(self, *instants: str) -> None:
        """Go to instants of the day, or to whole ones, step and look."""
        for text in instants:
            self.clock.instant = paris(text if "-" in text else f"{DAY} {text}")
            self.told += await self.watch.step()
            await self.watcher.drain()

    async def rows(self) -> list[ExpectationRow]:
        """Return every expectation."""
        return await self.store.read(lambda tx: tx.watch.gaps(tuple(Status), 99, opened_only=False))

    async def ledger(self) -> list[LedgerLine]:
        """Return the ledger."""
        return [line for _, line in await self.store.read(lambda tx: tx.watch.ledger(0, 999))]

    async def steps(self) -> list[tuple[datetime, str]]:
        """Return the ledger as instants and states."""
        return [(line.instant, line.to_status.value) for line in await self.ledger()]

    async def current(self, type_: str, row: ExpectationRow) -> Json:
        """Return the DetectedIssue or Task of a gap as it stands."""
        ids = Ids()
        id_ = ids.gap(row.gap_id) if type_ == "DetectedIssue" else ids.gap_task(row.gap_id, 1)
        found = await self.store.read(lambda tx: tx.resources.current([(type_, id_)]))
        read: Json = orjson.loads(found[type_, id_].body)
        return read
