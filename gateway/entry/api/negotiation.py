"""Content negotiation and preferences of the FHIR door (FHIR R4 http, RFC 9110 12.5.1)."""

from functools import lru_cache

from gateway.core.errors import RejectedError
from gateway.core.issues import Issue, Severity
from gateway.entry.api.errors import MEDIA_TYPE

_PLAIN = "application/json; charset=utf-8"
XML = "application/fhir+xml; charset=utf-8; fhirVersion=4.0"
_PLAIN_XML = "application/xml; charset=utf-8"
#: What is served for each media range; a client that asks for generic JSON or XML gets that name.
_SERVED = {
    "application/fhir+json": MEDIA_TYPE,
    "application/*": MEDIA_TYPE,
    "*/*": MEDIA_TYPE,
    "application/json": _PLAIN,
    "text/json": _PLAIN,
    "application/fhir+xml": XML,
    "application/xml": _PLAIN_XML,
    "text/xml": _PLAIN_XML,
}
_FORMATS = {
    "json": MEDIA_TYPE,
    "application/fhir+json": MEDIA_TYPE,
    # An unescaped plus in an address arrives as a space.
    "application/fhir json": MEDIA_TYPE,
    "application/json": _PLAIN,
    "text/json": _PLAIN,
    "xml": XML,
    "application/fhir+xml": XML,
    "application/fhir xml": XML,
    "application/xml": _PLAIN_XML,
    "text/xml": _PLAIN_XML,
}


@lru_cache(maxsize=256)
def negotiate(accept: str, format_: str) -> str:
    """Return the media type to answer with.

    Args:
        accept: the Accept header, empty when there is none.
        format_: the parameter `_format`, which wins over the header; empty when there is none.

    Raises:
        RejectedError: the client takes neither JSON nor XML (RLS-FHR-056).
    """
    if format_:
        served = _FORMATS.get(format_.partition(";")[0].strip().lower())
        if served is None:
            raise RejectedError([_not_acceptable("http._format")])
        return served
    if not accept.strip():
        return MEDIA_TYPE
    best, weight = "", 0.0
    for item in accept.split(","):
        name, quality, version = _media_range(item)
        served = _SERVED.get(name)
        if served is not None and quality > weight and version in ("", "4.0"):
            best, weight = served, quality
    if not best:
        raise RejectedError([_not_acceptable("http.Accept")])
    return best


@lru_cache(maxsize=64)
def is_lenient(prefer: str) -> bool:
    """Tell whether `Prefer: handling=lenient` is asked (RFC 7240 4.4)."""
    wishes = [wish.strip().lower() for wish in prefer.replace(";", ",").split(",")]
    return "handling=lenient" in wishes


def _media_range(item: str) -> tuple[str, float, str]:
    """Read a media range, its weight and its `fhirVersion`."""
    name, *parameters = (part.strip() for part in item.split(";"))
    quality, version = 1.0, ""
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        value = value.strip().strip('"')
        if key.strip().lower() == "q":
            quality = _weight(value)
        elif key.strip().lower() == "fhirversion":
            version = value
    return name.lower(), quality, version


def _weight(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        # RFC 9110 gives no meaning to a malformed weight; the range itself is still wanted.
        return 1.0


def _not_acceptable(where: str) -> Issue:
    return Issue(
        code="RLS-FHR-056",
        severity=Severity.ERROR,
        where=where,
        what="Only JSON and XML of FHIR 4.0 are served, and the client takes neither.",
        fix="Ask with Accept: application/fhir+json, or with _format=json or xml.",
    )
