"""A span for each request over HTTP, by the route that answered and never by its address."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.core import tracing
from gateway.entry.api.guard import METHODS

#: What somebody calls that no route answers; its address is theirs.
_UNKNOWN = "(none)"


class Traced:
    """ASGI middleware; whatever happens inside belongs to the span of its request."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request inside a span."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        method = scope["method"] if scope["method"] in METHODS else "other"
        with tracing.start("request", method=method) as span:
            token = tracing.around.set(span)
            try:
                await self._app(scope, receive, told)
            finally:
                tracing.around.reset(token)
                route = getattr(scope.get("route"), "path", _UNKNOWN)
                span.tell(route=route, status=status)
                if status >= 500:
                    span.fail(str(status))
