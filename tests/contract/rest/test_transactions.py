"""Transactions and batches on every store (FHIR R4 http 3.1.0.11)."""

import asyncio
from typing import Any

import httpx2
import pytest

from gateway.core.contributions import Json
from tests.contract.rest.test_writes import created, refusal
from tests.integration.rest.conftest import BASE, Shelf, issues, patient
from tests.support.writing import care_team

T1 = "identifier=urn:example:teams|T-1"
IPP = "urn:oid:1.2.250.1.213.1.4.10|255068815400233"


def entry(method: str, url: str, resource: Json | None = None, **more: Any) -> Json:
    """Return an entry; `full` is its fullUrl, the rest goes into its request."""
    full = more.pop("full", None)
    return {
        **({"fullUrl": full} if full else {}),
        **({"resource": resource} if resource is not None else {}),
        "request": {"method": method, "url": url, **more},
    }


def bundle(*entries: Json, type_: str = "transaction") -> Json:
    """Return a Bundle of requests."""
    return {"resourceType": "Bundle", "type": type_, "entry": list(entries)}


def statuses(answer: httpx2.Response) -> list[str]:
    """Return the status of each entry."""
    assert answer.status_code == 200, answer.text
    return [one["response"]["status"] for one in answer.json()["entry"]]


def message(about: str, **elements: object) -> Json:
    """Return a Communication about something."""
    return {
        "resourceType": "Communication",
        "status": "completed",
        "about": [{"reference": about}],
        **elements,
    }


async def totals(writer: httpx2.AsyncClient) -> list[int]:
    """Count teams and messages."""
    return [
        (await writer.get(f"/fhir/{type_}?_summary=count")).json()["total"]
        for type_ in ("CareTeam", "Communication")
    ]


async def test_entries_are_made_together_and_point_to_each_other(
    writer: httpx2.AsyncClient,
) -> None:
    one, two = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", "urn:uuid:0c3151bd-1cbf-4d64-b04d-2"
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><a href="{one}">Équipe</a> <b>vue</b></div>'
    told = message(
        one,
        inResponseTo=[{"reference": two}],
        extension=[{"url": "urn:e", "valueUri": one}, {"url": "urn:f", "valueString": one}],
        text={"status": "generated", "div": div},
    )
    sent = bundle(
        entry("POST", "Communication", told, full=two),
        entry("POST", "CareTeam", care_team(), full=one),
        entry("GET", f"CareTeam?{T1}"),
    )

    answer = await writer.post("/fhir", json=sent)

    assert statuses(answer) == ["201 Created", "201 Created", "200 OK"]
    first, second, third = answer.json()["entry"]
    places = [e["response"]["location"].removeprefix(f"{BASE}/fhir/") for e in (first, second)]
    communication, team = (place.rpartition("/_history")[0] for place in places)
    read = (await writer.get(f"/fhir/{communication}")).json()
    assert read["about"] == [{"reference": team}]
    assert read["inResponseTo"] == [{"reference": communication}]
    assert [list(e.values())[1] for e in read["extension"]] == [team, one]
    assert "urn:uuid" not in read["text"]["div"]
    assert third["resource"]["total"] == 1
    assert first["response"]["etag"] == 'W/"1"'
    assert first["response"]["lastModified"] == "2026-03-09T12:00:00.000Z"
    assert "resource" not in first


async def test_a_transaction_is_one_input_and_one_provenance(writer: httpx2.AsyncClient) -> None:
    sent = bundle(*(entry("POST", "CareTeam", care_team()) for _ in range(3)))

    answer = await writer.post("/fhir", json=sent, headers={"Prefer": "return=representation"})

    found = (await writer.get("/fhir/Provenance")).json()["entry"]
    named = {target["reference"] for target in found[0]["resource"]["target"]}
    assert len(found) == 1
    assert named == {f"CareTeam/{one['resource']['id']}" for one in answer.json()["entry"]}


