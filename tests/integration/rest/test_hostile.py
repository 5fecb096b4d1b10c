"""Input made to break a server: an OperationOutcome each time, and the door stays open."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from gateway.entry.api.app import AppSettings, create_app
from gateway.entry.fhir_doors import build_fhir_doors
from gateway.entry.settings import Settings
from gateway.entry.wiring import SystemClock
from tests.integration.rest.conftest import BASE, Shelf, issues, patient

JSON = {"Content-Type": "application/fhir+json"}
XML = {"Content-Type": "application/fhir+xml", "Accept": "application/fhir+json"}
_CYCLE = (
    '{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"a",'
    '"partOf":{"reference":"#b"}},{"resourceType":"Organization","id":"b",'
    '"partOf":{"reference":"#a"}}],"managingOrganization":{"reference":"#a"}}'
)
_LAUGHS = (
    '<!DOCTYPE p [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    '<Patient xmlns="http://hl7.org/fhir"><id value="&b;"/></Patient>'
)


def _patient(**texts: str) -> str:
    parts = "".join(f',"{name}":{text}' for name, text in texts.items())
    return f'{{"resourceType":"Patient"{parts}}}'


@pytest.fixture
async def client(shelf: Shelf) -> AsyncIterator[httpx2.AsyncClient]:
    """Give a client of all FHIR doors over a store with one person."""
    doors = build_fhir_doors(Settings(), shelf.store, SystemClock(), f"{BASE}/fhir")
    app = create_app(shelf.store, AppSettings(BASE, "9", "2026"), routers=doors)
    await shelf.put(patient())
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE) as found:
        yield found


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("[" * 100_000, id="brackets without end"),
        pytest.param('{"a":' * 50_000 + "1" + "}" * 50_000, id="fifty thousand levels"),
        pytest.param(
            _patient(extension='[{"url":"u","extension":' * 300 + "[]" + "}]" * 300),
            id="extensions in extensions",
        ),
        pytest.param(_patient(id='"a","id":"b"'), id="one key twice"),
        pytest.param(_patient(multipleBirthInteger="NaN"), id="not a number"),
        pytest.param(_patient(multipleBirthInteger="1e400"), id="a number beyond all"),
        pytest.param(_patient(multipleBirthInteger="9" * 5000), id="a number of five thousand"),
        pytest.param(_patient(id='"\\u0000"'), id="a zero in a text"),
        pytest.param(_patient(id='"\\ud800"'), id="half a letter"),
        pytest.param(_patient(name='[{"family":"' + "\u202e" * 20 + '"}]'), id="turned around"),
        pytest.param(_patient(name='[{"family":"' + "e" + "\u0301" * 9999 + '"}]'), id="accents"),
        pytest.param(_patient(id="[]"), id="a list for a text"),
        pytest.param(_patient(name="{}"), id="an object for a list"),
        pytest.param(_patient(name="[null]"), id="nothing in a list"),
        pytest.param(_CYCLE, id="two that contain each other"),
        pytest.param('{"resourceType":"' + "P" * 100_000 + '"}', id="a long type"),
        pytest.param('{"resourceType":["Patient"]}', id="a list of types"),
        pytest.param("null", id="nothing"),
        pytest.param("", id="empty"),
        pytest.param("\ufeff" + _patient(), id="a mark of byte order"),
    ],
)
async def test_a_resource_made_to_break_is_judged_or_refused(
    client: httpx2.AsyncClient, body: str
) -> None:
    sent = body.encode()
    answer = await client.post("/fhir/Patient/$validate", content=sent, headers=JSON)

    assert answer.status_code in (200, 400, 413, 415, 422)
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert (await client.get("/fhir/Patient/p1")).status_code == 200


async def test_a_bundle_of_ten_thousand_is_judged(client: httpx2.AsyncClient) -> None:
    entry = '{"resource":{"resourceType":"Patient","gender":"M"}}'
    body = '{"resourceType":"Bundle","type":"collection","entry":[' + ",".join([entry] * 10_000)

    answer = await client.post("/fhir/Bundle/$validate", content=f"{body}]}}", headers=JSON)

    assert answer.status_code == 200
    assert len(answer.json()["issue"]) >= 1


@pytest.mark.parametrize("body", [_LAUGHS, "<" * 50_000, "<a>" * 50_000, "<Patient/>"])
async def test_xml_made_to_break_is_judged_or_refused(
    client: httpx2.AsyncClient, body: str
) -> None:
    answer = await client.post("/fhir/Patient/$validate", content=body, headers=XML)

    assert answer.status_code in (200, 400, 422)
    assert {one["severity"] for one in answer.json()["issue"]} & {"error", "fatal"}


@pytest.mark.parametrize(
    "value",
    ["' OR 1=1 --", '"; DROP TABLE resource; --', "%", "_", "\\", "a" * 200, "'||(SELECT 1)||'"],
)
@pytest.mark.parametrize(
    "name", ["family", "family:exact", "identifier", "_id", "general-practitioner"]
)
async def test_sql_in_a_value_finds_nothing(
    client: httpx2.AsyncClient, name: str, value: str
) -> None:
    answer = await client.get("/fhir/Patient", params={name: value})

    if answer.status_code == 200:
        assert answer.json()["total"] == 0
    else:
        assert (answer.status_code, issues(answer)[0][0]) == (400, "RLS-FHR-062")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("&".join(["family=a"] * 31), "RLS-FHR-064"),
        ("family=" + ",".join("a" * 51), "RLS-FHR-064"),
        ("link:Patient.link:Patient.link:Patient.link:Patient.family=a", "RLS-FHR-064"),
        ("family=%00", "RLS-FHR-062"),
        ("family=%ff%fe", ""),
        ("family=" + "a" * 20_000, "RLS-FHR-062"),
        ("_sort=" + ",".join(["family"] * 20), "RLS-FHR-064"),
    ],
)
async def test_a_search_beyond_all_measure_is_refused(
    client: httpx2.AsyncClient, query: str, code: str
) -> None:
    answer = await client.get(f"/fhir/Patient?{query}")

    if code:
        assert (answer.status_code, issues(answer)[0][0]) == (400, code)
    else:
        assert answer.status_code in (200, 400)


@pytest.mark.field("FL-235")
@pytest.mark.parametrize(
    "path", ["..%2f..%2fetc%2fpasswd", "80%2f_history%2f2", "%00", "p1%0d%0aX: y"]
)
async def test_a_path_or_a_header_in_an_id_is_no_id(client: httpx2.AsyncClient, path: str) -> None:
    answer = await client.get(f"/fhir/Patient/{path}")

    assert answer.status_code in (400, 404)
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert "X" not in answer.headers
