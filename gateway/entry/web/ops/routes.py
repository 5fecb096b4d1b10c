"""The addresses of operators: feeds, quarantine, one message and one delivery acted on."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.core.errors import RejectedError
from gateway.core.issues import Issue
from gateway.entry.web import views
from gateway.entry.web.ops.desk import Desk, number_of, reason_of
from gateway.entry.web.ops.drawings import sparkline
from gateway.entry.web.ops.found import Finding
from gateway.entry.web.ops.quarantine import TOGETHER
from gateway.entry.web.ops.values import Cause, Draft, Trial
from gateway.entry.web.render import View

_log = structlog.get_logger()


def ops_router(desk: Desk) -> APIRouter:
    """Return the pages of operators; they come before those they refine."""
    router = APIRouter(include_in_schema=False)
    flows, held, message = _Flows(desk), _Held(desk), _Message(desk)
    delivery, finding = _Delivery(desk), Finding(desk)
    for path, handler in {
        "/feeds": flows.page,
        "/quarantine": held.page,
        "/quarantine/{key}": held.cause,
        "/deliveries/{number}": delivery.page,
    }.items():
        router.add_api_route(path, desk.opened(handler))
    for path, act in {
        "/messages/find": finding.by_control,
        "/messages/of-patient": finding.of_patient,
        "/quarantine/{key}/try": held.tried,
        "/quarantine/{key}/replay": held.replay,
        "/quarantine/{key}/draft": held.draft,
        "/messages/{number}/reveal": message.reveal,
        "/messages/{number}/try": message.tried,
        "/messages/{number}/retry": message.tried,
        "/messages/{number}/discard": message.discard,
        "/messages/{number}/replay": message.replay,
        "/deliveries/{number}/{act}": delivery.act,
    }.items():
        router.add_api_route(path, desk.sent(act), methods=["POST"])
    return router


def _back(path: str) -> dict[str, str]:
    """Return where the links of the frame of an answer to a form lead: to the page of the form."""
    return {"here": path, "other_language": path}


class _Flows:
    """Feeds."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def page(self, request: Request, now: datetime) -> Response:
        """Show every feed."""
        page = await self._desk.ops.flows.page(now)
        words = self._desk.pages.words(request)
        values: dict[str, Any] = {
            "page": page,
            "sparks": {row.feed: sparkline(row, words) for row in page.sources},
            "troubled": sum(row.state != "live" for row in page.sources),
            "waiting": sum(
                c for s, c in page.outbox.items() if s in views.DELIVERY_GROUPS["waiting"]
            ),
        }
        view = View("feeds.html", "feeds", values, {"feeds": "zones/feeds.html"})
        return await self._desk.pages.answer(request, view, now)


