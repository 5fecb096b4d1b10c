"""Break-glass at the pages: its form, and the list of what was opened, for auditors.

The form is offered for any patient asked for, so that it does not tell who is known here. Whoever
opens one proves once more who they are, when that was more than five minutes ago.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

import structlog
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.core.access import Glass
from gateway.core.errors import RejectedError, RetriableError
from gateway.core.ports import Store
from gateway.entry.web import access
from gateway.entry.web.render import Pages, View
from gateway.pipeline.glass import Asked, open_glass, refused

_log = structlog.get_logger()
_PROVED_S = 300.0
_ID_LIMIT = 64


@dataclass(frozen=True, slots=True)
class GlassSettings:
    """What break-glass needs.

    Attributes:
        store: sees everything.
        lasts: how long a patient is open.
        auditors: mailboxes that are told.
    """

    store: Store
    lasts: timedelta = timedelta(hours=1)
    auditors: tuple[str, ...] = ()


def glass_router(pages: Pages, settings: GlassSettings) -> APIRouter:
    """Return the addresses of break-glass and of the journal; only where people log in."""
    router = APIRouter(include_in_schema=False)
    desk = _Desk(pages, settings)
    router.add_api_route("/glass", desk.form)
    router.add_api_route("/glass/{patient_id}", desk.form)
    router.add_api_route("/glass", desk.open, methods=["POST"])
    router.add_api_route("/journal", desk.journal)
    return router


class _Desk:
    """The handlers."""

    def __init__(self, pages: Pages, settings: GlassSettings) -> None:
        self._pages, self._settings = pages, settings

    async def form(self, request: Request) -> Response:
        """Show the form, or have the person prove first who they are."""
        barred = self._pages.barred(request) or _proof(request)
        if barred is not None:
            return barred
        patient = request.path_params.get("patient_id", "")[:_ID_LIMIT]
        return await self._form(request, {"patient": patient})

    async def open(self, request: Request) -> Response:
        """Take the form, and lead to the patient."""
        barred = self._pages.barred(request) or _proof(request)
        if barred is not None:
            return barred
        now = self._pages.clock.now()
        person: dict[str, str] = request.state.person
        try:
            given = await access.check_form(request)
        except RejectedError as error:
            return self._pages.refusal(request, "csrf", 403, error.issues[0].code)
        address = request.client.host if request.client else ""
        asked = Asked(
            person["user"],
            {**person, "address": address},
            given.get("patient", "")[:_ID_LIMIT],
            given.get("reason", ""),
        )
        settings = self._settings
        try:
            glass = await settings.store.write(
                lambda tx: open_glass(tx, asked, now, settings.lasts, settings.auditors)
            )
        except RejectedError as error:
            code = error.issues[0].code
            await settings.store.write(lambda tx: tx.audit.append([refused(asked, now, code)]))
            _log.warning("break_glass_refused", code=code)
            said = {"patient": asked.patient, "reason": asked.reason, "code": code}
            return await self._form(request, said, 422)
        except RetriableError as error:
            return self._pages.refusal(request, "503", 503, error.issues[0].code)
        _log.warning("break_glass", entry=glass.id)
        return RedirectResponse(f"/patients/{quote(glass.patient, safe='')}", 303)

    async def _form(self, request: Request, said: dict[str, str], status: int = 200) -> Response:
        token = access.form_token(request)
        values = {
            "token": token,
            "patient": said.get("patient", ""),
            "reason": said.get("reason", ""),
            "code": said.get("code", ""),
            "minutes": round(self._settings.lasts / timedelta(minutes=1)),
        }
        view = View("glass.html", "gaps", values, {}, status=status, live=False)
        response = await self._pages.answer(request, view, self._pages.clock.now())
        access.keep_token(request, response, token)
        return response

    async def journal(self, request: Request) -> Response:
        """Show auditors what was opened, before everything else."""
        barred = self._pages.barred(request)
        if barred is not None:
            return barred
        now = self._pages.clock.now()
        glasses = await self._settings.store.read(
            lambda tx: tx.access.glasses_since(now - _SHOWN, _ROWS)
        )
        values = {"glasses": glasses, "open_now": _live(glasses, now)}
        view = View("journal.html", "audit", values, {}, live=False)
        return await self._pages.answer(request, view, now)


#: How far back the list of the auditors goes.
_SHOWN, _ROWS = timedelta(days=90), 500


def _live(glasses: Sequence[Glass], now: datetime) -> frozenset[str]:
    return frozenset(one.id for one in glasses if one.until > now)


def _proof(request: Request) -> Response | None:
    """Return where somebody proves once more who they are; None when they just did."""
    if getattr(request.state, "proved_s", 0.0) <= _PROVED_S:
        return None
    to = request.url.path if request.method == "GET" else "/glass"
    return RedirectResponse(f"/login?again=1&to={quote(to)}", 303)
