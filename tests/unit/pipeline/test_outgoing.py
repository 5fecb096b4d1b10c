"""What a mail proves is a fact that names the letter it carried."""

from dataclasses import replace

import pytest

from gateway.core.deliveries import DeliveryStatus
from gateway.pipeline import outgoing
from gateway.pipeline.commit import commit
from gateway.pipeline.evidence import references
from gateway.simulation.faults import PERFECT
from gateway.simulation.play import events
from gateway.simulation.region import Region
from gateway.store.memory import MemoryStore
from tests.support.gaps import row
from tests.support.gateway import converter, message
from tests.support.pipeline import RULES, START

MAILS = replace(RULES, mails=True)


@pytest.fixture(scope="module")
def letters() -> list[bytes]:
    """Give messages of a region that carry letters."""
    return [one.body for one in events(Region("outgoing", 12), PERFECT) if b"|MDM^T02" in one.body]


async def taken(bodies):
    """Commit messages where mails leave; return the store."""
    store, made = MemoryStore(), converter()
    await store.open()
    items = [made.prepare(made.open(message(body))) for body in bodies]
    await store.write(lambda tx: commit(tx, items, START, MAILS))
    return store


async def facts_of(store, event):
    """Return every assertion of an event, with what shows it."""

    def read(tx):
        found = []
        for delivery in tx.outbox.page(list(DeliveryStatus), 0, 1000):
            patient = delivery.item.details["pathway"]["patient"]
            for one in tx.facts.of_person(tx.facts.persons([patient])[patient]):
                if one.assertion.event == event and one.order == -delivery.id:
                    key = one.assertion.key
                    shown = references(tx, [row(trigger=key)], [one]).get(key)
                    found.append((delivery.item.about, shown))
        return found

    return await store.read(read)


@pytest.mark.parametrize(
    ("status", "event"),
    [(DeliveryStatus.CONFIRMED, "SND.MSS_OK"), (DeliveryStatus.REFUSED, "SND.MSS_KO")],
)
async def test_the_end_of_a_mail_is_shown_by_its_letter(letters, status, event):
    store = await taken(letters)

    def settle(tx):
        for delivery in tx.outbox.claim([outgoing.CONNECTOR], START, 1000):
            tx.outbox.settle(delivery.id, status, START)
            [found] = tx.outbox.page([status], delivery.id - 1, 1)
            outgoing.settled(tx, found, START)

    await store.write(settle)

    told = await facts_of(store, event)
    assert len(told) > 1
    assert [shown for _, shown in told] == [(about,) for about, _ in told]
    assert {about.partition("/")[0] for about, _ in told} == {"DocumentReference"}


async def test_a_mail_that_waits_for_the_ins_is_shown_by_its_letter(letters):
    # The identity of nobody is validated.
    store = await taken(body.replace(b"|VALI", b"|PROV") for body in letters)

    told = await facts_of(store, "SND.HELD_NO_INS")
    assert len(told) > 1
    assert [shown for _, shown in told] == [(about,) for about, _ in told]
