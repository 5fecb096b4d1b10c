"""The whole pipeline without doors: a converter, a store, and what the store holds in the end."""

from functools import lru_cache

import orjson

from gateway.core.messages import Channel, RawMessage
from gateway.entry.settings import load
from gateway.entry.wiring import build_converter
from gateway.fhir.care import PATHWAY_SYSTEM
from gateway.pipeline.commit import commit
from gateway.pipeline.convert import Converter
from tests.support.pipeline import RULES, START, HandClock


@lru_cache
def converter() -> Converter:
    """Return a converter on our own mapping files."""
    return build_converter(load(), clock=HandClock())


def message(body: bytes) -> RawMessage:
    """Wrap bytes as a door would."""
    is_cda = body.lstrip().startswith(b"<")
    return RawMessage(body, Channel.CDA if is_cda else Channel.MLLP, START)


async def take(store, *bodies: bytes, together: int = 1, made: Converter | None = None):
    """Commit inputs in this order, so many per transaction; return their receipts."""
    made = made or converter()
    receipts = []
    for first in range(0, len(bodies), together):
        batch = [made.prepare(made.open(message(b))) for b in bodies[first : first + together]]
        receipts += await store.write(lambda tx, batch=batch: commit(tx, batch, START, RULES))
    return receipts


async def holdings(store, *types: str) -> dict[str, dict]:
    """Return every current resource by `Type/id`, without version and time of the commit."""
    found = {}
    for type_ in types or (await store.read(lambda tx: tx.resources.counts())):
        cursor = None
        while True:
            page = await store.read(
                lambda tx, t=type_, c=cursor: tx.resources.search(t, (), 500, c)
            )
            for row in page.resources:
                resource = orjson.loads(row.body)
                for name in ("versionId", "lastUpdated"):
                    resource["meta"].pop(name)
                found[f"{row.type}/{row.id}"] = resource
            cursor = page.next_cursor
            if cursor is None:
                break
    return found


def without_pathways(found: dict[str, dict]) -> dict[str, dict]:
    """Leave out what looks draw: it follows from when they looked, not from the inputs alone."""
    return {
        name: resource
        for name, resource in found.items()
        if all(one.get("system") != PATHWAY_SYSTEM for one in _identifiers(resource))
    }


def _identifiers(resource: dict) -> list[dict]:
    held = resource.get("identifier", [])
    return held if isinstance(held, list) else [held]
