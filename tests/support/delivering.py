"""A store in memory with a deliverer over it, and connectors that answer by a script."""

import asyncio
from collections import deque
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core.deliveries import DeliveryStatus, Handover, NewDelivery
from gateway.core.errors import RejectedError, RetriableError
from gateway.core.issues import Issue, Severity
from gateway.pipeline.deliver import Deliverer, DeliveryPolicy, RetryRule
from gateway.pipeline.publish import gap_changes
from tests.support.gaps import BASE, IDS, subscribed_row, subscription
from tests.support.pipeline import HandClock

CONFIRMED = Handover(DeliveryStatus.CONFIRMED, "HTTP 200")
RULE = RetryRule(horizon=timedelta(hours=1), first_s=2.0, longest_s=60.0)


def issue_of(code="RLS-SUB-032", what="The receiver answered 500."):
    return Issue(code, Severity.ERROR, "endpoint", what, "Look.")


AWAY = RetriableError([issue_of()], 0.0)
REFUSED = RejectedError([issue_of("RLS-SUB-033", "The receiver refused with 404.")])
GONE = RejectedError([issue_of("RLS-SUB-036", "The receiver is gone for good (410).")])


class Line:
    """A connector that answers by a script and remembers what it was given."""

    def __init__(self, name="fhir_hook", *script):
        self.name = name
        self.script = deque(script)
        self.given = []

    async def send(self, delivery):
        self.given.append(delivery)
        await asyncio.sleep(0)
        answer = self.script.popleft() if self.script else CONFIRMED
        if isinstance(answer, BaseException):
            raise answer
        return answer

    @property
    def keys(self):
        return [one.item.key for one in self.given]


class House:
    """A store in memory with a deliverer over it."""

    def __init__(self, store):
        self.store = store
        self.clock = HandClock()

    def deliverer(self, *lines, draw=lambda: 1.0):
        policy = DeliveryPolicy(BASE, RULE, {"fhir_hook": replace(RULE, refusals=3)})
        return Deliverer(self.store, lines, self.clock, policy, draw=draw)

    async def queue(self, *keys, connector="mssante", lane=""):
        items = [NewDelivery(connector, key, self.clock.now(), lane=lane) for key in keys]
        await self.store.write(lambda tx: tx.outbox.queue(items, self.clock.now()))

    async def find(self, key, connector="mssante"):
        return await self.store.read(lambda tx: tx.outbox.by_key(connector, key))

    async def subscribe(self, id_="s1", resource=None, status="active"):
        made = subscribed_row(id_, resource or subscription(), status)
        await self.store.write(lambda tx: tx.subscriptions.put(made))

    async def subscription(self, id_="s1"):
        return await self.store.read(lambda tx: tx.subscriptions.get(id_))

    async def publish(self, *changes):
        now = self.clock.now()
        await self.store.write(lambda tx: gap_changes(tx, changes, now, IDS))


async def drain(deliverer, most=50):
    for _ in range(most):
        if not await deliverer.step():
            return
    pytest.fail("the outbox does not come to rest")