class _Held:
    """Quarantine by cause."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._reader = desk.ops.quarantine

    async def page(self, request: Request, now: datetime) -> Response:
        """Show the causes."""
        done = request.query_params.get("done", "")
        values = {
            "page": await self._reader.causes(),
            "passed": int(done) if done.isdecimal() and len(done) < 6 else None,
        }
        zones = {"quarantine": "zones/quarantine.html"}
        view = View("quarantine.html", "messages", values, zones, known=("done",))
        return await self._desk.pages.answer(request, view, now)

    async def cause(self, request: Request, now: datetime) -> Response:
        """Show one cause."""
        found = await self._reader.cause(request.path_params["key"])
        if found is None:
            return self._desk.pages.refusal(request, "404", 404)
        return await self._shown(request, now, found, None)

    async def tried(self, request: Request, now: datetime, _fields: dict[str, str]) -> Response:
        """Show what a replay of one cause would do."""
        found = await self._reader.cause(request.path_params["key"])
        if found is None:
            return self._desk.pages.refusal(request, "404", 404)
        trial = await self._reader.tried(found.numbers[:TOGETHER])
        return await self._shown(request, now, found, trial)

    async def replay(self, request: Request, now: datetime, fields: dict[str, str]) -> Response:
        """Replay what was tried."""
        found = await self._reader.cause(request.path_params["key"])
        if found is None:
            return self._desk.pages.refusal(request, "404", 404)
        numbers = found.numbers[:TOGETHER]
        what = f"replay {min(numbers)} to {max(numbers)}"
        await self._desk.ops.journal.keep([self._desk.trace(request, "handled", what=what)])
        trial = await self._reader.replay(numbers, fields.get("digest", ""))
        _log.info("quarantine_replayed", count=trial.rows, code=found.code)
        return RedirectResponse(f"/quarantine?done={trial.passed}", 303)

    async def draft(self, request: Request, now: datetime, fields: dict[str, str]) -> Response:
        """Try rows of a site table, or keep them as a draft; the table in force stays."""
        found = await self._reader.cause(request.path_params["key"])
        drafts = self._desk.ops.drafts
        proposed = await drafts.proposed(found.numbers[0], found.code) if found else None
        if found is None or proposed is None:
            return self._desk.pages.refusal(request, "404", 404)
        rows = fields.get("rows", "")
        written = replace(proposed, text=rows)
        try:
            return await self._drafted(request, now, found, written, fields)
        except RejectedError as error:
            # What was typed stays on the page, beside what is wrong with it.
            fault = error.issues[0]
            return await self._shown(request, now, found, None, draft=written, fault=fault)

    async def _drafted(
        self,
        request: Request,
        now: datetime,
        found: Cause,
        written: Draft,
        fields: dict[str, str],
    ) -> Response:
        drafts, site, rows = self._desk.ops.drafts, written.site, written.text
        if fields.get("act") != "keep":
            trial = await drafts.tried(found.numbers[:TOGETHER], site, rows)
            return await self._shown(request, now, found, trial, draft=written, from_draft=True)
        reason = reason_of(fields)
        if not reason:
            return await self._shown(request, now, found, None, draft=written, refused="reason")
        trace = self._desk.trace(request, "handled", what=f"draft for site {site}", why=reason)
        said = [
            f"Draft of {trace.at:%Y-%m-%dT%H:%M:%SZ} by {trace.agent}, not in force.",
            f"Cause: {found.code} at {found.where}, {len(found.numbers)} inputs.",
            f"Reason: {reason}",
        ]
        await self._desk.ops.journal.keep([trace])
        await drafts.keep(site, rows, said, trace.at)
        return RedirectResponse(f"/quarantine/{found.key}?done=draft", 303)

    async def _shown(
        self,
        request: Request,
        now: datetime,
        found: Cause,
        trial: Trial | None,
        *,
        draft: Draft | None = None,
        from_draft: bool = False,
        refused: str = "",
        fault: Issue | None = None,
    ) -> Response:
        if draft is None:
            draft = await self._desk.ops.drafts.proposed(found.numbers[0], found.code)
        values = {
            "cause": found,
            "trial": trial,
            "together": TOGETHER,
            "draft": draft,
            "from_draft": from_draft,
            "refused": refused,
            "fault": fault,
            "kept": request.query_params.get("done") == "draft",
            **_back(f"/quarantine/{found.key}"),
        }
        status = 400 if refused else 409 if fault else 200
        view = View("cause.html", "messages", values, {}, known=("done",), status=status)
        return await self._desk.shown(request, view, now)


class _Message:
    """One message that is acted on."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def reveal(self, request: Request, now: datetime, fields: dict[str, str]) -> Response:
        """Show the values of a message to somebody who says why, once that is in the journal."""
        number, reason = number_of(request), reason_of(fields)
        if number is None or not reason:
            return await self._shown(request, now, number, refused="reason")
        patients = await self._desk.ops.quarantine.patients(number)
        about = {"page": "messages", "what": f"message {number}", "why": reason}
        traces = [self._desk.trace(request, "reveal", one, **about) for one in patients or ("",)]
        # Kept before anything leaves: no value is shown that nobody can be asked about.
        await self._desk.ops.journal.keep(traces)
        _log.info("message_revealed", inbox_id=number)
        return await self._shown(request, now, number, revealed=True)

    async def tried(self, request: Request, now: datetime, _fields: dict[str, str]) -> Response:
        """Show what a replay of one message would do."""
        number = number_of(request)
        if number is None:
            return self._desk.pages.refusal(request, "404", 404)
        trial = await self._desk.ops.quarantine.tried([number])
        return await self._shown(request, now, number, trial=trial)

    async def replay(self, request: Request, now: datetime, fields: dict[str, str]) -> Response:
        """Replay what was tried."""
        number = number_of(request)
        if number is None:
            return self._desk.pages.refusal(request, "404", 404)
        what = f"replay {number}"
        await self._desk.ops.journal.keep([self._desk.trace(request, "handled", what=what)])
        await self._desk.ops.quarantine.replay([number], fields.get("digest", ""))
        return RedirectResponse(f"/messages/{number}?done=retry", 303)

    async def discard(self, request: Request, now: datetime, fields: dict[str, str]) -> Response:
        """Set a message aside for good, once the journal says who did it and why."""
        number, reason = number_of(request), reason_of(fields)
        if number is None or not reason:
            return await self._shown(request, now, number, refused="discard")
        trace = self._desk.trace(request, "handled", what=f"discard message {number}", why=reason)
        await self._desk.ops.journal.keep([trace])
        await self._desk.pages.data.discard(number)
        _log.info("inbox_row_acted_on", what="discard", inbox_id=number)
        return RedirectResponse(f"/messages/{number}?done=discard", 303)

    async def _shown(
        self,
        request: Request,
        now: datetime,
        number: int | None,
        *,
        revealed: bool = False,
        trial: Trial | None = None,
        refused: str = "",
    ) -> Response:
        page = await self._desk.pages.data.message(number) if number else None
        if page is None:
            return self._desk.pages.refusal(request, "404", 404)
        values = {
            "done": "",
            "trial": trial,
            "from_draft": False,
            "refused": refused,
            **views.message(page, revealed=revealed),
            **_back(f"/messages/{number}"),
        }
        status = 400 if refused else 200
        view = View("message.html", "messages", values, {}, status=status, live=not revealed)
        return await self._desk.shown(request, view, now)


