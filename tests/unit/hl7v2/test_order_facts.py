"""What orders, referrals and appointments assert about a pathway."""

from itertools import permutations

import pytest

from gateway.core.facts import Op, Received
from gateway.mapping.sites import Site
from gateway.pathway.facts import reduce
from tests.unit.hl7v2.facts import appointment, asserts, events, facts_of, instant, one
from tests.unit.hl7v2.orders import FILLER, LABORATORY, obr, orc, order, referral, said
from tests.unit.hl7v2.test_adapter import SITE

NEW = said("NW", 0)


def remaining(*messages: bytes) -> set[str]:
    """Return the events that remain of messages, which must be the same whatever their order."""
    told = [item for raw in messages for item in asserts(raw)]
    forward, backward = facts_of(told), facts_of(reversed(told))
    assert forward == backward
    return set(forward.values())


def test_a_new_order_asks() -> None:
    raw = order(
        orc("NW", f9="20261120081000"), "TQ1|1||||||20261201090000", obr(), kind="OMG^O19^OMG_O19"
    )

    asked = one(raw, "REQ.psy.SENT")

    assert asked.source == "990000001:ORD"
    assert asked.when.low.isoformat() == "2026-11-20T07:10:00+00:00"
    assert asked.attributes == {
        "estab": "990000001",
        "request": "P9",
        "kind": "psy",
        "session_time": "2026-12-01T08:00:00Z",
    }


@pytest.mark.parametrize(
    ("messages", "events_left"),
    [
        pytest.param((NEW, said("OK", 1)), {"REQ.psy.SENT", "REQ.psy.ACCEPTED"}, id="accepted"),
        pytest.param((NEW, said("SC", 1, "IP")), {"REQ.psy.SENT", "REQ.psy.ACCEPTED"},
                     id="at work without a word"),
        pytest.param((NEW, said("UA", 1)), {"REQ.psy.SENT", "REQ.psy.REFUSED"}, id="refused"),
        pytest.param((NEW, said("UA", 1), said("OK", 2)), {"REQ.psy.SENT", "REQ.psy.ACCEPTED"},
                     id="refused, then accepted"),
        pytest.param((NEW, said("CA", 1)), {"REQ.psy.SENT", "REQ.psy.WITHDRAWN"}, id="withdrawn"),
        pytest.param((NEW, said("SC", 1, "DC")), {"REQ.psy.SENT", "REQ.psy.WITHDRAWN"},
                     id="withdrawn by its status"),
        pytest.param((NEW, said("CA", 1), said("UC", 2)), {"REQ.psy.SENT"}, id="still asked"),
        pytest.param((NEW, said("CA", 1, code="")), set(), id="withdrawn by its number alone"),
        pytest.param((said("CA", 1, code=""),), set(), id="withdrawn and never seen"),
        pytest.param((NEW, said("XO", 1)), {"REQ.psy.SENT"}, id="changed"),
        pytest.param((NEW, said("HD", 1)), {"REQ.psy.SENT"}, id="held"),
    ],
)  # fmt: skip
def test_the_life_of_an_order(messages: tuple[bytes, ...], events_left: set[str]) -> None:
    assert remaining(*messages) == events_left


def test_a_change_does_not_ask_anew() -> None:
    assert "REQ.psy.SENT" not in {event for event, _ in events(said("XO", 1))}


def test_the_replacing_order_asks_and_the_replaced_one_is_withdrawn() -> None:
    raw = order(orc("RP"), obr(), orc("RO", "P10"), obr("SOCIAL^AS^L"))

    assert events(raw) == {
        ("REQ.psy.WITHDRAWN", Op.ASSERT),
        ("REQ.social.SENT", Op.ASSERT),
    }


def test_an_acceptance_names_who_takes_it_and_when() -> None:
    raw = order(orc("OK"), "TQ1|1||||||20261205090000", obr(), sent="20261121083000")

    taken = one(raw, "REQ.psy.ACCEPTED")

    assert taken.attributes["acceptor"] == "990000001"
    assert taken.attributes["proposed_date"] == "2026-12-05T08:00:00Z"


def test_a_service_no_pathway_waits_for_asserts_nothing() -> None:
    assert asserts(said("NW", 0, code="XYZ^Autre^L")) == []


def test_what_a_laboratory_is_asked_is_an_examination() -> None:
    raw = order(orc("NW"), obr(LABORATORY), kind="OML^O21^OML_O21")

    assert events(raw) == {("REQ.exam.SENT", Op.ASSERT)}


def test_a_site_has_codes_of_its_own() -> None:
    codes = {"request-kind": {"4711": "smr"}}
    site = Site(name="own", finess=SITE.finess, local_codes=codes)

    assert events(said("NW", 0, code="4711^Demande^L"), site) == {("REQ.smr.SENT", Op.ASSERT)}


def test_the_life_of_a_referral() -> None:
    pending, later = referral("P"), "20261121083000"

    assert remaining(pending) == {"REQ.smr.SENT"}
    assert remaining(pending, referral("A", sent=later)) == {"REQ.smr.SENT", "REQ.smr.ACCEPTED"}
    assert remaining(pending, referral("R", sent=later)) == {"REQ.smr.SENT", "REQ.smr.REFUSED"}
    assert remaining(pending, referral("E", sent=later)) == {"REQ.smr.SENT"}
    assert remaining(pending, referral("P", "I14", later)) == {"REQ.smr.SENT", "REQ.smr.WITHDRAWN"}
    assert one(referral("A"), "REQ.smr.ACCEPTED").attributes["acceptor"] == "990000209"


