"""Requests made from our own OpenAPI description, right ones and wrong ones, over the real door.

Whatever is asked: no answer of the kind 5xx, no refusal without an OperationOutcome that says
where and what, no success for a condition that was not looked at.
"""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode, openapi

from gateway.entry.api.app import AppSettings, create_app
from gateway.entry.fhir_doors import build_fhir_doors
from gateway.entry.settings import Settings
from gateway.entry.wiring import SystemClock
from gateway.store.factory import open_store
from gateway.store.memory import MemoryStore
from tests.integration.rest.conftest import BASE, Shelf, encounter, patient
from tests.support.process import GatewayProcess

#: What a page says of its form and not of what was looked for.
_FORM = {"_pretty"}


def _description() -> dict[str, Any]:
    store, clock = MemoryStore(), SystemClock()
    doors = build_fhir_doors(Settings(), store, clock, f"{BASE}/fhir")
    said = create_app(store, AppSettings(BASE, "1", "2026", clock=clock), routers=doors).openapi()
    paths = {path: one for path, one in said["paths"].items() if path.startswith("/fhir")}
    return {**said, "paths": paths}


OPERATIONS = {
    f"{operation.method.upper()} {operation.path}": operation
    for found in openapi.from_dict(_description()).get_all_operations()
    for operation in [found.ok()]
}


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """Give a client of `relais serve` that holds a person and a stay."""
    folder: Path = tmp_path_factory.mktemp("described")
    url = f"sqlite:///{folder / 'relais.db'}"

    async def fill() -> None:
        store = open_store(url)
        await store.open()
        await Shelf(store).put(patient(), encounter("e1"))
        await store.close()

    asyncio.run(fill())
    process = GatewayProcess(url, folder).start()
    with httpx2.Client(base_url=process.url, timeout=60) as client:
        yield client
    process.stop()


def test_every_type_and_every_interaction_is_described() -> None:
    assert {"GET /fhir/Patient", "GET /fhir/{type}/{id}", "GET /fhir/$export"} <= OPERATIONS.keys()
    assert len(OPERATIONS) > 60


@pytest.mark.parametrize("name", OPERATIONS)
def test_no_request_of_the_description_gets_a_wrong_answer(door: httpx2.Client, name: str) -> None:
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    wrong_too = [OPERATIONS[name].as_strategy(generation_mode=mode) for mode in modes]

    @settings(
        max_examples=8,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.one_of(wrong_too))
    def judge(case: Case) -> None:
        _judge(door, case)

    judge()


def _judge(door: httpx2.Client, case: Case) -> None:
    asked = case.as_transport_kwargs(base_url=str(door.base_url))
    try:
        request = door.build_request(
            asked["method"],
            asked["url"],
            params=_flat(asked.get("params")),
            headers={k: v for k, v in asked["headers"].items() if v.isascii() and v.isprintable()},
            content=_content(asked),
        )
    except (ValueError, TypeError, httpx2.InvalidURL):
        # No request that could be sent.
        return
    answer = door.send(request)

    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        _refused(answer)
    elif request.method == "GET" and answer.status_code == 200:
        _looked_at(request, answer)


def _flat(params: Any) -> list[tuple[str, str]]:
    """Return parameters as an address has them, whatever was drawn for their values."""
    found = []
    for name, value in (params or {}).items():
        for one in value if isinstance(value, list) else [value]:
            text = one if isinstance(one, str) else json.dumps(one)
            found.append((name, text.encode("utf-8", "replace").decode()))
    return found


def _content(asked: dict[str, Any]) -> bytes | None:
    if "json" in asked:
        return json.dumps(asked["json"]).encode("utf-8", "replace")
    data = asked.get("data")
    return data.encode() if isinstance(data, str) else data if isinstance(data, bytes) else None


def _refused(answer: httpx2.Response) -> None:
    """See that a refusal says what is wrong and where."""
    if "xml" in answer.headers["content-type"]:
        assert b"<OperationOutcome" in answer.content
        return
    outcome = answer.json()
    assert outcome["resourceType"] == "OperationOutcome"
    for issue in outcome["issue"]:
        assert issue["severity"] in ("error", "fatal")
        assert issue["details"]["coding"][0]["code"].startswith("RLS-")
        assert issue.get("location") or issue.get("expression")


def _looked_at(request: httpx2.Request, answer: httpx2.Response) -> None:
    """See that a listing names every parameter it was asked with: none was passed over."""
    if "json" not in answer.headers["content-type"]:
        return
    body = answer.json()
    if body.get("resourceType") != "Bundle":
        return
    (own,) = [link["url"] for link in body["link"] if link["relation"] == "self"]
    told = {name for name, _ in parse_qsl(urlsplit(own).query, keep_blank_values=True)}
    query = request.url.query.decode("ascii")
    wanted = {name for name, _ in parse_qsl(query, keep_blank_values=True)}
    assert wanted - _FORM <= told
