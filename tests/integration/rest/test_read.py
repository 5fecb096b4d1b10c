"""Read, vread, history and metadata over HTTP."""

import httpx2
import pytest

from gateway.fhir.search_table import PARAMETERS
from tests.integration.rest.conftest import BASE, Shelf, encounter, issues, later, patient

JSON = "application/fhir+json; charset=utf-8; fhirVersion=4.0"
XML = "application/fhir+xml; charset=utf-8; fhirVersion=4.0"


async def test_a_read_serves_the_stored_bytes(client: httpx2.AsyncClient, shelf: Shelf) -> None:
    await shelf.put(patient(active=True))

    answer = await client.get("/fhir/Patient/p1")

    found = await shelf.store.read(lambda tx: tx.resources.version("Patient", "p1", 1))
    assert found is not None
    assert (answer.status_code, answer.content) == (200, found.body)
    assert answer.headers["content-type"] == JSON
    assert answer.headers["etag"] == 'W/"1"'
    assert answer.headers["last-modified"] == "Sun, 08 Mar 2026 07:05:09 GMT"
    assert answer.headers["cache-control"] == "no-store"


async def test_head_says_what_get_says_without_the_body(
    client: httpx2.AsyncClient, shelf: Shelf
) -> None:
    await shelf.put(patient())
    full = await client.get("/fhir/Patient/p1")

    answer = await client.head("/fhir/Patient/p1")

    assert (answer.status_code, answer.content) == (200, b"")
    for name in ("etag", "last-modified", "content-type", "content-length"):
        assert answer.headers[name] == full.headers[name]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"If-None-Match": 'W/"2"'}, 304, id="same version"),
        pytest.param({"If-None-Match": '"9", W/"2"'}, 304, id="one of several"),
        pytest.param({"If-None-Match": "*"}, 304, id="any version"),
        pytest.param({"If-None-Match": 'W/"1"'}, 200, id="older version"),
        pytest.param({"If-Modified-Since": "Sun, 08 Mar 2026 07:05:19 GMT"}, 304, id="same time"),
        pytest.param({"If-Modified-Since": "Sun, 08 Mar 2026 07:05:18 GMT"}, 200, id="before"),
        pytest.param({"If-Modified-Since": "yesterday"}, 200, id="unreadable date is ignored"),
        pytest.param(
            {"If-None-Match": 'W/"1"', "If-Modified-Since": "Sun, 08 Mar 2099 07:05:19 GMT"},
            200,
            id="the tag wins over the date",
        ),
    ],
)
async def test_a_client_that_has_the_version_gets_no_body(
    client: httpx2.AsyncClient, shelf: Shelf, headers: dict[str, str], status: int
) -> None:
    await shelf.put(patient())
    await shelf.put(patient(active=True), at=later(10))

    answer = await client.get("/fhir/Patient/p1", headers=headers)

    assert answer.status_code == status
    assert answer.headers["etag"] == 'W/"2"'
    assert (answer.content == b"") is (status == 304)


async def test_unknown_and_deleted_are_told_apart(client: httpx2.AsyncClient, shelf: Shelf) -> None:
    await shelf.put(patient())
    await shelf.delete("Patient", "p1")

    unknown = await client.get("/fhir/Patient/p2")
    deleted = await client.get("/fhir/Patient/p1")
    before = await client.get("/fhir/Patient/p1/_history/1")

    assert (unknown.status_code, issues(unknown)) == (
        404,
        [("RLS-FHR-051", "not-found", "http.path")],
    )
    assert (deleted.status_code, issues(deleted)) == (
        410,
        [("RLS-FHR-052", "deleted", "http.path")],
    )
    assert before.status_code == 200


