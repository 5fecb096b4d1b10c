"""What holds for every answer, the errors, the health of the process and the plain pages."""

from typing import Any

import httpx2
import pytest
from fastapi import APIRouter, FastAPI
from starlette.exceptions import HTTPException
from structlog.testing import capture_logs

from gateway.core.errors import FatalError, RejectedError, RetriableError
from gateway.core.issues import Issue, Severity
from gateway.entry.api.app import AppSettings, create_app
from gateway.entry.api.errors import operation_outcome
from gateway.entry.api.pages import Door
from tests.integration.rest.conftest import BASE, Shelf, encounter, issues


def _issue(code: str, where: str = "PID-3[1]") -> Issue:
    return Issue(code, Severity.ERROR, where, "it is wrong.", "Correct it.")


def _failing(error: Exception) -> APIRouter:
    router = APIRouter()

    @router.get("/fail")
    async def fail() -> None:
        raise error

    @router.get("/take")
    async def take(number: int, other: bool) -> int:
        return number if other else 0

    return router


def _app(shelf: Shelf, **given: Any) -> FastAPI:
    settings = AppSettings(
        given.pop("public_url", BASE),
        "9.9.9",
        "2026-11-21",
        doors=(Door("HL7 v2 <MLLP>", "mllp://127.0.0.1:2575"),),
    )
    return create_app(shelf.store, settings, **given)


async def _get(
    app: FastAPI, path: str, client: tuple[str, int] = ("127.0.0.1", 1), **given: Any
) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=app, client=client)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE) as caller:
        return await caller.get(path, **given)


@pytest.mark.parametrize(
    ("error", "status", "issue"),
    [
        pytest.param(
            RejectedError([_issue("RLS-HL7-003")]),
            422,
            ("RLS-HL7-003", "structure", "PID-3[1]"),
            id="refused content",
        ),
        pytest.param(
            RejectedError([_issue("RLS-FHR-002", "Patient.birthDate")]),
            422,
            ("RLS-FHR-002", "invariant", "Patient.birthDate"),
            id="refused resource",
        ),
        pytest.param(
            RetriableError([_issue("RLS-STO-001", "store")], 2.2),
            503,
            ("RLS-STO-001", "transient", "store"),
            id="store away",
        ),
        pytest.param(
            FatalError([_issue("RLS-CFG-001", "mappings")]),
            500,
            ("RLS-CFG-001", "exception", "mappings"),
            id="broken invariant",
        ),
        pytest.param(
            HTTPException(400, "There is a 255068815400233 here"),
            400,
            ("RLS-FHR-059", "invalid", "http"),
            id="framework refuses",
        ),
        pytest.param(
            HTTPException(502), 500, ("RLS-FHR-069", "exception", "gateway"), id="framework fails"
        ),
        pytest.param(
            KeyError("255068815400233"),
            500,
            ("RLS-FHR-069", "exception", "gateway"),
            id="bug",
        ),
    ],
)
async def test_every_error_is_an_operation_outcome_without_values(
    shelf: Shelf, error: Exception, status: int, issue: tuple[str, str, str]
) -> None:
    answer = await _get(_app(shelf, routers=[_failing(error)]), "/fail")

    assert (answer.status_code, issues(answer)) == (status, [issue])
    assert answer.headers["content-type"].startswith("application/fhir+json")
    assert "255068815400233" not in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.field("FL-314")
async def test_the_log_of_a_bug_holds_its_place_and_no_value(shelf: Shelf) -> None:
    app = _app(shelf, routers=[_failing(KeyError("255068815400233"))])

    with capture_logs() as lines:
        await _get(app, "/fail?identifier=255068815400233")

    (line,) = lines
    assert (line["event"], line["error"]) == ("request_failed", "KeyError")
    assert line["module"] == "test_app.py"
    assert "255068815400233" not in str(lines)


async def test_an_outage_says_when_to_come_again(shelf: Shelf) -> None:
    error = RetriableError([_issue("RLS-STO-001")], 2.2)

    answer = await _get(_app(shelf, routers=[_failing(error)]), "/fail")

    assert answer.headers["retry-after"] == "3"


