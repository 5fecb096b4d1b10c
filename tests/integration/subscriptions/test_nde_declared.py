"""Events that an establishment without messages declares (NdE flux 3), and who is told of them."""

import orjson
import pytest

from gateway.fhir import shape
from gateway.fhir.nde import EVENTS
from gateway.pipeline.commit import commit
from tests.conftest import ROOT
from tests.integration.rest.conftest import issues
from tests.integration.subscriptions.test_nde import subscribed
from tests.support.declared import (
    ADMITTED,
    CLINIC,
    INS,
    LEFT,
    VISITS,
    declared,
    with_contained,
)
from tests.support.gaps import IDS
from tests.support.gateway import converter, message
from tests.support.pipeline import RULES


async def test_an_admission_and_a_discharge_make_a_stay_and_its_facts(clinic):
    first = await clinic.declare("ADM")
    [began] = await clinic.stays()
    second = await clinic.declare("SOR", LEFT)
    [ended] = await clinic.stays()

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == declared("ADM")
    assert (began["status"], began["period"]) == ("in-progress", {"start": ADMITTED})
    assert (ended["status"], ended["period"]) == ("finished", {"start": ADMITTED, "end": LEFT})
    assert (ended["id"], ended["class"]["code"]) == (began["id"], "IMP")
    assert shape.check(ended) == []
    facts = await clinic.facts()
    assert facts.keys() == {"ENC.ADMIT", "ENC.DISCHARGE"}
    assert facts["ENC.DISCHARGE"].when.low.isoformat() == "2026-03-02T07:30:00+00:00"
    assert facts["ENC.ADMIT"].attributes == {"estab": CLINIC, "visit": began["id"]}


async def test_every_declaration_is_kept_as_it_came_with_its_provenance(clinic):
    await clinic.declare("ADM")
    await clinic.declare("SOR", LEFT)

    kept = await clinic.inputs()
    [stay] = await clinic.stays()
    found = await clinic.client.get(f"/fhir/Provenance?target=Encounter/{stay['id']}")
    assert [orjson.loads(row.body) for row in kept] == [declared("ADM"), declared("SOR", LEFT)]
    assert {row.header.message_type for row in kept} == {"FHIR CommunicationRequest"}
    activities = [one["resource"]["activity"]["coding"][0]["code"] for one in found.json()["entry"]]
    assert sorted(activities) == ["CREATE", "UPDATE"]


async def test_the_same_declaration_twice_has_no_second_effect(clinic):
    await clinic.declare("ADM")
    again = await clinic.declare("ADM", meta=None, authoredOn="2026-03-02T09:00:00+01:00")

    [stay] = await clinic.stays()
    assert (again.status_code, stay["meta"]["versionId"]) == (200, "1")
    assert len(await clinic.inputs()) == 1


@pytest.mark.parametrize("code", sorted(EVENTS))
async def test_a_subscriber_of_flux_1_gets_the_order_of_flux_4(clinic, code):
    region = clinic.region
    wanted = subscribed(region.receiver.url, code)
    # Followed by the INS, whatever number an establishment gives.
    wanted["contained"][0]["identifier"] = [INS]
    made = await region.client.post("/fhir/Subscription", json=wanted)
    assert made.status_code == 201, made.text
    for event, at in (("ADM", ADMITTED), ("SOR", LEFT), ("DOC", LEFT)):
        assert (await clinic.declare(event, at)).status_code == 201
        assert (await clinic.declare(event, at)).status_code == 200
    await region.rest()

    [sent] = region.receiver.arrived
    said = {one["url"].rpartition("/")[2]: one for one in sent.bundle["extension"]}
    assert said["event-type"]["valueCodeableConcept"]["coding"][0]["code"] == code
    assert said["event-time"]["valueDateTime"] == (ADMITTED if code == "ADM" else LEFT)


async def test_a_discharge_before_its_admission_needs_the_number_of_the_stay(clinic):
    named = {"encounter": {"identifier": {"value": "V77"}}}
    alone = await clinic.declare("SOR", LEFT)
    early = await clinic.declare("SOR", LEFT, **named)
    late = await clinic.declare("ADM", **named)

    [stay] = await clinic.stays()
    assert (alone.status_code, issues(alone)[0][0]) == (422, "RLS-FHR-282")
    assert (early.status_code, late.status_code) == (201, 201)
    assert (stay["status"], stay["period"]) == ("finished", {"start": ADMITTED, "end": LEFT})
    assert stay["id"] == IDS.stay(VISITS, "V77")
    assert (await clinic.facts())["ENC.DISCHARGE"].attributes["visit"] == "V77"


async def test_two_open_stays_are_not_guessed_between(clinic):
    await clinic.declare("ADM")
    await clinic.declare("ADM", "2026-03-01T10:00:00+01:00")
    answer = await clinic.declare("SOR", LEFT)

    assert (answer.status_code, issues(answer)[0][0]) == (422, "RLS-FHR-282")
    assert [one["status"] for one in await clinic.stays()] == ["in-progress", "in-progress"]


