"""What the Inferno kit for subscriptions asserts of a server, one test an assertion or a group."""

import orjson
import pytest

from gateway.core.contributions import Json
from gateway.fhir import shape
from gateway.fhir.notifications import STATUS_PROFILE
from gateway.fhir.subscriptions import PROFILE
from tests.support.gaps import closed, extension, opened, parameters, subscription

SUBSCRIPTIONS = "/fhir/Subscription"
CONTENTS = ("empty", "id-only", "full-resource")


def events_of(bundle: Json) -> list[dict[str, object]]:
    """Return the parts of each notification-event, by name."""
    return [
        {part["name"]: next(v for k, v in part.items() if k != "name") for part in one["part"]}
        for one in bundle["entry"][0]["resource"]["parameter"]
        if one["name"] == "notification-event"
    ]


async def notified(region, **wanted: object) -> tuple[str, list[Json]]:
    """Subscribe, let two things happen, return the id and the event notifications."""
    id_ = await region.activate(**wanted)
    await region.publish(opened())
    await region.publish(closed())
    await region.rest()
    arrived = [one.bundle for one in region.receiver.arrived if one.kind == "event-notification"]
    assert len(arrived) == 2
    return id_, arrived


@pytest.mark.inferno("CAP-1", "CAP-2", "CAP-3")
async def test_the_capability_statement_says_what_can_be_subscribed_to(region):
    await region.subscribe()
    metadata = (await region.client.get("/fhir/metadata")).json()
    made = (await region.client.get(SUBSCRIPTIONS)).json()["entry"][0]["resource"]

    [one] = [r for r in metadata["rest"][0]["resource"] if r["type"] == "Subscription"]
    assert PROFILE in one["supportedProfile"]
    assert made["criteria"] in [e["valueCanonical"] for e in one["extension"]]
    assert "status" in [operation["name"] for operation in one["operation"]]
    assert [url.rpartition("/")[2] for url in metadata["instantiates"]] == [
        "backport-subscription-server-r4"
    ]


@pytest.mark.inferno("CRE-1", "CRE-2")
@pytest.mark.parametrize("status", ["requested", "active", "error"])
async def test_a_subscription_is_created_as_requested(region, status):
    sent = {**subscription(region.receiver.url), "status": status}

    answer = await region.client.post(SUBSCRIPTIONS, json=sent)

    assert answer.status_code == 201
    assert answer.json()["id"]
    assert answer.json()["status"] == "requested"


@pytest.mark.inferno("HSK-1", "HSK-2", "HSK-3")
async def test_each_subscription_is_asked_by_one_handshake(region):
    ids = [await region.activate(content=content) for content in CONTENTS]

    handshakes = [one.bundle for one in region.receiver.arrived if one.kind == "handshake"]
    told = [parameters(bundle) for bundle in handshakes]
    assert [t["subscription"]["reference"].rpartition("/")[2] for t in told] == ids
    assert {t["status"] for t in told} == {"requested"}
    assert {t["events-since-subscription-start"] for t in told} == {"0"}
    assert [events_of(bundle) for bundle in handshakes] == [[], [], []]


@pytest.mark.inferno("HBT-1", "HBT-2")
@pytest.mark.parametrize("period", [0, 30])
async def test_heartbeats_come_to_who_asked_for_them(region, period):
    wanted = [extension("backport-heartbeat-period", valueUnsignedInt=period)] if period else []
    await region.activate(**({"extension": wanted} if wanted else {}))

    for _ in range(10):
        region.clock.advance(seconds=30)
        await region.rest()

    beats = [one.bundle for one in region.receiver.arrived if one.kind == "heartbeat"]
    assert bool(beats) is bool(period)
    assert all(parameters(one)["status"] == "active" and not events_of(one) for one in beats)


@pytest.mark.inferno("NOT-1", "NOT-2", "NOT-3", "NOT-4", "NOT-5")
@pytest.mark.parametrize("content", CONTENTS)
async def test_a_notification_has_the_form_of_the_guide(region, content):
    id_, arrived = await notified(region, content=content)

    for bundle in arrived:
        first = bundle["entry"][0]
        assert bundle["type"] == "history"
        assert shape.check(bundle) == []
        assert [e for e in bundle["entry"] if not ("request" in e and "response" in e)] == []
        assert first["request"]["method"] == "GET"
        assert first["request"]["url"].endswith(f"Subscription/{id_}/$status")
        assert first["resource"]["resourceType"] == "Parameters"
        assert first["resource"]["meta"]["profile"] == [STATUS_PROFILE]
        assert parameters(bundle)["status"] == "active"
        assert parameters(bundle)["type"] == "event-notification"


