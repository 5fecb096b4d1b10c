"""Search by every type of value and every modifier, on every store."""

import httpx2
import pytest

from gateway.core.contributions import Json
from tests.integration.rest.conftest import Shelf, encounter, patient
from tests.support.bundles import ids, link

NAMES = {
    "p1": {"family": "D'ARTAGNAN", "given": ["Hélène", "Jeanne"]},
    "p2": {"family": "Le Goff", "given": ["JEAN-PIERRE"]},
    "p3": {"family": "LEGRAND", "given": ["Jean"], "prefix": ["Dr"]},
}


def _people() -> list[Json]:
    return [patient(id_, name=[name]) for id_, name in NAMES.items()]


@pytest.mark.field("FL-232")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("name=d'artagnan", ["p1"]),
        ("name=dartagnan", ["p1"]),
        ("name=ARTAGNAN", ["p1"]),
        ("name=helene", ["p1"]),
        ("name=jean pierre", ["p2"]),
        ("name=jean-p", ["p2"]),
        ("name=pierre", ["p2"]),
        ("given=jeanne", ["p1"]),
        ("given=jean", ["p1", "p2", "p3"]),
        ("family=le", ["p2", "p3"]),
        ("family=legoff,legrand", ["p2", "p3"]),
        ("family:contains=gra", ["p3"]),
        ("family:exact=LEGRAND", ["p3"]),
        ("family:exact=legrand", []),
        ("family:exact=D'ARTAGNAN", ["p1"]),
        ("name=dr", ["p3"]),
        ("family:missing=true", []),
        ("name=artagnan&given=helene", ["p1"]),
        ("family=%", None),
        ("family=_egrand", []),
    ],
)
async def test_names_are_found_by_their_parts(
    client: httpx2.AsyncClient, shelf: Shelf, query: str, found: list[str] | None
) -> None:
    await shelf.put(*_people())

    answer = await client.get(f"/fhir/Patient?{query}&_sort=_id")

    if found is None:
        assert answer.status_code == 400
    else:
        assert ids(answer) == found


MOBILE = {
    "identifier": [
        {
            "type": {"coding": [{"system": "urn:t", "code": "VN"}], "text": "Numéro de venue"},
            "system": "urn:visits",
            "value": "80",
        }
    ],
    "type": [{"coding": [{"system": "urn:a", "code": "C", "display": "Hôpital de jour"}]}],
    "length": {"value": 5.4, "unit": "jours", "system": "urn:ucum", "code": "d"},
    "meta": {"profile": ["http://x.example/a/b"], "tag": [{"system": "urn:s", "code": "t"}]},
}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("identifier:of-type=urn:t|VN|80", True),
        ("identifier:of-type=urn:t|PI|80", False),
        ("identifier:of-type=urn:t|VN|81", False),
        ("identifier:text=numero de", True),
        ("identifier:not=urn:visits|80", False),
        ("type:text=hopital", True),
        ("type:text=jour", False),
        ("type:not=D", True),
        ("length=5.4", True),
        ("length=5", True),
        ("length=5.40", True),
        ("length=5.41", False),
        ("length=gt5.4", False),
        ("length=ge5.4|urn:ucum|d", True),
        ("length=ge5.4||jours", True),
        ("length=ge5.4|urn:ucum|h", False),
        ("length=lt6", True),
        ("length=ne5", False),
        ("length=ap5", True),
        ("length=sa5", True),
        ("length=eb5", False),
        ("_profile=http://x.example/a/b", True),
        ("_profile=http://x.example/a", False),
        ("_profile:below=http://x.example/a", True),
        ("_profile:above=http://x.example/a/b/c", True),
        ("_profile:above=http://x.example/a", False),
        ("_tag=urn:s|t", True),
        ("_tag=urn:s|", True),
        ("_security:missing=true", True),
        ("_source:missing=false", False),
        ("date=ap2026-03-01", True),
        ("date=ap2026-01-01", False),
    ],
)
async def test_each_type_of_value_and_modifier(
    client: httpx2.AsyncClient, shelf: Shelf, query: str, found: bool
) -> None:
    stay = {"start": "2026-03-02T10:00:00+01:00", "end": "2026-03-02T11:00:00+01:00"}
    await shelf.put(encounter("e1", period=stay, **MOBILE))

    answer = await client.get(f"/fhir/Encounter?{query}")

    assert (answer.json()["total"], ids(answer)) == ((1, ["e1"]) if found else (0, []))


