"""The pathway of a person over the FHIR door."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from gateway.core.contributions import Json
from gateway.entry.api.app import AppSettings, create_app
from tests.integration.rest.conftest import BASE
from tests.support.care import PATHWAY, lived, story
from tests.support.rest import everything, unreadable

FOLDER = Path(__file__).resolve().parents[3] / "fixtures" / "care"
STORY = FOLDER / "from_discharge_to_home_with_a_programme"
INS = "urn:oid:1.2.250.1.213.1.4.10|271119999945667"


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    life = await lived(*story(STORY))
    app = create_app(life.store, AppSettings(BASE, "9.9.9", "2026-11-21"))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE) as made:
        yield made


async def found(client: httpx2.AsyncClient, query: str) -> list[Json]:
    answer = await client.get(f"/fhir/{query}")
    assert answer.status_code == 200, answer.text
    return [entry["resource"] for entry in answer.json().get("entry", ())]


#: Searches that find it.
QUERIES = (
    "status=active&type=cancer",
    "date=ge2026-02-01&date=le2026-03-01",
    f"identifier={PATHWAY}|",
    "care-manager=Practitioner/6ff8f139-fa9c-5838-930c-91fefd1db69f",
    "condition=Condition/a70b9f85-4051-5bbd-b3e8-a84aff86399e",
    "organization=Organization/27622840-814a-52ac-ab1d-6649bfdef75f",
)


async def test_a_pathway_is_found(client: httpx2.AsyncClient) -> None:
    [patient] = await found(client, f"Patient?identifier={INS}")
    [episode] = await found(client, f"EpisodeOfCare?patient=Patient/{patient['id']}")

    assert (await client.get(f"/fhir/EpisodeOfCare/{episode['id']}")).json() == episode
    answers = {query: await found(client, f"EpisodeOfCare?{query}") for query in QUERIES}
    assert answers == {query: [episode] for query in QUERIES}
    assert await found(client, "EpisodeOfCare?status=finished") == []


async def test_its_plan_is_found_and_every_reference_of_both_can_be_read(
    client: httpx2.AsyncClient,
) -> None:
    [episode] = await everything(client, "EpisodeOfCare")
    value = episode["identifier"][0]["value"]
    [plan] = await found(client, f"CarePlan?identifier={PATHWAY}|{value}&category=cancer")
    tasks = await found(client, f"Task?group-identifier={PATHWAY}|{value}&_count=100")
    based = await found(client, f"Task?based-on=CarePlan/{plan['id']}&_count=100")

    assert await unreadable(client, (episode, plan, *tasks)) == {}
    assert {one["id"] for one in tasks} == {one["id"] for one in based} != set()
    planned = plan["activity"][0]["reference"]["reference"]
    assert plan in await found(client, f"CarePlan?activity-reference={planned}&intent=plan")


async def test_both_are_in_the_capability_statement(client: httpx2.AsyncClient) -> None:
    statement = (await client.get("/fhir/metadata")).json()

    [server] = statement["rest"]
    told = {one["type"]: one for one in server["resource"]}
    names = {one["name"] for one in told["EpisodeOfCare"]["searchParam"]}
    assert names >= {"patient", "identifier", "status", "type", "date", "organization",
                     "care-manager", "condition"}  # fmt: skip
    assert "CarePlan" in told
