"""How often feeds speak, and what ails them."""

from dataclasses import replace
from datetime import timedelta

from gateway.core.feed_ports import (
    WHOLE,
    Ailment,
    ClockCorrection,
    FeedHour,
    FeedPart,
    Heard,
    Refusal,
    Said,
    Trouble,
)
from gateway.core.inbox_ports import InboxResult
from gateway.core.messages import InboxStatus
from gateway.core.ports import Store, Transaction
from tests.contract.store.builders import NOON, at, row

ADT, DOC = "990000001:ADT", "990000001:DOC"
HOUR = 3600


async def heard(store: Store, *messages: tuple[str, str, float]) -> None:
    """Count messages: feed, event, receipt in seconds after noon."""
    told = [Heard(feed, event, at(second)) for feed, event, second in messages]
    await store.write(lambda tx: tx.feeds.count(told))


async def hours(store: Store, event: str = WHOLE, since: float = 0) -> list[tuple[int, int, int]]:
    """Return (hour after noon, messages, minutes) of a part of the movements."""
    found = await store.read(lambda tx: tx.feeds.hours(ADT, event, at(since)))
    noon = at(0)
    return [((one.hour - noon) // timedelta(hours=1), one.messages, one.minutes) for one in found]


async def test_messages_are_counted_by_hour_for_their_feed_and_their_event(store: Store) -> None:
    await heard(store, (ADT, "A01", 0), (ADT, "A03", 61), (DOC, "T02", 5))
    await heard(store, (ADT, "A01", HOUR + 10))

    assert await hours(store) == [(0, 2, 2), (1, 1, 1)]
    assert await hours(store, "A01") == [(0, 1, 1), (1, 1, 1)]
    assert await hours(store, "A03") == [(0, 1, 1)]


async def test_what_comes_within_a_minute_counts_once(store: Store) -> None:
    await heard(store, *((ADT, "A01", second) for second in range(0, 90, 10)))
    await heard(store, (ADT, "A01", 95), (ADT, "A01", 200))

    assert await hours(store) == [(0, 11, 3)]
    [hour] = await store.read(lambda tx: tx.feeds.hours(ADT, "A01", at(0)))
    assert hour == FeedHour(at(0), 11, 3, at(0), at(200))


async def test_parts_know_their_first_and_their_last_message(store: Store) -> None:
    await heard(store, (ADT, "A01", 100), (ADT, "A03", 200))
    await heard(store, (ADT, "A01", 50), (ADT, "", 300))

    assert await store.read(lambda tx: tx.feeds.parts()) == [
        FeedPart(ADT, WHOLE, at(50), at(300)),
        FeedPart(ADT, "A01", at(50), at(100)),
        FeedPart(ADT, "A03", at(200), at(200)),
    ]


async def test_hours_are_found_from_that_of_an_instant_on(store: Store) -> None:
    await heard(store, *((ADT, "A01", hour * HOUR + 1800) for hour in range(4)))

    assert [hour for hour, *_ in await hours(store, since=2 * HOUR + 1900)] == [2, 3]


async def test_old_hours_are_forgotten_and_parts_are_not(store: Store) -> None:
    await heard(store, *((ADT, "A01", hour * HOUR) for hour in range(4)))

    await store.write(lambda tx: tx.feeds.forget(at(2 * HOUR)))

    assert [hour for hour, *_ in await hours(store)] == [2, 3]
    assert len(await store.read(lambda tx: tx.feeds.parts())) == 2


SILENT = Trouble(ADT, WHOLE, Ailment.SILENT, at(0), told_at=at(900))


async def test_a_trouble_begins_and_ends_once(store: Store) -> None:
    begun = [await store.write(lambda tx: tx.feeds.begin(SILENT)) for _ in range(2)]
    lasting = await store.read(lambda tx: tx.feeds.troubles(lasting=True))
    ended = [await store.write(lambda tx: tx.feeds.end(SILENT, at(5000))) for _ in range(2)]

    assert (begun, ended) == ([True, False], [True, False])
    assert lasting == [SILENT]
    assert await store.read(lambda tx: tx.feeds.troubles(lasting=True)) == []
    assert await store.read(lambda tx: tx.feeds.troubles()) == [replace(SILENT, ended_at=at(5000))]


async def test_what_never_began_does_not_end(store: Store) -> None:
    assert await store.write(lambda tx: tx.feeds.end(SILENT, at(5000))) is False


async def test_troubles_of_parts_ailments_and_starts_stand_beside_each_other(store: Store) -> None:
    others = [
        replace(SILENT, event="A03"),
        replace(SILENT, ailment=Ailment.SKEWED, value=3600),
        replace(SILENT, since=at(60)),
    ]

    for one in (SILENT, *others):
        assert await store.write(lambda tx, one=one: tx.feeds.begin(one))

    assert len(await store.read(lambda tx: tx.feeds.troubles())) == 4


async def test_refusals_count_while_their_input_is_in_quarantine(store: Store) -> None:
    def work(tx: Transaction) -> list[int | None]:
        ids = tx.inbox.insert([row(str(n)) for n in range(3)])
        held = [InboxResult(id_, InboxStatus.QUARANTINED, b"") for id_ in ids[:2] if id_]
        tx.inbox.set_results([*held, InboxResult(ids[2] or 0, InboxStatus.CONVERTED, b"")])
        told = [Refusal(id_, ADT, at(60 * n)) for n, id_ in enumerate(ids) if id_]
        tx.feeds.refuse(told)
        tx.feeds.refuse(told)
        return ids

    await store.write(work)
    before = await store.read(lambda tx: tx.feeds.refused(at(30)))
    await store.write(lambda tx: tx.feeds.forget(at(0)))

    assert before == {ADT: (2, 1)}
    assert await store.read(lambda tx: tx.feeds.refused(at(30))) == before


async def test_what_the_road_of_a_feed_takes_is_learned_once(store: Store) -> None:
    for seconds in (2, 900):
        await store.write(lambda tx, s=seconds: tx.feeds.set_usual_delay(ADT, s))

    assert await store.read(lambda tx: tx.feeds.usual_delays()) == {ADT: 2}


def correction(number: int, feed: str = ADT, until: float | None = None) -> ClockCorrection:
    """Return a correction that was approved so many seconds after noon as its number."""
    end = None if until is None else at(until)
    return ClockCorrection(
        number, feed, at(-HOUR), end, -3600, "anne", "vu avec la DSI é", at(number)
    )


async def test_a_correction_of_a_clock_comes_back_as_it_was_allowed(store: Store) -> None:
    given = [correction(1), correction(2, DOC, until=7200.25)]
    for one in given:
        await store.write(lambda tx, one=one: tx.feeds.approve(one))

    assert await store.read(lambda tx: tx.feeds.corrections()) == given


async def test_a_correction_is_withdrawn_once(store: Store) -> None:
    await store.write(lambda tx: tx.feeds.approve(correction(1)))
    await store.write(lambda tx: tx.feeds.approve(correction(2, DOC)))

    first = await store.write(lambda tx: tx.feeds.withdraw(1, at(60), "bruno", "juste"))
    again = await store.write(lambda tx: tx.feeds.withdraw(1, at(90), "clara", "encore"))
    never = await store.write(lambda tx: tx.feeds.withdraw(3, at(90), "clara", "encore"))

    assert (first, again, never) == (True, False, False)
    over = replace(correction(1), withdrawn_at=at(60), withdrawn_by="bruno", withdrawn_for="juste")
    assert await store.read(lambda tx: tx.feeds.corrections()) == [over, correction(2, DOC)]


async def test_what_messages_tell_is_counted_by_day_and_dropped_with_the_hours(store) -> None:
    day = timedelta(days=1)
    heard = [
        Heard("H:ADT", "A03", NOON, "ENC.DISCHARGE"),
        Heard("H:ADT", "A03", NOON + timedelta(minutes=1), "ENC.DISCHARGE"),
        Heard("H:ADT", "A03", NOON + day, "ENC.DISCHARGE"),
        Heard("H:ADT", "A20", NOON + day, "unmapped"),
        Heard("K:ADT", "A03", NOON - day, "no-fact"),
        Heard("K:ADT", "A03", NOON, ""),
    ]
    await store.write(lambda tx: tx.feeds.count(heard[:3]))
    await store.write(lambda tx: tx.feeds.count(heard[3:]))

    recent = await store.read(lambda tx: tx.feeds.said(NOON))
    everything = await store.read(lambda tx: tx.feeds.said(NOON - day))
    await store.write(lambda tx: tx.feeds.forget(NOON + day))
    left = await store.read(lambda tx: tx.feeds.said(NOON - day))

    assert recent == [
        Said("H:ADT", "A03", "ENC.DISCHARGE", 3),
        Said("H:ADT", "A20", "unmapped", 1),
    ]
    assert everything == [*recent, Said("K:ADT", "A03", "no-fact", 1)]
    assert left == [
        Said("H:ADT", "A03", "ENC.DISCHARGE", 1),
        Said("H:ADT", "A20", "unmapped", 1),
    ]
