"""(2) and (4) The whole job over MLLP: durable, checked, mapped, folded, stored, acknowledged."""

import re
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from urllib.request import urlopen

from gateway.simulation.establishments import CLCC
from tests.bench import inputs, load, servers
from tests.bench.figures import Report, cpu_seconds, resident_mb

Start = Callable[[], AbstractContextManager[servers.Server]]
_FIRST = 32
_KEPT = re.compile(rb"^relais_kept_waiting ([0-9.e+]+)", re.MULTILINE)


def adt(report: Report, runs: int, messages: int) -> None:
    """Measure admissions at 1 and 32 connections, ours and the peer in alternating runs."""
    bodies = inputs.arrivals(messages)
    candidates: tuple[tuple[str, Start, int], ...] = (
        ("adt relais", servers.relais, 4),
        ("adt relais full", partial(servers.relais, validation="full"), 16),
        ("adt relais accept", partial(servers.relais, ack="accept"), 1),
        ("adt hl7v2-fhir-bridge", partial(servers.peer, CLCC.alias), 32),
    )
    for _ in range(runs):
        for connections in (1, 32):
            for name, start, slower in candidates:
                # A slower candidate gets fewer messages, so that runs last about as long.
                share = len(bodies) // max(slower, 16 if connections == 1 else 1)
                _one(report, f"{name} x{connections}", start, bodies[:share], connections)
    report.table("ADT over MLLP, SQLite synchronous=FULL", "adt")


def mdm(report: Report, runs: int, messages: int, size: int = 330_000) -> None:
    """Measure letters of 330 kB at 8 connections."""
    bodies = inputs.documents(messages, size)
    report.note(f"mdm: {len(bodies)} messages of about {len(bodies[0]) // 1000} kB")
    for _ in range(runs):
        _one(report, "mdm relais x8", servers.relais, bodies, 8)
        _one(report, "mdm relais accept x8", partial(servers.relais, ack="accept"), bodies, 8)
    report.table("MDM^T02 with a CDA of 330 kB", "mdm")


def _one(report: Report, name: str, start: Start, sent: list[bytes], connections: int) -> None:
    try:
        with start() as server:
            idle = resident_mb(server.pid)
            # What a server does once only, at its first messages, is no part of a load.
            load.play(server.port, sent[:_FIRST], connections)
            before = cpu_seconds(server.pid)
            found = load.play(server.port, sent[_FIRST:], connections)
            busy, after = resident_mb(server.pid), cpu_seconds(server.pid)
            waited = _until_converted(server.http_port)
    except (servers.UnavailableError, ConnectionError) as why:
        report.note(f"{name}: not measured: {why}")
        return
    report.add(f"{name} messages", "1/s", found.messages / found.seconds)
    report.add(f"{name} ACK p50", "ms", 1e3 * found.p50)
    report.add(f"{name} ACK p99", "ms", 1e3 * found.p99)
    if before is not None and after is not None:
        # What does not depend on what else the machine does meanwhile.
        report.add(f"{name} CPU a message", "ms", 1e3 * (after - before) / found.messages)
    if idle is not None and busy is not None:
        report.add(f"{name} memory idle", "MB", idle)
        report.add(f"{name} memory after", "MB", busy)
    if waited is not None:
        report.add(f"{name} last converted after the last ACK", "s", waited)
    if set(found.codes) != {"AA"}:
        report.note(f"{name}: acknowledgements {found.codes}: not a fair figure")


def _until_converted(port: int) -> float | None:
    """Wait until nothing that was answered waits for its conversion; None: nothing ever did.

    The peer has no such thing, nor an HTTP port.
    """
    began = time.monotonic()
    while port:
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            waiting = _KEPT.search(answer.read())
        if waiting is None or not float(waiting[1]):
            break
        time.sleep(0.2)
    waited = time.monotonic() - began
    return waited if waited > 1 else None
