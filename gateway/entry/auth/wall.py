"""The wall before the FHIR door: who asks, and whether their scopes allow it.

While no client is registered there is one on this machine, `local`, that may do everything; from
the first registration on every request names its token (RFC 6750). A refusal does not say whether
what was asked for exists: it is judged by the address alone.
"""

from collections.abc import Iterable, Sequence
from time import monotonic
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.core.access import LOCAL, Principal, Sight
from gateway.core.errors import RejectedError, RetriableError
from gateway.core.issues import Issue, Severity
from gateway.entry.api.errors import refusal, unavailable
from gateway.entry.auth.buckets import Buckets
from gateway.entry.auth.certificates import certificate_of
from gateway.entry.auth.loopback import is_loopback
from gateway.entry.auth.tokens import Tokens
from gateway.pipeline.audited import CURRENT
from gateway.sharing.costs import too_costly
from gateway.sharing.interactions import OPEN, needs
from gateway.sharing.scopes import allows, parse

_FHIR = "/fhir"
#: Doors for inputs.
_INPUTS = frozenset({"/hl7v2", "/cda"})
#: How long "no client is registered" is believed, seconds.
_BELIEVED_S = 2.0
_RATE, _BURST = 50.0, 200.0
#: How software might ask for break-glass: an operation of ours, or a header.
_GLASS, _GLASS_HEADER = "$relais-break-glass", "x-relais-break-glass"
#: Of the hash of a token the journal shows as much as tells tokens apart.
_TOKEN_SHOWN = 16


def client_of(request: Request) -> str:
    """Return the client a request acts for, as the wall found it."""
    principal: Principal | None = getattr(request.state, "principal", None)
    return principal.client if principal else LOCAL


def sight_of(request: Request) -> Sight | None:
    """Return what the client of a request may be shown; None: everything."""
    found: Sight | None = getattr(request.state, "sight", None)
    return found


def check_scopes(request: Request, wanted: Iterable[tuple[str, str]]) -> None:
    """Hold a request to the scopes of its client once it is known what it looks at.

    Args:
        request: as the wall let it through.
        wanted: (type, letter) pairs; the type is `*` when it may be any.

    Raises:
        RejectedError: one of them is not allowed (RLS-SEC-021).
    """
    principal: Principal | None = getattr(request.state, "principal", None)
    if principal is None or principal.scopes is None:
        return
    scopes = parse(principal.scopes)
    if not all(allows(scopes, type_, letter) for type_, letter in wanted):
        raise RejectedError([_not_allowed()])


def check_named(request: Request, type_: str, letter: str) -> None:
    """Hold a request to scopes that name a type: `system/*` is not enough.

    Raises:
        RejectedError: none names it (RLS-SEC-021).
    """
    principal: Principal | None = getattr(request.state, "principal", None)
    if principal is None or principal.scopes is None:
        return
    named = [one for one in parse(principal.scopes) if one.type == type_]
    if not allows(named, type_, letter):
        raise RejectedError([_not_allowed()])


def check_cost(request: Request, pairs: Sequence[tuple[str, str]]) -> None:
    """Hold a search of a registered client to what it may cost.

    Raises:
        RejectedError: it is too much (RLS-SEC-047).
    """
    why = too_costly(pairs) if sight_of(request) is not None else ""
    if why:
        raise RejectedError([_too_costly(why)])