async def test_what_comes_first_does_not_depend_on_the_order_of_entries(
    writer: httpx2.AsyncClient,
) -> None:
    old = (await created(writer)).json()
    path = f"CareTeam/{old['id']}"
    other = (
        await created(writer, identifier=[{"system": "urn:example:teams", "value": "T-2"}])
    ).json()
    sent = bundle(
        entry("GET", f"CareTeam?{T1}"),
        entry("PUT", f"CareTeam/{other['id']}", {**other, "name": "Autre"}, ifMatch='W/"1"'),
        entry("POST", "CareTeam", care_team(name="Neuve"), ifNoneExist=T1),
        entry("DELETE", path),
    )

    answer = await writer.post("/fhir", json=sent)

    assert statuses(answer) == ["200 OK", "200 OK", "201 Created", "204 No Content"]
    (found,) = answer.json()["entry"][0]["resource"]["entry"]
    assert found["resource"]["name"] == "Neuve"


@pytest.mark.field("FL-217")
async def test_criteria_in_references_find_one_or_refuse_all(
    writer: httpx2.AsyncClient, shelf: Shelf
) -> None:
    await shelf.put(patient())
    team = care_team(subject={"reference": f"Patient?identifier={IPP}"})

    good = await writer.post("/fhir", json=bundle(entry("POST", "CareTeam", team)))
    await shelf.put(patient("p2"))
    several = await writer.post(
        "/fhir",
        json=bundle(entry("POST", "CareTeam", care_team()), entry("POST", "CareTeam", team)),
    )
    none = await writer.post(
        "/fhir",
        json=bundle(entry("POST", "Communication", message("Location?identifier=urn:x|1"))),
    )

    place = good.json()["entry"][0]["response"]["location"].removeprefix(BASE)
    assert (await writer.get(place)).json()["subject"] == {"reference": "Patient/p1"}
    assert issues(several) == [
        ("RLS-FHR-253", "not-found", "Bundle.entry[1].resource.subject.reference")
    ]
    assert (several.status_code, none.status_code) == (412, 412)
    assert await totals(writer) == [1, 0]


@pytest.mark.field("FL-217")
async def test_a_reference_leads_to_the_entry_that_criteria_chose(
    writer: httpx2.AsyncClient,
) -> None:
    old = (await created(writer)).json()
    sent = bundle(
        entry("PUT", f"CareTeam?{T1}", care_team(name="Autre"), full="urn:uuid:t"),
        entry("POST", "Communication", message("urn:uuid:t"), full="urn:uuid:m"),
        entry("POST", "Communication", message(f"CareTeam?{T1}")),
    )

    answer = await writer.post("/fhir", json=sent)

    assert statuses(answer) == ["200 OK", "201 Created", "201 Created"]
    found = (await writer.get("/fhir/Communication")).json()["entry"]
    about = {one["resource"]["about"][0]["reference"] for one in found}
    assert about == {f"CareTeam/{old['id']}"}


@pytest.mark.field("FL-217")
@pytest.mark.field("FL-218")
async def test_an_entry_is_named_by_whatever_its_full_url_is(writer: httpx2.AsyncClient) -> None:
    named = bundle(
        entry("POST", "CareTeam", care_team(), full="part:1"),
        entry("POST", "Communication", message("part:1")),
    )
    of_a_server = bundle(
        entry("POST", "CareTeam", care_team(id="7"), full="https://other.test/fhir/CareTeam/7"),
        entry("POST", "Communication", message("CareTeam/7")),
    )
    dangling = bundle(entry("POST", "Communication", message("urn:uuid:nobody")))
    nameless = bundle(
        entry("POST", "CareTeam", care_team(id="0")),
        entry("POST", "Communication", message("CareTeam/0")),
    )

    answers = [await writer.post("/fhir", json=one) for one in (named, of_a_server)]
    refused = [await writer.post("/fhir", json=one) for one in (dangling, nameless)]

    assert [statuses(answer) for answer in answers] == [["201 Created"] * 2] * 2
    assert [refusal(answer) for answer in refused] == [(400, "RLS-FHR-254")] * 2
    assert "fullUrl" in refused[1].json()["issue"][0]["diagnostics"]
    assert await totals(writer) == [2, 2]


