"""The FHIR door: read, vread, history, search and metadata (FHIR R4 http).

Stored bytes are the served bytes. Nothing is written through this door; resources come from
HL7 v2 messages and CDA documents, subscriptions through `entry.api.subscriptions`, what people do
with a gap through `entry.api.tasks`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl, quote, urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from gateway.core.errors import RejectedError
from gateway.core.issues import Issue, Severity
from gateway.core.ports import Store, StoredResource, Transaction
from gateway.entry.api.errors import malformed, too_large, unknown_operation
from gateway.entry.api.negotiation import is_lenient, negotiate
from gateway.fhir.bundle import history, http_date, searchset, to_bytes
from gateway.fhir.capability import statement
from gateway.fhir.history_query import HistoryQuery, is_number, parse_history
from gateway.fhir.search import Query, parse
from gateway.fhir.search_dates import instant_text
from gateway.fhir.search_query import bad_value
from gateway.fhir.search_table import PARAMETERS

Pairs = list[tuple[str, str]]

_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_FORM = "application/x-www-form-urlencoded"
_FORM_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class FhirSettings:
    """What the FHIR door tells about itself.

    Attributes:
        base: public address of the door, such as `https://host/fhir`, without trailing slash.
        version: version of the software.
        date: when this version was deployed, FHIR dateTime.
        subscriptions: Subscription can be written in this process.
        tasks: Task can be written in this process.
        mutes: the operations on mutes are open in this process.
    """

    base: str
    version: str
    date: str
    subscriptions: bool = False
    tasks: bool = False
    mutes: bool = False


def fhir_router(store: Store, settings: FhirSettings) -> APIRouter:
    """Return the routes below `/fhir`."""
    door = _Door(store, settings)
    router = APIRouter(prefix="/fhir", tags=["FHIR"])
    add = router.add_api_route
    one = {"type": "resource type, as in /fhir/metadata"}
    id_ = {**one, "id": "id of the resource"}
    # Routes are tried in order: the most used first.
    add("/{type}/{id}", door.read, openapi_extra=_described(id_))
    add("", door.whole_system, include_in_schema=False)
    add("/metadata", door.metadata)
    add("/{type}", door.search, openapi_extra=_described(one))
    add("/{type}/", door.search, include_in_schema=False)
    add("/{type}/_search", door.search_form, methods=["POST"], openapi_extra=_described(one))
    add("/{type}/{id}/_history", door.history, openapi_extra=_described(id_))
    version = {**id_, "version": "version number, as in ETag"}
    add(
        "/{type}/{id}/_history/{version}",
        door.vread,
        openapi_extra=_described(version),
    )
    return router


def _described(names: dict[str, str]) -> dict[str, list[dict[str, object]]]:
    """Describe the variable parts of an address for OpenAPI."""
    return {
        "parameters": [
            {
                "name": name,
                "in": "path",
                "required": True,
                "description": words,
                "schema": {"type": "string"},
            }
            for name, words in names.items()
        ]
    }


class _Door:
    """The interactions; one instance serves every request."""

    def __init__(self, store: Store, settings: FhirSettings) -> None:
        self._store = store
        self._base = settings.base
        self._metadata = to_bytes(
            statement(
                settings.base,
                settings.version,
                settings.date,
                subscriptions=settings.subscriptions,
                tasks=settings.tasks,
                mutes=settings.mutes,
            )
        )

    async def whole_system(self, _request: Request) -> Response:
        """Refuse a search over all types."""
        raise RejectedError([unknown_operation()])

    async def metadata(self, request: Request) -> Response:
        """Give the CapabilityStatement."""
        pairs = _query(request)
        media = _media(request, pairs)
        if dict(pairs).get("mode", "full") not in ("full", "normative"):
            raise RejectedError([bad_value("http.mode", "full or normative")])
        return Response(self._metadata, media_type=media)

    async def read(self, request: Request) -> Response:
        """Give the current version of a resource."""
        media = _media(request, _query(request))
        type_, id_ = _address(request)
        key = (type_, id_)
        found = (await self._store.read(lambda tx: tx.resources.current([key]))).get(key)
        if found is None:
            raise RejectedError([_unknown_id()])
        return _served(request, found, media)

    async def vread(self, request: Request) -> Response:
        """Give one version of a resource."""
        media = _media(request, _query(request))
        type_, id_ = _address(request)
        number = request.path_params["version"]
        if not is_number(number):
            raise RejectedError([_unknown_version()])
        found = await self._store.read(lambda tx: tx.resources.version(type_, id_, int(number)))
        if found is None:
            raise RejectedError([_unknown_version()])
        return _served(request, found, media)

    async def history(self, request: Request) -> Response:
        """List the versions of a resource, newest first."""
        pairs = _query(request)
        media = _media(request, pairs)
        type_, id_ = _address(request)
        query = parse_history(pairs)
        current, versions = await self._store.read(lambda tx: _versions(tx, type_, id_, query))
        if current is None:
            raise RejectedError([_unknown_id()])
        page = [v for v in versions[: query.count] if instant_text(v.last_updated) >= query.since]
        address = f"{self._base}/{type_}/{id_}/_history"
        links = {"self": _link(address, query.used)}
        if page and len(page) == query.count and len(versions) > query.count:
            links["next"] = _link(address, (*query.used, ("_cursor", str(page[-1].version))))
        total = None if query.since else current.version
        return Response(history(page, base=self._base, total=total, links=links), media_type=media)

    async def search(self, request: Request) -> Response:
        """Search one type."""
        return await self._search(request, _query(request))

    async def search_form(self, request: Request) -> Response:
        """Search one type with the parameters in a form, so that they stay out of access logs."""
        return await self._search(request, _query(request) + await _form(request))

    async def _search(self, request: Request, pairs: Pairs) -> Response:
        media = _media(request, pairs)
        type_ = _type(request)
        lenient = is_lenient(",".join(request.headers.getlist("prefer")))
        query = parse(type_, pairs, "lenient" if lenient else "strict", self._base)
        limit = 1 if query.count_only else query.count
        page = await self._store.read(
            lambda tx: tx.resources.search(type_, query.conditions, limit, query.cursor)
        )
        resources = [] if query.count_only else page.resources
        more = None if query.count_only else page.next_cursor
        links = _search_links(f"{self._base}/{type_}", query, more)
        body = searchset(resources, base=self._base, total=page.total, links=links)
        return Response(body, media_type=media)


def _search_links(address: str, query: Query, cursor: str | None) -> dict[str, str]:
    here = query.used
    if query.cursor is not None:
        here = (*here, ("_cursor", query.page_token(query.cursor)))
    links = {"self": _link(address, here)}
    if cursor is not None:
        links["next"] = _link(address, (*query.used, ("_cursor", query.page_token(cursor))))
    return links


def _link(address: str, pairs: Sequence[tuple[str, str]]) -> str:
    return f"{address}?{urlencode(pairs, quote_via=quote, safe='/:,')}" if pairs else address


def _versions(
    tx: Transaction, type_: str, id_: str, query: HistoryQuery
) -> tuple[StoredResource | None, list[StoredResource]]:
    current = tx.resources.current([(type_, id_)]).get((type_, id_))
    return current, tx.resources.history(type_, id_, query.count + 1, query.before)


def _served(request: Request, found: StoredResource, media: str) -> Response:
    """Answer with a version; 304 when the client has it (FHIR R4 http, conditional read)."""
    if found.deleted:
        raise RejectedError([_deleted()])
    headers = {
        "ETag": f'W/"{found.version}"',
        "Last-Modified": http_date(found.last_updated),
    }
    if _has_it(request, found):
        return Response(status_code=304, headers=headers)
    return Response(found.body, headers=headers, media_type=media)


def _has_it(request: Request, found: StoredResource) -> bool:
    """Tell whether the condition of the request says that the client has this version."""
    tags = request.headers.get("if-none-match")
    if tags is not None:
        known = {tag.strip().removeprefix("W/") for tag in tags.split(",")}
        return "*" in known or f'"{found.version}"' in known
    since = request.headers.get("if-modified-since")
    return since is not None and _is_unchanged(found.last_updated, since)


def _is_unchanged(updated: datetime, since: str) -> bool:
    try:
        limit = parsedate_to_datetime(since)
    except ValueError:
        # RFC 9110 13.1.3: a date that cannot be read is ignored.
        return False
    if limit.tzinfo is None:
        limit = limit.replace(tzinfo=UTC)
    return updated.replace(microsecond=0) <= limit


def _query(request: Request) -> Pairs:
    text: bytes = request.scope["query_string"]
    return parse_qsl(text.decode("latin-1"), keep_blank_values=True) if text else []


async def _form(request: Request) -> Pairs:
    if request.headers.get("content-encoding", "identity") != "identity":
        # A small compressed body can hold gigabytes.
        raise RejectedError([_not_a_form()])
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _FORM_LIMIT:
            raise RejectedError([too_large()])
    if not body:
        return []
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise RejectedError([_not_a_form()])
    try:
        return parse_qsl(body.decode("utf-8"), keep_blank_values=True)
    except UnicodeDecodeError:
        raise RejectedError([malformed("http.body", "The form is not UTF-8.")]) from None


def _media(request: Request, pairs: Pairs) -> str:
    format_ = next((value for name, value in pairs if name == "_format"), "")
    return negotiate(",".join(request.headers.getlist("accept")), format_)


def _type(request: Request) -> str:
    type_: str = request.path_params["type"]
    if type_ not in PARAMETERS:
        raise RejectedError([_unknown_type()])
    return type_


def _address(request: Request) -> tuple[str, str]:
    type_, id_ = _type(request), request.path_params["id"]
    if id_[:1] in ("_", "$"):
        raise RejectedError([unknown_operation()])
    if not _ID.fullmatch(id_):
        raise RejectedError([_bad_id()])
    return type_, id_


def _unknown_type() -> Issue:
    return Issue(
        code="RLS-FHR-050",
        severity=Severity.ERROR,
        where="http.path",
        what="This is no resource type of FHIR R4, or none that is kept here.",
        fix="Read /fhir/metadata for the types; letter case counts.",
    )


def _unknown_id() -> Issue:
    return Issue(
        code="RLS-FHR-051",
        severity=Severity.ERROR,
        where="http.path",
        what="No resource of this type has this id.",
        fix="Search for it by its identifier; ids are computed and never reused.",
    )


def _deleted() -> Issue:
    return Issue(
        code="RLS-FHR-052",
        severity=Severity.ERROR,
        where="http.path",
        what="This resource is deleted.",
        fix="Read an earlier version from its _history.",
    )


def _bad_id() -> Issue:
    return Issue(
        code="RLS-FHR-053",
        severity=Severity.ERROR,
        where="http.path",
        what="This cannot be a FHIR id.",
        fix="Use 1 to 64 letters, digits, dots and hyphens.",
    )


def _unknown_version() -> Issue:
    return Issue(
        code="RLS-FHR-054",
        severity=Severity.ERROR,
        where="http.path",
        what="This resource has no such version.",
        fix="Read its _history for the versions.",
    )


def _not_a_form() -> Issue:
    return Issue(
        code="RLS-FHR-057",
        severity=Severity.ERROR,
        where="http.Content-Type",
        what="The body of a search is a form, not compressed.",
        fix=f"Send Content-Type: {_FORM} without Content-Encoding.",
    )
