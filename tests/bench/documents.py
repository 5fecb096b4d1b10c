"""Letters to both channels: sends a minute, and how long a backlog takes after an outage.

The gateway is a process of its own; mail operator and shared record are the doubles over TLS, in
this process, so that their judging costs the same cores as ours.
"""

import asyncio
import logging
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gateway.simulation.dmp_repository import DmpRepository
from gateway.simulation.mail_operator import MailOperator
from gateway.simulation.mail_pki import make_pki
from gateway.simulation.mailbox import MailboxServer
from tests.bench import document_steps
from tests.bench.document_letters import of_patients
from tests.bench.figures import Report, family_cpu_seconds
from tests.support.dmp import EG, OTHER_EG, letter, manners, pki_in
from tests.support.doubles import free_ports
from tests.support.process import GatewayProcess, send_until_cut

_ADDRESS = "relais@app.mssante.example"
_LANES = 8
_PATIENCE_S = 3600.0
#: Letters of one patient: a letter, its replacement, another one, its replacement.
_EACH = 4
#: Numbers between the patients of two runs.
_APART = 100_000


@dataclass
class _Sides:
    gateway: GatewayProcess
    record: DmpRepository
    operator: MailOperator

    def arrived(self) -> int:
        """Return how many documents and mails are there, each counted once."""
        return len({one.unique_id for one in self.record.kept}) + len(self.operator.distinct)

    async def send(self, patients: Sequence[Sequence[bytes]]) -> None:
        """Send the letters of each patient in their order, patients side by side."""
        port = self.gateway.ports["mllp"]
        acks: dict[bytes, bytes] = {}
        lanes = [
            [body for letters in patients[at::_LANES] for body in letters] for at in range(_LANES)
        ]
        await asyncio.gather(*(send_until_cut(port, lane, acks) for lane in lanes if lane))
        count = sum(len(letters) for letters in patients)
        refused = [ack for ack in acks.values() if b"MSA|AA" not in ack]
        if len(acks) != count or refused:
            told = refused[0].decode(errors="replace") if refused else "the connection was cut"
            msg = f"{len(refused)} of {len(acks)} answered letters ({count} sent) not taken: {told}"
            raise RuntimeError(msg)

    async def until(self, count: int) -> None:
        async with asyncio.timeout(_PATIENCE_S):
            # Counted where they arrive: the gateway is another process.
            while self.arrived() < count:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    async def shut(self) -> None:
        """Close both doors, so that every connection is refused."""
        await self.record.stop()
        await self.operator.stop()

    async def open(self) -> None:
        await self.record.start()
        await self.operator.start(port=self.operator.port)

    def twice(self) -> int:
        """Return how many documents and mails came more than once."""
        documents = Counter(one.unique_id for one in self.record.kept)
        counts = (*documents.values(), *self.operator.by_message_id.values())
        return sum(one > 1 for one in counts)

    def out_of_order(self) -> int:
        """Return how many letters came to the record after what replaces them."""
        seen: set[str] = set()
        late = 0
        for one in self.record.kept:
            stem, _, version = one.unique_id.rpartition(".")
            late += version == "1" and f"{stem}.2" in seen
            seen.add(one.unique_id)
        return late


def run(report: Report, runs: int, documents: int) -> None:
    """Measure letters to the mailboxes of a doctor and a patient and to the shared record.

    Args:
        report: takes the figures.
        runs: of each figure.
        documents: letters of one run.
    """
    # The SMTP library warns of each connection that a client certificate is required.
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    document_steps.steps(report, runs, of_patients(0, 1, 1)[0][0], letter())
    for number in range(runs):
        asyncio.run(_one(report, number * _APART + 1, documents))
    report.table(f"{documents} letters to mail and shared record, doubles over TLS", "documents")


async def _one(report: Report, first: int, documents: int) -> None:
    with tempfile.TemporaryDirectory(prefix="relais-bench-") as folder:
        async with _sides(Path(folder)) as sides:
            # The first letter tells how many sends one makes, and does what is done once only.
            await sides.send(of_patients(first, 1, 1))
            await sides.until(2)
            await asyncio.sleep(2)
            each = sides.arrived()
            await _steady(report, sides, of_patients(first + 1, documents, _EACH), each)
            await _outage(report, sides, of_patients(first + _APART // 2, documents, _EACH), each)
            report.add("documents that came twice", "number", sides.twice())
            report.add(
                "documents that came after their replacement", "number", sides.out_of_order()
            )


async def _steady(
    report: Report, sides: _Sides, patients: Sequence[Sequence[bytes]], each: int
) -> None:
    count, before = sum(map(len, patients)), sides.arrived()
    pid = sides.gateway.pid
    spent, began = family_cpu_seconds(pid), time.monotonic()
    minutes = asyncio.create_task(_minutes(report, sides))
    await sides.send(patients)
    report.add("documents taken", "1/min", 60 * count / (time.monotonic() - began))
    await sides.until(before + each * count)
    minutes.cancel()
    report.add("documents sends", "1/min", 60 * each * count / (time.monotonic() - began))
    if spent is not None:
        after = family_cpu_seconds(pid) or spent
        report.add("documents gateway", "CPU ms a letter", 1000 * (after - spent) / count)


async def _minutes(report: Report, sides: _Sides) -> None:
    """Add what leaves in each whole minute, until somebody ends it."""
    while True:
        before = sides.arrived()
        await asyncio.sleep(60)
        report.add("documents sends in a minute", "1/min", sides.arrived() - before)


async def _outage(
    report: Report, sides: _Sides, patients: Sequence[Sequence[bytes]], each: int
) -> None:
    """Close mail and record, let letters wait, open both: how long until all are there?"""
    count, before = sum(map(len, patients)), sides.arrived()
    await sides.shut()
    began = time.monotonic()
    await sides.send(patients)
    report.add("documents outage", "s", time.monotonic() - began)
    await sides.open()
    began = time.monotonic()
    await sides.until(before + each * count)
    report.add("documents backlog cleared", "s", time.monotonic() - began)
    report.add("documents backlog sends", "1/min", 60 * each * count / (time.monotonic() - began))


@asynccontextmanager
async def _sides(folder: Path) -> AsyncIterator[_Sides]:
    for name in ("dmp", "mail"):
        (folder / name).mkdir()
    record_pki, mail_pki = pki_in(folder / "dmp"), make_pki(folder / "mail")
    own = manners()
    # Every patient has an open record.
    own.others = lambda _number: "active"
    [port] = free_ports(1)
    record = DmpRepository(record_pki, own, lambda: datetime.now(UTC), port)
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
