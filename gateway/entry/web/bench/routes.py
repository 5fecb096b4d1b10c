"""The addresses of the workbench: what somebody pastes is looked at, shown, and forgotten.

What is pasted is in the body of a form and in the answer to it, and nowhere else: no address, no
session, no store, no log, no file holds it.
"""

import asyncio
import base64
import binascii
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from gateway.core.errors import FatalError, RejectedError, RetriableError
from gateway.core.issues import Issue
from gateway.entry.bench.drafts import MappingDrafts
from gateway.entry.bench.folding import window
from gateway.entry.bench.inputs import TEXT_LIMIT, Input, bytes_of, kind_of, opened
from gateway.entry.bench.jobs import Compare, Differences, Look, Side
from gateway.entry.bench.process import BenchProcess
from gateway.entry.bench.samples import samples
from gateway.entry.bench.sending import Sent, sent_to
from gateway.entry.bench.study import Study
from gateway.entry.settings import Settings
from gateway.entry.web.bench.drafts import download, drafts_router
from gateway.entry.web.bench.posted import Posted, posted
from gateway.entry.web.bench.rules import rules_router
from gateway.entry.web.ops.desk import Desk
from gateway.entry.web.render import View

_log = structlog.get_logger()
#: Messages of a batch that are listed.
_LISTED = 200
_STATUS = {"RLS-WEB-121": 413, "RLS-SEC-011": 403, "RLS-WEB-123": 422}


@dataclass(frozen=True, slots=True)
class Bench:
    """What the workbench works with.

    Attributes:
        process: looks at inputs.
        trials: tries rules.
        settings: of the installation.
        drafts: of mapping files.
        sites: names of the site tables.
    """

    process: BenchProcess
    trials: BenchProcess
    settings: Settings
    drafts: MappingDrafts
    sites: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """Return the longest time to look at one input."""
        return self.settings.workbench.seconds


