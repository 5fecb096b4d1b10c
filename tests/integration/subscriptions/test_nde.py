"""The French volet Notification d'événements: flux 1, 2 and 4 on the engine of topics."""

from datetime import timedelta

import orjson
import pytest

from gateway.core.contributions import Json
from gateway.fhir import shape
from gateway.pipeline.commit import commit
from gateway.simulation.receiver import Answer
from tests.conftest import ROOT
from tests.integration.rest.conftest import issues
from tests.support.gateway import converter, message
from tests.support.pipeline import RULES

SUBSCRIPTIONS = "/fhir/Subscription"
GUIDE = "https://interop.esante.gouv.fr/ig/fhir/nde/StructureDefinition"
TYPES = "https://mos.esante.gouv.fr/NOS/TRE_R254-TypeEvenement/FHIR/TRE-R254-TypeEvenement"
HL7 = ROOT / "fixtures" / "hl7v2"
#: The number of the person of the discharge, in its establishment.
IPP = {"system": "https://relais.example/ns/ipp/990000001", "value": "P0042"}


def subscribed(endpoint: str, code: str = "SOR", **changes: object) -> Json:
    """Return a Subscription as the guide has it (flux 1)."""
    return {
        "resourceType": "Subscription",
        "contained": [
            {"resourceType": "Patient", "id": "pat", "identifier": [IPP]},
            {"resourceType": "Organization", "id": "org", "name": "Service fictif"},
            {
                "resourceType": "Practitioner",
                "id": "pract",
                "name": [{"family": "ESSAI", "given": ["Luc"]}],
            },
        ],
        "extension": [
            {"url": f"{GUIDE}/start", "valueDateTime": "2026-01-01T00:00:00+01:00"},
            {"url": f"{GUIDE}/subject", "valueReference": {"reference": "#pat"}},
            {"url": f"{GUIDE}/declarant", "valueReference": {"reference": "#org"}},
            {"url": f"{GUIDE}/subscriber", "valueReference": {"reference": "#pract"}},
            {
                "url": f"{GUIDE}/event-type",
                "valueCodeableConcept": {"coding": [{"system": TYPES, "code": code}]},
            },
        ],
        "status": "requested",
        "reason": "Suivi des sorties",
        "criteria": f"CommunicationRequest?event-type={code}",
        "channel": {"type": "rest-hook", "endpoint": endpoint},
        **changes,
    }


async def _discharge(region):
    body = (HL7 / "adt_a03_discharge_to_rehabilitation" / "input.er7").read_bytes()
    made = converter()
    item = made.prepare(made.open(message(body)))
    now = region.clock.now()
    await region.store.write(lambda tx: commit(tx, [item], now, RULES))


async def test_a_discharge_leaves_as_an_order_of_notification(region):
    answer = await region.client.post(SUBSCRIPTIONS, json=subscribed(region.receiver.url))
    made = answer.json()
    await _discharge(region)
    await region.rest()

    [sent] = region.receiver.arrived
    order = sent.bundle
    said = {one["url"].rpartition("/")[2]: one for one in order["extension"]}
    assert (answer.status_code, made["status"]) == (201, "active")
    assert made["criteria"].endswith("SubscriptionTopic/encounter-discharged")
    assert (sent.path, sent.headers["content-type"]) == (
        "/notify/CommunicationRequest",
        "application/fhir+json",
    )
    assert order["resourceType"] == "CommunicationRequest"
    assert [shape.check(one) for one in order["contained"]] == [[], [], []]
    assert order["basedOn"][0]["reference"].endswith(f"/Subscription/{made['id']}")
    assert said["event-type"]["valueCodeableConcept"]["coding"][0]["code"] == "SOR"
    assert said["event-time"]["valueDateTime"] == "2026-03-09T10:00:00+01:00"
    endpoint = order["recipient"][0]["extension"][0]
    assert endpoint == {"url": f"{GUIDE}/recipient-endpoint", "valueUrl": region.receiver.url}
    assert len(order["payload"]) == 1


