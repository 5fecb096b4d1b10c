"""Search over HTTP: matches, links, pages, preferences."""

import asyncio

import httpx2
import pytest

from tests.integration.rest.conftest import BASE, Shelf, encounter, issues, later, patient

INS = "urn:oid:1.2.250.1.213.1.4.10|255068815400233"


def ids(answer: httpx2.Response) -> list[str]:
    """Return the ids of the matches, in order."""
    return [entry["resource"]["id"] for entry in answer.json().get("entry", ())]


def link(answer: httpx2.Response, relation: str) -> str:
    """Return a link of a page, empty when it has none."""
    found = {item["relation"]: item["url"] for item in answer.json()["link"]}
    return found.get(relation, "")


async def test_a_patient_is_found_by_identifier(client: httpx2.AsyncClient, shelf: Shelf) -> None:
    await shelf.put(patient("p1"), patient("p2", identifier=[{"system": "urn:x", "value": "1"}]))

    answer = await client.get("/fhir/Patient", params={"identifier": INS})

    bundle = answer.json()
    assert (bundle["type"], bundle["total"]) == ("searchset", 1)
    (entry,) = bundle["entry"]
    assert entry["fullUrl"] == f"{BASE}/fhir/Patient/p1"
    assert entry["search"] == {"mode": "match"}
    assert entry["resource"]["id"] == "p1"


@pytest.mark.field("FL-224")
async def test_what_was_just_written_is_found_every_time(
    client: httpx2.AsyncClient, shelf: Shelf
) -> None:
    found = []
    for number in range(100):
        name = {"system": "urn:visits", "value": f"V{number}"}
        await shelf.put(encounter(f"e{number}", identifier=[name]), at=later(number))
        answer = await client.get(f"/fhir/Encounter?identifier=urn:visits|V{number}")
        found.append(ids(answer))

    assert found == [[f"e{number}"] for number in range(100)]


async def test_the_encounters_of_a_patient_by_each_form_of_reference(
    client: httpx2.AsyncClient, shelf: Shelf
) -> None:
    other = encounter("e3", subject={"reference": "Patient/p2"})
    await shelf.put(encounter("e1"), encounter("e2"), other)

    forms = [
        "patient=p1",
        "patient=Patient/p1",
        "subject=Patient/p1",
        "subject:Patient=p1",
        f"subject={BASE}/fhir/Patient/p1",
    ]
    found = [ids(await client.get(f"/fhir/Encounter?{form}")) for form in forms]

    assert found == [["e1", "e2"]] * len(forms)


async def test_stays_are_told_from_movements_by_part_of(
    client: httpx2.AsyncClient, shelf: Shelf
) -> None:
    movement = encounter("m1", partOf={"reference": "Encounter/e1"})
    await shelf.put(encounter("e1"), movement)

    stays = await client.get("/fhir/Encounter?part-of:missing=true")
    movements = await client.get("/fhir/Encounter?part-of:missing=false")
    of_one = await client.get("/fhir/Encounter?part-of=e1")

    assert (ids(stays), ids(movements), ids(of_one)) == (["e1"], ["m1"], ["m1"])


@pytest.mark.field("FL-228")
@pytest.mark.parametrize(
    ("query", "matches"),
    [
        pytest.param("birthdate=1988-05-12", ["p12"], id="the day"),
        pytest.param("birthdate=eq1988-05", ["p11", "p12", "p13"], id="the month"),
        pytest.param("birthdate=ne1988-05-12", ["p11", "p13"], id="another day"),
        pytest.param("birthdate=ge1988-05-12", ["p12", "p13"], id="from the day"),
        pytest.param("birthdate=gt1988-05-12", ["p13"], id="after the day"),
        pytest.param("birthdate=le1988-05-12", ["p11", "p12"], id="to the day"),
        pytest.param("birthdate=lt1988-05-13", ["p11", "p12"], id="before the next day"),
        pytest.param("birthdate=sa1988-05-12", ["p13"], id="starts after"),
        pytest.param("birthdate=eb1988-05-12", ["p11"], id="ends before"),
        pytest.param(
            "birthdate=ge1988-05-12&birthdate=lt1988-05-13", ["p12"], id="two repeated bounds"
        ),
    ],
)
async def test_birth_dates_keep_their_day(
    client: httpx2.AsyncClient, shelf: Shelf, query: str, matches: list[str]
) -> None:
    days = (11, 12, 13)
    await shelf.put(*[patient(f"p{day}", birthDate=f"1988-05-{day}") for day in days])

    assert ids(await client.get(f"/fhir/Patient?{query}")) == matches


