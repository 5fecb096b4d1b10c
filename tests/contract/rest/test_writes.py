"""Create, update and delete over REST, on every store (FHIR R4 http)."""

import asyncio

import httpx2
import pytest

from gateway.conformance.packages import read_package
from gateway.conformance.resources import ResourceJudge
from gateway.core.messages import Channel
from gateway.core.ports import Store
from tests.contract.rest.conftest import Hand
from tests.integration.rest.conftest import BASE, Shelf, issues, patient
from tests.support.fhir_packages import archive, profile
from tests.support.writing import care_team, writing_app

JSON = {"Content-Type": "application/fhir+json"}


def refusal(answer: httpx2.Response) -> tuple[int, str]:
    """Return the status and the code of the first issue."""
    return answer.status_code, issues(answer)[0][0]


async def created(writer: httpx2.AsyncClient, **elements: object) -> httpx2.Response:
    """Create a team."""
    answer = await writer.post("/fhir/CareTeam", json=care_team(**elements))
    assert answer.status_code == 201, answer.text
    return answer


async def test_a_new_resource_is_told_and_can_be_read_and_found(writer: httpx2.AsyncClient) -> None:
    sent = care_team(id="mine", meta={"versionId": "9", "tag": [{"system": "urn:t", "code": "a"}]})

    answer = await writer.post("/fhir/CareTeam", json=sent)

    made = answer.json()
    assert answer.status_code == 201, answer.text
    assert made["id"] != "mine"
    assert made["meta"] == {
        "versionId": "1",
        "lastUpdated": "2026-03-09T12:00:00.000Z",
        "tag": [{"system": "urn:t", "code": "a"}],
    }
    assert answer.headers["location"] == f"{BASE}/fhir/CareTeam/{made['id']}/_history/1"
    assert answer.headers["etag"] == 'W/"1"'
    assert answer.headers["last-modified"] == "Mon, 09 Mar 2026 12:00:00 GMT"
    assert (await writer.get(f"/fhir/CareTeam/{made['id']}")).json() == made
    found = await writer.get("/fhir/CareTeam?identifier=urn:example:teams|T-1&_tag=urn:t|a")
    assert [entry["resource"]["id"] for entry in found.json()["entry"]] == [made["id"]]


async def test_the_writer_and_the_act_are_told_by_a_provenance(writer: httpx2.AsyncClient) -> None:
    path = f"CareTeam/{(await created(writer)).json()['id']}"
    await writer.put(f"/fhir/{path}", json=care_team(id=path[9:], name="Autre"))
    await writer.delete(f"/fhir/{path}")

    found = (await writer.get(f"/fhir/Provenance?target={path}")).json()["entry"]

    told = {
        entry["resource"]["activity"]["coding"][0]["code"]: entry["resource"] for entry in found
    }
    assert set(told) == {"CREATE", "UPDATE", "DELETE"}
    (agent,) = told["CREATE"]["agent"]
    assert agent["who"]["identifier"]["value"] == "local"
    assert told["DELETE"]["target"] == [{"reference": f"{path}/_history/2"}]
    assert (await writer.get(f"/fhir/{path}/_history/2")).status_code == 200


async def test_a_write_is_an_input_and_its_word_a_contribution(
    writer: httpx2.AsyncClient, store: Store
) -> None:
    made = (await created(writer)).json()

    rows = await store.read(lambda tx: tx.inbox.page(None, 0, 10, with_body=True))

    assert [(row.channel, row.header.sender) for row in rows] == [(Channel.FHIR, ("fhir", "local"))]
    assert made["id"].encode() in rows[0].body


async def test_an_update_makes_the_next_version_and_keeps_the_former(
    writer: httpx2.AsyncClient, clock: Hand
) -> None:
    made = (await created(writer)).json()
    path = f"/fhir/CareTeam/{made['id']}"
    clock.later(1)

    answer = await writer.put(path, json={**made, "name": "Équipe de nuit"})

    assert (answer.status_code, answer.json()["name"]) == (200, "Équipe de nuit")
    assert answer.headers["etag"] == 'W/"2"'
    assert (await writer.get(f"{path}/_history/1")).json() == made
    assert (await writer.get(f"{path}/_history")).json()["total"] == 2


async def test_the_same_again_is_no_new_version(writer: httpx2.AsyncClient) -> None:
    made = (await created(writer)).json()

    answer = await writer.put(f"/fhir/CareTeam/{made['id']}", json=made)

    assert (answer.status_code, answer.headers["etag"]) == (200, 'W/"1"')