@pytest.mark.field("FL-213")
@pytest.mark.field("FL-235")
@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        pytest.param("/fhir/Patient/SRV:12:LIT_4", 400, "RLS-FHR-053", id="colon, underscore"),
        pytest.param(f"/fhir/Patient/{'a' * 65}", 400, "RLS-FHR-053", id="65 characters"),
        pytest.param("/fhir/Patient/80%2F_history%2F2", 404, "RLS-FHR-054", id="path in the id"),
        pytest.param("/fhir/Patient/..%2fhealth", 404, "RLS-FHR-058", id="parent folder"),
        pytest.param("/fhir/Patient/$everything", 404, "RLS-FHR-071", id="operation"),
        pytest.param("/fhir/Patient/p/$anything", 404, "RLS-FHR-071", id="operation on one"),
        pytest.param("/fhir/Nothing/_history", 404, "RLS-FHR-050", id="history of no type"),
        pytest.param("/fhir/Patient/p?name=x", 400, "RLS-FHR-060", id="search parameter of a read"),
        pytest.param("/fhir/Patient/p?_summary=count", 400, "RLS-FHR-062", id="count of one"),
        pytest.param("/fhir/Patient/p?_elements=colour", 400, "RLS-FHR-062", id="no such element"),
        pytest.param("/fhir", 404, "RLS-FHR-071", id="search of all types"),
        pytest.param("/fhir/patient/p1", 404, "RLS-FHR-050", id="lower case type"),
        pytest.param("/fhir/Nothing", 404, "RLS-FHR-050", id="search of no type"),
        pytest.param("/fhir/Patient/p/_history/x", 404, "RLS-FHR-054", id="version not a number"),
        pytest.param(
            f"/fhir/Patient/p/_history/{'9' * 40}", 404, "RLS-FHR-054", id="version too large"
        ),
    ],
)
async def test_odd_addresses_are_refused(
    client: httpx2.AsyncClient, path: str, status: int, code: str
) -> None:
    answer = await client.get(path)

    assert answer.status_code == status
    assert [found[0] for found in issues(answer)] == [code]


@pytest.mark.parametrize(
    ("accept", "served"),
    [
        pytest.param("", JSON, id="nothing asked"),
        pytest.param("*/*", JSON, id="anything"),
        pytest.param("application/fhir+json", JSON, id="fhir json"),
        pytest.param("application/fhir+json;fhirVersion=4.0", JSON, id="version 4.0"),
        pytest.param("application/json", "application/json; charset=utf-8", id="generic json"),
        pytest.param(
            "application/fhir+xml;q=0.7, application/json;q=0.5, application/fhir+json;q=0.8",
            JSON,
            id="weights",
        ),
        pytest.param("application/fhir+xml;q=0.9, application/fhir+json;q=0.8", XML, id="xml"),
        pytest.param("text/xml", "application/xml; charset=utf-8", id="generic xml"),
        pytest.param(
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "application/xml; charset=utf-8",
            id="browser",
        ),
    ],
)
async def test_what_a_client_likes_best_is_served(
    client: httpx2.AsyncClient, shelf: Shelf, accept: str, served: str
) -> None:
    await shelf.put(patient())

    answer = await client.get("/fhir/Patient/p1", headers={"Accept": accept})

    assert (answer.status_code, answer.headers["content-type"]) == (200, served)


@pytest.mark.parametrize(
    ("path", "accept", "where"),
    [
        pytest.param("/fhir/Patient/p1", "text/html", "http.Accept", id="html"),
        pytest.param("/fhir/Patient/p1?_format=ttl", "*/*", "http._format", id="format turtle"),
        pytest.param(
            "/fhir/Patient/p1", "application/fhir+json;fhirVersion=5.0", "http.Accept", id="R5"
        ),
        pytest.param("/fhir/Patient", "application/json;q=0", "http.Accept", id="weight zero"),
        pytest.param("/fhir/metadata", "text/turtle", "http.Accept", id="metadata"),
    ],
)
async def test_neither_json_nor_xml_is_not_acceptable(
    client: httpx2.AsyncClient, shelf: Shelf, path: str, accept: str, where: str
) -> None:
    await shelf.put(patient())

    answer = await client.get(path, headers={"Accept": accept})

    assert answer.status_code == 406
    assert issues(answer) == [("RLS-FHR-056", "not-supported", where)]
    assert "Only JSON and XML" in answer.text


@pytest.mark.parametrize("format_", ["json", "application/fhir+json", "application%2Ffhir%2Bjson"])
async def test_the_format_parameter_wins_over_the_header(
    client: httpx2.AsyncClient, shelf: Shelf, format_: str
) -> None:
    await shelf.put(patient())

    answer = await client.get(
        f"/fhir/Patient/p1?_format={format_}", headers={"Accept": "application/fhir+xml"}
    )

    assert (answer.status_code, answer.headers["content-type"]) == (200, JSON)


