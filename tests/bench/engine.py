"""(7) What an event costs the engine, by the number of patients; a backlog; the sweep.

Figures of CPU: those of one core, whatever else the machine does. Each event is committed and
looked at by itself, which is the dearest way: group commits and looks share transactions.
"""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from gateway.core.ports import Store
from gateway.entry import wiring
from gateway.entry.settings import Settings, StoreSettings
from gateway.entry.wiring import SystemClock
from gateway.mapping.loader import load_mappings
from gateway.pipeline.commit import commit
from gateway.pipeline.prepared import Prepared
from gateway.pipeline.sweep import Sweep
from gateway.pipeline.watch import Watcher
from tests.bench import filled, inputs
from tests.bench.figures import Report
from tests.bench.servers import WORK
from tests.support.gateway import message
from tests.support.pipeline import RULES

_EVENTS, _BACKLOG, _TOGETHER = 300, 1200, 32


def cost(report: Report, runs: int, sizes: Sequence[int], events: int = _EVENTS) -> None:
    """Measure events, a backlog and the sweep in stores with few and with many patients."""
    backlog = events * _BACKLOG // _EVENTS
    for run in range(runs):
        for patients in sizes:
            name = f"engine {patients:>9,} patients"
            bodies = inputs.movements((run + 1) * (events + backlog))[-(events + backlog) :]
            asyncio.run(_one(report, name, patients, bodies[:events], bodies[events:]))
    report.table("The engine by the number of patients, SQLite synchronous=FULL", "engine")


async def _one(
    report: Report, name: str, patients: int, single: list[bytes], waiting: list[bytes]
) -> None:
    WORK.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="engine-", dir=WORK))
    filled.fill(folder / "bench.db", filled.Size(patients))
    settings = Settings(store=StoreSettings(url=f"sqlite:///{folder / 'bench.db'}"))
    store, clock, mappings = wiring.build_store(settings), SystemClock(), load_mappings()
    await store.open()
    try:
        watcher = wiring.build_watcher(settings, store, clock, mappings)
        converter = wiring.build_converter(settings, clock=clock, mappings=mappings)
        made = [converter.prepare(converter.open(message(body))) for body in single]
        await _events(report, name, store, watcher, made)
        made = [converter.prepare(converter.open(message(body))) for body in waiting]
        await _catch_up(report, name, store, watcher, made)
        sweep = Sweep(store, clock, watcher.settings)
        began = time.process_time()
        await sweep.step()
        report.add(f"{name}: sweep CPU", "ms", 1e3 * (time.process_time() - began))
    finally:
        await store.close()
        shutil.rmtree(folder)


async def _events(
    report: Report, name: str, store: Store, watcher: Watcher, made: list[Prepared]
) -> None:
    """Commit and look, event by event."""
    spent = {"commit": 0.0, "look": 0.0}
    times = []
    for item in made:
        start, began = time.perf_counter(), time.process_time()
        await store.write(lambda tx, item=item: commit(tx, [item], watcher.clock.now(), RULES))
        committed = time.process_time()
        await watcher.drain()
        spent["commit"] += committed - began
        spent["look"] += time.process_time() - committed
        times.append(time.perf_counter() - start)
    for part, seconds in spent.items():
        report.add(f"{name}: {part} CPU an event", "ms", 1e3 * seconds / len(made))
    times.sort()
    report.add(f"{name}: commit and look p50", "ms", 1e3 * times[len(times) // 2])
    report.add(f"{name}: commit and look p99", "ms", 1e3 * times[len(times) * 99 // 100])


async def _catch_up(
    report: Report, name: str, store: Store, watcher: Watcher, made: list[Prepared]
) -> None:
    """Look at what was committed while nobody looked."""
    for first in range(0, len(made), _TOGETHER):
        batch = made[first : first + _TOGETHER]
        await store.write(lambda tx, batch=batch: commit(tx, batch, watcher.clock.now(), RULES))
    start, began = time.perf_counter(), time.process_time()
    await watcher.drain()
    report.add(f"{name}: backlog", "1/s", len(made) / (time.perf_counter() - start))
    report.add(
        f"{name}: backlog CPU a message", "ms", 1e3 * (time.process_time() - began) / len(made)
    )
