"""A row that was taken and not tried goes back as if nobody had taken it."""

from gateway.core.ports import Store
from tests.contract.store.builders import at
from tests.contract.store.test_outbox import D, claim, keys, queue, row, settle
from tests.contract.store.watch_builders import item


async def test_what_is_put_back_was_no_attempt_and_keeps_its_place(store: Store) -> None:
    first, _ = await queue(store, item("k1", lane="s1"), item("k2", lane="s1"))
    await claim(store)

    await store.write(lambda tx: tx.outbox.put_back(first, at(30), "waits for its turn"))

    found = await row(store, "k1")
    assert (found.status, found.attempts, found.note) == (D.RETRY_WAIT, 0, "waits for its turn")
    assert await keys(store, 29) == []
    assert await keys(store, 30) == ["k1"]


async def test_what_has_ended_is_not_put_back(store: Store) -> None:
    (first,) = await queue(store, item("k1"))
    await claim(store)
    await settle(store, first, D.CONFIRMED)

    await store.write(lambda tx: tx.outbox.put_back(first, at(30), "waits"))

    assert (await row(store, "k1")).status is D.CONFIRMED
