"""A handler of a page behind the right to see the pages, with a page for each refusal."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from gateway.core.errors import RetriableError
from gateway.entry.web.render import Pages

Handler = Callable[[Request, datetime], Awaitable[Response]]


def guarded(pages: Pages, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Return a handler behind the right to see the pages, with a page for each refusal."""

    async def handle(request: Request) -> Response:
        barred = pages.barred(request)
        if barred is not None:
            return barred
        try:
            return await handler(request, pages.clock.now())
        except RetriableError as error:
            response = pages.refusal(request, "503", 503, error.issues[0].code)
            response.headers["Retry-After"] = "5"
            return response

    return handle
