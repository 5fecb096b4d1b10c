"""Answers of the FHIR door in the format a client takes: JSON or XML, laid out or not.

Stored bytes go out as they are unless XML or `_pretty` is asked for; then they are read and
written again with the digits of every decimal kept.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from fastapi import Request
from starlette.responses import Response

from gateway.core.errors import RejectedError
from gateway.core.ports import StoredResource
from gateway.entry.api.errors import MEDIA_TYPE
from gateway.entry.api.negotiation import negotiate
from gateway.fhir.bundle import http_date, read_exact, to_bytes
from gateway.fhir.xml import to_xml


@dataclass(frozen=True, slots=True)
class Format:
    """How an answer is written.

    Attributes:
        media: its media type, as told to the client.
        is_pretty: laid out for people.
    """

    media: str
    is_pretty: bool = False

    def write(self, body: bytes) -> bytes:
        """Return the JSON of a resource in this format."""
        if "xml" in self.media:
            return to_xml(read_exact(body), indent=self.is_pretty)
        return to_bytes(read_exact(body), indent=True) if self.is_pretty else body


def respond(
    body: bytes, format_: Format, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """Answer with the JSON of a resource, written in the format that was asked for."""
    return Response(format_.write(body), status, headers, format_.media)


def in_format_of(request: Request, answer: Response) -> Response:
    """Write an OperationOutcome in XML for a client that asks the FHIR door for XML."""
    if not request.url.path.startswith("/fhir") or answer.media_type != MEDIA_TYPE:
        return answer
    accept = ",".join(request.headers.getlist("accept"))
    try:
        media = negotiate(accept, request.query_params.get("_format", ""))
    except RejectedError:
        return answer
    if "xml" not in media:
        return answer
    own = ("content-length", "content-type")
    headers = {name: text for name, text in answer.headers.items() if name not in own}
    return respond(bytes(answer.body), Format(media), answer.status_code, headers)


def has_it(request: Request, found: StoredResource) -> bool:
    """Tell whether the condition of the request says that the client has this version."""
    tags = request.headers.get("if-none-match")
    if tags is not None:
        known = {tag.strip().removeprefix("W/") for tag in tags.split(",")}
        return "*" in known or f'"{found.version}"' in known
    since = request.headers.get("if-modified-since")
    return since is not None and _is_unchanged(found.last_updated, since)


def version_headers(found: StoredResource) -> dict[str, str]:
    """Return what tells a client which version it has."""
    return {"ETag": f'W/"{found.version}"', "Last-Modified": http_date(found.last_updated)}


def _is_unchanged(updated: datetime, since: str) -> bool:
    try:
        limit = parsedate_to_datetime(since)
    except ValueError:
        # RFC 9110 13.1.3: a date that cannot be read is ignored.
        return False
    if limit.tzinfo is None:
        limit = limit.replace(tzinfo=UTC)
    return updated.replace(microsecond=0) <= limit
