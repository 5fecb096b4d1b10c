"""Bundles: the transaction of a conversion, pages spliced from stored bytes."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from gateway.core.contributions import Target
from gateway.core.errors import FatalError
from gateway.core.ports import StoredResource
from gateway.fhir.bundle import assemble, history, http_date, searchset, to_bytes

AT = datetime(2026, 3, 8, 7, 5, 9, 821_000, tzinfo=UTC)


def _stored(body: bytes, version: int = 1, deleted: bool = False) -> StoredResource:
    return StoredResource(
        "Observation", "o1", version, AT, body, deleted, "", Target("Observation", "o1")
    )


def test_a_transaction_puts_each_resource_in_an_order_of_its_own() -> None:
    resources = [
        {"resourceType": "Provenance", "id": "a"},
        {"resourceType": "Encounter", "id": "b"},
        {"resourceType": "Immunization", "id": "i"},
        {"resourceType": "Encounter", "id": "a"},
        {"resourceType": "Patient", "id": "z"},
    ]

    bundle = assemble(resources, "https://x/fhir")

    assert [entry["request"]["url"] for entry in bundle["entry"]] == [
        "Patient/z",
        "Encounter/a",
        "Encounter/b",
        "Immunization/i",
        "Provenance/a",
    ]
    assert bundle["entry"][0] == {
        "fullUrl": "https://x/fhir/Patient/z",
        "resource": {"resourceType": "Patient", "id": "z"},
        "request": {"method": "PUT", "url": "Patient/z"},
    }
    assert to_bytes(bundle) == to_bytes(assemble(reversed(resources), "https://x/fhir"))


def test_a_transaction_without_resources_has_no_empty_list() -> None:
    assert assemble([]) == {"resourceType": "Bundle", "type": "transaction"}


def test_two_resources_at_one_place_are_a_broken_invariant() -> None:
    twice = [{"resourceType": "Patient", "id": "a"}] * 2

    with pytest.raises(FatalError) as caught:
        assemble(twice)

    (issue,) = caught.value.issues
    assert (issue.code, issue.where) == ("RLS-FHR-070", "Patient/a")


@pytest.mark.field("FL-197")
def test_stored_bytes_enter_a_page_untouched() -> None:
    body = b'{"resourceType":"Observation","id":"o1","valueQuantity":{"value":1.50}}'

    page = searchset(
        [_stored(body)], base="https://x/fhir", total=7, links={"self": "https://x/fhir/O?a=b"}
    )

    assert body in page
    assert json.loads(page) == {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": 7,
        "link": [{"relation": "self", "url": "https://x/fhir/O?a=b"}],
        "entry": [
            {
                "fullUrl": "https://x/fhir/Observation/o1",
                "resource": json.loads(body),
                "search": {"mode": "match"},
            }
        ],
    }


def test_a_page_without_matches_has_no_empty_list() -> None:
    page = json.loads(searchset([], base="https://x/fhir", total=0, links={"self": "s"}))

    assert "entry" not in page
    assert page["total"] == 0


def test_a_history_tells_what_each_version_was() -> None:
    versions = [_stored(b"", 3, deleted=True), _stored(b'{"a":2}', 2), _stored(b'{"a":1}', 1)]

    page = json.loads(history(versions, base="https://x/fhir", total=3, links={}))

    methods = [(e["request"]["method"], e["response"]["status"]) for e in page["entry"]]
    assert methods == [("DELETE", "204"), ("PUT", "200"), ("PUT", "201")]
    assert "resource" not in page["entry"][0]
    assert page["entry"][1]["response"] == {
        "status": "200",
        "etag": 'W/"2"',
        "lastModified": "2026-03-08T07:05:09.821Z",
    }


def test_http_dates_are_english_and_in_gmt() -> None:
    paris = AT.astimezone(timezone(timedelta(hours=1)))

    assert http_date(paris) == "Sun, 08 Mar 2026 07:05:09 GMT"
