"""The status of an order is a function of all that was said of it, in any order of arrival."""

from itertools import permutations

import pytest

from gateway.core.contributions import Json, Target
from gateway.fhir.requests import RequestFold
from tests.unit.hl7v2.orders import folded, only, orc, order, referral, said
from tests.unit.hl7v2.test_adapter import SITE, contribute, of

FOLD = RequestFold()


def status_of(*messages: bytes) -> str:
    """Return the status after messages, which must be the same whatever their order."""
    parts = [part for raw in messages for part in of(contribute(raw, SITE), "ServiceRequest")]
    found: list[Json] = []
    for mixed in permutations(parts):
        found += FOLD.resources(mixed[0].target, mixed, ())
    statuses = {one["status"] for one in found}
    assert len(statuses) == 1, statuses
    return str(statuses.pop())


NEW = said("NW", 0)
NEXT_DAY = "20261121083000"


@pytest.mark.parametrize(
    ("messages", "status"),
    [
        pytest.param((NEW,), "active", id="new"),
        pytest.param((NEW, said("OK", 1)), "active", id="accepted"),
        pytest.param((NEW, said("UA", 1)), "revoked", id="refused by the filler"),
        pytest.param((NEW, said("HD", 1)), "on-hold", id="held"),
        pytest.param((NEW, said("OH", 1)), "on-hold", id="held by the filler"),
        pytest.param((NEW, said("HD", 1), said("RL", 2)), "active", id="released"),
        pytest.param((NEW, said("HD", 1), said("UH", 2)), "active", id="could not be held"),
        pytest.param((NEW, said("HD", 1), said("RL", 2), said("UR", 3)), "on-hold",
                     id="could not be released"),
        pytest.param((NEW, said("HD", 1), said("XO", 2)), "on-hold",
                     id="a change releases nothing"),
        pytest.param((NEW, said("HD", 1), said("XO", 2, "IP")), "active",
                     id="a change with a status says it"),
        pytest.param((NEW, said("CA", 1)), "revoked", id="cancelled, no answer yet"),
        pytest.param((NEW, said("CA", 1), said("CR", 2)), "revoked", id="cancelled as asked"),
        pytest.param((NEW, said("CA", 1), said("UC", 2)), "active", id="could not be cancelled"),
        pytest.param((NEW, said("CA", 1), said("UC", 2), said("CA", 3)), "revoked",
                     id="cancelled once more"),
        pytest.param((NEW, said("OC", 1), said("UC", 2)), "revoked",
                     id="what the filler cancelled itself is cancelled"),
        pytest.param((NEW, said("HD", 1), said("CA", 2), said("UC", 3)), "on-hold",
                     id="an order that could not be cancelled is what it was"),
        pytest.param((NEW, said("DC", 1)), "revoked", id="discontinued"),
        pytest.param((NEW, said("RP", 1)), "revoked", id="replaced"),
        pytest.param((NEW, said("SC", 1, "IP")), "active", id="in process"),
        pytest.param((NEW, said("SC", 1, "CM")), "completed", id="completed"),
        pytest.param((NEW, said("SC", 1, "HD"), said("NA", 2)), "on-hold",
                     id="a number says nothing of the status"),
        pytest.param((NEW, said("SC", 1, "ER"), said("SC", 2, "CM")), "entered-in-error",
                     id="an error stays one"),
        pytest.param((NEW, said("CA", 1), said("SC", 2, "CM")), "completed",
                     id="of two ends the later one"),
        pytest.param((said("CA", 1),), "revoked", id="cancelled and never seen"),
    ],
)  # fmt: skip
def test_status_of_an_order(messages: tuple[bytes, ...], status: str) -> None:
    assert status_of(*messages) == status


@pytest.mark.field("FL-089")
@pytest.mark.parametrize("end", [said("SC", 1, "CM"), said("CA", 1), said("SC", 1, "DC")])
def test_an_old_status_does_not_reopen_what_is_finished(end: bytes) -> None:
    ended = status_of(NEW, end)

    assert ended in ("completed", "revoked")
    assert status_of(NEW, end, said("SC", 9, "IP")) == ended
    assert status_of(NEW, end, said("RE", 9)) == ended


def test_a_new_order_that_comes_after_its_end_completes_the_elements_only() -> None:
    done = order(orc("SC", status="CM"), sent="20261120083100")
    request = only("ServiceRequest", done, said("NW", 9))

    assert request["status"] == "completed"
    assert request["code"]["coding"][0]["code"] == "PSY"


@pytest.mark.field("FL-093")
def test_a_status_alone_replaces_nothing_else() -> None:
    before = only("ServiceRequest", NEW)

    after = only("ServiceRequest", NEW, said("CA", 1, code=""))

    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {"status", "extension"}


def test_why_an_order_stopped_goes_when_it_goes_on() -> None:
    held = order(orc("HD", f16="FAT^Fatigue^L"), sent="20261120083100")

    def reasons(*messages: bytes) -> list[str]:
        request = only("ServiceRequest", *messages)
        found = [one for one in request["extension"] if one["url"].endswith("statusReason")]
        return [one["valueCodeableConcept"]["text"] for one in found]

    assert reasons(NEW, held) == ["Fatigue"]
    assert reasons(NEW, held, said("RL", 2)) == []
    # Why it was held is not why it was cancelled.
    assert reasons(NEW, held, said("CA", 2)) == []


@pytest.mark.parametrize(
    ("messages", "status"),
    [
        pytest.param((referral("P"),), "active", id="pending"),
        pytest.param((referral("P"), referral("A", sent=NEXT_DAY)), "active", id="accepted"),
        pytest.param((referral("P"), referral("R", sent=NEXT_DAY)), "revoked", id="refused"),
        pytest.param((referral("P"), referral("E", sent=NEXT_DAY)), "revoked", id="expired"),
        pytest.param((referral("R"), referral("A", sent=NEXT_DAY)), "active",
                     id="refused, then accepted"),
        pytest.param((referral("P", "I14"), referral("A", sent=NEXT_DAY)), "revoked",
                     id="an answer to a cancelled referral"),
    ],
)  # fmt: skip
def test_status_of_a_referral(messages: tuple[bytes, ...], status: str) -> None:
    assert status_of(*messages) == status


def test_the_order_that_replaces_names_the_one_before_it() -> None:
    raw = order(orc("RP"), orc("RO", "P10"), sent="20261120083100")

    requests = {one["id"]: one for one in folded("ServiceRequest", NEW, raw)}
    new = next(one for one in requests.values() if "replaces" in one)

    assert new["replaces"][0]["identifier"]["value"] == "P9"
    assert sorted(one["status"] for one in requests.values()) == ["active", "revoked"]


def test_a_request_that_is_only_annotated_is_none() -> None:
    assert FOLD.resources(Target("ServiceRequest", "x"), [], ()) == []
