"""One process of the gateway: its doors and its worker, started and stopped in good order."""

import asyncio
import contextlib
import socket
from datetime import timedelta
from enum import StrEnum

import structlog
from fastapi import APIRouter
from prometheus_client import REGISTRY, CollectorRegistry, Gauge

from gateway import __version__
from gateway.connectors.http import HttpClient
from gateway.core.clock import Clock
from gateway.core.errors import FatalError, RetriableError
from gateway.core.issues import Issue
from gateway.core.messages import RawMessage, Receipt
from gateway.entry import tls
from gateway.entry.accounts import build_psc
from gateway.entry.api.app import AppSettings, create_app
from gateway.entry.api.cda import cda_router
from gateway.entry.api.conversions import conversions_router
from gateway.entry.api.errors import operation_outcome
from gateway.entry.api.health import Operation
from gateway.entry.api.hl7v2 import hl7v2_router
from gateway.entry.api.pages import Door
from gateway.entry.certificate_dates import certificate_dates
from gateway.entry.certificates import CertificateWatch, http_context
from gateway.entry.directory import directory_warnings
from gateway.entry.doors import House
from gateway.entry.exposure import port_taken, refuse_exposure, refuse_nobody
from gateway.entry.fhir_doors import build_fhir_doors, build_value_sets
from gateway.entry.figures import Figures
from gateway.entry.http_server import HttpServer
from gateway.entry.mllp import MllpListener, PendingFrame
from gateway.entry.mllp_door import MllpLimits
from gateway.entry.mllp_metrics import MllpMetrics
from gateway.entry.settings import Settings
from gateway.entry.telemetry import Telemetry
from gateway.entry.vitals import Vitals, store_folder
from gateway.entry.web.live import Hub
from gateway.entry.web.ops.flows import Beside
from gateway.entry.wiring import (
    SystemClock,
    build_converter,
    build_pages,
    build_receiver,
    build_store,
    build_tokens,
    build_workers,
    load_pathway_rules,
)
from gateway.entry.workbench import Workbench
from gateway.entry.workers import Workers
from gateway.hl7v2 import ack
from gateway.mapping.loader import load_mappings
from gateway.pipeline.audited import AuditedStore
from gateway.pipeline.journal import Journal
from gateway.pipeline.reindexing import is_needed

_log = structlog.get_logger()
_LOOP_LAG = Gauge("relais_loop_lag_seconds", "How late the event loop runs a timer")
#: Rows left `received` by a crash are taken after this long.
_BACKLOG_AFTER = timedelta(seconds=60)
_BACKLOG_EVERY_S, _LAG_EVERY_S = 5.0, 0.5


class Role(StrEnum):
    """What a process does."""

    ALL = "all"
    DOORS = "doors"
    WORKER = "worker"


