"""What goes wrong on the way to a mailbox ends in a state a person can read, nothing twice."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import trustme

from gateway.core.deliveries import DeliveryStatus
from gateway.simulation.mail_operator import Fate
from tests.support.mail import NOW, delivery, to

W, G, R = DeliveryStatus.RETRY_WAIT, DeliveryStatus.GIVEN_UP, DeliveryStatus.REFUSED
SENT, C = DeliveryStatus.SENT, DeliveryStatus.CONFIRMED


async def told(leaving):
    """Return the state of the letter and the code of its note."""
    row = await leaving.row()
    return row.status, row.note.split(" ")[0].rstrip(":")


async def test_an_operator_that_is_down_for_hours_loses_nothing(leaving):
    await leaving.queue(Fate.DELIVER)
    operator, port = leaving.office.operator, leaving.office.operator.port
    await operator.stop()
    for _ in range(6):
        await leaving.deliverer.step()
        leaving.clock.advance(hours=1)
    waits = await told(leaving)
    await operator.start(port=port)
    await leaving.deliverer.step()
    await operator.settled()
    await leaving.notices()

    assert waits == (W, "RLS-MSS-020")
    assert await leaving.status() is C
    assert list(operator.by_message_id.values()) == [1]


async def test_an_operator_that_is_down_for_days_leaves_a_dead_letter(leaving):
    await leaving.queue(Fate.DELIVER)
    await leaving.office.operator.stop()
    for _ in range(5):
        await leaving.deliverer.step()
        leaving.clock.advance(days=1)

    assert await told(leaving) == (G, "RLS-MSS-020")


async def test_a_certificate_that_has_ended_is_an_alarm_and_mends_with_the_next(leaving):
    client = leaving.office.pki.client
    good = client.read_bytes()
    past = datetime.now(UTC) - timedelta(days=1)
    ended = trustme.CA().issue_cert(
        "relais.example", not_before=past - timedelta(days=30), not_after=past
    )
    ended.private_key_and_cert_chain_pem.write_to_path(client)
    await leaving.queue(Fate.DELIVER)
    await leaving.deliverer.step()
    alarmed, due = await told(leaving), (await leaving.row()).due_at
    client.write_bytes(good)
    leaving.clock.advance(minutes=16)
    await leaving.deliverer.step()

    assert alarmed == (W, "RLS-MSS-021")
    # A person is called; the operator is not stormed.
    assert due >= NOW + timedelta(minutes=15)
    assert await leaving.status() is SENT
    assert len(leaving.office.operator.taken) == 1


async def test_a_notice_that_comes_twice_is_one_arrival(leaving):
    await leaving.queue(Fate.DELIVER)
    await leaving.deliverer.step()
    await leaving.office.operator.settled()
    [notice] = await leaving.office.notices.poll()
    await leaving.deliverer.apply_notice(notice)
    first = await leaving.row()

    assert await leaving.deliverer.apply_notice(notice) is True
    assert await leaving.row() == first
    assert first.status is C


async def test_a_notice_that_comes_before_the_send_is_recorded_stays(leaving, monkeypatch):
    await leaving.queue(Fate.DELIVER)
    connector = leaving.office.connector
    send, seen = connector.send, []

    async def send_and_hear(row):
        handover = await send(row)
        await leaving.office.operator.settled()
        await leaving.notices()
        seen.append(await leaving.status())
        return handover

    monkeypatch.setattr(connector, "send", send_and_hear)
    await leaving.deliverer.step()
    leaving.clock.advance(hours=2)
    await leaving.deliverer.step()

    assert seen == [C]
    assert await leaving.status() is C
    assert list(leaving.office.operator.by_message_id.values()) == [1]


async def test_a_document_that_is_too_large_is_refused_at_once(leaving):
    await leaving.queue(Fate.TOO_LARGE)
    await leaving.deliverer.step()

    assert await told(leaving) == (R, "RLS-MSS-025")


async def test_a_row_that_cannot_be_built_keeps_no_other_from_leaving(leaving):
    broken = delivery(b"<ClinicalDocument", to(Fate.DELIVER)).item
    broken = replace(broken, key="0" * 32)
    await leaving.store.write(lambda tx: tx.outbox.queue([broken], NOW))
    await leaving.queue(Fate.DELIVER)
    await leaving.deliverer.step()

    poisoned = await leaving.store.read(lambda tx: tx.outbox.by_key("mssante", broken.key))
    assert poisoned.status is R
    assert poisoned.note.startswith("RLS-")
    assert await leaving.status() is SENT
