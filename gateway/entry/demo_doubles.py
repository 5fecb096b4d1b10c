"""What stands beside the gateway of the demo: a mail operator, its mailbox, a subscriber.

Made-up servers on this machine with certificates made anew; nothing reaches the outside.
"""

import logging
from pathlib import Path

from gateway.connectors.http import HttpClient
from gateway.core.errors import FatalError
from gateway.core.issues import Issue, Severity
from gateway.entry.settings import MssanteSettings
from gateway.fhir.bundle import to_bytes
from gateway.fhir.subscriptions import CONTENT
from gateway.fhir.topics import GAP
from gateway.simulation.mail_operator import Fate, MailOperator, Manners
from gateway.simulation.mail_pki import MailPki, make_pki
from gateway.simulation.mailbox import MailboxServer
from gateway.simulation.receiver import Receiver

_ADDRESS = "relais@app.mssante.example"
_TIMEOUT_S = 10.0


class Doubles:
    """The servers of the demo; started before the gateway, stopped after it."""

    def __init__(self, folder: Path) -> None:
        self.pki: MailPki = make_pki(folder)
        self.mailboxes = MailboxServer(_ADDRESS, tls=self.pki.server)
        self.operator = MailOperator(self.pki.server, self.mailboxes, Manners(fate=fate))
        self.subscriber = Receiver()

    async def start(self) -> MssanteSettings:
        """Listen; return the settings by which the gateway finds the operator."""
        # The SMTP library warns of each connection that a client certificate is required.
        logging.getLogger("mail.log").setLevel(logging.ERROR)
        await self.mailboxes.start()
        await self.operator.start()
        await self.subscriber.start()
        return MssanteSettings(
            smtp_host="localhost",
            smtp_port=self.operator.port,
            imap_host="localhost",
            imap_port=self.mailboxes.port,
            certificate=self.pki.client,
            authority=self.pki.authority,
            address=_ADDRESS,
            name="Relais, région fictive",
            domains=("mssante.example",),
            poll_s=1.0,
        )

    async def stop(self) -> None:
        """Go away."""
        await self.subscriber.stop()
        await self.operator.stop()
        await self.mailboxes.stop()

    async def subscribe(self, base_url: str) -> None:
        """Ask the gateway, over REST, to be told of every gap.

        Raises:
            FatalError: it refused (RLS-CFG-051).
        """
        channel = {
            "type": "rest-hook",
            "endpoint": self.subscriber.url,
            "payload": "application/fhir+json",
            "_payload": {"extension": [{"url": CONTENT, "valueCode": "id-only"}]},
        }
        wanted = {
            "resourceType": "Subscription",
            "status": "requested",
            "reason": "Coordination platform of the demonstration",
            "criteria": GAP.url,
            "channel": channel,
        }
        kind = {"Content-Type": "application/fhir+json"}
        async with HttpClient() as http:
            reply = await http.post(
                f"{base_url}/fhir/Subscription", to_bytes(wanted), kind, _TIMEOUT_S
            )
        if reply.status != 201:
            raise FatalError([_not_subscribed(reply.status)])


def fate(address: str) -> Fate:
    """Return what becomes of a mail: old addresses of doctors are unknown to the operator."""
    return Fate.UNKNOWN if address.startswith("ancien.") else Fate.DELIVER


def _not_subscribed(status: int) -> Issue:
    return Issue(
        code="RLS-CFG-051",
        severity=Severity.FATAL,
        where="demo, POST /fhir/Subscription",
        what=f"the gateway answered {status} to the subscriber of the demo.",
        fix="Report it: the demo asks for what the program itself offers.",
    )
