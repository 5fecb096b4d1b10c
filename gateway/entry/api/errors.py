"""Issues as FHIR OperationOutcome, and the answers to everything that goes wrong over HTTP.

The only place that builds an OperationOutcome. An answer names places and codes, never a value
and never a stack trace (FHIR R4 http, status codes).
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from math import ceil

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match, Route

from gateway.core.contributions import Json
from gateway.core.errors import FatalError, RejectedError, RetriableError
from gateway.core.issues import Issue, Severity
from gateway.entry.api.bodies import BodyRefusedError
from gateway.entry.api.write_statuses import STATUSES_OF_WRITES
from gateway.fhir.bundle import to_bytes

ISSUE_CODES = "https://relais.example/fhir/CodeSystem/issue-code"
MEDIA_TYPE = "application/fhir+json; charset=utf-8; fhirVersion=4.0"

#: HTTP status and FHIR issue type of what the HTTP doors refuse by themselves.
_ANSWERS: dict[str, tuple[int, str]] = {
    **STATUSES_OF_WRITES,
    "RLS-FHR-050": (404, "not-supported"),
    "RLS-FHR-051": (404, "not-found"),
    "RLS-FHR-052": (410, "deleted"),
    "RLS-FHR-053": (400, "value"),
    "RLS-FHR-054": (404, "not-found"),
    "RLS-FHR-055": (405, "not-supported"),
    "RLS-FHR-056": (406, "not-supported"),
    "RLS-FHR-057": (415, "not-supported"),
    "RLS-FHR-058": (404, "not-found"),
    "RLS-FHR-059": (400, "invalid"),
    "RLS-FHR-060": (400, "not-supported"),
    "RLS-FHR-061": (400, "not-supported"),
    "RLS-FHR-062": (400, "value"),
    "RLS-FHR-063": (400, "not-supported"),
    "RLS-FHR-064": (400, "too-costly"),
    "RLS-FHR-065": (400, "value"),
    "RLS-FHR-066": (421, "security"),
    "RLS-FHR-067": (403, "forbidden"),
    "RLS-FHR-068": (413, "too-long"),
    "RLS-FHR-069": (500, "exception"),
    "RLS-FHR-071": (404, "not-supported"),
    "RLS-FHR-201": (422, "required"),
    "RLS-FHR-202": (422, "structure"),
    "RLS-FHR-203": (422, "value"),
    "RLS-FHR-204": (422, "value"),
    "RLS-FHR-205": (422, "structure"),
    "RLS-FHR-206": (422, "structure"),
    "RLS-FHR-207": (422, "code-invalid"),
    "RLS-FHR-208": (422, "code-invalid"),
    "RLS-FHR-209": (422, "informational"),
    "RLS-FHR-211": (422, "informational"),
    "RLS-FHR-212": (422, "value"),
    "RLS-FHR-213": (422, "not-found"),
    "RLS-FHR-214": (422, "invalid"),
    "RLS-FHR-215": (422, "extension"),
    "RLS-FHR-216": (422, "extension"),
    "RLS-FHR-217": (422, "structure"),
    "RLS-FHR-225": (422, "not-found"),
    "RLS-FHR-231": (400, "structure"),
    "RLS-FHR-232": (404, "not-supported"),
    "RLS-FHR-233": (400, "invalid"),
    "RLS-FHR-234": (400, "value"),
    "RLS-FHR-235": (400, "required"),
    "RLS-FHR-236": (404, "not-found"),
    "RLS-FHR-237": (400, "invalid"),
    "RLS-FHR-300": (400, "required"),
    "RLS-FHR-301": (404, "not-supported"),
    "RLS-FHR-302": (404, "not-found"),
    "RLS-FHR-303": (500, "exception"),
    "RLS-FHR-304": (429, "throttled"),
    "RLS-FHR-305": (400, "not-found"),
    "RLS-FHR-072": (410, "expired"),
    "RLS-FHR-073": (200, "too-costly"),
    "RLS-GAP-001": (422, "structure"),
    "RLS-GAP-002": (422, "business-rule"),
    "RLS-GAP-003": (409, "business-rule"),
    "RLS-GAP-004": (422, "value"),
    "RLS-GAP-005": (422, "required"),
    "RLS-GAP-006": (422, "required"),
    "RLS-GAP-007": (422, "required"),
    "RLS-GAP-008": (404, "not-found"),
    "RLS-GAP-009": (400, "value"),
    "RLS-GAP-010": (428, "required"),
    "RLS-GAP-011": (412, "conflict"),
    "RLS-GAP-012": (422, "required"),
    "RLS-GAP-013": (422, "value"),
    "RLS-GAP-020": (400, "structure"),
    "RLS-GAP-021": (422, "structure"),
    "RLS-GAP-022": (422, "value"),
    "RLS-GAP-023": (404, "not-found"),
    "RLS-GAP-024": (422, "value"),
    "RLS-GAP-025": (422, "required"),
    "RLS-GAP-026": (422, "value"),
    "RLS-GAP-027": (404, "not-found"),
    "RLS-GAP-028": (409, "business-rule"),
    "RLS-SEC-020": (401, "login"),
    "RLS-SEC-021": (403, "forbidden"),
    "RLS-SEC-022": (429, "throttled"),
    "RLS-SEC-040": (503, "transient"),
    "RLS-SEC-044": (503, "transient"),
    "RLS-SEC-047": (400, "too-costly"),
    "RLS-SEC-048": (401, "login"),
    "RLS-SEC-052": (403, "forbidden"),
    "RLS-SEC-054": (401, "login"),
    "RLS-SEC-055": (403, "forbidden"),
    "RLS-STO-005": (400, "value"),
    **dict.fromkeys((f"RLS-FHR-{number}" for number in range(270, 275)), (422, "not-supported")),
    "RLS-FHR-275": (422, "required"),
    "RLS-FHR-276": (422, "code-invalid"),
    "RLS-FHR-277": (422, "not-supported"),
    "RLS-FHR-278": (403, "forbidden"),
    "RLS-FHR-279": (422, "not-found"),
    "RLS-FHR-280": (422, "conflict"),
    "RLS-FHR-281": (422, "business-rule"),
    "RLS-FHR-282": (422, "not-found"),
    "RLS-FHR-283": (422, "not-found"),
    "RLS-FHR-284": (422, "business-rule"),
    "RLS-FHR-285": (422, "conflict"),
    "RLS-SUB-001": (422, "not-supported"),
    "RLS-SUB-002": (422, "not-supported"),
    "RLS-SUB-003": (422, "not-supported"),
    "RLS-SUB-004": (422, "not-supported"),
    "RLS-SUB-005": (422, "not-supported"),
    "RLS-SUB-006": (422, "security"),
    "RLS-SUB-007": (422, "value"),
    "RLS-SUB-009": (422, "extension"),
    "RLS-SUB-011": (400, "structure"),
    "RLS-SUB-012": (422, "too-costly"),
    "RLS-SUB-013": (412, "not-supported"),
    "RLS-SUB-014": (404, "not-found"),
    "RLS-SUB-015": (410, "deleted"),
    "RLS-SUB-016": (412, "conflict"),
    "RLS-SUB-017": (400, "value"),
    "RLS-SUB-018": (403, "forbidden"),
    "RLS-SUB-019": (400, "value"),
    "RLS-SUB-020": (422, "not-supported"),
}
#: FHIR issue type of a code that is not above, by family.
_FAMILIES = {
    "CDA": "structure",
    "CFG": "exception",
    "FHR": "invariant",
    "HL7": "structure",
    "INS": "business-rule",
    "MAP": "processing",
    "NET": "transient",
    "PTH": "business-rule",
    "SEC": "security",
    "STO": "transient",
    "SUB": "business-rule",
}
_FHIRPATH = re.compile(r"[A-Z][a-z][A-Za-z]+(\.[A-Za-z0-9\[\]().':-]+)*")
_ALL_WELL: Json = {
    "severity": "information",
    "code": "informational",
    "details": {"text": "Accepted without remarks."},
}


def operation_outcome(issues: Sequence[Issue]) -> bytes:
    """Write issues as an OperationOutcome, one `issue` each; none means all is well."""
    entries = [_entry(issue) for issue in issues] or [_ALL_WELL]
    return to_bytes({"resourceType": "OperationOutcome", "issue": entries})


def status_of(issues: Sequence[Issue], default: int = 422) -> int:
    """Return the HTTP status of a refusal: that of its first issue that has one."""
    return next((_ANSWERS[i.code][0] for i in issues if i.code in _ANSWERS), default)


def refusal(
    issues: Sequence[Issue], default: int = 422, headers: dict[str, str] | None = None
) -> Response:
    """Return the answer that carries these issues."""
    return Response(
        operation_outcome(issues),
        status_of(issues, default),
        {"Cache-Control": "no-store", **(headers or {})},
        MEDIA_TYPE,
    )


def unavailable(error: RetriableError) -> Response:
    """Return 503 with the time after which the same request may succeed."""
    after = {"Retry-After": str(max(1, ceil(error.retry_after_s)))}
    return Response(
        operation_outcome(error.issues), 503, {"Cache-Control": "no-store", **after}, MEDIA_TYPE
    )


Handler = Callable[[Request, Exception], Awaitable[Response]]


def add_handlers(app: FastAPI, written: Callable[[Request, Response], Response]) -> None:
    """Make every error of an application answer with an OperationOutcome.

    Args:
        app: the application; `state.routes` holds every route of it.
        written: writes an answer in the format its client asked for.
    """
    handlers: dict[type[Exception], Handler] = {
        RejectedError: _rejected,
        RetriableError: _retriable,
        FatalError: _fatal,
        BodyRefusedError: _body,
        HTTPException: _http,
        RequestValidationError: _invalid,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, _formatted(handler, written))


def _formatted(handler: Handler, written: Callable[[Request, Response], Response]) -> Handler:
    async def handle(request: Request, error: Exception) -> Response:
        return written(request, await handler(request, error))

    return handle


async def _rejected(_request: Request, error: Exception) -> Response:
    return refusal(_issues(error))


async def _retriable(_request: Request, error: Exception) -> Response:
    retry_after_s = error.retry_after_s if isinstance(error, RetriableError) else 1.0
    return unavailable(RetriableError(_issues(error), retry_after_s))


async def _fatal(_request: Request, error: Exception) -> Response:
    return refusal(_issues(error), 500)


async def _body(_request: Request, error: Exception) -> Response:
    """Answer a body that was not read to its end."""
    if not isinstance(error, BodyRefusedError):
        return refusal([internal_error()])
    return refusal([error.issue], error.status)


async def _http(request: Request, error: Exception) -> Response:
    """Answer what the web framework refuses: no such address, a wrong method, a broken body."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    if status == 404:
        operation = request.url.path.rsplit("/", 1)[-1].startswith("$")
        found = unknown_operation() if operation else unknown_address()
        return refusal([found], headers=headers)
    if status == 405:
        headers["Allow"] = ", ".join(_allowed(request, headers.get("Allow", "")))
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=headers)
        return refusal([method_not_supported(request.method, headers["Allow"])], headers=headers)
    if status == 413:
        return refusal([too_large()], headers=headers)
    if status >= 500:
        return refusal([internal_error()], headers=headers)
    return refusal([malformed("http", "The request cannot be read.")], headers=headers)


