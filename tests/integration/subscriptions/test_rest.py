"""Subscription over REST: written, read back, refused, ended; its operations."""

import httpx2
import orjson
import pytest

from gateway.entry.api.app import AppSettings, create_app
from gateway.entry.api.subscriptions import SubscriptionSettings, subscriptions_router
from gateway.entry.api.transactions import transactions_router
from gateway.fhir import shape
from gateway.fhir.subscriptions import SubscriptionRules
from gateway.fhir.topics import TOPICS
from gateway.store.memory import MemoryStore
from tests.integration.rest.conftest import issues
from tests.integration.subscriptions.conftest import ROOT
from tests.support.gaps import LOOPBACK, closed, opened, parameters, subscription
from tests.support.pipeline import HandClock
from tests.support.writing import write_settings

SUBSCRIPTIONS = "/fhir/Subscription"


@pytest.fixture
async def writing():
    """Give a client of the doors that take Bundles and subscriptions."""
    store, clock = MemoryStore(), HandClock()
    await store.open()
    settings = SubscriptionSettings(f"{ROOT}/fhir", SubscriptionRules(LOOPBACK))
    app = create_app(
        store,
        AppSettings(ROOT, "9.9.9", "2026-11-21", clock=clock),
        routers=[
            subscriptions_router(store, clock, settings),
            transactions_router(store, clock, write_settings()),
        ],
    )
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=ROOT) as client:
        yield client
    await store.close()


async def test_a_new_subscription_is_requested_and_has_an_address(region):
    sent = {**subscription(region.receiver.url), "status": "active", "id": "mine"}

    answer = await region.client.post(SUBSCRIPTIONS, json=sent)

    made = answer.json()
    assert answer.status_code == 201
    assert (made["status"], made["id"] != "mine") == ("requested", True)
    assert answer.headers["location"] == f"{ROOT}{SUBSCRIPTIONS}/{made['id']}/_history/1"
    assert answer.headers["etag"] == 'W/"1"'
    assert shape.check(made) == []
    assert region.receiver.arrived == []


@pytest.mark.field("FL-237")
async def test_what_cannot_be_honoured_is_refused_with_every_reason(region):
    sent = subscription("http://10.0.0.1/", "colour=red", payload="text/plain")

    answer = await region.client.post(SUBSCRIPTIONS, json={**sent, "criteria": "Patient?x=y"})
    other = await region.client.post(SUBSCRIPTIONS, json=sent)

    assert answer.status_code == other.status_code == 422
    assert issues(answer) == [
        ("RLS-SUB-001", "not-supported", "Subscription.criteria"),
        ("RLS-SUB-005", "not-supported", "Subscription.channel.payload"),
        ("RLS-SUB-006", "security", "Subscription.channel.endpoint"),
    ]
    assert issues(other) == [
        ("RLS-SUB-003", "not-supported", "Subscription.criteria.extension[0]"),
        ("RLS-SUB-005", "not-supported", "Subscription.channel.payload"),
        ("RLS-SUB-006", "security", "Subscription.channel.endpoint"),
    ]
    assert (await region.client.get(SUBSCRIPTIONS)).json()["total"] == 0


@pytest.mark.parametrize(
    ("body", "media", "status", "code"),
    [
        (b"{", "application/fhir+json", 400, "RLS-SUB-011"),
        (b"[]", "application/fhir+json", 400, "RLS-SUB-011"),
        (b"", "application/fhir+json", 400, "RLS-NET-005"),
        (b"{}", "text/plain", 415, "RLS-NET-003"),
        (b"{" + b" " * 70_000 + b"}", "application/fhir+json", 413, "RLS-NET-001"),
        (b'{"resourceType":"Patient"}', "application/json", 400, "RLS-SUB-011"),
    ],
)
async def test_a_body_that_is_no_subscription_is_refused(region, body, media, status, code):
    answer = await region.client.post(SUBSCRIPTIONS, content=body, headers={"Content-Type": media})

    assert (answer.status_code, issues(answer)[0][0]) == (status, code)


async def test_a_client_has_only_so_many_subscriptions(region):
    for _ in range(3):
        await region.subscribe()

    answer = await region.client.post(SUBSCRIPTIONS, json=subscription(region.receiver.url))

    assert (answer.status_code, issues(answer)[0][0]) == (422, "RLS-SUB-012")


@pytest.mark.field("FL-241")
async def test_secrets_are_sent_and_never_shown(region):
    id_ = await region.activate(header=["Authorization: Bearer abc-secret"])
    read = await region.read(id_)
    answers = [
        await region.client.get(f"{SUBSCRIPTIONS}/{id_}{path}")
        for path in ("", "/_history", "/_history/1", "/$status")
    ]
    answers.append(await region.client.get(SUBSCRIPTIONS))

    again = await region.client.put(f"{SUBSCRIPTIONS}/{id_}", json=read)
    region.clock.advance(seconds=1)
    await region.rest()

    assert read["channel"]["header"] == ["Authorization: ***"]
    assert {one.status_code for one in answers} == {200}
    assert "abc-secret" not in "".join(one.text for one in (*answers, again))
    sent = [one.headers["authorization"] for one in region.receiver.arrived]
    assert sent == ["Bearer abc-secret"] * 2