async def test_an_update_replaces_the_whole(writer: httpx2.AsyncClient) -> None:
    made = (await created(writer, note=[{"text": "à relire"}])).json()
    sent = {name: value for name, value in made.items() if name not in ("note", "identifier")}

    answer = await writer.put(f"/fhir/CareTeam/{made['id']}", json=sent)

    assert "note" not in answer.json()
    assert "identifier" not in answer.json()
    found = await writer.get("/fhir/CareTeam?identifier=urn:example:teams|T-1")
    assert found.json()["total"] == 0


async def test_a_client_may_choose_the_id_of_what_it_keeps(writer: httpx2.AsyncClient) -> None:
    answer = await writer.put("/fhir/CareTeam/equipe-7", json=care_team(id="equipe-7"))
    ins = "255068815400233"
    telling = await writer.put(f"/fhir/CareTeam/{ins}", json=care_team(id=ins))
    task = {"resourceType": "Task", "id": "t1", "status": "requested", "intent": "order"}
    chosen = await writer.put("/fhir/Task/t1", json=task)

    assert (answer.status_code, answer.json()["id"]) == (201, "equipe-7")
    assert refusal(telling) == (422, "RLS-FHR-247")
    assert refusal(chosen) == (405, "RLS-FHR-246")


async def test_a_deleted_resource_is_gone_keeps_its_past_and_comes_back(
    writer: httpx2.AsyncClient,
) -> None:
    path = "/fhir/CareTeam/equipe-7"
    await writer.put(path, json=care_team(id="equipe-7"))

    gone = await writer.delete(path)
    again = await writer.delete(path)
    read = await writer.get(path)
    found = await writer.get("/fhir/CareTeam?identifier=urn:example:teams|T-1")
    listed = (await writer.get(f"{path}/_history")).json()["entry"]
    back = await writer.put(path, json=care_team(id="equipe-7"))
    never = await writer.delete("/fhir/CareTeam/never-there")

    assert (gone.status_code, again.status_code, never.status_code) == (204, 204, 204)
    assert refusal(read) == (410, "RLS-FHR-052")
    assert found.json()["total"] == 0
    assert [entry["request"]["method"] for entry in listed] == ["DELETE", "PUT"]
    assert (back.status_code, back.headers["etag"]) == (201, 'W/"3"')
    assert (await writer.get(f"{path}/_history")).json()["total"] == 3


async def test_an_update_may_be_held_to_the_version_that_was_read(
    writer: httpx2.AsyncClient,
) -> None:
    made = (await created(writer)).json()
    path = f"/fhir/CareTeam/{made['id']}"

    first = await writer.put(path, json={**made, "name": "B"}, headers={"If-Match": 'W/"1"'})
    late = await writer.put(path, json={**made, "name": "C"}, headers={"If-Match": 'W/"1"'})
    gone = await writer.delete(path, headers={"If-Match": '"1"'})
    absent = await writer.put(
        "/fhir/CareTeam/new", json=care_team(id="new"), headers={"If-Match": 'W/"1"'}
    )
    there = await writer.put(path, json=made, headers={"If-None-Match": "*"})

    assert first.status_code == 200
    assert refusal(late) == (412, "RLS-FHR-249")
    assert refusal(gone) == (412, "RLS-FHR-249")
    assert refusal(absent) == (412, "RLS-FHR-249")
    assert refusal(there) == (412, "RLS-FHR-263")
    assert (await writer.get(path)).json()["name"] == "B"


@pytest.mark.field("FL-220")
async def test_a_task_is_updated_on_the_version_that_was_read(writer: httpx2.AsyncClient) -> None:
    task = {"resourceType": "Task", "status": "requested", "intent": "order"}
    made = (await writer.post("/fhir/Task", json=task)).json()
    path = f"/fhir/Task/{made['id']}"

    blind = await writer.put(path, json={**made, "status": "accepted"})
    answer = await writer.put(
        path, json={**made, "status": "accepted"}, headers={"If-Match": 'W/"1"'}
    )

    assert refusal(blind) == (428, "RLS-FHR-248")
    assert (answer.status_code, answer.json()["status"]) == (200, "accepted")


