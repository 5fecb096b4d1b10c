"""Order, size, pages and form of search results, on every store."""

from typing import Any

import httpx2
import orjson
import pytest

from gateway.core.ports import NewVersion, Store
from gateway.fhir.search import index
from gateway.fhir.views import SUBSETTED
from gateway.store.memory import MemoryStore
from tests.contract.rest.conftest import Hand
from tests.integration.rest.conftest import Shelf, encounter, issues, later, patient
from tests.support.bundles import ids, link, pages

DAYS = {"e1": "2026-03-02", "e2": "2026-01-05", "e3": None, "e4": "2026-03-02"}


async def _stays(shelf: Shelf) -> None:
    for number, (id_, day) in enumerate(DAYS.items()):
        period = {"period": {"start": day, "end": day}} if day else {}
        status = "planned" if id_ == "e4" else "finished"
        await shelf.put(encounter(id_, status=status, **period), at=later(number))


@pytest.mark.parametrize(
    ("sort", "found"),
    [
        ("date", ["e2", "e1", "e4", "e3"]),
        ("-date", ["e1", "e4", "e2", "e3"]),
        ("-date,-_id", ["e4", "e1", "e2", "e3"]),
        ("status,-_lastUpdated", ["e3", "e2", "e1", "e4"]),
        ("-status,date", ["e4", "e2", "e1", "e3"]),
        ("_id", ["e1", "e2", "e3", "e4"]),
        ("-_id", ["e4", "e3", "e2", "e1"]),
        ("_lastUpdated", ["e1", "e2", "e3", "e4"]),
        ("-_lastUpdated", ["e4", "e3", "e2", "e1"]),
        ("patient,_id", ["e1", "e2", "e3", "e4"]),
        ("type,_id", ["e1", "e2", "e3", "e4"]),
    ],
)
@pytest.mark.parametrize("count", [1, 3, 50])
async def test_an_order_holds_over_all_pages(
    client: httpx2.AsyncClient, shelf: Shelf, sort: str, found: list[str], count: int
) -> None:
    await _stays(shelf)

    seen = await pages(client, f"/fhir/Encounter?_sort={sort}&_count={count}&patient=p1")

    assert [id_ for page in seen for id_ in page] == found
    assert all(len(page) == count for page in seen[:-1])


async def test_names_sort_without_accents_and_letter_case(
    client: httpx2.AsyncClient, shelf: Shelf
) -> None:
    names = {"p1": "Éluard", "p2": "DUPONT", "p3": "eluard-petit", "p4": "fabre"}
    await shelf.put(*[patient(id_, name=[{"family": name}]) for id_, name in names.items()])

    seen = await pages(client, "/fhir/Patient?_sort=family&_count=1")

    # `eluard-petit` begins with `eluard`, and is found from `petit` on too: its lowest form counts.
    assert seen == [["p2"], ["p1"], ["p3"], ["p4"]]


@pytest.mark.field("FL-225")
@pytest.mark.parametrize("sort", ["", "_sort=status&", "_sort=_lastUpdated&", "_sort=-_id&"])
async def test_pages_do_not_drift_while_others_write(
    client: httpx2.AsyncClient, shelf: Shelf, sort: str
) -> None:
    await shelf.put(*[encounter(f"e{number:03d}") for number in range(60)])
    seen: list[str] = []
    address = f"/fhir/Encounter?{sort}patient=p1&_count=7"
    number = 0

    while address and number < 20:
        answer = await client.get(address)
        seen += [id_ for id_ in ids(answer) if not id_.startswith("new")]
        address = link(answer, "next")
        # Some come before, some behind the place the pages are at.
        await shelf.put(encounter(f"new-a{number}"), encounter(f"z{number}"), at=later(90 + number))
        number += 1

    first = [id_ for id_ in seen if id_.startswith("e")]
    assert sorted(first) == [f"e{number:03d}" for number in range(60)]
    assert len(seen) == len(set(seen))


async def test_an_old_page_has_expired(
    client: httpx2.AsyncClient, shelf: Shelf, clock: Hand
) -> None:
    await shelf.put(*[encounter(f"e{number}") for number in range(3)])
    following = link(await client.get("/fhir/Encounter?_count=1"), "next")
    history = link(await client.get("/fhir/Encounter/_history?_count=1"), "next")

    clock.later(hours=24)
    in_time = await client.get(following)
    clock.later(hours=0.1)
    too_late = [await client.get(address) for address in (following, history)]

    assert ids(in_time) == ["e1"]
    for answer in too_late:
        assert answer.status_code == 410
        assert issues(answer) == [("RLS-FHR-072", "expired", "http._cursor")]


