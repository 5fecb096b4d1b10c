"""What is honoured, what is refused when it is written, and what is shown."""

from datetime import timedelta

import orjson
import pytest

from gateway.core.egress import EgressPolicy
from gateway.core.errors import RejectedError
from gateway.fhir import shape
from gateway.fhir.subscription_filters import FilterError, Traits, meets, read_filter, write_filter
from gateway.fhir.subscriptions import (
    CONTENT,
    FILTER,
    SubscriptionRules,
    accept,
    shown,
    terms_of,
    with_secrets,
)
from gateway.fhir.topics import GAP, GAP_OPENED, TOPICS
from tests.support.gaps import LOOPBACK, extension, subscribed_row, subscription
from tests.support.pipeline import START

RULES = SubscriptionRules(LOOPBACK)
OUTSIDE = SubscriptionRules(EgressPolicy(hosts=frozenset({"dac.test"})))


def _refused(resource, rules=RULES):
    with pytest.raises(RejectedError) as caught:
        accept(resource, rules, START)
    return [(issue.code, issue.where) for issue in caught.value.issues]


def test_a_subscription_that_can_be_honoured_is_taken_as_requested():
    sent = subscription(
        "http://localhost:8090/hook", "DetectedIssue?severity=high", header=["X-Key: abc"]
    )

    kept, terms, status = accept({**sent, "status": "active"}, RULES, START)

    assert status == "requested"
    assert "status" not in kept
    assert (terms.topic, terms.content, terms.mime) == (GAP, "id-only", "application/fhir+json")
    assert terms.endpoint == "http://localhost:8090/hook"
    assert terms.headers == (("X-Key", "abc"),)
    assert terms_of(orjson.dumps(kept)) == terms


def test_a_client_may_write_a_subscription_that_is_off():
    assert accept({**subscription(), "status": "off"}, RULES, START)[2] == "off"


CHANNEL = "Subscription.channel"


@pytest.mark.field("FL-237")
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(
            {"criteria": "https://relais.example/fhir/SubscriptionTopic/gaps"},
            [("RLS-SUB-001", "Subscription.criteria")],
            id="a topic nobody publishes",
        ),
        pytest.param(
            {"criteria": "DetectedIssue?status=final"},
            [("RLS-SUB-001", "Subscription.criteria")],
            id="a query instead of a topic",
        ),
        pytest.param({"reason": None}, [("RLS-FHR-004", "Subscription.reason")], id="no reason"),
        pytest.param(
            {"end": "2026-03-02T08:00:00Z"},
            [("RLS-SUB-008", "Subscription.end")],
            id="an end that is past",
        ),
        pytest.param(
            {"modifierExtension": [{"url": "https://x.test/y", "valueBoolean": True}]},
            [("RLS-SUB-009", "Subscription.modifierExtension")],
            id="a modifier extension",
        ),
    ],
)
def test_what_could_never_be_honoured_is_refused(change, expected):
    resource = {k: v for k, v in {**subscription(), **change}.items() if v is not None}

    assert _refused(resource) == expected


@pytest.mark.field("FL-237")
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({"type": "sms"}, [("RLS-SUB-002", f"{CHANNEL}.type")], id="a telephone"),
        pytest.param(
            {"type": "websocket"},
            [("RLS-SUB-006", f"{CHANNEL}.endpoint")],
            id="a websocket with an address",
        ),
        pytest.param(
            {"type": "email", "endpoint": "mailto:a@dac.test", "payload": "text/plain"},
            [("RLS-SUB-002", f"{CHANNEL}.type")],
            id="a mail where none is sent",
        ),
        pytest.param(
            {"_type": {"extension": [extension("backport-channel-type", valueCode="ftp")]}},
            [("RLS-SUB-002", f"{CHANNEL}.type")],
            id="a channel of its own",
        ),
        pytest.param(
            {"payload": "application/xml"},
            [("RLS-SUB-005", f"{CHANNEL}.payload")],
            id="plain XML",
        ),
        pytest.param({"payload": None}, [("RLS-SUB-005", f"{CHANNEL}.payload")], id="no MIME"),
        pytest.param(
            {"_payload": None},
            [("RLS-SUB-004", f"{CHANNEL}.payload.extension")],
            id="no level of content",
        ),
        pytest.param(
            {"endpoint": None}, [("RLS-SUB-006", f"{CHANNEL}.endpoint")], id="no endpoint"
        ),
        pytest.param(
            {"header": ["Host: other.test"]}, [("RLS-SUB-007", f"{CHANNEL}.header[0]")], id="Host"
        ),
        pytest.param(
            {"header": ["X-A: b", "X-B: c\r\nX-C: d"]},
            [("RLS-SUB-007", f"{CHANNEL}.header[1]")],
            id="a header that would be two",
        ),
        pytest.param(
            {"header": ["Transfer-Encoding: chunked"]},
            [("RLS-SUB-007", f"{CHANNEL}.header[0]")],
            id="a header of the connection",
        ),
        pytest.param(
            {"extension": [extension("backport-heartbeat-period", valueUnsignedInt=1)]},
            [("RLS-SUB-010", f"{CHANNEL}.extension")],
            id="a heartbeat every second",
        ),
        pytest.param(
            {"extension": [{"url": "http://hl7.org/fhir/5.0/x", "valueUnsignedInt": 60}]},
            [("RLS-SUB-009", CHANNEL)],
            id="an extension of another guide",
        ),
    ],
)
def test_a_channel_that_could_never_be_served_is_refused(change, expected):
    base = subscription()
    channel = {k: v for k, v in {**base["channel"], **change}.items() if v is not None}

    assert _refused({**base, "channel": channel}) == expected