def _allowed(request: Request, told: str) -> list[str]:
    """Return the methods of an address, whichever door takes them."""
    methods = dict.fromkeys(method.strip() for method in told.split(",") if method.strip())
    routes: list[Route] = request.app.state.routes
    matches = [(route.matches(request.scope)[0], route) for route in routes]
    # A door that refuses a method itself has said which ones it takes.
    if all(match is not Match.FULL for match, _ in matches):
        for match, route in matches:
            if match is Match.PARTIAL and route.include_in_schema:
                methods |= dict.fromkeys(sorted(route.methods or ()))
    if "GET" in methods:
        methods.pop("HEAD", None)
        methods["HEAD"] = None
    return list(methods)


async def _invalid(_request: Request, error: Exception) -> Response:
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    # The text of a fault quotes the input, so only its place is told. Names inside a body are the
    # sender's own text and stay out too.
    places = [".".join(str(part) for part in fault["loc"][:2]) for fault in faults]
    named = [place if _PLACE.fullmatch(place) else "body" for place in places] or ["http"]
    return refusal([malformed(f"http.{p}", "The value is not as described.") for p in named])


_PLACE = re.compile(r"[a-z]+\.[A-Za-z_-]{1,40}")


def _issues(error: Exception) -> tuple[Issue, ...]:
    return error.issues if isinstance(error, (RejectedError, RetriableError, FatalError)) else ()


