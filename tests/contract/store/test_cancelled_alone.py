"""Notes of what cancels something nobody told: kept once, oldest first, dropped when settled."""

import contextlib

from gateway.core.contributions import Target
from gateway.core.feed_ports import CancelledAlone
from gateway.core.ports import Store
from tests.contract.store.builders import at

ORDER, STAY = Target("ServiceRequest", "o1"), Target("Encounter", "e1")


def alone(row: int, second: float, *targets: Target) -> CancelledAlone:
    """Return a note of a feed of the demo."""
    return CancelledAlone(row, "990000001:ADT", at(second), "ab" * 32, targets or (STAY,))


async def noted(store: Store, *notes: CancelledAlone) -> None:
    """Note them in one transaction."""
    await store.write(lambda tx: tx.feeds.cancel_alone(notes))


async def before(store: Store, second: float) -> list[CancelledAlone]:
    """Return what came before a second."""
    return await store.read(lambda tx: tx.feeds.cancelled_alone(at(second)))


async def test_notes_are_read_back_oldest_first(store: Store) -> None:
    first, second = alone(7, 1, STAY, ORDER), alone(3, 2)
    await noted(store, second, first)

    assert await before(store, 3) == [first, second]
    assert await before(store, 2) == [first]


async def test_a_note_stays_as_it_was_first_written(store: Store) -> None:
    await noted(store, alone(7, 1))
    await noted(store, alone(7, 9, ORDER))

    assert await before(store, 10) == [alone(7, 1)]


async def test_what_is_settled_is_gone(store: Store) -> None:
    await noted(store, alone(7, 1), alone(8, 1))
    await store.write(lambda tx: tx.feeds.settle_cancelled([8, 7, 99]))

    assert await before(store, 10) == []


async def test_a_transaction_that_fails_leaves_no_note(store: Store) -> None:
    def work(tx):
        tx.feeds.cancel_alone([alone(7, 1)])
        raise RuntimeError

    with contextlib.suppress(RuntimeError):
        await store.write(work)
    assert await before(store, 10) == []
