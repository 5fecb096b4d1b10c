"""The ledger is a function of the log: workers that are killed again and again write its bytes.

The log goes through the real doors under a clock that stands at the receipt of each input, so
that every run has the same receipts; looks, kills and restarts happen when they happen.
"""

import asyncio
import random
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import orjson
import pytest
from sqlalchemy import create_engine, text

from gateway.core.ports import Store
from gateway.simulation.faults import all_faults
from gateway.store.factory import open_store
from gateway.store.memory import MemoryStore
from tests.support import postgres
from tests.support.linked import (
    Arrived,
    expectation_rows,
    feed,
    ledger_bytes,
    linked_region,
    watcher_of,
)
from tests.support.moved_serve import VARIABLE, MovedClock
from tests.support.pipeline import HandClock
from tests.support.process import GatewayProcess, send_until_cut
from tests.support.region_process import inbox

pytestmark = [pytest.mark.acceptance, pytest.mark.long]
KILLS = 12
#: Looks stay so far behind the clock on a shared database.
LAG = timedelta(seconds=0.5)
_PATIENCE_S = 240.0
_HTTP = {"cda": ("/cda", "application/xml"), "http": ("/hl7v2", "x-application/hl7-v2+er7")}


@dataclass
class Processes:
    """The doors and what looks, each a process of its own or all in one.

    Attributes:
        folder: of clock and logs.
        store_url: kept over kills.
        looking: how many workers; 0: one process does everything.
    """

    folder: Path
    store_url: str
    looking: int
    clock: MovedClock = field(init=False)
    doors: GatewayProcess = field(init=False)
    killable: list[GatewayProcess] = field(init=False)
    kills: int = 0

    def __post_init__(self) -> None:
        """Prepare; nothing runs."""
        self.clock = MovedClock(self.folder / "clock.json")
        self.doors = self._process("doors" if self.looking else "all")
        self.killable = [self._process("worker") for _ in range(self.looking)] or [self.doors]

    def _process(self, role: str) -> GatewayProcess:
        folder = self.folder / f"{role}-{random.getrandbits(32):08x}"
        folder.mkdir()
        environment = {VARIABLE: str(self.clock.path), "RELAIS_HOOKS_POLL_S": "0.02"}
        module = "tests.support.moved_serve"
        return GatewayProcess(self.store_url, folder, environment, role, module)

    async def start(self) -> None:
        """Start all of them, the doors first: they make the tables."""
        await asyncio.to_thread(self.doors.start)
        for one in self.killable:
            if one is not self.doors:
                await asyncio.to_thread(one.start)

    async def kill_one(self, chance: random.Random) -> None:
        """Kill one at an instant of chance within the work on an input; start it again."""
        one = chance.choice(self.killable)
        await asyncio.sleep(chance.uniform(0, 0.05))
        one.kill()
        self.kills += 1
        await asyncio.to_thread(one.start)

    async def send(self, one: Arrived) -> None:
        """Send until it is acknowledged."""
        async with asyncio.timeout(60):
            # Whoever was killed is back after a while; its port tells nobody when.
            while not await self._sent(one):  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def _sent(self, one: Arrived) -> bool:
        if one.door != "mllp":
            return await asyncio.to_thread(self._posted, one)
        acks: dict[bytes, bytes] = {}
        await send_until_cut(self.doors.ports["mllp"], [one.body], acks)
        return bool(acks)

    def _posted(self, one: Arrived) -> bool:
        path, kind = _HTTP[one.door]
        connection = HTTPConnection("127.0.0.1", self.doors.ports["http"], timeout=30)
        try:
            connection.request("POST", path, one.body, {"Content-Type": kind})
            return connection.getresponse().status < 500
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    async def rest(self, now: datetime) -> None:
        """Wait until nobody is due at this instant, and nobody is being looked at."""
        engine = create_engine(self.store_url.replace("postgresql:", "postgresql+psycopg:"))
        due = text("SELECT count(*) FROM watched WHERE wake <= :now OR leased = 1")
        asked = {"now": now.isoformat(timespec="microseconds")}

        def waiting() -> int:
            with engine.connect() as connection:
                return connection.execute(due, asked).scalar_one()

        try:
            async with asyncio.timeout(_PATIENCE_S):
                # Other processes tell nobody of their looks: the store is asked.
                while await asyncio.to_thread(waiting):  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
        finally:
            engine.dispose()

    def stop(self) -> None:
        """Leave nothing behind."""
        for one in (*self.killable, self.doors):
            one.kill()


