"""`$validate` over HTTP: a resource that is sent, one that is kept, what cannot be understood."""

import json
from collections.abc import AsyncIterator

import httpx2
import pytest

from gateway.conformance.packages import read_package
from gateway.conformance.resources import ResourceJudge
from gateway.entry.api.app import AppSettings, create_app
from gateway.entry.api.validation import validation_router
from tests.integration.rest.conftest import BASE, Shelf, patient
from tests.support.fhir_packages import HOME, archive, profile

JUDGE = ResourceJudge([read_package(archive(profile()), "small")])
NAMED = HOME + "named-patient"


@pytest.fixture
async def door(shelf: Shelf) -> AsyncIterator[httpx2.AsyncClient]:
    """Give a client of the application with `$validate`."""
    router = validation_router(shelf.store, lambda: JUDGE)
    app = create_app(shelf.store, AppSettings(BASE, "9.9.9", "2026-11-22"), routers=[router])
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE) as client:
        yield client


def found(answer: httpx2.Response) -> list[tuple[str, str, str]]:
    assert answer.status_code == 200, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"
    return [
        (
            one["severity"],
            one["details"].get("coding", [{}])[0].get("code", ""),
            one.get("expression", one.get("location", [""]))[0],
        )
        for one in answer.json()["issue"]
    ]


MISSING = ("error", "RLS-FHR-201", "Patient.name")
WELL = ("information", "", "")


async def test_a_resource_that_is_sent(door) -> None:
    claimed = {**patient(), "meta": {"profile": [NAMED]}}

    wrong = await door.post("/fhir/Patient/$validate", json=claimed, headers=FHIR)
    right = await door.post(
        "/fhir/Patient/$validate", json={**claimed, "name": [{"text": "A"}]}, headers=FHIR
    )

    assert found(wrong) == [MISSING]
    assert wrong.json()["issue"][0]["code"] == "required"
    assert "[named-patient Patient.name]" in wrong.json()["issue"][0]["details"]["text"]
    assert found(right) == [WELL]


FHIR = {"Content-Type": "application/fhir+json"}


async def test_a_profile_is_asked_for_by_address_and_by_parameter(door) -> None:
    parameters = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "resource", "resource": patient()},
            {"name": "mode", "valueCode": "profile"},
            {"name": "profile", "valueUri": NAMED},
        ],
    }

    by_address = await door.post(
        "/fhir/Patient/$validate", params={"profile": NAMED}, json=patient(), headers=FHIR
    )
    by_parameter = await door.post("/fhir/Patient/$validate", json=parameters, headers=FHIR)

    assert found(by_address) == found(by_parameter) == [MISSING]


async def test_xml_is_judged_as_json_is(door) -> None:
    xml = f'<Patient xmlns="http://hl7.org/fhir"><meta><profile value="{NAMED}"/></meta></Patient>'

    answer = await door.post(
        "/fhir/Patient/$validate",
        content=xml.encode(),
        headers={"Content-Type": "application/fhir+xml"},
    )

    assert found(answer) == [MISSING]


async def test_a_resource_that_is_kept(door, shelf) -> None:
    await shelf.put(patient("p1"), patient("p2", name=[{"text": "A"}]))

    assert found(await door.get(f"/fhir/Patient/p1/$validate?profile={NAMED}")) == [MISSING]
    assert found(await door.get(f"/fhir/Patient/p2/$validate?profile={NAMED}")) == [WELL]
    absent = await door.get("/fhir/Patient/p3/$validate")
    assert (absent.status_code, "RLS-FHR-236" in absent.text) == (404, True)
    await shelf.delete("Patient", "p1")
    assert (await door.get("/fhir/Patient/p1/$validate")).status_code == 404


async def test_another_id_than_the_address_is_told(door) -> None:
    answer = await door.post("/fhir/Patient/other/$validate", json=patient("p1"), headers=FHIR)

    assert found(answer) == [("error", "RLS-FHR-237", "http.body")]


async def test_a_delete_needs_no_resource(door) -> None:
    parameters = {
        "resourceType": "Parameters",
        "parameter": [{"name": "mode", "valueCode": "delete"}],
    }

    answer = await door.post("/fhir/Patient/p1/$validate", json=parameters, headers=FHIR)

    assert found(answer) == [WELL]


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/fhir/Nonsense/$validate", patient(), 404, "RLS-FHR-232"),
        ("/fhir/Encounter/$validate", patient(), 400, "RLS-FHR-233"),
        ("/fhir/Patient/$validate?mode=guess", patient(), 400, "RLS-FHR-234"),
        ("/fhir/Patient/$validate", {"resourceType": "Parameters"}, 400, "RLS-FHR-235"),
    ],
)
async def test_what_cannot_be_understood_is_refused(door, path, body, status, code) -> None:
    answer = await door.post(path, content=json.dumps(body).encode(), headers=FHIR)

    assert answer.status_code == status
    assert code in answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"


async def test_bytes_that_are_no_resource_are_a_finding(door) -> None:
    answer = await door.post("/fhir/Patient/$validate", content=b"{", headers=FHIR)

    assert found(answer)[0][:2] == ("fatal", "RLS-FHR-231")


async def test_another_media_type_is_refused(door) -> None:
    answer = await door.post(
        "/fhir/Patient/$validate", content=b"{}", headers={"Content-Type": "text/plain"}
    )

    assert answer.status_code == 415


async def test_the_capability_statement_lists_it_for_every_type(door) -> None:
    listed = (await door.get("/fhir/metadata")).json()["rest"][0]["resource"]

    assert all("validate" in [op["name"] for op in one["operation"]] for one in listed)