@pytest.mark.field("FL-215")
async def test_two_entries_never_change_one_resource(writer: httpx2.AsyncClient) -> None:
    old = (await created(writer)).json()
    path = f"CareTeam/{old['id']}"
    pairs = [
        (entry("PUT", path, {**old, "name": "A"}), entry("DELETE", path)),
        (
            entry("PUT", f"CareTeam?{T1}", care_team()),
            entry("PUT", f"CareTeam?{T1}", care_team()),
        ),
        (entry("PUT", f"CareTeam?{T1}", care_team()), entry("PUT", path, {**old, "name": "A"})),
        (
            entry("POST", "CareTeam", care_team(), ifNoneExist="identifier=urn:x|1"),
            entry("POST", "CareTeam", care_team(), ifNoneExist="identifier=urn:x|1"),
        ),
    ]

    answers = [await writer.post("/fhir", json=bundle(*pair)) for pair in pairs]

    assert [refusal(answer) for answer in answers] == [(400, "RLS-FHR-255")] * 4
    for answer in answers:
        assert "Bundle.entry[0] and Bundle.entry[1]" in answer.text
    assert (await writer.get(f"/fhir/{path}")).headers["etag"] == 'W/"1"'


@pytest.mark.field("FL-216")
@pytest.mark.field("FL-221")
async def test_one_entry_that_cannot_be_done_undoes_all(writer: httpx2.AsyncClient) -> None:
    old = (await created(writer)).json()
    await created(writer)
    path = f"CareTeam/{old['id']}"
    new = entry("POST", "Communication", message(path))
    wrong = [
        (entry("PUT", path, {**old, "name": "A"}, ifMatch='W/"7"'), 412, "RLS-FHR-249"),
        (entry("POST", "CareTeam", care_team(), ifNoneExist=T1), 412, "RLS-FHR-250"),
        (entry("POST", "CareTeam", care_team(status="x")), 422, "RLS-FHR-006"),
        (entry("POST", "Patient", patient()), 405, "RLS-FHR-243"),
        (entry("POST", "CareTeam", message(path)), 400, "RLS-FHR-241"),
        (
            entry("POST", "CareTeam", care_team(subject={"reference": "Patient/no"})),
            422,
            "RLS-FHR-252",
        ),
        (entry("DELETE", "CareTeam"), 400, "RLS-FHR-256"),
    ]

    answers = [await writer.post("/fhir", json=bundle(new, one)) for one, _, _ in wrong]
    good = await writer.post("/fhir", json=bundle(entry("PUT", path, {**old, "name": "B"})))

    told = [refusal(answer)[1] for answer in answers]
    assert told == [code for _, _, code in wrong]
    assert [answer.status_code for answer in answers][:6] == [412, 412, 422, 405, 400, 422]
    assert all("Bundle.entry[1]" in answer.text for answer in answers)
    assert statuses(good) == ["200 OK"]
    assert await totals(writer) == [2, 0]


async def test_every_fault_of_a_transaction_is_told_at_once(writer: httpx2.AsyncClient) -> None:
    sent = bundle(
        entry("POST", "CareTeam", care_team(status="x", colour="blue")),
        entry("POST", "CareTeam", care_team()),
        entry("POST", "Communication", {"resourceType": "Communication"}),
    )

    answer = await writer.post("/fhir", json=sent)

    assert [(code, place) for code, _, place in issues(answer)] == [
        ("RLS-FHR-006", "Bundle.entry[0].resource.status"),
        ("RLS-FHR-002", "Bundle.entry[0].resource.colour"),
        ("RLS-FHR-004", "Bundle.entry[2].resource.status"),
    ]


@pytest.mark.field("FL-215")
async def test_two_transactions_that_create_the_same_leave_one(writer: httpx2.AsyncClient) -> None:
    sent = bundle(
        entry("POST", "CareTeam", care_team(), ifNoneExist=T1, full="urn:uuid:t"),
        entry("POST", "Communication", message("urn:uuid:t")),
    )

    answers = await asyncio.gather(*(writer.post("/fhir", json=sent) for _ in range(5)))

    made = [statuses(answer)[0] for answer in answers]
    assert sorted(made) == ["200 OK"] * 4 + ["201 Created"]
    assert await totals(writer) == [1, 5]
    found = (await writer.get("/fhir/Communication")).json()["entry"]
    assert len({one["resource"]["about"][0]["reference"] for one in found}) == 1


async def test_entries_that_point_to_each_other_in_a_circle_are_fine(
    writer: httpx2.AsyncClient,
) -> None:
    sent = bundle(
        entry("POST", "Communication", message("urn:uuid:b"), full="urn:uuid:a"),
        entry("POST", "Communication", message("urn:uuid:a"), full="urn:uuid:b"),
    )

    answer = await writer.post("/fhir", json=sent)

    assert statuses(answer) == ["201 Created"] * 2


