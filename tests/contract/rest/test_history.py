"""History of one resource, of a type and of the system, on every store."""

import httpx2
import pytest

from tests.integration.rest.conftest import BASE, Shelf, encounter, issues, later, patient
from tests.support.bundles import link


def _told(answer: httpx2.Response) -> list[str]:
    """Return method, place and version of each entry."""
    assert answer.status_code == 200, answer.text
    return [
        f"{entry['request']['method']} {entry['request']['url']} {entry['response']['etag']}"
        for entry in answer.json().get("entry", ())
    ]


async def _past(shelf: Shelf) -> None:
    await shelf.put(patient("p1"), encounter("e1"))
    await shelf.put(patient("p1", active=True), at=later(10))
    await shelf.put(encounter("e2"), at=later(20))
    await shelf.delete("Patient", "p1", at=later(30))


ALL = [
    'DELETE Patient/p1 W/"3"',
    'PUT Encounter/e2 W/"1"',
    'PUT Patient/p1 W/"2"',
    'PUT Encounter/e1 W/"1"',
    'PUT Patient/p1 W/"1"',
]


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("/fhir/_history", ALL),
        ("/fhir/Patient/_history", [ALL[0], ALL[2], ALL[4]]),
        ("/fhir/Encounter/_history", [ALL[1], ALL[3]]),
        ("/fhir/Patient/p1/_history", [ALL[0], ALL[2], ALL[4]]),
        ("/fhir/_history?_since=2026-03-08T08:05:19.821%2B01:00", ALL[:3]),
        ("/fhir/_history?_since=2026-03-08T07:05:29.000Z", ALL[:2]),
        ("/fhir/Patient/_history?_since=2026-03-08T07:05:25Z", ALL[:1]),
        ("/fhir/Patient/p1/_history?_at=2026-03-08T07:05:25Z", [ALL[2]]),
        ("/fhir/_history?_at=2026-03-08T07:05:12Z", [ALL[3], ALL[4]]),
        ("/fhir/_history?_at=2026-03-08T07:05Z", ALL),
        ("/fhir/_history?_at=2026-03-07", []),
        ("/fhir/_history?_at=2026-03-09", [ALL[0], ALL[1], ALL[3]]),
        ("/fhir/Location/_history", []),
    ],
)
async def test_versions_are_listed_newest_first(
    client: httpx2.AsyncClient, shelf: Shelf, address: str, found: list[str]
) -> None:
    await _past(shelf)

    answer = await client.get(address)

    assert _told(answer) == found
    assert answer.json()["type"] == "history"
    for entry in answer.json().get("entry", ()):
        assert ("resource" in entry) is (entry["request"]["method"] != "DELETE")
        assert entry["fullUrl"] == f"{BASE}/fhir/{entry['request']['url']}"


@pytest.mark.field("FL-225")
@pytest.mark.parametrize("count", [1, 2, 4])
async def test_a_history_pages_through_every_version_once_while_others_write(
    client: httpx2.AsyncClient, shelf: Shelf, count: int
) -> None:
    await _past(shelf)
    seen: list[str] = []
    address, number = f"/fhir/_history?_count={count}", 0

    while address:
        answer = await client.get(address)
        seen += _told(answer)
        address = link(answer, "next")
        await shelf.put(encounter(f"new{number}"), at=later(100 + number))
        number += 1

    assert seen == ALL


async def test_a_page_of_one_history_is_none_of_another(
    client: httpx2.AsyncClient, shelf: Shelf
) -> None:
    await _past(shelf)
    following = link(await client.get("/fhir/Patient/_history?_count=1"), "next")

    moved = await client.get(following.replace("/Patient/", "/Encounter/"))
    cut = await client.get(following[:-2])

    assert [(a.status_code, issues(a)[0][0]) for a in (moved, cut)] == [(400, "RLS-FHR-065")] * 2


async def test_only_what_was_never_there_is_not_found(
    client: httpx2.AsyncClient, shelf: Shelf
) -> None:
    await _past(shelf)

    never = await client.get("/fhir/Patient/p9/_history")
    deleted = await client.get("/fhir/Patient/p1")
    before = await client.get("/fhir/Patient/p1/_history/2")
    deletion = await client.get("/fhir/Patient/p1/_history/3")

    statuses = [one.status_code for one in (never, deleted, before, deletion)]
    assert statuses == [404, 410, 200, 410]
