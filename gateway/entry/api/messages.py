"""`POST /fhir/$process-message`: a FHIR message is answered by one (FHIR R4 messaging 2.37).

What is understood is in `fhir.messages`; it is carried out as a transaction. A message that cannot
be done is answered by a message too, with `fatal-error` and why.
"""

from uuid import uuid4

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from gateway.core.clock import Clock
from gateway.core.contributions import Json
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue
from gateway.core.ports import Store
from gateway.entry.api import asked
from gateway.entry.api.answers import Format, respond
from gateway.entry.api.errors import operation_outcome, status_of
from gateway.entry.api.resource_bodies import resource_in
from gateway.entry.api.transactions import TransactionDoor
from gateway.entry.api.writing import WriteSettings, Writing
from gateway.fhir import write_faults as faults
from gateway.fhir.bundle import fhir_instant
from gateway.fhir.bundle_entries import read_entries
from gateway.fhir.messages import header_of, heard, reply


def messages_router(store: Store, clock: Clock, settings: WriteSettings) -> APIRouter:
    """Return the route; it comes before those of the FHIR door."""
    transactions = TransactionDoor(Writing(store, clock, settings), settings.base)
    router = APIRouter(prefix="/fhir", tags=["FHIR"])

    async def process(request: Request) -> Response:
        """Take a message and answer it."""
        pairs = asked.query_of(request)
        format_ = asked.format_of(request, pairs)
        if {"async", "response-url"} & {name for name, value in pairs if value != "false"}:
            raise RejectedError([faults.not_a_message("answers are given at once only")])
        bundle = await resource_in(request)
        header = header_of(bundle)
        try:
            entries = read_entries(heard(bundle), settings.base)
            await transactions.transaction(request, entries)
        except RejectedError as error:
            return _told(header, error.issues, status_of(error.issues), format_)
        return _told(header, (), 200, format_)

    def _told(header: Json, issues: tuple[Issue, ...], status: int, format_: Format) -> Response:
        code = "fatal-error" if issues else "ok"
        answer = reply(header, str(uuid4()), fhir_instant(clock.now()), code, settings.base)
        outcome, id_ = orjson.loads(operation_outcome(issues)), str(uuid4())
        answer["entry"][0]["resource"]["response"]["details"] = {"reference": f"urn:uuid:{id_}"}
        answer["entry"].append({"fullUrl": f"urn:uuid:{id_}", "resource": outcome})
        return respond(orjson.dumps(answer), format_, status)

    router.add_api_route("/$process-message", process, methods=["POST"])
    return router