async def test_what_never_took_place_is_taken_back(clinic):
    gone = {"status": "entered-in-error"}
    nothing = await clinic.declare("SOR", LEFT, **gone)
    await clinic.declare("ADM")
    await clinic.declare("SOR", LEFT)
    other = await clinic.declare("SOR", "2026-03-02T08:00:00+01:00", **gone)
    assert (await clinic.declare("SOR", LEFT, **gone)).status_code == 201
    [open_again] = await clinic.stays()
    left = await clinic.facts()
    assert (await clinic.declare("ADM", **gone)).status_code == 201
    [never] = await clinic.stays()

    assert [issues(one)[0][0] for one in (nothing, other)] == ["RLS-FHR-283", "RLS-FHR-283"]
    assert (open_again["status"], open_again["period"]) == ("in-progress", {"start": ADMITTED})
    assert left.keys() == {"ENC.ADMIT"}
    assert never["status"] == "entered-in-error"
    assert await clinic.facts() == {}


async def test_a_document_that_lies_elsewhere_is_told_and_taken_back(clinic):
    lies = {"contentType": "application/pdf", "url": "https://clinique.example/d/1", "title": "CR"}
    payload = [{"contentAttachment": lies}]
    await clinic.declare("DOC", LEFT, payload=payload)
    found = (await clinic.client.get("/fhir/DocumentReference?_count=50")).json()
    [told] = [
        one["resource"] for one in found["entry"] if one["resource"].get("description") == "CR"
    ]
    gone = await clinic.declare("DOC", LEFT, payload=payload, status="entered-in-error")
    after = (await clinic.client.get(f"/fhir/DocumentReference/{told['id']}")).json()

    assert (told["status"], told["date"]) == ("current", LEFT)
    assert told["content"] == [{"attachment": lies}]
    assert shape.check(told) == []
    assert (gone.status_code, after["status"]) == (201, "entered-in-error")
    # A document that is only declared closes nothing.
    assert await clinic.facts() == {}


async def test_the_word_of_a_hospital_takes_the_place_of_what_was_declared(clinic):
    await clinic.declare("ADM", encounter={"identifier": {"value": "V77"}})
    text = (ROOT / "fixtures/hl7v2/adt_a03_discharge_to_rehabilitation/input.er7").read_text()
    text = text.replace("990000001", CLINIC).replace("CHU-DEMO", "CLINIC").replace("V26101", "V77")
    text = text.replace("DEMO-GAM", "CLINIC-GAM").replace("P0042^^^", "C7^^^")
    made = converter()
    item = made.prepare(made.open(message(text.encode())))
    now = clinic.region.clock.now()
    await clinic.store.write(lambda tx: commit(tx, [item], now, RULES))

    stay = (await clinic.client.get(f"/fhir/Encounter/{IDS.stay(VISITS, 'V77')}")).json()
    after = await clinic.declare("SOR", LEFT)
    assert (stay["status"], stay["meta"]["versionId"]) == ("finished", "2")
    assert stay["period"]["end"] == "2026-03-09T10:00:00+01:00"
    assert (after.status_code, issues(after)[0][0]) == (422, "RLS-FHR-281")


async def test_a_discharge_without_number_ends_the_open_stay_that_has_one(clinic):
    await clinic.declare("ADM", encounter={"identifier": {"value": "V77"}})
    answer = await clinic.declare("SOR", LEFT)

    [stay] = await clinic.stays()
    assert (answer.status_code, stay["status"]) == (201, "finished")
    assert [one["value"] for one in stay["identifier"]] == ["V77"]


async def test_an_admission_that_took_place_after_all_brings_its_discharge_back(clinic):
    named = {"encounter": {"identifier": {"value": "V77"}}}
    await clinic.declare("ADM", **named)
    await clinic.declare("SOR", LEFT, **named)
    await clinic.declare("ADM", status="revoked", **named)
    never = await clinic.facts()
    await clinic.declare("ADM", **named)

    [stay] = await clinic.stays()
    assert never == {}
    assert (stay["status"], stay["period"]["end"]) == ("finished", LEFT)
    assert (await clinic.facts()).keys() == {"ENC.ADMIT", "ENC.DISCHARGE"}


async def test_a_discharge_that_is_told_again_with_another_time_is_moved(clinic):
    named = {"encounter": {"identifier": {"value": "V77"}}}
    await clinic.declare("ADM", **named)
    await clinic.declare("SOR", LEFT, **named)
    moved = await clinic.declare("SOR", "2026-03-02T07:45:00+01:00", **named)

    facts = await clinic.facts()
    assert moved.status_code == 201
    assert facts["ENC.DISCHARGE"].when.low.isoformat() == "2026-03-02T06:45:00+00:00"


async def test_a_number_stays_with_the_person_it_was_declared_for(clinic):
    named = {"encounter": {"identifier": {"value": "V77"}}}
    await clinic.declare("ADM", **named)
    text = (ROOT / "fixtures/hl7v2/adt_a03_discharge_to_rehabilitation/input.er7").read_text()
    text = text.replace("P0042", "P0043").replace("280049999900166", "180017512345606")
    made = converter()
    item = made.prepare(made.open(message(text.replace("D0006", "D0007").encode())))
    now = clinic.region.clock.now()
    await clinic.store.write(lambda tx: commit(tx, [item], now, RULES))
    other = next(one.resource for one in item.contributions if one.target.type == "Patient")
    held = with_contained(0, identifier=[other["identifier"][0]], birthDate=other["birthDate"],
                          gender=other["gender"])  # fmt: skip
    answer = await clinic.declare("SOR", LEFT, contained=held, **named)

    assert (answer.status_code, issues(answer)[0][0]) == (422, "RLS-FHR-285")
