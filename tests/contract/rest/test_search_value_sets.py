"""`:in` and `:not-in` on every store: codes searched by the value set they belong to."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from gateway.core.ports import Store
from gateway.entry.api.app import AppSettings, create_app
from gateway.entry.fhir_doors import build_value_sets
from gateway.entry.settings import FhirSettings, Settings
from gateway.fhir.profiles.definitions import Definitions
from gateway.fhir.profiles.terminology import Members
from tests.contract.rest.conftest import Hand
from tests.integration.rest.conftest import BASE, Shelf, encounter, issues
from tests.support.bundles import ids

ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
SETS = {
    "urn:set:beds": frozenset({(ACT, "IMP"), (ACT, "SS"), ("urn:other", "HH")}),
    "urn:set:homes": frozenset({(ACT, "HH")}),
    "urn:set:ended": frozenset({("http://hl7.org/fhir/encounter-status", "finished")}),
    "urn:set:nothing": frozenset(),
    "urn:set:large": frozenset(("urn:s", str(number)) for number in range(5001)),
}


@pytest.fixture
async def client(store: Store, shelf: Shelf, clock: Hand) -> AsyncIterator[httpx2.AsyncClient]:
    """Give a client of the application, with a stay in bed, one at home and one without class."""
    settings = AppSettings(BASE, "9", "2026", clock=clock, value_sets=SETS.get)
    await shelf.put(encounter("bed"), encounter("home", **{"class": {"system": ACT, "code": "HH"}}))
    await shelf.put({"resourceType": "Encounter", "id": "none", "status": "planned"})
    transport = httpx2.ASGITransport(app=create_app(store, settings))
    async with httpx2.AsyncClient(transport=transport, base_url=BASE) as found:
        yield found


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("class:in=urn:set:beds", {"bed"}),
        ("class:in=urn:set:beds,urn:set:homes", {"bed", "home"}),
        ("class:not-in=urn:set:beds", {"home", "none"}),
        ("class:in=urn:set:nothing", set()),
        ("class:not-in=urn:set:nothing", {"bed", "home", "none"}),
        ("status:in=urn:set:ended", {"bed", "home"}),
        ("status:in=urn:set:ended&class:not-in=urn:set:homes", {"bed"}),
    ],
)
async def test_a_value_set_stands_for_its_codes(
    client: httpx2.AsyncClient, search: str, found: set[str]
) -> None:
    answer = await client.get(f"/fhir/Encounter?{search}")

    assert set(ids(answer)) == found
    assert answer.json()["total"] == len(found)


@pytest.mark.parametrize(
    ("search", "code"),
    [
        ("class:in=urn:set:unknown", "RLS-FHR-305"),
        ("class:not-in=urn:set:homes,urn:set:unknown", "RLS-FHR-305"),
        ("class:in=IMP", "RLS-FHR-062"),
        ("class:in=urn:set:large", "RLS-FHR-064"),
        ("identifier:in=urn:set:beds", "RLS-FHR-061"),
        ("date:in=urn:set:beds", "RLS-FHR-061"),
    ],
)
async def test_what_cannot_be_listed_is_refused(
    client: httpx2.AsyncClient, search: str, code: str
) -> None:
    answer = await client.get(f"/fhir/Encounter?{search}", headers={"Prefer": "handling=lenient"})

    if code == "RLS-FHR-061":
        # What is not understood may be left out; a set that is not known may not.
        assert answer.status_code == 200
        answer = await client.get(f"/fhir/Encounter?{search}")
    assert (answer.status_code, issues(answer)[0][0]) == (400, code)


async def test_it_is_listed_where_value_sets_are_there(client: httpx2.AsyncClient) -> None:
    said = (await client.get("/fhir/metadata")).json()
    (stay,) = [one for one in said["rest"][0]["resource"] if one["type"] == "Encounter"]
    words = {one["name"]: one["documentation"] for one in stay["searchParam"]}

    assert ":in, :not-in" in words["class"]
    assert ":in" not in words["identifier"]


async def test_our_own_value_sets_are_there_without_a_package(tmp_path) -> None:
    codes = build_value_sets(Settings(fhir=FhirSettings(packages=tmp_path)))

    found = codes("https://relais.example/fhir/ValueSet/gap-alert")

    assert found
    assert {system for system, _ in found} == {"https://relais.example/fhir/CodeSystem/gap-alert"}
    assert codes("http://hl7.org/fhir/ValueSet/nothing") is None


def _set(url: str, **compose: object) -> dict[str, object]:
    return {"resourceType": "ValueSet", "url": url, "compose": compose}


def _members(*resources: dict[str, object]) -> Members:
    system = {"resourceType": "CodeSystem", "url": "urn:s", "content": "complete"}
    system["concept"] = [{"code": "a", "concept": [{"code": "b"}]}, {"code": "c"}]
    part = {"resourceType": "CodeSystem", "url": "urn:part", "content": "fragment"}
    return Members(Definitions.of([system, part, *resources]))


@pytest.mark.parametrize(
    ("compose", "found"),
    [
        ({"include": [{"system": "urn:s"}]}, {"a", "b", "c"}),
        ({"include": [{"system": "urn:s", "concept": [{"code": "b"}]}]}, {"b"}),
        ({"include": [{"system": "urn:s"}], "exclude": [{"valueSet": ["urn:v:b"]}]}, {"a", "c"}),
        ({"include": [{"system": "urn:s", "valueSet": ["urn:v:b"]}]}, {"b"}),
        ({"include": [{"valueSet": ["urn:v:b"]}]}, {"b"}),
        ({"include": [{"system": "urn:part"}]}, None),
        ({"include": [{"system": "urn:s", "filter": [{}]}]}, None),
        ({"include": [{"system": "urn:s"}], "exclude": [{"valueSet": ["urn:v:x"]}]}, None),
        ({"include": [{"valueSet": ["urn:v:loop"]}]}, None),
    ],
)
def test_codes_of_a_value_set(compose: dict[str, object], found: set[str] | None) -> None:
    members = _members(
        _set("urn:v", **compose),
        _set("urn:v:b", include=[{"system": "urn:s", "concept": [{"code": "b"}]}]),
        _set("urn:v:loop", include=[{"valueSet": ["urn:v:loop"]}]),
    )

    codes = members.of("urn:v")

    assert codes == (None if found is None else {("urn:s", code) for code in found})


def test_an_expansion_is_listed_without_its_headings() -> None:
    contains = [{"abstract": True, "code": "top", "contains": [{"system": "urn:s", "code": "x"}]}]
    expanded = {"resourceType": "ValueSet", "url": "urn:e", "expansion": {"contains": contains}}

    assert _members(expanded).of("urn:e") == {("urn:s", "x")}
