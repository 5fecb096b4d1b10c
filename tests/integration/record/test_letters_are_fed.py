"""A letter goes from the message to the shared record, over sockets, through cuts and kills."""

from dataclasses import replace

import pytest

from gateway.core.deliveries import DeliveryStatus
from gateway.pipeline import departures, submissions
from gateway.pipeline.deliver import Deliverer, DeliveryPolicy
from gateway.simulation.dmp_repository import Mishap
from tests.support import hospital
from tests.support.dmp import NOW, PATIENTS, letter, named
from tests.support.mail import messages
from tests.support.pipeline import RULES, HandClock

RECORD = replace(RULES, record=True)
POLICY = DeliveryPolicy(base="https://relais.example/fhir")


class Feeding:
    """A gateway that feeds a record."""

    def __init__(self, shared, store):
        self.shared = shared
        self.store = store
        self.clock = HandClock(NOW)
        self.again()

    def again(self):
        """Start the deliverer anew, as after a kill."""
        self.deliverer = Deliverer(
            self.store, [self.connector()], self.clock, POLICY, draw=lambda: 1.0,
            on_settled=submissions.settled, guards={submissions.CONNECTOR: departures.guard},
        )  # fmt: skip

    def connector(self):
        """Give the connector towards the record."""
        return self.shared.connector

    async def take(self, *bodies):
        await hospital.take(self.store, *bodies, rules=RECORD)

    async def later(self, **how):
        self.clock.advance(**how)
        self.shared.clock.instant = self.shared.theirs.instant = self.clock.now()
        await self.deliverer.step()

    async def status(self):
        found = await self.store.read(
            lambda tx: tx.outbox.page(list(DeliveryStatus), 0, 100, "dmp")
        )
        return [row.status for row in found]


async def test_from_the_message_to_the_record(feeding):
    await feeding.take(messages()[0])
    await feeding.later(minutes=1)

    assert await feeding.status() == [DeliveryStatus.CONFIRMED]
    assert feeding.shared.repository.unique_ids == [named(letter())]
    assert feeding.shared.repository.findings == []


@pytest.mark.field("FL-278")
async def test_an_end_nobody_saw_is_one_document(feeding):
    feeding.shared.repository.manners.mishaps[:] = [Mishap.CUT_AFTER]
    await feeding.take(messages()[0])
    await feeding.later(minutes=1)
    waits = await feeding.status()
    await feeding.later(hours=2)

    assert waits == [DeliveryStatus.RETRY_WAIT]
    assert await feeding.status() == [DeliveryStatus.CONFIRMED]
    assert len(feeding.shared.repository.lots) == 1


async def test_a_kill_after_registration_is_one_document(feeding):
    await feeding.take(messages()[0])
    [row] = await feeding.store.write(lambda tx: tx.outbox.claim(["dmp"], NOW, 1))
    # The worker dies between the word of the registry and its own note of it.
    await feeding.shared.connector.send(row)

    feeding.again()
    await feeding.later(minutes=10)

    assert await feeding.status() == [DeliveryStatus.CONFIRMED]
    assert len(feeding.shared.repository.lots) == 1


async def test_a_kill_before_anything_left_is_one_document(feeding):
    await feeding.take(messages()[0])
    await feeding.store.write(lambda tx: tx.outbox.claim(["dmp"], NOW, 1))

    feeding.again()
    await feeding.later(minutes=10)

    assert await feeding.status() == [DeliveryStatus.CONFIRMED]
    assert len(feeding.shared.repository.lots) == 1


async def test_hours_without_a_record_lose_nothing(feeding):
    feeding.shared.repository.manners.closed = True
    await feeding.take(messages()[0], messages()[2])
    for _ in range(5):
        await feeding.later(hours=1)
    feeding.shared.repository.manners.closed = False
    await feeding.later(hours=2)

    assert await feeding.status() == [DeliveryStatus.CONFIRMED] * 2
    assert len(feeding.shared.repository.kept) == 2


async def test_a_patient_without_record_is_said_and_stops_nobody(feeding):
    del feeding.shared.repository.manners.patients[PATIENTS[0]]
    await feeding.take(messages()[0], messages()[2])
    await feeding.later(minutes=1)

    assert await feeding.status() == [DeliveryStatus.SKIPPED, DeliveryStatus.CONFIRMED]