@pytest.mark.parametrize(
    ("query", "total", "entries"),
    [
        ("", 3, 3),
        ("_total=accurate", 3, 3),
        ("_total=estimate", 3, 3),
        ("_total=none", None, 3),
        ("_count=0", 3, 0),
        ("_count=1&_total=none", None, 1),
        ("_summary=count", 3, 0),
        ("_summary=count&_include=Encounter:patient", 3, 0),
    ],
)
async def test_totals_are_as_asked(
    client: httpx2.AsyncClient, shelf: Shelf, query: str, total: int | None, entries: int
) -> None:
    await shelf.put(*[encounter(f"e{number}") for number in range(3)])

    answer = await client.get(f"/fhir/Encounter?{query}")

    assert (answer.json().get("total"), len(answer.json().get("entry", ()))) == (total, entries)


@pytest.mark.parametrize(
    ("query", "total", "matches"),
    [
        ("_count=2", None, 6),
        ("_count=2&status=in-progress,finished", None, 6),
        ("_count=2&_total=none", None, 6),
        ("_count=2&_total=estimate", 6, 6),
        ("_count=2&_total=accurate", 6, 6),
        ("_count=0", 6, 0),
        ("_summary=count", 6, 0),
        ("_id=e1,e2&_count=1", 2, 2),
        ("_id=nothing", 0, 0),
    ],
)
async def test_many_matches_are_counted_when_that_is_asked_for(
    client: httpx2.AsyncClient,
    shelf: Shelf,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    query: str,
    total: int | None,
    matches: int,
) -> None:
    for place in ("gateway.store.searching._FEW", "gateway.pipeline.searching.COUNTED"):
        monkeypatch.setattr(place, 3)
    await shelf.put(*[encounter(f"e{number}") for number in range(6)])
    if isinstance(store, MemoryStore) and query != "_count=2&_total=none":
        # It walks through all of them, and knows how many there are.
        total = total if total is not None else matches

    answer = await client.get(f"/fhir/Encounter?{query}")
    found, following = ids(answer), link(answer, "next")
    while following:
        page = await client.get(following)
        found, following = [*found, *ids(page)], link(page, "next")

    assert answer.json().get("total") == total
    assert len(found) == len(set(found)) == matches


PERSON = patient(
    "p1",
    name=[{"family": "MARTIN"}],
    birthDate="1988-05-12",
    _birthDate={"id": "b"},
    maritalStatus={"text": "marié"},
    text={"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'},
    meta={"profile": ["http://x.example/p"]},
)


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("_elements=birthDate", {"birthDate", "_birthDate"}),
        ("_elements=name,maritalStatus", {"name", "maritalStatus"}),
        ("_elements=Patient.name", {"name"}),
        ("_summary=text", {"text"}),
        ("_summary=data", {"identifier", "name", "birthDate", "_birthDate", "maritalStatus"}),
        ("_summary=true", {"identifier", "name", "birthDate", "_birthDate"}),
    ],
)
async def test_less_than_the_whole_is_marked_and_claims_no_profile(
    client: httpx2.AsyncClient, shelf: Shelf, query: str, kept: set[str]
) -> None:
    await shelf.put(PERSON)

    (entry,) = (await client.get(f"/fhir/Patient?{query}")).json()["entry"]
    read = (await client.get(f"/fhir/Patient/p1?{query}")).json()
    vread = (await client.get(f"/fhir/Patient/p1/_history/1?{query}")).json()

    assert set(entry["resource"]) == {"resourceType", "id", "meta", *kept}
    assert entry["resource"]["meta"] == {"versionId": "1", "tag": [SUBSETTED]}
    assert entry["resource"] == read == vread


@pytest.mark.parametrize("query", ["_summary=false", "_elements=Encounter.status"])
async def test_the_whole_is_served_as_it_is_stored(
    client: httpx2.AsyncClient, shelf: Shelf, query: str
) -> None:
    await shelf.put(PERSON)

    answer = await client.get(f"/fhir/Patient/p1?{query}")

    assert SUBSETTED["code"] not in answer.text


async def test_decimals_keep_their_digits_in_every_view(
    client: httpx2.AsyncClient, shelf: Shelf
) -> None:
    await shelf.put(encounter("e1", length={"value": 0}))
    body = orjson.dumps(encounter("e1", length={"value": 12345}))
    await _store(shelf, body.replace(b"12345", b"1.10"))

    addresses = ["Encounter/e1", "Encounter/e1?_pretty=true", "Encounter/e1?_elements=length"]
    addresses += ["Encounter", "Encounter?_pretty=true", "Encounter?_elements=length"]
    answers = [(await client.get(f"/fhir/{address}")).text for address in addresses]
    xml = (await client.get("/fhir/Encounter?_format=xml")).text

    assert all(": 1.10" in text or ":1.10" in text for text in answers)
    assert '<value value="1.10" />' in xml


async def _store(shelf: Shelf, body: bytes) -> None:
    """Write a version with these very bytes."""

    def work(tx: Any) -> None:
        row = tx.resources.current([("Encounter", "e1")])["Encounter", "e1"]
        new = type(row)(row.type, row.id, 2, later(1), body, False, "x", row.owner)
        tx.resources.put([NewVersion(new, index(orjson.loads(body)))])

    await shelf.store.write(work)
