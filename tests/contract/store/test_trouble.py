"""Servers that go away, full disks, held files, addresses of nothing."""

import asyncio
import sqlite3
import threading
import time
from pathlib import Path

import psycopg
import pytest

from gateway.core.errors import FatalError, RetriableError
from gateway.core.messages import InboxStatus
from gateway.core.ports import Store
from gateway.store.factory import open_store
from tests.contract.store.builders import row
from tests.contract.store.test_transactions import everything, files, opened, whole


@pytest.mark.field("FL-083")
async def test_a_server_that_cuts_its_connections_is_found_again(postgresql_url: str) -> None:
    store = await opened(postgresql_url)
    await store.write(everything)
    before = await store.read(whole)
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'relais' AND datname = current_database()"
        )

    after = await store.read(whole)
    ids = await store.write(lambda tx: tx.inbox.insert([row("after")]))
    await store.close()

    assert (after, len(ids)) == (before, 1)


async def test_a_connection_cut_inside_a_transaction_stores_it_once(postgresql_url: str) -> None:
    store = await opened(postgresql_url)
    attempts = []

    def work(tx):
        attempts.append(1)
        tx.inbox.insert([row(str(len(attempts)))])
        if len(attempts) == 1:
            with psycopg.connect(postgresql_url, autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE state = 'idle in transaction' AND datname = current_database()"
                )
        return tx.inbox.counts()

    counts = await store.write(work)
    await store.close()

    assert (len(attempts), counts) == (2, {InboxStatus.RECEIVED: 1})


@pytest.mark.field("FL-083")
async def test_a_server_that_is_not_there_is_told_in_time(tmp_path: Path) -> None:
    store = open_store(f"postgresql://nobody@localhost/none?host={tmp_path}")
    started = time.monotonic()

    with pytest.raises(RetriableError, match="RLS-STO-001"):
        await store.open()

    assert time.monotonic() - started < 10
    assert await store.healthy() is False


@pytest.mark.field("FL-301")
async def test_a_full_disk_is_told_loses_nothing_and_is_survived(sqlite_url: str) -> None:
    store = await opened(sqlite_url)
    await store.write(everything)
    before = await store.read(whole)

    def limit(tx, pages):
        run = tx.inbox._session.connection.exec_driver_sql
        used = run("PRAGMA page_count").scalar()
        run(f"PRAGMA max_page_count = {used + pages}")

    await store.write(lambda tx: limit(tx, 2))
    big = [row(f"big{n}", body=bytes(100_000)) for n in range(5)]
    with pytest.raises(RetriableError) as caught:
        await store.write(lambda tx: tx.inbox.insert(big))
    still_read = await store.read(whole)
    await store.write(lambda tx: limit(tx, 1_000_000))
    ids = await store.write(lambda tx: tx.inbox.insert(big))
    await store.close()

    issue = caught.value.issues[0]
    assert (issue.code, issue.where) == ("RLS-STO-001", "sqlite write")
    assert "SQLITE_FULL" in issue.what
    assert still_read == before
    assert None not in ids


async def test_a_file_another_process_holds_is_told_and_survived(
    sqlite_url: str, tmp_path: Path
) -> None:
    store = await opened(sqlite_url, timeout_s=0.5)
    other = sqlite3.connect(tmp_path / "relais.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(RetriableError):
        await store.write(everything)
    read = await store.read(whole)
    other.execute("ROLLBACK")
    other.close()
    await asyncio.sleep(0.6)
    await store.write(lambda tx: tx.inbox.insert([row("after")]))
    await store.close()

    assert read == ({}, {}, {}, {}, 0)


@pytest.mark.field("FL-018")
async def test_a_blocked_writer_gives_no_promise_and_readers_go_on(durable_url: str) -> None:
    store = await opened(durable_url, timeout_s=0.5)
    release = threading.Event()
    blocked = [
        asyncio.create_task(store.write(lambda tx: release.wait(5) and tx.inbox.counts()))
        for _ in range(2)
    ]
    await asyncio.sleep(0.1)

    waiting = asyncio.create_task(store.write(everything))
    healthy = await store.healthy()
    told = await asyncio.gather(*blocked, waiting, return_exceptions=True)
    release.set()
    found = await store.read(whole)
    await store.close()

    assert healthy is True
    assert [type(error) for error in told] == [RetriableError] * 3
    # The last one had not begun: it never will.
    assert told[2].issues[0].code == "RLS-STO-001"
    assert told[0].issues[0].code == "RLS-STO-006"
    assert found == ({}, {}, {}, {}, 0)


@pytest.mark.field("FL-298")
async def test_a_read_that_never_ends_is_stopped(sqlite_url: str) -> None:
    store = await opened(sqlite_url, timeout_s=0.5)
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT sum(x) FROM n"
    ended = threading.Event()

    def work(tx):
        try:
            tx.inbox._session.connection.exec_driver_sql(endless).scalar()
        finally:
            ended.set()

    with pytest.raises(RetriableError):
        await store.read(work)

    assert await asyncio.to_thread(ended.wait, 10)
    await store.close()


async def test_a_store_that_is_not_open_says_so(store_url: str) -> None:
    store = open_store(store_url)

    with pytest.raises(RetriableError, match="RLS-STO-010"):
        await store.write(everything)
    with pytest.raises(RetriableError, match="RLS-STO-010"):
        await store.read(whole)

    assert await store.healthy() is False
    await store.close()


async def test_an_open_store_is_healthy(store: Store) -> None:
    assert await store.healthy() is True


async def test_a_temporary_store_leaves_nothing_behind(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    store = open_store("sqlite://")
    await store.open()
    await store.write(everything)
    during = files(tmp_path)

    await store.close()

    assert len(during) == 1
    assert files(tmp_path) == []


@pytest.mark.parametrize("url", ["mysql://h/d", "relais.db", ""], ids=repr)
def test_an_address_of_no_known_kind_is_refused(url: str) -> None:
    with pytest.raises(FatalError, match="RLS-STO-008"):
        open_store(url)
