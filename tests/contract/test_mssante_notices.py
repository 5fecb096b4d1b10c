"""Notices of the secure mail: what comes back, over real sockets, and what it settles."""

from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from gateway.connectors.mssante_mailbox import KEPT_FOLDER, READ_FOLDER
from gateway.core.deliveries import DeliveryStatus
from gateway.core.errors import RejectedError, RetriableError
from gateway.simulation.mail_operator import Fate, Manners
from gateway.simulation.mail_reports import Original, absence
from tests.support.mail import (
    DOCTOR,
    NOW,
    SENDER,
    Post,
    code_of,
    delivery,
    fate_of,
    letter,
    post,
    to,
)


@pytest.fixture
async def office(tmp_path):
    async with post(tmp_path, Manners(fate=fate_of)) as opened:
        yield opened


# --- notices --------------------------------------------------------------------------------


async def told(office: Post, fate: Fate):
    await office.connector.send(delivery(letter(), to(fate)))
    await office.operator.settled()
    return await office.notices.poll()


async def test_a_delivered_mail_is_confirmed(office):
    [notice] = await told(office, Fate.DELIVER)

    assert notice.key == delivery(b"", to(Fate.DELIVER)).item.key
    assert notice.status is DeliveryStatus.CONFIRMED
    assert notice.note == "delivered 2.0.0"
    assert notice.receipt == {"evidence": "delivered"}


@pytest.mark.parametrize("fate", [Fate.BOUNCE, Fate.PLAIN_BOUNCE])
async def test_a_later_bounce_refuses_by_code(office, fate):
    [notice] = await told(office, fate)

    assert notice.key == delivery(b"", to(fate)).item.key
    assert notice.status is DeliveryStatus.REFUSED
    assert notice.note.startswith("550 mailbox unknown")


@pytest.mark.field("FL-263")
async def test_software_that_cannot_file_the_letter_is_told_and_the_pdf_was_there(office):
    delivered, refused = await told(office, Fate.NOT_INTEGRATED)

    assert delivered.status is DeliveryStatus.CONFIRMED
    assert refused.status is DeliveryStatus.REFUSED
    assert refused.note == "902 patient unknown"
    mail = message_from_bytes(office.operator.taken[0].data, policy=policy.default)
    assert "application/pdf" in [part.get_content_type() for part in mail.iter_attachments()]


async def test_integration_is_more_than_delivery(office):
    notices = await told(office, Fate.INTEGRATE)

    assert [n.receipt["evidence"] for n in notices] == ["delivered", "integrated"]


@pytest.mark.field("FL-269")
async def test_notices_come_again_until_they_are_done(office):
    first = await told(office, Fate.DELIVER)
    again = await office.notices.poll()
    await office.notices.done()
    after = await office.notices.poll()

    assert again == first
    assert after == []
    assert await office.mailboxes.count(SENDER.address, READ_FOLDER) == 1


@pytest.mark.field("FL-269")
async def test_a_mailbox_that_was_renumbered_loses_nothing(office):
    await told(office, Fate.DELIVER)
    await office.mailboxes.renumber(SENDER.address)
    await office.notices.done()

    assert len(await office.notices.poll()) == 1


@pytest.mark.field("FL-270")
async def test_junk_and_absences_are_kept_and_never_answered(office):
    original = Original(SENDER.address, DOCTOR, "<x@y.example>", "", b"Subject: x\r\n")
    for data in (absence(original, NOW), b"\x00\xff junk", b"Subject: bonjour\r\n\r\n?"):
        await office.mailboxes.append(SENDER.address, data)

    notices = await office.notices.poll()
    await office.notices.done()

    assert notices == []
    assert {issue.code for issue in office.notices.issues} == {"RLS-MSS-031"}
    assert await office.mailboxes.count(SENDER.address, KEPT_FOLDER) == 3
    assert office.operator.taken == []


async def test_a_mailbox_that_is_away_can_be_asked_again(office):
    await office.mailboxes.stop()

    with pytest.raises(RetriableError) as caught:
        await office.notices.poll()

    assert code_of(caught) == "RLS-MSS-027"


# --- sent or not sent -----------------------------------------------------------------------


@pytest.mark.field("FL-268")
async def test_a_cut_after_the_mail_left_waits_for_its_notice(office):
    row = delivery(letter(), to(Fate.CUT))

    with pytest.raises(RetriableError) as caught:
        await office.connector.send(row)
    await office.operator.settled()
    handover = await office.connector.before_resend(row)

    assert code_of(caught) == "RLS-MSS-026"
    assert caught.value.retry_after_s == 900
    assert handover is not None
    assert handover.status is DeliveryStatus.CONFIRMED
    assert len(office.operator.taken) == 1


@pytest.mark.field("FL-268")
async def test_a_resend_without_any_notice_has_the_same_message_id(tmp_path):
    async with post(tmp_path, Manners(fate=fate_of, announces_dsn=False)) as office:
        row = delivery(letter(), to(Fate.CUT), read_receipt=False)
        with pytest.raises(RetriableError):
            await office.connector.send(row)

        looked = await office.connector.before_resend(row)
        await office.connector.send(row)

        assert looked is None
        assert list(office.operator.by_message_id.values()) == [2]
        assert len(office.operator.distinct) == 1
        first, second = office.operator.taken
        assert first.data == second.data


async def test_a_notice_that_was_put_aside_is_still_found(office):
    row = delivery(letter(), to(Fate.DELIVER))
    await told(office, Fate.DELIVER)
    await office.notices.done()

    handover = await office.connector.before_resend(row)

    assert handover is not None
    assert handover.receipt == {"evidence": "delivered"}


async def test_a_bounce_found_before_a_resend_refuses(office):
    await told(office, Fate.BOUNCE)

    with pytest.raises(RejectedError) as caught:
        await office.connector.before_resend(delivery(letter(), to(Fate.BOUNCE)))

    assert caught.value.issues[0].where == "SMTP notice"


@pytest.mark.field("FL-268")
async def test_what_a_kill_cut_short_waits_for_its_notice_before_it_goes_again(office):
    row = delivery(letter(), to(Fate.SILENT))
    await office.connector.send(row)

    with pytest.raises(RetriableError) as caught:
        await office.connector.before_resend(replace(row, abandoned=True))

    assert code_of(caught) == "RLS-MSS-026"
    assert caught.value.retry_after_s == 900
    assert await office.connector.before_resend(row) is None


async def test_nothing_goes_again_blindly(office):
    await office.mailboxes.stop()

    with pytest.raises(RetriableError):
        await office.connector.before_resend(delivery(letter()))


async def test_an_operator_that_restarts_tells_its_notices_again(tmp_path: Path):
    async with post(tmp_path, Manners(delay_s=60)) as office:
        await office.connector.send(delivery(letter()))
        pki = office.pki

    async with post(tmp_path, pki=pki) as office:
        await office.operator.settled()
        [notice] = await office.notices.poll()

        assert notice.status is DeliveryStatus.CONFIRMED
        assert list(office.operator.by_message_id.values()) == [1]
