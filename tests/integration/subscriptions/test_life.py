"""The life of a subscription: asked, active, in error, off, over; and back by its client."""

from datetime import timedelta

import orjson
import pytest

from gateway.fhir.subscriptions import MUTES_OWN
from gateway.simulation.receiver import Answer
from tests.support.gaps import closed, extension, opened, parameters, subscription

SUBSCRIPTIONS = "/fhir/Subscription"


async def _numbers(region, id_, query=""):
    bundle = (await region.client.get(f"{SUBSCRIPTIONS}/{id_}/$events{query}")).json()
    return [
        int(part["valueString"])
        for one in bundle["entry"][0]["resource"]["parameter"]
        for part in one.get("part", ())
        if part["name"] == "event-number"
    ]


async def test_an_end_is_shown_though_nothing_happens(region):
    end = (region.clock.now() + timedelta(hours=1)).isoformat()
    sent = {**subscription(region.receiver.url), "end": end}
    id_ = (await region.client.post(SUBSCRIPTIONS, json=sent)).json()["id"]
    region.clock.advance(seconds=1)
    await region.rest()

    region.clock.advance(hours=2)
    await region.rest()

    assert (await region.read(id_))["status"] == "off"


async def test_an_error_nobody_mends_ends_off_and_its_events_stay(region):
    region.receiver.script.append(Answer(403))
    id_ = await region.activate()
    await region.publish(opened())
    region.clock.advance(days=29)
    await region.rest()
    still = (await region.read(id_))["status"]

    region.clock.advance(days=2)
    await region.rest()

    found = await region.read(id_)
    assert (still, found["status"]) == ("error", "off")
    assert "30 days" in found["error"]
    assert await _numbers(region, id_) == [1]


async def test_who_comes_back_after_an_error_counts_on_and_recovers_by_number(region):
    id_ = await region.activate()
    region.receiver.answer = Answer(404)
    await region.publish(opened())
    for _ in range(30):
        await region.rest()
        region.clock.advance(seconds=10)
    broken = await region.read(id_)
    await region.publish(closed())
    status = (await region.client.get(f"{SUBSCRIPTIONS}/{id_}/$status")).json()
    region.receiver.answer = Answer(200)

    again = await region.client.put(
        f"{SUBSCRIPTIONS}/{id_}", json={**broken, "status": "requested"}
    )
    region.clock.advance(seconds=1)
    await region.rest()
    await region.publish(opened(gap_id="g2"))
    await region.rest()

    told = parameters(status)
    assert (told["status"], told["events-since-subscription-start"]) == ("error", "2")
    assert "404" in told["error"]["text"]
    assert (again.status_code, again.json()["status"]) == (200, "requested")
    assert "error" not in again.json()
    assert region.receiver.events == [3]
    assert await _numbers(region, id_, "?eventsSinceNumber=1&eventsUntilNumber=2") == [1, 2]


@pytest.mark.field("FL-248")
async def test_a_refusal_is_tried_as_often_as_the_page_says(region):
    await region.activate()
    region.receiver.answer = Answer(400)

    await region.publish(opened())
    for _ in range(60):
        await region.rest()
        region.clock.advance(seconds=10)

    sent = [one for one in region.receiver.arrived if one.kind == "event-notification"]
    assert [one.number for one in sent] == [1, 1, 1]


@pytest.mark.field("FL-245")
async def test_what_happens_while_the_receiver_is_asked_is_told_after_its_answer(region):
    id_ = (await region.subscribe())["id"]
    await region.publish(opened())
    region.clock.advance(seconds=1)
    await region.rest()
    await region.rest()

    kinds = [(one.kind, one.number) for one in region.receiver.arrived]
    assert kinds == [("handshake", 0), ("event-notification", 1)]
    assert (await region.read(id_))["status"] == "active"


