"""What the handlers of operators and auditors share: who acts, why, and what is noted of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

import structlog
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from gateway.core.access import LOCAL
from gateway.core.audit import Trace
from gateway.core.errors import RejectedError, RetriableError
from gateway.entry.web import access
from gateway.entry.web.ops.drafts import DraftDesk
from gateway.entry.web.ops.finding import MessageFinder
from gateway.entry.web.ops.flows import FlowReader
from gateway.entry.web.ops.quarantine import QuarantineReader
from gateway.entry.web.ops.sending import DeliveryReader
from gateway.entry.web.ops.trail import JournalReader
from gateway.entry.web.render import Pages, View
from gateway.pipeline.journal import Journal

_log = structlog.get_logger()
Handler = Callable[[Request, datetime], Awaitable[Response]]
Act = Callable[[Request, datetime, dict[str, str]], Awaitable[Response]]
#: A reason says something; it is kept in the journal.
REASON_LEAST, REASON_MOST = 10, 300


@dataclass(frozen=True, slots=True)
class Ops:
    """What the pages of operators and auditors are made of."""

    flows: FlowReader
    quarantine: QuarantineReader
    drafts: DraftDesk
    deliveries: DeliveryReader
    finder: MessageFinder
    trail: JournalReader
    journal: Journal
    #: Gives the pages of the workbench; None: there are none.
    workbench: "Callable[[Desk], APIRouter] | None" = None


@dataclass(frozen=True, slots=True)
class Desk:
    """Pages with their data and the journal."""

    pages: Pages
    ops: Ops

    def opened(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """Return a handler behind the gate of the pages (`entry.auth.roles`)."""

        async def handle(request: Request) -> Response:
            barred = self.pages.barred(request)
            if barred is not None:
                return barred
            try:
                return await handler(request, self.pages.clock.now())
            except RejectedError as error:
                return self.pages.refusal(request, "conflict", 409, error.issues[0].code)
            except RetriableError as error:
                response = self.pages.refusal(request, "503", 503, error.issues[0].code)
                response.headers["Retry-After"] = "5"
                return response

        return handle

    def sent(self, act: Act) -> Callable[[Request], Awaitable[Response]]:
        """Return a handler of a form of ours."""

        async def handle(request: Request, now: datetime) -> Response:
            try:
                fields = await access.check_form(request)
            except RejectedError as error:
                _log.warning("form_refused", code=error.issues[0].code)
                return self.pages.refusal(request, "csrf", 403, error.issues[0].code)
            return await act(request, now, fields)

        return self.opened(handle)

    async def shown(self, request: Request, view: View, now: datetime) -> Response:
        """Write a page that holds a form: the browser keeps its token."""
        token = access.form_token(request)
        values = {"token": token, "reason_least": REASON_LEAST, **view.values}
        made = View(
            view.template, view.current, values, view.zones, view.known, view.status, view.live
        )
        response = await self.pages.answer(request, made, now)
        access.keep_token(request, response, token)
        return response

    def trace(self, request: Request, kind: str, patient: str = "", **details: str) -> Trace:
        """Return an entry of the journal about what is done here."""
        said = getattr(request.state, "person", None) or {}
        address = request.client.host if request.client else ""
        agent = said.get("user", LOCAL)
        told = {**said, "address": address, **details}
        return Trace(str(uuid4()), self.pages.clock.now(), kind, "0", agent, patient, told)


def reason_of(fields: dict[str, str]) -> str:
    """Return a reason that says something, else an empty text."""
    text = " ".join(fields.get("reason", "").split())
    return text[:REASON_MOST] if len(text) >= REASON_LEAST else ""


def number_of(request: Request) -> int | None:
    """Return the number in the address, None when it is none."""
    text = str(request.path_params["number"])
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
