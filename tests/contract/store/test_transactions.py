"""Transactions: whole or not at all, side by side, in time; what fails says so."""

import asyncio
import threading
from pathlib import Path

import pytest

from gateway.core.errors import RetriableError
from gateway.core.inbox_ports import InboxResult
from gateway.core.messages import InboxStatus
from gateway.core.ports import Store
from gateway.store.factory import open_store
from tests.contract.store.builders import PATIENT, WARD, at, ins, made, row, says, shared, token


def everything(tx):
    """Touch every table."""
    (row_id,) = tx.inbox.insert([row("1")])
    tx.contributions.replace([(row_id, [says(PATIENT), shared(WARD, 1, name="A")])])
    tx.claims.replace({PATIENT: [ins(PATIENT, "A")]})
    tx.resources.put([made("e1", index=(token("class", "IMP"),))])
    return row_id


def whole(tx):
    """Return everything `everything` wrote."""
    return (
        tx.inbox.counts(),
        tx.contributions.load([PATIENT, WARD]),
        tx.claims.sharing([("ins", "ins-1")]),
        tx.resources.counts(),
        tx.resources.search("Encounter", (), 9, None).total,
    )


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def opened(url: str, timeout_s: float = 20.0) -> Store:
    store = open_store(url, timeout_s=timeout_s)
    await store.open()
    return store


async def test_a_failed_transaction_leaves_nothing_and_raises_its_own_error(store: Store) -> None:
    def work(tx):
        everything(tx)
        raise KeyError("bug")

    with pytest.raises(KeyError, match="bug"):
        await store.write(work)

    assert await store.read(whole) == ({}, {}, {}, {}, 0)
    await store.write(everything)
    assert (await store.read(whole))[0] == {InboxStatus.RECEIVED: 1}


async def test_a_failed_change_of_existing_rows_puts_the_old_values_back(store: Store) -> None:
    row_id = await store.write(everything)
    before = await store.read(whole)

    def work(tx):
        tx.inbox.set_results([InboxResult(row_id, InboxStatus.CONVERTED, b"AA")])
        tx.contributions.replace([(row_id, [])])
        tx.claims.replace({PATIENT: []})
        tx.resources.put([made("e1", 2, deleted=True, body=b"")])
        raise ValueError("bug")

    with pytest.raises(ValueError, match="bug"):
        await store.write(work)

    assert await store.read(whole) == before


@pytest.mark.field("FL-062")
async def test_what_a_write_returned_for_is_there_for_another_process(durable_url: str) -> None:
    writer, reader = await opened(durable_url), await opened(durable_url)

    await writer.write(everything)
    found = await reader.read(whole)

    await writer.close()
    await reader.close()
    assert (found[0], found[3]) == ({InboxStatus.RECEIVED: 1}, {"Encounter": 1})


@pytest.mark.field("FL-062")
async def test_sqlite_confirms_only_what_is_on_the_disk(sqlite_url: str) -> None:
    store = await opened(sqlite_url)

    def pragma(tx, name):
        return tx.inbox._session.connection.exec_driver_sql(f"PRAGMA {name}").scalar()

    # 2 is FULL.
    synchronous = await store.write(lambda tx: pragma(tx, "synchronous"))
    journal_mode = await store.write(lambda tx: pragma(tx, "journal_mode"))
    query_only = await store.read(lambda tx: pragma(tx, "query_only"))

    await store.close()
    assert (synchronous, journal_mode, query_only) == (2, "wal", 1)


async def test_a_reader_cannot_write(durable_url: str) -> None:
    store = await opened(durable_url)

    with pytest.raises(RetriableError, match="RLS-STO-001"):
        await store.read(everything)

    assert await store.read(whole) == ({}, {}, {}, {}, 0)
    await store.close()


@pytest.mark.field("FL-299")
async def test_eight_readers_beside_a_busy_writer_never_find_it_locked(durable_url: str) -> None:
    store = await opened(durable_url)
    done = asyncio.Event()

    async def read_on() -> int:
        reads = 0
        while not done.is_set():
            rows, total = await store.read(
                lambda tx: (
                    sum(tx.inbox.counts().values()),
                    tx.resources.search("Encounter", (), 5, None).total,
                )
            )
            # One snapshot: both tables tell of the same transactions.
            assert rows == total
            reads += 1
        return reads

    async def write_on(name: int) -> None:
        for n in range(20):

            def work(tx, key=f"{name}-{n}"):
                tx.inbox.insert([row(key)])
                tx.resources.put([made(key)])

            await store.write(work)

    readers = [asyncio.create_task(read_on()) for _ in range(8)]
    async with asyncio.timeout(60):
        await asyncio.gather(*(write_on(name) for name in range(32)))
    done.set()
    counts = await asyncio.gather(*readers)
    await store.close()

    assert min(counts) > 0


