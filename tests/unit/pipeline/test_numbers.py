"""Of a sender that numbers its messages (MSH-13) it is known what did not come; nothing waits."""

from datetime import timedelta

import pytest

from gateway.core.messages import Outcome
from gateway.store.memory import MemoryStore
from tests.support.gateway import take
from tests.support.pipeline import START
from tests.unit.hl7v2.compose import admission, with_msh


def numbered(control_id: str, number: int) -> bytes:
    return admission(MSH=with_msh(10, control_id, with_msh(13, str(number))))


@pytest.fixture
async def store():
    opened = MemoryStore()
    await opened.open()
    return opened


async def missing(store) -> list[tuple[int, int]]:
    found = await store.read(lambda tx: tx.feeds.missing(START + timedelta(seconds=1)))
    return [(one.first, one.last) for one in found]


@pytest.mark.field("FL-097")
@pytest.mark.parametrize("together", [1, 3])
async def test_missing_numbers_are_known_and_hold_nothing_up(store, together):
    sent = (numbered("N1", 101), numbered("N2", 102), numbered("N3", 110))

    told = await take(store, *sent, together=together)

    assert [one.outcome for one in told] == [Outcome.ACCEPTED] * 3
    assert await missing(store) == [(103, 109)]


async def test_the_number_of_a_message_that_came_before_counts(store):
    # Sent again with a number of its own: the same content, answered as before, stored once.
    told = await take(store, numbered("N1", 101), numbered("N1", 103), numbered("N1", 102))

    assert [one.outcome for one in told] == [Outcome.ACCEPTED, Outcome.DUPLICATE, Outcome.DUPLICATE]
    assert await missing(store) == []


async def test_a_sender_that_does_not_count_misses_nothing(store):
    await take(store, admission(), admission(MSH=with_msh(10, "N9")))

    assert await missing(store) == []
