"""Rules edited, checked and tried on invented patients or a log; never in force from here.

A trial takes longer than a request may: it runs beside it, its page asks again until it has
ended, and whoever began it may end it.
"""

import asyncio
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import structlog
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.core.errors import FatalError, RejectedError, RelaisError, RetriableError
from gateway.core.issues import Issue, Severity
from gateway.entry.bench.drafts import plain
from gateway.entry.bench.jobs import Backtest, CheckRule, Tried
from gateway.entry.bench.process import BenchProcess
from gateway.entry.settings import Settings
from gateway.entry.web.bench.drafts import download
from gateway.entry.web.bench.posted import Posted, posted
from gateway.entry.web.ops.desk import Desk
from gateway.entry.web.render import View
from gateway.mapping.loader import read_yaml_file
from gateway.pathway.rulefiles import rules_folder

_log = structlog.get_logger()
_CHECK_S = 30.0
#: Patients of the region that can be chosen, and bytes of a log.
SIZES, _LOG_LIMIT = (25, 50, 100, 200), 8 * 2**20
_KEPT = 20
#: How long a page waits for the end of a trial before it says that it is under way.
_WAIT_S = 1.5


@dataclass(slots=True)
class Run:
    """A trial.

    Attributes:
        name: of the rule.
        began: when.
        task: what makes it.
        is_cancelled: somebody ended it.
    """

    name: str
    began: datetime
    task: "asyncio.Task[Tried]"
    is_cancelled: bool = False


def rules_router(desk: Desk, process: BenchProcess, settings: Settings) -> APIRouter:
    """Return the pages of rules."""
    router = APIRouter(include_in_schema=False)
    shelf = _Rules(desk, process, settings)
    for path, handler in {
        "/workbench/rules": shelf.listed,
        "/workbench/rules/{name}": shelf.page,
        "/workbench/trials/{key}": shelf.run,
    }.items():
        router.add_api_route(path, desk.opened(handler))
    for path, act in {
        "/workbench/rules/{name}": shelf.written,
        "/workbench/trials/{key}": shelf.ended,
    }.items():
        router.add_api_route(path, desk.opened(act), methods=["POST"])
    return router


