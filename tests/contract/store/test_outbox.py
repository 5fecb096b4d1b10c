"""The outbox: queued once, in the order of its lane, taken under a lease, settled for good."""

import asyncio
import threading
from dataclasses import replace

import pytest

from gateway.core.deliveries import Delivery, DeliveryStatus, NewDelivery
from gateway.core.errors import FatalError
from gateway.core.ports import Store
from gateway.store.factory import open_store
from tests.contract.store.builders import NOON, at
from tests.contract.store.watch_builders import item

D = DeliveryStatus
HOOK = "fhir_hook"


async def queue(store: Store, *items: NewDelivery) -> list[int | None]:
    return await store.write(lambda tx: tx.outbox.queue(items, NOON))


async def claim(
    store: Store, seconds: float = 0, limit: int = 10, connectors: tuple[str, ...] = (HOOK,)
) -> list[Delivery]:
    return await store.write(lambda tx: tx.outbox.claim(connectors, at(seconds), limit))


async def keys(store: Store, seconds: float = 0, limit: int = 10) -> list[str]:
    return [delivery.item.key for delivery in await claim(store, seconds, limit)]


async def settle(
    store: Store, row_id: int, status: DeliveryStatus, seconds: float = 0, **more
) -> None:
    await store.write(lambda tx: tx.outbox.settle(row_id, status, at(seconds), **more))


async def row(store: Store, key: str) -> Delivery:
    found = await store.read(lambda tx: tx.outbox.by_key(HOOK, key))
    assert found is not None
    return found


async def test_an_item_comes_back_as_it_was_queued(store: Store) -> None:
    given = item(
        "k1",
        lane="s1",
        seconds=5.5,
        content_type="application/fhir+json",
        body=b"\x00{}\xff",
        details={"endpoint": "https://é.example/hook", "number": 3, "deep": [{"a": None}]},
        about="DetectedIssue/g1",
    )

    [row_id] = await queue(store, given)

    found = await row(store, "k1")
    assert found == Delivery(row_id, given, D.QUEUED, 0, NOON, at(5.5))
    assert await store.read(lambda tx: tx.outbox.by_key("mssante", "k1")) is None


async def test_what_was_queued_before_is_not_queued_again(store: Store) -> None:
    first = await queue(store, item("k1"), item("k2"), item("k1"))
    again = await queue(store, item("k2"), item("k3"), item("k2", connector="mssante"))

    assert [row_id is None for row_id in first] == [False, False, True]
    assert [row_id is None for row_id in again] == [True, False, False]
    assert await store.read(lambda tx: tx.outbox.counts()) == {
        (HOOK, D.QUEUED): 3,
        ("mssante", D.QUEUED): 1,
    }


async def test_keys_of_any_length_stay_apart(store: Store) -> None:
    long = "k" * 5000

    assert None not in await queue(store, item(long), item(long + "x"))
    assert await queue(store, item(long)) == [None]
    assert await store.read(lambda tx: tx.outbox.by_key(HOOK, long)) is not None


async def test_due_rows_are_taken_in_the_order_they_are_due(store: Store) -> None:
    await queue(store, item("late", seconds=20), item("b", seconds=10), item("a", seconds=10))
    await queue(store, item("mail", connector="mssante"), item("early"))

    both = await claim(store, 10, connectors=("mssante", HOOK))

    assert [delivery.item.key for delivery in both] == ["mail", "early", "b", "a"]
    assert await keys(store, 19) == []
    assert await keys(store, 20) == ["late"]


async def test_a_claim_counts_the_attempt_and_takes_no_more_than_asked(store: Store) -> None:
    await queue(store, item("k1"), item("k2"), item("k3"))

    taken = await claim(store, 7, limit=2)

    assert [(d.item.key, d.status, d.attempts, d.due_at) for d in taken] == [
        ("k1", D.SENDING, 1, at(307)),
        ("k2", D.SENDING, 1, at(307)),
    ]
    assert await row(store, "k1") == taken[0]
    assert await keys(store, 8) == ["k3"]
    assert await claim(store, 8, connectors=()) == []


