"""A letter leaves by the outbox, over real sockets, through cuts, kills and late notices."""

from datetime import timedelta

import pytest

from gateway.core.deliveries import DeliveryStatus
from gateway.simulation.mail_operator import Fate
from tests.support.mail import NOW


async def test_a_letter_is_sent_and_then_confirmed(leaving):
    await leaving.queue(Fate.DELIVER)

    await leaving.deliverer.step()
    sent = await leaving.status()
    await leaving.office.operator.settled()
    await leaving.notices()

    row = await leaving.row()
    assert sent is DeliveryStatus.SENT
    assert (row.status, row.note) == (DeliveryStatus.CONFIRMED, "delivered 2.0.0")


async def test_a_refused_recipient_is_final_with_code_and_word(leaving):
    await leaving.queue(Fate.UNKNOWN)

    await leaving.deliverer.step()
    leaving.clock.advance(days=1)
    await leaving.deliverer.step()

    row = await leaving.row()
    assert row.status is DeliveryStatus.REFUSED
    assert "550 mailbox unknown" in row.note
    assert len(leaving.office.operator.refusals) == 1


async def test_a_bounce_after_the_hand_over_refuses(leaving):
    await leaving.queue(Fate.BOUNCE)

    await leaving.deliverer.step()
    await leaving.office.operator.settled()
    await leaving.notices()

    assert await leaving.status() is DeliveryStatus.REFUSED


@pytest.mark.field("FL-268")
async def test_a_mail_that_was_cut_after_it_left_is_not_sent_twice(leaving):
    await leaving.queue(Fate.CUT)

    await leaving.deliverer.step()
    waiting = await leaving.row()
    await leaving.office.operator.settled()
    await leaving.notices()
    leaving.clock.advance(hours=2)
    await leaving.deliverer.step()

    assert waiting.status is DeliveryStatus.RETRY_WAIT
    assert waiting.due_at >= NOW + timedelta(minutes=15)
    assert await leaving.status() is DeliveryStatus.CONFIRMED
    assert list(leaving.office.operator.by_message_id.values()) == [1]


@pytest.mark.field("FL-268")
async def test_a_kill_past_250_leaves_one_mail(leaving):
    await leaving.queue(Fate.DELIVER)
    [row] = await leaving.store.write(lambda tx: tx.outbox.claim(["mssante"], NOW, 1))
    await leaving.office.connector.send(row)
    await leaving.office.operator.settled()

    # The process died here: the row is `sending` and nobody holds it.
    leaving.again()
    leaving.clock.advance(minutes=6)
    await leaving.deliverer.step()

    assert await leaving.status() is DeliveryStatus.CONFIRMED
    assert list(leaving.office.operator.by_message_id.values()) == [1]


async def test_a_kill_before_the_notice_was_applied_loses_no_notice(leaving):
    await leaving.queue(Fate.DELIVER)
    await leaving.deliverer.step()
    await leaving.office.operator.settled()
    await leaving.office.notices.poll()

    # The process died between reading the notice and writing what it says.
    leaving.again()
    await leaving.notices()

    assert await leaving.status() is DeliveryStatus.CONFIRMED
