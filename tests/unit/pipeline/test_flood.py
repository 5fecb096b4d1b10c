"""A sender that was restored sends a month of its messages again, all in one hour."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.core.delivery_ports import SubscriptionRow
from gateway.simulation.faults import PERFECT
from gateway.simulation.play import events
from gateway.simulation.region import Region
from tests.support.care import Life
from tests.support.gaps import subscribed_row, subscription
from tests.support.gateway import holdings

#: Long after the last deadline of the region.
QUIET = datetime(2027, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def sent_again(body: bytes, number: int) -> bytes:
    """Return a message under a control id of its own; a document as it was."""
    if not body.startswith(b"MSH"):
        return body
    header, _, rest = body.partition(b"\r")
    fields = header.split(b"|")
    fields[9] = b"AGAIN%d" % number
    return b"|".join(fields) + b"\r" + rest


async def state(life: Life):
    """Return what is known and told: resources but for provenance, ledger, events, deliveries."""
    found = await holdings(life.store)
    kept = {name: one for name, one in found.items() if not name.startswith("Provenance/")}
    ledger = await life.store.read(lambda tx: tx.watch.ledger(0, 100_000))
    row = await life.store.read(lambda tx: tx.subscriptions.get("s1"))
    assert isinstance(row, SubscriptionRow)
    return kept, ledger, row.events


@pytest.mark.field("FL-102")
async def test_it_changes_nothing_and_tells_nobody() -> None:
    life = Life()
    await life.store.open()
    await life.store.write(lambda tx: tx.subscriptions.put(subscribed_row("s1", subscription())))
    month = [(event.at, event.body) for event in events(Region("flood", 8), PERFECT)]
    await life.take(*month)
    await life.look(QUIET)
    before = await state(life)

    flood = [
        (QUIET + HOUR * number / len(month), sent_again(body, number))
        for number, (_, body) in enumerate(month)
    ]
    await life.take(*flood)
    await life.look(QUIET + timedelta(days=1))

    assert len(month) > 50
    assert before[1]
    assert before[2] > 0
    assert await state(life) == before
