"""A morning of those who run the gateway: a silent feed, a bad release, a dead letter, a reveal."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from gateway.core.audit import Trace
from gateway.core.contributions import Target
from gateway.core.feed_ports import WHOLE, Ailment, CancelledAlone, Trouble
from gateway.core.ports import Transaction
from tests.support.apart import apart
from tests.support.ops_site import A03, OpsSite, dead_letter, hostile, ops_site, refused
from tests.support.pipeline import START, HandClock
from tests.support.sentinel import numbered

FEED = "990000001:ADT"
#: An application of another hospital that no site table names.
FOREIGN = b"MSH|^~\\&|GAM|CH-BRUME|RELAIS|R|20260302080000||ADT^A01^ADT_A01|X%d|T|2.5\rPV1||I\r"


@dataclass(frozen=True, slots=True)
class Morning:
    """What the pages show.

    Attributes:
        base: address of the gateway.
        letter: number of the dead letter.
    """

    base: str
    letter: int


async def filled(site: OpsSite) -> int:
    """Send and tell what the pages show; return the number of the dead letter."""
    clock, store = site.clock, site.gateway.store
    for number in range(40):
        clock.instant = START + timedelta(minutes=23 * number)
        await site.send(numbered(A03.read_bytes(), f"M{number}"))
        if number % 3 == 0:
            await site.send(FOREIGN % number)
    for number in range(31):
        await site.send(refused(f"R{number}"))
    await site.send(hostile("H1"))
    await site.send(refused("R1").replace(b"|T|2.9", b"|T|2.5"))
    now = clock.now()
    clock.instant = now + timedelta(hours=4)

    def told(tx: Transaction) -> int:
        at = clock.now()
        tx.feeds.begin(Trouble(FEED, WHOLE, Ailment.SKEWED, now, at, value=3600))
        tx.feeds.begin(Trouble(FEED, "A01", Ailment.SILENT, now, at))
        tx.feeds.begin(Trouble("CH-BRUME:ADT", WHOLE, Ailment.SILENT, now, at))
        stay = Target("Encounter", "e-1")
        tx.feeds.cancel_alone([CancelledAlone(1, FEED, at - timedelta(hours=30), "00", (stay,))])
        letter = dead_letter(tx, clock)
        who = {"role": "coordinator", "address": "10.1.2.3"}
        tx.audit.append(
            [
                Trace("b-1", at, "break-glass", "0", "899700218896", "p-1",
                      {**who, "why": "Patient aux urgences, traitement à confirmer"}),
                Trace("b-2", at, "login", "4", "", "", {"why": "state"}),
                Trace("b-3", at, "search-type", "0", "dac-69", "p-1", {"target": "Encounter"}),
            ]
        )  # fmt: skip
        return letter

    return await store.write(told)


@contextlib.asynccontextmanager
async def filled_gateway(folder: Path | None) -> AsyncIterator[Morning]:
    """Start a gateway and fill it."""
    more = {} if folder is None else {"operation": {"drafts": folder / "drafts"}}
    async with ops_site(HandClock(START), **more) as site:
        yield Morning(site.gateway.local_url, await filled(site))


@contextlib.contextmanager
def morning(folder: Path | None = None) -> Iterator[Morning]:
    """Serve a filled gateway from a thread of its own, for a browser that waits."""
    with apart(lambda: filled_gateway(folder)) as made:
        yield made
