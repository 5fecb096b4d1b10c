"""What every door that writes FHIR shares: the answer, the version a client knew, the format."""

from collections.abc import Callable

from fastapi import Request
from starlette.responses import Response

from gateway.core.errors import RejectedError
from gateway.core.issues import Issue
from gateway.core.ports import StoredResource
from gateway.entry.api.answers import Format
from gateway.entry.api.negotiation import negotiate
from gateway.fhir.bundle import http_date


def answer(
    request: Request, stored: StoredResource, media: str, status: int, headers: dict[str, str]
) -> Response:
    """Answer a write with the version that stands (FHIR R4 http, Prefer)."""
    told = {
        "ETag": f'W/"{stored.version}"',
        "Last-Modified": http_date(stored.last_updated),
        **headers,
    }
    is_minimal = "return=minimal" in request.headers.get("prefer", "").replace(" ", "")
    body = b"" if is_minimal else Format(media).write(stored.body)
    return Response(body, status, told, media)


def check_version(
    request: Request, current: StoredResource | None, other: Callable[[], Issue]
) -> None:
    """Hold a write to the version its client knew, when it says which (RFC 9110 13.1.1).

    Raises:
        RejectedError: another one is stored; `other` says so.
    """
    wanted = request.headers.get("if-match")
    if wanted is None or current is None:
        return
    tags = {tag.strip().removeprefix("W/") for tag in wanted.split(",")}
    if "*" not in tags and f'"{current.version}"' not in tags:
        raise RejectedError([other()])


def media_of(request: Request) -> str:
    """Return the format of the answer.

    Raises:
        RejectedError: none that is offered.
    """
    return negotiate(
        ",".join(request.headers.getlist("accept")), request.query_params.get("_format", "")
    )
