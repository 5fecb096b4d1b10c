"""`PUT /fhir/Task/{id}`: what people do with a gap comes in (FHIR R4 http update).

Tasks are made by the gateway and never deleted; read, history and search are those of every type
(`entry.api.fhir`). What may be written is decided in `fhir.gap_work`.
"""

from collections.abc import Callable

import orjson
from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.core.clock import Clock
from gateway.core.contributions import Json
from gateway.core.errors import RejectedError
from gateway.core.ports import Store, StoredResource, Transaction
from gateway.entry.api.bodies import read_body
from gateway.entry.api.writes import answer, check_version, media_of
from gateway.fhir import gap_work_faults as faults
from gateway.fhir.identity import Ids
from gateway.pipeline.work import work_on

_MEDIA = frozenset({"application/fhir+json", "application/json"})
_LIMIT = 256 * 1024


def tasks_router(
    store: Store, clock: Clock, ids: Ids, client_of: Callable[[Request], str]
) -> APIRouter:
    """Return the routes; they come before those of the FHIR door.

    Args:
        store: where Tasks are.
        clock: of the installation.
        ids: computed ids of the installation.
        client_of: name of the client of a request.
    """
    router = APIRouter(prefix="/fhir/Task", tags=["FHIR tasks"])

    async def update(request: Request) -> Response:
        """Take, defer, settle or hand back the work on a gap."""
        media, id_ = media_of(request), request.path_params["id"]
        if "if-match" not in request.headers:
            raise RejectedError([faults.no_version()])
        sent = await _body(request)
        if sent.get("id") != id_:
            raise RejectedError([faults.other_id()])

        def fits(current: StoredResource) -> None:
            check_version(request, current, faults.changed_meanwhile)

        def work(tx: Transaction) -> StoredResource:
            return work_on(tx, id_, sent, client_of(request), fits, clock.now(), ids)

        return answer(request, await store.write(work), media, 200, {})

    async def refuse(_request: Request) -> Response:
        """Refuse the method."""
        raise HTTPException(405, headers={"Allow": "GET, PUT"})

    router.add_api_route("/{id}", update, methods=["PUT"])
    router.add_api_route("/{id}", refuse, methods=["PATCH", "DELETE"], include_in_schema=False)
    return router


async def _body(request: Request) -> Json:
    body = await read_body(request, _MEDIA, _LIMIT)
    try:
        sent = orjson.loads(body.data)
    except orjson.JSONDecodeError:
        raise RejectedError([faults.no_task()]) from None
    if not isinstance(sent, dict):
        raise RejectedError([faults.no_task()])
    return sent