@pytest.mark.field("FL-220")
async def test_updates_side_by_side_leave_no_hole_and_no_double(
    writer: httpx2.AsyncClient,
) -> None:
    made = (await created(writer)).json()
    path = f"/fhir/CareTeam/{made['id']}"

    answers = await asyncio.gather(
        *(writer.put(path, json={**made, "name": f"N{number}"}) for number in range(20))
    )

    assert {answer.status_code for answer in answers} == {200}
    assert sorted(int(a.headers["etag"][3:-1]) for a in answers) == list(range(2, 22))
    listed = (await writer.get(f"{path}/_history?_count=50")).json()
    assert listed["total"] == 21


@pytest.mark.parametrize(
    ("wish", "body"),
    [("minimal", ""), ("representation", "CareTeam"), ("OperationOutcome", "OperationOutcome")],
)
async def test_a_client_says_what_it_wants_back(
    writer: httpx2.AsyncClient, wish: str, body: str
) -> None:
    answer = await writer.post(
        "/fhir/CareTeam", json=care_team(), headers={"Prefer": f"return={wish}"}
    )

    assert answer.status_code == 201
    assert (answer.json()["resourceType"] if answer.content else "") == body
    assert answer.headers["location"].startswith(f"{BASE}/fhir/CareTeam/")


async def test_decimals_keep_their_digits_from_body_to_answer(writer: httpx2.AsyncClient) -> None:
    text = (
        '{"resourceType":"CareTeam","extension":[{"url":"urn:d","valueDecimal":1.10},'
        '{"url":"urn:e","valueDecimal":0.0000000}]}'
    )

    answer = await writer.post("/fhir/CareTeam", content=text.encode(), headers=JSON)
    id_ = answer.json()["id"]
    again = await writer.put(
        f"/fhir/CareTeam/{id_}",
        content=answer.content.replace(b"1.10", b"1.100"),
        headers=JSON,
    )
    read = await writer.get(f"/fhir/CareTeam/{id_}")
    xml = await writer.get(f"/fhir/CareTeam/{id_}?_format=xml")

    assert b'"valueDecimal":1.10}' in answer.content
    assert b'"valueDecimal":0.0000000}' in answer.content
    assert again.headers["etag"] == 'W/"2"'
    assert b'"valueDecimal":1.100}' in read.content
    assert b'<valueDecimal value="1.100"' in xml.content


async def test_xml_comes_in_and_goes_out(writer: httpx2.AsyncClient) -> None:
    body = (
        '<CareTeam xmlns="http://hl7.org/fhir"><text><status value="additional"/>'
        '<div xmlns="http://www.w3.org/1999/xhtml">Équipe<br/>de nuit</div></text>'
        '<extension url="urn:d"><valueDecimal value="1.10"/></extension>'
        '<status value="active"/><name value="Nuit &amp; jour"/></CareTeam>'
    )

    answer = await writer.post(
        "/fhir/CareTeam",
        content=body.encode(),
        headers={"Content-Type": "application/fhir+xml", "Accept": "application/fhir+xml"},
    )
    read = (await writer.get(answer.headers["location"].removeprefix(BASE))).json()

    assert answer.status_code == 201, answer.text
    assert answer.headers["content-type"].startswith("application/fhir+xml")
    assert (read["name"], read["status"]) == ("Nuit & jour", "active")
    assert "Équipe<br />de nuit" in read["text"]["div"]


async def test_what_hospitals_told_is_not_written_by_a_client(
    writer: httpx2.AsyncClient, shelf: Shelf
) -> None:
    await shelf.put(patient(), {**care_team(), "id": "told"})

    team = await writer.put("/fhir/CareTeam/told", json=care_team(id="told"))
    gone = await writer.delete("/fhir/CareTeam/told")
    person = await writer.put("/fhir/Patient/p1", json=patient())
    new = await writer.post("/fhir/Patient", json=patient())

    assert refusal(team) == (403, "RLS-FHR-244")
    assert refusal(gone) == (403, "RLS-FHR-244")
    assert refusal(person) == (405, "RLS-FHR-243")
    assert refusal(new) == (405, "RLS-FHR-243")
    assert person.headers["allow"] == "GET, HEAD"
    assert "HL7 v2 messages and CDA documents" in person.text


