"""One look at the store serves every socket of a process; a quiet socket asks nothing."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from gateway.core.errors import RetriableError
from gateway.core.issues import Issue, Severity
from gateway.entry.api.sockets import SocketRhythm
from gateway.store.factory import migrate, open_store
from gateway.store.sqlstore import SqlStore
from gateway.store.sqltext import Session, Sql
from tests.support.gaps import opened
from tests.support.pipeline import HandClock
from tests.support.sockets import Door, heard, serving

_POLL_S = 0.05
#: No socket looks by itself within a test.
ONE_WAKER = SocketRhythm(poll_s=_POLL_S, look_s=3600, most=50)
#: The one look never comes: each socket looks by itself.
NO_WAKER = SocketRhythm(poll_s=3600, look_s=0.1)
_WATCHED_S = 0.5


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    url = f"sqlite:///{tmp_path / 'relais.db'}"
    migrate(url)
    made = open_store(url)
    assert isinstance(made, SqlStore)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Count queries by their text."""
    found: Counter[str] = Counter()
    rows = Session.rows

    def counted(self: Session, sql: Sql, parameters: tuple[Any, ...] = ()) -> Sequence[Any]:
        found[sql.text] += 1
        return rows(self, sql, parameters)

    monkeypatch.setattr(Session, "rows", counted)
    return found


async def bound_to(stack: AsyncExitStack, door: Door, ids: Sequence[str]) -> list[Any]:
    sockets = []
    for id_ in ids:
        sockets.append(await stack.enter_async_context(door.bound(id=id_)))
        assert await heard(sockets[-1], 1) == [("handshake",)]
    # What each asks once it was greeted is asked.
    await asyncio.sleep(4 * _POLL_S)
    return sockets


async def quiet(queries: Counter[str]) -> Counter[str]:
    """Return the queries of a while in which nothing happens."""
    queries.clear()
    await asyncio.sleep(_WATCHED_S)
    return Counter(queries)


async def test_many_quiet_sockets_ask_no_more_than_one(
    store: SqlStore, queries: Counter[str]
) -> None:
    async with serving(store, HandClock(), ONE_WAKER) as door, AsyncExitStack() as stack:
        ids = [await door.subscribe() for _ in range(13)]
        await bound_to(stack, door, ids[:1])
        alone = await quiet(queries)
        await bound_to(stack, door, ids[1:])
        together = await quiet(queries)

    assert alone
    assert together.keys() == alone.keys()
    # Who has something to be told, and whether their client may listen: once in each look.
    assert len(together) == 2
    assert max(together.values()) <= _WATCHED_S / _POLL_S + 1


async def test_an_event_is_told_at_once_and_looked_for_by_whom_it_concerns(
    store: SqlStore, queries: Counter[str]
) -> None:
    async with serving(store, HandClock(), ONE_WAKER) as door, AsyncExitStack() as stack:
        concerned = await door.subscribe()
        others = [await door.subscribe("code=OTHER") for _ in range(12)]
        sockets = await bound_to(stack, door, [concerned, *others])
        queries.clear()
        began = time.monotonic()

        await door.publish(opened())
        told = await heard(sockets[0], 1)

        waited_s = time.monotonic() - began
        await asyncio.sleep(2 * _POLL_S)
        busiest = Counter(queries)

    assert told == [("event-notification", 1)]
    assert waited_s < 2
    read_whole = [n for text, n in busiest.items() if "WHERE subscription.id = ?" in text]
    assert read_whole
    assert max(read_whole) < len(others)


async def test_a_store_that_was_away_delays_and_loses_nothing(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    away, read = asyncio.Event(), store.read
    refused = Counter[str]()

    async def or_not(work: Any) -> Any:
        if away.is_set():
            refused["read"] += 1
            raise RetriableError([Issue("RLS-STO-006", Severity.ERROR, "store", "It is away.", "")])
        return await read(work)

    async with serving(store, HandClock(), ONE_WAKER) as door, AsyncExitStack() as stack:
        (socket,) = await bound_to(stack, door, [await door.subscribe()])
        monkeypatch.setattr(store, "read", or_not)
        away.set()
        await door.publish(opened())
        await asyncio.sleep(4 * _POLL_S)
        away.clear()

        assert await heard(socket, 1) == [("event-notification", 1)]
        assert refused["read"] > 1


async def test_without_the_one_look_a_socket_looks_by_itself(store: SqlStore) -> None:
    async with serving(store, HandClock(), NO_WAKER) as door, AsyncExitStack() as stack:
        (socket,) = await bound_to(stack, door, [await door.subscribe()])

        await door.publish(opened())

        assert await heard(socket, 1) == [("event-notification", 1)]


async def test_nobody_looks_once_every_socket_is_closed(
    store: SqlStore, queries: Counter[str]
) -> None:
    async with serving(store, HandClock(), ONE_WAKER) as door:
        async with AsyncExitStack() as stack:
            await bound_to(stack, door, [await door.subscribe()])
        await asyncio.sleep(2 * _POLL_S)

        assert not await quiet(queries)
