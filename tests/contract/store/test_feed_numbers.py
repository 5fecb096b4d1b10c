"""Which numbers of a sender (MSH-13) did not come."""

from gateway.core.feed_ports import MissingNumbers, Numbered
from gateway.core.ports import Store
from gateway.store.feednumbers import MOST_SKIPPED, RUNS
from tests.contract.store.builders import at

HIS, RIS = "HIS|CLCC", "RIS|CLCC"
DAY = 86_400.0


async def came(store: Store, *numbers: int, sender: str = HIS, second: float = 0) -> None:
    """Note numbers of a sender, one transaction each."""
    for number in numbers:
        one = Numbered(sender, number, at(second))
        await store.write(lambda tx, one=one: tx.feeds.number([one]))


async def missing(store: Store, before: float = 1) -> list[tuple[int, int]]:
    """Return the runs that are missing, whoever counts."""
    found = await store.read(lambda tx: tx.feeds.missing(at(before)))
    return [(one.first, one.last) for one in found]


async def test_numbers_in_a_row_leave_nothing_out(store: Store) -> None:
    await came(store, 101, 102, 103)

    assert await missing(store) == []


async def test_a_gap_is_told_with_its_sender_and_when_it_was_seen(store: Store) -> None:
    await came(store, 101, 102, 110, second=5)

    found = await store.read(lambda tx: tx.feeds.missing(at(6)))
    assert found == [MissingNumbers(HIS, 103, 109, at(5))]
    assert await missing(store, before=5) == []


async def test_a_late_number_fills_its_place_wherever_it_is_in_the_gap(store: Store) -> None:
    await came(store, 1, 6, 4, 2)
    assert await missing(store) == [(3, 3), (5, 5)]

    await came(store, 5, 3)
    assert await missing(store) == []


async def test_a_repeated_number_changes_nothing(store: Store) -> None:
    await came(store, 7, 9, 7, 9, 6)

    assert await missing(store) == [(8, 8)]


async def test_a_new_count_keeps_what_is_missing_of_the_old_one(store: Store) -> None:
    await came(store, 7, 9, 1, 2, 8, 10)

    assert await missing(store) == [(3, 7), (8, 8), (9, 9)]


async def test_a_leap_begins_a_new_count(store: Store) -> None:
    await came(store, 1, 2 + MOST_SKIPPED, 4 + MOST_SKIPPED)

    assert await missing(store) == [(3 + MOST_SKIPPED, 3 + MOST_SKIPPED)]


async def test_senders_count_for_themselves(store: Store) -> None:
    both = [Numbered(RIS, 5, at(0)), Numbered(HIS, 1, at(0)), Numbered(RIS, 7, at(0))]
    await store.write(lambda tx: tx.feeds.number(both))
    await came(store, 3)

    found = await store.read(lambda tx: tx.feeds.missing(at(1)))
    assert [(one.sender, one.first) for one in found] == [(HIS, 2), (RIS, 6)]


async def test_old_gaps_and_too_many_are_dropped(store: Store) -> None:
    await came(store, 1, 3)
    await came(store, *range(5, 5 + 4 * RUNS, 2), second=8 * DAY)

    found = await missing(store, before=9 * DAY)
    assert len(found) == RUNS
    assert found[-1] == (2 + 4 * RUNS, 2 + 4 * RUNS)
