"""Writing over REST: create, update, patch, delete, and their conditional forms (FHIR R4 http).

Which types clients write is decided in `fhir.writable`; the others are refused in words. Reading is
`entry.api.fhir`, Subscription `entry.api.subscriptions`, Bundles `entry.api.transactions`.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from gateway.core.clock import Clock
from gateway.core.contributions import Json
from gateway.core.errors import RejectedError
from gateway.core.ports import Store
from gateway.entry.api import asked
from gateway.entry.api.answers import Format, in_format_of, respond, version_headers
from gateway.entry.api.errors import operation_outcome, refusal, status_of, unknown_operation
from gateway.entry.api.resource_bodies import (
    JSON_PATCH,
    json_patch_in,
    media_type_of,
    resource_in,
)
from gateway.entry.api.writing import WriteSettings, Writing
from gateway.entry.auth.wall import check_scopes
from gateway.fhir import write_faults as faults
from gateway.fhir.patch_json import json_patch
from gateway.fhir.patch_path import path_patch
from gateway.fhir.search import Query
from gateway.fhir.shape import check
from gateway.fhir.writable import WRITABLE
from gateway.pipeline.client_writes import Done
from gateway.pipeline.write_targets import Write

Handler = Callable[[Request], Awaitable[Response]]


def resources_router(store: Store, clock: Clock, settings: WriteSettings) -> APIRouter:
    """Return the routes; they come before those of the FHIR door and behind all operations."""
    door = _Door(Writing(store, clock, settings), settings.base)
    router = APIRouter(prefix="/fhir", tags=["FHIR"])
    add = router.add_api_route
    one = asked.described({"type": "resource type, as in /fhir/metadata"})
    both = asked.described({"type": "resource type", "id": "id of the resource"})
    add("/{type}", _refusing(door.create), methods=["POST"], openapi_extra=one)
    for method, of_type, of_id in (
        ("PUT", door.update_found, door.update),
        ("PATCH", door.patch_found, door.patch),
        ("DELETE", door.delete_found, door.delete),
    ):
        add("/{type}", _refusing(of_type), methods=[method], openapi_extra=one)
        add("/{type}/{id}", _refusing(of_id), methods=[method], openapi_extra=both)
    return router


def _refusing(handler: Handler) -> Handler:
    """Return a handler whose refusals of the method say which ones the address takes."""

    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except RejectedError as error:
            if status_of(error.issues) != 405:
                raise
            allowed = {"Allow": "GET, HEAD"}
            return in_format_of(request, refusal(error.issues, headers=allowed))

    handle.__name__, handle.__doc__ = handler.__name__, handler.__doc__
    return handle


class _Door:
    """The interactions; one instance serves every request."""

    def __init__(self, writing: Writing, base: str) -> None:
        self._writing = writing
        self._base = base

    async def create(self, request: Request) -> Response:
        """Create a resource, or find the one that is there (If-None-Exist)."""
        type_ = _type(request)
        criteria = request.headers.get("if-none-exist")
        if criteria is None:
            _check_written(type_)
        query = self._query(request, type_, criteria, "http.If-None-Exist")
        write = Write("POST", type_, query=query, resource=await _resource(request, type_))
        return await self._answered(request, write)

    async def update(self, request: Request) -> Response:
        """Replace a resource; a new one at an id of the client's choice where that may be."""
        type_, id_ = asked.address_of(request)
        return await self._update(request, type_, id_, None)

    async def update_found(self, request: Request) -> Response:
        """Replace the one resource that meets criteria, or create it."""
        type_ = _type(request)
        return await self._update(request, type_, "", self._criteria(request, type_))

    async def _update(
        self, request: Request, type_: str, id_: str, query: Query | None
    ) -> Response:
        _check_written(type_)
        absent = request.headers.get("if-none-match", "").strip() == "*"
        write = Write(
            "PUT",
            type_,
            id_,
            query,
            await _resource(request, type_),
            if_match=request.headers.get("if-match"),
            if_absent=absent,
        )
        return await self._answered(request, write)

    async def patch(self, request: Request) -> Response:
        """Change parts of a resource: JSON Patch or FHIRPath Patch."""
        type_, id_ = asked.address_of(request)
        return await self._patch(request, type_, id_, None)

    async def patch_found(self, request: Request) -> Response:
        """Change parts of the one resource that meets criteria."""
        type_ = _type(request)
        return await self._patch(request, type_, "", self._criteria(request, type_))

    async def _patch(self, request: Request, type_: str, id_: str, query: Query | None) -> Response:
        _check_written(type_)
        if media_type_of(request) == JSON_PATCH:
            patch = json_patch(await json_patch_in(request))
        else:
            patch = patch_told_by(await resource_in(request))
        write = Write(
            "PATCH", type_, id_, query, patch=patch, if_match=request.headers.get("if-match")
        )
        return await self._answered(request, write)

    async def delete(self, request: Request) -> Response:
        """Take a resource away; its versions stay."""
        type_, id_ = asked.address_of(request)
        return await self._delete(request, type_, id_, None)

    async def delete_found(self, request: Request) -> Response:
        """Take away the one resource that meets criteria; nothing when there is none."""
        type_ = _type(request)
        return await self._delete(request, type_, "", self._criteria(request, type_))

    async def _delete(
        self, request: Request, type_: str, id_: str, query: Query | None
    ) -> Response:
        _check_written(type_)
        write = Write("DELETE", type_, id_, query, if_match=request.headers.get("if-match"))
        return await self._answered(request, write)

    def _criteria(self, request: Request, type_: str) -> Query:
        """Read the criteria in the address of a conditional write."""
        _check_written(type_)
        return self._writing.criteria(type_, request.url.query, "http.path")

    def _query(
        self, request: Request, type_: str, criteria: str | None, where: str
    ) -> Query | None:
        if criteria is None:
            return None
        # The wall saw a create; what is looked for is read as well (SMART, scopes).
        check_scopes(request, [(type_, "s")])
        return self._writing.criteria(type_, criteria, where)

    async def _answered(self, request: Request, write: Write) -> Response:
        pairs = asked.query_of(request)
        format_ = asked.format_of(request, pairs)
        # The criteria of a create are in a header, those of other writes in the address.
        if write.query is None or write.method == "POST":
            asked.check_format_only(request, pairs)
        if write.query is not None:
            check_scopes(request, write.query.looked_at())
        (done,) = await self._writing.done(request, [write])
        return answer(request, done, format_, self._base)


