"""Logs in which Patients become one person and part again, and how they are looked at."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.core.facts import ExpectationRow, Status
from gateway.core.ports import Store, Transaction
from gateway.core.timestamps import PARIS
from gateway.entry.settings import load
from gateway.entry.wiring import build_watcher
from gateway.mapping.loader import load_mappings
from gateway.pathway.lines import in_order, ledger_line
from gateway.pathway.rule import Rule
from gateway.pipeline.commit import commit
from gateway.pipeline.watch import Watcher, WatchSettings
from gateway.simulation.faults import Transport
from gateway.simulation.play import Event, events
from gateway.simulation.region import Region
from tests.support.gateway import converter, message
from tests.support.pipeline import RULES, HandClock


@dataclass(frozen=True, slots=True)
class Arrived:
    """One input of a log."""

    at: datetime
    door: str
    body: bytes


def identity_update(body: bytes, at: datetime, status: str) -> bytes:
    """Compose what the sender of a message says later about its patient's identity.

    Args:
        body: a message of the patient.
        at: when it is recorded and sent.
        status: PID-32, `VALI` for a qualified identity, `DOUT` for a doubtful one.
    """
    when = at.astimezone(PARIS).strftime("%Y%m%d%H%M%S").encode()
    segments = {line[:3]: line.split(b"|") for line in body.split(b"\r") if line}
    header, patient = segments[b"MSH"], segments[b"PID"]
    header[6], header[8], header[9] = when, b"ADT^A31^ADT_A05", b"LINK" + when + status.encode()
    patient[32:34] = [status.encode(), when]
    lines = [b"|".join(header), b"EVN||" + when, b"|".join(patient), b"PV1|1|N"]
    return b"\r".join(lines) + b"\r"


def linked_region(seed: str, size: int, transport: Transport | None = None) -> list[Arrived]:
    """Return the log of a region in which hospitals doubt identities and qualify them again."""
    log, first = [], dict[bytes, dict[str, Event]]()
    for event in events(Region(seed, size), transport):
        log.append(Arrived(event.at, event.door, event.body))
        ins = _trusted_ins(event)
        if ins:
            first.setdefault(ins, {}).setdefault(event.source, event)
    for number, (_, by_source) in enumerate(sorted(first.items())):
        if len(by_source) < 2:
            continue
        last = max(by_source.values(), key=lambda event: event.at)
        for hours, status in ((30 + number, "DOUT"), (90, "VALI"), (150 + number, "DOUT")):
            at = last.at + timedelta(hours=hours)
            log.append(Arrived(at, "mllp", identity_update(last.body, at, status)))
    return sorted(log, key=lambda one: one.at)


def _trusted_ins(event: Event) -> bytes | None:
    """Return PID-3 behind the local number when the message qualifies the identity."""
    for line in event.body.split(b"\r"):
        fields = line.split(b"|")
        if fields[0] == b"PID" and len(fields) > 32 and fields[32] == b"VALI":
            return fields[3].partition(b"~")[2] or None
    return None


def watcher_of(store: Store, clock: HandClock, persons: int = 32) -> Watcher:
    """Build what looks at a store, with our own rules."""
    made = build_watcher(load(), store, clock, load_mappings())
    settings = WatchSettings(made.settings.tenant, persons=persons)
    return Watcher(store, made.rules, made.ids, clock, settings)


def without_ladders(watcher: Watcher) -> Watcher:
    """Return the same watcher with rules that tell nobody else after the opening."""
    rules = watcher.rules
    versions = {
        name: tuple(_without_steps(rule) for rule in found)
        for name, found in rules.versions.items()
    }
    return replace(watcher, rules=replace(rules, versions=versions))


def _without_steps(rule: Rule) -> Rule:
    return replace(rule, written=rule.written.model_copy(update={"escalate": ()}))


async def feed(store: Store, together: Sequence[Arrived]) -> None:
    """Commit what arrived at one instant."""
    made = converter()
    batch = [made.prepare(made.open(message(one.body))) for one in together]
    await store.write(lambda tx: commit(tx, batch, together[0].at, RULES))


async def looked_at_random(
    store: Store, log: Sequence[Arrived], end: datetime, chance: random.Random, often: float
) -> None:
    """Commit a log and look between its inputs, sometimes, at instants of chance."""
    clock = HandClock(log[0].at)
    watcher = watcher_of(store, clock)
    for one, following in zip(log, (*log[1:], None), strict=True):
        clock.instant = one.at
        await feed(store, [one])
        until = following.at if following else end
        while chance.random() < often:
            clock.instant += (until - clock.instant) * chance.random() * 0.9
            await watcher.drain()
    clock.instant = end
    await watcher.drain()


async def workers(
    feeding: Store, looking: Sequence[Store], log: Sequence[Arrived], end: datetime, seed: int
) -> list[int]:
    """Commit a log while workers look, each with a clock of its own that is behind by chance.

    Returns:
        How many looks each worker made.
    """
    chance = random.Random(seed)
    reached = asyncio.Condition()
    state = {"at": log[0].at, "over": False}

    async def work(store: Store, draws: random.Random) -> int:
        clock, looks = HandClock(log[0].at), 0
        watcher = watcher_of(store, clock, persons=2)
        while True:
            over, at = state["over"], state["at"]
            behind = timedelta(hours=draws.choice([0, 0, 1, 30, 100]))
            clock.instant = end if over else max(clock.instant, at - behind)
            taken = await watcher.step()
            looks += taken
            if taken:
                continue
            if over:
                return looks
            async with reached:
                await reached.wait_for(lambda at=at: state["at"] != at or state["over"])

    async def tell(**news: object) -> None:
        async with reached:
            state.update(news)
            reached.notify_all()

    tasks = [asyncio.create_task(work(one, random.Random(chance.random()))) for one in looking]
    try:
        for one in log:
            await feed(feeding, [one])
            await tell(at=one.at)
        await tell(over=True)
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()


async def ledger_bytes(store: Store) -> bytes:
    """Return the ledger as it is printed."""
    lines = [line for _, line in await store.read(lambda tx: tx.watch.ledger(0, 10**6))]
    return b"".join(map(ledger_line, in_order(lines)))


async def expectation_rows(store: Store) -> list[ExpectationRow]:
    """Return every expectation, by gap id."""

    def read(tx: Transaction) -> list[ExpectationRow]:
        return tx.watch.gaps(tuple(Status), 10**6, opened_only=False)

    return sorted(await store.read(read), key=lambda row: row.gap_id)
