"""PATCH on every store: JSON Patch and FHIRPath Patch (FHIR R4 http 3.1.0.6)."""

import httpx2
import pytest

from tests.contract.rest.test_writes import created, refusal
from tests.integration.rest.conftest import issues

JSON_PATCH = {"Content-Type": "application/json-patch+json"}
FHIR = {"Content-Type": "application/fhir+json"}


def fhirpath(*parts: dict[str, object]) -> dict[str, object]:
    """Return a patch of one operation."""
    return {
        "resourceType": "Parameters",
        "parameter": [{"name": "operation", "part": list(parts)}],
    }


RENAME = fhirpath(
    {"name": "type", "valueCode": "replace"},
    {"name": "path", "valueString": "CareTeam.name"},
    {"name": "value", "valueString": "Autre"},
)


@pytest.mark.parametrize(
    ("body", "headers"),
    [([{"op": "replace", "path": "/name", "value": "Autre"}], JSON_PATCH), (RENAME, FHIR)],
    ids=["json patch", "fhirpath patch"],
)
async def test_a_patch_makes_the_next_version(
    writer: httpx2.AsyncClient, body: object, headers: dict[str, str]
) -> None:
    path = f"/fhir/CareTeam/{(await created(writer)).json()['id']}"

    late = await writer.patch(path, json=body, headers=headers | {"If-Match": 'W/"9"'})
    answer = await writer.patch(path, json=body, headers=headers | {"If-Match": 'W/"1"'})
    again = await writer.patch(path, json=body, headers=headers)

    assert refusal(late) == (412, "RLS-FHR-249")
    assert (answer.status_code, answer.json()["name"]) == (200, "Autre")
    assert (answer.headers["etag"], again.headers["etag"]) == ('W/"2"', 'W/"2"')
    assert answer.json()["meta"]["versionId"] == "2"
    assert (await writer.get(path)).json() == answer.json()


async def test_a_patch_that_fails_changes_nothing(writer: httpx2.AsyncClient) -> None:
    path = f"/fhir/CareTeam/{(await created(writer)).json()['id']}"
    operations = [
        {"op": "replace", "path": "/name", "value": "Autre"},
        {"op": "test", "path": "/status", "value": "inactive"},
    ]

    tested = await writer.patch(path, json=operations, headers=JSON_PATCH)
    other_id = [{"op": "replace", "path": "/id", "value": "x"}]
    moved = await writer.patch(path, json=other_id, headers=JSON_PATCH)
    bad = [{"op": "replace", "path": "/status", "value": "perhaps"}]
    judged = await writer.patch(path, json=bad, headers=JSON_PATCH)
    garbled = await writer.patch(path, content=b"[", headers=JSON_PATCH)
    other = await writer.patch(path, json={"resourceType": "CareTeam"}, headers=FHIR)
    absent = await writer.patch("/fhir/CareTeam/none", json=operations, headers=JSON_PATCH)

    assert tested.status_code == 422
    assert issues(tested) == [("RLS-FHR-261", "processing", "operation[1]")]
    assert refusal(moved) == (400, "RLS-FHR-242")
    assert issues(judged) == [("RLS-FHR-006", "invariant", "CareTeam.status")]
    assert refusal(garbled) == (400, "RLS-FHR-240")
    assert refusal(other) == (400, "RLS-FHR-260")
    assert refusal(absent) == (404, "RLS-FHR-245")
    assert (await writer.get(path)).headers["etag"] == 'W/"1"'