@dataclass(frozen=True, slots=True)
class Given:
    """What a form gave.

    Attributes:
        typed: text of the box, as it was.
        site: name of a site table; empty: that of the sender.
        tree: name of the mappings to convert with.
        part: number of the message of a batch, from 1.
        show: anchor of what is shown in full (`bench.folding`).
        input: None when it could not be opened.
    """

    typed: str = ""
    site: str = ""
    tree: str = "installed"
    part: int = 1
    show: str = ""
    input: Input | None = None

    @property
    def body(self) -> bytes:
        """Return the message that is looked at."""
        if self.input is None:
            return b""
        return self.input.messages[self.part - 1]

    @property
    def held(self) -> str:
        """Return the input for the forms of the answer; empty when it is too large for that."""
        if self.input is None or len(self.input.body) > TEXT_LIMIT:
            return ""
        return base64.b64encode(self.input.body).decode("ascii")


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison with the two ways it was made: names of mappings and of site tables."""

    found: Differences
    before: tuple[str, str]
    after: tuple[str, str]


def bench_router(desk: Desk, bench: Bench) -> APIRouter:
    """Return the pages of the workbench."""
    router = APIRouter(include_in_schema=False)
    table = _Table(desk, bench)
    router.add_api_route("/workbench", desk.opened(table.page))
    router.add_api_route("/workbench", desk.opened(table.looked), methods=["POST"])
    router.include_router(drafts_router(desk, bench.process, bench.drafts))
    router.include_router(rules_router(desk, bench.trials, bench.settings))
    return router


class _Table:
    """Looking at one input."""

    def __init__(self, desk: Desk, bench: Bench) -> None:
        self._desk, self._bench = desk, bench

    async def page(self, request: Request, now: datetime) -> Response:
        """Show an empty box, or one with a sample."""
        self._bench.process.warm()
        sample = request.query_params.get("sample", "")
        given = Given(typed=samples().get(sample, "")) if sample else Given()
        return await self._shown(request, now, given)

    async def looked(self, request: Request, now: datetime) -> Response:
        """Show an input and what became of it."""
        given = Given()
        try:
            fields = await posted(request)
            given = _with_input(self._given(fields), fields)
            act = fields.word("act")
            if act == "compare":
                return await self._shown(
                    request, now, given, compared=await self._compared(given, fields, now)
                )
            if act == "send":
                return await self._shown(
                    request, now, given, sent=await self._sent(request, given, fields)
                )
            study = await self._studied(given, now, with_bundle=act == "bundle")
        except (RejectedError, FatalError, RetriableError) as error:
            _log.info("workbench_refused", code=error.issues[0].code)
            return await self._shown(request, now, given, faults=error.issues)
        _log.info("workbench_used", kind=study.kind, size=len(given.body), outcome=study.status)
        if act == "bundle" and study.bundle:
            return download(study.bundle, "relais-bundle.json", "application/fhir+json")
        return await self._shown(request, now, given, study=study)

    async def _compared(self, given: Given, fields: Posted, now: datetime) -> Compared:
        sides = []
        for side in ("before", "after"):
            tree, site = fields.word(f"{side}_tree"), fields.word(f"{side}_site")
            names = self._bench.drafts.trees()
            chosen = tree if tree in names else names[0]
            site = site if site in self._bench.sites else ""
            made = await asyncio.to_thread(self._bench.drafts.tree, chosen)
            sides.append((chosen, Side(made, site)))
        (old, before), (new, after) = sides
        job = Compare(given.body, kind_of(given.body), now, before, after)
        found: Differences = await self._bench.process.ask(job, 2 * self._bench.seconds)
        _log.info("workbench_used", kind="compare", size=len(given.body), outcome=found.after)
        return Compared(found, (old, before.site), (new, after.site))

    async def _sent(self, request: Request, given: Given, fields: Posted) -> Sent:
        """Send what was tried; the journal says who sent to which test gateway, and not what."""
        name = fields.word("target")
        trace = self._desk.trace(request, "handled", what=f"workbench send to {name[:60]}")
        found = await sent_to(self._bench.settings, name, given.body, kind_of(given.body))
        await self._desk.ops.journal.keep([trace])
        _log.info("workbench_sent", size=len(given.body), outcome=found.code)
        return found

    def _given(self, fields: Posted) -> Given:
        site = fields.word("site")
        part = fields.word("part")
        number = int(part) if part.isascii() and part.isdigit() and len(part) < 6 else 1
        tree = fields.word("tree")
        return Given(
            fields.text("text"),
            site if site in self._bench.sites else "",
            tree if tree in self._bench.drafts.trees() else "installed",
            max(1, number),
            fields.word("show"),
        )

    async def _studied(self, given: Given, now: datetime, *, with_bundle: bool) -> Study:
        kind = kind_of(given.body)
        tree = await asyncio.to_thread(self._bench.drafts.tree, given.tree)
        look = Look(given.body, kind, now, given.site, tree, with_bundle)
        study: Study = await self._bench.process.ask(look, self._bench.seconds)
        return study

    async def _shown(
        self,
        request: Request,
        now: datetime,
        given: Given,
        *,
        study: Study | None = None,
        compared: Compared | None = None,
        sent: Sent | None = None,
        faults: tuple[Issue, ...] = (),
    ) -> Response:
        # What cannot be given back by a form cannot be asked for again either.
        seen = window(study, given.show, whole=not given.held) if study else None
        values: dict[str, Any] = {
            "given": given,
            "study": seen.study if seen else None,
            "seen": seen,
            "unread": study.unread if study else 0,
            "compared": compared,
            "sent": sent,
            "targets": tuple(self._bench.settings.workbench.targets.items()),
            "trees": self._bench.drafts.trees(),
            "faults": faults,
            "sites": self._bench.sites,
            "samples": tuple(samples()),
            "sample": request.query_params.get("sample", ""),
            "text_limit": TEXT_LIMIT,
            "messages": _listed(given.input),
            # The answer to a form is at the address of the empty page.
            "here": "/workbench",
            "other_language": "/workbench",
        }
        status = _status(faults)
        view = View("workbench.html", "workbench", values, {}, ("sample",), status, live=False)
        return await self._desk.shown(request, view, now)


def _with_input(given: Given, fields: Posted) -> Given:
    """Return what was given with its input: a file before what was held, that before the text.

    Raises:
        RejectedError: nothing was given, or it is too large (RLS-WEB-120, RLS-WEB-121).
    """
    body = fields.get("file", b"")
    held = fields.get("held", b"")
    if not body and held:
        try:
            body = base64.b64decode(held, validate=True)
        except binascii.Error:
            body = b""
    found = opened(body or bytes_of(given.typed))
    part = given.part if given.part <= len(found.messages) else 1
    return replace(given, part=part, input=found)


def _listed(found: Input | None) -> list[tuple[int, str]]:
    """Return the messages of a batch by number, with what their header calls them."""
    if found is None or len(found.messages) < 2:
        return []
    return [(number, _type(body)) for number, body in enumerate(found.messages[:_LISTED], 1)]


def _type(body: bytes) -> str:
    head = body.split(b"\r", 1)[0].split(b"\n", 1)[0].decode("latin-1")
    fields = head.split(head[3]) if head.startswith("MSH") and len(head) > 8 else []
    return fields[8][:20] if len(fields) > 8 else ""


def _status(faults: tuple[Issue, ...]) -> int:
    if not faults:
        return 200
    return 503 if faults[0].code == "RLS-WEB-125" else _STATUS.get(faults[0].code, 400)
