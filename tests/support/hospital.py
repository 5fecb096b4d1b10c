"""A converter whose sender has an application that takes messages, and what waits for it."""

from dataclasses import replace
from functools import lru_cache

from gateway.core.deliveries import DeliveryStatus
from gateway.entry.settings import load
from gateway.entry.wiring import build_converter
from gateway.mapping.loader import load_mappings
from gateway.mapping.sites import Destination, Site, Sites
from gateway.pipeline.commit import commit
from gateway.pipeline.to_hospital import CONNECTOR
from tests.support.gateway import message
from tests.support.pipeline import RULES, START, HandClock

DESTINATION = "demo-chu/dpi"
MAILS = replace(RULES, mails=True)


@lru_cache
def mappings(port: int = 2575, **changes: object):
    """Return our mapping files; every site gets destination `dpi` and sends answers there."""
    loaded = load_mappings()
    dpi = Destination(host="localhost", port=port, timeout_s=5)
    made = {"destinations": {"dpi": dpi}, "acks_to": "dpi", "mails_to": "dpi"} | changes
    sites = [Site(**(site.model_dump() | made)) for site in loaded.sites.by_name.values()]
    return replace(loaded, sites=Sites(sites))


@lru_cache
def converter(**changes: object):
    """Return a converter on these files."""
    return build_converter(load(), clock=HandClock(), mappings=mappings(**changes))


async def take(store, *bodies: bytes, made=None, rules=MAILS):
    """Commit inputs one by one; return their receipts."""
    made = made or converter()
    receipts = []
    for body in bodies:
        item = made.prepare(made.open(message(body)))
        receipts += await store.write(lambda tx, item=item: commit(tx, [item], START, rules))
    return receipts


async def waiting(store) -> list:
    """Return what waits for applications of the hospital, oldest first."""
    rows = await store.read(
        lambda tx: tx.outbox.page(list(DeliveryStatus), 0, 1000, CONNECTOR, with_body=True)
    )
    return [row for row in rows if row.item.connector == CONNECTOR]


def lines(body: bytes) -> list[str]:
    """Return the segments of a message."""
    return body.decode().rstrip("\r").split("\r")
