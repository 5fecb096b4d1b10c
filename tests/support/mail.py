"""A mail operator, its mailbox and the connector towards it, for tests."""

import asyncio
import re
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from gateway.connectors.mail_tls import operator_context
from gateway.connectors.mssante import Domain, MssanteConnector, Operator
from gateway.connectors.mssante_mail import Sender
from gateway.connectors.mssante_mailbox import Mailbox, NoticeReader
from gateway.core.deliveries import Delivery, DeliveryStatus, NewDelivery
from gateway.mapping.loader import load_mappings
from gateway.sharing.routing import key
from gateway.simulation.mail_operator import Fate, MailOperator, Manners
from gateway.simulation.mail_pki import MailPki, make_pki
from gateway.simulation.mailbox import MailboxServer
from tests.conftest import ROOT

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SENDER = Sender("relais@app.mssante.example", "Région fictive, Relais", "REL0001", "2.999.77")
DOCTOR = "medecin.7@essai.mssante.example"
#: Takes and confirms everything.
PATIENT = Manners()
CONCEPTMAPS = load_mappings(None).conceptmaps


class FixedClock:
    """A clock that stands."""

    def now(self) -> datetime:
        return NOW


@lru_cache
def messages() -> tuple[bytes, ...]:
    """Return a message with a letter, one that replaces a letter, one of another patient."""
    folder = ROOT / "fixtures" / "delivery" / "letters_to_doctors_and_patients"
    return tuple(path.read_bytes() for path in sorted(folder.glob("*.er7")))


def letter(number: int = 0) -> bytes:
    """Return the discharge letter of a message."""
    found = re.search(rb"\^Base64\^([A-Za-z0-9+/=]+)", messages()[number])
    if found is None:
        msg = "the message carries no letter"
        raise AssertionError(msg)
    return b64decode(found[1])


def delivery(body: bytes, to: str = DOCTOR, **details: object) -> Delivery:
    """Return an outbox row as the routing makes it."""
    item = NewDelivery(
        connector="mssante",
        key=key("2.999.1", "professional", to),
        due_at=NOW,
        content_type="text/xml",
        body=body,
        details={
            "kind": "professional", "to": to, "ins_trusted": True, "read_receipt": True,
            **details,
        },
    )  # fmt: skip
    return Delivery(1, item, DeliveryStatus.SENDING, 1, NOW, NOW)


@dataclass
class Post:
    """Everything that stands for the operator."""

    pki: MailPki
    mailboxes: MailboxServer
    operator: MailOperator
    connector: MssanteConnector
    notices: NoticeReader
    settings: Operator

    def another(self, **changes: object) -> MssanteConnector:
        """Return a connector with other settings towards the same operator."""
        return MssanteConnector(replace(self.settings, **changes), CONCEPTMAPS, self.notices)


@asynccontextmanager
async def post(
    folder: Path, manners: Manners = PATIENT, pki: MailPki | None = None
) -> AsyncIterator[Post]:
    """Open the post."""
    pki = pki or await asyncio.to_thread(make_pki, folder)
    mailboxes = MailboxServer(SENDER.address, tls=pki.server)
    await mailboxes.start()
    operator = MailOperator(pki.server, mailboxes, manners, folder / "taken")
    await operator.start()

    def tls():
        return operator_context(pki.authority, pki.client)

    settings = Operator(
        host="localhost",
        port=operator.port,
        tls=tls,
        sender=SENDER,
        domains={
            "mssante.example": Domain(),
            "silent.mssante.example": Domain(emits_dsn=False),
            "patient.mssante.fr": Domain(limit=25 * 2**20),
        },
        timeout_s=5,
    )
    box = Mailbox("localhost", mailboxes.port, tls, SENDER.address, timeout_s=5)
    reader = NoticeReader(box, FixedClock())
    try:
        yield Post(
            pki, mailboxes, operator, MssanteConnector(settings, CONCEPTMAPS, reader), reader,
            settings,
        )  # fmt: skip
    finally:
        await operator.stop()
        await mailboxes.stop()


_FATES = {f"{fate.value.replace(' ', '-')}@essai.mssante.example": fate for fate in Fate}


def fate_of(address: str) -> Fate:
    """Return what becomes of mails to an address: the address says it."""
    return _FATES.get(address, Fate.DELIVER)


def to(fate: Fate) -> str:
    """Return the address with a fate."""
    return next(address for address, one in _FATES.items() if one is fate)


def code_of(caught) -> str:
    """Return the code of the first issue of a caught error."""
    return caught.value.issues[0].code
