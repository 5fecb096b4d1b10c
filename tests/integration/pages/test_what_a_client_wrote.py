"""The page of an input that came over FHIR says what it wrote, on a real store and over HTTP."""

from pathlib import Path

import httpx2
import pytest
from prometheus_client import CollectorRegistry

from gateway.entry.serve import Gateway
from gateway.entry.settings import HttpSettings, MllpSettings, Settings, StoreSettings
from gateway.entry.settings_parts import NdeSettings
from tests.support.declared import CLINIC, HERE, LEFT, declared
from tests.support.ops_site import A03, ER7


@pytest.mark.parametrize("event", ["ADM", "DOC"])
async def test_a_declared_event_leads_to_what_it_made(tmp_path: Path, event: str) -> None:
    settings = Settings(
        store=StoreSettings(url=f"sqlite:///{tmp_path}/r.db"),
        http=HttpSettings(port=0),
        mllp=MllpSettings(port=0),
        nde=NdeSettings(declarants={"local": (CLINIC,)}),
    )
    gateway = Gateway(settings, registry=CollectorRegistry())
    await gateway.start()
    try:
        async with httpx2.AsyncClient(base_url=gateway.local_url, timeout=60) as client:
            await client.post("/hl7v2", content=A03.read_bytes(), headers=ER7)
            answer = await client.post(HERE, json=declared(event, LEFT))
            again = await client.post(HERE, json=declared(event, LEFT))
            page = (await client.get("/messages/2")).text
            none = await client.get("/messages/3")
            kind = {"ADM": "Encounter", "DOC": "DocumentReference"}[event]
            link = next(part for part in page.split('"') if part.startswith(f"/fhir/{kind}/"))
            made = await client.get(link)
    finally:
        await gateway.stop()

    assert (answer.status_code, again.status_code, none.status_code) == (201, 200, 404)
    assert "FHIR CommunicationRequest" in page
    assert "pas converti" not in page
    assert (made.status_code, made.json()["meta"]["versionId"]) == (200, "1")