@pytest.fixture(scope="module")
def log():
    """Give the log of a region with every fault, corrections, links and late words."""
    return linked_region("killing", 24, all_faults(90))


@pytest.fixture(scope="module")
def end(log):
    return log[-1].at + timedelta(days=60)


@pytest.fixture(scope="module")
def alone(log, end):
    """Give what one worker that nobody disturbs, and that looks after each input, leaves."""
    return asyncio.run(undisturbed(log, end))


async def undisturbed(log: Sequence[Arrived], end: datetime):
    store, clock = MemoryStore(), HandClock(log[0].at)
    await store.open()
    watcher = watcher_of(store, clock)
    for one in log:
        clock.instant = one.at
        await feed(store, [one])
        await watcher.drain()
    clock.instant = end
    await watcher.drain()
    return await found_in(store)


async def found_in(store: Store) -> tuple[bytes, list, list]:
    return await ledger_bytes(store), await expectation_rows(store), await inbox(store)


async def read_back(store_url: str):
    store = open_store(store_url)
    await store.open()
    try:
        return await found_in(store)
    finally:
        await store.close()


async def played(running: Processes, log, end, chance, scale: float = 0.0) -> None:
    """Send the log while one process after the other is killed; wait for the last look."""
    moments = set(chance.sample(range(len(log)), KILLS))
    falling: asyncio.Task[None] | None = None
    running.clock.move(log[0].at, scale)
    await running.start()
    for number, one in enumerate(log):
        running.clock.move(max(one.at, running.clock.now()) if scale else one.at, scale)
        if number in moments:
            if falling is not None:
                await falling
            falling = asyncio.create_task(running.kill_one(chance))
        await running.send(one)
    if falling is not None:
        await falling
    running.clock.move(end, 0.0)
    await running.rest(end - LAG)


def test_the_log_has_what_may_go_wrong(alone, log):
    ledger, rows, _ = alone

    causes = {line["cause"] for line in map(orjson.loads, ledger.splitlines())}

    assert causes >= {"closer", "identity", "timer", "trigger", "trigger-retracted"}
    assert len(rows) > 30
    assert {one.door for one in log} == {"cda", "http", "mllp"}


@pytest.mark.parametrize("workers", [1, 4])
async def test_killed_workers_on_postgresql_write_the_ledger_of_one(
    tmp_path, log, end, alone, workers
):
    with ExitStack() as stack:
        url = stack.enter_context(postgres.database(stack.enter_context(postgres.server())))
        running = Processes(tmp_path, url, workers)
        stack.callback(running.stop)

        await played(running, log, end + LAG, random.Random(workers))
        ledger, rows, received = await read_back(url)

    assert running.kills == KILLS
    assert sorted(row.body for row in received) == sorted(row.body for row in alone[2])
    assert ledger == alone[0]
    assert rows == alone[1]


async def test_a_gateway_killed_on_sqlite_writes_the_ledger_of_its_receipts(
    tmp_path, log, end, alone
):
    url = f"sqlite:///{tmp_path}/kills.db"
    running = Processes(tmp_path, url, 0)
    try:
        # Time passes: on one machine looks and commits are told apart by their instants.
        await played(running, log, end, random.Random(7), scale=1.0)
    finally:
        running.stop()
    ledger, rows, received = await read_back(url)

    doors = {one.body: one.door for one in log}
    again = [Arrived(row.received_at, doors[row.body], row.body) for row in received]
    expected = await undisturbed(again, end)

    assert running.kills == KILLS
    assert sorted(row.body for row in received) == sorted(row.body for row in alone[2])
    assert ledger == expected[0]
    assert rows == expected[1]
