"""Subscriptions: each event has one number, numbers have no hole and never go back."""

import asyncio
from dataclasses import replace

import pytest

from gateway.core.delivery_ports import BindingTicket, SubscriptionRow
from gateway.core.errors import FatalError
from gateway.core.ports import Store
from gateway.store.factory import open_store
from tests.contract.store.builders import at

TOPIC = "https://relais.example/fhir/SubscriptionTopic/gap"
GIVEN = SubscriptionRow("s1", "dac-01", TOPIC, "requested", b'{"reason":"\xc3\xa9"}')


async def put(store: Store, *rows: SubscriptionRow) -> None:
    await store.write(lambda tx: [tx.subscriptions.put(row) for row in rows])


async def add(store: Store, key: str, id_: str = "s1", seconds: float = 0) -> int | None:
    focus = f"DetectedIssue/{key}"
    return await store.write(lambda tx: tx.subscriptions.add_event(id_, key, focus, at(seconds)))


async def get(store: Store, id_: str = "s1") -> SubscriptionRow | None:
    return await store.read(lambda tx: tx.subscriptions.get(id_))


async def events(store: Store, low: int = 0, high: int = 99) -> list[tuple[int, str]]:
    found = await store.read(lambda tx: tx.subscriptions.events("s1", low, high))
    return [(number, focus) for number, focus, _ in found]


async def test_a_subscription_comes_back_as_it_was_put(store: Store) -> None:
    await put(store, GIVEN)
    changed = replace(GIVEN, status="error", error="503 for 3 h", body=b"{}")

    first = await get(store)
    await put(store, changed)

    assert (first, await get(store), await get(store, "none")) == (GIVEN, changed, None)


async def test_where_subscriptions_stand_is_read_in_one_go(store: Store) -> None:
    await put(store, GIVEN, replace(GIVEN, id="s2", status="active"))
    await add(store, "g1", "s2")
    await add(store, "g2", "s2")

    standing = await store.read(lambda tx: tx.subscriptions.standing(["s1", "s2", "none"]))
    nothing = await store.read(lambda tx: tx.subscriptions.standing([]))

    assert standing == {"s1": ("requested", 0), "s2": ("active", 2)}
    assert nothing == {}


async def test_subscriptions_are_found_by_topic_and_state(store: Store) -> None:
    other = replace(GIVEN, id="s0", topic="other", status="active")
    rows = [replace(GIVEN, id=f"s{n}", status=s) for n, s in enumerate(("active", "off"), 2)]
    await put(store, GIVEN, *rows, other)

    topics = await store.read(
        lambda tx: [
            tx.subscriptions.topics(states) for states in (["active"], ["requested"], ["error"], [])
        ]
    )
    live, everything, none = await store.read(
        lambda tx: (
            tx.subscriptions.of_topic(TOPIC, ["active", "requested"]),
            tx.subscriptions.all(),
            tx.subscriptions.of_topic(TOPIC, []),
        )
    )

    assert topics == [{TOPIC, "other"}, {TOPIC}, set(), set()]
    assert [row.id for row in live] == ["s1", "s2"]
    assert [row.id for row in everything] == ["s0", "s1", "s2", "s3"]
    assert none == []


async def test_events_are_numbered_from_one_for_each_subscription(store: Store) -> None:
    await put(store, GIVEN, replace(GIVEN, id="s2"))

    numbers = [await add(store, "g1"), await add(store, "g2"), await add(store, "g1", "s2")]

    row = await get(store)
    assert row is not None
    assert (numbers, row.events) == ([1, 2, 1], 2)


async def test_what_has_a_number_gets_no_other(store: Store) -> None:
    await put(store, GIVEN)
    await add(store, "g1")

    assert await add(store, "g1", seconds=9) is None
    assert await add(store, "g2") == 2
    assert await events(store) == [(1, "DetectedIssue/g1"), (2, "DetectedIssue/g2")]


async def test_events_are_read_by_their_numbers(store: Store) -> None:
    await put(store, GIVEN)
    for n in range(1, 6):
        await add(store, f"g{n}", seconds=n)

    found = await store.read(lambda tx: tx.subscriptions.events("s1", 2, 3))

    assert found == [(2, "DetectedIssue/g2", at(2)), (3, "DetectedIssue/g3", at(3))]
    assert await events(store, 5, 900) == [(5, "DetectedIssue/g5")]
    assert await events(store, 6, 900) == []


async def test_a_number_given_in_a_failed_transaction_is_given_again(store: Store) -> None:
    await put(store, GIVEN)

    def work(tx):
        tx.subscriptions.add_event("s1", "g1", "DetectedIssue/g1", at(0))
        raise KeyError("bug")

    with pytest.raises(KeyError):
        await store.write(work)

    assert await events(store) == []
    assert await add(store, "g2") == 1


async def test_numbers_never_go_back_and_may_jump_ahead(store: Store) -> None:
    await put(store, GIVEN)
    await add(store, "g1")
    await add(store, "g2")

    await put(store, replace(GIVEN, status="active"))
    third = await add(store, "g3")
    await put(store, replace(GIVEN, status="active", events=1000))

    assert (third, await add(store, "g4")) == (3, 1001)


async def test_an_event_of_no_subscription_is_told(store: Store) -> None:
    with pytest.raises(FatalError, match="RLS-STO-042 at event of a subscription"):
        await add(store, "g1", "none")


async def test_only_the_newest_events_are_kept_and_numbers_go_on(store: Store) -> None:
    await put(store, GIVEN, replace(GIVEN, id="s2"))
    for n in range(1, 6):
        await add(store, f"g{n}")

    await store.write(lambda tx: tx.subscriptions.prune(2))

    assert await events(store) == [(4, "DetectedIssue/g4"), (5, "DetectedIssue/g5")]
    assert await add(store, "g5") is None
    assert await add(store, "g6") == 6


async def test_events_of_two_processes_have_no_hole_and_no_number_twice(
    durable_url: str,
) -> None:
    stores = [open_store(durable_url, timeout_s=20) for _ in range(2)]
    for store in stores:
        await store.open()
    await put(stores[0], GIVEN)

    numbers = await asyncio.gather(*(add(stores[n % 2], f"g{n // 2}") for n in range(60)))
    kept = await events(stores[0])
    for store in stores:
        await store.close()

    given = [number for number in numbers if number is not None]
    assert sorted(given) == list(range(1, 31))
    assert [number for number, _ in kept] == list(range(1, 31))
    assert len({focus for _, focus in kept}) == 30


async def test_a_ticket_is_taken_once(store: Store) -> None:
    ticket = BindingTicket("ab12", "dac-01", ("s1", "s2"), at(30), 7)
    old = replace(ticket, digest="old", expires=at(-1))
    await store.write(lambda tx: tx.subscriptions.keep_ticket(old, at(-5)))
    await store.write(lambda tx: tx.subscriptions.keep_ticket(ticket, at(0)))

    taken = [
        await store.write(lambda tx, d=digest: tx.subscriptions.take_ticket(d))
        for digest in ("ab12", "ab12", "old", "none")
    ]

    assert taken == [ticket, None, None, None]
