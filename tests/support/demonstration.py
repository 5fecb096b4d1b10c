"""The demonstration in this process: a gateway on its sockets, a region played through them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from prometheus_client import CollectorRegistry

from gateway.entry.demo import Doors, PlayClock, Played, play
from gateway.entry.demo_doubles import Doubles
from gateway.entry.serve import Gateway
from gateway.entry.settings import Settings
from gateway.simulation.faults import PERFECT
from gateway.simulation.play import events
from gateway.simulation.region import Region


class Demonstration(NamedTuple):
    """What stands there when everything was told and every deadline has passed."""

    gateway: Gateway
    doubles: Doubles
    played: Played


@asynccontextmanager
async def demonstration(region: Region, folder: Path) -> AsyncIterator[Demonstration]:
    """Play a region without transport faults and stop everything afterwards."""
    listed = list(events(region, PERFECT))
    clock = PlayClock(listed[0].at)
    doubles = Doubles(folder, clock)
    mssante = await doubles.start()
    settings = Settings(
        store={"url": "sqlite://"}, http={"port": 0}, mllp={"port": 0}, environment="test"
    ).model_copy(update={"mssante": mssante})
    gateway = Gateway(
        settings, clock=clock, due_clock=doubles.due_clock, registry=CollectorRegistry()
    )
    await gateway.start()

    async def settle() -> None:
        await doubles.settle(gateway.workers, gateway.store)

    try:
        await doubles.subscribe(gateway.local_url)
        doors = Doors("127.0.0.1", gateway.mllp_ports[0], gateway.local_url)
        played = await play(listed, doors, clock, settle=settle)
        # The longest deadline and its grace.
        for _ in range(4 * 9):
            clock.move(clock.now() + timedelta(hours=6))
            await settle()
        yield Demonstration(gateway, doubles, played)
    finally:
        await gateway.stop()
        await doubles.stop()