@pytest.mark.field("FL-228")
async def test_half_past_midnight_in_paris_is_of_the_new_day(
    client: httpx2.AsyncClient, shelf: Shelf
) -> None:
    period = {"start": "2026-03-08T00:30:00+01:00", "end": "2026-03-08T23:59:59+01:00"}
    await shelf.put(encounter("e1", period=period))

    found = [
        ids(await client.get(f"/fhir/Encounter?date={text}"))
        for text in ("2026-03-08", "2026-03-07", "eb2026-03-09", "sa2026-03-07")
    ]

    assert found == [["e1"], [], ["e1"], ["e1"]]


async def test_a_stay_that_goes_on_meets_every_later_day(
    client: httpx2.AsyncClient, shelf: Shelf
) -> None:
    await shelf.put(encounter("e1", period={"start": "2026-03-08"}))

    later_day = await client.get("/fhir/Encounter?date=ge2030-01-01")
    earlier_day = await client.get("/fhir/Encounter?date=lt2026-03-08")

    assert (ids(later_day), ids(earlier_day)) == (["e1"], [])


async def test_alternatives_negation_and_repetition(
    client: httpx2.AsyncClient, shelf: Shelf
) -> None:
    await shelf.put(
        encounter("e1", status="planned"),
        encounter("e2", status="finished"),
        encounter("e3", status="cancelled"),
    )

    either = await client.get("/fhir/Encounter?status=planned,finished")
    not_one = await client.get("/fhir/Encounter?status:not=planned")
    both = await client.get("/fhir/Encounter?status:not=planned&status:not=finished")

    assert (ids(either), ids(not_one), ids(both)) == (["e1", "e2"], ["e2", "e3"], ["e3"])


@pytest.mark.field("FL-231")
async def test_a_value_with_separators_is_found_when_escaped(
    client: httpx2.AsyncClient, shelf: Shelf
) -> None:
    await shelf.put(encounter("e1", identifier=[{"system": "urn:v", "value": "A,B|C$D\\E"}]))

    answer = await client.get("/fhir/Encounter", params={"identifier": r"urn:v|A\,B\|C\$D\\E"})

    assert ids(answer) == ["e1"]
    assert ids(await client.get(link(answer, "self"))) == ["e1"]


@pytest.mark.field("FL-227")
async def test_an_unknown_parameter_is_refused_unless_lenient(
    client: httpx2.AsyncClient, shelf: Shelf
) -> None:
    await shelf.put(patient())

    strict = await client.get("/fhir/Patient?identifer=x&active:missing=true")
    lenient = await client.get(
        "/fhir/Patient?identifer=x&active:missing=true", headers={"Prefer": "handling=lenient"}
    )

    assert (strict.status_code, issues(strict)) == (
        400,
        [("RLS-FHR-060", "not-supported", "http.identifer")],
    )
    assert ids(lenient) == ["p1"]
    assert link(lenient, "self") == f"{BASE}/fhir/Patient?active:missing=true"


async def test_a_search_without_parameters_gives_all_of_the_type(
    client: httpx2.AsyncClient, shelf: Shelf
) -> None:
    await shelf.put(patient(), encounter("e1"))

    answer = await client.get("/fhir/Encounter/")

    assert ids(answer) == ["e1"]
    assert link(answer, "self") == f"{BASE}/fhir/Encounter"


@pytest.mark.field("FL-225")
async def test_pages_give_each_resource_once_while_others_are_written(
    client: httpx2.AsyncClient, shelf: Shelf
) -> None:
    await shelf.put(*[encounter(f"e{number:03d}") for number in range(100)])
    seen: list[str] = []
    address = "/fhir/Encounter?patient=p1&_count=10"

    for number in range(10):
        answer = await client.get(address)
        seen += ids(answer)
        address = link(answer, "next")
        await shelf.put(encounter(f"new{number}"), at=later(60 + number))

    assert seen == [f"e{number:03d}" for number in range(100)]
    assert address == ""


