"""What leaves with a document is found by the document, however it ended."""

from dataclasses import replace

from gateway.core.deliveries import DeliveryStatus as D
from gateway.core.ports import Store
from tests.contract.store.test_outbox import queue, settle
from tests.contract.store.watch_builders import item


async def test_the_rows_of_a_document_are_found_by_it_in_every_state(store: Store) -> None:
    about, other = "DocumentReference/d1", "DocumentReference/d2"
    first, _, third, _ = await queue(
        store,
        replace(item("k1"), about=about),
        replace(item("k2"), about=other),
        replace(item("k3"), about=about, lane="l"),
        replace(item("k4"), about=""),
    )
    await settle(store, first, D.REFUSED)

    found = await store.read(lambda tx: tx.outbox.of_document(about, 10))
    only = await store.read(lambda tx: tx.outbox.of_document(about, 1))
    nothing = await store.read(lambda tx: tx.outbox.of_document("", 10))

    assert [(d.id, d.status, d.item.body) for d in found] == [
        (first, D.REFUSED, b""),
        (third, D.QUEUED, b""),
    ]
    assert [d.id for d in only] == [first]
    assert nothing == []
