"""Conditional create, update, patch and delete on every store (FHIR R4 http 3.1.0.8)."""

import asyncio

import httpx2
import pytest

from tests.contract.rest.test_writes import refusal
from tests.integration.rest.conftest import Shelf, patient
from tests.support.writing import care_team

T1 = "identifier=urn:example:teams|T-1"


async def total(writer: httpx2.AsyncClient) -> int:
    """Count the teams."""
    return (await writer.get("/fhir/CareTeam?_summary=count")).json()["total"]


async def test_a_create_finds_what_is_there(writer: httpx2.AsyncClient) -> None:
    first = await writer.post("/fhir/CareTeam", json=care_team(), headers={"If-None-Exist": T1})
    again = await writer.post(
        "/fhir/CareTeam", json=care_team(name="Autre"), headers={"If-None-Exist": f"?{T1}"}
    )

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]
    assert await total(writer) == 1


@pytest.mark.field("FL-214")
async def test_clients_that_create_the_same_at_once_leave_one(writer: httpx2.AsyncClient) -> None:
    answers = await asyncio.gather(
        *(
            writer.post("/fhir/CareTeam", json=care_team(), headers={"If-None-Exist": T1})
            for _ in range(8)
        )
    )

    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert await total(writer) == 1


@pytest.mark.field("FL-214")
async def test_updates_by_criteria_at_once_leave_one(writer: httpx2.AsyncClient) -> None:
    answers = await asyncio.gather(
        *(writer.put(f"/fhir/CareTeam?{T1}", json=care_team(name=f"N{n}")) for n in range(6))
    )

    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    assert await total(writer) == 1


async def test_an_update_by_criteria_creates_then_replaces(writer: httpx2.AsyncClient) -> None:
    first = await writer.put(f"/fhir/CareTeam?{T1}", json=care_team())
    again = await writer.put(f"/fhir/CareTeam?{T1}", json=care_team(name="Autre"))
    other = await writer.put(f"/fhir/CareTeam?{T1}", json=care_team(id="other"))
    chosen = await writer.put(
        "/fhir/CareTeam?identifier=urn:x|2",
        json={**care_team(id="mine"), "identifier": [{"system": "urn:x", "value": "2"}]},
    )

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["etag"] == 'W/"2"'
    assert refusal(other) == (400, "RLS-FHR-242")
    assert (chosen.status_code, chosen.json()["id"]) == (201, "mine")


@pytest.mark.field("FL-216")
async def test_criteria_that_fit_several_change_nothing(writer: httpx2.AsyncClient) -> None:
    for _ in range(2):
        await writer.post("/fhir/CareTeam", json=care_team())
    path, headers = f"/fhir/CareTeam?{T1}", {"If-None-Exist": T1}
    patch = {"Content-Type": "application/json-patch+json"}
    operations = [{"op": "remove", "path": "/name"}]

    answers = [
        await writer.post("/fhir/CareTeam", json=care_team(), headers=headers),
        await writer.put(path, json=care_team()),
        await writer.patch(path, json=operations, headers=patch),
        await writer.delete(path),
    ]

    assert [refusal(answer) for answer in answers] == [(412, "RLS-FHR-250")] * 4
    assert await total(writer) == 2


async def test_one_is_deleted_by_criteria_and_none_is_no_fault(writer: httpx2.AsyncClient) -> None:
    await writer.post("/fhir/CareTeam", json=care_team())

    gone = await writer.delete(f"/fhir/CareTeam?{T1}")
    none = await writer.delete(f"/fhir/CareTeam?{T1}")

    assert (gone.status_code, none.status_code) == (204, 204)
    assert await total(writer) == 0


async def test_one_is_patched_by_criteria(writer: httpx2.AsyncClient) -> None:
    await writer.post("/fhir/CareTeam", json=care_team())
    headers = {"Content-Type": "application/json-patch+json"}
    operations = [{"op": "replace", "path": "/name", "value": "Autre"}]

    done = await writer.patch(f"/fhir/CareTeam?{T1}", json=operations, headers=headers)
    none = await writer.patch("/fhir/CareTeam?name=x", json=operations, headers=headers)
    absent = await writer.patch(
        "/fhir/CareTeam?identifier=urn:x|9", json=operations, headers=headers
    )

    assert (done.status_code, done.json()["name"]) == (200, "Autre")
    assert refusal(none) == (400, "RLS-FHR-060")
    assert refusal(absent) == (404, "RLS-FHR-245")


@pytest.mark.parametrize(
    "criteria", ["", "_count=1", "identifier=urn:x|1&_sort=date", "_format=json"]
)
async def test_criteria_select_something(writer: httpx2.AsyncClient, criteria: str) -> None:
    deleted = await writer.delete(f"/fhir/CareTeam?{criteria}")
    created = await writer.post(
        "/fhir/CareTeam", json=care_team(), headers={"If-None-Exist": criteria}
    )

    assert refusal(deleted) == (400, "RLS-FHR-251")
    assert refusal(created) == (400, "RLS-FHR-251")


async def test_what_hospitals_tell_is_found_and_never_made(
    writer: httpx2.AsyncClient, shelf: Shelf
) -> None:
    await shelf.put(patient())
    known = {"If-None-Exist": "identifier=urn:oid:1.2.250.1.213.1.4.10|255068815400233"}

    found = await writer.post("/fhir/Patient", json=patient(), headers=known)
    made = await writer.post(
        "/fhir/Patient", json=patient(), headers={"If-None-Exist": "identifier=urn:x|1"}
    )

    assert (found.status_code, found.json()["id"]) == (200, "p1")
    assert refusal(made) == (405, "RLS-FHR-243")
