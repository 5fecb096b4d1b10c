"""Chains, reverse chains and included resources, on every store."""

import httpx2
import pytest

from gateway.core.contributions import Json
from tests.integration.rest.conftest import Shelf, encounter, later, patient
from tests.support.bundles import ids, link, pages


def _task(id_: str, focus: str, **elements: object) -> Json:
    said = {"status": "requested", "intent": "order", "for": {"reference": "Patient/p1"}}
    return {
        "resourceType": "Task",
        "id": id_,
        **said,
        "focus": {"reference": focus},
        **elements,
    }


def _ward() -> list[Json]:
    organization = {"resourceType": "Organization", "id": "o1", "name": "CHU de Test"}
    parent = {"resourceType": "Organization", "id": "o0", "name": "GHT de Test"}
    return [
        patient("p1", birthDate="1988-05-12", name=[{"family": "MARTIN"}]),
        patient("p2", birthDate="1950-01-01", name=[{"family": "BERNARD"}]),
        {**organization, "partOf": {"reference": "Organization/o0"}},
        parent,
        encounter("e1", serviceProvider={"reference": "Organization/o1"}),
        encounter("e2", subject={"reference": "Patient/p2"}, status="planned"),
        encounter("m1", partOf={"reference": "Encounter/e1"}, status="in-progress"),
        _task("t1", "Encounter/e1"),
        _task("t2", "Encounter/e2", status="completed", **{"for": {"reference": "Patient/p2"}}),
    ]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("Encounter?subject:Patient.birthdate=1988-05", ["e1", "m1"]),
        ("Encounter?patient.birthdate=lt1960", ["e2"]),
        ("Encounter?patient.family=bern,mart", ["e1", "e2", "m1"]),
        ("Encounter?patient.name=nobody", []),
        ("Encounter?part-of.patient.family=martin", ["m1"]),
        ("Encounter?service-provider.partof.name=ght", ["e1"]),
        ("Encounter?_has:Task:focus:status=requested", ["e1"]),
        ("Encounter?_has:Task:focus:status=requested,completed", ["e1", "e2"]),
        ("Encounter?_has:Encounter:part-of:status=in-progress", ["e1"]),
        ("Patient?_has:Encounter:patient:status=planned", ["p2"]),
        ("Patient?_has:Encounter:patient:_has:Task:focus:status=completed", ["p2"]),
        ("Patient?_has:Task:patient:status=completed&birthdate=1988-05-12", []),
        ("Task?focus:Encounter.status=planned", ["t2"]),
        ("Task?patient._id=p1", ["t1"]),
        ("Task?patient._lastUpdated=ge2026-01-01", ["t1", "t2"]),
    ],
)
async def test_chains_follow_references_both_ways(
    client: httpx2.AsyncClient, shelf: Shelf, query: str, found: list[str]
) -> None:
    await shelf.put(*_ward())

    answer = await client.get(f"/fhir/{query}&_sort=_id")

    assert (answer.json()["total"], ids(answer)) == (len(found), found)


async def test_a_chain_does_not_reach_what_is_deleted(
    client: httpx2.AsyncClient, shelf: Shelf
) -> None:
    await shelf.put(*_ward())
    await shelf.delete("Patient", "p1", at=later(5))
    await shelf.delete("Task", "t2", at=later(5))

    by_person = await client.get("/fhir/Encounter?patient.family=martin")
    by_work = await client.get("/fhir/Encounter?_has:Task:focus:status=completed")

    assert (ids(by_person), ids(by_work)) == ([], [])


@pytest.mark.parametrize(
    ("query", "matches", "included"),
    [
        ("Encounter?_id=e1&_include=Encounter:subject", ["e1"], ["p1"]),
        ("Encounter?_id=e1&_include=Encounter:subject:Organization", ["e1"], []),
        ("Encounter?_id=e1&_include=Encounter:service-provider", ["e1"], ["o1"]),
        (
            "Encounter?_id=e1&_include=Encounter:service-provider"
            "&_include:iterate=Organization:partof",
            ["e1"],
            ["o0", "o1"],
        ),
        ("Encounter?_id=e1&_include=*", ["e1"], ["o1", "p1"]),
        ("Encounter?_id=e1&_revinclude=Task:focus", ["e1"], ["t1"]),
        ("Encounter?_id=e1&_revinclude=Encounter:part-of", ["e1"], ["m1"]),
        (
            "Patient?_id=p1&_revinclude=Encounter:patient&_revinclude:iterate=Task:focus",
            ["p1"],
            ["e1", "m1", "t1"],
        ),
        ("Encounter?patient=p1&_include=Encounter:part-of", ["e1", "m1"], []),
        (
            "Task?_id=t1&_include=Task:focus&_include:iterate=Encounter:patient",
            ["t1"],
            ["e1", "p1"],
        ),
    ],
)
async def test_what_is_included_stands_beside_the_matches(
    client: httpx2.AsyncClient,
    shelf: Shelf,
    query: str,
    matches: list[str],
    included: list[str],
) -> None:
    await shelf.put(*_ward())

    answer = await client.get(f"/fhir/{query}")

    assert (sorted(ids(answer)), sorted(ids(answer, "include"))) == (matches, included)
    assert answer.json()["total"] == len(matches)


async def test_what_is_included_counts_neither_in_the_total_nor_in_a_page(
    client: httpx2.AsyncClient, shelf: Shelf
) -> None:
    await shelf.put(patient("p1"), *[encounter(f"e{number}") for number in range(5)])

    first = await client.get("/fhir/Encounter?_count=2&_include=Encounter:patient")
    found = await pages(client, "/fhir/Encounter?_count=2&_include=Encounter:patient")

    assert (first.json()["total"], ids(first, "include")) == (5, ["p1"])
    assert [len(page) for page in found] == [2, 2, 1]
    assert "_include=Encounter:patient" in link(first, "self")


async def test_more_than_a_page_holds_is_told(
    client: httpx2.AsyncClient, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.pipeline.searching.MAX_INCLUDED", 2)
    await shelf.put(patient("p1"), *[encounter(f"e{number}") for number in range(3)])

    answer = await client.get("/fhir/Patient?_revinclude=Encounter:patient")

    assert len(ids(answer, "include")) == 2
    (outcome,) = [
        entry["resource"]
        for entry in answer.json()["entry"]
        if entry["search"]["mode"] == "outcome"
    ]
    assert outcome["issue"][0]["details"]["coding"][0]["code"] == "RLS-FHR-073"
