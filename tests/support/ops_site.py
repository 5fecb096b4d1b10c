"""A running gateway with something to look at for operators and auditors, and its browser."""

import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import httpx2
from prometheus_client import CollectorRegistry

from gateway.core.audit import Trace, Wanted
from gateway.core.deliveries import DeliveryStatus, NewDelivery
from gateway.core.ports import Transaction
from gateway.entry.serve import Gateway, Role
from gateway.entry.settings import HttpSettings, MllpSettings, Settings, StoreSettings
from tests.conftest import ROOT
from tests.support.pipeline import HandClock
from tests.support.sentinel import numbered

A03 = ROOT / "fixtures/hl7v2/adt_a03_discharge_to_rehabilitation/input.er7"
#: A name that is an attack in a page, and one that is a formula in a spreadsheet.
HOSTILE = "<img src=x onerror=alert(1)>"
ER7 = {"Content-Type": "application/hl7-v2"}


@dataclass
class OpsSite:
    """A gateway and a browser without script."""

    gateway: Gateway
    client: httpx2.AsyncClient
    clock: HandClock

    async def send(self, body: bytes) -> str:
        """Send a message; give its answer."""
        answer = await self.client.post("/hl7v2", content=body, headers=ER7)
        return answer.text

    async def form(self, page: str, action: str, **fields: str) -> httpx2.Response:
        """Open a page and send a form of it, as a browser does."""
        shown = await self.client.get(page)
        token = re.search(r'name="token" value="([^"]+)"', shown.text)
        sent = {"token": token[1] if token else "", **fields}
        return await self.client.post(action, data=sent, headers={"Sec-Fetch-Site": "same-origin"})

    async def entries(self, *kinds: str) -> list[Trace]:
        """Return entries of the journal, newest first."""
        await self.gateway.journal.flush()
        wanted = Wanted(kinds=kinds)
        return [
            e.trace for e in await self.gateway.store.read(lambda tx: tx.audit.find(wanted, 50))
        ]


def refused(control_id: str) -> bytes:
    """Return a discharge of a version that the table of its site does not accept."""
    return numbered(A03.read_bytes(), control_id).replace(b"|T|2.5", b"|T|2.9")


def hostile(control_id: str) -> bytes:
    """Return a refused message whose patient is an attack."""
    return refused(control_id).replace(b"LACOMBE", HOSTILE.encode())


def dead_letter(tx: Transaction, clock: HandClock, key: str = "letter-1") -> int:
    """Queue a mail and refuse it, as an operator does."""
    now = clock.now() - timedelta(hours=2)
    details = {"to": "dr.absent@cabinet.mssante.example"}
    item = NewDelivery("mssante", key, now, details=details, about="DocumentReference/d-1")
    [made] = tx.outbox.queue([item], now)
    assert made is not None
    tx.outbox.claim(["mssante"], now, 10)
    note = "RLS-MSS-012 the mailbox does not exist."
    tx.outbox.settle(made, DeliveryStatus.REFUSED, now, note=note, receipt={"code": "550"})
    return made


@contextlib.asynccontextmanager
async def ops_site(clock: HandClock, **more: object) -> AsyncIterator[OpsSite]:
    """Start a gateway with doors only: nothing leaves while a test looks."""
    settings = Settings(
        store=StoreSettings(url=str(more.pop("url", "memory://"))),
        http=HttpSettings(port=0),
        mllp=MllpSettings(port=0),
        **more,
    )
    gateway = Gateway(settings, Role.DOORS, clock=clock, registry=CollectorRegistry())
    await gateway.start()
    try:
        async with httpx2.AsyncClient(base_url=gateway.local_url, timeout=60) as client:
            yield OpsSite(gateway, client, clock)
    finally:
        await gateway.stop()