@pytest.mark.field("FL-254")
@pytest.mark.parametrize(
    "endpoint",
    [
        "http://dac.test/hook",
        "https://dac.test:22/",
        "https://user@dac.test/",
        "https://evil.test/#dac.test",
        "https://other.test/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://[::1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://169.254.169.254/latest",
        "https://0x7f000001/",
        "https://2130706433/",
        "https://dac.test.evil.org/",
        "https://dac.test\\@evil.test/",
        "ftp://dac.test/",
        "https://dac.test:99999/",
    ],
)
def test_an_endpoint_that_may_not_be_called_is_refused(endpoint):
    assert _refused(subscription(endpoint), OUTSIDE) == [("RLS-SUB-006", f"{CHANNEL}.endpoint")]


def test_an_endpoint_that_is_listed_is_taken():
    _, terms, _ = accept(subscription("https://DAC.test/hook?x=1"), OUTSIDE, START)

    assert terms.endpoint == "https://DAC.test/hook?x=1"


def test_a_level_of_content_the_installation_does_not_give_is_refused():
    rules = SubscriptionRules(LOOPBACK, contents=frozenset({"empty", "id-only"}))

    assert _refused(subscription(content="full-resource"), rules) == [
        ("RLS-SUB-004", "Subscription.channel.payload.extension")
    ]


def test_something_else_is_no_subscription():
    assert _refused({"resourceType": "Patient"}) == [("RLS-SUB-011", "http.body")]


@pytest.mark.parametrize(
    "text",
    [
        "patient=Patient/p1",
        "DetectedIssue?patient=p1",
        "DetectedIssue.patient=https://dac.test/fhir/Patient/p1",
    ],
)
def test_spellings_of_a_filter_mean_the_same(text):
    (wish,) = read_filter(text, GAP)

    assert write_filter(wish, GAP) == "DetectedIssue?patient=Patient/p1"


@pytest.mark.field("FL-237")
@pytest.mark.parametrize(
    "text",
    [
        "Encounter?patient=Patient/p1",
        "status=final",
        "severity:not=high",
        "patient:Patient=p1",
        "patient=Organization/p1",
        "patient:identifier=12345",
        "severity=",
        "severity=high,",
        "severity",
        "",
    ],
)
def test_a_filter_the_topic_does_not_have_is_refused(text):
    with pytest.raises(FilterError):
        read_filter(text, GAP)


TRAITS = Traits(
    tokens={
        "severity": frozenset({("http://hl7.org/fhir/detectedissue-severity", "high")}),
        "code": frozenset({("urn:a", "CAREGAP"), ("urn:b", "TRX-08")}),
    },
    references={"patient": frozenset({"Patient/p1"}), "organization": frozenset()},
    identifiers={"patient": frozenset({("urn:ipp", "42")})},
)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([], True),
        (["severity=high"], True),
        (["severity=low"], False),
        (["severity=low,high"], True),
        (["severity=http://hl7.org/fhir/detectedissue-severity|high"], True),
        (["severity=urn:x|high"], False),
        (["code=urn:b|"], True),
        (["code=TRX-08", "patient=p2"], False),
        (["code=TRX-08", "patient=p1,p2"], True),
        (["DetectedIssue?code=TRX-08&severity=low"], False),
        (["patient:identifier=urn:ipp|42"], True),
        (["patient:identifier=urn:ipp|43"], False),
        (["organization=o1"], False),
    ],
)
def test_filters_are_all_to_be_met(filters, expected):
    wishes = [wish for text in filters for wish in read_filter(text, GAP)]

    assert meets(wishes, TRAITS) is expected


