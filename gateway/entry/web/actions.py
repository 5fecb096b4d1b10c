"""What people do on the pages: forms that convert an input again or set it aside."""

from collections.abc import Awaitable, Callable

import structlog
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.core.errors import RejectedError, RetriableError
from gateway.entry.web import access
from gateway.entry.web.render import Pages

_log = structlog.get_logger()
Act = Callable[[int], Awaitable[object]]


def add_actions(router: APIRouter, pages: Pages) -> None:
    """Add the addresses forms are sent to."""
    for name, act in {"retry": pages.data.retry, "discard": pages.data.discard}.items():
        router.add_api_route(
            f"/messages/{{number}}/{name}", _form(pages, name, act), methods=["POST"]
        )


def _form(pages: Pages, name: str, act: Act) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        barred = pages.barred(request)
        if barred is not None:
            return barred
        text = request.path_params["number"]
        if not (text.isascii() and text.isdigit() and len(text) < 19):
            return pages.refusal(request, "404", 404)
        try:
            await access.check_form(request)
        except RejectedError as error:
            _log.warning("form_refused", code=error.issues[0].code)
            return pages.refusal(request, "csrf", 403, error.issues[0].code)
        return await _done(pages, request, name, act, int(text))

    return handle


async def _done(pages: Pages, request: Request, name: str, act: Act, number: int) -> Response:
    """Do it, then send the browser to the page that shows it: a reload repeats nothing."""
    try:
        await act(number)
    except RejectedError as error:
        return pages.refusal(request, "409", 409, error.issues[0].code)
    except RetriableError as error:
        return pages.refusal(request, "503", 503, error.issues[0].code)
    _log.info("inbox_row_acted_on", what=name, inbox_id=number)
    return RedirectResponse(f"/messages/{number}?done={name}", 303)
