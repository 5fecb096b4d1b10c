"""A gateway whose mailbox gets letters, with an application of a hospital that takes them."""

from dataclasses import replace as changed
from datetime import timedelta
from email import message_from_bytes

from gateway.connectors.mllp import MllpConnector
from gateway.connectors.mssante_mail import build
from gateway.connectors.mssante_mailbox import NoticeReader
from gateway.entry.workers import Workers
from gateway.mapping.sites import Destination, Site, Sites
from gateway.pipeline import outgoing
from gateway.pipeline.deliver import Deliverer, DeliveryPolicy, RetryRule
from gateway.pipeline.letters import LetterTaker
from tests.support.mail import CONCEPTMAPS, NOW, SENDER, delivery
from tests.support.pipeline import HandClock

DOCTOR = "cabinet.3@essai.mssante.example"
POLICY = DeliveryPolicy("https://relais.example/fhir", RetryRule(timedelta(hours=1)))


def mail(body: bytes, **details: object) -> bytes:
    """Write a mail to our mailbox, as a doctor's software does."""
    own = changed(SENDER, address=DOCTOR, name="Cabinet fictif")
    return build(delivery(body, SENDER.address, **details), own, CONCEPTMAPS).data


class Arriving:
    """A gateway with a mailbox and an application that takes letters."""

    def __init__(self, office, store, hospital):
        self.office, self.store, self.hospital = office, store, hospital
        self.clock = HandClock(NOW)
        self.again()

    def again(self, **site: object):
        """Start anew, as after a kill."""
        dpi = Destination(host="localhost", port=self.hospital.port, timeout_s=2)
        known = Site(name="chu", destinations={"dpi": dpi}, **({"mails_to": "dpi"} | site))
        sites = Sites([known])
        letters = LetterTaker(self.store, sites, self.clock, ("RELAIS", "DAC"), "T")
        notices = NoticeReader(self.office.notices._mailbox, self.clock, letters.takes)
        self.connector = MllpConnector(sites.destinations)
        self.deliverer = Deliverer(
            self.store,
            [self.connector, self.office.connector],
            self.clock,
            POLICY,
            draw=lambda: 1.0,
            on_settled=outgoing.settled,
            on_notice=outgoing.noticed,
        )
        self.workers = Workers(None, self.deliverer, notices, letters=letters)

    async def arrive(self, data: bytes):
        await self.office.mailboxes.append(SENDER.address, data)

    async def left(self, folder: str = "INBOX") -> int:
        return await self.office.mailboxes.count(SENDER.address, folder)


def asking(body: bytes, came_from: str = DOCTOR) -> bytes:
    """Write a mail that asks to be told, as the operator of the mailbox hands it over."""
    return f"Return-Path: <{came_from}>\r\n".encode() + mail(body)


def told(taken) -> list:
    """Return the parts of a notice."""
    return message_from_bytes(taken.data).get_payload()


def fields(taken) -> dict[str, str]:
    """Return the fields of a notice of disposition, unfolded."""
    found = told(taken)[1].get_payload(0).items()
    return {name: " ".join(value.split()) for name, value in found}