class Wall:
    """ASGI layer around the application."""

    def __init__(self, app: ASGIApp, tokens: Tokens, *, is_closed: bool = False) -> None:
        """Wrap an application.

        Args:
            app: the application.
            tokens: gives and recognises access tokens.
            is_closed: other machines reach the door: there is no implicit client, and inputs
                come from this machine or from who shows a certificate.
        """
        self._app = app
        self._tokens = tokens
        self._is_closed = is_closed
        self._buckets = Buckets(_RATE, _BURST)
        self._is_open_until = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        path = scope.get("path", "")
        if self._is_closed and path in _INPUTS and not _is_known(scope):
            headers = {"WWW-Authenticate": "Bearer"}
            await refusal([_unknown_sender()], headers=headers)(scope, receive, send)
            return
        if scope["type"] != "http" or not (path == _FHIR or path.startswith(f"{_FHIR}/")):
            await self._app(scope, receive, send)
            return
        below = path[len(_FHIR) :].strip("/")
        if below.partition("/")[0] in OPEN:
            await self._app(scope, receive, send)
            return
        try:
            found = await self._judge(Request(scope), below)
        except RetriableError as error:
            await unavailable(error)(scope, receive, send)
            return
        if isinstance(found, Principal):
            state = scope.setdefault("state", {})
            state["principal"] = found
            audited = CURRENT.get()
            if audited is not None:
                audited.agent = found.client
                if found.token:
                    audited.details["token"] = found.token[:_TOKEN_SHOWN]
            if found.client != LOCAL:
                now = self._tokens.clock.now()
                state["sight"] = Sight(found.client, found.has_territory, found.audience, now)
            await self._app(scope, receive, send)
            return
        await refusal([found[0]], headers=found[1])(scope, receive, send)

    async def _judge(
        self, request: Request, below: str
    ) -> Principal | tuple[Issue, dict[str, str]]:
        """Return whom the request acts for, or why it is refused with the headers that say so."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if not scheme:
            if await self._is_open():
                return _asks_glass(request, below, LOCAL) or Principal(LOCAL, None)
            return _no_token(), {"WWW-Authenticate": "Bearer"}
        principal = None
        if scheme.lower() == "bearer" and token.strip():
            principal = await self._tokens.principal(token.strip())
        if principal is None:
            return _no_token(), {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        if principal.certificate and principal.certificate != certificate_of(request.scope):
            return _not_bound(), {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        wait = self._buckets.wait(principal.client)
        if wait:
            return _too_often(), {"Retry-After": str(max(1, round(wait)))}
        if glass := _asks_glass(request, below, principal.client):
            return glass
        scopes = parse(principal.scopes or "")
        asked = parse_qsl(request.url.query, keep_blank_values=True)
        wanted = needs(request.method, below, asked)
        if not all(allows(scopes, need.type, need.letter) for need in wanted):
            return _not_allowed(), {"WWW-Authenticate": 'Bearer error="insufficient_scope"'}
        return principal

    async def _is_open(self) -> bool:
        """Tell whether no client is registered."""
        now = monotonic()
        if self._is_closed:
            return False
        if now < self._is_open_until:
            return True
        is_open = not await self._tokens.store.read(lambda tx: tx.access.clients())
        self._is_open_until = now + _BELIEVED_S if is_open else 0.0
        return is_open


def _asks_glass(request: Request, below: str, client: str) -> tuple[Issue, dict[str, str]] | None:
    """Refuse break-glass to software, and have it stand out in the journal."""
    if not below.endswith(_GLASS) and request.headers.get(_GLASS_HEADER) is None:
        return None
    audited = CURRENT.get()
    if audited is not None:
        audited.kind, audited.agent = "break-glass", client
    return _for_persons(), {}


def _is_known(scope: Scope) -> bool:
    """Tell whether a sender is on this machine, or showed a certificate of `http.client_ca`."""
    client = scope.get("client")
    return bool(certificate_of(scope)) or is_loopback(client[0] if client else "")


def _unknown_sender() -> Issue:
    return Issue(
        code="RLS-SEC-054",
        severity=Severity.ERROR,
        where="tls",
        what="inputs from other machines are taken from senders that show a certificate.",
        fix="Connect with a certificate of http.client_ca, or send over MLLP with TLS.",
    )


def _no_token() -> Issue:
    return Issue(
        code="RLS-SEC-020",
        severity=Severity.ERROR,
        where="http.Authorization",
        what="the request has no access token that is valid now.",
        fix="Get one at the token endpoint of /fhir/.well-known/smart-configuration.",
    )


def _not_allowed() -> Issue:
    return Issue(
        code="RLS-SEC-021",
        severity=Severity.ERROR,
        where="http.Authorization",
        what="the scopes of the access token do not allow this request.",
        fix="Ask for the scopes it needs; the operator registers those a client may have.",
    )


def _for_persons() -> Issue:
    return Issue(
        code="RLS-SEC-052",
        severity=Severity.ERROR,
        where="http",
        what="break-glass is for persons at the pages, never for software.",
        fix="Have a person who coordinates the care open the patient at /glass.",
    )


def _too_costly(why: str) -> Issue:
    return Issue(
        code="RLS-SEC-047",
        severity=Severity.ERROR,
        where="http.query",
        what=f"the search costs too much: {why}.",
        fix="Ask in several searches, each for less.",
    )


def _not_bound() -> Issue:
    return Issue(
        code="RLS-SEC-048",
        severity=Severity.ERROR,
        where="tls",
        what="the access token belongs to a client that shows another certificate.",
        fix="Connect with the certificate the client was registered with.",
    )


def _too_often() -> Issue:
    return Issue(
        code="RLS-SEC-022",
        severity=Severity.ERROR,
        where="http",
        what="the client asks more often than it may.",
        fix="Wait as long as Retry-After says, and ask less often.",
    )
