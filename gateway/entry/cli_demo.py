"""`relais demo`: a throwaway gateway that plays a synthetic region and says what happened."""

import asyncio
import contextlib
import signal
import socket
import sys
import time
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from gateway.entry import settings as settings_module
from gateway.entry.cli_serve import banner, loop_runner
from gateway.entry.demo import Doors, PlayClock, Played, play
from gateway.entry.serve import Gateway
from gateway.entry.settings import Settings, StoreSettings
from gateway.simulation.play import Event, events
from gateway.simulation.region import Region

#: The play lasts this long when a person looks on.
_SECONDS = 40.0


def demo(
    leave: Annotated[
        bool, typer.Option("--exit", help="End by itself and print the summary as JSON.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Another seed, another region.")] = 1,
    patients: Annotated[int, typer.Option(help="How many patients.", min=1, max=5000)] = 300,
    speed: Annotated[
        float | None,
        typer.Option(help="Virtual seconds per second; by default it fits in a minute.", min=1),
    ] = None,
) -> None:
    """Start a gateway on a throwaway store and play a synthetic region through its doors.

    Example: relais demo --exit --seed 7
    """
    settings = _throwaway(settings_module.load(), free_ports=leave)
    with loop_runner() as runner:
        surprised = runner.run(_demo(settings, Region(seed, patients), speed, leave=leave))
    if surprised:
        raise typer.Exit(1)


def _throwaway(settings: Settings, *, free_ports: bool) -> Settings:
    """Return settings on a temporary store, with free ports where the usual ones are taken."""
    http = 0 if free_ports or _is_taken(settings.host, settings.http.port) else settings.http.port
    mllp = 0 if free_ports or _is_taken(settings.host, settings.mllp.port) else settings.mllp.port
    return settings.model_copy(
        update={
            "store": StoreSettings(url="sqlite://"),
            "http": settings.http.model_copy(update={"port": http}),
            "mllp": settings.mllp.model_copy(update={"port": mllp}),
            "environment": "test",
        }
    )


def _is_taken(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


async def _demo(settings: Settings, region: Region, speed: float | None, *, leave: bool) -> bool:
    listed = list(events(region))
    clock = PlayClock(listed[0].at)
    gateway = Gateway(settings, clock=clock)
    console = Console(stderr=True)
    await gateway.start()
    try:
        console.print(banner(gateway), highlight=False)
        began = time.monotonic()
        played = await _play(gateway, listed, clock, console, _seconds(listed, speed, leave=leave))
        seconds = time.monotonic() - began
        counts = await gateway.store.read(lambda tx: tx.resources.counts())
        if leave:
            sys.stdout.write(_summary(played, counts, seconds))
        else:
            _tell(console, played, counts, seconds)
            await _until_interrupted(console)
    finally:
        await gateway.stop()
    for surprise, number in played.surprises.items():
        console.print(f"unexpected answer {surprise} ({number})", style="red", highlight=False)
    return bool(played.surprises)


def _seconds(listed: list[Event], speed: float | None, *, leave: bool) -> float | None:
    if speed is not None:
        return (listed[-1].at - listed[0].at).total_seconds() / speed
    return None if leave else _SECONDS


async def _play(
    gateway: Gateway, listed: list[Event], clock: PlayClock, console: Console, seconds: float | None
) -> Played:
    doors = Doors(gateway.settings.loopback, gateway.mllp_ports[0], gateway.local_url)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("messages", total=len(listed))
        return await play(
            listed, doors, clock, seconds=seconds, on_answer=lambda: progress.advance(task)
        )


def _summary(played: Played, counts: dict[str, int], seconds: float) -> str:
    summary: dict[str, Any] = {
        "messages": {kind: dict(found) for kind, found in sorted(played.answers.items())},
        "resources": dict(sorted(counts.items())),
        "seconds": round(seconds, 2),
    }
    return orjson.dumps(summary).decode() + "\n"


def _tell(console: Console, played: Played, counts: dict[str, int], seconds: float) -> None:
    messages = Table("message", "answer", "times", title="What was sent")
    for kind, found in sorted(played.answers.items()):
        for answer, number in sorted(found.items()):
            messages.add_row(kind, answer, str(number))
    resources = Table("resource", "number", title="What is stored")
    for kind, number in sorted(counts.items()):
        resources.add_row(kind, str(number))
    console.print(messages, resources)
    console.print(f"{played.total} messages in {seconds:.1f} s.", highlight=False)


async def _until_interrupted(console: Console) -> None:
    console.print("The gateway goes on; Ctrl-C ends it and its store is thrown away.")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    await stop.wait()