async def test_of_the_person_only_what_the_subscriber_said_is_told(region):
    await region.client.post(SUBSCRIPTIONS, json=subscribed(region.receiver.url))
    await _discharge(region)
    await region.rest()

    order = region.receiver.arrived[0].bundle
    people = {one["id"]: one for one in order["contained"]}
    assert people["patient"] == {
        "resourceType": "Patient",
        "id": "patient",
        "identifier": [IPP],
    }
    assert people["recipient"]["name"] == [{"family": "ESSAI", "given": ["Luc"]}]
    assert people["requester"]["resourceType"] == "Organization"
    assert b"SAULNIER" not in region.receiver.arrived[0].body


async def test_the_same_order_comes_again_where_it_was_not_taken(region):
    await region.client.post(SUBSCRIPTIONS, json=subscribed(region.receiver.url))
    region.receiver.script.append(Answer(503))
    await _discharge(region)
    for _ in range(3):
        await region.rest()
        region.clock.advance(seconds=10)

    first, second = region.receiver.arrived
    assert first.body == second.body


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param({}, 1, id="this person"),
        pytest.param({"code": "ADM"}, 1, id="an admission nobody told of"),
        pytest.param({"code": "DOC"}, 0, id="another event"),
        pytest.param({"value": "P9999"}, 0, id="another person"),
        pytest.param({"start": "2027-01-01T00:00:00Z"}, 0, id="before its start"),
    ],
)
async def test_only_what_was_asked_for_is_told(region, change, told):
    made = subscribed(region.receiver.url, change.get("code", "SOR"))
    made["contained"][0]["identifier"] = [{**IPP, "value": change.get("value", IPP["value"])}]
    made["extension"][0]["valueDateTime"] = change.get("start", "2026-01-01T00:00:00Z")
    answer = await region.client.post(SUBSCRIPTIONS, json=made)

    await _discharge(region)
    await region.rest()

    assert answer.status_code == 201, answer.text
    assert len(region.receiver.arrived) == told


async def test_who_unsubscribes_is_told_nothing(region):
    made = (await region.client.post(SUBSCRIPTIONS, json=subscribed(region.receiver.url))).json()

    ended = await region.client.delete(f"{SUBSCRIPTIONS}/{made['id']}")
    await _discharge(region)
    await region.rest()

    assert ended.status_code == 204
    assert region.receiver.arrived == []


async def test_what_is_read_can_be_written_again(region):
    made = (await region.client.post(SUBSCRIPTIONS, json=subscribed(region.receiver.url))).json()
    region.clock.advance(seconds=timedelta(minutes=1).total_seconds())

    again = await region.client.put(f"{SUBSCRIPTIONS}/{made['id']}", json=made)

    assert (again.status_code, again.json()["status"]) == (200, "active")
    assert again.json()["contained"] == made["contained"]


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({"criteria": "CommunicationRequest?event-type=NOT"}, ["RLS-FHR-271"]),
        ({"criteria": "CommunicationRequest?event-type=ADM"}, ["RLS-FHR-272"]),
        ({"criteria": "CommunicationRequest?event-type=SOR&status=x"}, ["RLS-FHR-274"]),
        ({"contained": []}, ["RLS-FHR-273"]),
        ({"extension": []}, ["RLS-FHR-270"] * 5 + ["RLS-FHR-272", "RLS-FHR-273"]),
        ({"channel": {"type": "sms", "endpoint": "tel:1"}}, ["RLS-SUB-002", "RLS-SUB-006"]),
    ],
)
async def test_what_cannot_be_followed_is_refused_with_every_reason(region, change, codes):
    sent = {**subscribed(region.receiver.url), **change}

    answer = await region.client.post(SUBSCRIPTIONS, json=orjson.loads(orjson.dumps(sent)))

    assert answer.status_code == 422, answer.text
    assert [code for code, _, _ in issues(answer)] == codes