@pytest.mark.field("FL-293")
async def test_a_row_taken_by_a_worker_that_dies_is_taken_again_after_five_minutes(
    store: Store,
) -> None:
    await queue(store, item("k1"))
    await claim(store, 0)

    before, after = await claim(store, 299.9), await claim(store, 300)

    assert before == []
    assert [(d.item.key, d.attempts, d.abandoned) for d in after] == [("k1", 2, True)]


async def test_a_retry_waits_until_it_is_due(store: Store) -> None:
    await queue(store, item("k1"))
    [taken] = await claim(store)

    await settle(store, taken.id, D.RETRY_WAIT, 5, note="503", due_at=at(65))

    waiting = await row(store, "k1")
    assert (waiting.status, waiting.attempts, waiting.note) == (D.RETRY_WAIT, 1, "503")
    assert await keys(store, 64) == []
    assert [d.attempts for d in await claim(store, 65)] == [2]


@pytest.mark.parametrize("end", [D.CONFIRMED, D.REFUSED, D.GIVEN_UP, D.SKIPPED, D.SENT, D.HELD])
async def test_what_has_ended_is_not_taken(store: Store, end: DeliveryStatus) -> None:
    await queue(store, item("k1"))
    [taken] = await claim(store)

    await settle(store, taken.id, end, 5, note="250", receipt={"message_id": "<é@x>"})

    ended = await row(store, "k1")
    assert (ended.status, ended.note, ended.receipt) == (end, "250", {"message_id": "<é@x>"})
    assert await keys(store, 1e9) == []


async def test_a_receipt_stays_until_another_is_given(store: Store) -> None:
    [row_id] = await queue(store, item("k1"))
    await settle(store, row_id, D.SENT, receipt={"message_id": "m1"})
    await settle(store, row_id, D.CONFIRMED, note="delivered")

    assert (await row(store, "k1")).receipt == {"message_id": "m1"}


@pytest.mark.parametrize(
    ("known", "word", "kept"),
    [
        (D.CONFIRMED, D.RETRY_WAIT, D.CONFIRMED),
        (D.CONFIRMED, D.SENT, D.CONFIRMED),
        (D.CONFIRMED, D.GIVEN_UP, D.CONFIRMED),
        (D.CONFIRMED, D.QUEUED, D.CONFIRMED),
        (D.CONFIRMED, D.REFUSED, D.REFUSED),
        (D.SENT, D.RETRY_WAIT, D.SENT),
        (D.SENT, D.GIVEN_UP, D.SENT),
        (D.SENT, D.CONFIRMED, D.CONFIRMED),
        (D.REFUSED, D.RETRY_WAIT, D.REFUSED),
        (D.REFUSED, D.QUEUED, D.QUEUED),
        (D.GIVEN_UP, D.RETRY_WAIT, D.GIVEN_UP),
        (D.GIVEN_UP, D.QUEUED, D.QUEUED),
        (D.SKIPPED, D.QUEUED, D.QUEUED),
        (D.HELD, D.QUEUED, D.QUEUED),
        (D.RETRY_WAIT, D.GIVEN_UP, D.GIVEN_UP),
    ],
    ids=str,
)
async def test_a_late_word_never_undoes_what_is_known(
    store: Store, known: DeliveryStatus, word: DeliveryStatus, kept: DeliveryStatus
) -> None:
    [row_id] = await queue(store, item("k1"))
    await settle(store, row_id, known, note="first")

    await settle(store, row_id, word, note="second")

    found = await row(store, "k1")
    note = "second" if kept == word else "first"
    assert (found.status, found.note) == (kept, note)


async def test_a_row_that_is_not_there_is_told(store: Store) -> None:
    with pytest.raises(FatalError, match="RLS-STO-040 at outbox row 99"):
        await settle(store, 99, D.SENT)


async def test_only_a_claim_makes_a_row_leave(store: Store) -> None:
    [row_id] = await queue(store, item("k1"))

    with pytest.raises(FatalError, match=f"RLS-STO-041 at outbox row {row_id}"):
        await settle(store, row_id, D.SENDING)

    assert (await row(store, "k1")).status is D.QUEUED


