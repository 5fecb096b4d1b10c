"""Login, logout and who is in: Pro Santé Connect at the pages, where it is configured.

Without it the pages are for this machine, as `entry.web.access` says. The cookie of a session is
bound to the host and unreadable to scripts; a GET changes nothing but what the browser began.
"""

import html
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import structlog
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.core.audit import Trace
from gateway.core.issues import Issue, Severity
from gateway.entry.auth.id_token import LoginRefusedError
from gateway.entry.auth.people import Person
from gateway.entry.auth.psc import Psc
from gateway.entry.auth.roles import may
from gateway.entry.auth.sessions import BEGUN_S, Session
from gateway.entry.web import access
from gateway.entry.web.render import Pages
from gateway.pipeline.journal import Journal
from gateway.pipeline.viewing import VIEWER, Viewer

LOGIN, BACK, LOGOUT, ENDED = "/login", "/login/back", "/logout", "/login/ended"
_FORM_LIMIT = 16 * 1024

_log = structlog.get_logger()


def login_router(psc: Psc, pages: Pages, journal: Journal) -> APIRouter:
    """Return the addresses of login and logout."""
    router = APIRouter(include_in_schema=False)
    desk = _Desk(psc, pages, journal)
    router.add_api_route(LOGIN, desk.begin)
    router.add_api_route(BACK, desk.back)
    router.add_api_route(LOGOUT, desk.leave, methods=["POST"])
    router.add_api_route(ENDED, desk.ended, methods=["POST"])
    return router


def viewer_of(psc: Psc, session: Session, person: Person) -> Viewer:
    """Return who looks, as the store is read for them."""
    return Viewer(person.id, person.circle(session.finess), psc.clock.now())


def still_in(psc: Psc) -> Callable[[Request], bool]:
    """Return what tells, for an open stream, whether who opened it is still in.

    It says who looks now, too: what they may be shown may have changed.
    """

    def is_in(request: Request) -> bool:
        found = psc.listener(request.cookies.get(_cookie(request, "relais"), ""))
        if found is not None:
            VIEWER.set(viewer_of(psc, *found))
        return found is not None

    return is_in


def gate_of(psc: Psc) -> Callable[[Request], Response | None]:
    """Return what lets a request to a page through: None, or the answer in its place."""

    def gate(request: Request) -> Response | None:
        found = psc.person(request.cookies.get(_cookie(request, "relais"), ""))
        if found is None:
            return RedirectResponse(f"{LOGIN}?to={_local(request.url.path)}", 303)
        session, person = found
        if not may(person.role, request.method, request.url.path):
            # What is not for a role is not there.
            return Response(status_code=404)
        VIEWER.set(viewer_of(psc, session, person))
        details = {"user": person.id, "role": person.role.value}
        request.state.person = {**details, "finess": ",".join(session.finess)}
        request.state.proved_s = psc.now() - session.born
        request.state.opens = lambda address: may(person.role, "GET", address)
        return None

    return gate


