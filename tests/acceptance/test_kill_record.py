"""kill -9 in every step of a send to the shared record and of a mail: one delivery each.

The other sides are the real doubles over TLS and live on; their own count of uniqueId and
Message-ID is what is judged. Leases and waits pass by moving the clock that gateway and record
share, never while an assertion is on its way.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from gateway.core.deliveries import DeliveryStatus
from gateway.simulation.dmp_repository import DmpRepository
from gateway.simulation.mail_operator import MailOperator
from gateway.simulation.mail_pki import make_pki
from gateway.simulation.mailbox import MailboxServer
from gateway.store.factory import open_store
from tests.support.dmp import EG, NOW, OTHER_EG, letter, manners, named, pki_in
from tests.support.mail import messages
from tests.support.moved_serve import VARIABLE, MovedClock
from tests.support.process import GatewayProcess, send_until_cut
from tests.support.versions import FIRST, NEW, OLD, SECOND
from tests.unit.pipeline.test_document_requests import withdrawal
from tests.unit.pipeline.test_submissions import LETTER

pytestmark = [pytest.mark.acceptance, pytest.mark.long]

#: Longer than a lease, and than the wait for a notice.
AHEAD = timedelta(minutes=16)
_PATIENCE_S = 90.0
EXISTS, FIND, FEED, UPDATE = "201307UV02", "StoredQuery", "Set-b", "UpdateDocumentSet"
ADDRESS = "relais@app.mssante.example"
ENDS = {DeliveryStatus.CONFIRMED, DeliveryStatus.SKIPPED}
WAITS = {DeliveryStatus.RETRY_WAIT, DeliveryStatus.SENT}


@dataclass
class Trap:
    """Stops one step of one side, once, until the gateway is dead.

    Attributes:
        step: name of the step; empty: nothing is stopped.
        reached: set when it is.
        dead: set by the test after the kill.
    """

    step: str = ""
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    dead: asyncio.Event = field(default_factory=asyncio.Event)

    async def at(self, step: str) -> bool:
        """Wait at the step, if it is this one; return whether it was."""
        if step != self.step or self.reached.is_set():
            return False
        self.reached.set()
        await self.dead.wait()
        return True


class TrappedRecord(DmpRepository):
    """The shared record; each request has a step before and one after it was carried out."""

    trap = Trap()

    async def _serve(self, request):
        kinds = (EXISTS, FIND, FEED, UPDATE)
        said = request.body + request.headers.get("content-type", "").encode()
        kind = next(kind for kind in kinds if kind.encode() in said)
        if await self.trap.at(f"{kind} lost"):
            return None
        await self.trap.at(f"{kind} came")
        answer = await super()._serve(request)
        await self.trap.at(f"{kind} done")
        return answer


class TrappedOperator(MailOperator):
    """The operator of the mail; a step at the address, before and after a mail is kept."""

    trap = Trap()

    async def handle_RCPT(self, *words):  # noqa: N802 - name of the hook
        await self.trap.at("address")
        return await super().handle_RCPT(*words)

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - name of the hook
        if await self.trap.at("mail lost"):
            return "451 4.3.0 never mind"
        await self.trap.at("mail came")
        answer = await super().handle_DATA(server, session, envelope)
        await self.trap.at("mail kept")
        return answer


@dataclass
class Both:
    """A gateway process between a hospital and two other sides."""

    gateway: GatewayProcess
    record: TrappedRecord
    operator: TrappedOperator
    clock: MovedClock

    def set(self, step: str) -> Trap:
        """Set a trap for both sides: a step belongs to one of them."""
        trap = Trap(step)
        self.record.trap = self.operator.trap = trap
        return trap

    async def take(self, *bodies: bytes) -> None:
        """Give messages, each until it has its answer."""
        acks: dict[bytes, bytes] = {}
        await send_until_cut(self.gateway.ports["mllp"], list(bodies), acks)
        assert {ack.split(b"MSA|")[1][:2] for ack in acks.values()} == {b"AA"}
        assert len(acks) == len(bodies)

    async def fall_at(self, trap: Trap) -> None:
        """Kill the gateway where the trap is, then start it again."""
        async with asyncio.timeout(_PATIENCE_S):
            await trap.reached.wait()
        await asyncio.to_thread(self.gateway.kill)
        trap.dead.set()
        self.pass_by()
        await asyncio.to_thread(self.gateway.start)

    def pass_by(self) -> None:
        """Let time pass at once."""
        self.clock.move(self.clock.now() + AHEAD, 1.0)

    async def rows(self):
        store = open_store(self.gateway.store_url)
        await store.open()
        try:
            found = await store.read(lambda tx: tx.outbox.page(list(DeliveryStatus), 0, 100))
        finally:
            await store.close()
        return [row for row in found if row.item.connector in ("dmp", "mssante")]

    async def ended(self):
        """Wait until every send has come to its end; return the rows."""
        rows = []
        try:
            async with asyncio.timeout(_PATIENCE_S):
                # Another process writes them: nothing tells.
                while not rows or {row.status for row in rows} - ENDS:
                    await asyncio.sleep(0.3)
                    rows = await self.rows()
                    if {row.status for row in rows} <= ENDS | WAITS:
                        self.pass_by()
        except TimeoutError:
            told = [(row.item.connector, row.status.value, row.note) for row in rows]
            raise AssertionError(f"never at its end: {told}") from None
        return rows


@pytest.fixture
async def both(tmp_path):
    """Give a gateway whose letters go to both channels."""
    clock = MovedClock(tmp_path / "clock.json")
    clock.move(NOW, 1.0)
    folders = {name: tmp_path / name for name in ("dmp", "mail")}
    for folder in folders.values():
        folder.mkdir()
    record_pki = await asyncio.to_thread(pki_in, folders["dmp"])
    mail_pki = make_pki(folders["mail"])
    record = TrappedRecord(record_pki, manners(), clock.now)
    mailboxes = MailboxServer(ADDRESS, tls=mail_pki.server)
    operator = TrappedOperator(mail_pki.server, mailboxes)
    await record.start()
    await mailboxes.start()
    await operator.start()
    environment = {
        VARIABLE: str(clock.path),
        "RELAIS_HOOKS_POLL_S": "0.05",
        "RELAIS_DMP_BASE_URL": record.base_url,
        "RELAIS_DMP_AUTHORITY": str(record_pki.authority),
        "RELAIS_DMP_CERTIFICATE": str(record_pki.client),
        "RELAIS_DMP_SIGN_CERTIFICATE": str(record_pki.signer),
        "RELAIS_DMP_STRUCTURES": f'["{EG}", "{OTHER_EG}"]',
        "RELAIS_DMP_TIMEOUT_S": "20",
        "RELAIS_MSSANTE_SMTP_HOST": "localhost",
        "RELAIS_MSSANTE_SMTP_PORT": str(operator.port),
        "RELAIS_MSSANTE_IMAP_HOST": "localhost",
        "RELAIS_MSSANTE_IMAP_PORT": str(mailboxes.port),
        "RELAIS_MSSANTE_CERTIFICATE": str(mail_pki.client),
        "RELAIS_MSSANTE_AUTHORITY": str(mail_pki.authority),
        "RELAIS_MSSANTE_ADDRESS": ADDRESS,
        "RELAIS_MSSANTE_DOMAINS": '["mssante.example"]',
        "RELAIS_MSSANTE_TIMEOUT_S": "20",
        "RELAIS_MSSANTE_POLL_S": "0.3",
    }
    store_url = f"sqlite:///{tmp_path}/kill.db"
    gateway = GatewayProcess(store_url, tmp_path, environment, module="tests.support.moved_serve")
    made = Both(gateway, record, operator, clock)
    try:
        await asyncio.to_thread(gateway.start)
        yield made
    finally:
        made.record.trap.dead.set()
        await asyncio.to_thread(gateway.kill)
        await operator.stop()
        await mailboxes.stop()
        await record.stop()


def counted(both):
    """Return how often each document and each mail was taken."""
    documents = Counter(one.unique_id for one in both.record.kept)
    return documents, both.operator.by_message_id


@pytest.mark.field("FL-062", "FL-268", "FL-278")
@pytest.mark.parametrize(
    "step",
    [
        f"{EXISTS} came", f"{EXISTS} done", f"{FEED} lost", f"{FEED} came", f"{FEED} done",
        "address", "mail lost", "mail came", "mail kept",
    ],
)  # fmt: skip
async def test_a_letter_arrives_once_wherever_the_gateway_dies(both, step):
    trap = both.set(step)
    await both.take(messages()[0])
    await both.fall_at(trap)
    rows = await both.ended()

    documents, mails = counted(both)
    assert documents == {named(letter()): 1}
    assert len(both.record.lots) == 1
    left = [row for row in rows if row.item.connector == "mssante"]
    assert len(left) == len(mails) >= 1
    # A mail that was kept when the gateway died may come again, under the id it had: one mail.
    assert {row.status for row in rows} == {DeliveryStatus.CONFIRMED}
    assert both.record.findings == []
    assert [mail.wrong for mail in both.operator.taken if mail.wrong] == []


@pytest.mark.parametrize("step", [f"{FIND} came", f"{FIND} done", f"{FEED} came", f"{FEED} done"])
async def test_a_letter_is_replaced_once_wherever_the_gateway_dies(both, step):
    await both.take(FIRST)
    await both.ended()
    trap = both.set(step)
    await both.take(SECOND)
    await both.fall_at(trap)
    await both.ended()

    assert [(one.unique_id, one.status) for one in both.record.kept] == [
        (OLD, "Deprecated"),
        (NEW, "Approved"),
    ]
    assert len(both.record.lots) == 2


@pytest.mark.parametrize(
    "step",
    [f"{EXISTS} came", f"{FIND} came", f"{FIND} done", f"{UPDATE} lost", f"{UPDATE} came",
     f"{UPDATE} done"],
)  # fmt: skip
async def test_a_letter_is_taken_back_once_wherever_the_gateway_dies(both, step):
    await both.take(LETTER)
    await both.ended()
    trap = both.set(step)
    await both.take(withdrawal(LETTER))
    await both.fall_at(trap)
    rows = await both.ended()

    [kept] = both.record.kept
    assert (kept.unique_id, kept.status) == (named(letter()), "Deleted")
    kinds = {row.item.details["kind"]: row.status for row in rows if row.item.connector == "dmp"}
    assert kinds == {"dmp": DeliveryStatus.CONFIRMED, "dmp-delete": DeliveryStatus.CONFIRMED}
