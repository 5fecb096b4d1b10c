"""The FHIR door over a real socket, judged by code that is not ours."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2
import pytest
import uvicorn
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from fhir.resources.R4B.operationoutcome import OperationOutcome
from fhir_core.fhirabstractmodel import FHIRAbstractModel
from pyrofile_validator import (
    ApiTestOptions,
    ApiTestPlan,
    ApiTestStatus,
    load_builtin_api_test_plan,
    run_api_tests,
)

from gateway.entry.api.app import AppSettings, create_app
from tests.integration.rest.conftest import Shelf, encounter, later, patient


@pytest.fixture
async def address(shelf: Shelf) -> AsyncIterator[str]:
    """Serve the application on a free port of this machine; give its public address."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    public_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    app = create_app(shelf.store, AppSettings(public_url, "9.9.9", "2026-11-21"))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    serving = asyncio.create_task(server.serve([listening]))
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    yield public_url
    server.should_exit = True
    await serving
    listening.close()


async def test_a_published_api_pack_finds_nothing_wrong(address: str, shelf: Shelf) -> None:
    await shelf.put(patient("p1"), patient("p2"))
    await shelf.put(patient("p1", active=True), at=later(1))
    inputs = {"resourceType": "Patient", "resourceId": "p1", "versionId": "1"}
    plan = _without_packages(load_builtin_api_test_plan("base-r4"))

    report = await asyncio.to_thread(
        run_api_tests, f"{address}/fhir", plan, options=ApiTestOptions(inputs=inputs)
    )

    results = {result.id: result.status for result in report.scenarios}
    assert results == {scenario.id: ApiTestStatus.PASS for scenario in plan.scenarios}


@pytest.mark.parametrize(
    ("path", "model"),
    [
        pytest.param("/metadata", CapabilityStatement, id="metadata"),
        pytest.param("/Encounter?_count=1", Bundle, id="page of a search"),
        pytest.param("/Encounter?status=planned", Bundle, id="search without matches"),
        pytest.param("/Encounter/e1/_history", Bundle, id="history"),
        pytest.param("/Encounter/nobody", OperationOutcome, id="unknown id"),
        pytest.param("/Encounter?date=x&y=z", OperationOutcome, id="two faults"),
    ],
)
async def test_every_answer_is_valid_r4(
    address: str, shelf: Shelf, path: str, model: type[FHIRAbstractModel]
) -> None:
    await shelf.put(encounter("e1"), encounter("e2"))
    await shelf.put(encounter("e1", status="in-progress"), at=later(1))
    await shelf.delete("Encounter", "e1", at=later(2))

    async with httpx2.AsyncClient(timeout=60) as client:
        answer = await client.get(f"{address}/fhir{path}")

    assert model.model_validate_json(answer.content).get_resource_type() == model.__name__


def _without_packages(plan: ApiTestPlan) -> ApiTestPlan:
    """Leave out the validation of resources, which needs published packages."""
    scenarios = tuple(replace(found, validate_response=False) for found in plan.scenarios)
    return replace(plan, scenarios=scenarios)
