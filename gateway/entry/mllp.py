"""MLLP listener, plain or TLS: accepts, limits, watches the time, stops in good order.

Does not decode frames (`hl7v2.framing`) nor answer them (`entry.mllp_connection`).
Follows HL7 v2 Transport Specification MLLP release 1.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Coroutine
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any

import structlog

from gateway.core.errors import RelaisError
from gateway.core.messages import Incident
from gateway.entry.doors import House
from gateway.entry.mllp_connection import Connection
from gateway.entry.mllp_door import MllpLimits
from gateway.entry.mllp_metrics import Ending, MllpMetrics, Port
from gateway.entry.tls import refusal
from gateway.hl7v2.framing import Fault

log = structlog.get_logger()

_BACKLOG = 512
#: Seconds between two lines about load-balancer probes.
_PROBE_LINE_S = 600.0
#: Dead peers are found after idle + interval * count = 120 s.
_KEEPALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))


@dataclass(frozen=True, slots=True)
class PendingFrame:
    """A frame that has begun and not ended.

    Attributes:
        peer: `host:port`.
        size: bytes so far.
        age_s: seconds since its first byte.
    """

    peer: str
    size: int
    age_s: float


class MllpListener:
    """One MLLP port.

    Attributes:
        tls: context of the next handshake, None on the plain port; may be replaced at any time.
        is_draining: the listener is stopping.
        port: the port it listens on, 0 before `start`.
    """

    def __init__(
        self,
        house: House,
        metrics: MllpMetrics,
        *,
        limits: MllpLimits | None = None,
        tls: ssl.SSLContext | None = None,
        other_port: int | None = None,
    ) -> None:
        """Prepare a listener.

        Args:
            house: what is behind the door.
            metrics: shared by the doors of the process.
            limits: what the door bears.
            tls: makes it a TLS port.
            other_port: the TLS port beside a plain one or the reverse, for the hint to a sender
                that took the wrong one.
        """
        self.house = house
        self.limits = limits or MllpLimits()
        self.tls = tls
        self.is_draining = False
        self.port = 0
        self.metrics = metrics.at(
            Port.TLS if tls else Port.PLAIN, self.oldest_pending_s, self.oldest_unanswered_s
        )
        self._other_port = other_port
        self._server: asyncio.Server | None = None
        self._connections: set[Connection] = set()
        self._by_host: dict[str, set[Connection]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.Task[None] | None = None
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        self._probes = 0
        self._probe_line_at = float("-inf")

    async def start(self, host: str, port: int, *, reuse_port: bool = False) -> None:
        """Listen.

        Args:
            host: address to bind.
            port: 0 takes a free one, see `port`.
            reuse_port: lets a new process listen while the old one finishes.

        Raises:
            OSError: the address cannot be bound.
        """
        loop = asyncio.get_running_loop()
        listening = _listening_socket(host, port, reuse_port)
        self.port = listening.getsockname()[1]
        self._server = await loop.create_server(
            lambda: Connection(self), sock=listening, backlog=_BACKLOG
        )
        self._sweeper = loop.create_task(self._sweep())
        log.info("mllp_listening", address=f"{host}:{self.port}", kind=self._kind)

    async def stop(self, grace_s: float = 10.0) -> None:
        """Stop accepting, finish the frames already begun, close."""
        self.is_draining = True
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.drain()
        if not await self._emptied(grace_s):
            for connection in list(self._connections):
                connection.end(Ending.STOPPED, abort=True)
            # Cut frames become incidents; work that is frozen is given up.
            await self._emptied(min(1.0, grace_s))
        tasks = [*self._tasks, *([self._sweeper] if self._sweeper else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        log.info("mllp_stopped", kind=self._kind)

    @property
    def is_listening(self) -> bool:
        """Tell whether new connections are taken."""
        return self._server is not None and self._server.is_serving() and not self.is_draining

    def pending(self) -> list[PendingFrame]:
        """Return the frames that have begun and not ended, oldest first."""
        now = monotonic()
        found = [
            PendingFrame(each.peer.address, each.pending_bytes, now - each.frame_since)
            for each in self._connections
            if each.frame_since is not None
        ]
        return sorted(found, key=lambda frame: -frame.age_s)

    def oldest_pending_s(self) -> float:
        """Return the age of the oldest frame that has begun and not ended."""
        return _age(each.frame_since for each in self._connections)

    def oldest_unanswered_s(self) -> float:
        """Return the age of the oldest whole frame without answer."""
        return _age(each.unanswered_since for each in self._connections)

    # What connections ask (`mllp_connection.Door`).

    def admit(self, connection: Connection) -> bool:
        """Count a new connection, closing the longest-idle one when there is no room."""
        self.metrics.connections.inc()
        of_host = self._by_host.setdefault(connection.host, set())
        crowd: set[Connection] | None = None
        if len(of_host) >= self.limits.peer_connections:
            crowd = of_host
        elif len(self._connections) >= self.limits.connections:
            crowd = self._connections
        if crowd is not None and not self._make_room(crowd, connection):
            return False
        self._connections.add(connection)
        # Asked again: the one that made room may have been the last of its host.
        self._by_host.setdefault(connection.host, of_host).add(connection)
        self._is_empty.clear()
        return True

    def release(self, connection: Connection) -> None:
        """Forget a connection."""
        self._connections.discard(connection)
        of_host = self._by_host.get(connection.host)
        if of_host is not None:
            of_host.discard(connection)
            if not of_host:
                del self._by_host[connection.host]
        if not self._connections:
            self._is_empty.set()

    def ended(self, connection: Connection, reason: Ending, size: int) -> None:
        """Count and log the end of a connection; probes share one line now and then."""
        self.metrics.connections.dec()
        self.metrics.ended(reason)
        if reason is Ending.PROBE:
            self._note_probe(connection)
            return
        log.info("mllp_closed", address=connection.peer.address, size=size, kind=reason.value)

    def refused_tls(self, connection: Connection, error: ssl.SSLError, data: bytes) -> Ending:
        """Log a failed handshake; plain bytes are an incident."""
        reason = refusal(error)
        address = connection.peer.address
        log.warning("tls_refused", address=address, kind=reason)
        if reason != "plain":
            return Ending.TLS_REFUSED
        hint = f"plain bytes on TLS port {self.port}{self._use_other()}"
        incident = Incident(
            self.house.clock.now(),
            "plain-on-tls-port",
            address,
            len(data),
            data[:4096],
            {"hint": hint},
        )
        self.spawn(self.report(incident), connection)
        return Ending.WRONG_PORT

    def undelivered(self, connection: Connection, size: int) -> None:
        """Count an answer whose sender had gone; its message is kept."""
        self.metrics.undelivered.inc()
        log.warning("ack_undelivered", address=connection.peer.address, size=size)

    async def report(self, incident: Incident) -> None:
        """Keep an incident; when the store is away the log line is what remains."""
        log.warning("mllp_incident", address=incident.peer, size=incident.size, kind=incident.kind)
        try:
            await self.house.incident(incident)
        except RelaisError:
            log.error("mllp_incident_not_kept", address=incident.peer, kind=incident.kind)

    def hint(self, fault: Fault) -> dict[str, Any]:
        """Return what the operator should know about a fault."""
        if fault is Fault.TLS:
            return {"hint": f"TLS hello on plain port {self.port}{self._use_other()}"}
        return {}

    def spawn(self, work: Coroutine[Any, Any, None], connection: Connection) -> asyncio.Task[None]:
        """Run work of a connection and tell the connection when it breaks."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(partial(self._spawned_ended, connection))
        return task

    # Inside.

    @property
    def _kind(self) -> str:
        return "mllps" if self.tls else "mllp"

    def _spawned_ended(self, connection: Connection, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            connection.failed()
            return
        error = task.exception()
        if error is not None:
            # Type only: the text may quote the input.
            log.error("mllp_failed", address=connection.peer.address, kind=type(error).__name__)
            connection.failed()

    def _make_room(self, crowd: set[Connection], newcomer: Connection) -> bool:
        idle = min(
            (each for each in crowd if each.is_idle), key=lambda each: each.last_seen, default=None
        )
        gone = idle or newcomer
        log.warning(
            "mllp_peer_limit" if crowd is not self._connections else "mllp_limit",
            address=gone.peer.address,
            size=len(crowd),
            kind=(Ending.EVICTED if idle else Ending.FULL).value,
        )
        if idle is None:
            return False
        self.release(idle)
        idle.end(Ending.EVICTED)
        return True

    def _note_probe(self, connection: Connection) -> None:
        self._probes += 1
        now = monotonic()
        if now - self._probe_line_at >= _PROBE_LINE_S:
            log.info("mllp_probed", address=connection.peer.address, size=self._probes)
            self._probe_line_at, self._probes = now, 0

    def _use_other(self) -> str:
        return f"; use {self._other_port}" if self._other_port else ""

    async def _sweep(self) -> None:
        """Check the time limits of every connection, often enough for the shortest."""
        limits = self.limits
        shortest = min(limits.frame_s, limits.ack_write_s, limits.idle_s, limits.handshake_s)
        interval = min(1.0, shortest / 8)
        while True:
            await asyncio.sleep(interval)
            now = monotonic()
            for connection in list(self._connections):
                connection.check(now)

    async def _emptied(self, timeout_s: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._is_empty.wait()
        return self._is_empty.is_set()


def _listening_socket(host: str, port: int, reuse_port: bool) -> socket.socket:
    """Bind with the options that accepted connections inherit (Linux, BSD)."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server(
        (host, port), family=family, backlog=_BACKLOG, reuse_port=reuse_port
    )
    listening.setblocking(False)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for name, value in _KEEPALIVE:
        option = getattr(socket, name, None)
        if option is not None:
            listening.setsockopt(socket.IPPROTO_TCP, option, value)
    return listening


def _age(starts: Any) -> float:
    """Return the seconds since the earliest of the monotonic times that are set."""
    earliest = min((start for start in starts if start is not None), default=None)
    return 0.0 if earliest is None else monotonic() - earliest