class _Desk:
    """The handlers."""

    def __init__(self, psc: Psc, pages: Pages, journal: Journal) -> None:
        self._psc, self._pages, self._journal = psc, pages, journal

    async def begin(self, request: Request) -> Response:
        """Send the browser to Pro Santé Connect."""
        asked = request.query_params
        again = asked.get("again") == "1"
        secret, address = self._psc.begin(_local(asked.get("to", "/")), again=again)
        answer = RedirectResponse(address, 303)
        self._keep(request, answer, "relais-pre", secret, int(BEGUN_S))
        return answer

    async def back(self, request: Request) -> Response:
        """Take the browser back with its code, and let the person in."""
        name, now = _cookie(request, "relais-pre"), self._psc.now()
        begun = self._psc.sessions.begun(request.cookies.get(name, ""), now)
        asked = request.query_params
        if begun is None or asked.get("state") != begun.state:
            return await self._refused(request, "state")
        if "code" not in asked:
            return await self._refused(request, "denied")
        try:
            session = await self._psc.enter(begun, asked["code"])
        except LoginRefusedError as refused:
            return await self._refused(request, str(refused))
        details = {"user": session.person, "why": f"psc eidas1 {session.amr}".strip()}
        await self._keep_trace(request, "login", "0", session.person, details)
        # A new secret at each login: one that was planted before is worth nothing.
        self._psc.sessions.end(request.cookies.get(_cookie(request, "relais"), ""))
        answer = RedirectResponse(begun.back, 303)
        answer.delete_cookie(name, path="/", secure=_is_secure(request), httponly=True)
        self._keep(request, answer, "relais", self._psc.sessions.open(session), None)
        return answer

    async def leave(self, request: Request) -> Response:
        """End the session here first, then at the provider."""
        if not access.from_here(request):
            return self._pages.refusal(request, "csrf", 403, access.foreign_form().code)
        name = _cookie(request, "relais")
        session, address = self._psc.leave(request.cookies.get(name, ""))
        if session is not None:
            details = {"user": session.person}
            await self._keep_trace(request, "logout", "0", session.person, details)
        # The answer of a form may not lead elsewhere (CSP form-action): the next page does.
        text = "<!doctype html><title>Relais</title><p>Déconnecté. Signed out.</p>"
        if address:
            text += f'<p><a href="{html.escape(address)}">Pro Santé Connect</a></p>'
        headers = {"Refresh": f"0; url={address}"} if address else {}
        answer = Response(text, 200, headers, "text/html; charset=utf-8")
        answer.delete_cookie(name, path="/", secure=_is_secure(request), httponly=True)
        return answer

    async def ended(self, request: Request) -> Response:
        """End sessions the provider says are over (OpenID Connect Back-Channel Logout 1.0)."""
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _FORM_LIMIT:
                return Response(status_code=400)
        token = parse_qs(body.decode("latin-1")).get("logout_token", [""])[0]
        try:
            count = await self._psc.ended(token)
        except LoginRefusedError as refused:
            _log.warning("logout_refused", reason=str(refused))
            return Response(status_code=400, headers={"Cache-Control": "no-store"})
        _log.info("sessions_ended", count=count)
        return Response(status_code=200, headers={"Cache-Control": "no-store"})

    async def _refused(self, request: Request, why: str) -> Response:
        """Refuse without saying why; the log and the journal know."""
        _log.warning("login_refused", reason=why)
        await self._keep_trace(request, "login", "4", "", {"why": why})
        return self._pages.refusal(request, "login", 403, _not_let_in().code)

    async def _keep_trace(
        self, request: Request, kind: str, outcome: str, who: str, details: dict[str, Any]
    ) -> None:
        address = request.client.host if request.client else ""
        told = {**details, "address": address}
        now = self._psc.clock.now()
        await self._journal.keep([Trace(str(uuid4()), now, kind, outcome, who, "", told)])

    def _keep(
        self, request: Request, answer: Response, name: str, secret: str, age_s: int | None
    ) -> None:
        answer.set_cookie(
            _cookie(request, name),
            secret,
            max_age=age_s,
            httponly=True,
            # Strict would drop it on the way back from the provider.
            samesite="lax",
            secure=_is_secure(request),
            path="/",
        )


def _local(path: str) -> str:
    """Return a path of ours, whatever is asked: nobody is sent elsewhere."""
    parts = urlsplit(path)
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and not parts.netloc
    return parts.path if is_ours and path.isprintable() and "\\" not in path else "/"


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"


def _cookie(request: Request, name: str) -> str:
    """Return the name of a cookie; the prefix binds it to this host, and needs TLS."""
    return f"__Host-{name}" if _is_secure(request) else name


def _not_let_in() -> Issue:
    return Issue(
        code="RLS-SEC-050",
        severity=Severity.ERROR,
        where="http.login",
        what="Pro Santé Connect, or the table of people of this installation, does not let in.",
        fix="Begin again; the operator finds the reason in the log (login_refused).",
    )
