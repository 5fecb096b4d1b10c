"""The doors, the CapabilityStatement and the refusals of writes say the same."""

import pytest

from gateway.entry.api.resource_bodies import JSON_PATCH
from gateway.fhir.capability import statement
from gateway.fhir.search_table import PARAMETERS
from gateway.fhir.writable import INTERACTIONS, WRITABLE, why_not
from gateway.pipeline.folds import FOLDS
from gateway.sharing.interactions import needs

_FHIR = ("application/fhir+json", "application/fhir+xml")
LISTED = {
    one["type"]: one
    for one in statement("http://x", "1", "2026", writes=True, subscriptions=True)["rest"][0][
        "resource"
    ]
}


@pytest.mark.parametrize("type_", sorted(PARAMETERS))
def test_a_type_is_listed_as_it_is_written(type_: str) -> None:
    listed = LISTED[type_]
    codes = {one["code"] for one in listed["interaction"]}

    assert (set(INTERACTIONS) <= codes) == (type_ in WRITABLE)
    assert listed.get("conditionalCreate", False) == (type_ in WRITABLE)
    assert listed["updateCreate"] == (type_ in WRITABLE and WRITABLE[type_].own_ids)
    assert type_ in WRITABLE or codes.isdisjoint(INTERACTIONS) or type_ == "Subscription"


def test_patches_are_listed_where_clients_write() -> None:
    base = ("http://x", "1", "2026")

    assert statement(*base, writes=True)["patchFormat"] == [JSON_PATCH, *_FHIR]
    assert "patchFormat" not in statement(*base)


@pytest.mark.parametrize("type_", sorted(set(PARAMETERS) - set(WRITABLE)))
def test_every_refusal_gives_a_reason(type_: str) -> None:
    assert len(why_not(type_).split()) > 3


@pytest.mark.parametrize("type_", sorted(WRITABLE))
def test_what_is_written_is_folded_and_needs_its_right(type_: str) -> None:
    letters = [
        needs(method, f"{type_}/x", ())[0].letter for method in ("PUT", "PATCH", "DELETE", "GET")
    ]

    assert type(FOLDS[type_]).__name__ == "WrittenFold"
    assert letters == ["u", "u", "d", "r"]
    assert needs("POST", type_, ())[0].letter == "c"
