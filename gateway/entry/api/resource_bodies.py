"""Reads the FHIR resource, or the patch, in the body of a request: JSON or XML, strictly.

Does not judge what a resource says. FHIR R4 http 3.1.0.1.9 (content types), 2.6.
"""

from typing import Any

from fastapi import Request

from gateway.core.contributions import Json
from gateway.core.errors import RejectedError
from gateway.entry.api.bodies import Body, read_body
from gateway.fhir import strict_json, xml_reader
from gateway.fhir import write_faults as faults
from gateway.fhir.strict_json import UnreadableError

_JSON = frozenset({"application/fhir+json", "application/json"})
_XML = frozenset({"application/fhir+xml", "application/xml"})
JSON_PATCH = "application/json-patch+json"
_UTF_8 = frozenset({"utf-8", "utf8", "us-ascii"})
#: Bytes of one body.
LIMIT = 16 * 2**20


def media_type_of(request: Request) -> str:
    """Return the media type of the body, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def resource_in(request: Request, limit: int = LIMIT) -> Json:
    """Read the resource of a request; its type is not judged.

    Raises:
        BodyRefusedError: the body was not read to its end (400, 408, 413, 415).
        RejectedError: it holds none (RLS-FHR-240), or not in UTF-8 (RLS-FHR-264).
    """
    found = _value(await _body(request, _JSON | _XML, limit), media_type_of(request))
    if not isinstance(found, dict):
        raise RejectedError([faults.unreadable("it is not one object")])
    return found


async def json_patch_in(request: Request) -> Any:
    """Read the JSON of a patch document.

    Raises:
        BodyRefusedError: as of `resource_in`.
        RejectedError: it is no JSON (RLS-FHR-240), or not in UTF-8 (RLS-FHR-264).
    """
    body = await _body(request, frozenset({JSON_PATCH, *_JSON, *_XML}), LIMIT)
    return _value(body, JSON_PATCH)


async def _body(request: Request, media_types: frozenset[str], limit: int) -> Body:
    body = await read_body(request, media_types, limit)
    if body.charset is not None and body.charset.lower() not in _UTF_8:
        raise RejectedError([faults.wrong_charset()])
    return body


def _value(body: Body, media_type: str) -> Any:
    try:
        return (xml_reader if media_type in _XML else strict_json).read(body.data)
    except UnreadableError as error:
        raise RejectedError([faults.unreadable(str(error))]) from None
