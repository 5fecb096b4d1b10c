"""`relais listen`: an answering end for a sender under test."""

import asyncio
import signal
import sys
from typing import Annotated

import typer
from prometheus_client import CollectorRegistry

from gateway.conformance.finding import Report
from gateway.core.errors import FatalError
from gateway.core.issues import Issue, Severity
from gateway.entry import settings as settings_module
from gateway.entry.cli_validate import Form, rendered
from gateway.entry.judging import build_judge
from gateway.entry.listening import Listening
from gateway.entry.mllp import MllpListener
from gateway.entry.mllp_metrics import MllpMetrics
from gateway.entry.wiring import SystemClock


def listen(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 2575,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    site: Annotated[
        str | None, typer.Option("--site", help="Judge as this site table says.")
    ] = None,
    number: Annotated[
        int | None, typer.Option("--count", min=1, help="End after so many messages.")
    ] = None,
) -> None:
    """Judge each MLLP message that comes in, print the report, answer AA, AE or AR; keep nothing.

    Ends when interrupted, or after --count messages; exit 1 when one of them broke a rule.

    Example: relais listen --port 2575
    """
    done = asyncio.Event()
    refused = 0

    def tell(report: Report) -> None:
        nonlocal refused
        refused += report.is_refused
        sys.stdout.write(rendered([report], Form.TEXT))
        sys.stdout.flush()
        if number is not None and end.reports >= number:
            done.set()

    end = Listening(build_judge(settings_module.load(), site), SystemClock(), tell)
    asyncio.run(_serve(end, host, port, done))
    if refused:
        raise typer.Exit(1)


async def _serve(end: Listening, host: str, port: int, done: asyncio.Event) -> None:
    """Listen until told to end.

    Raises:
        FatalError: the address cannot be bound (RLS-NET-060).
    """
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, done.set)
    listener = MllpListener(end.house(), MllpMetrics(CollectorRegistry()))
    try:
        await listener.start(host, port)
    except OSError as error:
        raise FatalError([_occupied(error)]) from error
    try:
        print(f"listening on mllp://{host}:{listener.port}", file=sys.stderr, flush=True)
        await done.wait()
    finally:
        await listener.stop(grace_s=2.0)


def _occupied(error: OSError) -> Issue:
    reason = (error.strerror or "unknown reason").lower()
    return Issue(
        code="RLS-NET-060",
        severity=Severity.FATAL,
        where="--port",
        what=f"the address cannot be listened on: {reason}.",
        fix="Stop the process that holds the port, or give another one.",
    )
