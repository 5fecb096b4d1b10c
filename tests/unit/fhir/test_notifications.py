"""The Bundles that are sent, as the guide for R4 asks for them."""

from datetime import UTC, datetime

import orjson
import pytest

from gateway.core.contributions import Target
from gateway.core.ports import StoredResource
from gateway.fhir import notifications, shape
from gateway.fhir.notifications import STATUS_PROFILE, Head, Told
from gateway.fhir.topic_resources import files
from gateway.fhir.topics import GAP, TOPICS
from tests.conftest import ROOT
from tests.support.gaps import BASE, parameters

AT = datetime(2026, 3, 11, 7, 0, 2, 120_000, tzinfo=UTC)
HEAD = Head(BASE, "dac-42", GAP.url, "active", 17)
STATUS_URL = f"{BASE}/Subscription/dac-42/$status"


def _stored(type_, id_, version=1):
    state = (
        {"status": "final"} if type_ == "DetectedIssue" else {"status": "draft", "intent": "order"}
    )
    body = orjson.dumps({"resourceType": type_, "id": id_, **state})
    return StoredResource(type_, id_, version, AT, body, False, "h", Target(type_, id_))


TOLD = Told(
    17,
    AT,
    "DetectedIssue/g1",
    ("Task/t1",),
    (_stored("DetectedIssue", "g1", 3), _stored("Task", "t1")),
)


def _read(body):
    bundle = orjson.loads(body)
    assert shape.check(bundle) == []
    assert bundle["type"] == "history"
    # bdl-3 and bdl-4: every entry of a history has a request and a response.
    assert [e for e in bundle["entry"] if "request" not in e or "response" not in e] == []
    first = bundle["entry"][0]
    assert first["request"] == {"method": "GET", "url": STATUS_URL}
    assert first["resource"]["meta"]["profile"] == [STATUS_PROFILE]
    return bundle


def _events(bundle):
    found = bundle["entry"][0]["resource"]["parameter"]
    return [
        {p["name"]: next(v for k, v in p.items() if k.startswith("value")) for p in one["part"]}
        for one in found
        if one["name"] == "notification-event"
    ]


@pytest.mark.parametrize(
    ("make", "kind"),
    [(notifications.handshake, "handshake"), (notifications.heartbeat, "heartbeat")],
)
def test_a_handshake_and_a_heartbeat_hold_no_event(make, kind):
    head = Head(BASE, "dac-42", GAP.url, "requested", 3)

    bundle = _read(make(head, AT))

    found = parameters(bundle)
    assert found["type"] == kind
    assert found["status"] == "requested"
    assert found["events-since-subscription-start"] == "3"
    assert found["subscription"] == {"reference": f"{BASE}/Subscription/dac-42"}
    assert _events(bundle) == []
    assert len(bundle["entry"]) == 1


def test_id_only_names_resources_without_holding_them():
    bundle = _read(notifications.event_notification(HEAD, [TOLD], "id-only"))

    assert parameters(bundle)["type"] == "event-notification"
    assert parameters(bundle)["status"] == "active"
    assert _events(bundle) == [
        {
            "event-number": "17",
            "timestamp": "2026-03-11T07:00:02.120Z",
            "focus": {"reference": f"{BASE}/DetectedIssue/g1"},
            "additional-context": {"reference": f"{BASE}/Task/t1"},
        }
    ]
    others = bundle["entry"][1:]
    assert [e["fullUrl"] for e in others] == [f"{BASE}/DetectedIssue/g1", f"{BASE}/Task/t1"]
    assert [e for e in others if "resource" in e] == []


def test_full_resource_holds_what_the_focus_resolves_to():
    bundle = _read(notifications.event_notification(HEAD, [TOLD], "full-resource"))

    others = bundle["entry"][1:]
    assert [e["resource"]["resourceType"] for e in others] == ["DetectedIssue", "Task"]
    assert _events(bundle)[0]["focus"]["reference"] == others[0]["fullUrl"]
    assert [e["response"]["status"] for e in others] == ["200", "201"]
    assert parameters(bundle)["topic"] == GAP.url


def test_a_resource_that_cannot_be_included_keeps_its_request_and_response():
    told = Told(17, AT, "DetectedIssue/g1")

    bundle = _read(notifications.event_notification(HEAD, [told], "full-resource"))

    assert bundle["entry"][1]["fullUrl"] == f"{BASE}/DetectedIssue/g1"
    assert "resource" not in bundle["entry"][1]


def test_empty_tells_the_number_and_nothing_else():
    bundle = _read(notifications.event_notification(HEAD, [TOLD], "empty"))

    assert _events(bundle) == [{"event-number": "17", "timestamp": "2026-03-11T07:00:02.120Z"}]
    assert len(bundle["entry"]) == 1
    assert "topic" not in parameters(bundle)


@pytest.mark.field("FL-251")
def test_the_same_event_gives_the_same_bytes():
    one = notifications.event_notification(HEAD, [TOLD], "full-resource")

    assert notifications.event_notification(HEAD, [TOLD], "full-resource") == one
    assert (
        orjson.loads(one)["id"]
        != orjson.loads(
            notifications.event_notification(
                HEAD, [Told(18, AT, "DetectedIssue/g1")], "full-resource"
            )
        )["id"]
    )


def test_several_events_about_one_resource_make_one_entry_of_it():
    told = [Told(1, AT, "DetectedIssue/g1"), Told(2, AT, "DetectedIssue/g1", ("Task/t1",))]

    bundle = _read(notifications.query_event(HEAD, told, "id-only", AT))

    assert parameters(bundle)["type"] == "query-event"
    assert [one["event-number"] for one in _events(bundle)] == ["1", "2"]
    urls = [entry["fullUrl"] for entry in bundle["entry"]]
    assert len(urls) == len(set(urls)) == 3


def test_the_state_of_subscriptions_is_a_searchset():
    broken = Head(BASE, "dac-43", GAP.url, "error", 4, "The handshake failed.")

    bundle = orjson.loads(notifications.query_status([HEAD, broken], BASE, "Subscription/$status"))

    assert shape.check(bundle) == []
    assert (bundle["type"], bundle["total"]) == ("searchset", 2)
    found = bundle["entry"][1]["resource"]["parameter"]
    assert {"name": "type", "valueCode": "query-status"} in found
    assert {"name": "error", "valueCodeableConcept": {"text": "The handshake failed."}} in found


def test_no_subscription_at_all_is_an_empty_searchset():
    bundle = orjson.loads(notifications.query_status([], BASE, "Subscription/$status"))

    assert bundle["total"] == 0
    assert "entry" not in bundle


@pytest.mark.parametrize("topic", TOPICS.values(), ids=lambda topic: topic.name)
def test_topics_are_published_as_they_are_served(topic):
    for name, made in files(topic).items():
        path = ROOT / "profiles" / "fhir" / name

        assert (name, orjson.loads(path.read_bytes())) == (name, made)
