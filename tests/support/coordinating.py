"""The pages over a real store: gaps that messages opened, and people who act on them."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import httpx2
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.core.ports import Store
from gateway.entry.auth.auditing import Auditing
from gateway.entry.auth.people import People
from gateway.entry.settings import load
from gateway.entry.web.live import Hub
from gateway.entry.web.people import Staff
from gateway.entry.web.render import WebSettings
from gateway.entry.web.routes import web_router
from gateway.entry.web.store_data import StorePageData
from gateway.entry.wiring import build_replayer, build_watcher, load_pathway_rules
from gateway.fhir.identity import Ids
from gateway.mapping.loader import Mappings, load_mappings
from gateway.pipeline.audited import AuditedStore
from gateway.pipeline.journal import Journal
from gateway.store.memory import MemoryStore
from tests.conftest import ROOT
from tests.support.gateway import converter, take
from tests.support.pipeline import HandClock

T = TypeVar("T")
LEFT = datetime(2026, 3, 9, 9, tzinfo=UTC)
NOW = LEFT + timedelta(hours=30)
CLAIRE, SONIA, PILOT = "899700218896", "899700218904", "899700218912"
PEOPLE = f"""
[people.{CLAIRE}]
name = "MOREL Claire"
role = "coordinator"
[people.{SONIA}]
name = "PETIT Sonia"
role = "coordinator"
[people.{PILOT}]
name = "ROUX Anne"
role = "pilot"
"""
_MAPPINGS: list[Mappings] = []


def mappings() -> Mappings:
    """Return our own mapping files, read once."""
    if not _MAPPINGS:
        _MAPPINGS.append(load_mappings())
    return _MAPPINGS[0]


def fixture(name: str) -> bytes:
    return (ROOT / "fixtures/hl7v2" / name / "input.er7").read_bytes()


@dataclass
class Territory:
    """The pages of a gateway with gaps.

    Attributes:
        app: the pages; the cookie `as` says who is in, none that the session is closed.
        base: address once served.
        call: runs a coroutine on the loop of the pages, once served from a thread.
    """

    store: Store
    app: FastAPI
    data: StorePageData
    clock: HandClock
    hub: Hub
    base: str = "http://127.0.0.1"
    call: Callable[[Awaitable[T]], T] | None = None

    async def look(self, now: datetime | None = None) -> None:
        """Let the engine look at everybody who is due at an instant."""
        self.clock.instant = now or self.clock.instant
        await build_watcher(load(), self.store, self.clock, mappings()).drain()

    @contextlib.asynccontextmanager
    async def browser(self, who: str = CLAIRE) -> AsyncIterator[httpx2.AsyncClient]:
        """Give a browser of somebody; empty: nobody is in."""
        transport = httpx2.ASGITransport(self.app)
        cookies = {"as": who} if who else {}
        async with httpx2.AsyncClient(
            transport=transport, base_url=self.base, cookies=cookies, follow_redirects=False
        ) as client:
            yield client


def gate(request: Request) -> Response | None:
    """Let in whom the cookie names; the session of anybody else is closed."""
    who = request.cookies.get("as", "")
    if not who:
        return RedirectResponse(f"/login?to={request.url.path}", 303)
    request.state.person = {"user": who, "role": "coordinator", "finess": ""}
    return None


async def territory(
    folder: Path, store: Store | None = None, *messages: bytes, accounts: bool = True
) -> Territory:
    """Return the pages over a store that took messages and was looked at."""
    settings, clock = load(), HandClock()
    store = store or MemoryStore()
    await store.open()
    table = folder / "people.toml"
    table.write_text(PEOPLE, encoding="utf-8")
    staff = Staff(People(table) if accounts else None)
    audited = AuditedStore(store)
    data = StorePageData(
        audited,
        load_pathway_rules(settings, mappings()),
        Ids(settings.id_namespace),
        converter(),
        build_replayer(settings, store, converter()),
        staff=staff,
        base="http://127.0.0.1/fhir",
    )
    app = FastAPI(redirect_slashes=False)
    hub = Hub(data.pulse, "e1", every_s=0.1)
    shown = WebSettings(
        "0.1.0", demo=True, open_door=not accounts, staff=staff, gate=gate if accounts else None
    )
    app.include_router(web_router(data, clock, hub, shown))
    app.add_middleware(Auditing, journal=Journal(store), clock=clock)
    found = Territory(store, app, data, clock, hub)
    await take(store, *(messages or (fixture("adt_a03_discharge_to_rehabilitation"),)))
    await found.look(NOW)
    return found
