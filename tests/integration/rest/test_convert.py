"""`$relais-convert`: what an input says in FHIR, and nothing kept."""

import base64
from collections.abc import AsyncIterator

import httpx2
import pytest

from gateway.entry.api.app import AppSettings, create_app
from gateway.entry.api.conversions import conversions_router
from gateway.store.memory import MemoryStore
from tests.conftest import ROOT
from tests.integration.rest.conftest import BASE, issues
from tests.support.gateway import START, converter
from tests.support.pipeline import HandClock

HL7 = (ROOT / "fixtures/hl7v2/adt_a03_discharge_to_rehabilitation/input.er7").read_bytes()
CDA = sorted((ROOT / "fixtures/cda").glob("*/input.xml"))[0].read_bytes()


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    """Give a client of a door that converts."""
    store = MemoryStore()
    await store.open()
    router = conversions_router(converter(), HandClock(START), f"{BASE}/fhir")
    app = create_app(store, AppSettings(BASE, "9.9.9", "2026-11-22"), routers=[router])
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE) as found:
        yield found
    await store.close()


def binary(data: bytes, media: str) -> dict[str, object]:
    """Return a Binary."""
    text = base64.b64encode(data).decode()
    return {"resourceType": "Binary", "contentType": media, "data": text}


@pytest.mark.parametrize(
    ("body", "media", "type_"),
    [(HL7, "application/hl7-v2", "Encounter"), (CDA, "application/xml", "DocumentReference")],
    ids=["message", "document"],
)
async def test_an_input_is_converted_whichever_way_it_is_sent(
    client: httpx2.AsyncClient, body: bytes, media: str, type_: str
) -> None:
    path = "/fhir/$relais-convert"
    inside = {
        "resourceType": "Parameters",
        "parameter": [{"name": "input", "resource": binary(body, media)}],
    }

    answers = [
        await client.post(path, content=body, headers={"Content-Type": media}),
        await client.post(path, json=binary(body, media)),
        await client.post(path, json=inside),
    ]
    kept = await client.get(f"/fhir/{type_}")

    assert [answer.status_code for answer in answers] == [200] * 3, answers[0].text
    assert answers[0].json() == answers[1].json() == answers[2].json()
    told = {one["name"]: one.get("resource") for one in answers[0].json()["parameter"]}
    assert told["bundle"]["type"] == "collection"
    assert type_ in {entry["resource"]["resourceType"] for entry in told["bundle"]["entry"]}
    assert told["outcome"]["resourceType"] == "OperationOutcome"
    assert kept.json()["total"] == 0


async def test_an_input_that_is_refused_says_why(client: httpx2.AsyncClient) -> None:
    headers = {"Content-Type": "application/hl7-v2"}
    answer = await client.post("/fhir/$relais-convert", content=b"MSH|^~\\&|", headers=headers)

    assert answer.status_code == 422
    assert issues(answer)[0][0].startswith("RLS-HL7-")


@pytest.mark.parametrize(
    "sent",
    [
        {"resourceType": "Patient"},
        {"resourceType": "Parameters"},
        binary(b"x", "image/png"),
        binary(b"", "application/hl7-v2"),
    ],
)
async def test_nothing_to_convert_is_told(
    client: httpx2.AsyncClient, sent: dict[str, object]
) -> None:
    answer = await client.post("/fhir/$relais-convert", json=sent)

    assert (answer.status_code, issues(answer)[0][0]) == (400, "RLS-FHR-265")


async def test_the_operation_is_listed_where_it_is_open(client: httpx2.AsyncClient) -> None:
    listed = (await client.get("/fhir/metadata")).json()["rest"][0]["operation"]

    assert [one["name"] for one in listed] == ["relais-convert"]
