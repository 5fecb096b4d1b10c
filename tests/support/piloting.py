"""The pilot's pages over a store with a month of invented handoffs."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import httpx2
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.core.access import Client
from gateway.core.contributions import Target
from gateway.core.facts import ExpectationRow, LedgerLine, Status
from gateway.core.ports import Store, Transaction
from gateway.entry.auth.people import Role
from gateway.entry.auth.roles import may
from gateway.entry.settings import load
from gateway.entry.web.live import Hub
from gateway.entry.web.pilot.routes import pilot_of
from gateway.entry.web.render import WebSettings
from gateway.entry.web.routes import web_router
from gateway.entry.web.rulebook import RuleBook
from gateway.entry.web.store_data import StorePageData
from gateway.entry.wiring import build_replayer, load_pathway_rules
from gateway.fhir.identity import Ids
from gateway.pipeline.journal import Journal
from gateway.pipeline.viewing import VIEWER, ViewedStore, Viewer
from gateway.store.memory import MemoryStore
from tests.support.coordinating import mappings
from tests.support.gateway import converter
from tests.support.pipeline import HandClock

T = TypeVar("T")
#: A Friday; the four weeks before it are full, the one that runs has four days.
NOW = datetime(2026, 4, 3, 9, tzinfo=UTC)
NORTH, SOUTH, TINY = "690000010", "380000020", "730000030"
#: Who looks, by the cookie `as`: their role and perimeter (None: no perimeter).
WHO: dict[str, tuple[Role, tuple[str, ...] | None]] = {
    "anne": (Role.PILOT, None),
    "north": (Role.PILOT, (NORTH,)),
    "claire": (Role.COORDINATOR, None),
}
_HOURS = {"TRX-08": 12, "TRX-01": 24, "VIL-04": 240}


def expected(number: int, status: Status, **more: object) -> ExpectationRow:
    """Return a handoff that ended so; on weekday mornings of the four weeks before `NOW`."""
    is_due = status in (Status.OVERDUE, Status.MET_LATE)
    days = 12 + number % 16 if is_due else 2 + number % 26
    anchor = NOW - timedelta(days=days, hours=number % 7)
    rule = str(more.pop("rule", ("TRX-08", "TRX-01", "TRX-01", "VIL-04")[number % 4]))
    estab = str(more.pop("estab", (NORTH, NORTH, SOUTH)[number % 3]))
    deadline = anchor + timedelta(hours=_HOURS[rule])
    took = more.pop("took", 3 if status is Status.MET else _HOURS[rule] + 20)
    details: dict[str, object] = {
        "estab": estab, "sector": ("mco", "smr")[number % 5 == 0], "event": "ENC.DISCHARGE",
        "destination": ("smr", "had")[number % 3 == 0],
    }  # fmt: skip
    if status in (Status.MET, Status.MET_LATE):
        details["happened_at"] = (anchor + timedelta(hours=float(str(took)))).isoformat()
    opened = status is not Status.MET
    base = ExpectationRow(
        gap_id=f"{number:064x}", x="0" * 64, person_id=f"p{number}",
        patient=Target("Patient", f"p{number}"), rule=rule, rule_version=1, severity="major",
        status=status, trigger=f"ENC.DISCHARGE:{estab}#V{number}", anchor=anchor,
        deadline=deadline, theta=None, opened_at=deadline if opened else None,
        closed_at=NOW if status in (Status.MET_LATE, Status.MOOT) else None, details=details,
    )  # fmt: skip
    return replace(base, **more)  # type: ignore[arg-type]


def put(tx: Transaction, *rows: ExpectationRow) -> None:
    """Write handoffs as looks of the engine do, from a state before."""
    for row in rows:
        before = tx.watch.gap(row.gap_id)
        if before is None:
            waits = replace(row, status=Status.PENDING, opened_at=None, closed_at=None)
            first = _line(row, None, Status.PENDING)
            tx.watch.save(row.person_id, [waits], [first], row.anchor, None)
            before = waits
        if before.status is not row.status:
            line = _line(row, before.status, row.status)
            tx.watch.save(row.person_id, [row], [line], NOW, None)


def _line(row: ExpectationRow, was: Status | None, now: Status) -> LedgerLine:
    return LedgerLine(NOW, row.gap_id, 1, row.rule, 1, was, now, "timer" if was else "trigger")


def month() -> Iterator[ExpectationRow]:
    """Yield a month: about a fifth of the handoffs broke, some gaps were told late."""
    for number in range(400):
        kind = number % 20
        if kind < 14:
            yield expected(number, Status.MET, took=(number * 7) % 12)
        elif kind < 16:
            opened = NOW - timedelta(days=1)
            yield expected(number, Status.MET, opened_at=opened, closed_at=NOW)
        elif kind < 18:
            yield expected(number, Status.MET_LATE)
        else:
            yield expected(number, Status.OVERDUE)
    for number in range(900, 904):
        yield expected(number, Status.OVERDUE, estab=TINY, rule="TRX-08")


@dataclass
class Region:
    """The pages, with what a test may ask of them; `base` once served."""

    store: Store
    app: FastAPI
    clock: HandClock
    hub: Hub
    base: str = "http://127.0.0.1"
    call: Callable[[Awaitable[T]], T] | None = None

    @contextlib.asynccontextmanager
    async def browser(
        self, who: str = "anne", language: str = "fr"
    ) -> AsyncIterator[httpx2.AsyncClient]:
        """Give a browser of somebody."""
        transport = httpx2.ASGITransport(self.app, client=("127.0.0.1", 1))
        async with httpx2.AsyncClient(
            transport=transport, base_url=self.base, cookies={"as": who} if who else {},
            headers={"Accept-Language": language},
        ) as client:  # fmt: skip
            yield client


def gate(request: Request) -> Response | None:
    """Let in whom the cookie names, as far as their role and perimeter go."""
    who = request.cookies.get("as", "")
    if who not in WHO:
        return RedirectResponse(f"/login?to={request.url.path}", 303)
    role, territory = WHO[who]
    if not may(role, request.method, request.url.path):
        return Response(status_code=404)
    request.state.person = {"user": who, "role": role.value, "finess": ""}
    request.state.opens = lambda address: may(role, "GET", address)
    circle = Client(f"people:{who}", f"people:{who}", "", territory=territory)
    VIEWER.set(Viewer(who, circle, NOW))
    return None


async def region(
    *rows: ExpectationRow, store: Store | None = None, accounts: bool = True
) -> Region:
    """Return the pages over a store with handoffs, a month of them when none are given."""
    store = store or MemoryStore()
    await store.open()
    found = rows or tuple(month())
    await store.write(lambda tx: put(tx, *found))
    settings, clock = load(), HandClock(NOW)
    rules, ids = load_pathway_rules(settings, mappings()), Ids(settings.id_namespace)
    viewed = ViewedStore(store, accounts)
    data = StorePageData(
        viewed, rules, ids, converter(), build_replayer(settings, store, converter())
    )
    app, hub = FastAPI(redirect_slashes=False), Hub(data.pulse, "e1", every_s=0.1)
    journal = Journal(store)
    shown = WebSettings("0.1.0", demo=True, open_door=not accounts, gate=gate if accounts else None)
    pilot = pilot_of(viewed, RuleBook(rules), ids, journal)
    app.include_router(web_router(data, clock, hub, shown, pilot=pilot))
    return Region(store, app, clock, hub)