def test_filters_are_kept_in_one_spelling():
    kept, _, _ = accept(subscription("http://localhost/", "severity=high"), RULES, START)

    assert kept["_criteria"]["extension"] == [
        {"url": FILTER, "valueString": "DetectedIssue?severity=high"}
    ]


@pytest.mark.field("FL-241")
def test_values_of_headers_are_never_shown():
    resource = subscription(header=["Authorization: Bearer secret-1", "X-Key: secret-2"])
    row = subscribed_row("s1", resource, "error")

    found = shown(row)

    assert found["channel"]["header"] == ["Authorization: ***", "X-Key: ***"]
    assert b"secret" not in orjson.dumps(found)
    assert (found["id"], found["status"]) == ("s1", "error")
    assert shape.check(found) == []


@pytest.mark.field("FL-241")
def test_a_subscription_written_as_it_was_read_keeps_its_secrets():
    before = subscribed_row("s1", subscription(header=["Authorization: Bearer one", "X-B: two"]))
    sent = subscription(header=["authorization: ***", "X-B: new", "X-C: ***"])

    found = with_secrets(sent, before.body)

    assert found["channel"]["header"] == ["Authorization: Bearer one", "X-B: new", "X-C: ***"]


def test_numbers_of_the_channel_are_read():
    channel = [
        extension("backport-heartbeat-period", valueUnsignedInt=60),
        extension("backport-timeout", valueUnsignedInt=5),
        extension("backport-max-count", valuePositiveInt=10),
    ]
    end = (START + timedelta(days=1)).isoformat()

    _, terms, _ = accept({**subscription(extension=channel), "end": end}, RULES, START)

    assert (terms.heartbeat_s, terms.timeout_s) == (60, 5)
    assert terms.end == START + timedelta(days=1)


@pytest.mark.field("FL-238")
@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b"[]",
        b"{}",
        orjson.dumps({**subscription(), "criteria": "https://relais.example/gone"}),
    ],
)
def test_a_broken_subscription_is_told_as_such(body):
    with pytest.raises(RejectedError):
        terms_of(body)


def test_topics_have_addresses_of_their_own():
    assert {url.rpartition("/")[2]: topic.name for url, topic in TOPICS.items()} == {
        topic.name: topic.name for topic in TOPICS.values()
    }
    assert GAP_OPENED.url == "https://relais.example/fhir/SubscriptionTopic/gap-opened"


MAILS = SubscriptionRules(
    channels=frozenset({"email"}), mail_domains=frozenset({"dac.test", "mssante.fr"})
)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({}, [], id="what is asked for is sent"),
        pytest.param({"endpoint": "mailto:a@lyon.mssante.fr"}, [], id="a domain below"),
        pytest.param({"payload": "text/plain"}, [], id="nothing attached"),
        pytest.param(
            {"endpoint": "mailto:a@gmail.test"},
            [("RLS-SUB-006", f"{CHANNEL}.endpoint")],
            id="another domain",
        ),
        pytest.param(
            {"endpoint": "mailto:a@dac.test,b@dac.test"},
            [("RLS-SUB-006", f"{CHANNEL}.endpoint")],
            id="two addresses",
        ),
        pytest.param(
            {"endpoint": "https://dac.test/"},
            [("RLS-SUB-006", f"{CHANNEL}.endpoint")],
            id="no mail address",
        ),
        pytest.param(
            {"payload": "text/html"}, [("RLS-SUB-005", f"{CHANNEL}.payload")], id="another body"
        ),
        pytest.param(
            {"header": ["X-A: b"]}, [("RLS-SUB-007", f"{CHANNEL}.header[0]")], id="a header"
        ),
        pytest.param(
            {"_payload": {"extension": [{"url": CONTENT, "valueCode": "full-resource"}]}},
            [("RLS-SUB-004", f"{CHANNEL}.payload.extension")],
            id="what a gap says, in a mail",
        ),
        pytest.param(
            {"type": "rest-hook", "payload": "application/fhir+json"},
            [("RLS-SUB-002", f"{CHANNEL}.type")],
            id="a channel that is not offered",
        ),
    ],
)
def test_a_mail_holds_ids_at_most_and_goes_to_listed_domains(change, expected):
    base = subscription(
        "mailto:a@dac.test", type="email", payload="text/plain;attach=application/fhir+json"
    )
    resource = {**base, "channel": {**base["channel"], **change}}

    if expected:
        assert _refused(resource, MAILS) == expected
    else:
        assert accept(resource, MAILS, START)[1].channel == "email"