async def test_subscriptions_are_found_by_their_url(region):
    first = await region.subscribe()

    for query, total in (
        (f"url={region.receiver.url}", 1),
        ("url=http://localhost/other", 0),
        ("status=requested", 1),
        ("status=active", 0),
        ("payload=application/fhir%2Bjson", 1),
        ("type=rest-hook", 1),
    ):
        found = (await region.client.get(f"{SUBSCRIPTIONS}?{query}")).json()
        assert (query, found["total"]) == (query, total)
    assert first["id"]


async def test_a_client_turns_a_subscription_off_and_on(region):
    id_ = await region.activate()
    read = await region.read(id_)

    off = await region.client.put(f"{SUBSCRIPTIONS}/{id_}", json={**read, "status": "off"})
    await region.publish(opened())
    await region.rest()
    on = await region.client.put(f"{SUBSCRIPTIONS}/{id_}", json={**read, "status": "active"})
    region.clock.advance(seconds=1)
    await region.rest()

    assert (off.json()["status"], on.json()["status"]) == ("off", "requested")
    assert (await region.read(id_))["status"] == "active"
    assert [one.kind for one in region.receiver.arrived] == ["handshake", "handshake"]


async def test_a_write_is_held_to_the_version_the_client_knew(region):
    id_ = await region.activate()
    read = await region.read(id_)
    address = f"{SUBSCRIPTIONS}/{id_}"

    stale = await region.client.put(address, json=read, headers={"If-Match": 'W/"1"'})
    other = await region.client.put(address, json={**read, "id": "other"})
    fresh = await region.client.put(address, json=read, headers={"If-Match": 'W/"2"'})

    assert (stale.status_code, issues(stale)[0][0]) == (412, "RLS-SUB-016")
    assert (other.status_code, issues(other)[0][0]) == (400, "RLS-SUB-017")
    assert (fresh.status_code, fresh.headers["etag"]) == (200, 'W/"3"')


async def test_a_deleted_subscription_is_gone_and_told_nothing(region):
    id_ = await region.activate()
    await region.publish(opened())
    address = f"{SUBSCRIPTIONS}/{id_}"

    first, second = [await region.client.delete(address) for _ in range(2)]
    await region.publish(closed())
    await region.rest()

    assert (first.status_code, second.status_code) == (204, 204)
    assert (await region.client.get(address)).status_code == 410
    written = await region.client.put(address, json={**subscription(), "id": id_})
    asked = await region.client.get(f"{address}/$events")
    assert {issues(one)[0][0] for one in (written, asked)} == {"RLS-SUB-015"}
    assert [one.kind for one in region.receiver.arrived] == ["handshake"]


@pytest.mark.parametrize("path", ["", "/$status", "/$events"])
async def test_an_unknown_subscription_is_told_as_such(region, path):
    method = "GET" if path else "DELETE"

    answer = await region.client.request(method, f"{SUBSCRIPTIONS}/nobody{path}")

    assert (answer.status_code, issues(answer)[0][0]) == (404, "RLS-SUB-014")


async def test_status_tells_error_and_numbers(region):
    id_ = await region.activate()
    await region.publish(opened())
    other = await region.subscribe()

    one = (await region.client.get(f"{SUBSCRIPTIONS}/{id_}/$status")).json()
    all_ = (await region.client.get(f"{SUBSCRIPTIONS}/$status?status=requested")).json()
    body = {"resourceType": "Parameters", "parameter": [{"name": "id", "valueId": id_}]}
    asked = (await region.client.post(f"{SUBSCRIPTIONS}/$status", json=body)).json()

    assert (one["type"], one["total"]) == ("searchset", 1)
    found = parameters(one)
    assert (found["type"], found["status"]) == ("query-status", "active")
    assert found["events-since-subscription-start"] == "1"
    assert parameters(all_)["subscription"]["reference"].endswith(other["id"])
    assert (asked["total"], parameters(asked)["status"]) == (1, "active")


async def test_events_are_given_again_by_number(region):
    id_ = await region.activate(content="full-resource")
    await region.publish(opened(), closed())
    address = f"{SUBSCRIPTIONS}/{id_}/$events"

    both = (await region.client.get(address)).json()
    last = (await region.client.get(f"{address}?eventsSinceNumber=2&content=empty")).json()
    none = (await region.client.get(f"{address}?eventsSinceNumber=3")).json()

    assert [e["resource"]["resourceType"] for e in both["entry"]] == [
        "Parameters",
        "DetectedIssue",
        "Task",
    ]
    assert parameters(both)["type"] == "query-event"
    assert [_numbers(bundle) for bundle in (both, last, none)] == [["1", "2"], ["2"], []]
    assert len(last["entry"]) == 1
    assert shape.check(both) == []