async def test_a_lane_leaves_one_by_one_in_order(store: Store) -> None:
    await queue(store, item("a1", "a", 30), item("a2", "a"), item("b1", "b"), item("free"))
    await queue(store, item("a3", "a"), item("b2", "b"))

    assert await keys(store, 10) == ["b1", "free"]
    assert await keys(store, 30) == ["a1"]
    assert await keys(store, 31) == []
    await settle(store, (await row(store, "b1")).id, D.CONFIRMED, 31)
    await settle(store, (await row(store, "a1")).id, D.RETRY_WAIT, 31, due_at=at(60))
    assert await keys(store, 59) == ["b2"]
    assert await keys(store, 60) == ["a1"]
    await settle(store, (await row(store, "a1")).id, D.GIVEN_UP, 61)
    assert await keys(store, 61) == ["a2"]
    await settle(store, (await row(store, "a2")).id, D.CONFIRMED, 62)
    assert await keys(store, 62) == ["a3"]
    await settle(store, (await row(store, "a3")).id, D.CONFIRMED, 63)
    await queue(store, item("a4", "a"))
    assert await keys(store, 64) == ["a4"]


async def test_lanes_of_two_connectors_are_two_lanes(store: Store) -> None:
    await queue(store, item("k1", "same"), item("k2", "same", connector="mssante"))

    taken = await claim(store, connectors=(HOOK, "mssante"))

    assert {delivery.item.key for delivery in taken} == {"k1", "k2"}


async def test_a_row_a_person_sends_again_goes_before_the_younger_of_its_lane(
    store: Store,
) -> None:
    ids = await queue(store, item("a1", "a"), item("a2", "a"), item("a3", "a"))
    await settle(store, ids[0], D.GIVEN_UP)

    await settle(store, ids[0], D.QUEUED)

    assert await keys(store) == ["a1"]
    await settle(store, ids[0], D.CONFIRMED)
    assert await keys(store) == ["a2"]


async def test_rows_are_shown_in_order_without_their_bodies(store: Store) -> None:
    ids = await queue(store, *(item(f"k{n}", body=b"secret") for n in range(4)))
    await queue(store, item("mail", connector="mssante", body=b"letter"))
    await settle(store, ids[1], D.GIVEN_UP)
    waiting = [D.QUEUED, D.GIVEN_UP]

    shown, after, mails, whole, none = await store.read(
        lambda tx: (
            tx.outbox.page(waiting, 0, 3),
            tx.outbox.page(waiting, ids[2], 9),
            tx.outbox.page([D.QUEUED], 0, 9, "mssante"),
            tx.outbox.page([D.GIVEN_UP], 0, 9, with_body=True),
            tx.outbox.page([D.SENT], 0, 9),
        )
    )

    assert [(d.item.key, d.item.body) for d in shown] == [("k0", b""), ("k1", b""), ("k2", b"")]
    assert [d.item.key for d in after] == ["k3", "mail"]
    assert [d.item.key for d in mails] == ["mail"]
    assert [(d.item.key, d.item.body) for d in whole] == [("k1", b"secret")]
    assert none == []


async def test_what_a_failed_transaction_queued_or_took_is_as_before(store: Store) -> None:
    await queue(store, item("k1", "a"), item("k2", "a"))
    before = await row(store, "k1")

    def work(tx):
        [taken] = tx.outbox.claim([HOOK], at(0), 5)
        tx.outbox.settle(taken.id, D.CONFIRMED, at(0))
        tx.outbox.queue([item("k3")], NOON)
        raise KeyError("bug")

    with pytest.raises(KeyError):
        await store.write(work)

    assert await row(store, "k1") == before
    assert await keys(store) == ["k1"]
    assert await store.read(lambda tx: tx.outbox.by_key(HOOK, "k3")) is None


