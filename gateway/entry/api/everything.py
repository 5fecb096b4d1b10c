"""`GET /fhir/{type}/{id}/$everything` (FHIR R4 operations, Patient-everything and its kin)."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from gateway.core.errors import RejectedError
from gateway.core.ports import Store
from gateway.entry.api import asked
from gateway.entry.api.answers import respond
from gateway.entry.api.errors import unknown_operation
from gateway.entry.api.fhir import FhirSettings, check_there
from gateway.entry.auth.wall import sight_of
from gateway.fhir.bundle import searchset
from gateway.fhir.everything import TYPES, parse_everything
from gateway.pipeline import everything, seen


def everything_router(store: Store, settings: FhirSettings) -> APIRouter:
    """Return the routes; they come before those of the FHIR door."""
    router = APIRouter(prefix="/fhir", tags=["FHIR"])

    async def whole(request: Request) -> Response:
        """Give a Patient, a stay or an episode with all that belongs to it, page by page."""
        pairs = asked.query_of(request)
        format_ = asked.format_of(request, pairs)
        type_, id_ = asked.address_of(request)
        if type_ not in TYPES:
            raise RejectedError([unknown_operation()])
        now = settings.now()
        query = parse_everything(type_, id_, pairs, now)
        root, found = await seen.read(
            store,
            sight_of(request),
            lambda tx: (
                tx.resources.current([(type_, id_)]).get((type_, id_)),
                everything.run(tx, query),
            ),
        )
        check_there(root)
        cursor = found.next_cursor
        token = None if cursor is None else query.page_token(cursor, now)
        address = f"{settings.base}/{type_}/{id_}/$everything"
        body = searchset(
            found.resources,
            base=settings.base,
            total=None,
            links=asked.page_links(address, query.used, query.own_token(), token),
            included=found.pointed_to,
        )
        return respond(body, format_)

    router.add_api_route(
        "/{type}/{id}/$everything",
        whole,
        openapi_extra=asked.described(
            {"type": "Encounter, EpisodeOfCare or Patient", "id": "id of the resource"}
        ),
    )
    return router