def _numbers(bundle):
    return [
        part["valueString"]
        for one in bundle["entry"][0]["resource"]["parameter"]
        for part in one.get("part", ())
        if part["name"] == "event-number"
    ]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("eventsSinceNumber=x", 400, "RLS-SUB-019"),
        ("content=all", 400, "RLS-SUB-019"),
        ("content=full-resource", 403, "RLS-SUB-018"),
    ],
)
async def test_events_are_not_given_otherwise_than_agreed(region, query, status, code):
    id_ = await region.activate(content="id-only")

    answer = await region.client.get(f"{SUBSCRIPTIONS}/{id_}/$events?{query}")

    assert (answer.status_code, issues(answer)[0][0]) == (status, code)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PATCH", "/s1", "GET, PUT, DELETE, HEAD"),
        ("DELETE", "", "GET, POST, HEAD"),
    ],
)
async def test_other_methods_stay_refused(region, method, path, allow):
    answer = await region.client.request(method, f"{SUBSCRIPTIONS}{path}")

    assert (answer.status_code, issues(answer)[0][0]) == (405, "RLS-FHR-055")
    assert answer.headers["allow"] == allow


@pytest.mark.parametrize("path", ["/fhir/Task", "/fhir/Patient", "/fhir/DetectedIssue"])
async def test_other_types_stay_read_only(region, path):
    answer = await region.client.post(path, json={"resourceType": "Task"})

    assert (answer.status_code, issues(answer)[0][0]) == (405, "RLS-FHR-055")


async def test_a_method_that_is_not_taken_is_told_those_that_are(region):
    answer = await region.client.request("DELETE", SUBSCRIPTIONS)

    (told,) = answer.json()["issue"]
    assert told["diagnostics"] == (
        "RLS-FHR-055 at http.method: This address does not take DELETE. Fix: Use GET, POST, HEAD; "
        "what is written over FHIR, and how, is told by /fhir/metadata."
    )


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_a_transaction_does_not_write_subscriptions(writing, method):
    path = "Subscription" if method == "POST" else "Subscription/s1"
    sent = {"resource": subscription()} if method != "DELETE" else {}
    entry = {**sent, "request": {"method": method, "url": path}}
    body = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}

    answer = await writing.post("/fhir", json=body)

    assert answer.status_code == 422
    assert issues(answer) == [("RLS-FHR-269", "not-supported", "Bundle.entry[0].request")]


async def test_a_batch_writes_subscriptions_as_alone(writing):
    entries = [
        {"resource": one, "request": {"method": "POST", "url": "Subscription"}}
        for one in (subscription(), {**subscription(), "criteria": "Patient?x=y"})
    ]
    body = {"resourceType": "Bundle", "type": "batch", "entry": entries}

    answers = (await writing.post("/fhir", json=body)).json()["entry"]

    assert [one["response"]["status"] for one in answers] == [
        "201 Created",
        "422 Unprocessable Entity",
    ]
    (told,) = answers[1]["response"]["outcome"]["issue"]
    assert told["details"]["coding"][0]["code"] == "RLS-SUB-001"
    assert (await writing.get(SUBSCRIPTIONS)).json()["total"] == 1


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$events?eventSinceNumber=3", ("RLS-FHR-060", "not-supported", "http.eventSinceNumber")),
        ("$status?banana=1", ("RLS-FHR-060", "not-supported", "http.banana")),
        ("$get-ws-binding-token?ids=1", ("RLS-FHR-060", "not-supported", "http.ids")),
        (
            "$events?eventsSinceNumber=1&eventsSinceNumber=7",
            ("RLS-SUB-019", "value", "http.eventsSinceNumber"),
        ),
    ],
)
async def test_a_misspelt_parameter_of_an_operation_is_not_passed_over(region, path, expected):
    id_ = (await region.subscribe())["id"]

    answer = await region.client.get(f"{SUBSCRIPTIONS}/{id_}/{path}")

    assert (answer.status_code, issues(answer)) == (400, [expected])


async def test_a_misspelt_parameter_is_left_out_where_the_client_wants_that(region):
    id_ = (await region.subscribe())["id"]

    answer = await region.client.get(
        f"{SUBSCRIPTIONS}/{id_}/$status?banana=1&_format=json",
        headers={"Prefer": "handling=lenient"},
    )

    assert answer.status_code == 200


async def test_metadata_lists_the_topics(region):
    found = (await region.client.get("/fhir/metadata")).json()

    assert shape.check(found) == []
    one = next(r for r in found["rest"][0]["resource"] if r["type"] == "Subscription")
    assert [e["valueCanonical"] for e in one["extension"]] == list(TOPICS)
    assert {"create", "update", "delete", "read"} <= {i["code"] for i in one["interaction"]}
    assert {p["name"]: p["type"] for p in one["searchParam"]}["url"] == "uri"
    assert [o["name"] for o in one["operation"]] == ["status", "events", "get-ws-binding-token"]


async def test_a_conditional_create_is_refused_rather_than_doubled(region):
    answer = await region.client.post(
        SUBSCRIPTIONS,
        content=orjson.dumps(subscription(region.receiver.url)),
        headers={"Content-Type": "application/fhir+json", "If-None-Exist": "url=x"},
    )

    assert (answer.status_code, issues(answer)[0][0]) == (412, "RLS-SUB-013")
