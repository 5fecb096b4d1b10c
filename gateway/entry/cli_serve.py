"""`relais serve`: every door and worker in one process, or one role of it."""

import asyncio
import gc
import http.client
import signal
import sys
from typing import Annotated

import typer

from gateway.core import log
from gateway.entry import settings as settings_module
from gateway.entry.build import is_compiled
from gateway.entry.cli_config import unknown_variables
from gateway.entry.serve import Gateway, Role
from gateway.entry.settings import Settings


def serve(
    role: Annotated[Role, typer.Option(help="Doors, worker or both.")] = Role.ALL,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
) -> None:
    """Serve until interrupted: MLLP 2575, HTTP 8080, MLLP over TLS 2576 with a certificate.

    Example: RELAIS_STORE_URL=sqlite:///relais.db relais serve
    """
    settings = settings_module.load(host=host)
    log.configure(settings.log_level)
    for issue in unknown_variables(settings):
        print(issue, file=sys.stderr)
    runner = loop_runner()
    with runner:
        runner.run(_serve(settings, role))


async def _serve(settings: Settings, role: Role) -> None:
    gateway = Gateway(settings, role)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await gateway.start()
    settle_memory()
    try:
        print(banner(gateway), file=sys.stderr, flush=True)
        await stop.wait()
    finally:
        await gateway.stop()


def settle_memory() -> None:
    """Spare the garbage collector what lives as long as the process.

    A batch of messages makes tens of thousands of objects that go away without it; looking for
    circles among them, and among the mappings each time, took a third of the work.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def banner(gateway: Gateway) -> str:
    """Return the addresses of the doors, for a person."""
    host = gateway.settings.host
    kind = "compiled" if is_compiled() else "interpreted"
    lines = [f"Relais listens ({gateway.role}, {kind}):"]
    ports = gateway.mllp_ports
    if ports:
        lines.append(f"  mllp://{host}:{ports[0]}")
    if len(ports) > 1:
        lines.append(f"  mllps://{host}:{ports[1]}")
    lines.append(f"  http://{host}:{gateway.http_port}/  (FHIR below /fhir)")
    return "\n".join(lines)


def loop_runner() -> asyncio.Runner:
    """Return a runner on uvloop where it is there (not on Windows)."""
    try:
        import uvloop
    except ImportError:
        return asyncio.Runner()
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


def health() -> None:
    """Ask the gateway of these settings whether it is ready; exit 1 when not.

    Example: relais health
    """
    settings = settings_module.load()
    connection = http.client.HTTPConnection(settings.loopback, settings.http.port, timeout=3)
    try:
        connection.request("GET", "/health/ready")
        answer = connection.getresponse()
        print(answer.read().decode(errors="replace"))
    except OSError as error:
        print(f"no answer on port {settings.http.port}: {type(error).__name__}", file=sys.stderr)
        raise typer.Exit(1) from error
    finally:
        connection.close()
    if answer.status != 200:
        raise typer.Exit(1)
