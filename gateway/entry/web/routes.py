"""The addresses of the pages. Reads the query, asks for data, chooses what the templates show."""

from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from gateway.core.clock import Clock
from gateway.core.messages import InboxStatus
from gateway.entry.auth.people import Role
from gateway.entry.auth.roles import may
from gateway.entry.web import access, listing, views
from gateway.entry.web.actions import add_actions
from gateway.entry.web.acts import Desktop, add_gap_acts
from gateway.entry.web.assets import assets
from gateway.entry.web.data import PageData
from gateway.entry.web.forms import Form
from gateway.entry.web.guarding import guarded
from gateway.entry.web.live import Hub
from gateway.entry.web.ops.audit_routes import audit_routes
from gateway.entry.web.ops.desk import REASON_LEAST, Desk, Ops
from gateway.entry.web.ops.routes import ops_router
from gateway.entry.web.people import Colleague
from gateway.entry.web.pilot.routes import Pilot, pilot_router
from gateway.entry.web.render import Pages, View, WebSettings
from gateway.entry.web.timeline import ZOOMS

_log = structlog.get_logger()
_STREAM = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def web_router(
    data: PageData,
    clock: Clock,
    hub: Hub,
    settings: WebSettings,
    accounts: Callable[[Pages], APIRouter] | None = None,
    ops: Ops | None = None,
    pilot: Pilot | None = None,
) -> APIRouter:
    """Return every page of people.

    Args:
        data: what the pages show.
        clock: the present instant of the engine, not of the machine, so that a demo agrees.
        hub: tells open pages what changed.
        settings: of the installation.
        accounts: gives the addresses of login and logout; None where there are no accounts.
        ops: what the pages of operators and auditors show; None: there are none.
        pilot: what the pages of who pilots show; None: there are none.
    """
    router = APIRouter(include_in_schema=False)
    pages = Pages(data, clock, settings)
    if accounts is not None:
        router.include_router(accounts(pages))
    if ops is not None:
        desk = Desk(pages, ops)
        router.include_router(ops_router(desk))
        router.include_router(audit_routes(desk))
        if ops.workbench is not None:
            router.include_router(ops.workbench(desk))
    if pilot is not None:
        router.include_router(pilot_router(pages, pilot))
    site = _Site(pages, hub, is_operated=ops is not None)
    for path, handler in {
        "/": site.overview,
        "/badges": site.badges,
        "/gaps": site.gaps,
        "/gaps/{gap_id}": site.gap,
        "/patients/{patient_id}": site.patient,
        "/messages": site.messages,
        "/messages/{number}": site.message,
        "/deliveries": site.deliveries,
        "/documents/{document_id}": site.document,
        "/ui/documents/{document_id}": site.document,
        "/live": site.live,
    }.items():
        router.add_api_route(path, guarded(pages, handler))
    add_actions(router, pages)
    add_gap_acts(router, site.desktop, site.gap_with)
    for asset in assets().values():
        router.add_api_route(asset.address, _served(asset.content, asset.media_type))
    return router


def _served(content: bytes, media_type: str) -> Callable[[], Awaitable[Response]]:
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}

    async def serve() -> Response:
        return Response(content, headers=headers, media_type=media_type)

    return serve


