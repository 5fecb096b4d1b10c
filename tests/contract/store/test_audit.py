"""The journal of accesses: appended, chained, found again, never changed."""

import asyncio

import psycopg
import pytest
from sqlalchemy import create_engine, text

from gateway.core.audit import Link, Trace, Wanted
from gateway.core.ports import Store
from gateway.pipeline.journal import Journal, verify
from gateway.store.factory import open_store
from tests.contract.store.builders import at


def trace(number: int, **over: object) -> Trace:
    said = {
        "id": f"t{number}",
        "at": at(number),
        "kind": "read",
        "outcome": "0",
        "agent": "dac",
        "patient": "p1",
        "details": {"why": "é"},
    }
    return Trace(**{**said, **over})  # type: ignore[arg-type]


async def add(store: Store, *traces: Trace) -> None:
    await store.write(lambda tx: tx.audit.append(traces))


async def test_entries_come_back_as_they_were_told(store: Store) -> None:
    await add(store, trace(1), trace(2, patient="", kind="token"))
    await add(store)

    found = await store.read(lambda tx: tx.audit.find(Wanted(), 10))
    found.reverse()
    sealed = await store.read(lambda tx: tx.audit.after(1, 10))

    assert [one.trace for one in found] == [trace(1), trace(2, patient="", kind="token")]
    assert [one.link.number for one in found] == [1, 2]
    assert await store.read(lambda tx: tx.audit.head()) == found[-1].link
    assert await store.read(lambda tx: tx.audit.get("t2")) == found[1]
    assert await store.read(lambda tx: tx.audit.get("t3")) is None
    assert [one.link for one in sealed] == [found[1].link]


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        (Wanted(), ["t4", "t3", "t2", "t1"]),
        (Wanted(patients=("p1", "p9")), ["t3", "t1"]),
        (Wanted(agent="other"), ["t4"]),
        (Wanted(kinds=("update", "token")), ["t3"]),
        (Wanted(outcomes=("4",)), ["t2"]),
        (Wanted(start=at(2), end=at(4)), ["t3", "t2"]),
        (Wanted(patients=("p2",), outcomes=("4",), agent="dac"), ["t2"]),
    ],
)
async def test_entries_are_found(store: Store, wanted: Wanted, ids: list[str]) -> None:
    await add(
        store,
        trace(1),
        trace(2, patient="p2", outcome="4"),
        trace(3, kind="update"),
        trace(4, patient="p2", agent="other"),
    )

    found = await store.read(lambda tx: tx.audit.find(wanted, 10))

    assert [one.trace.id for one in found] == ids
    assert await store.read(lambda tx: tx.audit.count(wanted)) == len(ids)
    assert await store.read(lambda tx: tx.audit.find(wanted, 1, found[0].link.number)) == found[1:2]


async def test_many_writers_make_one_chain(store: Store) -> None:
    await asyncio.gather(*(add(store, trace(n), trace(n + 100)) for n in range(1, 13)))

    proof = await verify(store)

    assert (proof.fault, proof.head.number) == ("", 24)


async def test_a_transaction_that_fails_leaves_no_entry(store: Store) -> None:
    def work(tx) -> None:
        tx.audit.append([trace(1)])
        msg = "not this time"
        raise ValueError(msg)

    with pytest.raises(ValueError, match="not this time"):
        await store.write(work)
    await add(store, trace(2))

    assert (await verify(store)).head.number == 1


async def test_an_anchor_of_another_journal_is_noticed(store: Store) -> None:
    await add(store, trace(1), trace(2))
    head = (await verify(store)).head

    assert (await verify(store, [head])).fault == ""
    assert "not the one anchored" in (await verify(store, [Link(1, bytes(32))])).fault
    assert "cut off before number 3" in (await verify(store, [Link(3, head.digest)])).fault


async def test_a_journal_keeps_what_it_was_handed(store: Store) -> None:
    journal = Journal(store)
    journal.note([trace(1)])
    journal.note([trace(2)])
    await journal.keep([trace(3)])
    kept = await store.read(lambda tx: tx.audit.head())
    journal.note([trace(4)])
    await journal.close()

    assert kept.number == 3
    assert (await verify(store)).head.number == 4


def execute(url: str, *statements: str) -> None:
    """Do what somebody with the password of the database can do."""
    if url.startswith("postgresql"):
        with psycopg.connect(url, autocommit=True) as connection:
            for one in statements:
                connection.execute(one)
        return
    engine = create_engine(url)
    with engine.begin() as connection:
        for one in statements:
            connection.execute(text(one))
    engine.dispose()


@pytest.mark.parametrize(
    "statement", ["DELETE FROM audit_event", "UPDATE audit_event SET kind='x'"]
)
async def test_the_database_refuses_to_change_an_entry(durable_url: str, statement: str) -> None:
    store = open_store(durable_url)
    await store.open()
    await add(store, trace(1))

    with pytest.raises(Exception, match="append only"):
        await asyncio.to_thread(execute, durable_url, statement)
    await store.close()


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE audit_event SET body = body || body WHERE number = 2", "number 2 was altered"),
        ("UPDATE audit_event SET patient = 'x' WHERE number = 2", "number 2 is hidden"),
        ("DELETE FROM audit_event WHERE number = 2", "missing before number 3"),
        ("DELETE FROM audit_event WHERE number = 3", "cut off before number 3"),
    ],
)
async def test_who_takes_the_wall_away_is_found_out(
    durable_url: str, statement: str, fault: str
) -> None:
    store = open_store(durable_url)
    await store.open()
    await add(store, trace(1), trace(2), trace(3))
    sqlite = durable_url.startswith("sqlite")
    walls = (
        [f"DROP TRIGGER audit_event_no_{verb}" for verb in ("update", "delete")]
        if sqlite
        else ["ALTER TABLE audit_event DISABLE TRIGGER ALL"]
    )
    back = [] if sqlite else ["ALTER TABLE audit_event ENABLE TRIGGER ALL"]

    await asyncio.to_thread(execute, durable_url, *walls, statement, *back)
    proof = await verify(store)
    await store.close()

    assert fault in proof.fault