async def test_what_hospitals_tell_is_pointed_to_from_a_transaction(
    writer: httpx2.AsyncClient, shelf: Shelf
) -> None:
    await shelf.put(patient())
    team = care_team(subject={"reference": "urn:uuid:p"})
    sent = bundle(
        entry("POST", "Patient", patient("x"), full="urn:uuid:p", ifNoneExist=f"identifier={IPP}"),
        entry("POST", "CareTeam", team),
    )

    answer = await writer.post("/fhir", json=sent, headers={"Prefer": "return=representation"})

    assert statuses(answer) == ["200 OK", "201 Created"]
    assert answer.json()["entry"][1]["resource"]["subject"] == {"reference": "Patient/p1"}


async def test_patches_travel_in_a_transaction(writer: httpx2.AsyncClient) -> None:
    import base64

    old = (await created(writer)).json()
    operations = b'[{"op":"replace","path":"/name","value":"Autre"}]'
    binary = {
        "resourceType": "Binary",
        "contentType": "application/json-patch+json",
        "data": base64.b64encode(operations).decode(),
    }
    sent = bundle(entry("PATCH", f"CareTeam/{old['id']}", binary, ifMatch='W/"1"'))

    answer = await writer.post("/fhir", json=sent, headers={"Prefer": "return=representation"})

    assert statuses(answer) == ["200 OK"]
    assert answer.json()["entry"][0]["resource"]["name"] == "Autre"


@pytest.mark.field("FL-223")
async def test_a_batch_does_each_alone_and_in_its_order(writer: httpx2.AsyncClient) -> None:
    old = (await created(writer)).json()
    path = f"CareTeam/{old['id']}"
    sent = bundle(
        entry("GET", path),
        entry("PUT", path, {**old, "name": "Revenue"}),
        entry("POST", "Patient", patient()),
        entry("POST", "CareTeam", care_team(status="x")),
        entry("DELETE", path),
        entry("GET", "CareTeam/none"),
        type_="batch",
    )

    answer = await writer.post("/fhir", json=sent)

    assert [one[:3] for one in statuses(answer)] == ["200", "201", "405", "422", "204", "404"]
    entries = answer.json()["entry"]
    assert entries[0]["resource"]["name"] == "Revenue"
    assert entries[1]["response"]["etag"] == 'W/"3"'
    assert entries[2]["response"]["outcome"]["resourceType"] == "OperationOutcome"
    listed = (await writer.get(f"/fhir/{path}/_history")).json()["entry"]
    assert [one["request"]["method"] for one in listed] == ["PUT", "DELETE", "PUT"]


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (care_team(), 400, "RLS-FHR-257"),
        ({"resourceType": "Bundle", "type": "collection"}, 400, "RLS-FHR-257"),
        (bundle({"resource": {}}), 400, "RLS-FHR-256"),
        (bundle(entry("TRACE", "CareTeam")), 400, "RLS-FHR-256"),
        (bundle(entry("POST", "CareTeam")), 400, "RLS-FHR-256"),
        (bundle(entry("GET", "https://other.test/fhir/CareTeam/1")), 400, "RLS-FHR-256"),
        (bundle(entry("POST", "CareTeam/x", care_team())), 400, "RLS-FHR-256"),
        (bundle(entry("POST", "$relais-mute", care_team())), 400, "RLS-FHR-256"),
        (
            bundle(*(entry("POST", "CareTeam", care_team(), full="urn:uuid:a") for _ in "ab")),
            400,
            "RLS-FHR-256",
        ),
        (bundle(*(entry("GET", "CareTeam") for _ in range(1001))), 413, "RLS-FHR-258"),
    ],
    ids=[
        "no bundle", "other type", "no request", "method", "no resource", "another server",
        "id of a create", "operation", "full url twice", "many",
    ],
)  # fmt: skip
@pytest.mark.field("FL-233")
async def test_a_bundle_that_cannot_be_understood_is_refused(
    writer: httpx2.AsyncClient, sent: Json, status: int, code: str
) -> None:
    assert refusal(await writer.post("/fhir", json=sent)) == (status, code)


async def test_an_empty_transaction_is_done(writer: httpx2.AsyncClient) -> None:
    answer = await writer.post("/fhir", json={"resourceType": "Bundle", "type": "transaction"})

    assert answer.json() == {"resourceType": "Bundle", "type": "transaction-response"}
