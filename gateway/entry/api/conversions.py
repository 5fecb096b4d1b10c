"""`POST /fhir/$relais-convert`: what an HL7 v2 message or a CDA says in FHIR, nothing kept.

As `relais convert` does it. Defined in `profiles/fhir/OperationDefinition-relais-convert.json`.
"""

import asyncio
import base64
import binascii
from typing import Protocol

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from gateway.core.clock import Clock
from gateway.core.contributions import Json
from gateway.core.errors import RejectedError
from gateway.core.messages import Channel, RawMessage
from gateway.entry.api import asked, cda, hl7v2
from gateway.entry.api.answers import respond
from gateway.entry.api.bodies import read_body
from gateway.entry.api.errors import operation_outcome
from gateway.entry.api.resource_bodies import LIMIT, media_type_of, resource_in
from gateway.fhir import write_faults as faults
from gateway.fhir.bundle import assemble, to_bytes
from gateway.pipeline.convert import Conversion
from gateway.pipeline.folds import fold_alone

_HL7 = hl7v2.MEDIA_TYPES
_RAW = _HL7 | cda.MEDIA_TYPES


class Converts(Protocol):
    """What converts one input for somebody who looks at it."""

    def convert(self, raw: RawMessage) -> Conversion:
        """Convert an input; raises RejectedError when it is refused."""
        ...


def conversions_router(converter: Converts, clock: Clock, base: str) -> APIRouter:
    """Return the route; it comes before those of the FHIR door.

    Args:
        converter: of the installation.
        clock: of the installation.
        base: public address of the FHIR door, without trailing slash.
    """
    router = APIRouter(prefix="/fhir", tags=["FHIR"])

    async def convert(request: Request) -> Response:
        """Convert a message or document; nothing is kept."""
        format_ = asked.format_of(request, asked.query_of(request))
        body, channel, charset = await _input(request)
        raw = RawMessage(body, channel, clock.now(), charset=charset)
        answer = await asyncio.to_thread(_converted, converter, raw, base)
        return respond(answer, format_, 200, {"Cache-Control": "no-store"})

    router.add_api_route("/$relais-convert", convert, methods=["POST"])
    return router


def _converted(converter: Converts, raw: RawMessage, base: str) -> bytes:
    conversion = converter.convert(raw)
    made = assemble(fold_alone(conversion.contributions), base)
    entries = [
        {"fullUrl": entry["fullUrl"], "resource": entry["resource"]}
        for entry in made.get("entry", ())
    ]
    bundle: Json = {"resourceType": "Bundle", "type": "collection"}
    if entries:
        bundle["entry"] = entries
    outcome = orjson.Fragment(operation_outcome(conversion.issues))
    flags = [{"name": "flag", "valueCode": flag} for flag in dict.fromkeys(conversion.flags)]
    parameters = [
        {"name": "bundle", "resource": orjson.Fragment(to_bytes(bundle))},
        {"name": "outcome", "resource": outcome},
        *flags,
    ]
    return orjson.dumps({"resourceType": "Parameters", "parameter": parameters})


async def _input(request: Request) -> tuple[bytes, Channel, str | None]:
    """Return the bytes to convert, the door they would come by, and their character set.

    They are the body itself, or in a Binary: as the body, or as the parameter `input`.
    """
    media = media_type_of(request)
    if media in _RAW:
        body = await read_body(request, _RAW, LIMIT)
        channel = Channel.HTTP if media in _HL7 else Channel.CDA
        return body.data, channel, body.charset
    sent = await resource_in(request)
    if sent.get("resourceType") == "Parameters":
        sent = _parameter(sent)
    if sent.get("resourceType") != "Binary":
        raise RejectedError([faults.no_input("it holds no Binary")])
    held, _, rest = str(sent.get("contentType", "")).partition(";")
    if held.strip().lower() not in _RAW:
        raise RejectedError([faults.no_input("the contentType of the Binary is no input of ours")])
    try:
        data = base64.b64decode(str(sent.get("data", "")), validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not data.strip():
        raise RejectedError([faults.no_input("the Binary has no data")])
    name, _, charset = rest.strip().partition("=")
    channel = Channel.HTTP if held.strip().lower() in _HL7 else Channel.CDA
    return data, channel, charset.strip('" ') or None if name.lower() == "charset" else None


def _parameter(sent: Json) -> Json:
    told = sent.get("parameter")
    for one in told if isinstance(told, list) else ():
        if isinstance(one, dict) and one.get("name") == "input":
            held = one.get("resource")
            return held if isinstance(held, dict) else {}
    return {}