def _entry(issue: Issue) -> Json:
    family = issue.code[4:7]
    type_ = _ANSWERS[issue.code][1] if issue.code in _ANSWERS else _FAMILIES.get(family)
    entry: Json = {
        "severity": issue.severity.value,
        "code": type_ or "processing",
        "details": {"coding": [{"system": ISSUE_CODES, "code": issue.code}], "text": issue.what},
        "diagnostics": str(issue),
    }
    if issue.where:
        # `location` is for HTTP and HL7 places and XPath, `expression` for FHIRPath.
        name = "expression" if _FHIRPATH.fullmatch(issue.where) else "location"
        entry[name] = [issue.where]
    return entry


def unknown_address() -> Issue:
    """Say that nothing answers at this address."""
    return Issue(
        code="RLS-FHR-058",
        severity=Severity.ERROR,
        where="http.path",
        what="Nothing answers at this address.",
        fix="Read /docs for the addresses, /fhir/metadata for the FHIR types.",
    )


def method_not_supported(method: str, allowed: str) -> Issue:
    """Say that an address does not take a method, and which ones it takes."""
    return Issue(
        code="RLS-FHR-055",
        severity=Severity.ERROR,
        where="http.method",
        what=f"This address does not take {method if method in _METHODS else 'this method'}.",
        fix=f"Use {allowed or 'another address'}; what is written over FHIR, and how, is told by "
        "/fhir/metadata.",
    )


def unknown_operation() -> Issue:
    """Say that a FHIR operation or interaction is not offered."""
    return Issue(
        code="RLS-FHR-071",
        severity=Severity.ERROR,
        where="http.path",
        what="This operation is not supported.",
        fix="Read /fhir/metadata for what is.",
    )


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def malformed(where: str, what: str) -> Issue:
    """Say that a request is not formed as described."""
    return Issue(
        code="RLS-FHR-059",
        severity=Severity.ERROR,
        where=where,
        what=what,
        fix="Compare the request with /docs and send it again.",
    )


def too_large() -> Issue:
    """Say that a body is beyond the limit."""
    return Issue(
        code="RLS-FHR-068",
        severity=Severity.ERROR,
        where="http.body",
        what="The body is larger than this address takes.",
        fix="Send a smaller body or ask the operator to raise http.body_limit.",
    )


def internal_error() -> Issue:
    """Say that the fault is ours, without a word on its cause."""
    return Issue(
        code="RLS-FHR-069",
        severity=Severity.FATAL,
        where="gateway",
        what="The gateway failed on this request.",
        fix="Give the operator the X-Request-Id of this answer.",
    )
