"""What holds for every HTTP answer: request id, allowed host, security headers, no stack trace.

The outermost layer of the application and the only place where an unexpected exception is caught.
"""

import re
import traceback
from collections.abc import Sequence
from time import perf_counter
from urllib.parse import urlsplit
from uuid import uuid4

import structlog
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.core.issues import Issue, Severity
from gateway.entry.api.errors import internal_error, refusal

Headers = list[tuple[bytes, bytes]]

REQUESTS = Counter(
    "relais_http_requests_total", "HTTP requests answered", ["area", "method", "status"]
)
SECONDS = Histogram("relais_http_request_seconds", "Time to answer an HTTP request", ["area"])

_AREAS = frozenset({"fhir", "hl7v2", "cda", "health", "metrics", "docs"})
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_TRACE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})

#: No page has a script or an inline style.
_CSP = (
    b"default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    b"base-uri 'none'; frame-ancestors 'none'"
)
_SECURITY: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
    (b"content-security-policy", _CSP),
]
_HSTS = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")

_log = structlog.get_logger()


class Guard:
    """ASGI layer around the application."""

    def __init__(self, app: ASGIApp, public_url: str, hosts: Sequence[str] = ()) -> None:
        """Wrap an application.

        Args:
            app: the application.
            public_url: its host is accepted, and loopback names: a page of another site that
                points its own name at this machine is refused (DNS rebinding).
            hosts: further accepted hosts, without port.
        """
        parts = urlsplit(public_url)
        self._app = app
        self._hosts = frozenset({_bare(parts.netloc), *_LOOPBACK, *map(str.lower, hosts)})
        self._headers = [*_SECURITY, _HSTS] if parts.scheme == "https" else _SECURITY

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, send, self._headers)
        began = perf_counter()
        try:
            if exchange.area != "health" and exchange.host not in self._hosts:
                await refusal([_wrong_host()])(scope, receive, exchange.send)
            else:
                await self._app(exchange.scope, receive, exchange.send)
        except Exception as error:
            # The top of a request is as the top of a worker loop: a bug is told, not passed on.
            _log_bug(error)
            if exchange.status:
                # The head of the answer is gone; only a cut connection tells the client.
                raise
            await refusal([internal_error()])(scope, receive, exchange.send)
        finally:
            SECONDS.labels(exchange.area).observe(perf_counter() - began)
            REQUESTS.labels(exchange.area, exchange.method, str(exchange.status)).inc()


class _Exchange:
    """One request and the answer to it."""

    __slots__ = ("_added", "_send", "area", "host", "method", "scope", "status")

    def __init__(self, scope: Scope, send: Send, security: Headers) -> None:
        headers = dict(reversed(scope["headers"]))
        first = scope["path"].split("/", 2)[1] if "/" in scope["path"] else ""
        self.area = first if first in _AREAS else "other"
        self.method = scope["method"] if scope["method"] in METHODS else "other"
        self.host = _bare(headers.get(b"host", b"").decode("latin-1"))
        # HEAD answers as GET does, without the body (RFC 9110 9.3.2); no route needs to know.
        self.scope = {**scope, "method": "GET"} if self.method == "HEAD" else scope
        self.status = 0
        self._send = send
        self._added = [*security, (b"x-request-id", _request_id(headers))]
        correlation = headers.get(b"x-correlation-id", b"")
        if _TRACE_ID.fullmatch(correlation):
            self._added.append((b"x-correlation-id", correlation))

    async def send(self, message: Message) -> None:
        """Pass a part of the answer on, with the headers added to its head."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            own = {name.lower() for name, _ in message["headers"]}
            more = [pair for pair in self._added if pair[0] not in own]
            if b"cache-control" not in own:
                more.append((b"cache-control", b"no-store"))
            message = {**message, "headers": [*message["headers"], *more]}
        elif self.method == "HEAD":
            message = {**message, "body": b""}
        await self._send(message)


def _request_id(headers: dict[bytes, bytes]) -> bytes:
    given = headers.get(b"x-request-id", b"")
    return given if _TRACE_ID.fullmatch(given) else uuid4().hex.encode()


def _bare(host: str) -> str:
    """Return a host without its port, lower case."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()


def _log_bug(error: Exception) -> None:
    """Log the class of an unexpected exception and where it rose; its text may quote patients."""
    frames = traceback.extract_tb(error.__traceback__)
    module, line = (
        (frames[-1].filename.rpartition("/")[2], frames[-1].lineno) if frames else ("", 0)
    )
    _log.error("request_failed", error=type(error).__name__, module=module, line=line)


def _wrong_host() -> Issue:
    return Issue(
        code="RLS-FHR-066",
        severity=Severity.ERROR,
        where="http.Host",
        what="This gateway does not answer under this host name.",
        fix="Use the public address, or ask the operator to set RELAIS_PUBLIC_URL to this one.",
    )
