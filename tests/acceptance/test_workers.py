"""The ledger is the same whatever the number of workers, their clocks, and the database."""

import asyncio
import os
import subprocess
import sys
from base64 import b64encode
from contextlib import ExitStack
from datetime import timedelta

import orjson
import pytest

from gateway.core.facts import Status
from gateway.core.pathway_ports import Move
from gateway.store.factory import open_store
from gateway.store.memory import MemoryStore
from tests.conftest import ROOT
from tests.support import postgres
from tests.support.linked import (
    expectation_rows,
    feed,
    ledger_bytes,
    linked_region,
    watcher_of,
    workers,
)
from tests.support.pipeline import HandClock

pytestmark = [pytest.mark.acceptance, pytest.mark.long]
WORKERS = 3


@pytest.fixture(scope="module")
def log():
    """Give the log of a region with faults, where hospitals link patients and doubt it again."""
    return linked_region("workers", 15)


@pytest.fixture(scope="module")
def end(log):
    return log[-1].at + timedelta(days=60)


@pytest.fixture(scope="module")
def alone(log, end):
    """Give ledger, rows and moves of one worker that looks after each input."""

    async def play():
        store, clock = MemoryStore(), HandClock(log[0].at)
        await store.open()
        watcher = watcher_of(store, clock)
        for one in log:
            clock.instant = one.at
            await feed(store, [one])
            await watcher.drain()
        clock.instant = end
        await watcher.drain()
        moves = await store.read(moves_of)
        return await ledger_bytes(store), await expectation_rows(store), moves

    return asyncio.run(play())


def moves_of(tx) -> list[Move]:
    rows = tx.watch.gaps(tuple(Status), 10**6, opened_only=False)
    return tx.facts.moves({row.patient.id for row in rows})


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request, tmp_path):
    with ExitStack() as stack:
        if request.param == "sqlite":
            yield f"sqlite:///{tmp_path}/workers.db"
        else:
            address = stack.enter_context(postgres.server())
            yield stack.enter_context(postgres.database(address))


def test_the_log_links_patients_and_parts_them(alone):
    ledger, rows, moves = alone

    assert len(moves) >= 8
    assert {line["cause"] for line in map(orjson.loads, ledger.splitlines())} >= {
        "identity", "timer", "closer", "trigger",
    }  # fmt: skip
    assert len(rows) > 30


@pytest.mark.parametrize("seed", [1, 2])
async def test_three_workers_write_the_ledger_of_one(store_url, log, end, alone, seed):
    stores = [open_store(store_url) for _ in range(WORKERS + 1)]
    for store in stores:
        await store.open()
    try:
        looks = await workers(stores[0], stores[1:], log, end, seed)
        found = await ledger_bytes(stores[0]), await expectation_rows(stores[0])
    finally:
        for store in stores:
            await store.close()

    assert all(looks)
    assert found == alone[:2]


def test_a_replay_of_the_log_prints_the_ledger_of_the_gateway(log, end, alone, tmp_path):
    file = tmp_path / "log.ndjson"
    file.write_bytes(
        b"".join(
            orjson.dumps(
                {
                    "received_at": one.at.isoformat(),
                    "channel": one.door,
                    "body_base64": b64encode(one.body).decode(),
                }
            )
            + b"\n"
            for one in log
        )
    )

    run = subprocess.run(
        [sys.executable, "-m", "gateway.entry.cli", "pathway", "run", str(file), "--all",
         "--no-feeds", "--until", end.isoformat()],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=tmp_path, capture_output=True, check=True,
    )  # fmt: skip

    lines = run.stdout.splitlines(keepends=True)
    ledger = [line for line in lines if b'"cause":' in line]
    assert b"".join(ledger) == alone[0]
    gaps = [orjson.loads(line) for line in lines[len(ledger) :]]
    last = {gap["gap_id"]: (gap["status"], gap["episode"]) for gap in gaps}
    assert last == {row.gap_id: (row.status.value, row.episode) for row in alone[1]}
