"""The FHIR door, reading: read, vread, search, history and metadata (FHIR R4 http).

Stored bytes are the served bytes. Nothing is written through this door; resources come from
HL7 v2 messages and CDA documents, what clients write through `entry.api.resources`, subscriptions
through `entry.api.subscriptions`.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

from fastapi import APIRouter, Request
from starlette.responses import Response

from gateway.core.clock import Clock
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue, Severity
from gateway.core.ports import Changes, Store, StoredResource, Transaction
from gateway.entry.api import asked
from gateway.entry.api.answers import Format, has_it, respond, version_headers
from gateway.entry.api.asked import Pairs
from gateway.entry.api.errors import operation_outcome, unknown_operation
from gateway.entry.auth.wall import check_cost, check_scopes, sight_of
from gateway.fhir.bundle import history, searchset, to_bytes
from gateway.fhir.capability import statement
from gateway.fhir.history_query import HistoryQuery, is_number, parse_history
from gateway.fhir.search import Query, parse
from gateway.fhir.search_faults import bad_value, too_many_included
from gateway.fhir.search_query import Handling, ValueSets, no_value_sets
from gateway.fhir.views import View, reduce
from gateway.pipeline import searching, seen
from gateway.pipeline.searching import Found

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FhirSettings:
    """What the FHIR door tells about itself.

    Attributes:
        base: public address of the door, such as `https://host/fhir`, without trailing slash.
        version: version of the software.
        date: when this version was deployed, FHIR dateTime.
        subscriptions: Subscription can be written in this process.
        writes: resources can be written in this process.
        conversions: `$relais-convert` is open in this process.
        declarations: events can be declared in this process.
        mutes: the operations on mutes are open in this process.
        validation: `$validate` is open in this process.
        smart: clients need an access token once one is registered.
        exports: Bulk Data `$export` is open in this process.
        value_sets: lists the codes of a value set; None where none can be searched by.
        clock: what pages expire by; None when they never do.
    """

    base: str
    version: str
    date: str
    subscriptions: bool = False
    writes: bool = False
    conversions: bool = False
    declarations: bool = False
    mutes: bool = False
    validation: bool = False
    smart: bool = False
    exports: bool = False
    value_sets: ValueSets | None = None
    clock: Clock | None = None

    def now(self) -> datetime | None:
        """Return the present instant; None without a clock."""
        return None if self.clock is None else self.clock.now()


def fhir_router(store: Store, settings: FhirSettings) -> APIRouter:
    """Return the routes below `/fhir`."""
    door = _Door(store, settings)
    router = APIRouter(prefix="/fhir", tags=["FHIR"])
    add = router.add_api_route
    one = {"type": "resource type, as in /fhir/metadata"}
    id_ = {**one, "id": "id of the resource"}
    # Routes are tried in order: the most used first, but fixed names before variable ones.
    add("/_history", door.system_history)
    add("/{type}/_history", door.type_history, openapi_extra=asked.described(one))
    add("/{type}/{id}", door.read, openapi_extra=asked.described(id_))
    add("", door.whole_system, include_in_schema=False)
    add("/metadata", door.metadata)
    add("/{type}", door.search, openapi_extra=asked.described(one))
    add("/{type}/", door.search, include_in_schema=False)
    add("/{type}/_search", door.search_form, methods=["POST"], openapi_extra=asked.described(one))
    add("/{type}/{id}/_history", door.history, openapi_extra=asked.described(id_))
    version = {**id_, "version": "version number, as in ETag"}
    add(
        "/{type}/{id}/_history/{version}",
        door.vread,
        openapi_extra=asked.described(version),
    )
    return router


class _Door:
    """The interactions; one instance serves every request."""

    def __init__(self, store: Store, settings: FhirSettings) -> None:
        self._store = store
        self._base = settings.base
        self._now = settings.now
        self._value_sets = settings.value_sets or no_value_sets
        self._metadata = to_bytes(
            statement(
                settings.base,
                settings.version,
                settings.date,
                subscriptions=settings.subscriptions,
                writes=settings.writes,
                conversions=settings.conversions,
                declarations=settings.declarations,
                mutes=settings.mutes,
                validation=settings.validation,
                smart=settings.smart,
                exports=settings.exports,
                value_sets=settings.value_sets is not None,
            )
        )

    async def _read(self, request: Request, work: Callable[[Transaction], T]) -> T:
        """Read what the client of a request may be shown."""
        return await seen.read(self._store, sight_of(request), work)

    async def whole_system(self, _request: Request) -> Response:
        """Refuse a search over all types."""
        raise RejectedError([unknown_operation()])

    async def metadata(self, request: Request) -> Response:
        """Give the CapabilityStatement."""
        pairs = asked.query_of(request)
        format_ = asked.format_of(request, pairs)
        if dict(pairs).get("mode", "full") not in ("full", "normative"):
            raise RejectedError([bad_value("http.mode", "full or normative")])
        return respond(self._metadata, format_)

    async def read(self, request: Request) -> Response:
        """Give the current version of a resource."""
        pairs = asked.query_of(request)
        format_ = asked.format_of(request, pairs)
        key = asked.address_of(request)
        view = asked.view_of(request, pairs, key[0])
        found = (await self._read(request, lambda tx: tx.resources.current([key]))).get(key)
        return _served(request, found, format_, view)

    async def vread(self, request: Request) -> Response:
        """Give one version of a resource."""
        pairs = asked.query_of(request)
        format_ = asked.format_of(request, pairs)
        type_, id_ = asked.address_of(request)
        view = asked.view_of(request, pairs, type_)
        number = request.path_params["version"]
        if not is_number(number):
            raise RejectedError([_unknown_version()])
        found = await self._read(request, lambda tx: tx.resources.version(type_, id_, int(number)))
        if found is None:
            raise RejectedError([_unknown_version()])
        return _served(request, found, format_, view)

    async def history(self, request: Request) -> Response:
        """List the versions of a resource, newest first."""
        type_, id_ = asked.address_of(request)
        return await self._history(request, f"{self._base}/{type_}/{id_}/_history", type_, id_)

    async def type_history(self, request: Request) -> Response:
        """List the versions of all resources of a type, newest first."""
        type_ = asked.type_of(request)
        return await self._history(request, f"{self._base}/{type_}/_history", type_)

    async def system_history(self, request: Request) -> Response:
        """List the versions of all resources, newest first."""
        return await self._history(request, f"{self._base}/_history")

    async def _history(
        self, request: Request, address: str, type_: str = "", id_: str = ""
    ) -> Response:
        pairs = asked.query_of(request)
        format_ = asked.format_of(request, pairs)
        query = parse_history(pairs, self._now(), type_=type_, id_=id_)
        current, versions, following = await self._read(
            request, lambda tx: _versions(tx, query, (type_, id_))
        )
        if id_ and current is None:
            raise RejectedError([_unknown_id()])
        token = None if following is None else query.page_token(following, self._now())
        links = asked.page_links(address, query.used, query.own_token(), token)
        whole = current is not None and query.wanted == Changes(type_, id_)
        # Some versions may be hidden from a client: how many there are would tell.
        told = whole and current is not None and sight_of(request) is None
        total = current.version if told and current is not None else None
        body = history(versions, base=self._base, total=total, links=links)
        return respond(body, format_)

    async def search(self, request: Request) -> Response:
        """Search one type."""
        return await self._search(request, asked.query_of(request))

    async def search_form(self, request: Request) -> Response:
        """Search one type with the parameters in a form, so that they stay out of access logs."""
        return await self._search(request, asked.query_of(request) + await asked.form_of(request))

    async def _search(self, request: Request, pairs: Pairs) -> Response:
        format_ = asked.format_of(request, pairs)
        type_ = asked.type_of(request)
        handling: Handling = "lenient" if asked.handling_is_lenient(request) else "strict"
        check_cost(request, pairs)
        handling = "lenient" if asked.handling_is_lenient(request) else "strict"
        now = self._now()
        read = partial(parse, type_, pairs, handling, self._base, now, self._value_sets)
        # The first value set reads packages, which takes seconds.
        sets = any(name.endswith((":in", ":not-in")) for name, _ in pairs)
        query = await asyncio.to_thread(read) if sets else read()
        # The wall saw the address only, and of a chain only its first step.
        check_scopes(request, query.looked_at())
        found = await self._read(request, lambda tx: searching.run(tx, query))
        return respond(self._page(query, found, now), format_)

    def _page(self, query: Query, found: Found, now: datetime | None) -> bytes:
        cursor = found.next_cursor
        token = None if cursor is None else query.page_token(cursor, now)
        address = f"{self._base}/{query.type}"
        return searchset(
            _seen(found.matches, View(query.summary, query.elements)),
            base=self._base,
            total=found.total,
            links=asked.page_links(address, query.used, query.own_token(), token),
            included=_seen(found.included, View(query.summary)),
            outcome=operation_outcome([too_many_included()]) if found.is_cut else b"",
        )


def _seen(rows: list[StoredResource], view: View) -> list[StoredResource]:
    """Return resources as a view has them."""
    if view.is_whole:
        return rows
    return [
        StoredResource(
            row.type,
            row.id,
            row.version,
            row.last_updated,
            reduce(row.body, view),
            row.deleted,
            row.content_hash,
            row.owner,
            row.patient,
        )
        for row in rows
    ]


def _versions(
    tx: Transaction, query: HistoryQuery, key: tuple[str, str]
) -> tuple[StoredResource | None, list[StoredResource], str | None]:
    current = tx.resources.current([key]).get(key) if key[1] else None
    return current, *tx.resources.changes(query.wanted, query.count, query.cursor)


def check_there(found: StoredResource | None) -> StoredResource:
    """Return a resource that is there.

    Raises:
        RejectedError: it never was (RLS-FHR-051) or is deleted (RLS-FHR-052).
    """
    if found is None:
        raise RejectedError([_unknown_id()])
    if found.deleted:
        raise RejectedError([_deleted()])
    return found


def _served(
    request: Request, stored: StoredResource | None, format_: Format, view: View
) -> Response:
    """Answer with a version; 304 when the client has it (FHIR R4 http, conditional read)."""
    found = check_there(stored)
    headers = version_headers(found)
    if has_it(request, found):
        return Response(status_code=304, headers=headers)
    return respond(reduce(found.body, view), format_, 200, headers)


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


def _unknown_version() -> Issue:
    return Issue(
        code="RLS-FHR-054",
        severity=Severity.ERROR,
        where="http.path",
        what="This resource has no such version.",
        fix="Read its _history for the versions.",
    )
