"""Every fault of a Subscription is told at once, whatever else is wrong with it."""

import pytest

from gateway.core.errors import RejectedError
from gateway.fhir.subscriptions import SubscriptionRules, accept
from tests.support.gaps import LOOPBACK, subscription
from tests.support.pipeline import START


def _refused(resource):
    with pytest.raises(RejectedError) as caught:
        accept(resource, SubscriptionRules(LOOPBACK), START)
    return [(issue.code, issue.where) for issue in caught.value.issues]


def test_every_fault_is_told_at_once():
    resource = subscription("http://10.0.0.1/", "colour=red", payload="text/plain")

    assert [code for code, _ in _refused(resource)] == [
        "RLS-SUB-003",
        "RLS-SUB-005",
        "RLS-SUB-006",
    ]


def test_an_unknown_topic_hides_no_other_fault():
    resource = subscription("http://10.0.0.1/", "colour=red", payload="text/plain")
    resource |= {"criteria": "http://example.org/topic", "end": "2020-01-01T00:00:00Z"}

    # Filters are those of a topic: there is nothing to hold them to.
    assert [code for code, _ in _refused(resource)] == [
        "RLS-SUB-001",
        "RLS-SUB-005",
        "RLS-SUB-006",
        "RLS-SUB-008",
    ]


def test_places_out_of_shape_hide_no_other_fault():
    resource = subscription("http://10.0.0.1/", "colour=red", payload=7)
    resource = {name: value for name, value in resource.items() if name != "reason"}
    resource["colour"] = "red"

    assert _refused(resource) == [
        ("RLS-FHR-003", "Subscription.channel.payload"),
        ("RLS-FHR-002", "Subscription.colour"),
        ("RLS-FHR-004", "Subscription.reason"),
        ("RLS-SUB-003", "Subscription.criteria.extension[0]"),
        ("RLS-SUB-006", "Subscription.channel.endpoint"),
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"channel": "rest-hook"}, ["Subscription.channel"]),
        ({"channel": {"endpoint": "http://10.0.0.1/"}}, ["Subscription.channel.type"]),
        ({"criteria": 7}, ["Subscription.criteria"]),
        ({"end": "soon"}, ["Subscription.end"]),
        ({"resourceType": "Subscription", "criteria": "CommunicationRequest?x", "channel": 1},
         ["Subscription.channel"]),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_without_its_shape_is_told_as_such(change, expected):
    assert [where for _, where in _refused({**subscription(), **change})] == expected