def patch_told_by(told: Json) -> Callable[[Json], Json]:
    """Return what carries out a FHIRPath Patch.

    Raises:
        RejectedError: the resource is no Parameters, or no patch (RLS-FHR-260).
    """
    if told.get("resourceType") != "Parameters" or any(
        issue.severity.refuses for issue in check(told)
    ):
        raise RejectedError([faults.bad_patch("http.body", "it is no Parameters resource")])
    return path_patch(told)


def answer(request: Request, done: Done, format_: Format, base: str) -> Response:
    """Answer a write as the client prefers (FHIR R4 http 3.1.0.1.8, Prefer return)."""
    stored = done.stored
    headers = {} if stored is None else version_headers(stored)
    if done.status == 204 or stored is None or stored.deleted:
        if preferred(request) == "OperationOutcome":
            return respond(operation_outcome([]), format_, 200, headers)
        return Response(status_code=204, headers=headers)
    if done.status == 201 or "if-none-exist" in request.headers:
        headers["Location"] = f"{base}/{stored.type}/{stored.id}/_history/{stored.version}"
    wish = preferred(request)
    if wish == "minimal":
        return Response(b"", done.status, headers, format_.media)
    body = operation_outcome([]) if wish == "OperationOutcome" else stored.body
    return respond(body, format_, done.status, headers)


def preferred(request: Request) -> str:
    """Return what a client wants back: minimal, representation, OperationOutcome; empty unsaid."""
    for wish in ",".join(request.headers.getlist("prefer")).replace(";", ",").split(","):
        name, _, value = wish.strip().partition("=")
        if name.strip().lower() == "return":
            return value.strip().strip('"')
    return ""


def _type(request: Request) -> str:
    if str(request.path_params["type"])[:1] in ("_", "$"):
        raise RejectedError([unknown_operation()])
    return asked.type_of(request)


def _check_written(type_: str) -> None:
    if type_ not in WRITABLE:
        raise RejectedError([faults.not_written(type_)])


async def _resource(request: Request, type_: str) -> Any:
    sent = await resource_in(request)
    if sent.get("resourceType") != type_:
        raise RejectedError([faults.other_type()])
    return sent
