"""From a gap to its subscriber, with a receiver that fails: nothing lost, nothing renumbered."""

from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from gateway.core.contributions import Target
from gateway.core.deliveries import DeliveryStatus
from gateway.pipeline import written
from gateway.simulation.receiver import CUT, HANG, Answer
from tests.support.gaps import closed, opened, subscription

SEVERAL = [replace(opened(gap_id=f"g{n}")) for n in range(1, 7)]


async def _run(region, minutes):
    """Let time pass in small steps."""
    for _ in range(minutes * 6):
        await region.rest()
        region.clock.advance(seconds=10)


async def test_a_gap_is_told_with_its_number(region):
    id_ = await region.activate()

    await region.publish(opened())
    await region.rest()
    await region.publish(closed())
    await region.rest()

    kinds = [(one.kind, one.number) for one in region.receiver.arrived]
    assert kinds == [("handshake", 0), ("event-notification", 1), ("event-notification", 2)]
    focus = region.receiver.arrived[1].bundle["entry"][1]["fullUrl"]
    assert (await region.client.get(focus)).json()["resourceType"] == "DetectedIssue"
    assert (await region.read(id_))["status"] == "active"


@pytest.mark.field("FL-237")
async def test_a_receiver_that_refuses_the_handshake_sees_why_and_may_ask_again(region):
    region.receiver.script.append(Answer(403))
    id_ = await region.activate()
    failed = await region.read(id_)

    await region.client.put(f"/fhir/Subscription/{id_}", json={**failed, "status": "requested"})
    region.clock.advance(seconds=1)
    await region.rest()

    assert failed["status"] == "error"
    assert failed["error"] == "The handshake failed: The receiver refused with 403."
    status = await region.client.get(f"/fhir/Subscription/{id_}/$status")
    assert (await region.read(id_))["status"] == "active"
    assert "error" not in (await region.read(id_))
    assert status.status_code == 200


@pytest.mark.field("FL-244")
async def test_a_receiver_that_fails_in_turns_gets_every_event_once_and_in_order(region):
    await region.activate()
    answers = [Answer(500), CUT, HANG, Answer(503, headers=(("Retry-After", "30"),)), Answer(404)]
    for answer in answers:
        region.receiver.script += [answer, Answer(200)]

    await region.publish(*SEVERAL)
    await _run(region, 5)

    assert region.receiver.events == [1, 2, 3, 4, 5, 6]


async def test_a_receiver_that_is_down_for_an_hour_loses_nothing(region):
    id_ = await region.activate()
    await region.receiver.stop()
    await region.publish(*SEVERAL)
    await _run(region, 60)

    await region.receiver.start()
    await _run(region, 90)

    assert region.receiver.events == [1, 2, 3, 4, 5, 6]
    assert (await region.read(id_))["status"] == "active"


@pytest.mark.field("FL-236")
async def test_a_receiver_away_for_days_finds_its_events_and_starts_again(region):
    id_ = await region.activate()
    await region.receiver.stop()
    await region.publish(*SEVERAL[:2])

    for _ in range(4 * 24):
        await region.rest()
        region.clock.advance(hours=1)
    await region.publish(*SEVERAL[2:4])
    await region.receiver.start()
    broken = await region.read(id_)
    missed = (await region.client.get(f"/fhir/Subscription/{id_}/$events")).json()
    await region.client.put(f"/fhir/Subscription/{id_}", json={**broken, "status": "active"})
    region.clock.advance(seconds=1)
    await region.rest()
    await region.publish(*SEVERAL[4:])
    await region.rest()

    assert broken["status"] == "error"
    assert "It was tried for 3 days." in broken["error"]
    numbers = [
        part["valueString"]
        for one in missed["entry"][0]["resource"]["parameter"]
        for part in one.get("part", ())
        if part["name"] == "event-number"
    ]
    assert numbers == ["1", "2", "3", "4"]
    assert region.receiver.events == [5, 6]
    letters = [DeliveryStatus.GIVEN_UP]
    dead = await region.store.read(lambda tx: tx.outbox.page(letters, 0, 10))
    assert [one.item.key for one in dead] == [f"{id_}:1"]


