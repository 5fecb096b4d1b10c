"""`POST /fhir`: a Bundle of requests, all or nothing or each alone (FHIR R4 http 3.1.0.11).

Writes of a transaction share one database transaction; what it reads is read after it. Every entry
of a batch is a request of its own, in the order DELETE, POST, PUT and PATCH, GET.
"""

import base64
import binascii
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from gateway.core.clock import Clock
from gateway.core.contributions import Json
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue
from gateway.core.ports import Store
from gateway.entry.api import asked
from gateway.entry.api.answers import respond
from gateway.entry.api.errors import operation_outcome
from gateway.entry.api.inner import InnerAnswer, carry_out
from gateway.entry.api.resource_bodies import JSON_PATCH, resource_in
from gateway.entry.api.resources import patch_told_by, preferred
from gateway.entry.api.writing import WriteSettings, Writing
from gateway.entry.auth.wall import check_scopes
from gateway.fhir import strict_json
from gateway.fhir import write_faults as faults
from gateway.fhir.bundle import fhir_instant, to_bytes
from gateway.fhir.bundle_entries import Entry, read_entries
from gateway.fhir.patch_json import json_patch
from gateway.fhir.search_table import PARAMETERS
from gateway.fhir.strict_json import UnreadableError
from gateway.pipeline.client_writes import Done
from gateway.pipeline.write_targets import RANKS, Write, entry

_LETTERS = {"POST": "c", "PUT": "u", "PATCH": "u", "DELETE": "d"}
_HEADERS = {
    "ifMatch": "If-Match",
    "ifNoneExist": "If-None-Exist",
    "ifNoneMatch": "If-None-Match",
    "ifModifiedSince": "If-Modified-Since",
}
_FHIR = "application/fhir+json"


def transactions_router(store: Store, clock: Clock, settings: WriteSettings) -> APIRouter:
    """Return the route of Bundles."""
    door = TransactionDoor(Writing(store, clock, settings), settings.base)
    router = APIRouter(prefix="/fhir", tags=["FHIR"])
    router.add_api_route("", door.bundle, methods=["POST"])
    router.add_api_route("/", door.bundle, methods=["POST"], include_in_schema=False)
    return router


class TransactionDoor:
    """The interaction; one instance serves every request."""

    def __init__(self, writing: Writing, base: str) -> None:
        self._writing = writing
        self._base = base

    async def bundle(self, request: Request) -> Response:
        """Carry out the requests of a Bundle."""
        format_ = asked.format_of(request, asked.query_of(request))
        sent = await resource_in(request)
        entries = read_entries(sent, self._base)
        if sent["type"] == "batch":
            answers = await self._batch(request, entries)
        else:
            answers = await self.transaction(request, entries)
        body = {
            "resourceType": "Bundle",
            "type": f"{sent['type']}-response",
            **({"entry": answers} if answers else {}),
        }
        return respond(orjson.dumps(body), format_)

    async def transaction(self, request: Request, entries: list[Entry]) -> list[Json]:
        """Carry out entries, all of them or none; return what answers each.

        Raises:
            RejectedError: one of them is refused; one issue per fault.
        """
        writes: list[Write] = []
        numbers: list[int] = []
        issues: list[Issue] = []
        for one in entries:
            if one.method in ("GET", "HEAD"):
                continue
            try:
                with entry(one.place):
                    writes.append(self._write(request, one))
                    numbers.append(one.number)
            except RejectedError as error:
                issues += error.issues
        if issues:
            raise RejectedError(issues)
        done = await self._writing.done(request, writes) if writes else []
        wish = preferred(request)
        answers = {
            number: _told(one, wish, self._base) for number, one in zip(numbers, done, strict=True)
        }
        for one in entries:
            if one.number not in answers:
                answers[one.number] = await self._alone(request, one)
        return [answers[one.number] for one in entries]

    async def _batch(self, request: Request, entries: list[Entry]) -> list[Json]:
        answers: dict[int, Json] = {}
        for one in sorted(entries, key=lambda one: RANKS.get(one.method, 3)):
            answers[one.number] = await self._alone(request, one)
        return [answers[one.number] for one in entries]

    async def _alone(self, request: Request, one: Entry) -> Json:
        """Carry out an entry as a request of its own."""
        headers = {_HEADERS[name]: text for name, text in one.conditions.items()}
        wish = preferred(request) or "minimal"
        headers |= {"Accept": _FHIR, "Prefer": f"return={wish}"}
        body = b""
        if one.resource is not None:
            media, body = _body(one.resource, is_patch=one.method == "PATCH")
            headers["Content-Type"] = media
        path, _, query = one.url.partition("?")
        answer = await carry_out(request, one.method, f"/fhir/{path}", query, headers, body)
        return _answered(answer)

    def _write(self, request: Request, one: Entry) -> Write:
        """Return what an entry of a transaction writes.

        Raises:
            RejectedError: it is no write that can be done here, or not allowed.
        """
        if one.rest or one.type not in PARAMETERS or one.id[:1] in ("$", "_"):
            raise RejectedError([faults.bad_entry(one.place, "its address is none of a resource")])
        check_scopes(request, [(one.type, _LETTERS[one.method])])
        if one.type == "Subscription":
            raise RejectedError([faults.not_in_a_transaction()])
        criteria, where = one.criteria, "http.path"
        if one.method == "POST":
            if one.id or criteria is not None:
                raise RejectedError([faults.bad_entry(one.place, "POST takes the type alone")])
            criteria, where = one.conditions.get("ifNoneExist"), "http.If-None-Exist"
        elif bool(one.id) == (criteria is not None):
            raise RejectedError([faults.bad_entry(one.place, "it names no resource, or two ways")])
        query = None
        if criteria is not None:
            query = self._writing.criteria(one.type, criteria, where)
            check_scopes(request, [(one.type, "s"), *query.looked_at()])
        is_patch = one.method == "PATCH"
        if (
            one.resource is not None
            and not is_patch
            and one.resource.get("resourceType") != one.type
        ):
            raise RejectedError([faults.other_type()])
        return Write(
            one.method,
            one.type,
            one.id,
            query,
            resource=None if is_patch else one.resource,
            patch=_patch(one.resource or {}) if is_patch else None,
            if_match=one.conditions.get("ifMatch"),
            if_absent=one.conditions.get("ifNoneMatch") == "*",
            full_url=one.full_url,
            place=one.place,
        )


