"""One letter, followed: gap, message, mail, receipt, shared record, ZAM, closed gap, page.

A whole gateway between a hospital, a mail operator and a shared record, all real servers.
"""

import asyncio
import re
import shutil
from collections import Counter
from datetime import UTC, datetime
from html import unescape

import pytest
from prometheus_client import CollectorRegistry

from gateway.connectors.http import HttpClient
from gateway.core.datafiles import data_folder
from gateway.core.deliveries import DeliveryStatus
from gateway.core.facts import Status
from gateway.entry.sender_lines import Address, MllpLine
from gateway.entry.serve import Gateway
from gateway.entry.settings import load
from gateway.pipeline.document_timeline import document_timeline
from gateway.simulation.hospital import Hospital
from gateway.simulation.mail_operator import Fate, Manners
from tests.support.dmp import EG, OTHER_EG, letter, named, record
from tests.support.mail import post
from tests.support.pipeline import HandClock
from tests.unit.pipeline.test_submissions import OF_ANOTHER

SITE = """
destinations:
  dpi: {{host: localhost, port: {port}}}
acks_to: dpi
"""
LEFT, MIDDAY_AFTER = (
    datetime(2026, 2, 15, 14, 54, tzinfo=UTC),
    datetime(2026, 2, 16, 11, tzinfo=UTC),
)
ON_THE_WAY = {DeliveryStatus.QUEUED, DeliveryStatus.SENDING}
WRITTEN = datetime(2026, 2, 17, 15, 33, tzinfo=UTC)


def stay(event: str, number: str, at: str, left: str = "") -> bytes:
    """Return a movement of the stay the letter is about, with its own PID and PV1."""
    lines = {line[:3]: line for line in OF_ANOTHER.decode().split("\r")}
    visit = lines["PV1"].split("|")
    visit[45] = left
    structure = {"A01": "ADT_A01", "A03": "ADT_A03"}[event]
    unit = "^^^^^^^^^1010"
    header = f"MSH|^~\\&|GAM|CHU-ALIZE|RELAIS|REGION|{at}||ADT^{event}^{structure}|CHU{number}|T"
    return "\r".join(
        [
            f"{header}|2.5|||||FRA|UNICODE UTF-8|||2.11^IHE_FRANCE",
            f"EVN||{at}||||{at}|CHU-ALIZE",
            lines["PID"],
            "|".join(visit),
            f"ZBE|{number}^CHU-ALIZE^990001000^M|{at}||INSERT|N|{event}|{unit}|{unit}|HMS",
        ]
    ).encode()


class Followed:
    """A gateway and everything around it."""

    def __init__(self, gateway, clock, office, shared, hospital):
        self.gateway, self.clock, self.office = gateway, clock, office
        self.shared, self.hospital = shared, hospital

    def at(self, instant):
        self.clock.instant = self.shared.theirs.instant = instant

    async def send(self, *bodies):
        line = await MllpLine.open(Address.parse(f"mllp://127.0.0.1:{self.gateway.mllp_ports[0]}"))
        for body in bodies:
            answer = await line.exchange(body, 60)
            assert b"MSA|AA" in answer, answer
        line.close()
        await self.carried_on()

    async def carried_on(self):
        """Let everything leave that is due; the loops of the gateway run beside."""
        async with asyncio.timeout(60):
            while True:
                await self.gateway.workers.catch_up()
                if not {row.status for row in await self.rows()} & ON_THE_WAY:
                    return
                await asyncio.sleep(0.05)

    async def notices(self):
        await self.office.operator.settled()
        await self.gateway.workers.read_notices()
        await self.carried_on()

    async def rows(self):
        return await self.gateway.store.read(
            lambda tx: tx.outbox.page(list(DeliveryStatus), 0, 100)
        )

    async def gaps(self):
        lines = await self.gateway.store.read(lambda tx: tx.watch.ledger(0, 1000))
        return [(line.rule, line.to_status) for _, line in lines if line.rule == "TRX-01"]

    async def page(self, path):
        async with HttpClient() as http:
            reply = await http.get(f"{self.gateway.local_url}{path}", 20)
        return reply.status, reply.body.decode()

    async def all_pages(self):
        """Open every page that the pages lead to; return their statuses."""
        found, ahead = {}, ["/", "/gaps?view=settled"]
        while ahead:
            path = ahead.pop()
            found[path], text = await self.page(path)
            links = (unescape(link) for link in re.findall(r'href="(/[^"#]*)', text))
            ahead += [
                link
                for link in dict.fromkeys(links)
                if link not in found
                and link not in ahead
                # One form of each list, none of the other doors.
                and not link.startswith(("/fhir", "/static", "/docs", "/audit/export"))
                and ("?" not in link or link.partition("?")[0] not in found)
            ]
        return found