class Gateway:
    """One process of the gateway.

    Attributes:
        settings: of the installation.
        role: doors, worker or both.
        http_port: the port of the HTTP door, 0 before `start`.
        base_url: base of every link, known after `start`.
    """

    def __init__(
        self,
        settings: Settings,
        role: Role = Role.ALL,
        *,
        clock: Clock | None = None,
        due_clock: Clock | None = None,
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        """Build the house; nothing is opened yet.

        Args:
            settings: of the installation.
            role: doors, worker or both.
            clock: gives `received_at`; the clock of the machine by default.
            due_clock: tells when deliveries are due; `clock` by default.
            registry: where metrics are counted.

        Raises:
            FatalError: settings or mapping files are wrong.
        """
        refuse_exposure(settings)
        self._telemetry = Telemetry(settings.otel, role) if settings.otel.endpoint else None
        self.settings = settings
        self.role = role
        self.clock = clock or SystemClock()
        self.due_clock = due_clock or self.clock
        self.registry = registry
        self.store = build_store(settings)
        #: What doors for people and platforms use: it notes what they look at and write.
        self.audited = AuditedStore(self.store)
        self.journal = Journal(self.store)
        self.mappings = load_mappings(settings.mappings)
        self.converter = build_converter(settings, clock=self.clock, mappings=self.mappings)
        self.receiver = build_receiver(settings, self.store, self.converter, self.clock)
        self.workbench = Workbench(settings, self.mappings)
        self.house = House(self.receive, self._answer, self.receiver.incident, self.clock)
        self.http_port = 0
        self.base_url = ""
        self._listeners: list[MllpListener] = []
        self._http: HttpServer | None = None
        self.certificates = CertificateWatch(settings, SystemClock())
        self._tasks: list[asyncio.Task[None]] = []
        self._workers: Workers | None = None
        self._hub: Hub | None = None
        self._client: HttpClient | None = None
        self.vitals = Vitals(
            lambda: self._workers.loops() if self._workers is not None else {},
            self._listeners,
            lambda: self.journal.waiting,
            store_folder(settings),
            settings.store.room,
        )
        self._figures = Figures(
            self.store,
            self.clock,
            self.vitals,
            lambda: certificate_dates(settings),
            frozenset(s.finess for s in self.mappings.sites.by_name.values() if s.finess),
            load_pathway_rules(settings, self.mappings).relevant,
        )

    @property
    def workers(self) -> Workers:
        """Return the loops beside the doors; there are none before `start` or in role doors."""
        if self._workers is None:
            msg = "this process runs no workers"
            raise RuntimeError(msg)
        return self._workers

    @property
    def mllp_ports(self) -> list[int]:
        """Return the ports the MLLP doors listen on, plain first."""
        return [listener.port for listener in self._listeners]

    @property
    def local_url(self) -> str:
        """Return the address of the HTTP door on this machine."""
        return f"{self.settings.scheme}://{self.settings.loopback}:{self.http_port}"

    async def start(self) -> None:
        """Open the store, then the worker, then the doors.

        Raises:
            FatalError: a port is taken, a certificate cannot be read, the schema is newer.
        """
        await self.store.open()
        if self._telemetry is not None:
            self._telemetry.start()
        await refuse_nobody(self.settings, self.store)
        self.registry.register(self._figures)
        if await is_needed(self.store):
            _log.warning("index_outdated", fix="run: relais store reindex")
        await self.receiver.start()
        self._tasks.append(asyncio.create_task(_watch_lag()))
        if self.role is not Role.DOORS:
            self._tasks.append(asyncio.create_task(self._take_backlog()))
        if self.role is not Role.WORKER:
            await self._open_doors()
        await self._open_http()
        self._tasks.append(asyncio.create_task(self.certificates.run()))
        if self.role is not Role.DOORS:
            self._start_workers()

    def _start_workers(self) -> None:
        """Run the loops beside the doors; their links need the address of the HTTP door."""
        self._workers, self._client = build_workers(
            self.settings,
            self.store,
            (self.clock, self.due_clock),
            self.mappings,
            f"{self.base_url.rstrip('/')}/fhir",
        )
        self._workers.start()

    async def stop(self) -> None:
        """Stop accepting, finish what was begun, close the store."""
        await asyncio.gather(*(listener.stop() for listener in self._listeners))
        if self._hub is not None:
            # Open pages keep a stream; the server would wait for each of them.
            self._hub.close()
        self.workbench.close()
        if self._http is not None:
            await self._http.stop()
        if self._workers is not None:
            await self._workers.stop()
        if self._client is not None:
            await self._client.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.receiver.stop()
        with contextlib.suppress(KeyError):
            self.registry.unregister(self._figures)
        await self.journal.close()
        await self.store.close()
        if self._telemetry is not None:
            await asyncio.to_thread(self._telemetry.stop)

    async def _open_doors(self) -> None:
        settings, house = self.settings, self.house
        metrics = MllpMetrics(self.registry)
        limits = MllpLimits(
            frame_bytes=settings.mllp.frame_limit,
            frame_s=settings.mllp.frame_seconds,
            ack_write_s=settings.mllp.ack_seconds,
            idle_s=settings.mllp.idle_seconds,
            peer_connections=settings.mllp.peer_connections,
            connections=settings.mllp.connections,
        )
        secured = settings.mllps.certificate is not None
        plain = MllpListener(
            house, metrics, limits=limits, other_port=settings.mllps.port if secured else None
        )
        await _bind(plain, settings.mllp_host, settings.mllp.port)
        self._listeners.append(plain)
        if secured and settings.mllps.certificate is not None:
            context = tls.server_context(
                settings.mllps.certificate,
                settings.mllps.key,
                client_ca=settings.mllps.client_ca,
                requires_client=settings.mllps.require_client,
            )
            self.certificates.renew("mllps.certificate", context, settings.mllps)
            listener = MllpListener(
                house, metrics, limits=limits, tls=context, other_port=plain.port
            )
            await _bind(listener, settings.host, settings.mllps.port)
            self._listeners.append(listener)

    async def _open_http(self) -> None:
        settings = self.settings
        listening = http_socket(settings.host, settings.http.port)
        self.http_port = listening.getsockname()[1]
        here = f"{settings.scheme}://{settings.host}:{self.http_port}"
        self.base_url = settings.public_url or here
        doors = [
            Door(f"MLLP{' over TLS' if listener.tls else ''}", f"{settings.host}:{listener.port}")
            for listener in self._listeners
        ]
        app = create_app(
            self.audited,
            AppSettings(
                public_url=self.base_url.rstrip("/"),
                version=__version__,
                date=self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
                doors=tuple(doors),
                hosts=settings.http.hosts,
                clock=self.clock,
                value_sets=build_value_sets(settings),
                proxies=settings.http.proxies,
                is_exposed=settings.is_exposed,
                traced=bool(settings.otel.endpoint),
            ),
            routers=self._routers(),
            stalled_for=self.receiver.stalled_for,
            tokens=build_tokens(settings, self.store, self.clock, self.base_url),
            journal=self.journal,
            operation=Operation(
                self.vitals,
                tuple(dict.fromkeys((REGISTRY, self.registry))),
                self._figures.refresh,
                settings.unprotected and not settings.on_loopback,
                lambda: self.certificates.issues,
                directory_warnings(settings, self.clock),
            ),
        )
        context = http_context(settings)
        self.certificates.renew("http.certificate", context, settings.http)
        self._http = HttpServer(app, listening, context)
        await self._http.start()
        _log.info("http_listening", port=self.http_port)

    def _routers(self) -> list[APIRouter]:
        if self.role is Role.WORKER:
            return []
        limit = self.settings.http.body_limit
        base = f"{self.base_url.rstrip('/')}/fhir"
        pages, self._hub = build_pages(
            self.settings,
            self.audited,
            self.clock,
            self.mappings,
            self.converter,
            (build_psc(self.settings, self.clock, self.base_url), self.journal),
            Beside(lambda: certificate_dates(self.settings), self._frames, self.vitals.loops),
            base,
            self.workbench.router,
        )
        return [
            pages,
            *build_fhir_doors(self.settings, self.audited, self.clock, base),
            conversions_router(self.converter, self.clock, base),
            hl7v2_router(self.house, body_limit=limit),
            cda_router(
                self.house, operation_outcome, body_limit=min(limit, self.settings.http.cda_limit)
            ),
        ]

    def _frames(self) -> list[PendingFrame]:
        """Return the frames that began and do not end, oldest first."""
        return [frame for listener in self._listeners for frame in listener.pending()]

    async def receive(self, raw: RawMessage) -> Receipt:
        """Take one input."""
        return await self.receiver.receive(raw)

    def _answer(self, head: bytes, issue: Issue) -> bytes:
        return ack.build(
            head,
            ack.code_for([issue]),
            [issue],
            now=self.clock.now(),
            control_id=self.converter.next_control_id(),
        )

    async def _take_backlog(self) -> None:
        while True:
            try:
                taken = await self.receiver.take_backlog(_BACKLOG_AFTER)
                if taken:
                    _log.info("backlog_taken", count=taken)
                    continue
            except RetriableError as error:
                _log.warning("backlog_postponed", code=error.issues[0].code)
            await asyncio.sleep(_BACKLOG_EVERY_S)


def http_socket(host: str, port: int) -> socket.socket:
    """Bind the HTTP door first: links need its port.

    Raises:
        FatalError: the address cannot be bound (RLS-NET-050).
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Said in full: asyncio sends small answers at once (TCP_NODELAY) only on sockets that say so,
    # and an answer in two pieces would else wait 40 ms for the other end.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise FatalError([port_taken(f"http port {port}")]) from error
    return listening


async def _bind(listener: MllpListener, host: str, port: int) -> None:
    try:
        await listener.start(host, port)
    except OSError as error:
        raise FatalError([port_taken(f"mllp port {port}")]) from error


async def _watch_lag() -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _LAG_EVERY_S
        await asyncio.sleep(_LAG_EVERY_S)
        _LOOP_LAG.set(max(0.0, loop.time() - due))
