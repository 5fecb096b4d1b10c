"""Mails to auditors towards a real SMTP server: that it happened, never who nor whose."""

import asyncio
from email import message_from_bytes
from email.policy import default

import pytest
from aiosmtpd.smtp import SMTP

from gateway.connectors.alert_mail import AlertMail
from gateway.connectors.fhir_mail import MailServer
from gateway.core.deliveries import Delivery, DeliveryStatus, NewDelivery
from gateway.core.errors import RejectedError, RetriableError
from tests.contract.test_fhir_mail import Office
from tests.support.pipeline import START


def delivery() -> Delivery:
    told = {"to": "dpo@mssante.fr", "entry": "entry-1"}
    item = NewDelivery("alert_mail", "entry-1:0", START, details=told)
    return Delivery(7, item, DeliveryStatus.SENDING, 0, START, START)


@pytest.fixture
async def server():
    """Give an SMTP server on this machine."""
    office = Office()
    made = await asyncio.get_running_loop().create_server(
        lambda: SMTP(office, hostname="mail.test"), "127.0.0.1", 0
    )
    office.port = made.sockets[0].getsockname()[1]
    yield office
    made.close()
    await made.wait_closed()


def alerts(port: int) -> AlertMail:
    mail = MailServer("127.0.0.1", port, "relais@mssante.fr", frozenset(), timeout_s=5)
    return AlertMail(mail, "https://relais.test")


async def test_the_auditor_is_told_where_to_look(server: Office) -> None:
    handover = await alerts(server.port).send(delivery())
    [raw] = server.mails
    mail = message_from_bytes(raw, policy=default)
    text = mail.get_body().get_content()

    assert handover.status is DeliveryStatus.CONFIRMED
    assert mail["To"] == "dpo@mssante.fr"
    assert mail["Message-ID"] == "<entry-1.0@mssante.fr>"
    assert "https://relais.test/journal" in text
    assert "entry-1" in text


async def test_a_server_that_is_away_is_tried_again() -> None:
    with pytest.raises(RetriableError) as caught:
        await alerts(1).send(delivery())

    assert caught.value.issues[0].code == "RLS-SUB-038"


async def test_a_mailbox_that_does_not_exist_is_told(server: Office) -> None:
    server.answer = "550 no such mailbox"

    with pytest.raises(RejectedError) as caught:
        await alerts(server.port).send(delivery())

    assert caught.value.issues[0].code == "RLS-SUB-039"
