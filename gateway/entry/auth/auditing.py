"""What is noted of each request: who asked for what, about whom, and how it ended (BALP).

An ASGI layer outside of the wall, so that refusals are noted too. The entry of a read is handed to
the journal before the head of the answer leaves; when the journal takes no more, nobody is shown
anything. What a request writes was noted by its transaction (`pipeline.audited`).
"""

import base64
import re
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.core.access import LOCAL
from gateway.core.audit import Trace
from gateway.core.clock import Clock
from gateway.core.errors import RetriableError
from gateway.entry.api.errors import unavailable
from gateway.pipeline.audited import CURRENT, Request
from gateway.pipeline.journal import Journal
from gateway.sharing.interactions import OPEN

_PAGE = re.compile(r"/(patients|gaps|messages)/([^/]+)")
#: The list of the auditors at the pages.
_JOURNAL = "/journal"
#: An act on a gap: what it writes is noted by its transaction.
_ACT = re.compile(r"/gaps/[^/]+/[a-z]+")
_FORM_LIMIT = 64 * 1024
_WRITES = {"POST": "create", "PUT": "update", "PATCH": "update", "DELETE": "delete"}
#: Kinds that are about one resource, whose address is noted.
_ABOUT_ONE = frozenset({"read", "vread", "history-instance", "create", "update", "delete"})
_TARGET = re.compile(r"[A-Z][A-Za-z]+(?:/[A-Za-z0-9.-]{1,64})?(?:/_history/\d{1,9})?")


def _person_in(scope: Scope) -> dict[str, str]:
    """Return the details of the person at a page, as the gate of the pages noted them."""
    found: dict[str, str] = scope.get("state", {}).get("person", {})
    return found


class Auditing:
    """ASGI layer around the application."""

    def __init__(
        self,
        app: ASGIApp,
        journal: Journal,
        clock: Clock,
        person_of: Callable[[Scope], dict[str, str]] = _person_in,
    ) -> None:
        """Wrap an application.

        Args:
            app: the application.
            journal: takes the entries.
            clock: of the installation.
            person_of: details of the person at a page: `user`, `role`, `finess`.
        """
        self._app, self._journal, self._clock = app, journal, clock
        self._person_of = person_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, and note it."""
        path = scope.get("path", "")
        if scope["type"] != "http" or not _is_noted(path):
            await self._app(scope, receive, send)
            return
        peer = scope.get("client")
        request = Request(self._clock.now(), details={"address": peer[0] if peer else ""})
        headers = dict(scope["headers"])
        if given := headers.get(b"x-request-id", b"").decode("latin-1")[:64]:
            request.details["request"] = given
        exchange = _Exchange(self, scope, request, receive, send)
        token = CURRENT.set(request)
        try:
            await self._app(scope, exchange.receive, exchange.send)
        finally:
            CURRENT.reset(token)

    def note(self, scope: Scope, request: Request, form: bytes, status: int) -> None:
        """Hand the entries of a request to the journal.

        Raises:
            RetriableError: it takes no more (RLS-SEC-044).
        """
        self._journal.note(self._entries(scope, request, form, status))

    def _entries(self, scope: Scope, request: Request, form: bytes, status: int) -> list[Trace]:
        path, method = scope["path"], scope["method"]
        page = _PAGE.fullmatch(path)
        if page is not None:
            return self._of_page(scope, request, page, status)
        if path == _JOURNAL:
            request.details |= self._person_of(scope)
            request.agent = request.details.get("user", LOCAL)
            return [request.trace("audit-read", "0" if status == 200 else "4")]
        if _ACT.fullmatch(path):
            return []
        below = path.removeprefix("/fhir").strip("/")
        kind = request.kind or kind_of(method, below)
        outcome = "0" if status < 400 else "4" if status < 500 else "8"
        more: dict[str, str] = {}
        if outcome != "0":
            more["why"] = f"HTTP {status}"
        if kind in _ABOUT_ONE and _TARGET.fullmatch(below):
            more["target"] = below
        elif kind not in _ABOUT_ONE:
            # The query as it was sent; of the path any character may have been meant.
            asked = below.encode("utf-8", "replace") + b"?" + scope["query_string"]
            asked += b"&" + form if form else b""
            more["query"] = base64.b64encode(asked).decode()
        if below.partition("/")[0] == "AuditEvent":
            return [request.trace("audit-read", outcome, "", **more)]
        if outcome != "0":
            return [request.trace(kind, outcome, "", **more)]
        if request.written:
            return []
        return [request.trace(kind, "0", one, **more) for one in request.patients or ("",)]

    def _of_page(
        self, scope: Scope, request: Request, page: re.Match[str], status: int
    ) -> list[Trace]:
        if scope["method"] != "GET":
            return []
        request.details |= self._person_of(scope)
        request.agent = request.details.get("user", LOCAL)
        if status != 200:
            return [request.trace("page", "4", page=page[1])] if status in (401, 403) else []
        if page[1] == "patients":
            request.patients.setdefault(page[2])
        about = {"page": page[1], "target": ""}
        return [request.trace("page", "0", one, **about) for one in request.patients or ("",)]


class _Exchange:
    """One request and the answer to it."""

    def __init__(
        self, layer: Auditing, scope: Scope, request: Request, receive: Receive, send: Send
    ) -> None:
        self._layer, self._scope, self._request = layer, scope, request
        self._receive, self._send = receive, send
        self._takes_form = scope["path"].endswith("/_search")
        self._form = b""
        self._refused = False

    async def receive(self) -> Message:
        """Pass a part of the request on; a search by form is noted as it was asked."""
        message = await self._receive()
        if self._takes_form and len(self._form) < _FORM_LIMIT:
            self._form += message.get("body", b"")[:_FORM_LIMIT]
        return message

    async def send(self, message: Message) -> None:
        """Pass a part of the answer on, once it is noted."""
        if self._refused:
            return
        if message["type"] == "http.response.start":
            try:
                self._layer.note(self._scope, self._request, self._form, message["status"])
            except RetriableError as error:
                self._refused = True
                await unavailable(error)(self._scope, self._receive, self._send)
                return
        await self._send(message)


def kind_of(method: str, below: str) -> str:
    """Return the kind of entry of a FHIR request (FHIR R4 http, interactions).

    Args:
        method: of HTTP.
        below: path below `/fhir`, without slashes around it.
    """
    parts = [part for part in below.split("/") if part]
    if not parts or parts[-1].startswith("$"):
        return "operation"
    if parts == ["_history"]:
        return "history-system"
    if parts[-1] == "_search":
        return "search-type"
    if method not in ("GET", "HEAD"):
        return _WRITES.get(method, "operation")
    if "_history" in parts:
        place = parts.index("_history")
        return (
            "history-type"
            if place == 1
            else ("read", "history-instance", "vread")[min(len(parts) - place, 2)]
        )
    return "search-type" if len(parts) == 1 else "read"


def _is_noted(path: str) -> bool:
    if path.startswith("/fhir/"):
        return path.split("/")[2] not in OPEN
    return path in ("/fhir", _JOURNAL) or any(one.fullmatch(path) for one in (_PAGE, _ACT))
