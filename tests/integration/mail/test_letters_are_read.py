"""A letter that reached its doctor and that nobody read: TRX-05, over real sockets."""

import asyncio
import shutil
from datetime import UTC, datetime

import pytest
from prometheus_client import CollectorRegistry

from gateway.core.datafiles import data_folder
from gateway.core.deliveries import DeliveryStatus
from gateway.core.facts import Status
from gateway.entry.sender_lines import Address, MllpLine
from gateway.entry.serve import Gateway
from gateway.entry.settings import load
from gateway.simulation.mail_operator import Fate, Manners
from tests.support.mail import post
from tests.support.pipeline import HandClock
from tests.unit.pipeline.test_submissions import OF_ANOTHER

#: A Tuesday. The third working day after it ends on Friday at midnight of Paris.
SENT = datetime(2026, 2, 17, 15, 33, tzinfo=UTC)
BEFORE, AFTER = (
    datetime(2026, 2, 20, 22, 30, tzinfo=UTC),
    datetime(2026, 2, 20, 23, 30, tzinfo=UTC),
)
ON_THE_WAY = {DeliveryStatus.QUEUED, DeliveryStatus.SENDING}


class Mailing:
    """A gateway that sent one letter its hospital wants to know read."""

    def __init__(self, gateway, clock, office):
        self.gateway, self.clock, self.office = gateway, clock, office

    async def send(self):
        line = await MllpLine.open(Address.parse(f"mllp://127.0.0.1:{self.gateway.mllp_ports[0]}"))
        answer = await line.exchange(OF_ANOTHER, 60)
        line.close()
        assert b"MSA|AA" in answer, answer
        async with asyncio.timeout(60):
            while True:
                await self.gateway.workers.catch_up()
                rows = await self.gateway.store.read(
                    lambda tx: tx.outbox.page(list(DeliveryStatus), 0, 100)
                )
                if not {row.status for row in rows} & ON_THE_WAY:
                    break
                await asyncio.sleep(0.05)
        await self.office.operator.settled()
        await self.gateway.workers.read_notices()

    async def look(self, instant):
        """Return what the ledger says of TRX-05 at an instant."""
        self.clock.instant = instant
        await self.gateway.workers.catch_up()
        lines = await self.gateway.store.read(lambda tx: tx.watch.ledger(0, 1000))
        return [line.to_status for _, line in lines if line.rule == "TRX-05"]

    async def told(self):
        """Return what the arrivals say of their domain, by recipient."""

        def read(tx):
            said = {}
            for row in tx.outbox.page(list(DeliveryStatus), 0, 100):
                patient = row.item.details["pathway"]["patient"]
                for one in tx.facts.of_person(tx.facts.persons([patient])[patient]):
                    if one.assertion.event == "SND.MSS_OK" and one.order == -row.id:
                        said[row.item.details["kind"]] = one.assertion.attributes
            return said

        return await self.gateway.store.read(read)


@pytest.fixture
async def mailing(tmp_path, request):
    fate, reading = request.param
    shutil.copytree(data_folder("mappings"), tmp_path / "mappings")
    (tmp_path / "mail").mkdir()
    clock = HandClock(SENT)
    async with post(tmp_path / "mail", Manners(fate=lambda _address: fate)) as office:
        gateway = Gateway(
            load(
                mappings=tmp_path / "mappings",
                store={"url": f"sqlite:///{tmp_path}/serve.db"},
                http={"port": 0},
                mllp={"port": 0},
                hooks={"poll_s": 0.05},
                pathway={"on": ("TRX-05",)},
                mssante={
                    "smtp_host": "localhost", "smtp_port": office.operator.port,
                    "imap_host": "localhost", "imap_port": office.mailboxes.port,
                    "certificate": office.pki.client, "authority": office.pki.authority,
                    "address": "relais@app.mssante.example", "domains": ("mssante.example",),
                    "reading_domains": reading, "poll_s": 3600,
                },
            ),
            clock=clock,
            registry=CollectorRegistry(),
        )  # fmt: skip
        await gateway.start()
        try:
            yield Mailing(gateway, clock, office)
        finally:
            await gateway.stop()


@pytest.mark.parametrize(
    ("mailing", "before", "after"),
    [
        ((Fate.DELIVER, ("mssante.example",)), [Status.PENDING], [Status.OVERDUE]),
        ((Fate.INTEGRATE, ("mssante.example",)), [Status.MET], [Status.MET]),
        # Nobody hears from this domain whether anything was read.
        ((Fate.DELIVER, ()), [], []),
    ],
    indirect=["mailing"],
)
async def test_a_letter_nobody_read_in_three_working_days_is_a_gap(mailing, before, after):
    await mailing.send()

    # A look between arrival and reading is a line of its own; where it ends is what counts.
    assert (await mailing.look(BEFORE))[-1:] == before
    told = await mailing.look(AFTER)
    assert (told[-1:], Status.OVERDUE in told) == (after, after == [Status.OVERDUE])


@pytest.mark.parametrize(
    "mailing", [(Fate.DELIVER, ("EG.mssante.example", "mssante.example"))], indirect=True
)
async def test_an_arrival_says_where_and_whether_reading_is_told(mailing):
    await mailing.send()

    told = await mailing.told()
    assert told["professional"]["domain_emits_mdn"] is True
    assert told["professional"]["address"].endswith("mssante.example")
    # The mailbox of a patient tells nobody, and is named by an INS.
    assert told["patient"]["domain_emits_mdn"] is False
    assert "address" not in told["patient"]
