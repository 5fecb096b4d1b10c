"""Declared events (NdE flux 3) on every store: the same one at the same moment is one."""

import asyncio

import pytest

from gateway.fhir.nde_declared import read_declaration
from gateway.pipeline.declared_events import Declaring, declare
from gateway.pipeline.folds import FOLDS
from tests.support.declared import ADMITTED, CLINIC, LEFT, declared
from tests.support.gaps import IDS
from tests.support.gateway import holdings, take
from tests.support.ops_site import A03
from tests.support.pipeline import START

NAMED = {"encounter": {"identifier": {"value": "V77"}}}


async def _declare(store, event: str, at: str) -> bool:
    told = declared(event, at, **NAMED)
    asking = Declaring("local", (CLINIC,), START)
    return await store.write(
        lambda tx: declare(tx, read_declaration(told), told, asking, IDS, FOLDS)
    )


@pytest.mark.parametrize(
    "events",
    [
        [("ADM", ADMITTED)] * 8,
        [("ADM", ADMITTED), ("SOR", LEFT)] * 4,
        [("SOR", LEFT), ("ADM", ADMITTED)] * 4,
    ],
)
async def test_copies_at_the_same_moment_are_one_stay(store, events):
    await take(store, A03.read_bytes())

    changed = await asyncio.gather(*(_declare(store, *one) for one in events))

    held = await holdings(store, "Encounter")
    stay = held[f"Encounter/{IDS.stay(f'https://relais.example/ns/visit/{CLINIC}', 'V77')}"]
    kinds = {event for event, _ in events}
    assert sum(changed) == len(kinds)
    assert stay["period"] == {"start": ADMITTED, **({"end": LEFT} if "SOR" in kinds else {})}
    assert stay["status"] == ("finished" if "SOR" in kinds else "in-progress")
