"""Facts: the winning assertion, and event times made usable."""

from datetime import timedelta
from itertools import permutations

import pytest

from gateway.core.facts import Op
from gateway.pathway.facts import Facts, reduce
from tests.support.assertions import paris, says

ADMIT = ("ENC.ADMIT", "k")


def test_the_highest_revision_wins_in_any_order():
    log = [
        says(*ADMIT, "2025-11-10 08:00", "2025-11-10 09:00", revision="1"),
        says(*ADMIT, "2025-11-10 07:00", "2025-11-10 10:00", revision="2"),
        says(*ADMIT, "2025-11-10 06:00", "2025-11-10 11:00", revision="2", op=Op.RETRACT),
        says(*ADMIT, "2025-11-10 05:00", "2025-11-10 12:00", revision="3"),
    ]

    lows = {reduce(order)["k"].low for order in permutations(log)}

    assert lows == {paris("2025-11-10 05:00")}


def test_a_retraction_wins_over_an_equal_revision():
    log = [
        says(*ADMIT, "2025-11-10 08:00", "2025-11-10 09:00", revision="1"),
        says(*ADMIT, "2025-11-10 08:00", "2025-11-10 09:00", revision="1", op=Op.RETRACT),
    ]

    assert reduce(log) == reduce(log[::-1]) == {}


def word(revision, op=Op.ASSERT, event="ENC.DISCHARGE", received="09:00", **attributes):
    return says(event, "k", f"2025-11-10 0{revision}:00", f"2025-11-10 {received}",
                revision=revision, op=op, **attributes)  # fmt: skip


@pytest.mark.field("FL-105")
def test_what_is_told_in_parts_is_put_together_in_any_order():
    log = [
        word("1", unit="a", visit="V1"),
        word("2", unit="b"),
        word("3", Op.AMEND, received="10:00", circumstance="3"),
    ]

    found = [reduce(order)["k"] for order in permutations(log)]

    assert {(f.text("unit"), f.text("visit"), f.text("circumstance")) for f in found} == {
        ("b", "V1", "3")
    }
    assert {(f.low, f.learned) for f in found} == {
        (paris("2025-11-10 03:00"), paris("2025-11-10 09:00"))
    }


def test_a_correction_alone_makes_no_fact_and_brings_none_back():
    told, gone, late = word("1"), word("2", Op.RETRACT), word("3", Op.AMEND)

    assert reduce([late]) == {}
    assert all(reduce(order) == {} for order in permutations([told, gone, late]))


def test_what_was_said_before_a_retraction_is_not_in_what_is_said_after_it():
    log = [word("1", unit="a", visit="V1"), word("2", Op.RETRACT), word("3", unit="b")]

    found = [reduce(order)["k"].attributes for order in permutations(log)]

    assert {attributes["unit"] for attributes in found} == {"b"}
    assert all("visit" not in attributes for attributes in found)


def test_what_is_one_statement_is_replaced_whole():
    smr = word("1", mode="7", destination_code="2", destination_finess="990000027")
    home = word("2", Op.AMEND, mode="8")
    same = word("2", Op.AMEND, mode="7", destination_code="3")

    gone = reduce([smr, home])["k"].attributes
    kept = reduce([smr, same])["k"].attributes

    assert not {"destination_code", "destination_finess"} & gone.keys()
    assert (kept["destination_code"], kept["destination_finess"]) == ("3", "990000027")


def test_a_document_is_told_whole_each_time():
    log = [
        word("1", event="DOC.LDL_SES", author="a"),
        word("2", event="DOC.LDL_SES", gp="b"),
    ]

    assert "author" not in reduce(log)["k"].attributes


def test_a_fact_is_learned_with_its_first_word():
    log = [
        says(*ADMIT, "2025-11-10 08:00", "2025-11-10 09:00", revision="2"),
        says(*ADMIT, "2025-11-10 08:00", "2025-11-10 08:30", revision="1"),
    ]

    fact = reduce(log)["k"]

    assert fact.learned == paris("2025-11-10 08:30")
    assert fact.received == paris("2025-11-10 09:00")