@pytest.mark.long
@pytest.mark.field("FL-099")
async def test_ten_thousand_items_for_a_receiver_that_is_down_all_leave_once(store: Store) -> None:
    """None is dropped while it is down; afterwards each leaves once, its lane in order."""
    for start in range(0, 10_000, 1000):
        numbers = range(start, start + 1000)
        await queue(store, *(item(f"{n:05}", f"lane{n % 500}" * (n % 2)) for n in numbers))
    down = await claim(store, 0, 600)

    def turn(tx, deliveries, status, due_at=None):
        for delivery in deliveries:
            tx.outbox.settle(delivery.id, status, at(1), due_at=due_at)

    await store.write(lambda tx: turn(tx, down, D.RETRY_WAIT, at(60)))
    left: list[str] = []
    async with asyncio.timeout(120):
        while taken := await claim(store, 60, 1000):
            left += [delivery.item.key for delivery in taken]
            await store.write(lambda tx, taken=taken: turn(tx, taken, D.CONFIRMED))

    assert len(left) == len(set(left)) == 10_000
    lanes: dict[int, list[str]] = {}
    for key in left:
        lanes.setdefault(int(key) % 500, []).append(key)
    assert all(lanes[n] == sorted(lanes[n]) for n in range(1, 500, 2))
    assert await store.read(lambda tx: tx.outbox.counts()) == {(HOOK, D.CONFIRMED): 10_000}


async def test_two_workers_never_take_the_same_row(postgresql_url: str) -> None:
    stores = [open_store(postgresql_url, timeout_s=20) for _ in range(2)]
    for store in stores:
        await store.open()
    await queue(stores[0], *(item(f"k{n}") for n in range(10)))
    holding, release = threading.Event(), threading.Event()

    def hold(tx):
        taken = tx.outbox.claim([HOOK], at(0), 4)
        holding.set()
        release.wait(10)
        return taken

    held = asyncio.create_task(stores[0].write(hold))
    await asyncio.to_thread(holding.wait, 10)
    passed = await keys(stores[1])
    release.set()
    kept = [delivery.item.key for delivery in await held]
    for store in stores:
        await store.close()

    assert (kept, passed) == ([f"k{n}" for n in range(4)], [f"k{n}" for n in range(4, 10)])


async def test_a_lane_never_sticks_while_one_queues_and_one_settles(postgresql_url: str) -> None:
    """The last row of a lane is settled at the moment the next one is queued."""
    stores = [open_store(postgresql_url, timeout_s=20) for _ in range(2)]
    for store in stores:
        await store.open()
    [row_id] = await queue(stores[0], item("k0", "lane"))

    for n in range(1, 40):
        [taken] = await claim(stores[0])
        assert taken.id == row_id
        _, [row_id] = await asyncio.gather(
            settle(stores[0], taken.id, D.CONFIRMED),
            queue(stores[1], item(f"k{n}", "lane")),
        )
    last = await keys(stores[1])
    for store in stores:
        await store.close()

    assert last == ["k39"]


async def test_two_processes_queue_one_key_once(postgresql_url: str) -> None:
    stores = [open_store(postgresql_url, timeout_s=20) for _ in range(2)]
    for store in stores:
        await store.open()
    items = [item(f"k{n}", f"lane{n % 3}") for n in range(20)]

    given = await asyncio.gather(
        *(queue(store, *items[::way]) for store in stores for way in (1, -1))
    )
    counts = await stores[0].read(lambda tx: tx.outbox.counts())
    for store in stores:
        await store.close()

    assert counts == {(HOOK, D.QUEUED): 20}
    ids = [row_id for rows in given for row_id in rows if row_id is not None]
    assert len(ids) == len(set(ids)) == 20


async def test_an_item_keeps_the_instant_it_was_queued_for(store: Store) -> None:
    given = replace(item("k1"), due_at=at(3))
    await queue(store, given)
    [taken] = await claim(store, 10)

    assert (taken.item, taken.due_at) == (given, at(310))


async def test_the_newest_rows_come_first_without_their_bodies(store: Store) -> None:
    first, second, third = await queue(store, item("k1"), item("k2"), item("k3"))
    await claim(store, 10, limit=1)

    waiting = await store.read(lambda tx: tx.outbox.newest([D.QUEUED, D.SENDING], third, 9))
    newest = await store.read(lambda tx: tx.outbox.newest([D.QUEUED, D.SENDING], third + 1, 1))

    assert [delivery.id for delivery in waiting] == [second, first]
    assert [(delivery.id, delivery.item.body) for delivery in newest] == [(third, b"")]