@pytest.mark.field("FL-300")
async def test_ten_thousand_awaits_come_back(store: Store) -> None:
    async def some(count: int) -> int:
        return sum([await store.read(lambda _: 1) for _ in range(count)])

    async with asyncio.timeout(120):
        answered = await asyncio.gather(*(some(625) for _ in range(16)))

    assert sum(answered) == 10_000


async def test_two_processes_store_one_input_once(postgresql_url: str) -> None:
    first, second = await opened(postgresql_url), await opened(postgresql_url)

    async def send(store: Store) -> list[int | None]:
        ids: list[int | None] = []
        for n in range(0, 200, 10):
            rows = [row(str(k)) for k in range(n, n + 10)]
            ids += await store.write(lambda tx, rows=rows: tx.inbox.insert(rows))
        return ids

    got = await asyncio.gather(*(send(store) for store in (first, second, first, second)))
    counts = await first.read(lambda tx: tx.inbox.counts())
    await first.close()
    await second.close()

    assert counts == {InboxStatus.RECEIVED: 200}
    given = [row_id for ids in got for row_id in ids if row_id is not None]
    assert len(given) == len(set(given)) == 200


async def test_two_processes_fold_one_patient_in_turn(postgresql_url: str) -> None:
    stores = [await opened(postgresql_url), await opened(postgresql_url)]

    def work(tx, n):
        tx.contributions.lock([PATIENT])
        tx.contributions.replace([(n, [says(PATIENT, n), shared(WARD, n, name=str(n % 3))])])
        found = tx.resources.current([("Patient", PATIENT.id)])
        number = 1 + max((r.version for r in found.values()), default=0)
        tx.resources.put([made(PATIENT.id, number, n, type_="Patient")])

    await asyncio.gather(*(stores[n % 2].write(lambda tx, n=n: work(tx, n)) for n in range(40)))
    parts = await stores[0].read(lambda tx: tx.contributions.load([PATIENT, WARD]))
    (patient,) = (
        await stores[1].read(lambda tx: tx.resources.current([("Patient", PATIENT.id)]))
    ).values()
    for store in stores:
        await store.close()

    assert (len(parts[PATIENT]), patient.version) == (40, 40)
    assert [p.version.recorded_at for p in parts[WARD]] == [at(37), at(38), at(39)]


async def test_two_workers_never_claim_the_same_row(postgresql_url: str) -> None:
    first, second = await opened(postgresql_url), await opened(postgresql_url)
    await first.write(lambda tx: tx.inbox.insert([row(str(n)) for n in range(10)]))
    holding, release = threading.Event(), threading.Event()

    def hold(tx):
        claimed = tx.inbox.claim_received(4, at(60))
        holding.set()
        release.wait(10)
        return claimed

    held = asyncio.create_task(first.write(hold))
    await asyncio.to_thread(holding.wait, 10)
    passed = await second.write(lambda tx: tx.inbox.claim_received(10, at(60)))
    release.set()
    kept = await held
    await first.close()
    await second.close()

    assert ({r.id for r in kept} | {r.id for r in passed}, len(kept), len(passed)) == (
        set(range(1, 11)),
        4,
        6,
    )


async def test_a_deadlock_is_run_again(postgresql_url: str) -> None:
    store = await opened(postgresql_url)
    await store.write(lambda tx: tx.resources.put([made("e1"), made("e2")]))
    attempts: list[str] = []
    meet = threading.Barrier(2, timeout=5)

    def work(tx, first, second, seconds):
        attempts.append(first)
        tx.resources.put([made(first, _next(tx, first), seconds)])
        if len(attempts) <= 2:
            meet.wait()
        tx.resources.put([made(second, _next(tx, second), seconds)])

    def _next(tx, id_):
        return tx.resources.current([("Encounter", id_)])["Encounter", id_].version + 1

    await asyncio.gather(
        store.write(lambda tx: work(tx, "e1", "e2", 1)),
        store.write(lambda tx: work(tx, "e2", "e1", 2)),
    )
    found = await store.read(
        lambda tx: tx.resources.current([("Encounter", "e1"), ("Encounter", "e2")])
    )
    await store.close()

    assert len(attempts) > 2
    assert [r.version for r in found.values()] == [3, 3]
