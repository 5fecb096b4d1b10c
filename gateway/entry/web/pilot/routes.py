"""The addresses of who pilots: the figures, their tables as files, the gaps behind a number."""

import base64
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from gateway.core.access import LOCAL
from gateway.core.audit import Trace
from gateway.core.ports import Store
from gateway.core.timestamps import PARIS
from gateway.entry.web.guarding import guarded
from gateway.entry.web.pilot.asked import (
    FILTERS,
    GROUPS,
    OF_LIST,
    WEEKS,
    Asked,
    address,
    asked,
    asked_list,
)
from gateway.entry.web.pilot.drawings import sankey, trend
from gateway.entry.web.pilot.export import TABLES
from gateway.entry.web.pilot.lists import ListReader
from gateway.entry.web.pilot.reader import PilotReader
from gateway.entry.web.render import Pages, View
from gateway.entry.web.rulebook import RuleBook
from gateway.fhir.identity import Ids
from gateway.pathway.small_numbers import FLOOR
from gateway.pipeline.journal import Journal


@dataclass(frozen=True, slots=True)
class Pilot:
    """What the pages of who pilots show.

    Attributes:
        figures: of handoffs.
        lists: of gaps behind a figure.
        journal: is told what is taken out; None: there is none.
    """

    figures: PilotReader
    lists: ListReader
    journal: Journal | None = None


def pilot_of(store: Store, book: RuleBook, ids: Ids, journal: Journal | None = None) -> Pilot:
    """Return the pages over a store, as far as who looks may be shown it."""
    return Pilot(PilotReader(store, book, ids), ListReader(store, book, ids), journal)


def pilot_router(pages: Pages, pilot: Pilot) -> APIRouter:
    """Return the addresses of the pages."""
    router = APIRouter(include_in_schema=False)
    door = _Door(pages, pilot)
    router.add_api_route("/pilot", guarded(pages, door.page))
    router.add_api_route("/pilot/gaps", guarded(pages, door.gaps))
    router.add_api_route("/pilot/{table}", guarded(pages, door.file))
    return router


class _Door:
    """The handlers."""

    def __init__(self, pages: Pages, pilot: Pilot) -> None:
        self._pages, self._pilot = pages, pilot

    async def page(self, request: Request, now: datetime) -> Response:
        """Show the figures; with `print=1` as they go on paper, which is noted as an export."""
        wanted = asked(request.query_params)
        is_print = request.query_params.get("print") == "1"
        if is_print:
            await self._noted(request, now, "pilot")
        found = await self._pilot.figures.figures(wanted, now)
        words = self._pages.words(request)
        values = {
            "page": found,
            "is_print": is_print,
            "weeks": WEEKS,
            "days": tuple(words(f"pilot.day_{n}") for n in range(7)),
            "drawn": (sankey(found.flows, words), sankey(found.flows, words, narrow=True)),
            "trend": (trend(found.by_week, words), trend(found.by_week, words, narrow=True)),
            "floor": FLOOR,
            **_addresses(wanted),
        }
        known = (*FILTERS, "print")
        view = View("pilot.html", "pilot", values, {}, known, live=False)
        return await self._pages.answer(request, view, now)

    async def file(self, request: Request, now: datetime) -> Response:
        """Give one table as CSV."""
        name = str(request.path_params["table"]).removesuffix(".csv")
        if name not in TABLES or f"{name}.csv" != request.path_params["table"]:
            return self._pages.refusal(request, "404", 404)
        await self._noted(request, now, f"pilot/{name}")
        found = await self._pilot.figures.figures(asked(request.query_params), now)
        body = TABLES[name](found, self._pages.words(request))
        filename = f"relais-{name}-{now.astimezone(PARIS):%Y%m%d}.csv"
        headers = {
            "Content-Disposition": f'attachment; filename="{filename}"',
            "Cache-Control": "no-store",
        }
        return Response(body, 200, headers, "text/csv; charset=utf-8")

    async def gaps(self, request: Request, now: datetime) -> Response:
        """Show the gaps behind a number."""
        wanted = asked_list(request.query_params)
        found = await self._pilot.lists.read(wanted, now)
        further = {**wanted.query, "after": found.following}
        values = {
            "page": found,
            "wanted": wanted,
            "groups": tuple(
                (of, address("/pilot/gaps", {**wanted.query, "of": of})) for of in GROUPS
            ),
            "back": address("/pilot", wanted.asked.query),
            "first": address("/pilot/gaps", wanted.query) if wanted.after else "",
            "following": address("/pilot/gaps", further) if found.following else "",
            "worklist": _worklist(wanted.asked),
            "hour": _hour(wanted.slot),
            "floor": FLOOR,
        }
        known = (*FILTERS, *OF_LIST)
        view = View("pilot_gaps.html", "pilot", values, {}, known, live=False)
        return await self._pages.answer(request, view, now)

    async def _noted(self, request: Request, now: datetime, what: str) -> None:
        """Note that figures leave the pages, before they do."""
        if self._pilot.journal is None:
            return
        said: dict[str, str] = getattr(request.state, "person", None) or {}
        query = base64.b64encode(f"{what}?{request.url.query}".encode()).decode()
        peer = request.client.host if request.client else ""
        details = {**said, "address": peer, "page": what, "query": query}
        agent = said.get("user", LOCAL)
        trace = Trace(str(uuid4()), now, "export", "0", agent, "", details)
        await self._pilot.journal.keep([trace])


def _addresses(wanted: Asked) -> dict[str, object]:
    """Return where the page leads to; the filters go along."""
    query = wanted.query

    def lead(**more: str) -> str:
        told = {**query, **more}
        return address("/pilot/gaps", {k: v for k, v in told.items() if v})

    def narrowed(**more: str) -> str:
        return address("/pilot", {**query, **more})

    return {
        "list_of": lead,
        "narrowed": narrowed,
        "cleared": "/pilot",
        "filtered": bool(wanted.rule or wanted.estab or wanted.area),
        "printed": address("/pilot", {**query, "print": "1"}),
        "files": {name: address(f"/pilot/{name}.csv", query) for name in TABLES},
    }


def _worklist(wanted: Asked) -> str:
    """Return the list of work with the same filters, as far as it has them."""
    told = {"rule": wanted.rule, "site": wanted.estab}
    return address("/gaps", {name: value for name, value in told.items() if value})


def _hour(slot: int | None) -> tuple[int, int] | None:
    return None if slot is None else divmod(slot, 24)