def _patch(told: Json) -> Callable[[Json], Json]:
    """Read the patch of an entry: Parameters, or a Binary with a JSON Patch."""
    if told.get("resourceType") != "Binary":
        return patch_told_by(told)
    media, data = _body(told, is_patch=True)
    if media != JSON_PATCH:
        raise RejectedError([faults.bad_patch("http.body", "the Binary holds no JSON Patch")])
    try:
        return json_patch(strict_json.read(data))
    except UnreadableError as error:
        raise RejectedError([faults.unreadable(str(error))]) from None


def _body(resource: Json, *, is_patch: bool) -> tuple[str, bytes]:
    """Return media type and bytes of what an entry sends; a patch may be inside a Binary."""
    if not is_patch or resource.get("resourceType") != "Binary":
        return _FHIR, to_bytes(resource)
    try:
        data = base64.b64decode(str(resource.get("data", "")), validate=True)
    except (binascii.Error, ValueError):
        data = b""
    return str(resource.get("contentType", "")).partition(";")[0], data


def _told(done: Done, wish: str, base: str) -> Json:
    """Return the response entry of a write."""
    stored = done.stored
    response: Json = {"status": _status(done.status)}
    if stored is None:
        return {"response": response}
    path = f"{stored.type}/{stored.id}"
    if done.status != 204:
        response["location"] = f"{base}/{path}/_history/{stored.version}"
    response["etag"] = f'W/"{stored.version}"'
    response["lastModified"] = fhir_instant(stored.last_updated)
    if wish == "OperationOutcome":
        response["outcome"] = orjson.Fragment(operation_outcome([]))
    is_shown = wish == "representation" and not stored.deleted
    return {
        "fullUrl": f"{base}/{path}",
        **({"resource": orjson.Fragment(stored.body)} if is_shown else {}),
        "response": response,
    }


def _answered(answer: InnerAnswer) -> Json:
    """Return the response entry of a request that was answered alone."""
    response: Json = {"status": _status(answer.status)}
    headers = answer.headers
    for name, header in (("location", "location"), ("etag", "etag")):
        if header in headers:
            response[name] = headers[header]
    if "last-modified" in headers:
        at = parsedate_to_datetime(headers["last-modified"]).replace(tzinfo=UTC)
        response["lastModified"] = fhir_instant(at)
    made: Json = {}
    if answer.body and headers.get("content-type", "").startswith(_FHIR):
        held: Any = orjson.Fragment(answer.body)
        if b'"resourceType":"OperationOutcome"' in answer.body[:60]:
            response["outcome"] = held
        else:
            made["resource"] = held
    return {**made, "response": response}


def _status(number: int) -> str:
    return f"{number} {HTTPStatus(number).phrase}"