def test_a_referral_of_no_service_is_of_its_type() -> None:
    assert events(referral("P", code="")) == {("REQ.consult.SENT", Op.ASSERT)}


def test_the_same_request_is_named_by_order_and_appointment() -> None:
    asked = one(order(orc("NW", "REQ1^CHU-DEMO^990000001"), obr()), "REQ.psy.SENT")
    booked = one(appointment("S12", "Booked"), "APPT.BOOKED")

    assert asked.attributes["request"] == booked.attributes["request"] == "REQ1"


def test_a_moved_appointment_is_still_booked() -> None:
    booked = appointment("S12")
    moved = appointment("S13", at="20261121083000")

    assert remaining(booked, moved) == {"APPT.BOOKED", "APPT.MOVED"}
    assert remaining(booked, appointment("S14", at="20261121083000")) == {
        "APPT.BOOKED",
        "APPT.MOVED",
    }


def booked_at(*messages: bytes) -> str:
    """Return when an appointment is booked since, which must not depend on the order."""
    told = [item for raw in messages for item in asserts(raw)]
    found = set()
    for mixed in permutations(told):
        received = [Received(item, instant(2026, 11, 30), n) for n, item in enumerate(mixed)]
        facts = [fact for fact in reduce(received).values() if fact.event == "APPT.BOOKED"]
        found.add(facts[0].low.isoformat())
    assert len(found) == 1, found
    return str(found.pop())


def test_a_moved_appointment_was_booked_when_it_was_booked() -> None:
    booked, moved = appointment("S12"), appointment("S13", at="20261125083000")
    cancelled = appointment("S15", at="20261122083000")
    missed = appointment("S26", at="20261122083000")

    assert booked_at(booked, moved) == "2026-11-20T07:30:00+00:00"
    # What ended in between was booked anew.
    assert booked_at(booked, cancelled, moved) == "2026-11-25T07:30:00+00:00"
    assert booked_at(booked, missed, moved) == "2026-11-25T07:30:00+00:00"


@pytest.mark.parametrize("event", ["S15", "S16", "S17"])
def test_an_appointment_that_is_called_off_is_not_moved(event: str) -> None:
    told = [
        appointment("S12"),
        appointment("S13", at="20261121083000"),
        appointment(event, at="20261122083000"),
    ]

    assert remaining(*told) == {"APPT.CANCELLED"}


def test_what_became_of_a_moved_appointment_does_not_unmove_it() -> None:
    moved = appointment("S13", at="20261121083000")

    done = appointment("S14", "Complete", "20261201150000")
    missed = appointment("S26", at="20261201150000")

    assert remaining(moved, done) == {"APPT.BOOKED", "APPT.DONE", "APPT.MOVED"}
    assert remaining(moved, missed) == {"APPT.NOSHOW", "APPT.MOVED"}


def test_two_words_of_one_second_are_settled_by_what_they_do() -> None:
    assert remaining(appointment("S12"), appointment("S15")) == {"APPT.CANCELLED"}


def test_an_appointment_of_a_kind_pathways_know_says_so() -> None:
    raw = appointment("S12").replace(b"AIS|1||ONCO", b"AIS|1||PSY")

    assert one(raw, "APPT.BOOKED").attributes["kind"] == "psy"


@pytest.mark.parametrize(
    ("priority", "urgency"), [("S", "urgent"), ("A", "urgent"), ("R", "standard"), ("", None)]
)
def test_an_order_says_whether_it_is_urgent(priority: str, urgency: str | None) -> None:
    asked = one(order(orc("NW"), f"TQ1|1||||||||{priority}", obr()), "REQ.psy.SENT")

    assert asked.attributes.get("priority") == urgency


def test_a_referral_says_whether_it_is_urgent() -> None:
    assert one(referral("P"), "REQ.smr.SENT").attributes["priority"] == "standard"


def test_an_order_that_both_sides_number_says_so() -> None:
    told = one(order(orc("NA", filler=FILLER)), "REQ.NUMBERED")

    alone = order(orc("NA", "", FILLER))
    assert told.attributes["request"] == "P9"
    assert told.attributes["filler"].startswith("ServiceRequest/")
    assert "REQ.NUMBERED" not in {name for name, _ in events(alone)}
    assert "REQ.NUMBERED" not in {name for name, _ in events(order(orc("NA", FILLER, FILLER)))}


def test_an_appointment_that_took_place_was_booked_all_the_same() -> None:
    booked, done = appointment("S12", "Booked"), appointment("S14", "Complete", "20261202083000")
    missed = appointment("S26", at="20261203083000")

    assert remaining(booked, done) == {"APPT.BOOKED", "APPT.DONE", "APPT.MOVED"}
    # A correction: nobody came.
    assert remaining(booked, done, missed) == {"APPT.NOSHOW", "APPT.MOVED"}