class _Site:
    """The handlers of the pages."""

    def __init__(self, pages: Pages, hub: Hub, *, is_operated: bool) -> None:
        self._pages, self._data, self._hub = pages, pages.data, hub
        self._is_operated = is_operated
        self.desktop = Desktop(pages)

    async def overview(self, request: Request, now: datetime) -> Response:
        page = await self._data.overview(now)
        found = self._pages.words(request)
        values = {"page": page, **views.overview(page, now, found)}
        view = View("overview.html", "overview", values, {"overview": "zones/overview.html"})
        return await self._pages.answer(request, view, now)

    async def badges(self, request: Request, now: datetime) -> Response:
        return await self._pages.badges(request, now)

    async def gaps(self, request: Request, now: datetime) -> Response:
        who = self._pages.staff.at(request)
        wanted = listing.wanted(request.query_params, who.id)
        page = await self._data.worklist(wanted, now)
        key = request.query_params.get("told", "")
        outcome = self.desktop.outcomes.find(key, who.id, now.timestamp()) if key else None
        values = {
            "page": page,
            "wanted": wanted,
            **listing.shown(request.query_params, wanted, page),
            "outcome": outcome,
            **self._acting(request, who),
        }
        view = View("gaps.html", "gaps", values, {}, known=listing.KNOWN)
        return await self._with_token(request, view, now)

    async def gap(self, request: Request, now: datetime) -> Response:
        gap_id = request.path_params["gap_id"]
        draft = self.desktop.draft(request, gap_id, now)
        return await self.gap_with(request, now, gap_id, draft or Form(""), 200)

    async def gap_with(
        self, request: Request, now: datetime, gap_id: str, form: Form, status: int
    ) -> Response:
        """Show a gap with what somebody typed about it; `status` is that of the answer."""
        page = await self._data.gap(gap_id, now)
        if page is None:
            return self._pages.refusal(request, "404", 404)
        who = self._pages.staff.at(request)
        values = {
            "page": page,
            "form": form,
            "did": listing.did(request.query_params),
            **views.gap(page, now, self._pages.words(request)),
            **self._acting(request, who),
        }
        part = request.query_params.get("part", "")
        zone = "zones/gap_head.html" if part == "head" else "zones/gap.html"
        known = ("did", "v", "part")
        view = View("gap.html", "gaps", values, {f"gap:{gap_id}": zone}, known, status)
        return await self._with_token(request, view, now)

    def _acting(self, request: Request, who: Colleague) -> dict[str, object]:
        """Return what every form about gaps repeats."""
        return {
            "me": who,
            "token": access.form_token(request),
            "mark": self.desktop.mark(who),
            "colleagues": self._pages.staff.acting(),
        }

    async def _with_token(self, request: Request, view: View, now: datetime) -> Response:
        """Write a page with forms, whose token the browser keeps."""
        # A page that gives a token that no cookie keeps yet: both are of this answer.
        token = str(view.values["token"])
        response = await self._pages.answer(request, view, now)
        access.keep_token(request, response, token)
        return response

    async def patient(self, request: Request, now: datetime) -> Response:
        patient_id = request.path_params["patient_id"]
        page = await self._data.path(patient_id, now)
        if page is None:
            return self._pages.refusal(request, "404", 404, glass_for=patient_id[:64])
        zoom = request.query_params.get("zoom", "")
        zoom = zoom if zoom in ZOOMS else views.fitting_zoom(page, now)
        found = self._pages.words(request)
        until = await self._data.glass_until(patient_id)
        values = {"page": page, "asked": patient_id, **views.path(page, zoom, now, found)}
        values["glass_until"] = until
        return await self._pages.answer(
            request, View("patient.html", "gaps", values, {}, known=("zoom",)), now
        )

    async def messages(self, request: Request, now: datetime) -> Response:
        query = request.query_params
        status = query.get("status", "")
        statuses = [InboxStatus(status)] if status in set(InboxStatus) else []
        kind, before = query.get("type", "").strip()[:40], _number(query.get("before"))
        page = await self._data.messages(statuses, kind, before)
        base = [(k, v) for k, v in query.items() if k in ("status", "type") and v]
        values = {
            "page": page,
            "status": status if statuses else "",
            "kind": kind,
            "before": before,
            "token": access.form_token(request),
            "finds": self._finds(request),
            **self._newer_older(request, base, page.older),
        }
        known = ("status", "type", "before")
        view = View("messages.html", "messages", values, {}, known=known)
        return await self._with_token(request, view, now)

    def _finds(self, request: Request) -> tuple[str, ...]:
        """Return what messages may be looked for by."""
        if not self._is_operated:
            return ()
        role = (getattr(request.state, "person", None) or {}).get("role", "")
        of_patient = not role or may(Role(role), "POST", "/messages/of-patient")
        return ("control", "patient") if of_patient else ("control",)

    def _newer_older(
        self, request: Request, base: list[tuple[str, str]], older: int | None
    ) -> dict[str, str | None]:
        further = [*base, ("before", str(older))]
        return {
            "newest": self._pages.address(request, base),
            "older": self._pages.address(request, further) if older else None,
        }

    async def message(self, request: Request, now: datetime) -> Response:
        number = _number(request.path_params["number"])
        page = await self._data.message(number) if number else None
        if page is None:
            return self._pages.refusal(request, "404", 404)
        token = access.form_token(request)
        found = self._pages.words(request)
        done = views.done(request.query_params.get("done", ""), page, found)
        values = {
            "token": token,
            "done": done,
            "trial": None,
            "refused": "",
            "reason_least": REASON_LEAST,
            **views.message(page),
        }
        view = View("message.html", "messages", values, {}, known=("done",))
        response = await self._pages.answer(request, view, now)
        access.keep_token(request, response, token)
        return response

    async def deliveries(self, request: Request, now: datetime) -> Response:
        query = request.query_params
        group, before = query.get("state", ""), _number(query.get("before"))
        statuses = views.DELIVERY_GROUPS.get(group, ())
        page = await self._data.deliveries(statuses, before)
        base = [("state", group)] if statuses else []
        values = {
            "page": page,
            "group": group if statuses else "",
            "groups": views.delivery_groups(page.counts),
            "before": before,
            **self._newer_older(request, base, page.older),
        }
        zones = {"deliveries": "zones/deliveries.html"}
        view = View("deliveries.html", "deliveries", values, zones, known=("state", "before"))
        return await self._pages.answer(request, view, now)

    async def document(self, request: Request, now: datetime) -> Response:
        page = await self._data.document(request.path_params["document_id"])
        if page is None:
            return self._pages.refusal(request, "404", 404)
        view = View("document.html", "deliveries", views.document(page), {})
        return await self._pages.answer(request, view, now)

    async def live(self, request: Request, now: datetime) -> Response:
        after = request.headers.get("last-event-id") or request.query_params.get("after", "")
        stream = self._hub.listen(after[:80], self._pages.sieve(request))
        return StreamingResponse(stream, headers=_STREAM, media_type="text/event-stream")


def _number(text: str | None) -> int | None:
    """Return a positive number of at most 18 digits, else None."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None
