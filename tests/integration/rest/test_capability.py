"""What the CapabilityStatement and the description say works, all of it and nothing else."""

import httpx2
import pytest

from gateway.core.contributions import Json
from gateway.fhir import elements
from gateway.fhir.capability import statement
from gateway.fhir.search_table import PARAMETERS, parameters_of
from tests.integration.rest.conftest import Shelf, encounter, patient

RESOURCES: dict[str, Json] = {
    one["type"]: one for one in statement("http://x", "1", "2026")["rest"][0]["resource"]
}
VALUES = {"token": "x", "uri": "x", "reference": "Patient/x", "date": "2026", "string": "x"}
VALUES |= {"quantity": "5"}
TEXTS = {"of-type": "a|b|c", "missing": "true"}


@pytest.mark.parametrize("type_", sorted(PARAMETERS))
async def test_what_a_type_lists_works(
    client: httpx2.AsyncClient, shelf: Shelf, type_: str
) -> None:
    await shelf.put(patient(), encounter("e1"))
    listed = RESOURCES[type_]
    probes = []
    for parameter in listed["searchParam"]:
        probes.append(f"{parameter['name']}={VALUES[parameter['type']]}")
        probes.append(f"_sort=-{parameter['name']}")
        for modifier in _modifiers(parameter["documentation"]):
            text = TEXTS.get(modifier, VALUES[parameter["type"]])
            probes.append(f"{parameter['name']}:{modifier}={text}")
    probes += [f"_include={name}" for name in listed.get("searchInclude", ())]
    probes += [f"_revinclude={name}" for name in listed.get("searchRevInclude", ())]

    failed = [
        probe
        for probe in probes
        if (await client.get(f"/fhir/{type_}?{probe}&_count=1")).status_code != 200
    ]

    assert failed == []


def _modifiers(documentation: str) -> list[str]:
    """Return the modifiers a parameter names, `:Type` as one type."""
    named = documentation.partition("Modifiers: ")[2].rstrip(".").split(", ")
    return ["Patient" if name == ":Type" else name[1:] for name in named if name != "none"]


@pytest.mark.parametrize("type_", sorted(PARAMETERS))
def test_a_type_lists_its_references_and_what_points_to_it(type_: str) -> None:
    listed = RESOURCES[type_]
    references = [p.code for p in PARAMETERS[type_] if p.kind == "reference"]

    assert [p["name"] for p in listed["searchParam"]] == list(parameters_of(type_))
    assert listed.get("searchInclude", []) == [f"{type_}:{code}" for code in references]
    for name in listed.get("searchRevInclude", ()):
        other, code = name.split(":")
        (parameter,) = [p for p in PARAMETERS[other] if p.code == code]
        targets = [elements.table().find(f"{other}.{path}").targets for path in parameter.paths]
        assert parameter.target in ("", type_)
        assert any(not names or names & {type_, "Resource"} for names in targets)


def test_what_points_to_anything_points_to_a_stay() -> None:
    assert {"Task:focus", "Provenance:target", "Encounter:part-of"} <= set(
        RESOURCES["Encounter"]["searchRevInclude"]
    )
    assert "Encounter:subject" not in RESOURCES["Encounter"]["searchRevInclude"]


async def test_operations_that_are_listed_answer(client: httpx2.AsyncClient, shelf: Shelf) -> None:
    await shelf.put(patient("x1"), encounter("x1"))
    episode = {"resourceType": "EpisodeOfCare", "id": "x1", "status": "active"}
    await shelf.put({**episode, "patient": {"reference": "Patient/x1"}})
    found = {
        (type_, operation["name"])
        for type_, listed in RESOURCES.items()
        for operation in listed.get("operation", ())
        if operation["name"] == "everything"
    }

    answers = {(await client.get(f"/fhir/{type_}/x1/${name}")).status_code for type_, name in found}

    assert {type_ for type_, _ in found} == {"Encounter", "EpisodeOfCare", "Patient"}
    assert answers == {200}


async def test_the_description_names_the_same_parameters(client: httpx2.AsyncClient) -> None:
    described = (await client.get("/openapi.json")).json()["paths"]

    for type_ in PARAMETERS:
        names = [one["name"] for one in described[f"/fhir/{type_}"]["get"]["parameters"]]
        listed = [one["name"] for one in RESOURCES[type_]["searchParam"]]
        assert names[: len(listed)] == listed
        assert {"_sort", "_include", "_revinclude", "_elements", "_summary"} <= set(names)