@pytest.mark.field("FL-226")
async def test_a_page_of_another_search_is_refused(
    client: httpx2.AsyncClient, shelf: Shelf
) -> None:
    await shelf.put(encounter("e1"), encounter("e2"))
    following = link(await client.get("/fhir/Encounter?status=finished&_count=1"), "next")

    fine = await client.get(following)
    moved = await client.get(following.replace("status=finished", "status=planned"))
    cut = await client.get(following[:-3])

    assert ids(fine) == ["e2"]
    assert link(fine, "self") == following
    assert [(a.status_code, issues(a)[0][0]) for a in (moved, cut)] == [(400, "RLS-FHR-065")] * 2


@pytest.mark.parametrize("query", ["_summary=count", "_count=0"])
async def test_a_count_has_no_entries(client: httpx2.AsyncClient, shelf: Shelf, query: str) -> None:
    await shelf.put(encounter("e1"), encounter("e2"))

    answer = await client.get(f"/fhir/Encounter?{query}")

    assert (answer.json()["total"], ids(answer), link(answer, "next")) == (2, [], "")


@pytest.mark.field("FL-336")
async def test_a_form_keeps_the_identifier_out_of_the_address(
    client: httpx2.AsyncClient, shelf: Shelf
) -> None:
    await shelf.put(patient("p1", active=True), patient("p2", active=False))

    by_form = await client.post("/fhir/Patient/_search", data={"identifier": INS})
    both = await client.post("/fhir/Patient/_search?active=true", data={"identifier": INS})
    empty = await client.post("/fhir/Patient/_search")

    assert (ids(by_form), ids(both), ids(empty)) == (["p1", "p2"], ["p1"], ["p1", "p2"])


@pytest.mark.parametrize(
    ("body", "media", "status", "code"),
    [
        pytest.param(b"{}", "application/json", 415, "RLS-FHR-057", id="json"),
        pytest.param(
            b"\xff", "application/x-www-form-urlencoded", 400, "RLS-FHR-059", id="not utf-8"
        ),
        pytest.param(
            b"a" * 70_000, "application/x-www-form-urlencoded", 413, "RLS-FHR-068", id="too large"
        ),
    ],
)
async def test_a_form_that_is_none_is_refused(
    client: httpx2.AsyncClient, body: bytes, media: str, status: int, code: str
) -> None:
    answer = await client.post(
        "/fhir/Patient/_search", content=body, headers={"Content-Type": media}
    )

    assert (answer.status_code, issues(answer)[0][0]) == (status, code)


@pytest.mark.field("FL-334")
async def test_a_compressed_form_is_refused(client: httpx2.AsyncClient) -> None:
    answer = await client.post(
        "/fhir/Patient/_search", data={"active": "true"}, headers={"Content-Encoding": "gzip"}
    )

    assert (answer.status_code, issues(answer)[0][0]) == (415, "RLS-FHR-057")


@pytest.mark.parametrize(
    "value", ["' OR 1=1 --", "%", "_", "\\", "x" * 300, "a\x00b", "é", "\ud7ff", "a;b=c"]
)
async def test_no_value_breaks_the_search(
    client: httpx2.AsyncClient, shelf: Shelf, value: str
) -> None:
    await shelf.put(encounter("e1"))

    answer = await client.get("/fhir/Encounter", params={"status": value})

    assert answer.status_code in (200, 400)
    assert answer.json().get("total", 0) == 0


async def test_a_deleted_resource_is_not_found(client: httpx2.AsyncClient, shelf: Shelf) -> None:
    await shelf.put(encounter("e1"), encounter("e2"))
    await shelf.delete("Encounter", "e1", at=later(1))

    assert ids(await client.get("/fhir/Encounter?patient=p1")) == ["e2"]


@pytest.mark.field("FL-230")
async def test_each_resource_is_found_once_by_last_updated(
    client: httpx2.AsyncClient, shelf: Shelf
) -> None:
    await shelf.put(encounter("e1"))
    await shelf.put(encounter("e1", status="planned"), at=later(10))

    answer = await client.get("/fhir/Encounter?_lastUpdated=ge2026-03-08")

    assert (answer.json()["total"], ids(answer)) == (1, ["e1"])


async def test_many_searches_at_once_get_their_own_answers(
    client: httpx2.AsyncClient, shelf: Shelf
) -> None:
    await shelf.put(*[encounter(f"e{number}") for number in range(20)])

    answers = await asyncio.gather(
        *[client.get(f"/fhir/Encounter?_id=e{number}") for number in range(20)]
    )

    assert [ids(answer) for answer in answers] == [[f"e{number}"] for number in range(20)]
