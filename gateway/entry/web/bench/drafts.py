"""Mapping files and site tables as drafts: read, edited, checked, kept, taken along; never live."""

import asyncio
from datetime import datetime
from typing import Any

import structlog
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.core.errors import FatalError, RejectedError, RetriableError
from gateway.core.issues import Issue
from gateway.entry.bench.drafts import MappingDrafts, plain
from gateway.entry.bench.jobs import Check
from gateway.entry.bench.process import BenchProcess
from gateway.entry.web.bench.posted import posted
from gateway.entry.web.ops.desk import Desk, reason_of
from gateway.entry.web.render import View

_log = structlog.get_logger()
_CHECK_S = 30.0


def drafts_router(desk: Desk, process: BenchProcess, drafts: MappingDrafts) -> APIRouter:
    """Return the pages of drafts."""
    router = APIRouter(include_in_schema=False)
    shelf = _Shelf(desk, process, drafts)
    router.add_api_route("/workbench/mappings", desk.opened(shelf.listed))
    router.add_api_route("/workbench/mappings/{path:path}", desk.opened(shelf.page))
    router.add_api_route(
        "/workbench/mappings/{path:path}", desk.opened(shelf.written), methods=["POST"]
    )
    return router


class _Shelf:
    """The files of the mapping with their drafts."""

    def __init__(self, desk: Desk, process: BenchProcess, drafts: MappingDrafts) -> None:
        self._desk, self._process, self._drafts = desk, process, drafts

    async def listed(self, request: Request, now: datetime) -> Response:
        """Show every file, those with a draft first."""
        files = await asyncio.to_thread(self._drafts.files)
        kept = await asyncio.to_thread(self._drafts.kept)
        folders: dict[str, list[str]] = {}
        for path in files:
            folders.setdefault(path.rpartition("/")[0], []).append(path)
        values = {
            "folders": folders,
            "kept": {path: file.name for path, file in kept.items()},
            "is_keepable": self._drafts.is_keepable,
        }
        view = View("mappings.html", "workbench", values, {}, live=False)
        return await self._desk.pages.answer(request, view, now)

    async def page(self, request: Request, now: datetime) -> Response:
        """Show one file with its newest draft."""
        path = request.path_params["path"]
        text = await asyncio.to_thread(self._drafts.text, path)
        if text is None:
            return self._desk.pages.refusal(request, "404", 404)
        return await self._shown(request, now, path, text)

    async def written(self, request: Request, now: datetime) -> Response:
        """Check a text, keep it as a draft, or give it as a file."""
        path = request.path_params["path"]
        found = await asyncio.to_thread(self._drafts.text, path)
        if found is None:
            return self._desk.pages.refusal(request, "404", 404)
        text = ""
        try:
            fields = await posted(request)
            text = plain(fields.text("text"))
            act = fields.word("act")
            if act == "download":
                return download(text.encode(), path.rpartition("/")[2], "application/yaml")
            faults = await self._faults(path, text)
            if act != "keep" or faults:
                return await self._shown(request, now, path, text, faults=faults, checked=True)
            reason = reason_of({"reason": fields.text("reason")})
            if not reason:
                return await self._shown(request, now, path, text, refused=True)
            await self._keep(request, path, text, reason)
        except (RejectedError, FatalError, RetriableError) as error:
            return await self._shown(request, now, path, text or found, faults=error.issues)
        return RedirectResponse(f"/workbench/mappings/{path}?done=kept", 303)

    async def _faults(self, path: str, text: str) -> tuple[Issue, ...]:
        tree = await asyncio.to_thread(self._drafts.drafted, path, text)
        faults: tuple[Issue, ...] = await self._process.ask(Check(tree), _CHECK_S)
        return faults

    async def _keep(self, request: Request, path: str, text: str, reason: str) -> None:
        """Write the draft, once the journal says whose it is and why."""
        trace = self._desk.trace(request, "handled", what=f"draft of {path}", why=reason)
        said = [
            f"Draft of {trace.at:%Y-%m-%dT%H:%M:%SZ} by {trace.agent}, not in force.",
            f"Reason: {reason}",
        ]
        await self._desk.ops.journal.keep([trace])
        await asyncio.to_thread(self._drafts.keep, path, text, said, trace.at)
        _log.info("draft_kept", place=path)

    async def _shown(
        self,
        request: Request,
        now: datetime,
        path: str,
        text: str,
        *,
        faults: tuple[Issue, ...] = (),
        checked: bool = False,
        refused: bool = False,
    ) -> Response:
        kept = await asyncio.to_thread(self._drafts.kept)
        values: dict[str, Any] = {
            "path": path,
            "text": text,
            "faults": faults,
            "checked": checked,
            "refused": refused,
            "draft": kept[path].name if path in kept else "",
            "is_keepable": self._drafts.is_keepable,
            "done": request.query_params.get("done") == "kept",
            "here": f"/workbench/mappings/{path}",
            "other_language": f"/workbench/mappings/{path}",
        }
        status = 400 if refused else 409 if faults else 200
        view = View("mapping.html", "workbench", values, {}, ("done",), status, live=False)
        return await self._desk.shown(request, view, now)


def download(body: bytes, name: str, media_type: str) -> Response:
    """Return a file for the person who asked, kept by no cache."""
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }
    return Response(body, 200, headers, media_type)
