"""Every resource we make: of our fixtures, of a synthetic region, of the published samples."""

import asyncio
from functools import cache
from pathlib import Path

from gateway.entry.cli_convert import read_input
from gateway.fhir.nde_declared import read_declaration
from gateway.pipeline.declared_events import Declaring, declare
from gateway.pipeline.folds import FOLDS, fold_alone
from gateway.simulation.play import events
from gateway.simulation.region import Region
from gateway.store.memory import MemoryStore
from tests.conftest import ROOT, corpus
from tests.support.declared import CLINIC, LEFT, declared
from tests.support.gaps import IDS
from tests.support.gateway import converter, holdings, take
from tests.support.pipeline import START


def _converted(paths: list[Path]) -> list[dict]:
    parts = [part for path in paths for part in converter().convert(read_input(path)).contributions]
    return fold_alone(parts)


@cache
def of_fixtures() -> list[dict]:
    """Return the resources of every case that is accepted, its inputs folded together."""
    made = []
    for case in sorted((ROOT / "fixtures").glob("*/*/")):
        if case.name.endswith("refused"):
            continue
        made += _converted(sorted([*case.glob("*.er7"), *case.glob("*.xml")]))
    return made


@cache
def of_region() -> list[dict]:
    """Return what a store holds after a synthetic region told all its stories."""

    async def play() -> list[dict]:
        store = MemoryStore()
        await store.open()
        await take(store, *(event.body for event in events(Region("frcore", 40))), together=50)
        return list((await holdings(store)).values())

    return asyncio.run(play())


@cache
def of_samples() -> list[dict]:
    """Return the resources of every published sample, each alone."""
    folder = corpus()
    made: list[dict] = []
    found = [*(folder / "hl7v2").glob("*.er7"), *(folder / "cda").glob("*.xml")] if folder else []
    for path in sorted(found):
        if not any(part in path.name for part in ("zam_", ".ack.", "dummy_payload")):
            made += _converted([path])
    return made


@cache
def of_declared() -> list[dict]:
    """Return what a store holds after an establishment declared a stay, numbered or not."""
    a03 = (ROOT / "fixtures/hl7v2/adt_a03_discharge_to_rehabilitation/input.er7").read_bytes()
    named = {"encounter": {"identifier": {"value": "V77"}}}
    asking = Declaring("local", (CLINIC,), START)

    async def play() -> list[dict]:
        store = MemoryStore()
        await store.open()
        await take(store, a03)
        for told in (
            declared("ADM"), declared("SOR", LEFT), declared("DOC", LEFT), declared(**named)
        ):  # fmt: skip
            event = read_declaration(told)
            await store.write(
                lambda tx, event=event, told=told: declare(tx, event, told, asking, IDS, FOLDS)
            )
        return list((await holdings(store)).values())

    return asyncio.run(play())


SOURCES = {
    "fixtures": of_fixtures, "region": of_region, "samples": of_samples, "declared": of_declared
}  # fmt: skip
