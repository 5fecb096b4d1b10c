"""A timer that is lost is found again, and the ledger is as if it never had been."""

from datetime import timedelta

import pytest
from sqlalchemy import create_engine, text

from gateway.core.facts import Status
from gateway.pipeline.sweep import Sweep
from gateway.store.factory import open_store
from tests.support.linked import feed, ledger_bytes, linked_region, watcher_of
from tests.support.opened_gaps import Ward
from tests.support.pipeline import HandClock

_BROKEN = {
    "lost": "UPDATE watched SET wake = '~'",
    "gone": "DELETE FROM watched",
    "late": "UPDATE watched SET wake = '2099-01-01T00:00:00.000000+00:00' WHERE wake <> '~'",
}


@pytest.fixture(scope="module")
def log():
    return linked_region("sweep", 5)


async def looked_at(store, log, clock):
    """Play a log, looking after each input; return what looks."""
    watcher = watcher_of(store, clock)
    for one in log:
        clock.instant = one.at
        await feed(store, [one])
        await watcher.drain()
    return watcher


def change(url, statement):
    made = create_engine(url)
    with made.begin() as connection:
        connection.execute(text(statement))
    made.dispose()


@pytest.mark.parametrize("broken", ["lost", "late"])
async def test_who_sleeps_past_a_deadline_is_woken_and_nothing_is_missing(tmp_path, log, broken):
    urls = [f"sqlite:///{tmp_path}/{name}.db" for name in ("sound", "broken")]
    ledgers, found = [], []
    for url in urls:
        store, clock = open_store(url), HandClock(log[0].at)
        await store.open()
        watcher = await looked_at(store, log, clock)
        sweep = Sweep(store, clock, watcher.settings)
        if url == urls[1]:
            change(url, _BROKEN[broken])
        clock.instant += timedelta(days=60)
        if url == urls[0]:
            await watcher.drain()
        found.append(await sweep.step())
        await watcher.drain()
        found.append(await sweep.step())
        ledgers.append(await ledger_bytes(store))
        await store.close()

    assert found[0] == found[1] == found[3] == 0
    assert found[2] > 0
    assert ledgers[1].count(b'"to":"overdue"') > 0
    assert ledgers[1] == ledgers[0]


async def test_without_the_sweep_the_gap_would_be_missed(tmp_path, log):
    url = f"sqlite:///{tmp_path}/broken.db"
    store, clock = open_store(url), HandClock(log[0].at)
    await store.open()
    watcher = await looked_at(store, log, clock)
    before = await ledger_bytes(store)
    change(url, _BROKEN["lost"])
    clock.instant += timedelta(days=60)
    await watcher.drain()
    after = await ledger_bytes(store)
    await store.close()

    assert after == before


async def test_a_person_whose_row_is_gone_is_found(tmp_path, log):
    url = f"sqlite:///{tmp_path}/gone.db"
    store, clock = open_store(url), HandClock(log[0].at)
    await store.open()
    watcher = await looked_at(store, log, clock)
    change(url, _BROKEN["gone"])
    clock.instant += timedelta(days=60)

    found = await Sweep(store, clock, watcher.settings).step()
    due = await store.write(lambda tx: tx.watch.claim_due(clock.now(), 1000))
    await store.close()

    assert found == len(due) > 0


async def test_a_clock_that_went_back_wakes_nobody_and_opens_nothing_twice(tmp_path, log):
    store, clock = open_store(f"sqlite:///{tmp_path}/back.db"), HandClock(log[0].at)
    await store.open()
    watcher = await looked_at(store, log, clock)
    clock.instant += timedelta(days=60)
    await watcher.drain()
    before = await ledger_bytes(store)
    rows = await store.read(lambda tx: tx.watch.gaps(tuple(Status), 10**6, opened_only=False))
    persons = {row.person_id for row in rows}

    clock.instant -= timedelta(days=45)
    woken = await Sweep(store, clock, watcher.settings).step()
    await store.write(lambda tx: tx.watch.touch(dict.fromkeys(persons, clock.now())))
    looks = await watcher.drain()
    while_back = await ledger_bytes(store)
    clock.instant += timedelta(days=45)
    await watcher.drain()
    after = await ledger_bytes(store)
    await store.close()

    assert (woken, looks) == (0, len(persons))
    assert before.count(b'"to":"overdue"') > 0
    assert before == while_back == after


@pytest.mark.parametrize("broken", ["lost", "late"])
async def test_a_step_of_a_ladder_whose_timer_is_lost_is_taken_all_the_same(tmp_path, broken):
    url = f"sqlite:///{tmp_path}/ladder.db"
    ward = await Ward.of(open_store(url))
    await ward.at("2026-03-10 00:00", "2026-03-10 05:59:59", "2026-03-10 12:00")
    change(url, _BROKEN[broken])
    sweep = Sweep(ward.store, ward.clock, ward.watcher.settings, ward.watcher.rules)

    await ward.at("2026-03-11 23:59:58")
    early = await sweep.step()
    await ward.at("2026-03-11 23:59:59")
    asleep = (await ward.task())["priority"]
    found = await sweep.step()
    await ward.watcher.drain()
    again = await sweep.step()
    task = await ward.task()
    await ward.store.close()

    assert (early, found, again) == (0, 1, 0)
    assert asleep != "stat"
    assert (task["priority"], [one["text"] for one in task["performerType"]]) == ("stat", ["IDEC"])
