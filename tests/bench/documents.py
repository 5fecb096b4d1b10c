"""Letters to both channels: sends a minute, and how long a backlog takes after an outage.

The gateway is a process of its own; mail operator and shared record are the doubles over TLS, in
this process, so that their judging costs the same cores as ours.
"""

import asyncio
import logging
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gateway.simulation.dmp_repository import DmpRepository
from gateway.simulation.mail_operator import MailOperator
from gateway.simulation.mail_pki import make_pki
from gateway.simulation.mailbox import MailboxServer
from tests.bench.figures import Report
from tests.support.dmp import EG, OTHER_EG, manners, pki_in
from tests.support.process import GatewayProcess, send_until_cut
from tests.unit.pipeline.test_document_requests import cda, changed
from tests.unit.pipeline.test_submissions import LETTER

_ADDRESS = "relais@app.mssante.example"
_ROOT = "2.999.1.990004004.2.3.5"
_LANES = 8
_PATIENCE_S = 1800.0
#: What waits in an outage is this part of the load.
_BACKLOG = 5


@dataclass
class _Sides:
    gateway: GatewayProcess
    record: DmpRepository
    operator: MailOperator

    def arrived(self) -> int:
        """Return how many documents and mails are there, each counted once."""
        return len(set(self.record.unique_ids)) + len(self.operator.by_message_id)

    async def send(self, bodies: Sequence[bytes]) -> None:
        port = self.gateway.ports["mllp"]
        acks: dict[bytes, bytes] = {}
        lanes = [list(bodies[at::_LANES]) for at in range(_LANES)]
        await asyncio.gather(*(send_until_cut(port, lane, acks) for lane in lanes if lane))
        if len(acks) != len(bodies) or any(b"MSA|AA" not in ack for ack in acks.values()):
            msg = "a letter was not taken"
            raise RuntimeError(msg)

    async def until(self, count: int) -> None:
        async with asyncio.timeout(_PATIENCE_S):
            # Counted where they arrive: the gateway is another process.
            while self.arrived() < count:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


def run(report: Report, runs: int, documents: int) -> None:
    """Measure letters to the mailboxes of a doctor and a patient and to the shared record.

    Args:
        report: takes the figures.
        runs: of each figure.
        documents: letters of one run.
    """
    # The SMTP library warns of each connection that a client certificate is required.
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    for number in range(runs):
        asyncio.run(_one(report, number, documents))
    report.table(f"{documents} letters to mail and shared record, doubles over TLS", "documents")


async def _one(report: Report, number: int, documents: int) -> None:
    with tempfile.TemporaryDirectory(prefix="relais-bench-") as folder:
        async with _sides(Path(folder)) as sides:
            # The first letter tells how many sends one makes, and does what is done once only.
            await sides.send(letters(number, 0, 1))
            await sides.until(2)
            await asyncio.sleep(1)
            each, before = sides.arrived(), sides.arrived()
            began = time.monotonic()
            await sides.send(letters(number, 1, documents))
            await sides.until(before + each * documents)
            sent = each * documents
            report.add("documents sends", "1/min", 60 * sent / (time.monotonic() - began))
            await _outage(report, sides, letters(number, documents + 1, documents // _BACKLOG or 1))


async def _outage(report: Report, sides: _Sides, waiting: Sequence[bytes]) -> None:
    """Close the record, let letters wait, open it: how long until all are there?"""
    before = len(sides.record.unique_ids)
    sides.record.manners.closed = True
    await sides.send(waiting)
    sides.record.manners.closed = False
    began = time.monotonic()
    async with asyncio.timeout(_PATIENCE_S):
        while len(sides.record.unique_ids) < before + len(waiting):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    report.add("documents backlog cleared", "s", time.monotonic() - began)
    report.note(f"documents: {len(waiting)} letters waited for the record")


def letters(run_number: int, first: int, count: int) -> list[bytes]:
    """Return letters under identifiers of their own."""
    made = []
    for number in range(first, first + count):
        root = f"2.999.1.990004004.2.{run_number + 7}.{number + 100}"
        body = cda(LETTER, lambda text, root=root: text.replace(_ROOT, root))
        made.append(changed(body, MSH_10=f"B{run_number}N{number}", TXA_12=f"{root}.1"))
    return made


@asynccontextmanager
async def _sides(folder: Path) -> AsyncIterator[_Sides]:
    for name in ("dmp", "mail"):
        (folder / name).mkdir()
    record_pki, mail_pki = pki_in(folder / "dmp"), make_pki(folder / "mail")
    record = DmpRepository(record_pki, manners(), lambda: datetime.now(UTC))
    mailboxes = MailboxServer(_ADDRESS, tls=mail_pki.server)
    operator = MailOperator(mail_pki.server, mailboxes)
    await record.start()
    await mailboxes.start()
    await operator.start()
    environment = {
        "RELAIS_HOOKS_POLL_S": "0.05",
        "RELAIS_DMP_BASE_URL": record.base_url,
        "RELAIS_DMP_AUTHORITY": str(record_pki.authority),
        "RELAIS_DMP_CERTIFICATE": str(record_pki.client),
        "RELAIS_DMP_SIGN_CERTIFICATE": str(record_pki.signer),
        "RELAIS_DMP_STRUCTURES": f'["{EG}", "{OTHER_EG}"]',
        "RELAIS_MSSANTE_SMTP_HOST": "localhost",
        "RELAIS_MSSANTE_SMTP_PORT": str(operator.port),
        "RELAIS_MSSANTE_IMAP_HOST": "localhost",
        "RELAIS_MSSANTE_IMAP_PORT": str(mailboxes.port),
        "RELAIS_MSSANTE_CERTIFICATE": str(mail_pki.client),
        "RELAIS_MSSANTE_AUTHORITY": str(mail_pki.authority),
        "RELAIS_MSSANTE_ADDRESS": _ADDRESS,
        "RELAIS_MSSANTE_DOMAINS": '["mssante.example"]',
    }
    gateway = GatewayProcess(f"sqlite:///{folder}/bench.db", folder, environment)
    try:
        await asyncio.to_thread(gateway.start)
        yield _Sides(gateway, record, operator)
    finally:
        await asyncio.to_thread(gateway.kill)
        await operator.stop()
        await mailboxes.stop()
        await record.stop()
