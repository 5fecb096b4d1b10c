"""`relais demo`: a throwaway gateway and its surroundings play a synthetic region.

A mail operator and a subscriber stand beside it; the summary says what was told and sent.
"""

import asyncio
import contextlib
import signal
import socket
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from gateway.core.errors import FatalError
from gateway.core.issues import Issue, Severity
from gateway.entry import settings as settings_module
from gateway.entry.cli_serve import banner, loop_runner
from gateway.entry.demo import Doors, PlayClock, Played, play
from gateway.entry.demo_told import summary
from gateway.entry.serve import Gateway
from gateway.entry.settings import Settings, StoreSettings
from gateway.simulation.faults import Outage, Transport
from gateway.simulation.play import Event, events
from gateway.simulation.region import FIRST_DAY, Region

if TYPE_CHECKING:
    from gateway.entry.demo_doubles import Doubles

#: The play lasts this long when a person looks on.
_SECONDS = 45.0
#: Where the play ends: a Wednesday morning at the office, with stays that go on, handoffs that
#: are awaited, and gaps of every age.
_UNTIL = FIRST_DAY + timedelta(days=51, hours=9, minutes=40)

#: A few messages are broken, so that the quarantine has something to show, and one hospital has
#: said nothing since the day before: silence is told as such, not as one gap for each patient.
_SILENT = Outage("chu", 24 * 50 + 11, 48)
#: Rules of the first release whose answers the region does not play: results, letters of
#: admission, family doctors, what letters promise.
_NOT_PLAYED = ("TRX-07", "TRX-09", "VIL-01", "VIL-05")
_TRANSPORT = Transport(malformed=0.006, outages=(*Transport().outages, _SILENT))


def demo(
    leave: Annotated[
        bool, typer.Option("--exit", help="End by itself and print the summary as JSON.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Another seed, another region.")] = 1,
    patients: Annotated[int, typer.Option(help="How many patients.", min=1, max=5000)] = 200,
    speed: Annotated[
        float | None,
        typer.Option(help="Virtual seconds per second; by default it fits in a minute.", min=1),
    ] = None,
) -> None:
    """Start a gateway on a throwaway store and play a synthetic region through its doors.

    A mail operator, a shared record and a subscriber of the demo run beside it. With --exit one
    JSON object tells at the end what was received, found, told and sent.

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
            "pathway": settings.pathway.model_copy(
                update={"off": (*settings.pathway.off, *_NOT_PLAYED)}
            ),
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
    listed = [event for event in events(region, _TRANSPORT) if event.at <= _UNTIL]
    clock = PlayClock(listed[0].at)
    console = Console(stderr=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="relais-demo-") as folder:
        doubles = _doubles(Path(folder), clock)
        mssante = await doubles.start()
        found = settings.model_copy(update={"mssante": mssante, "dmp": doubles.record_settings})
        gateway = Gateway(found, clock=clock, due_clock=doubles.due_clock)
        await gateway.start()
        try:
            console.print(banner(gateway), highlight=False)
            await doubles.subscribe(gateway.local_url)
            pace = _seconds(listed, speed, leave=leave)
            played = await _play(gateway, doubles, listed, clock, console, pace)
            notified = len(set(doubles.subscriber.events))
            told = await summary(gateway.store, played, notified, time.monotonic() - began)
            if leave:
                sys.stdout.write(orjson.dumps(told).decode() + "\n")
                sys.stdout.flush()
            else:
                _tell(console, told)
                doubles.go_on()
                await _until_interrupted(console)
        finally:
            await gateway.stop()
            await doubles.stop()
    for surprise, number in played.surprises.items():
        console.print(f"unexpected answer {surprise} ({number})", style="red", highlight=False)
    return bool(played.surprises)


def _doubles(folder: Path, clock: PlayClock) -> "Doubles":
    """Make the surroundings; their packages are an extra of the distribution.

    Raises:
        FatalError: they are not installed (RLS-CFG-052).
    """
    try:
        from gateway.entry.demo_doubles import Doubles
    except ModuleNotFoundError as error:
        raise FatalError([_no_extra()]) from error
    return Doubles(folder, clock)


def _seconds(listed: list[Event], speed: float | None, *, leave: bool) -> float | None:
    if speed is not None:
        return (listed[-1].at - listed[0].at).total_seconds() / speed
    return None if leave else _SECONDS


async def _play(
    gateway: Gateway,
    doubles: "Doubles",
    listed: list[Event],
    clock: PlayClock,
    console: Console,
    seconds: float | None,
) -> Played:
    doors = Doors(gateway.settings.loopback, gateway.mllp_ports[0], gateway.local_url)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )

    async def settle() -> None:
        await doubles.settle(gateway.workers, gateway.store)

    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("messages", total=len(listed))
        return await play(
            listed,
            doors,
            clock,
            seconds=seconds,
            on_answer=lambda: progress.advance(task),
            settle=settle,
            until=_UNTIL,
        )


def _tell(console: Console, told: dict[str, Any]) -> None:
    messages = Table("message", "answer", "times", title="What was sent")
    for kind, found in told["messages"].items():
        for answer, number in sorted(found.items()):
            messages.add_row(kind, answer, str(number))
    resources = Table("resource", "number", title="What is stored")
    for kind, number in told["resources"].items():
        resources.add_row(kind, str(number))
    found = Table("rule", "opened", "closed", "open", title="Handoffs that were missing")
    for rule, one in told["gaps"]["by_rule"].items():
        found.add_row(rule, str(one["opened"]), str(one["closed"]), str(one["open"]))
    console.print(messages, resources, found)
    mails = ", ".join(f"{number} {name}" for name, number in told["deliveries"].items())
    record = ", ".join(f"{number} {name}" for name, number in told["record"].items())
    line = f"{told['notifications']} notifications; mails: {mails}; shared record: {record}; "
    line += f"{told['seconds']} s."
    console.print(line, highlight=False)


def _no_extra() -> Issue:
    return Issue(
        code="RLS-CFG-052",
        severity=Severity.FATAL,
        where="demo",
        what="the packages of its mail operator and certificates are not installed.",
        fix="Install them: pip install 'relais-gateway[demo]'.",
    )


async def _until_interrupted(console: Console) -> None:
    console.print("The gateway goes on; Ctrl-C ends it and its store is thrown away.")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        # An event loop without signal handlers (Windows): Ctrl-C then ends the process at once.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    await stop.wait()
