"""`$everything`: all that belongs to a person, a stay or an episode, on every store."""

import httpx2
import pytest

from gateway.core.contributions import Json
from tests.integration.rest.conftest import Shelf, encounter, issues, later, patient
from tests.support.bundles import ids, link, pages

ME, OTHER = {"reference": "Patient/p1"}, {"reference": "Patient/p2"}


def _document(id_: str, **elements: object) -> Json:
    return {
        "resourceType": "DocumentReference",
        "id": id_,
        "status": "current",
        "subject": ME,
        "author": [{"reference": "Practitioner/dr"}],
        "date": "2026-03-04T10:00:00+01:00",
        **elements,
    }


def _care() -> list[Json]:
    of_stay = {"context": {"encounter": [{"reference": "Encounter/e1"}]}}
    episode = {"resourceType": "EpisodeOfCare", "id": "ep", "status": "active", "patient": ME}
    march = {"start": "2026-03-02", "end": "2026-03-05"}
    in_episode = [{"reference": "EpisodeOfCare/ep"}]
    return [
        patient("p1"),
        patient("p2"),
        {"resourceType": "Practitioner", "id": "dr"},
        episode,
        encounter("e1", period=march, episodeOfCare=in_episode),
        encounter("e2", period={"start": "2026-06-01", "end": "2026-06-02"}),
        encounter("m1", subject=OTHER, period=march, partOf={"reference": "Encounter/e1"}),
        encounter("x", subject=OTHER),
        _document("d1", **of_stay),
        _document("d2", date="2026-06-02T10:00:00+02:00"),
        _document("dx", subject=OTHER),
        {
            "resourceType": "Provenance",
            "id": "pr",
            "recorded": "2026-03-04T10:00:00Z",
            "target": [ME, {"reference": "Encounter/e1"}],
            "agent": [{"who": {"reference": "Practitioner/dr"}}],
        },
    ]


@pytest.mark.parametrize(
    ("address", "found", "beside"),
    [
        ("Patient/p1/$everything", ["d1", "d2", "e1", "e2", "ep", "p1"], ["dr"]),
        ("Patient/p1/$everything?_type=Encounter", ["e1", "e2"], []),
        ("Patient/p1/$everything?_type=Patient,Provenance,Practitioner", ["p1", "pr"], ["dr"]),
        ("Patient/p1/$everything?start=2026-06-01", ["d2", "e2", "p1"], ["dr"]),
        ("Patient/p1/$everything?end=2026-03-31&start=2026-03", ["d1", "e1", "p1"], ["dr"]),
        ("Patient/p1/$everything?_since=2026-03-08T08:06:00%2B01:00", ["d2", "p1"], ["dr"]),
        ("Encounter/e1/$everything", ["d1", "e1", "m1"], ["dr", "ep", "p1", "p2"]),
        ("EpisodeOfCare/ep/$everything", ["d1", "e1", "ep", "m1"], ["dr", "p1", "p2"]),
    ],
)
async def test_all_that_belongs_to_it_and_nothing_else(
    client: httpx2.AsyncClient,
    shelf: Shelf,
    address: str,
    found: list[str],
    beside: list[str],
) -> None:
    await shelf.put(*_care())
    await shelf.put(_document("d2", date="2026-06-02T10:00:00+02:00"), at=later(600))

    answer = await client.get(f"/fhir/{address}")

    assert (sorted(ids(answer)), sorted(ids(answer, "include"))) == (found, beside)
    assert answer.json()["type"] == "searchset"


@pytest.mark.parametrize("count", [1, 2, 3, 50])
async def test_its_pages_hold_each_resource_once(
    client: httpx2.AsyncClient, shelf: Shelf, count: int
) -> None:
    await shelf.put(*_care())

    seen = await pages(client, f"/fhir/Patient/p1/$everything?_count={count}")

    assert seen[0][0] == "p1"
    assert sorted(id_ for page in seen for id_ in page) == ["d1", "d2", "e1", "e2", "ep", "p1"]
    assert all(len(page) == count for page in seen[:-1])


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("Patient/nobody/$everything", 404, "RLS-FHR-051"),
        ("Patient/p2/$everything", 410, "RLS-FHR-052"),
        ("Task/t/$everything", 404, "RLS-FHR-071"),
        ("Patient/p1/$everything?colour=red", 400, "RLS-FHR-060"),
        ("Patient/p1/$everything?_type=Colour", 400, "RLS-FHR-062"),
        ("Patient/p1/$everything?start=soon", 400, "RLS-FHR-062"),
        ("Patient/p1/$everything?_count=0", 400, "RLS-FHR-062"),
        ("Patient/p1/$everything?_cursor=x", 400, "RLS-FHR-065"),
    ],
)
async def test_what_cannot_be_given_is_refused(
    client: httpx2.AsyncClient, shelf: Shelf, address: str, status: int, code: str
) -> None:
    await shelf.put(*_care())
    await shelf.delete("Patient", "p2", at=later(1))

    answer = await client.get(f"/fhir/{address}")

    assert (answer.status_code, issues(answer)[0][0]) == (status, code)


async def test_its_next_page_is_of_this_person(client: httpx2.AsyncClient, shelf: Shelf) -> None:
    await shelf.put(*_care())
    following = link(await client.get("/fhir/Patient/p1/$everything?_count=2"), "next")

    moved = await client.get(following.replace("p1", "p2"))

    assert (moved.status_code, issues(moved)[0][0]) == (400, "RLS-FHR-065")
