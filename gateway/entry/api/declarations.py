"""`POST /fhir/CommunicationRequest`: an event is declared (flux 3 of the French guide).

The answer is the declaration as it came, 201, as the guide has it. It is kept as an input and not
served as a resource, so that there is no Location.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from fastapi import APIRouter, Request
from starlette.responses import Response

from gateway.core.clock import Clock
from gateway.core.errors import RejectedError
from gateway.core.ports import Store, Transaction
from gateway.entry.api import asked
from gateway.entry.api.answers import respond
from gateway.entry.api.resource_bodies import resource_in
from gateway.entry.auth.wall import client_of, sight_of
from gateway.fhir import write_faults
from gateway.fhir.bundle import to_bytes
from gateway.fhir.identity import Ids
from gateway.fhir.nde_declared import read_declaration
from gateway.pipeline.declared_events import Declaring, declare
from gateway.pipeline.folds import FOLDS

_TYPE = "CommunicationRequest"


@dataclass(frozen=True, slots=True)
class DeclarationSettings:
    """What the door needs to know.

    Attributes:
        ids: computed ids of the installation.
        declarants: clients that may declare, with the FINESS of those they speak for.
        client_of: name of the client of a request.
    """

    ids: Ids
    declarants: Mapping[str, Sequence[str]] = field(default_factory=dict)
    client_of: Callable[[Request], str] = client_of


def declarations_router(store: Store, clock: Clock, settings: DeclarationSettings) -> APIRouter:
    """Return the route; it comes before those that take every type."""
    router = APIRouter(prefix=f"/fhir/{_TYPE}", tags=["FHIR"])

    async def take(request: Request) -> Response:
        """Take an event that is declared."""
        pairs = asked.query_of(request)
        format_ = asked.format_of(request, pairs)
        asked.check_format_only(request, pairs)
        sent = await resource_in(request)
        if sent.get("resourceType") != _TYPE:
            raise RejectedError([write_faults.other_type()])
        declared = read_declaration(sent)
        client = settings.client_of(request)
        speaks_for = tuple(settings.declarants.get(client, ()))
        asking = Declaring(client, speaks_for, clock.now(), sight_of(request))

        def work(tx: Transaction) -> bool:
            return declare(tx, declared, sent, asking, settings.ids, FOLDS)

        is_new = await store.write(work)
        return respond(to_bytes(sent), format_, 201 if is_new else 200)

    router.add_api_route("", take, methods=["POST"])
    return router