class _Delivery:
    """One delivery."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def page(self, request: Request, now: datetime) -> Response:
        """Show it."""
        done = request.query_params.get("done", "")
        return await self._shown(request, now, done=done if done in ("retry", "give-up") else "")

    async def act(self, request: Request, now: datetime, fields: dict[str, str]) -> Response:
        """Send it again or give it up."""
        number, act = number_of(request), request.path_params["act"]
        if number is None or act not in ("retry", "give-up"):
            return self._desk.pages.refusal(request, "404", 404)
        reason = reason_of(fields)
        if not reason:
            return await self._shown(request, now, refused="reason")
        what = f"{act} delivery {number}"
        trace = self._desk.trace(request, "handled", what=what, why=reason)
        await self._desk.ops.deliveries.act(number, act, trace)
        _log.info("delivery_acted_on", what=act, outbox_id=number)
        return RedirectResponse(f"/deliveries/{number}?done={act}", 303)

    async def _shown(
        self, request: Request, now: datetime, *, done: str = "", refused: str = ""
    ) -> Response:
        number = number_of(request)
        page = await self._desk.ops.deliveries.page(number) if number else None
        if page is None:
            return self._desk.pages.refusal(request, "404", 404)
        values = {"page": page, "done": done, "refused": refused, **_back(f"/deliveries/{number}")}
        status = 400 if refused else 200
        view = View("delivery.html", "deliveries", values, {}, known=("done",), status=status)
        return await self._desk.shown(request, view, now)
