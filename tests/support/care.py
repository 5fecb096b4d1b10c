"""A person's story played through the whole pipeline, looked at as it goes; and its pathway."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from gateway.core.contributions import Json
from gateway.entry.settings import load
from gateway.entry.wiring import build_watcher
from gateway.mapping.loader import load_mappings
from gateway.mapping.yamltext import read_text_yaml
from gateway.pipeline.commit import commit
from gateway.store.memory import MemoryStore
from tests.support.assertions import paris
from tests.support.gateway import converter, holdings, message
from tests.support.pipeline import RULES, HandClock

#: Of the fixtures of documents; a story may happen elsewhere.
_CUSTODIAN = "1990000028"
PATHWAY = "https://relais.example/ns/pathway"

Inputs = Iterable[tuple[datetime, bytes]]


def story(folder: Path) -> tuple[list[tuple[datetime, bytes]], datetime]:
    """Return the inputs of a story with their receipts, and when it ends."""
    case = read_text_yaml((folder / "case.yaml").read_text("utf-8"), "case.yaml").data
    inputs = []
    for one in case["inputs"]:
        body = (folder / one["file"]).read_bytes()
        custodian = one.get("custodian", _CUSTODIAN)
        inputs.append((paris(one["at"]), body.replace(_CUSTODIAN.encode(), custodian.encode())))
    return inputs, paris(case["until"])


class Life:
    """A store, a clock, and somebody who looks."""

    def __init__(self) -> None:
        self.store, self.clock = MemoryStore(), HandClock()
        self.watcher = build_watcher(load(), self.store, self.clock, load_mappings())

    async def take(self, *inputs: tuple[datetime, bytes], look: bool = True) -> None:
        """Take inputs in, each at its receipt, and look after each of them."""
        made = converter()
        for at, body in inputs:
            self.clock.instant = at
            item = made.prepare(made.open(message(body)))
            (receipt,) = await self.store.write(
                lambda tx, item=item, at=at: commit(tx, [item], at, RULES)
            )
            assert receipt.outcome in ("accepted", "duplicate"), receipt.issues
            if look:
                await self.watcher.drain()

    async def look(self, at: datetime) -> None:
        """Look at an instant."""
        self.clock.instant = at
        await self.watcher.drain()

    async def pathway(self) -> tuple[Json, Json]:
        """Return the only EpisodeOfCare and its CarePlan."""
        [episode], [plan] = await self.pathways()
        return episode, plan

    async def pathways(self) -> tuple[list[Json], list[Json]]:
        """Return every EpisodeOfCare, and every CarePlan of one."""
        found = await holdings(self.store, "EpisodeOfCare", "CarePlan")
        episodes = [one for name, one in found.items() if name.startswith("EpisodeOfCare/")]
        return episodes, [
            one
            for name, one in found.items()
            if name.startswith("CarePlan/") and one["identifier"][0]["system"] == PATHWAY
        ]

    async def tasks(self) -> list[Json]:
        """Return the Tasks of gaps."""
        return list((await holdings(self.store, "Task")).values())


async def lived(inputs: Inputs, until: datetime) -> Life:
    """Play a story to its end."""
    life = Life()
    await life.store.open()
    await life.take(*inputs)
    await life.look(until)
    return life


def steps(plan: Json) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return what is planned, what became of it and the types of what shows it."""
    return [
        (
            one["reference"]["reference"] if "reference" in one else "",
            one["outcomeCodeableConcept"][0]["coding"][0]["code"],
            tuple(to["reference"].partition("/")[0] for to in one.get("outcomeReference", ())),
        )
        for one in plan.get("activity", ())
        if "outcomeCodeableConcept" in one
    ]