@pytest.fixture
async def followed(tmp_path):
    mappings = tmp_path / "mappings"
    shutil.copytree(data_folder("mappings"), mappings)
    site = mappings / "sites" / "demo-chu.yaml"
    hospital, clock = Hospital(), HandClock(LEFT)
    await hospital.start()
    text = site.read_text(encoding="utf-8")
    site.write_text(text + SITE.format(port=hospital.port), encoding="utf-8")
    (tmp_path / "dmp").mkdir()
    (tmp_path / "mail").mkdir()
    manners = Manners(fate=lambda _address: Fate.INTEGRATE)
    async with record(tmp_path / "dmp") as shared, post(tmp_path / "mail", manners) as office:
        gateway = Gateway(
            load(
                mappings=mappings,
                store={"url": f"sqlite:///{tmp_path}/serve.db"},
                http={"port": 0},
                mllp={"port": 0},
                hooks={"poll_s": 0.05},
                dmp={
                    "base_url": shared.repository.base_url, "authority": shared.pki.authority,
                    "certificate": shared.pki.client, "sign_certificate": shared.pki.signer,
                    "structures": (EG, OTHER_EG),
                },
                mssante={
                    "smtp_host": "localhost", "smtp_port": office.operator.port,
                    "imap_host": "localhost", "imap_port": office.mailboxes.port,
                    "certificate": office.pki.client, "authority": office.pki.authority,
                    "address": "relais@app.mssante.example", "domains": ("mssante.example",),
                    "poll_s": 3600,
                },
            ),
            clock=clock,
            registry=CollectorRegistry(),
        )  # fmt: skip
        await gateway.start()
        made = Followed(gateway, clock, office, shared, hospital)
        made.at(LEFT)
        try:
            yield made
        finally:
            await gateway.stop()
            await hospital.stop()


async def test_a_letter_is_followed_from_its_message_to_the_closed_gap(followed):
    await followed.send(
        stay("A01", "00020001", "20260211081000"),
        stay("A03", "00020002", "20260215155400", left="20260215155400"),
    )
    followed.at(MIDDAY_AFTER)
    await followed.gateway.workers.catch_up()
    opened = await followed.gaps()

    followed.at(WRITTEN)
    await followed.send(OF_ANOTHER)
    await followed.notices()
    await followed.hospital.arrived(5, 30)
    rows = await followed.rows()
    [about] = {row.item.about for row in rows if row.item.connector == "dmp"}
    found = await followed.gateway.store.read(
        lambda tx: document_timeline(tx, about.partition("/")[2])
    )

    assert opened[-1] == ("TRX-01", Status.OVERDUE)
    assert (await followed.gaps())[-1] == ("TRX-01", Status.MET_LATE)
    assert followed.shared.repository.unique_ids == [named(letter(2))]
    # One of the record, two of each mail: the doctor's and the patient's.
    told = sorted(body.split(b"|")[8].decode()[4:7] for body in followed.hospital.received)
    assert told == ["Z01", "Z02", "Z02", "Z03", "Z03"]
    steps = [(one.what, one.channel) for one in found.moments]
    assert Counter(steps) == {
        ("gap_opened", ""): 1, ("received", ""): 1, ("converted", ""): 1, ("gap_closed", ""): 1,
        ("routed", "dmp"): 1, ("sent", "dmp"): 1, ("delivered", "dmp"): 1, ("told", "dmp"): 1,
        ("routed", "mss"): 2, ("sent", "mss"): 2, ("delivered", "mss"): 2, ("read", "mss"): 2,
        ("told", "mss"): 4,
    }  # fmt: skip
    seconds = [one.at.replace(microsecond=0) for one in found.moments]
    assert seconds == sorted(seconds)
    told_once = list(dict.fromkeys(one.what for one in found.moments))
    assert told_once[:5] == ["gap_opened", "received", "converted", "routed", "sent"]
    assert found.moments[0].what == "gap_opened"
    status, page = await followed.page(f"/ui/{about.replace('DocumentReference', 'documents')}")
    assert status == 200
    assert page.count("<li>") >= len(steps)
    assert 'href="/messages/3"' in page
    assert f'href="/fhir/Provenance?target={about}"' in page
    assert "medecin.21@" not in page
    assert (await followed.page("/documents/none"))[0] == 404
    pages = await followed.all_pages()
    assert {path: status for path, status in pages.items() if status != 200} == {}
    assert {path.split("/")[1] for path in pages} >= {"gaps", "patients", "documents", "deliveries"}
    links = await followed.page(f"/fhir/Provenance?target={about}")
    assert links[0] == 200
    assert '"resourceType":"Provenance"' in links[1]