@pytest.mark.parametrize("method", ["PUT", "POST", "PATCH", "DELETE"])
async def test_nothing_is_written_here(client: httpx2.AsyncClient, method: str) -> None:
    answer = await client.request(method, "/fhir/Patient/p1", content=b"{}")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert issues(answer) == [("RLS-FHR-055", "not-supported", "http.method")]


async def test_a_history_pages_through_every_version_once(
    client: httpx2.AsyncClient, shelf: Shelf
) -> None:
    for number in range(5):
        await shelf.put(patient(active=bool(number % 2)), at=later(number))

    first = (await client.get("/fhir/Patient/p1/_history?_count=2")).json()
    await shelf.put(patient(), at=later(9))
    second = (await client.get(_next(first))).json()
    third = (await client.get(_next(second))).json()

    seen = [e["response"]["etag"] for page in (first, second, third) for e in page["entry"]]
    assert seen == ['W/"5"', 'W/"4"', 'W/"3"', 'W/"2"', 'W/"1"']
    assert (first["type"], first["total"]) == ("history", 5)
    assert [link["relation"] for link in third["link"]] == ["self"]


async def test_a_history_since_an_instant_leaves_out_what_is_older(
    client: httpx2.AsyncClient, shelf: Shelf
) -> None:
    await shelf.put(patient())
    await shelf.put(patient(active=True), at=later(10))
    await shelf.delete("Patient", "p1", at=later(20))

    page = (await client.get("/fhir/Patient/p1/_history?_since=2026-03-08T08:05:15%2B01:00")).json()

    assert [e["request"]["method"] for e in page["entry"]] == ["DELETE", "PUT"]
    assert "resource" not in page["entry"][0]
    assert page["link"] == [
        {
            "relation": "self",
            "url": f"{BASE}/fhir/Patient/p1/_history?_since=2026-03-08T08:05:15%2B01:00",
        }
    ]


async def test_a_history_of_nothing_is_not_found(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/fhir/Patient/p1/_history")

    assert (answer.status_code, issues(answer)[0][0]) == (404, "RLS-FHR-051")


async def test_a_history_counts_without_entries(client: httpx2.AsyncClient, shelf: Shelf) -> None:
    await shelf.put(patient())

    page = (await client.get("/fhir/Patient/p1/_history?_count=0")).json()

    assert (page["total"], "entry" in page) == (1, False)


async def test_metadata_tells_what_the_tables_hold(
    client: httpx2.AsyncClient, shelf: Shelf
) -> None:
    answer = await client.get("/fhir/metadata")

    found = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (200, JSON)
    assert (found["fhirVersion"], found["kind"]) == ("4.0.1", "instance")
    assert found["implementation"]["url"] == f"{BASE}/fhir"
    assert (found["software"]["version"], found["date"]) == ("9.9.9", "2026-11-21")
    resources = {r["type"]: r for r in found["rest"][0]["resource"]}
    assert set(resources) == set(PARAMETERS)
    encounter_names = [p["name"] for p in resources["Encounter"]["searchParam"]]
    assert encounter_names[:3] == ["_id", "_lastUpdated", "_profile"]


@pytest.mark.parametrize("mode", ["full", "normative"])
async def test_metadata_takes_a_mode(client: httpx2.AsyncClient, mode: str) -> None:
    assert (await client.get(f"/fhir/metadata?mode={mode}")).status_code == 200


async def test_metadata_refuses_another_mode(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/fhir/metadata?mode=terminology")

    assert (answer.status_code, issues(answer)) == (400, [("RLS-FHR-062", "value", "http.mode")])


async def test_every_parameter_of_metadata_works(client: httpx2.AsyncClient, shelf: Shelf) -> None:
    await shelf.put(encounter("e1"))
    found = (await client.get("/fhir/metadata")).json()
    sample = {"token": "x", "uri": "x", "reference": "Patient/x", "date": "2026"}
    sample |= {"string": "x", "quantity": "5"}
    probes = [
        f"/fhir/{resource['type']}?{p['name']}={sample[p['type']]}"
        for resource in found["rest"][0]["resource"]
        for p in resource["searchParam"]
    ]

    statuses = {(await client.get(probe)).status_code for probe in probes}

    assert len(probes) > 250
    assert statuses == {200}


def _next(page: dict[str, list[dict[str, str]]]) -> str:
    return next(link["url"] for link in page["link"] if link["relation"] == "next")
