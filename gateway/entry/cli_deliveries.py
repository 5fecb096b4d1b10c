"""`relais admin deliveries`: what has not left, and why; sending again is done on its page."""

import sys
from typing import Annotated

import orjson
import typer

from gateway.core.deliveries import Delivery, DeliveryStatus
from gateway.core.ports import Store
from gateway.core.timestamps import utc_seconds
from gateway.entry.with_store import with_store
from gateway.pipeline.closed_doors import Outage, outages

#: What does not go on by itself, and what waits for the next attempt.
_TROUBLE = (
    DeliveryStatus.REFUSED,
    DeliveryStatus.GIVEN_UP,
    DeliveryStatus.HELD,
    DeliveryStatus.RETRY_WAIT,
)
_BEYOND = 2**62


def deliveries(
    state: Annotated[
        list[DeliveryStatus] | None,
        typer.Option(help="States to list, one option each; default: what is in trouble."),
    ] = None,
    limit: Annotated[int, typer.Option(help="How many, the newest first.", min=1)] = 100,
) -> None:
    """List what did not leave, one line of JSON each: state, attempts, and what was said.

    Mailboxes and patients are not named: the page of the delivery, or of its document, shows them
    to whom it may.

    Example: relais admin deliveries --state refused --state given_up
    """
    wanted = tuple(state or _TROUBLE)

    async def read(store: Store) -> tuple[list[Delivery], list[Outage]]:
        return await store.read(lambda tx: (tx.outbox.newest(wanted, _BEYOND, limit), outages(tx)))

    found, doors = with_store(read)
    for row in found:
        print(orjson.dumps(_told(row)).decode())
    for door in doors:
        print(
            f"{door.connector}: {door.waiting} wait, {door.code} {door.said} "
            f"Next try {utc_seconds(door.next_at)}.",
            file=sys.stderr,
        )
    print(f"{len(found)} deliveries.", file=sys.stderr)


def _told(row: Delivery) -> dict[str, object]:
    waits = row.status is DeliveryStatus.RETRY_WAIT
    return {
        "id": row.id,
        "connector": row.item.connector,
        "status": row.status.value,
        "attempts": row.attempts,
        "created_at": utc_seconds(row.created_at),
        "next_at": utc_seconds(row.due_at) if waits else None,
        "about": row.item.about,
        "note": row.note,
    }
