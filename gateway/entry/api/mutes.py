"""`POST /fhir/$relais-mute`, `$relais-unmute`, `GET /fhir/$relais-mutes` (FHIR R4 operations).

Whom nobody is told about for a while, and why. What may be muted is decided in `fhir.mutes`.
"""

from collections.abc import Callable, Collection

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from gateway.core.clock import Clock
from gateway.core.contributions import Json
from gateway.core.errors import RejectedError
from gateway.core.ports import Store
from gateway.entry.api.bodies import read_body
from gateway.entry.api.writes import media_of
from gateway.entry.auth.wall import sight_of
from gateway.fhir import mute_faults as faults
from gateway.fhir.bundle import to_bytes
from gateway.fhir.mutes import asked, parameters, shown
from gateway.pipeline import seen
from gateway.pipeline.muted_for import lift_for, mute_for, shown_mutes

_MEDIA = frozenset({"application/fhir+json", "application/json"})
_LIMIT = 64 * 1024


def mutes_router(
    store: Store, clock: Clock, rules: Collection[str], client_of: Callable[[Request], str]
) -> APIRouter:
    """Return the routes; they come before those of the FHIR door.

    Args:
        store: where mutes are.
        clock: of the installation.
        rules: ids of all rules.
        client_of: name of the client of a request.
    """
    router = APIRouter(prefix="/fhir", tags=["FHIR mutes"])

    async def begin(request: Request) -> Response:
        """Mute a gap, a rule for a patient or an establishment, or a recipient domain."""
        media, client = media_of(request), client_of(request)
        wish = asked(await _body(request), client)
        sight = sight_of(request)
        made = await store.write(lambda tx: mute_for(tx, wish, rules, clock.now(), sight))
        return Response(to_bytes(shown([made])), media_type=media)

    async def end(request: Request) -> Response:
        """End a mute before its time."""
        media, client = media_of(request), client_of(request)
        mute_id = parameters(await _body(request), {"mute"}).get("mute", "")
        sight = sight_of(request)
        ended = await store.write(lambda tx: lift_for(tx, mute_id, client, clock.now(), sight))
        return Response(to_bytes(shown([ended])), media_type=media)

    async def all_of_them(request: Request) -> Response:
        """List every mute that is shown, past ones too, the newest first."""
        media, sight = media_of(request), sight_of(request)
        found = await seen.read(store, sight, lambda tx: shown_mutes(tx, tx.work.mutes(), sight))
        return Response(to_bytes(shown(found)), media_type=media)

    router.add_api_route("/$relais-mute", begin, methods=["POST"])
    router.add_api_route("/$relais-unmute", end, methods=["POST"])
    router.add_api_route("/$relais-mutes", all_of_them, methods=["GET"])
    return router


async def _body(request: Request) -> Json:
    body = await read_body(request, _MEDIA, _LIMIT)
    try:
        sent: Json = orjson.loads(body.data)
    except orjson.JSONDecodeError:
        raise RejectedError([faults.no_parameters()]) from None
    return sent
