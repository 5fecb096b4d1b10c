"""POST /cda: a CDA document in, what became of it out, as an OperationOutcome.

Does not read the document. 201 for a new document, 200 for one that is known, 422 for one that
is refused, 400 for what is no XML, 503 when nothing was kept.
"""

import codecs

from fastapi import APIRouter, Request, Response

from gateway.core.errors import RetriableError
from gateway.core.issues import Issue, Severity
from gateway.core.messages import Channel, Outcome, Peer, RawMessage, Receipt
from gateway.entry.api.bodies import BODY_TIMEOUT_S, BodyRefusedError, caller_address, read_body
from gateway.entry.api.errors import MEDIA_TYPE
from gateway.entry.doors import House, OutcomeFor, unavailable

MEDIA_TYPES = frozenset({"application/xml", "text/xml", "application/hl7-cda+xml"})
_RETRY_AFTER_S = 5
_STATUS = {
    Outcome.ACCEPTED: 201,
    Outcome.DUPLICATE: 200,
    Outcome.IGNORED: 200,
    Outcome.UNANSWERED: 200,
    Outcome.REJECTED: 422,
    Outcome.UNAVAILABLE: 503,
}
_BYTE_ORDER_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def cda_router(
    house: House,
    outcome: OutcomeFor,
    *,
    body_limit: int = 32 * 2**20,
    body_timeout_s: float = BODY_TIMEOUT_S,
    fhir_path: str = "/fhir",
) -> APIRouter:
    """Build the route of the CDA door.

    Args:
        house: what is behind the door.
        outcome: writes issues as an OperationOutcome.
        body_limit: largest document in bytes.
        body_timeout_s: time the sender has for its body.
        fhir_path: path of the FHIR door, for the Location of the DocumentReference.
    """
    router = APIRouter(tags=["doors"])

    @router.post(
        "/cda",
        summary="Send a CDA document and get an OperationOutcome",
        response_class=Response,
        status_code=201,
        responses={
            201: {"description": "Stored; Location names the DocumentReference"},
            200: {"description": "Known already; Location names the DocumentReference"},
            400: {"description": "Not XML"},
            413: {"description": "Body too large"},
            415: {"description": "Media type not taken"},
            422: {"description": "Refused; the document is kept for a later retry"},
            503: {"description": "Nothing was kept; send again"},
        },
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/xml": {"schema": {"type": "string"}}},
            }
        },
    )
    async def post_cda(request: Request) -> Response:
        try:
            body = await read_body(request, MEDIA_TYPES, body_limit, body_timeout_s)
        except BodyRefusedError as error:
            return _response(outcome([error.issue]), error.status)
        if not looks_like_xml(body.data):
            return _response(outcome([_not_xml()]), 400)
        peer = Peer(caller_address(request))
        raw = RawMessage(body.data, Channel.CDA, house.clock.now(), peer, body.charset)
        try:
            receipt = await house.receive(raw)
        except RetriableError as error:
            return _away(outcome([unavailable()]), error.retry_after_s)
        return _told(receipt, outcome(receipt.issues), fhir_path)

    return router


def looks_like_xml(body: bytes) -> bool:
    """Tell whether the first sign after a byte-order mark and blanks is `<`."""
    for mark in _BYTE_ORDER_MARKS:
        body = body.removeprefix(mark)
    return body[:1024].lstrip(b" \t\r\n\0").startswith(b"<")


def _told(receipt: Receipt, content: bytes, fhir_path: str) -> Response:
    if receipt.outcome is Outcome.UNAVAILABLE:
        return _away(content, _RETRY_AFTER_S)
    response = _response(content, _STATUS[receipt.outcome])
    if receipt.location:
        response.headers["Location"] = f"{fhir_path}/{receipt.location}"
    return response


def _away(content: bytes, retry_after_s: float) -> Response:
    response = _response(content, _STATUS[Outcome.UNAVAILABLE])
    response.headers["Retry-After"] = str(max(1, round(retry_after_s)))
    return response


def _response(content: bytes, status: int) -> Response:
    return Response(content, status, {"Cache-Control": "no-store"}, MEDIA_TYPE)


def _not_xml() -> Issue:
    return Issue(
        code="RLS-NET-006",
        severity=Severity.ERROR,
        where="HTTP body",
        what="the body is not XML.",
        fix="Send the CDA document itself, as XML (with curl: --data-binary @file).",
    )
