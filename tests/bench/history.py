"""(8) What an event costs about somebody who has been in hospital again and again."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from gateway.core.contributions import Target
from gateway.core.facts import Assertion, Op, Span
from gateway.entry import wiring
from gateway.entry.settings import load
from gateway.mapping.loader import load_mappings
from gateway.store.codec import instant_text
from gateway.store.memory import MemoryStore
from tests.bench.figures import Report
from tests.support.pipeline import HandClock

_START = datetime(2024, 1, 1, 8, tzinfo=UTC)
_EVERY, _STAY = timedelta(days=7), timedelta(days=3)
_MOVES, _EVENTS = 30, 5
_PERSON = "person"


def history(report: Report, runs: int, stays: Sequence[int]) -> None:
    """Measure a movement more after so many stays, each of 33 facts."""
    for _ in range(runs):
        for count in stays:
            spent = asyncio.run(_one(count))
            report.add(f"history {count:>4} stays: look CPU an event", "ms", 1e3 * spent)
    report.table("A movement more, by what is known of the person", "history")


async def _one(stays: int) -> float:
    end = _START + _EVERY * stays
    store, clock = MemoryStore(), HandClock(end)
    await store.open()
    watcher = wiring.build_watcher(load(), store, clock, load_mappings())
    said = [fact for number in range(stays) for fact in _stay(number)]
    # All at once: what is measured is the next event, not how it came to this.
    await store.write(lambda tx: tx.facts.replace([(1, end, said)]))
    await store.write(lambda tx: tx.watch.touch({_PERSON: end}))
    await watcher.drain()
    spent = 0.0
    for number in range(_EVENTS):
        clock.instant += timedelta(hours=1)
        at, more = clock.instant, _says("ENC.MOVE", f"more-{number}", clock.instant, stays - 1)
        await store.write(lambda tx, n=number, at=at, m=more: tx.facts.replace([(n + 2, at, [m])]))
        await store.write(lambda tx, at=at: tx.watch.touch({_PERSON: at}))
        began = time.process_time()
        await watcher.drain()
        spent += time.process_time() - began
    return spent / _EVENTS


def _stay(number: int) -> Iterator[Assertion]:
    begin = _START + _EVERY * number
    visit = f"990002008#V{number:06d}"
    yield _says("ENC.ADMIT", visit, begin, number)
    yield from (
        _says("ENC.MOVE", f"{visit}#{hour}", begin + timedelta(hours=hour), number)
        for hour in range(1, _MOVES + 1)
    )
    yield _says("ENC.DISCHARGE", visit, begin + _STAY, number)
    yield _says("DOC.LDL", f"letter-{number}", begin + _STAY, number)


def _says(event: str, key: str, at: datetime, stay: int) -> Assertion:
    return Assertion(
        aid=f"{event}|{key}",
        event=event,
        key=f"{event}:{key}",
        op=Op.ASSERT,
        revision=instant_text(at),
        when=Span(at, at),
        sent_at=at,
        patient=Target("Patient", _PERSON),
        source="990002008:ADT",
        attributes={"estab": "990002008", "visit": f"V{stay:06d}", "unit": "0110"},
    )
