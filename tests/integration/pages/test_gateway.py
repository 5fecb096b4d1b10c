"""The pages of a running gateway: served beside the doors, over its own store, live to the end."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest
from prometheus_client import CollectorRegistry

from gateway.connectors.http import HttpClient
from gateway.entry.serve import Gateway
from gateway.entry.settings import HttpSettings, MllpSettings, Settings, StoreSettings
from tests.conftest import ROOT

A03 = ROOT / "fixtures/hl7v2/adt_a03_discharge_to_rehabilitation/input.er7"


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    settings = Settings(
        store=StoreSettings(url="sqlite://"),
        http=HttpSettings(port=0),
        mllp=MllpSettings(port=0),
    )
    made = Gateway(settings, registry=CollectorRegistry())
    await made.start()
    yield made
    await made.stop()


async def test_a_message_is_on_its_page_as_soon_as_it_is_answered(gateway: Gateway) -> None:
    async with (
        httpx2.AsyncClient(base_url=gateway.local_url, timeout=60) as client,
        HttpClient() as sender,
    ):
        url = f"{gateway.local_url}/hl7v2"
        await sender.post(url, A03.read_bytes(), {"Content-Type": "application/hl7-v2"}, 20)

        listed = await client.get("/messages")
        shown = await client.get("/messages/1")
        about = await client.get("/about")

    assert '<a href="/messages/1">1</a>' in listed.text
    assert "Identifiants du patient" in shown.text
    assert 'href="#f-PID-1-7"' in shown.text
    assert f"127.0.0.1:{gateway.mllp_ports[0]}" in about.text


async def test_open_pages_do_not_hold_up_the_end(gateway: Gateway) -> None:
    async with (
        httpx2.AsyncClient(base_url=gateway.local_url, timeout=60) as client,
        client.stream("GET", "/live") as answer,
    ):
        lines = answer.aiter_lines()
        first = await anext(lines)
        async with asyncio.timeout(5):
            stopping = asyncio.create_task(gateway._http.stop())
            gateway._hub.close()
            rest = [line async for line in lines]
            await stopping

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert first == "retry: 3000"
    assert "event: bye" in rest


async def test_a_page_of_a_person_and_a_read_are_in_the_journal(gateway: Gateway) -> None:
    async with (
        httpx2.AsyncClient(base_url=gateway.local_url, timeout=60) as client,
        HttpClient() as sender,
    ):
        url = f"{gateway.local_url}/hl7v2"
        await sender.post(url, A03.read_bytes(), {"Content-Type": "application/hl7-v2"}, 20)
        listed = (await client.get("/fhir/Patient")).json()
        id_ = listed["entry"][0]["resource"]["id"]

        page = await client.get(f"/patients/{id_}")
        await gateway.journal.flush()
        trail = (await client.get(f"/fhir/AuditEvent?patient=Patient/{id_}&type=rest")).json()

    assert page.status_code == 200
    told = [entry["resource"] for entry in trail["entry"]]
    pages = [
        detail["valueString"]
        for one in told
        for entity in one["entity"]
        for detail in entity.get("detail", ())
        if detail["type"] == "page"
    ]
    assert pages == ["patients"]
    assert sorted(one["subtype"][0]["code"] for one in told) == ["read", "search-type"]
    assert {one["agent"][0]["who"]["identifier"]["value"] for one in told} == {"local"}
