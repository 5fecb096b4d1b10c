"""What a row of the outbox leaves with may be changed while it waits."""

import pytest

from gateway.core.deliveries import DeliveryStatus
from gateway.core.errors import FatalError
from tests.contract.store.builders import NOON, at
from tests.contract.store.watch_builders import item


async def queue(store, *items):
    return await store.write(lambda tx: tx.outbox.queue(items, NOON))


async def settle(store, row_id, status, seconds=0):
    await store.write(lambda tx: tx.outbox.settle(row_id, status, at(seconds)))


async def row(store):
    return await store.read(lambda tx: tx.outbox.by_key("fhir_hook", "waits"))


async def test_what_a_row_leaves_with_may_be_changed_and_its_horizon_begun_anew(store):
    [row_id] = await queue(store, item("waits"))
    await settle(store, row_id, DeliveryStatus.HELD)

    await store.write(lambda tx: tx.outbox.amend(row_id, {"to": "b"}, since=at(60)))
    await settle(store, row_id, DeliveryStatus.QUEUED, 60)

    kept = await row(store)
    assert kept.item.details == {"to": "b"}
    assert kept.created_at == NOON
    assert kept.begun_at == at(60)


async def test_an_amendment_keeps_when_a_row_could_leave_first(store):
    [row_id] = await queue(store, item("waits"))

    await store.write(lambda tx: tx.outbox.amend(row_id, {"to": "b"}))

    assert (await row(store)).begun_at == NOON


async def test_what_is_not_there_cannot_be_changed(store):
    with pytest.raises(FatalError) as caught:
        await store.write(lambda tx: tx.outbox.amend(4711, {}))

    assert caught.value.issues[0].code == "RLS-STO-040"
