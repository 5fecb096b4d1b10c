"""`$validate`: whether a resource would be right, before it is sent (FHIR R4 resource-operations).

Nothing is kept. The answer is 200 with an OperationOutcome, whatever is found; 4xx is for a request
that cannot be understood.
"""

import asyncio
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from fastapi import APIRouter, Request
from starlette.responses import Response

from gateway.conformance.resources import Judged, ResourceJudge, read
from gateway.core.contributions import Json
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue, Severity
from gateway.core.ports import Store, StoredResource
from gateway.entry.api.bodies import read_body
from gateway.entry.api.errors import operation_outcome
from gateway.entry.api.writes import media_of
from gateway.entry.auth.wall import sight_of
from gateway.fhir.elements import table
from gateway.pipeline import seen

_JSON = frozenset({"application/fhir+json", "application/json"})
_MEDIA = _JSON | {"application/fhir+xml"}
_LIMIT = 16 * 2**20
_MODES = frozenset({"create", "update", "delete", "profile"})
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be judged.

    Attributes:
        resource: bytes of a resource, or what is read already; None for a delete.
        mode: why it is asked, empty when not said.
        profiles: to judge by beside those the resource claims.
    """

    resource: bytes | Json | None
    mode: str
    profiles: tuple[str, ...]


def validation_router(store: Store, judge: Callable[[], ResourceJudge]) -> APIRouter:
    """Return the routes; they come before those of the FHIR door.

    Args:
        store: where `Type/id/$validate` finds a resource.
        judge: gives the judge; the first call reads packages and compiles, the others are quick.
    """
    router = APIRouter(prefix="/fhir", tags=["FHIR"])

    async def of_type(request: Request) -> Response:
        """Judge the resource that is sent."""
        media, type_ = media_of(request), _type(request)
        asked = await _asked(request)
        return await _answer(asked, type_, "", media)

    async def of_instance(request: Request) -> Response:
        """Judge a stored resource, or the one that is sent for its place."""
        media, type_, id_ = media_of(request), _type(request), request.path_params["id"]
        if request.method == "POST" and await request.body():
            return await _answer(await _asked(request), type_, id_, media)
        key = (type_, id_)
        found: StoredResource | None = None
        if _ID.fullmatch(id_):
            sight = sight_of(request)
            stored = await seen.read(store, sight, lambda tx: tx.resources.current([key]))
            found = stored.get(key)
        if found is None or found.deleted:
            raise RejectedError([_not_there()])
        query = request.query_params
        asked = _Asked(found.body, query.get("mode", ""), tuple(query.getlist("profile")))
        return await _answer(asked, type_, "", media)

    async def _answer(asked: _Asked, type_: str, id_: str, media: str) -> Response:
        if asked.mode and asked.mode not in _MODES:
            raise RejectedError([_unknown_mode()])
        if asked.resource is None:
            if asked.mode != "delete":
                raise RejectedError([_nothing_to_judge()])
            return _told((), media)
        judged = await asyncio.to_thread(_judged, judge, asked)
        issues = [
            replace(one.issue, what=f"{one.issue.what} [{one.clause}]") for one in judged.findings
        ]
        if judged.type not in ("", type_):
            raise RejectedError([_other_type()])
        if id_ and judged.id != id_:
            issues.append(_other_id())
        return _told(issues, media)

    add = router.add_api_route
    add("/{type}/$validate", of_type, methods=["POST"])
    for method in ("GET", "POST"):
        # A route each: the description names an operation after its route.
        add("/{type}/{id}/$validate", of_instance, methods=[method])
    return router


def _judged(judge: Callable[[], ResourceJudge], asked: _Asked) -> Judged:
    if isinstance(asked.resource, bytes):
        return judge().judge(asked.resource, asked.profiles)
    return judge().judge_resource(asked.resource or {}, asked.profiles)


def _told(issues: Iterable[Issue], media: str) -> Response:
    return Response(operation_outcome(list(issues)), 200, {"Cache-Control": "no-store"}, media)


async def _asked(request: Request) -> _Asked:
    """Read the body: the resource itself, or Parameters with it."""
    body = await read_body(request, _MEDIA, _LIMIT)
    query = request.query_params
    mode, profiles = query.get("mode", ""), tuple(query.getlist("profile"))
    if b"Parameters" not in body.data[:512]:
        return _Asked(body.data, mode, profiles)
    try:
        sent = read(body.data)
    except ValueError:
        return _Asked(body.data, mode, profiles)
    if sent.get("resourceType") != "Parameters" or request.path_params["type"] == "Parameters":
        return _Asked(sent, mode, profiles)
    resource: Json | None = None
    for one in _parameters(sent):
        name = one.get("name")
        if name == "resource" and isinstance(one.get("resource"), dict):
            resource = one["resource"]
        elif name == "mode":
            mode = str(one.get("valueCode", ""))
        elif name == "profile":
            given = one.get("valueUri", one.get("valueCanonical", ""))
            profiles += (str(given),)
    return _Asked(resource, mode, profiles)


def _parameters(sent: Json) -> list[Json]:
    held = sent.get("parameter", [])
    return [one for one in held if isinstance(one, dict)] if isinstance(held, list) else []


def _type(request: Request) -> str:
    name = str(request.path_params["type"])
    if name not in table().resources:
        raise RejectedError([_unknown_type()])
    return name


def _issue(code: str, where: str, what: str, fix: str) -> Issue:
    return Issue(code=code, severity=Severity.ERROR, where=where, what=what, fix=fix)


def _unknown_type() -> Issue:
    return _issue(
        "RLS-FHR-232",
        "http.path",
        "resources of this type are not judged here.",
        "Ask for one of the types of FHIR R4 that `/fhir/metadata` lists, or Bundle.",
    )


def _other_type() -> Issue:
    return _issue(
        "RLS-FHR-233",
        "http.body",
        "the resource is of another type than the address.",
        "Send it to the address of its own type.",
    )


def _unknown_mode() -> Issue:
    return _issue(
        "RLS-FHR-234",
        "http.mode",
        "the mode is none of create, update, delete and profile.",
        "Leave the mode out, or give one of these.",
    )


def _nothing_to_judge() -> Issue:
    return _issue(
        "RLS-FHR-235",
        "Parameters.parameter",
        "no resource is given.",
        "Send the resource as the body, or as the parameter `resource`.",
    )


def _not_there() -> Issue:
    return _issue(
        "RLS-FHR-236",
        "http.path",
        "no such resource is kept.",
        "Send the resource in the body of a POST to be judged.",
    )


def _other_id() -> Issue:
    return _issue(
        "RLS-FHR-237",
        "http.body",
        "the id in the resource is not the one in the address.",
        "Write the same id in both; an update would be refused.",
    )
