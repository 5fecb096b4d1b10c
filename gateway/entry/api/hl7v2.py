"""POST /hl7v2: the same road as a frame on the MLLP port; the answer is the ACK.

A batch file gets a batch of them (`entry.api.batches`).

Does not read the message. A refusal by HL7 (AE, AR) is a success of the transport: 200. Other
statuses are for what no ACK can be made of.
"""

from typing import Any

from fastapi import APIRouter, Request, Response

from gateway.core.errors import RetriableError
from gateway.core.messages import Channel, Outcome, Peer, RawMessage, Receipt
from gateway.entry.api.batches import receive_batch
from gateway.entry.api.bodies import BODY_TIMEOUT_S, BodyRefusedError, caller_address, read_body
from gateway.entry.api.errors import refusal
from gateway.entry.doors import House, unavailable
from gateway.hl7v2.batch import is_batch
from gateway.hl7v2.framing import FS, VT
from gateway.hl7v2.rawheader import header_of

#: The registered form and the older one of the HL7 over HTTP specification.
MEDIA_TYPES = frozenset(
    {"application/hl7-v2", "application/hl7-v2+er7", "x-application/hl7-v2+er7"}
)
#: The body came inside the frame bytes of MLLP.
FLAG_MLLP = "mllp-in-http"
_RETRY_AFTER_S = 5

#: Python codec to IANA name, where they differ.
_IANA = {
    "ascii": "us-ascii",
    "iso8859-1": "iso-8859-1",
    "iso8859-2": "iso-8859-2",
    "iso8859-9": "iso-8859-9",
    "iso8859-15": "iso-8859-15",
    "cp1252": "windows-1252",
}


def hl7v2_router(
    house: House, *, body_limit: int = 64 * 2**20, body_timeout_s: float = BODY_TIMEOUT_S
) -> APIRouter:
    """Build the route of the HL7 v2 door.

    Args:
        house: what is behind the door.
        body_limit: largest message in bytes.
        body_timeout_s: time the sender has for its body.
    """
    router = APIRouter(tags=["doors"])

    @router.post(
        "/hl7v2",
        summary="Send an HL7 v2 message or batch (ER7) and get its acknowledgement",
        response_class=Response,
        responses={
            200: {
                "description": "The ACK, be it AA, AE or AR; a batch of them for a batch",
                "content": _content(),
            },
            204: {"description": "Kept; an acknowledgement is never answered"},
            400: {"description": "No ACK can be made of the body"},
            413: {"description": "Body too large"},
            415: {"description": "Media type not taken"},
            503: {"description": "Nothing was kept; send again", "content": _content()},
        },
        openapi_extra={"requestBody": {"required": True, "content": _content()}},
    )
    async def post_hl7v2(request: Request) -> Response:
        try:
            body = await read_body(request, MEDIA_TYPES, body_limit, body_timeout_s)
        except BodyRefusedError as error:
            return refusal([error.issue], error.status)
        data, flags = without_envelope(body.data)
        peer = Peer(caller_address(request))
        raw = RawMessage(data, Channel.HTTP, house.clock.now(), peer, body.charset, flags)
        try:
            if is_batch(data):
                return _response(await receive_batch(house, raw), _RETRY_AFTER_S)
            receipt = await house.receive(raw)
        except RetriableError as error:
            issue = unavailable()
            ack = house.answer_for(data, issue)
            receipt = Receipt(Outcome.UNAVAILABLE, (issue,), ack)
            return _response(receipt, error.retry_after_s)
        return _response(receipt, _RETRY_AFTER_S)

    return router


def without_envelope(body: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Take the bytes out of one MLLP frame, and say so in a flag; other bodies stay as they are."""
    if not body.startswith(VT) or body.count(FS) != 1:
        return body, ()
    inside, _, after = body[1:].partition(FS)
    return (inside, (FLAG_MLLP,)) if not after.strip(b"\r\n\0") else (body, ())


def _response(receipt: Receipt, retry_after_s: float) -> Response:
    is_away = receipt.outcome is Outcome.UNAVAILABLE
    headers = {"Cache-Control": "no-store"}
    if is_away:
        headers["Retry-After"] = str(max(1, round(retry_after_s)))
    if receipt.ack:
        media_type = "application/hl7-v2"
        # A batch holds answers in the character set of each message: every MSH-18 tells its own.
        if not is_batch(receipt.ack):
            codec = header_of(receipt.ack).codec
            media_type = f"{media_type}; charset={_IANA.get(codec, codec)}"
        return Response(receipt.ack, 503 if is_away else 200, headers, media_type)
    if is_away:
        return refusal(receipt.issues, 503, headers)
    if receipt.outcome is Outcome.REJECTED:
        return refusal(receipt.issues, 400)
    return Response(status_code=204, headers=headers)


def _content() -> dict[str, Any]:
    return {"application/hl7-v2": {"schema": {"type": "string"}}}
