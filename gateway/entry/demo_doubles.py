"""What stands beside the gateway of the demo: mail operator, mailbox, shared record, subscriber.

Made-up servers on this machine with certificates made anew; nothing reaches the outside.
"""

import asyncio
import logging
from pathlib import Path

from gateway.connectors.http import HttpClient
from gateway.core.deliveries import DeliveryStatus
from gateway.core.errors import FatalError
from gateway.core.issues import Issue, Severity
from gateway.core.ports import Store
from gateway.entry.demo import PlayClock
from gateway.entry.settings import DmpSettings, MssanteSettings
from gateway.entry.workers import Workers
from gateway.fhir.bundle import to_bytes
from gateway.fhir.subscriptions import CONTENT
from gateway.fhir.topics import GAP
from gateway.simulation.dmp_pki import make_dmp_pki
from gateway.simulation.dmp_repository import DmpRepository
from gateway.simulation.dmp_repository import Manners as RecordManners
from gateway.simulation.establishments import ESTABLISHMENTS
from gateway.simulation.mail_operator import Fate, MailOperator, Manners
from gateway.simulation.mail_pki import MailPki, make_pki
from gateway.simulation.mailbox import MailboxServer
from gateway.simulation.receiver import Receiver

_ADDRESS = "relais@app.mssante.example"
_TIMEOUT_S = 10.0
#: Struct_IdNat of the legal entity that holds the certificates of all sites.
_ENTITY = "1990000001"
#: Patients of the demo without a record and with a closed one: one in so many each.
_ONE_IN = 25


class Doubles:
    """The servers of the demo; started before the gateway, stopped after it."""

    def __init__(self, folder: Path, clock: PlayClock) -> None:
        self._clock = clock
        #: When deliveries are due: it stands while they are on their way, so that a virtual
        #: jump never looks like a worker that died with them.
        self.due_clock = PlayClock(clock.now())
        self.pki: MailPki = make_pki(folder)
        self.mailboxes = MailboxServer(_ADDRESS, tls=self.pki.server)
        self.operator = MailOperator(self.pki.server, self.mailboxes, Manners(fate=fate))
        self.subscriber = Receiver()
        (folder / "record").mkdir()
        self._record_pki = make_dmp_pki(folder / "record", _ENTITY)
        self._sites = tuple(f"1{one.finess}" for one in ESTABLISHMENTS)
        manners = RecordManners(others=record_of, sites={_ENTITY: self._sites})
        # Assertions are as fresh as the clock by which they leave says.
        self.record = DmpRepository(self._record_pki, manners, self.due_clock.now)

    async def start(self) -> MssanteSettings:
        """Listen; return the settings by which the gateway finds the operator."""
        # The SMTP library warns of each connection that a client certificate is required.
        logging.getLogger("mail.log").setLevel(logging.ERROR)
        await self.mailboxes.start()
        await self.operator.start()
        await self.record.start()
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

    @property
    def record_settings(self) -> DmpSettings:
        """Return the settings by which the gateway finds the shared record, once it listens."""
        return DmpSettings(
            base_url=self.record.base_url,
            authority=self._record_pki.authority,
            certificate=self._record_pki.client,
            sign_certificate=self._record_pki.signer,
            structures=self._sites,
            name="Région fictive",
        )

    async def stop(self) -> None:
        """Go away."""
        await self.subscriber.stop()
        await self.record.stop()
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

    def go_on(self) -> None:
        """Let time pass as it does for everybody: the play is over."""
        self._clock.go_on()
        self.due_clock.move(self._clock.now())
        self.due_clock.go_on()

    async def settle(self, workers: Workers, store: Store) -> None:
        """Let everything leave that is due, and every notice come back, at this instant.

        Args:
            workers: of the gateway; its own loops may run beside.
            store: of the gateway.
        """
        self.due_clock.move(self._clock.now())
        while True:
            await workers.catch_up()
            counts = await store.read(lambda tx: tx.outbox.counts())
            status = {state for (_, state), number in counts.items() if number}
            if DeliveryStatus.SENDING in status:
                await asyncio.sleep(0.01)
            elif DeliveryStatus.SENT not in status:
                return
            else:
                await self.operator.settled()
                if not await workers.read_notices() and not await _read_beside(store):
                    return


async def _read_beside(store: Store) -> bool:
    """Tell whether the loop of the gateway read the notices before us."""
    counts = await store.read(lambda tx: tx.outbox.counts())
    return not any(n for (_, state), n in counts.items() if state is DeliveryStatus.SENT)


def fate(address: str) -> Fate:
    """Return what becomes of a mail: old addresses of doctors are unknown to the operator."""
    return Fate.UNKNOWN if address.startswith("ancien.") else Fate.DELIVER


def record_of(matricule: str) -> str:
    """Return the state of a patient's shared record: a few have none, a few closed theirs."""
    rank = int(matricule[-5:]) % _ONE_IN if matricule[-5:].isdecimal() else 2
    return {0: "", 1: "terminated"}.get(rank, "active")


def _not_subscribed(status: int) -> Issue:
    return Issue(
        code="RLS-CFG-051",
        severity=Severity.FATAL,
        where="demo, POST /fhir/Subscription",
        what=f"the gateway answered {status} to the subscriber of the demo.",
        fix="Report it: the demo asks for what the program itself offers.",
    )