async def test_an_outage_of_the_store_reaches_the_fhir_client(shelf: Shelf) -> None:
    await shelf.store.close()

    answer = await _get(_app(shelf), "/fhir/Patient/p1")

    assert answer.status_code == 503
    assert "retry-after" in answer.headers
    assert issues(answer)[0][1] == "transient"


async def test_each_fault_of_a_request_is_an_issue_of_its_own(shelf: Shelf) -> None:
    app = _app(shelf, routers=[_failing(ValueError())])

    answer = await _get(app, "/take?number=255068815400233x")

    assert answer.status_code == 400
    assert issues(answer) == [
        ("RLS-FHR-059", "invalid", "http.query.number"),
        ("RLS-FHR-059", "invalid", "http.query.other"),
    ]
    assert "255068815400233" not in answer.text


async def test_an_address_without_door_is_an_operation_outcome(shelf: Shelf) -> None:
    answer = await _get(_app(shelf), "/nowhere")

    assert (answer.status_code, issues(answer)) == (
        404,
        [("RLS-FHR-058", "not-found", "http.path")],
    )


def test_an_outcome_tells_code_place_fault_and_fix() -> None:
    outcome = operation_outcome([_issue("RLS-INS-003")])

    assert outcome == (
        b'{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"business-rule",'
        b'"details":{"coding":[{"system":"https://relais.example/fhir/CodeSystem/issue-code",'
        b'"code":"RLS-INS-003"}],"text":"it is wrong."},'
        b'"diagnostics":"RLS-INS-003 at PID-3[1]: it is wrong. Fix: Correct it.",'
        b'"location":["PID-3[1]"]}]}'
    )


def test_an_outcome_without_issues_says_that_all_is_well() -> None:
    assert b'"severity":"information","code":"informational"' in operation_outcome([])


async def test_every_answer_carries_the_security_headers(client: httpx2.AsyncClient) -> None:
    answers = [await client.get(path) for path in ("/", "/fhir/metadata", "/nowhere")]

    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "'unsafe-inline'" not in answer.headers["content-security-policy"]
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert "strict-transport-security" not in answer.headers


async def test_a_public_address_over_tls_asks_for_tls_only(shelf: Shelf) -> None:
    app = _app(shelf, public_url="https://relais.test")

    answer = await _get(app, "/health/live")

    assert answer.headers["strict-transport-security"].startswith("max-age=63072000")


async def test_the_ids_of_a_request_come_back(client: httpx2.AsyncClient) -> None:
    sent = {"X-Request-Id": "abc-1.2_3", "X-Correlation-Id": "def"}

    answer = await client.get("/nowhere", headers=sent)

    assert answer.headers["x-request-id"] == "abc-1.2_3"
    assert answer.headers["x-correlation-id"] == "def"