async def test_several_events_travel_in_one_notification(region):
    wanted = [extension("backport-max-count", valuePositiveInt=4)]
    id_ = await region.activate(extension=wanted, content="full-resource")

    await region.publish(*(opened(gap_id=f"g{n}") for n in range(6)))
    await region.rest()

    bundles = [one.bundle for one in region.receiver.arrived[1:]]
    assert [_told(one) for one in bundles] == [[1, 2, 3, 4], [5, 6]]
    assert [parameters(b)["events-since-subscription-start"] for b in bundles] == ["4", "6"]
    assert [sum("DetectedIssue/" in e["fullUrl"] for e in b["entry"]) for b in bundles] == [4, 2]
    counts = await region.store.read(lambda tx: tx.outbox.counts())
    assert {status.value: n for (_, status), n in counts.items()} == {"confirmed": 7}
    assert await _numbers(region, id_) == [1, 2, 3, 4, 5, 6]


async def test_what_fails_together_comes_again_together(region):
    wanted = [extension("backport-max-count", valuePositiveInt=2)]
    await region.activate(extension=wanted)
    region.receiver.script += [Answer(500), Answer(200)]

    await region.publish(*(opened(gap_id=f"g{n}") for n in range(3)))
    for _ in range(12):
        await region.rest()
        region.clock.advance(seconds=10)

    assert [_told(one.bundle) for one in region.receiver.arrived[1:]] == [[1, 2], [1, 2], [3]]
    first, second = region.receiver.arrived[1:3]
    assert (first.bundle_id, first.body) == (second.bundle_id, second.body)


def _told(bundle):
    return [
        int(part["valueString"])
        for one in bundle["entry"][0]["resource"]["parameter"]
        for part in one.get("part", ())
        if part["name"] == "event-number"
    ]


async def test_notifications_are_written_in_xml_for_who_asks(region):
    await region.activate(payload="application/fhir+xml; fhirVersion=4.0", content="full-resource")

    await region.publish(opened())
    await region.rest()

    sent = region.receiver.arrived[-1]
    assert sent.headers["content-type"] == "application/fhir+xml; fhirVersion=4.0"
    assert b"<event-number" not in sent.body
    assert b'<valueCode value="event-notification"' in sent.body
    assert b"<DetectedIssue" in sent.body


async def test_a_message_carries_the_notification_to_a_server(region):
    base = region.receiver.url
    id_ = await region.activate(type="message")

    await region.publish(opened())
    await region.rest()

    handshake, event = (one.bundle for one in region.receiver.arrived)
    assert {one.path for one in region.receiver.arrived} == {"/notify/$process-message"}
    for message, kind in ((handshake, "handshake"), (event, "event-notification")):
        header, notification = (one["resource"] for one in message["entry"])
        assert message["type"] == "message"
        assert header["eventUri"] == "https://relais.example/fhir/SubscriptionTopic/gap"
        assert header["destination"] == [{"endpoint": base}]
        assert header["focus"] == [{"reference": message["entry"][1]["fullUrl"]}]
        assert (notification["type"], parameters(notification)["type"]) == ("history", kind)
    assert (await region.read(id_))["status"] == "active"
    assert len({one.bundle["id"] for one in region.receiver.arrived}) == 2


async def test_a_subscription_may_be_deaf_to_its_own_client(region):
    sent = {
        **subscription(region.receiver.url),
        "extension": [{"url": MUTES_OWN, "valueBoolean": True}],
    }

    answer = await region.client.post(SUBSCRIPTIONS, json=sent)

    assert answer.status_code == 201
    assert answer.json()["extension"] == sent["extension"]
    row = await region.store.read(lambda tx: tx.subscriptions.get(answer.json()["id"]))
    assert orjson.loads(row.body)["extension"] == sent["extension"]


@pytest.mark.field("FL-237")
@pytest.mark.parametrize(
    ("number", "status"), [(0, 422), (500, 201), (501, 422)], ids=["none", "the most", "too many"]
)
async def test_a_number_of_events_that_cannot_be_honoured_is_refused(region, number, status):
    wanted = [extension("backport-max-count", valuePositiveInt=number)]
    sent = subscription(region.receiver.url, extension=wanted)

    answer = await region.client.post(SUBSCRIPTIONS, json=sent)

    assert answer.status_code == status, answer.text