def test_what_changes_nothing_is_known_to_change_nothing():
    first = says(*ADMIT, "2025-11-10 08:00", "2025-11-10 09:00", revision="2")
    older = says(*ADMIT, "2025-11-10 08:00", "2025-11-10 09:30", revision="1")
    facts = Facts()

    assert [facts.add(one) for one in (first, first, older)] == [("ENC.ADMIT",), (), ()]


@pytest.mark.field("FL-106")
def test_a_clock_decades_ahead_is_brought_back_to_the_receipt():
    fact = reduce([says(*ADMIT, "2062-11-20 08:00", "2025-11-10 09:00")])["k"]

    assert fact.low == fact.high == paris("2025-11-10 09:00")
    assert fact.flags == ("future-clamped",)


def test_five_minutes_ahead_are_no_future():
    fact = reduce([says(*ADMIT, "2025-11-10 09:05", "2025-11-10 09:00")])["k"]

    assert (fact.low, fact.flags) == (paris("2025-11-10 09:05"), ())


@pytest.mark.field("FL-145")
def test_a_discharge_announced_for_tomorrow_keeps_its_time():
    soon = reduce([says("ENC.DISCHARGE", "k", "2025-11-11 14:00", "2025-11-10 09:00")])["k"]
    wrong = reduce([says("ENC.DISCHARGE", "k", "2062-11-11 14:00", "2025-11-10 09:00")])["k"]

    assert (soon.low, soon.flags) == (paris("2025-11-11 14:00"), ("future-event",))
    assert (wrong.low, wrong.flags) == (paris("2025-11-10 09:00"), ("future-clamped",))


AMBIGUOUS = "2025-10-26 02:30+02:00 / 2025-10-26 02:30+01:00"


@pytest.mark.field("FL-206")
@pytest.mark.parametrize(
    ("received", "sent", "width", "flags"),
    [
        ("2025-10-27 09:00", "2025-10-27 08:59", 3600, ("tz-ambiguous",)),
        ("2025-10-26 02:40+02:00", "2025-10-26 02:39+02:00", 0, ()),
        ("2025-10-27 09:00", "2025-10-26 02:40+02:00", 0, ()),
    ],
    ids=["nothing tells", "receipt tells", "sending tells"],
)
def test_an_hour_that_exists_twice(received, sent, width, flags):
    fact = reduce([says(*ADMIT, AMBIGUOUS, received, sent=sent, flags=("tz-ambiguous",))])["k"]

    assert fact.low == paris("2025-10-26 02:30+02:00")
    assert fact.high - fact.low == timedelta(seconds=width)
    assert fact.flags == flags


def test_a_day_ends_with_its_last_second():
    fact = reduce([says(*ADMIT, "2025-11-10", "2025-11-12 09:00")])["k"]

    assert (fact.low, fact.high) == (paris("2025-11-10 00:00"), paris("2025-11-10 23:59:59"))
    assert fact.reaches(paris("2025-11-10 23:59:59"))
    assert not fact.reaches(paris("2025-11-11 00:00"))


def test_a_standing_fact_is_dated_by_its_first_word_since_it_was_taken_back():
    log = [
        says("PAT.GP_KNOWN", "g", "2025-11-01 08:00", "2025-11-01 08:00", revision="1"),
        says("PAT.GP_KNOWN", "g", "2025-11-03 08:00", "2025-11-03 08:00", revision="3"),
        says("PAT.GP_KNOWN", "g", "2025-11-04 08:00", "2025-11-04 08:00", revision="4"),
    ]
    gone = says(
        "PAT.GP_KNOWN", "g", "2025-11-02 08:00", "2025-11-02 08:00", revision="2", op=Op.RETRACT
    )

    assert reduce(log)["g"].low == paris("2025-11-01 08:00")
    assert reduce([gone, *log[::-1]])["g"].low == paris("2025-11-03 08:00")


def test_a_fact_shows_when_it_was_and_when_it_was_received():
    fact = reduce([says(*ADMIT, "2025-11-10 08:00", "2025-11-10 09:00", estab="1")])["k"]

    assert fact.attributes == {
        "estab": "1",
        "source": "690000011:ADT",
        "te": "2025-11-10T07:00:00Z",
        "tr": "2025-11-10T08:00:00Z",
    }