async def test_a_request_id_that_is_none_is_replaced(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/health/live", headers={"X-Request-Id": "a b<script>"})

    assert len(answer.headers["x-request-id"]) == 32
    assert answer.headers["x-request-id"].isalnum()


@pytest.mark.parametrize(
    ("host", "status"),
    [
        pytest.param("relais.test:8080", 200, id="public address"),
        pytest.param("RELAIS.TEST", 200, id="letter case, no port"),
        pytest.param("localhost:8080", 200, id="loopback name"),
        pytest.param("[::1]:8080", 200, id="loopback IPv6"),
        pytest.param("evil.example", 421, id="another name"),
        pytest.param("relais.test.evil.example:8080", 421, id="longer name"),
    ],
)
async def test_only_the_public_host_is_answered(
    client: httpx2.AsyncClient, host: str, status: int
) -> None:
    answer = await client.get("/fhir/metadata", headers={"Host": host})

    assert answer.status_code == status


async def test_health_is_answered_under_any_host(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/health/live", headers={"Host": "10.0.0.7:8080"})

    assert answer.status_code == 200


async def test_links_come_from_the_public_address_and_not_from_the_host(
    client: httpx2.AsyncClient, shelf: Shelf
) -> None:
    await shelf.put(encounter("e1"))

    answer = await client.get("/fhir/Encounter", headers={"Host": "localhost:1"})

    assert answer.json()["entry"][0]["fullUrl"] == f"{BASE}/fhir/Encounter/e1"
    assert answer.json()["link"][0]["url"] == f"{BASE}/fhir/Encounter"


@pytest.mark.field("FL-018")
@pytest.mark.parametrize(
    ("age_s", "status", "checks"),
    [
        pytest.param(0.5, 200, {"store": True, "receiver": True}, id="inputs are stored"),
        pytest.param(61.0, 503, {"store": True, "receiver": False}, id="an input waits for long"),
    ],
)
async def test_a_gateway_that_stores_nothing_is_not_ready(
    shelf: Shelf, age_s: float, status: int, checks: dict[str, bool]
) -> None:
    app = _app(shelf, stalled_for=lambda: age_s)

    answer = await _get(app, "/health/ready")

    assert answer.status_code == status
    assert answer.json()["checks"] == checks
    assert answer.json()["oldest_input_s"] == age_s


@pytest.mark.field("FL-083")
async def test_a_gateway_without_store_is_not_ready_but_lives(
    client: httpx2.AsyncClient, shelf: Shelf
) -> None:
    await shelf.store.close()
    ready = await client.get("/health/ready")
    live = await client.get("/health/live")
    await shelf.store.open()
    again = await client.get("/health/ready")

    assert (ready.status_code, ready.json()["checks"]["store"]) == (503, False)
    assert (live.status_code, again.status_code) == (200, 200)


@pytest.mark.parametrize(
    ("address", "status"),
    [("127.0.0.1", 200), ("::1", 200), ("10.0.0.7", 403), ("testclient", 403)],
)
async def test_metrics_answer_this_machine_only(shelf: Shelf, address: str, status: int) -> None:
    answer = await _get(_app(shelf), "/metrics", client=(address, 1))

    assert answer.status_code == status
    assert ("relais_http_requests_total" in answer.text) is (status == 200)


async def test_metrics_carry_no_address_of_a_resource(
    client: httpx2.AsyncClient, shelf: Shelf
) -> None:
    await client.get("/fhir/Patient/sentinel-id-4711")
    await client.get("/fhir/Patient?identifier=sentinel-id-4711")
    await client.get("/sentinel-id-4711")
    await client.request("SENTINEL", "/fhir/Patient")

    metrics = (await client.get("/metrics")).text

    assert 'relais_http_requests_total{area="fhir",method="GET",status="404"}' in metrics
    assert 'area="other"' in metrics
    assert "sentinel" not in metrics.lower()


async def test_the_about_page_lists_the_open_doors(shelf: Shelf) -> None:
    router = APIRouter()
    router.add_api_route("/hl7v2", lambda: None, methods=["POST"])

    answer = await _get(_app(shelf, routers=[router]), "/about")

    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    for words in ("mllp://127.0.0.1:2575", f"{BASE}/hl7v2", f"{BASE}/fhir"):
        assert words in answer.text
    assert f"{BASE}/cda" not in answer.text
    assert "HL7 v2 &lt;MLLP&gt;" in answer.text


async def test_docs_describe_every_address_without_script(
    client: httpx2.AsyncClient, shelf: Shelf
) -> None:
    described = (await client.get("/openapi.json")).json()["paths"]

    page = (await client.get("/docs")).text

    assert set(described) >= {"/fhir/{type}/{id}", "/fhir/metadata", "/health/ready"}
    for path in described:
        assert path in page
    for absent in ("<script", "style=", "http://cdn", "https://cdn"):
        assert absent not in page


async def test_the_pages_take_their_style_from_here(client: httpx2.AsyncClient) -> None:
    page = (await client.get("/about")).text
    head = page[page.index("<head>") : page.index("</head>")].replace("\n", "")
    sheet = head.split('rel="stylesheet" href="')[1].split('"')[0]

    style = await client.get(sheet)

    assert (style.status_code, style.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert style.headers["cache-control"] == "max-age=3600"
