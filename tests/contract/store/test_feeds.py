"""Feeds: counts, lateness, and a watermark that never goes back."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import create_engine, text

from gateway.core.pathway_ports import FeedState
from gateway.core.ports import Store
from gateway.store.factory import open_store
from gateway.store.feedmarks import PAGE
from tests.contract.store.builders import at

ADT, DOC = "990000001:ADT", "990000001:DOC"


async def seen(store: Store, *messages: tuple[str, float, float]) -> None:
    """Note messages: feed, receipt in seconds after noon, delay in seconds."""
    noted = [(feed, at(receipt), at(receipt - delay)) for feed, receipt, delay in messages]
    await store.write(lambda tx: tx.watch.feed_seen(noted))


async def feeds(store: Store, since: datetime | None = None) -> list[FeedState]:
    return await store.read(lambda tx: tx.watch.feeds(since))


def marks(*pairs: tuple[float, float]) -> tuple[tuple[datetime, datetime], ...]:
    return tuple((at(receipt), at(watermark)) for receipt, watermark in pairs)


async def test_the_first_message_makes_a_feed(store: Store) -> None:
    await seen(store, (ADT, 10, 2.5))

    assert await feeds(store) == [FeedState(ADT, at(10), at(10), 1, (2.5,), marks((10, 7.5)))]


async def test_each_feed_has_its_own_count_and_watermark(store: Store) -> None:
    await seen(store, (DOC, 0, 60), (ADT, 0, 1), (ADT, 90, 1))
    await seen(store, (ADT, 200, 1))

    adt, doc = await feeds(store)

    assert (adt.feed, adt.count, adt.last_at) == (ADT, 3, at(200))
    assert adt.marks == marks((0, -1), (90, 89), (200, 199))
    assert (doc.feed, doc.count, doc.marks) == (DOC, 1, marks((0, -60)))


async def test_a_clock_that_is_behind_by_leave_holds_the_watermark_back_no_more(
    store: Store,
) -> None:
    """What is kept of the delays stays as it was told: the skew is still found from them."""
    await seen(store, (ADT, 0, 3602), (DOC, 0, 3602))
    noted = [(feed, at(90), at(90 - 3602)) for feed in (ADT, DOC)]

    await store.write(lambda tx: tx.watch.feed_seen(noted, {ADT: 3600.0}))

    adt, doc = await feeds(store)
    assert adt.marks == marks((0, -3602), (90, 88))
    assert doc.marks == marks((0, -3602), (90, 90 - 3602))
    assert adt.lateness_s == doc.lateness_s == (3602.0, 3602.0)


async def test_marks_are_thinned_to_one_a_minute_and_never_changed(store: Store) -> None:
    await seen(store, *((ADT, second, 0) for second in range(0, 150, 10)))

    [feed] = await feeds(store)

    assert (feed.count, feed.last_at) == (15, at(140))
    assert feed.marks == marks((0, 0), (60, 60), (120, 120))


async def test_the_watermark_stays_when_messages_come_later_than_usual(store: Store) -> None:
    await seen(store, (ADT, 0, 0))
    await seen(store, (ADT, 600, 3600))
    await seen(store, (ADT, 5000, 0))

    [feed] = await feeds(store)

    # 99 of 100 messages: the late one is among them. It holds the mark at noon until 3,600 s.
    assert feed.marks == marks((0, 0), (5000, 1400))


async def test_the_watermark_is_at_most_six_hours_behind(store: Store) -> None:
    await seen(store, (DOC, 0, 40 * 3600))

    [feed] = await feeds(store)

    assert feed.marks == marks((0, -6 * 3600))


async def test_one_late_message_in_two_hundred_is_forgiven(store: Store) -> None:
    await seen(store, *((ADT, n, 1) for n in range(199)), (ADT, 300, 3600))

    [feed] = await feeds(store)

    assert feed.marks[-1] == (at(300), at(299))


async def test_the_last_two_hundred_delays_are_kept_oldest_first(store: Store) -> None:
    await seen(store, *((ADT, n, n % 7) for n in range(150)))
    await seen(store, *((ADT, n, n % 7) for n in range(150, 250)))

    [feed] = await feeds(store)

    assert feed.count == 250
    assert feed.lateness_s == tuple(float(n % 7) for n in range(50, 250))


async def test_a_sender_whose_clock_runs_ahead_is_not_early(store: Store) -> None:
    await seen(store, (ADT, 0, -3600))

    [feed] = await feeds(store)

    assert (feed.lateness_s, feed.marks) == ((-3600.0,), marks((0, 0)))


async def test_a_message_written_after_a_later_one_moves_nothing_back(store: Store) -> None:
    await seen(store, (ADT, 500, 0))
    await seen(store, (ADT, 100, 0))

    [feed] = await feeds(store)

    assert (feed.first_at, feed.last_at, feed.count) == (at(100), at(500), 2)
    assert feed.marks == marks((500, 500))


async def test_marks_from_an_instant_on_begin_with_the_one_that_stood_then(store: Store) -> None:
    await seen(store, *((ADT, n * 60, 0) for n in range(5)), (DOC, 200, 0))

    adt, doc = await feeds(store, at(130))
    before_all = await feeds(store, at(-999))

    assert adt.marks == marks((120, 120), (180, 180), (240, 240))
    assert doc.marks == marks((200, 200))
    assert before_all == await feeds(store)


async def test_every_mark_is_kept_however_old(store: Store) -> None:
    day = timedelta(days=1).total_seconds()
    receipts = [n * day / 10 + n % 7 + 0.000123 for n in range(4000)]
    for first in range(0, 4000, 100):
        batch = receipts[first : first + 100]
        await seen(store, *((ADT, receipt, 1 + n % 3) for n, receipt in enumerate(batch)))
        await seen(store, *((DOC, receipt + 5, 0) for receipt in batch))

    adt, doc = await feeds(store)
    [later, _] = await feeds(store, at(receipts[1000]))
    asked = [receipts[n] - 2.5 for n in (0, 255, 256, 257, 1999, 3400, 3998)]
    found = [await store.read(lambda tx, to=to: tx.watch.complete_at(ADT, at(to))) for to in asked]

    assert [receipt for receipt, _ in adt.marks] == [at(receipt) for receipt in receipts]
    assert [receipt for receipt, _ in doc.marks] == [at(receipt + 5) for receipt in receipts]
    assert adt.marks[3999][0] - adt.marks[3999][1] == timedelta(seconds=3)
    assert later.marks == adt.marks[1000:]
    assert found == [
        next(receipt for receipt, watermark in adt.marks if watermark >= at(to)) for to in asked
    ]


async def test_old_marks_take_few_rows(durable_url: str) -> None:
    store = open_store(durable_url)
    await store.open()
    for day in range(400):
        hours = (day * 86400.0 + hour * 3600 for hour in range(24))
        await seen(store, *((ADT, receipt, 1) for receipt in hours))
    [feed] = await feeds(store)
    await store.close()
    made = create_engine(durable_url.replace("postgresql:", "postgresql+psycopg:"))
    with made.connect() as connection:
        rows = connection.execute(text("SELECT count(*) FROM feed_mark")).scalar_one()
        pages = connection.execute(
            text("SELECT count(*), sum(length(marks)) FROM feed_mark_page")
        ).one()
    made.dispose()

    assert len(feed.marks) == 9600
    assert 24 * 60 <= rows < 24 * 60 + 2 * PAGE
    assert pages[0] * PAGE + rows == 9600
    assert pages[1] < 8 * (9600 - rows)


async def test_two_processes_count_every_message_of_one_feed(postgresql_url: str) -> None:
    stores = [open_store(postgresql_url, timeout_s=20) for _ in range(2)]
    for store in stores:
        await store.open()

    await asyncio.gather(*(seen(stores[n % 2], (ADT, n, 0), (DOC, n, 0)) for n in range(40)))
    counts = [feed.count for feed in await feeds(stores[0])]
    for store in stores:
        await store.close()

    assert counts == [40, 40]


@pytest.mark.parametrize("batch", [1, 7, 250])
async def test_a_feed_is_proven_by_its_two_hundredth_message(store: Store, batch: int) -> None:
    messages = [(ADT, n, 1.0) for n in range(250)]
    for first in range(0, 199 - 199 % batch, batch):
        await seen(store, *messages[first : first + batch])
    before = await feeds(store)
    for first in range(199 - 199 % batch, 250, batch):
        await seen(store, *messages[first : first + batch])

    assert [feed.proven_at for feed in before] == [None] * len(before)
    assert [feed.proven_at for feed in await feeds(store)] == [at(199)]


async def test_the_newest_mark_of_each_feed_is_known_without_the_others(store: Store) -> None:
    await seen(store, (ADT, 0, 10), (ADT, 100, 10), (ADT, 130, 10), (DOC, 50, 0))

    found = await store.read(lambda tx: tx.watch.feeds_now())

    assert [feed.marks for feed in found] == [marks((100, 90)), marks((50, 50))]
    whole = await feeds(store)
    assert [replace(feed, marks=()) for feed in found] == [
        replace(feed, marks=()) for feed in whole
    ]


async def test_the_receipt_that_made_a_feed_complete_is_found(store: Store) -> None:
    await seen(store, (ADT, 0, 10), (ADT, 100, 10), (ADT, 200, 10), (DOC, 50, 0))

    async def complete(feed: str, seconds: float) -> datetime | None:
        return await store.read(lambda tx: tx.watch.complete_at(feed, at(seconds)))

    assert await complete(ADT, -3600) == at(0)
    assert await complete(ADT, -10) == at(0)
    assert await complete(ADT, -9.999999) == at(100)
    assert await complete(ADT, 190) == at(200)
    assert await complete(ADT, 191) is None
    assert await complete(DOC, 10) == at(50)
    assert await complete("nobody:ADT", 0) is None
