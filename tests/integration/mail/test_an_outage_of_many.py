"""The operator is away with fifty letters waiting: none is built for a closed door, all leave once.

Built is counted where every finished mail passes: the step that signs and encrypts.
"""

from datetime import timedelta

import pytest

from gateway.connectors.mssante import MssanteConnector
from gateway.core.deliveries import SETTLED, DeliveryStatus
from gateway.pipeline.closed_doors import outages
from tests.support.mail import CONCEPTMAPS, NOW, delivery, letter

COUNT = 50
W, SENT = DeliveryStatus.RETRY_WAIT, DeliveryStatus.SENT
GONE = SETTLED | {SENT}


class Outage:
    """A gateway with many letters, whose mails and knocks are counted."""

    def __init__(self, leaving):
        self.leaving = leaving
        self.office = leaving.office
        self.port = leaving.office.operator.port
        self.built = []
        self.tried = []
        self.keys = []
        office = leaving.office

        def protection(mail):
            self.built.append(mail.message_id)
            return mail

        made = MssanteConnector(office.settings, CONCEPTMAPS, office.notices, protection)
        send = made.send

        async def counted(row):
            self.tried.append(row.item.key)
            return await send(row)

        made.send = counted
        office.connector = made
        leaving.again()

    async def queue(self, count, first=0):
        names = [f"medecin.{n}@essai.mssante.example" for n in range(first, first + count)]
        items = [delivery(letter(), name).item for name in names]
        self.keys += [item.key for item in items]
        now = self.leaving.clock.now()
        await self.leaving.store.write(lambda tx: tx.outbox.queue(items, now))

    async def run(self, *, seconds=0, step=5):
        """Let the loop of `serve` run for a while."""
        for _ in range(seconds // step + 1):
            while await self.leaving.deliverer.step():
                pass
            self.leaving.clock.advance(seconds=step)

    async def rows(self):
        def work(tx):
            return [tx.outbox.by_key("mssante", key) for key in self.keys]

        return await self.leaving.store.read(work)

    async def told(self):
        return await self.leaving.store.read(outages)


@pytest.fixture
def outage(leaving):
    return Outage(leaving)


async def test_no_mail_is_built_for_a_closed_door_and_few_knock(outage):
    await outage.office.operator.stop()
    await outage.queue(COUNT)
    await outage.run(seconds=600)

    rows = await outage.rows()
    assert outage.built == []
    # One try each half minute, and at the first those that were on their way together.
    assert len(outage.tried) <= 16 + 600 // 30
    assert not {row.status for row in rows} & GONE
    assert sum(row.attempts for row in rows) == len(outage.tried)


async def test_when_the_door_opens_all_leave_once(outage):
    operator = outage.office.operator
    await operator.stop()
    await outage.queue(COUNT)
    await outage.run(seconds=120)
    await operator.start(port=outage.port)
    # A machine that does other things may take more than one try to be let in.
    await outage.run(seconds=600)
    await operator.settled()

    assert {row.status for row in await outage.rows()} == {SENT}
    assert len(outage.built) == COUNT
    assert sorted(operator.by_message_id.values()) == [1] * COUNT
    assert await outage.told() == []


async def test_a_new_letter_is_not_later_than_the_first_wait_of_the_rule(outage):
    await outage.office.operator.stop()
    await outage.queue(COUNT)
    await outage.run(seconds=3600, step=30)
    await outage.office.operator.start(port=outage.port)
    await outage.queue(1, first=COUNT)
    await outage.run(seconds=40)

    assert (await outage.rows())[-1].status is SENT


async def test_killed_in_the_outage_everything_leaves_once_all_the_same(outage):
    operator = outage.office.operator
    await operator.stop()
    await outage.queue(COUNT)
    await outage.run(seconds=60)
    # The process died here; what it knew of the door died with it.
    outage.leaving.again()
    await outage.run(seconds=60)
    await operator.start(port=outage.port)
    outage.leaving.again()
    await outage.run(seconds=120)
    await operator.settled()

    assert {row.status for row in await outage.rows()} == {SENT}
    assert sorted(operator.by_message_id.values()) == [1] * COUNT


async def test_an_outage_beyond_the_horizon_leaves_dead_letters_and_not_one_late(outage):
    await outage.office.operator.stop()
    await outage.queue(COUNT)
    await outage.run(seconds=120)
    outage.leaving.clock.instant = NOW + timedelta(days=3)
    await outage.run(seconds=30)

    assert {row.status for row in await outage.rows()} == {DeliveryStatus.GIVEN_UP}
    assert outage.built == []


async def test_what_waits_for_the_door_is_told_with_its_code_and_the_next_try(outage):
    await outage.office.operator.stop()
    await outage.queue(COUNT)
    await outage.leaving.deliverer.step()

    [told] = await outage.told()
    rows = await outage.rows()
    assert (told.connector, told.code, told.waiting) == ("mssante", "RLS-MSS-020", COUNT)
    assert {row.status for row in rows} == {W}
    assert all(row.note.startswith("RLS-MSS-020 the operator cannot be reached") for row in rows)
    assert told.next_at == NOW + timedelta(seconds=30)