async def test_a_reference_leads_somewhere_or_is_refused(
    writer: httpx2.AsyncClient, shelf: Shelf
) -> None:
    await shelf.put(patient())
    await shelf.put(patient("p2"))
    await shelf.delete("Patient", "p2")
    nowhere = {
        "subject": {"reference": "Patient/p2"},
        "participant": [{"member": {"reference": "Organization/o1"}}],
    }

    there = await created(writer, subject={"reference": f"{BASE}/fhir/Patient/p1"})
    refused = await writer.post("/fhir/CareTeam", json=care_team(**nowhere))
    local = await writer.post("/fhir/CareTeam", json=care_team(subject={"reference": "urn:uuid:1"}))
    logical = await created(
        writer, subject={"identifier": {"system": "urn:x", "value": "1"}, "type": "Patient"}
    )

    assert there.json()["subject"] == {"reference": "Patient/p1"}
    assert [(code, place) for code, _, place in issues(refused)] == [
        ("RLS-FHR-252", "CareTeam.subject.reference"),
        ("RLS-FHR-252", "CareTeam.participant[0].member.reference"),
    ]
    assert refusal(local) == (400, "RLS-FHR-254")
    assert logical.status_code == 201


async def test_a_resource_of_another_client_is_read_and_not_written(store, clock) -> None:
    who = {"name": "one"}
    transport = httpx2.ASGITransport(app=writing_app(store, clock, client_of=lambda _: who["name"]))
    async with httpx2.AsyncClient(transport=transport, base_url=BASE) as client:
        made = (await created(client)).json()
        who["name"] = "two"
        theirs = await client.put(f"/fhir/CareTeam/{made['id']}", json=made)
        read = await client.get(f"/fhir/CareTeam/{made['id']}")

    assert refusal(theirs) == (403, "RLS-FHR-244")
    assert read.status_code == 200


@pytest.mark.parametrize(
    ("media", "body", "status", "code"),
    [
        ("text/plain", b"{}", 415, "RLS-NET-003"),
        ("", b"{}", 415, "RLS-NET-003"),
        ("application/fhir+json; charset=iso-8859-1", b"{}", 415, "RLS-FHR-264"),
        ("application/fhir+json; charset=UTF-8", b"{}", 400, "RLS-FHR-241"),
        ("application/fhir+json", b"", 400, "RLS-NET-005"),
        ("application/fhir+json", b"{", 400, "RLS-FHR-240"),
        ("application/fhir+xml", b"<a/>", 400, "RLS-FHR-240"),
        ("application/fhir+json", b'{"resourceType":"Patient"}', 400, "RLS-FHR-241"),
        ("application/json", b'{"resourceType":"CareTeam","status":"x"}', 422, "RLS-FHR-006"),
    ],
)
async def test_a_body_that_is_not_taken_says_why(
    writer: httpx2.AsyncClient, media: str, body: bytes, status: int, code: str
) -> None:
    answer = await writer.post("/fhir/CareTeam", content=body, headers={"Content-Type": media})

    assert refusal(answer) == (status, code)


async def test_every_fault_of_a_resource_is_told_at_once(writer: httpx2.AsyncClient) -> None:
    sent = care_team(status="x", colour="blue", participant=[{"member": {"reference": "no way"}}])

    answer = await writer.post("/fhir/CareTeam", json=sent)

    assert [place for _, _, place in issues(answer)] == [
        "CareTeam.status",
        "CareTeam.colour",
        "CareTeam.participant[0].member.reference",
    ]


async def test_a_profile_that_is_claimed_is_held(store: Store, clock: Hand) -> None:
    small = {**profile("named-team", "CareTeam.name"), "type": "CareTeam"}
    judge = ResourceJudge([read_package(archive(small), "small")])
    transport = httpx2.ASGITransport(app=writing_app(store, clock, judge=lambda: judge))
    claims = {"profile": [small["url"]]}
    async with httpx2.AsyncClient(transport=transport, base_url=BASE) as client:
        named = await client.post("/fhir/CareTeam", json=care_team(meta=claims))
        nameless = await client.post(
            "/fhir/CareTeam", json={n: v for n, v in care_team(meta=claims).items() if n != "name"}
        )
        unknown = {"profile": ["https://other.test/StructureDefinition/x"]}
        other = await client.post("/fhir/CareTeam", json=care_team(meta=unknown))

    assert named.status_code == 201, named.text
    assert named.json()["meta"]["profile"] == claims["profile"]
    assert nameless.status_code == 422
    assert other.status_code == 201


async def test_what_relais_names_is_not_named_by_a_client(writer: httpx2.AsyncClient) -> None:
    theirs = [{"system": "https://relais.example/ns/gap-task", "value": "x#1"}]
    task = {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "identifier": theirs,
    }

    answer = await writer.post("/fhir/Task", json=task)

    assert issues(answer) == [("RLS-FHR-262", "value", "Task.identifier[0]")]
