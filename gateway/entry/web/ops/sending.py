"""Deliveries from the store: one with what was said about it, and what a person does with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.core.audit import Trace
from gateway.core.clock import Clock
from gateway.core.deliveries import Delivery, DeliveryStatus
from gateway.core.ports import Store, Transaction
from gateway.entry.web.ops.values import DeliveryPage
from gateway.entry.web.store_messages import delivery_line
from gateway.pipeline.handled import acts_on, delivery_of, handle

#: Deliveries about the same thing that are looked for among so many newer and older ones.
_NEAR = 200
#: What a receipt may show: no mailbox and no name is under these words.
_RECEIPT = frozenset(
    {"code", "evidence", "status", "at", "message_id", "read_at", "delivered_at", "kind", "size"}
)


@dataclass(frozen=True, slots=True)
class DeliveryReader:
    """Reads one delivery, and settles it as a person asks."""

    store: Store
    clock: Clock

    async def page(self, number: int) -> DeliveryPage | None:
        """Return one delivery."""

        def work(tx: Transaction) -> DeliveryPage | None:
            found = delivery_of(tx, number)
            if found is None:
                return None
            near = tx.outbox.newest(list(DeliveryStatus), number + _NEAR, 2 * _NEAR)
            same = [
                one
                for one in near
                if one.item.about == found.item.about and one.id != found.id and one.item.about
            ]
            return DeliveryPage(
                delivery_line(found),
                acts_on(found),
                tuple(_receipt(found)),
                tuple(delivery_line(one) for one in same[:10]),
            )

        return await self.store.read(work)

    async def act(self, number: int, act: str, trace: Trace) -> DeliveryStatus:
        """Send again or give up; return the state it has now.

        Raises:
            RejectedError: its state does not allow it (RLS-WEB-041).
        """
        now: datetime = self.clock.now()
        return await self.store.write(lambda tx: handle(tx, number, act, now, trace))


def _receipt(delivery: Delivery) -> list[tuple[str, str]]:
    told: Mapping[str, Any] = delivery.receipt
    return [(name, str(told[name])) for name in sorted(told) if name in _RECEIPT]
