"""The HTTP application: puts the doors, the health of the process and the plain pages together.

Opens nothing by itself; `entry.wiring` gives the store, the routers of the doors and what runs
while the application does.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from fastapi import APIRouter, FastAPI
from starlette.routing import Route

from gateway.core.clock import Clock
from gateway.core.ports import Store
from gateway.entry.api.answers import in_format_of
from gateway.entry.api.audit import audit_router
from gateway.entry.api.described import with_types
from gateway.entry.api.errors import add_handlers
from gateway.entry.api.everything import everything_router
from gateway.entry.api.fhir import FhirSettings, fhir_router
from gateway.entry.api.guard import Guard
from gateway.entry.api.health import Operation, health_router
from gateway.entry.api.pages import Door, pages_router
from gateway.entry.api.proxied import Network, Proxied
from gateway.entry.api.tracing import Traced
from gateway.entry.auth.auditing import Auditing
from gateway.entry.auth.routes import auth_router
from gateway.entry.auth.tokens import Tokens
from gateway.entry.auth.wall import Wall
from gateway.fhir.search_query import ValueSets
from gateway.pipeline.journal import Journal

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

_DESCRIPTION = (
    "HL7 v2 messages and CDA documents of French hospitals come in, "
    "FHIR R4 resources (FR Core) are read and searched here."
)


_EVERY_TYPE = "/fhir/{type}"


@dataclass(frozen=True, slots=True)
class AppSettings:
    """What the application needs to know.

    Attributes:
        public_url: base of every link, without trailing slash.
        version: version of the software.
        date: when this version was deployed, FHIR dateTime.
        doors: addresses the first page lists beside the HTTP ones.
        hosts: accepted host names beside that of `public_url`, without port.
        stall_limit_s: age of the oldest unstored input from which the gateway is not ready.
        clock: what pages of a search expire by; None when they never do.
        value_sets: lists the codes of a value set; None where none can be searched by.
        proxies: proxies that end TLS before the door.
        is_exposed: other machines reach the door: nobody is let in without a token.
        traced: each request is a span.
    """

    public_url: str
    version: str
    date: str
    doors: tuple[Door, ...] = ()
    hosts: tuple[str, ...] = ()
    stall_limit_s: float = 10.0
    clock: Clock | None = None
    value_sets: ValueSets | None = None
    proxies: tuple[Network, ...] = ()
    is_exposed: bool = False
    traced: bool = False


def create_app(
    store: Store,
    settings: AppSettings,
    *,
    routers: Sequence[APIRouter] = (),
    stalled_for: Callable[[], float] = lambda: 0.0,
    lifespan: Lifespan | None = None,
    tokens: Tokens | None = None,
    journal: Journal | None = None,
    operation: Operation | None = None,
) -> FastAPI:
    """Return the application.

    Args:
        store: read by the FHIR door.
        settings: addresses and versions.
        routers: the doors for inputs (`/hl7v2`, `/cda`) and later ones.
        stalled_for: age in seconds of the oldest input that is not stored yet.
        lifespan: what runs while the application does; None when the caller runs it.
        tokens: gives access tokens and guards `/fhir` with them; None: whoever reaches the door
            may do everything.
        journal: takes an entry for each access, at the clock of the settings; None: none is noted.
        operation: how the process is watched over.
    """
    app = FastAPI(
        title="Relais",
        version=settings.version,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        # A redirect would be made from the Host header, and links are made from `public_url`.
        redirect_slashes=False,
        lifespan=lifespan,
    )
    add_handlers(app, in_format_of)
    base = f"{settings.public_url}/fhir"
    paths = _paths(routers)
    fhir = FhirSettings(
        base,
        settings.version,
        settings.date,
        subscriptions="/fhir/Subscription" in paths,
        writes=_EVERY_TYPE in paths,
        conversions="/fhir/$relais-convert" in paths,
        declarations="/fhir/CommunicationRequest" in paths,
        mutes="/fhir/$relais-mute" in paths,
        validation="/fhir/{type}/$validate" in paths,
        smart=tokens is not None,
        exports="/fhir/$export" in paths,
        value_sets=settings.value_sets,
        clock=settings.clock,
    )
    plain = app.openapi
    app.openapi = lambda: with_types(plain())  # type: ignore[method-assign] # its own way to extend
    doors = (*_http_doors(paths, settings.public_url), Door("FHIR R4", base), *settings.doors)
    if tokens is not None:
        app.add_middleware(Wall, tokens=tokens, is_closed=settings.is_exposed)
    if journal is not None and settings.clock is not None:
        app.add_middleware(Auditing, journal=journal, clock=settings.clock)
    inside = [
        *([auth_router(tokens, settings.public_url)] if tokens is not None else []),
        *([audit_router(store, fhir)] if journal is not None else []),
        # A door that takes every type comes behind those that take an operation by its name.
        *sorted(routers, key=lambda router: _EVERY_TYPE in _paths([router])),
        everything_router(store, fhir),
        fhir_router(store, fhir),
        health_router(store, stalled_for, settings.stall_limit_s, operation, tokens),
        pages_router(doors, settings.version, app.openapi),
    ]
    for router in inside:
        app.include_router(router)
    found = [route for router in inside for route in router.routes]
    app.state.routes = [route for route in found if isinstance(route, Route)]
    if settings.traced:
        app.add_middleware(Traced)
    app.add_middleware(Guard, public_url=settings.public_url, hosts=settings.hosts)
    app.add_middleware(Proxied, proxies=settings.proxies)
    return app


def _paths(routers: Sequence[APIRouter]) -> set[str]:
    """Return the addresses of the doors that are open in this process."""
    return {route.path for router in routers for route in router.routes if isinstance(route, Route)}


def _http_doors(paths: set[str], public_url: str) -> list[Door]:
    """List the doors for inputs that are open in this process."""
    names = {"/hl7v2": "HL7 v2 over HTTP", "/cda": "CDA documents"}
    return [Door(name, public_url + path) for path, name in names.items() if path in paths]
