"""What a request at the FHIR door asks for: parameters, form, format, view, type and id."""

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, quote, urlencode

from fastapi import Request

from gateway.core.errors import RejectedError
from gateway.core.issues import Issue, Severity
from gateway.entry.api.answers import Format
from gateway.entry.api.errors import malformed, too_large, unknown_operation
from gateway.entry.api.negotiation import is_lenient, negotiate
from gateway.fhir.search_faults import bad_value, place, unknown_parameter
from gateway.fhir.search_results import SUMMARIES, read_elements
from gateway.fhir.search_table import PARAMETERS
from gateway.fhir.views import View

Pairs = list[tuple[str, str]]

_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_FORM = "application/x-www-form-urlencoded"
_FORM_LIMIT = 64 * 1024
#: What every address takes.
_GENERAL = ("_elements", "_format", "_pretty", "_summary")


def query_of(request: Request) -> Pairs:
    """Return the parameters of the address, in order."""
    text: bytes = request.scope["query_string"]
    return parse_qsl(text.decode("latin-1"), keep_blank_values=True) if text else []


async def form_of(request: Request) -> Pairs:
    """Return the parameters of the body, in order.

    Raises:
        RejectedError: the body is no form, or too large (RLS-FHR-057, RLS-FHR-059, RLS-FHR-068).
    """
    if request.headers.get("content-encoding", "identity") != "identity":
        # A small compressed body can hold gigabytes.
        raise RejectedError([_not_a_form()])
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _FORM_LIMIT:
            raise RejectedError([too_large()])
    if not body:
        return []
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise RejectedError([_not_a_form()])
    try:
        return parse_qsl(body.decode("utf-8"), keep_blank_values=True)
    except UnicodeDecodeError:
        raise RejectedError([malformed("http.body", "The form is not UTF-8.")]) from None


def format_of(request: Request, pairs: Pairs) -> Format:
    """Return the format of the answer.

    Raises:
        RejectedError: none that is offered (RLS-FHR-056).
    """
    given = dict(reversed(pairs))
    media = negotiate(",".join(request.headers.getlist("accept")), given.get("_format", ""))
    return Format(media, is_pretty=given.get("_pretty", "") == "true")


def handling_is_lenient(request: Request) -> bool:
    """Tell whether what is not understood is to be left out."""
    return is_lenient(",".join(request.headers.getlist("prefer")))


def check_format_only(request: Request, pairs: Pairs) -> None:
    """Hold the address of a write to what it may say: the format of its answer.

    Raises:
        RejectedError: it says more, which would be without effect (RLS-FHR-060); one issue each.
    """
    offered = ("_format", "_pretty")
    more = [name for name in dict.fromkeys(name for name, _ in pairs) if name not in offered]
    if more and not handling_is_lenient(request):
        raise RejectedError([unknown_parameter(place(one), "a write", offered) for one in more])


def view_of(request: Request, pairs: Pairs, type_: str) -> View:
    """Return which part of one resource is asked for.

    Raises:
        RejectedError: one issue per fault (RLS-FHR-060, RLS-FHR-062).
    """
    summary, elements, issues = "", list[str](), list[Issue]()
    for name, value in pairs:
        if name not in _GENERAL and not handling_is_lenient(request):
            issues.append(unknown_parameter(place(name), "a read", _GENERAL))
        elif name == "_summary" and (value not in SUMMARIES or value == "count"):
            issues.append(bad_value("http._summary", "true, text, data or false"))
        elif name == "_summary":
            summary = value if value != "false" else ""
        elif name == "_elements":
            found = read_elements(value, [type_])
            elements += found or []
            if found is None:
                issues.append(bad_value("http._elements", f"names of elements of {type_}"))
    if issues:
        raise RejectedError(issues)
    return View(summary, tuple(elements))


def type_of(request: Request) -> str:
    """Return the resource type of the address.

    Raises:
        RejectedError: it is none that is kept here (RLS-FHR-050).
    """
    type_: str = request.path_params["type"]
    if type_ not in PARAMETERS:
        raise RejectedError([_unknown_type()])
    return type_


def address_of(request: Request) -> tuple[str, str]:
    """Return the type and the id of the address.

    Raises:
        RejectedError: RLS-FHR-050, RLS-FHR-053, RLS-FHR-071.
    """
    type_, id_ = type_of(request), request.path_params["id"]
    if id_[:1] in ("_", "$"):
        raise RejectedError([unknown_operation()])
    if not _ID.fullmatch(id_):
        raise RejectedError([_bad_id()])
    return type_, id_


def described(names: dict[str, str]) -> dict[str, list[dict[str, object]]]:
    """Describe the variable parts of an address for OpenAPI."""
    return {
        "parameters": [
            {
                "name": name,
                "in": "path",
                "required": True,
                "description": words,
                "schema": {"type": "string"},
            }
            for name, words in names.items()
        ]
    }


def link(address: str, pairs: Iterable[tuple[str, str]]) -> str:
    """Return an address with parameters."""
    text = urlencode(list(pairs), quote_via=quote, safe="/:,")
    return f"{address}?{text}" if text else address


def page_links(
    address: str, used: Pairs | tuple[tuple[str, str], ...], own: str | None, following: str | None
) -> dict[str, str]:
    """Return the links of a page: itself, and the next one when there is one.

    Args:
        address: of the listing.
        used: parameters that had an effect.
        own: token of this page; None for the first.
        following: token of the next page; None for the last.
    """
    here = (*used, ("_cursor", own)) if own is not None else tuple(used)
    links = {"self": link(address, here)}
    if following is not None:
        links["next"] = link(address, (*used, ("_cursor", following)))
    return links


def _unknown_type() -> Issue:
    return Issue(
        code="RLS-FHR-050",
        severity=Severity.ERROR,
        where="http.path",
        what="This is no resource type of FHIR R4, or none that is kept here.",
        fix="Read /fhir/metadata for the types; letter case counts.",
    )


def _bad_id() -> Issue:
    return Issue(
        code="RLS-FHR-053",
        severity=Severity.ERROR,
        where="http.path",
        what="This cannot be a FHIR id.",
        fix="Use 1 to 64 letters, digits, dots and hyphens.",
    )


def _not_a_form() -> Issue:
    return Issue(
        code="RLS-FHR-057",
        severity=Severity.ERROR,
        where="http.Content-Type",
        what="The body of a search is a form, not compressed.",
        fix=f"Send Content-Type: {_FORM} without Content-Encoding.",
    )