@pytest.mark.field("FL-251")
async def test_a_receiver_that_answers_too_late_gets_the_same_notification_again(region):
    await region.activate()
    region.receiver.script.append(Answer(200, delay_s=1.0))

    await region.publish(opened())
    await _run(region, 1)

    sent = [one for one in region.receiver.arrived if one.kind == "event-notification"]
    assert [one.number for one in sent] == [1, 1]
    assert sent[0].bundle_id == sent[1].bundle_id
    assert sent[0].body == sent[1].body


@pytest.mark.field("FL-255")
@pytest.mark.parametrize(
    ("status", "state", "attempts"), [(410, "off", 1), (301, "error", 3), (401, "error", 3)]
)
async def test_what_a_receiver_answers_for_good_ends_the_sending(region, status, state, attempts):
    id_ = await region.activate()
    region.receiver.answer = Answer(status)

    await region.publish(opened(), closed())
    await _run(region, 10)

    assert (await region.read(id_))["status"] == state
    sent = [one for one in region.receiver.arrived if one.kind == "event-notification"]
    assert [one.number for one in sent] == [1] * attempts


@pytest.mark.field("FL-243")
async def test_each_subscription_is_told_once_and_a_slow_one_delays_nobody(region):
    first = await region.activate()
    second = await region.activate(content="full-resource")
    region.receiver.script.append(Answer(500))

    await region.publish(opened())
    await region.rest()
    soon = len(region.receiver.events)
    await _run(region, 1)

    told = [
        one.bundle["entry"][0]["resource"]["parameter"][0]["valueReference"]["reference"]
        for one in region.receiver.arrived
        if one.kind == "event-notification" and one.status == 200
    ]
    assert soon == 1
    assert sorted(url.rpartition("/")[2] for url in told) == sorted([first, second])


@pytest.mark.parametrize("content", ["id-only", "full-resource"])
async def test_a_notification_carries_what_the_gap_is_founded_on(region, content):
    stay = Target("Encounter", "e1")
    resource = {
        "resourceType": "Encounter",
        "id": "e1",
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
    }
    now = region.clock.now()
    await region.store.write(lambda tx: written.write(tx, stay, resource, None, now))
    await region.activate(content=content)
    change = opened()
    trigger = change.after.trigger

    await region.publish(replace(change, references={trigger: ("Encounter/e1",)}))
    await region.rest()

    status, *entries = region.receiver.arrived[-1].bundle["entry"]
    [told] = [one for one in status["resource"]["parameter"] if "part" in one]
    context = [
        part["valueReference"]["reference"]
        for part in told["part"]
        if part["name"] == "additional-context"
    ]
    types = [one["fullUrl"].rpartition("/")[0].rpartition("/")[2] for one in entries]
    assert types == ["DetectedIssue", "Task", "Encounter"]
    assert context == [one["fullUrl"] for one in entries[1:]]
    shown = [one["resource"]["resourceType"] for one in entries if "resource" in one]
    assert shown == (types if content == "full-resource" else [])


@pytest.mark.field("FL-250")
async def test_a_failing_notification_writes_nothing_of_the_patient_into_the_log(region):
    await region.activate(content="full-resource", header=["X-Key: abc-secret"])
    await region.receiver.stop()
    sentinel = replace(
        opened(), sentences=("Phrase de SENTINELLE",), identifiers=(("urn:ipp", "SENTINEL-42"),)
    )

    with capture_logs() as logs:
        await region.publish(sentinel)
        await _run(region, 1)
    await region.receiver.start()
    await _run(region, 2)

    assert [log["event"] for log in logs] == ["delivery_retried"] * len(logs) != []
    told = str(logs)
    assert [word for word in ("SENTINEL", "abc-secret", "DetectedIssue") if word in told] == []
    # Identifiers are for filters only: a notification never holds one.
    assert b"SENTINEL-42" not in region.receiver.arrived[-1].body


async def test_an_end_that_comes_stops_the_sending(region):
    end = (region.clock.now() + timedelta(hours=1)).isoformat()
    sent = {**subscription(region.receiver.url), "end": end}
    id_ = (await region.client.post("/fhir/Subscription", json=sent)).json()["id"]
    region.clock.advance(seconds=1)
    await region.rest()
    region.clock.advance(hours=1)
    await region.publish(opened())
    await region.rest()

    assert region.receiver.events == []
    assert (await region.read(id_))["status"] == "off"