class _Rules:
    """The rules, and the trials of them that are under way or have ended."""

    def __init__(self, desk: Desk, process: BenchProcess, settings: Settings) -> None:
        self._desk, self._process, self._settings = desk, process, settings
        self._runs: dict[str, Run] = {}

    def _names(self) -> tuple[str, ...]:
        folder = rules_folder(self._settings.pathways)
        return tuple(sorted(path.stem for path in folder.glob("*.yaml")))

    def _told(self) -> list[tuple[str, Mapping[str, str]]]:
        folder = rules_folder(self._settings.pathways)
        paths = [folder / f"{name}.yaml" for name in self._names()]
        return [(path.stem, _called(path, path.stat().st_mtime_ns)) for path in paths]

    def _text(self, name: str) -> str | None:
        if name not in self._names():
            return None
        path = rules_folder(self._settings.pathways) / f"{name}.yaml"
        return path.read_text(encoding="utf-8")

    async def listed(self, request: Request, now: datetime) -> Response:
        """Show every rule file."""
        values = {"rules": await asyncio.to_thread(self._told)}
        view = View("rules.html", "workbench", values, {}, live=False)
        return await self._desk.pages.answer(request, view, now)

    async def page(self, request: Request, now: datetime) -> Response:
        """Show one rule."""
        name = request.path_params["name"]
        text = await asyncio.to_thread(self._text, name)
        if text is None:
            return self._desk.pages.refusal(request, "404", 404)
        self._process.warm()
        return await self._shown(request, now, name, text)

    async def written(self, request: Request, now: datetime) -> Response:
        """Check a rule, begin a trial of it, or give it as a file."""
        name = request.path_params["name"]
        found = await asyncio.to_thread(self._text, name)
        if found is None:
            return self._desk.pages.refusal(request, "404", 404)
        text = found
        try:
            fields = await posted(request)
            text = plain(fields.text("text"))
            if fields.word("act") == "download":
                return download(text.encode(), f"{name}.yaml", "application/yaml")
            if fields.word("act") == "try":
                key = self._begun(name, text, fields, now)
                return RedirectResponse(f"/workbench/trials/{key}", 303)
            faults = await self._process.ask(CheckRule(name, text), _CHECK_S)
        except (RejectedError, FatalError, RetriableError) as error:
            return await self._shown(request, now, name, text, faults=error.issues)
        return await self._shown(request, now, name, text, faults=faults, checked=True)

    def _begun(self, name: str, text: str, fields: Posted, now: datetime) -> str:
        """Begin a trial; return its key.

        Raises:
            RejectedError: another one is under way, or the log is too large (RLS-WEB-129).
        """
        log, patients = fields.get("log", b""), fields.word("patients")
        is_busy = any(not run.task.done() for run in self._runs.values())
        if is_busy or len(log) > _LOG_LIMIT:
            raise RejectedError([_not_begun()])
        size = int(patients) if patients in map(str, SIZES) else SIZES[0]
        job = Backtest(name, text, 0 if log.strip() else size, 1, log)
        seconds = self._settings.workbench.backtest_seconds
        key = secrets.token_urlsafe(12)
        while len(self._runs) >= _KEPT:
            self._runs.pop(next(iter(self._runs)))
        self._runs[key] = Run(name, now, asyncio.create_task(self._process.ask(job, seconds)))
        _log.info("rule_tried", what=name, count=size)
        return key

    async def run(self, request: Request, now: datetime) -> Response:
        """Show a trial: under way, its result, or why there is none."""
        run = self._runs.get(request.path_params["key"])
        if run is None:
            return self._desk.pages.refusal(request, "404", 404)
        # Short trials end while their page is waited for.
        await asyncio.wait({run.task}, timeout=_WAIT_S)
        tried, faults = await _outcome(run)
        values: dict[str, Any] = {
            "run": run,
            "key": request.path_params["key"],
            "tried": tried,
            "faults": faults,
            "is_running": not run.task.done(),
        }
        view = View("rule_trial.html", "workbench", values, {}, live=False)
        response = await self._desk.shown(request, view, now)
        if not run.task.done():
            # The page asks again by itself, also without script.
            response.headers["Refresh"] = "2"
        return response

    async def ended(self, request: Request, _now: datetime) -> Response:
        """End a trial."""
        try:
            await posted(request)
        except RejectedError as error:
            return self._desk.pages.refusal(request, "csrf", 403, error.issues[0].code)
        key = request.path_params["key"]
        run = self._runs.get(key)
        if run is None:
            return self._desk.pages.refusal(request, "404", 404)
        if not run.task.done():
            run.is_cancelled = True
            await asyncio.to_thread(self._process.cancel)
            with suppress(RelaisError):
                await run.task
        return RedirectResponse(f"/workbench/trials/{key}", 303)

    async def _shown(
        self,
        request: Request,
        now: datetime,
        name: str,
        text: str,
        *,
        faults: tuple[Issue, ...] = (),
        checked: bool = False,
    ) -> Response:
        wrong = any(issue.severity.refuses for issue in faults)
        values: dict[str, Any] = {
            "name": name,
            "text": text,
            "faults": faults,
            "checked": checked and not wrong,
            "sizes": SIZES,
            "here": f"/workbench/rules/{name}",
            "other_language": f"/workbench/rules/{name}",
        }
        status = 409 if wrong else 200
        view = View("rule.html", "workbench", values, {}, status=status, live=False)
        return await self._desk.shown(request, view, now)


async def _outcome(run: Run) -> tuple[Tried | None, tuple[Issue, ...]]:
    if not run.task.done():
        return None, ()
    try:
        return await run.task, ()
    except RelaisError as error:
        return None, () if run.is_cancelled else error.issues


def _not_begun() -> Issue:
    return Issue(
        code="RLS-WEB-129",
        severity=Severity.ERROR,
        where="workbench",
        what="the trial cannot begin: another one is under way, or the log is above 8 MiB.",
        fix="Wait for the other trial or end it; cut the log, or use `relais pathway backtest`.",
    )


@lru_cache(maxsize=512)
def _called(path: Path, _changed: int) -> Mapping[str, str]:
    """Return the name of a rule by language, empty where its file cannot be read."""
    with suppress(FatalError):
        said = read_yaml_file(path).data.get("name")
        if isinstance(said, Mapping):
            return {str(language): str(text) for language, text in said.items()}
    return {}
