"""What people do about gaps: forms that write their Tasks, one gap or a hundred at once.

Every form is a plain POST that answers with a redirect; what was typed is never lost: not to a
colleague who was first (409), not to a fault (422), not to a session that closed (401).
"""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.core.errors import RejectedError, RetriableError
from gateway.entry.web import access
from gateway.entry.web.forms import ACTS, BULK, Form, typed
from gateway.entry.web.kept import Kept
from gateway.entry.web.people import Colleague, sign
from gateway.entry.web.render import Pages
from gateway.entry.web.store_work import refused_by

_log = structlog.get_logger()
#: Gaps of one act at most.
_MOST = 100
_FORM_LIMIT = 128 * 1024
_NAME_LIMIT, _QUERY_LIMIT = 60, 500
#: Shows the page of a gap with a form on it, and a status.
ShowGap = Callable[[Request, datetime, str, Form, int], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an act on several gaps did.

    Attributes:
        act: one of `forms.BULK`, or `undo`.
        done: version of the Task after it, by gap id.
        refused: why not, a key of the catalogue, by gap id.
    """

    act: str
    done: Mapping[str, int]
    refused: Mapping[str, str]


@dataclass(slots=True)
class Desktop:
    """What the forms of gaps share.

    Attributes:
        drafts: what was typed into a session that closed, with the gap it was about.
        outcomes: of acts on several gaps, shown once the browser was redirected.
    """

    pages: Pages
    drafts: Kept[tuple[str, Form]] = field(default_factory=Kept)
    outcomes: Kept[Outcome] = field(default_factory=Kept)
    salt: str = field(default_factory=lambda: secrets.token_hex(16))

    def draft(self, request: Request, gap_id: str, now: datetime) -> Form | None:
        """Return what this person typed about a gap into a session that closed."""
        key, mark = access.draft_key(request), self.mark(self.pages.staff.at(request))
        found = self.drafts.find(key, mark, now.timestamp())
        return found[1] if found is not None and found[0] == gap_id else None

    def mark(self, who: Colleague) -> str:
        """Return who a form is made for, as it repeats it: no identifier in the page."""
        return sha256(f"{self.salt}|{who.id}".encode()).hexdigest()[:24]


def add_gap_acts(router: APIRouter, desktop: Desktop, show: ShowGap) -> None:
    """Add the addresses forms about gaps are sent to."""
    forms = _Forms(desktop, show)
    for path, handler in {
        "/gaps/bulk": forms.bulk,
        "/gaps/views": forms.save_view,
        "/gaps/{gap_id}/{act}": forms.one,
    }.items():
        router.add_api_route(path, forms.guarded(handler), methods=["POST"])


Fields = Mapping[str, list[str]]
Handler = Callable[[Request, Fields, Colleague], Awaitable[Response]]


class _Forms:
    """The handlers."""

    def __init__(self, desktop: Desktop, show: ShowGap) -> None:
        self._desktop, self._pages, self._show = desktop, desktop.pages, show
        self._data = desktop.pages.data

    def guarded(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """Return a handler of forms of our pages, by people who may act."""

        async def handle(request: Request) -> Response:
            try:
                fields = await access.form(request, _FORM_LIMIT)
            except RejectedError as error:
                _log.warning("form_refused", code=error.issues[0].code)
                return self._pages.refusal(request, "csrf", 403, error.issues[0].code)
            barred = self._pages.barred(request)
            if barred is not None:
                is_closed = isinstance(barred, RedirectResponse)
                return self._kept(request, fields) if is_closed else barred
            who = self._pages.staff.at(request)
            if not who.may_act:
                return self._pages.refusal(request, "role", 403)
            sign(request)
            try:
                return await handler(request, fields, who)
            except RetriableError as error:
                return self._pages.refusal(request, "503", 503, error.issues[0].code)

        return handle

    def _kept(self, request: Request, fields: Fields) -> Response:
        """Keep what was typed into a session that closed, and ask to sign in again."""
        gap_id, act = _of(request)
        now = self._pages.clock.now()
        back = f"/gaps/{gap_id}" if act in ACTS else "/gaps"
        answer = self._pages.refusal(request, "session", 401, back=f"/login?to={back}")
        if act in ACTS:
            form = replace(typed(act, _single(fields), now), errors={})
            mark = _first(fields, "who")
            key = self._desktop.drafts.keep(mark, (gap_id, form), now.timestamp())
            access.keep_draft_key(request, answer, key)
        return answer

    async def one(self, request: Request, fields: Fields, who: Colleague) -> Response:
        """Act on one gap."""
        gap_id, act = _of(request)
        if act not in ACTS:
            return self._pages.refusal(request, "404", 404)
        now = self._pages.clock.now()
        form = typed(act, _single(fields), now)
        if form.errors:
            return await self._show(request, now, gap_id, form, 422)
        done = (await self._data.act({gap_id: form}, who, now))[gap_id]
        if isinstance(done, int):
            self._desktop.drafts.drop(access.draft_key(request))
            _log.info("gap_acted_on", act=act, version=done)
            return _went(_first(fields, "back"), gap_id, act, done)
        why = refused_by(done)
        if why == "gone":
            return self._pages.refusal(request, "404", 404)
        form = replace(form, errors={_PLACES.get(why, ""): why})
        return await self._show(request, now, gap_id, form, 409 if why == "conflict" else 422)

    async def bulk(self, request: Request, fields: Fields, who: Colleague) -> Response:
        """Act on several gaps: all that can be done is done, the rest is told."""
        back = _own(_first(fields, "back")) or "/gaps"
        chosen = dict(_chosen(fields.get("gap", [])))
        act = _first(fields, "act")
        now = self._pages.clock.now()
        if act not in (*BULK, "undo") or not 0 < len(chosen) <= _MOST:
            why = "many" if len(chosen) > _MOST else "none" if not chosen else "act"
            return _with(back, [("fault", why)])
        form = typed(act, {**_single(fields), "note": _first(fields, "note")}, now)
        if form.errors:
            return _with(back, [("fault", next(iter(form.errors.values())))])
        if act == "close" and not await self._are_alike(list(chosen)):
            return _with(back, [("fault", "alike")])
        forms = {gap_id: replace(form, version=version) for gap_id, version in chosen.items()}
        told = await self._data.act(forms, who, now)
        outcome = Outcome(
            act,
            {gap_id: done for gap_id, done in told.items() if isinstance(done, int)},
            {gap_id: refused_by(done) for gap_id, done in told.items() if isinstance(done, tuple)},
        )
        key = self._desktop.outcomes.keep(who.id, outcome, now.timestamp())
        _log.info("gaps_acted_on", act=act, done=len(outcome.done), refused=len(outcome.refused))
        return _with(back, [("told", key)])

    async def _are_alike(self, gap_ids: list[str]) -> bool:
        """Tell whether gaps are of one rule and one establishment: only such are closed at once."""
        return await self._data.alike(gap_ids)

    async def save_view(self, request: Request, fields: Fields, who: Colleague) -> Response:
        """Keep the filters of a list under a name, or forget them."""
        back = _own(_first(fields, "back")) or "/gaps"
        name = " ".join(_first(fields, "name").split())[:_NAME_LIMIT]
        if not name:
            return _with(back, [("fault", "name")])
        if _first(fields, "act") == "drop":
            await self._data.drop_view(who.id, name)
            return RedirectResponse("/gaps", 303)
        query = urlsplit(back).query[:_QUERY_LIMIT]
        await self._data.save_view(who.id, name, query)
        return RedirectResponse(back, 303)


#: Fields that a refusal of the store is told beside.
_PLACES = {"nobody": "to", "too_far": "until"}


def _of(request: Request) -> tuple[str, str]:
    params = request.path_params
    return params.get("gap_id", "")[:80], params.get("act", "")


def _first(fields: Fields, name: str) -> str:
    return fields.get(name, [""])[0]


def _single(fields: Fields) -> dict[str, str]:
    return {name: values[0] for name, values in fields.items() if values}


def _chosen(texts: list[str]) -> list[tuple[str, int]]:
    """Read `<gap id>:<version>` of each row that was chosen."""
    found = []
    for text in texts[: _MOST + 1]:
        gap_id, _, version = text.rpartition(":")
        if gap_id and version.isascii() and version.isdigit() and len(version) < 9:
            found.append((gap_id[:80], int(version)))
    return found


def _own(path: str) -> str:
    """Return an address of the list, whatever was asked for."""
    parts = urlsplit(path)
    is_list = parts.path == "/gaps" and not parts.scheme and not parts.netloc
    return path if is_list and path.isascii() and path.isprintable() else ""


def _with(back: str, query: list[tuple[str, str]]) -> Response:
    joint = "&" if "?" in back else "?"
    return RedirectResponse(back + joint + "&".join(f"{k}={v}" for k, v in query), 303)


def _went(back: str, gap_id: str, act: str, version: int) -> Response:
    """Send the browser to the page it came from, which says what was done."""
    told = [("did", act), ("v", str(version))]
    if _own(back):
        return _with(_own(back), [*told, ("gap", gap_id)])
    return _with(f"/gaps/{gap_id}", told)