async def test_a_reference_is_found_by_the_identifier_it_names(
    client: httpx2.AsyncClient, shelf: Shelf
) -> None:
    named = {"identifier": {"system": "urn:ipp", "value": "A,B|7"}}
    await shelf.put(encounter("e1", subject=named), encounter("e2"))

    found = [
        ids(await client.get("/fhir/Encounter", params={"subject:identifier": text}))
        for text in (r"urn:ipp|A\,B\|7", "urn:ipp|", r"A\,B\|7", "urn:ipp|7", r"|A\,B\|7")
    ]

    assert found == [["e1"], ["e1"], ["e1"], [], []]


async def test_the_dead_are_told_from_the_living(client: httpx2.AsyncClient, shelf: Shelf) -> None:
    await shelf.put(
        patient("p1"),
        patient("p2", deceasedBoolean=False),
        patient("p3", deceasedDateTime="2026-03-02"),
        patient("p4", deceasedBoolean=True),
    )

    dead = await client.get("/fhir/Patient?deceased=true&_sort=_id")
    living = await client.get("/fhir/Patient?deceased=false&_sort=_id")
    in_march = await client.get("/fhir/Patient?death-date=2026-03")

    assert (ids(dead), ids(living), ids(in_march)) == (["p3", "p4"], ["p1", "p2"], ["p3"])


@pytest.mark.field("FL-229")
async def test_seconds_and_their_fractions_are_told_apart(
    client: httpx2.AsyncClient, shelf: Shelf
) -> None:
    starts = {
        "a": "2026-03-02T20:00:00Z",
        "b": "2026-03-02T20:00:00.250Z",
        "c": "2026-03-02T20:00:01Z",
    }
    await shelf.put(*[encounter(i, period={"start": s, "end": s}) for i, s in starts.items()])

    found = [
        ids(await client.get(f"/fhir/Encounter?date={text}&_sort=_id"))
        for text in (
            "2026-03-02T20:00:00Z",
            "2026-03-02T20:00:00.250Z",
            "gt2026-03-02T20:00:00Z",
            "2026-03-02T20:00Z",
            "lt2026-03-02T20:00:00.250Z",
        )
    ]

    assert found == [["a", "b"], ["b"], ["c"], ["a", "b", "c"], ["a"]]


@pytest.mark.field("FL-231")
@pytest.mark.parametrize("value", ["A,B|C$D\\E", "%", "_", "'; DROP TABLE resource; --", "é\u0301"])
async def test_any_value_is_found_when_its_separators_are_escaped(
    client: httpx2.AsyncClient, shelf: Shelf, value: str
) -> None:
    await shelf.put(
        encounter("e1", identifier=[{"system": "urn:v", "value": value}]),
        encounter("e2", identifier=[{"system": "urn:v", "value": "AB"}]),
    )
    escaped = value
    for sign in "\\,|$":
        escaped = escaped.replace(sign, f"\\{sign}")

    answer = await client.get("/fhir/Encounter", params={"identifier": f"urn:v|{escaped}"})

    assert ids(answer) == ["e1"]
    assert ids(await client.get(link(answer, "self"))) == ["e1"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("status:above=urn:x", "RLS-FHR-061"),
        ("status:contains=x", "RLS-FHR-061"),
        ("colour=red", "RLS-FHR-060"),
        ("_filter=x", "RLS-FHR-063"),
        ("patient.colour=red", "RLS-FHR-060"),
        ("_contained=both", "RLS-FHR-063"),
    ],
)
async def test_what_is_not_supported_is_refused_or_left_out_on_request(
    client: httpx2.AsyncClient, shelf: Shelf, query: str, code: str
) -> None:
    await shelf.put(encounter("e1"))

    strict = await client.get(f"/fhir/Encounter?{query}&status=finished")
    lenient = await client.get(
        f"/fhir/Encounter?{query}&status=finished", headers={"Prefer": "handling=lenient"}
    )

    codes = [one["details"]["coding"][0]["code"] for one in strict.json()["issue"]]
    assert (strict.status_code, codes) == (400, [code])
    assert ids(lenient) == ["e1"]
    assert link(lenient, "self").endswith("/fhir/Encounter?status=finished")