@pytest.mark.inferno("NOT-6", "NOT-7")
@pytest.mark.parametrize("payload", ["application/fhir+json", "application/fhir+xml"])
async def test_media_type_and_headers_are_those_that_were_asked_for(region, payload):
    await region.activate(payload=payload, header=["Authorization: Bearer abc", "X-Site: 7"])

    await region.publish(opened())
    await region.rest()

    for one in region.receiver.arrived:
        assert one.headers["content-type"].startswith(payload)
        assert (one.headers["authorization"], one.headers["x-site"]) == ("Bearer abc", "7")


@pytest.mark.inferno("EMP-1", "EMP-2")
async def test_empty_says_that_something_happened_and_no_more(region):
    _, arrived = await notified(region, content="empty")

    for bundle in arrived:
        [event] = events_of(bundle)
        assert set(event) == {"event-number", "timestamp"}
        assert len(bundle["entry"]) == 1


@pytest.mark.inferno("IDO-1", "IDO-2")
async def test_id_only_says_where_it_is(region):
    _, arrived = await notified(region, content="id-only")

    for bundle in arrived:
        [event] = events_of(bundle)
        urls = [entry["fullUrl"] for entry in bundle["entry"][1:]]
        assert event["focus"]["reference"] in urls
        assert [entry for entry in bundle["entry"][1:] if "resource" in entry] == []


@pytest.mark.inferno("FUL-1", "FUL-2", "FUL-3")
async def test_full_resource_brings_it(region):
    _, arrived = await notified(region, content="full-resource")

    for bundle in arrived:
        [event] = events_of(bundle)
        entries = {entry["fullUrl"]: entry.get("resource") for entry in bundle["entry"][1:]}
        assert entries[event["focus"]["reference"]]["resourceType"] == "DetectedIssue"
        assert None not in entries.values()


@pytest.mark.inferno("STA-1", "STA-2")
async def test_the_status_of_one_subscription_can_be_asked_for(region):
    id_ = await region.activate()

    answer = await region.client.get(f"{SUBSCRIPTIONS}/{id_}/$status")

    bundle = answer.json()
    assert (answer.status_code, bundle["type"], bundle["total"]) == (200, "searchset", 1)
    assert parameters(bundle)["subscription"]["reference"].endswith(f"Subscription/{id_}")
    assert bundle["entry"][0]["resource"]["meta"]["profile"] == [STATUS_PROFILE]


def _with(path: str, value: object) -> Json:
    """Return a Subscription with one value written otherwise; the path is dotted."""
    made = orjson.loads(orjson.dumps(subscription("http://localhost:9/n", "severity=high")))
    *parents, last = path.split(".")
    place = made
    for name in parents:
        place = place[int(name)] if name.isdigit() else place[name]
    place[last] = value
    return made


@pytest.mark.inferno("REJ-1", "REJ-2", "REJ-3", "REJ-4", "REJ-5", "REJ-6", "REJ-7")
@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        pytest.param("criteria", "http://example.org/topic", "RLS-SUB-001", id="topic"),
        pytest.param("_criteria.extension.0.valueString", "colour=red", "RLS-SUB-003", id="filter"),
        pytest.param("channel.type", "sms", "RLS-SUB-002", id="channel"),
        pytest.param("channel.endpoint", "ftp://dac.test/n", "RLS-SUB-006", id="endpoint"),
        pytest.param("channel.payload", "text/csv", "RLS-SUB-005", id="payload"),
        pytest.param("channel.type", "email", "RLS-SUB-005", id="payload of the channel"),
        pytest.param(
            "_criteria.extension.0.url",
            "http://hl7.org/fhir/5.0/subscriptions-backport/filter-criteria",
            "RLS-SUB-009",
            id="extension on criteria",
        ),
        pytest.param(
            "channel._payload.extension.0.url",
            "http://hl7.org/fhir/5.0/subscriptions-backport/payload-content",
            "RLS-SUB-009",
            id="extension on payload",
        ),
    ],
)
async def test_what_cannot_be_honoured_is_refused(region, path, value, code):
    answer = await region.client.post(SUBSCRIPTIONS, json=_with(path, value))

    found = [one["details"]["coding"][0]["code"] for one in answer.json()["issue"]]
    assert answer.status_code == 422
    assert code in found
    assert (await region.client.get(SUBSCRIPTIONS)).json()["total"] == 0
