"""Who may see the pages, and whether a form comes from one of them.

Without accounts (`psc`) everything is visible on this machine, and from elsewhere nothing, unless
the operator declared a boundary that admits trusted peers only (setting `unprotected`).
The token of a form is kept in a cookie that no script reads and no other site's request carries;
a form must repeat it, and the browser must say that the form is ours (OWASP, cross-site request
forgery: token and origin).
"""

import secrets
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response

from gateway.core.errors import RejectedError
from gateway.core.issues import Issue, Severity
from gateway.entry.auth.loopback import is_loopback

_FORM_LIMIT = 16 * 1024
_LANGUAGE = "relais-lang"
_YEAR_S = 365 * 86400


def may_see(request: Request, *, behind_boundary: bool) -> bool:
    """Tell whether the client may open the pages: today, whether it is on this machine.

    Behind a proxy on this machine the client is the one the proxy names.

    Args:
        request: for a page or from a form.
        behind_boundary: the boundary stands for this machine: in a container network every
            client, the browser on the host too, comes from the address of the bridge.
    """
    if behind_boundary:
        return True
    return is_loopback(request.client.host if request.client else "")


def form_token(request: Request) -> str:
    """Return the token of this browser, a new one when it has none."""
    return request.cookies.get(_cookie(request)) or secrets.token_urlsafe(32)


def kept_token(request: Request) -> str:
    """Return the token this browser keeps; empty when it has none."""
    return request.cookies.get(_cookie(request), "")


def keep_token(request: Request, response: Response, token: str) -> None:
    """Let the browser keep its token."""
    response.set_cookie(
        _cookie(request),
        token,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
        path="/",
    )


def remembered_language(request: Request) -> str | None:
    """Return the language this browser asked for before."""
    return request.cookies.get(_LANGUAGE)


def keep_language(request: Request, response: Response, language: str) -> None:
    """Let the browser keep its language."""
    response.set_cookie(
        _LANGUAGE,
        language,
        max_age=_YEAR_S,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
        path="/",
    )


async def check_form(request: Request) -> dict[str, str]:
    """Refuse a form that no page of ours sent; return its fields, the first of each name."""
    return {name: values[0] for name, values in (await form(request, _FORM_LIMIT)).items()}


async def form(request: Request, limit: int) -> dict[str, list[str]]:
    """Return the fields of a form that one of our pages sent.

    Args:
        request: with the form as `application/x-www-form-urlencoded`.
        limit: bytes at most.

    Raises:
        RejectedError: another site, no token, or not the token of this browser (RLS-SEC-011).
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise RejectedError([foreign_form()])
    fields = parse_qs(body.decode("latin-1"), errors="replace")
    given = fields.get("token", [""])[0]
    kept = kept_token(request)
    same = bool(kept) and secrets.compare_digest(given.encode(), kept.encode())
    if not same or not from_here(request):
        raise RejectedError([foreign_form()])
    return fields


def from_here(request: Request) -> bool:
    """Tell whether a browser says that a form is of one of our pages."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    return origin is None or origin == f"{request.url.scheme}://{request.headers.get('host', '')}"


def draft_key(request: Request) -> str:
    """Return the key of what this browser typed into a session that closed; empty without."""
    return request.cookies.get(_draft(request), "")


def keep_draft_key(request: Request, response: Response, key: str) -> None:
    """Let the browser keep the key of what was typed, ten minutes."""
    response.set_cookie(
        _draft(request),
        key,
        max_age=600,
        httponly=True,
        # Strict would be lost on the way back from the login.
        samesite="lax",
        secure=request.url.scheme == "https",
        path="/",
    )


def _draft(request: Request) -> str:
    return "__Host-relais-draft" if request.url.scheme == "https" else "relais-draft"


def _cookie(request: Request) -> str:
    """Return the cookie of the token; the prefix binds it to this host, and needs TLS."""
    return "__Host-relais-form" if request.url.scheme == "https" else "relais-form"


def from_elsewhere() -> Issue:
    """Say that the pages are for this machine only."""
    return Issue(
        code="RLS-SEC-010",
        severity=Severity.ERROR,
        where="http.client",
        what="the pages can be seen from the machine of the gateway only.",
        fix="Open them there, or through a tunnel to it; in a container network that nobody else "
        "reaches, set RELAIS_UNPROTECTED=true; or let people in with Pro Santé Connect (psc).",
    )


def foreign_form() -> Issue:
    """Say that a form was not sent by a page of this gateway."""
    return Issue(
        code="RLS-SEC-011",
        severity=Severity.ERROR,
        where="http.body token",
        what="the form does not come from a page of this gateway, or its cookie is gone.",
        fix="Open the page again and repeat the action.",
    )
