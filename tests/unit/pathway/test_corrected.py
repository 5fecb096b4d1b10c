"""Words of a wrong clock, said again by the right one once a person has allowed it."""

import random
from dataclasses import replace

import pytest

from gateway.core.contributions import Version
from gateway.core.facts import Op
from gateway.core.feed_ports import ClockCorrection
from gateway.pathway.corrected import FLAG, corrected
from gateway.pathway.facts import Facts, reduce
from tests.support.assertions import MCO, SMR, paris, says

ADT = f"{MCO}:ADT"
#: Everything is told an hour too early from two in the night on; allowed at nine.
HOUR = ClockCorrection(
    number=1,
    feed=ADT,
    since=paris("2026-03-29 03:00"),
    until=None,
    offset_s=3600,
    author="anne",
    reason="Heure d'été non appliquée",
    approved_at=paris("2026-03-30 09:00"),
)
OVER = replace(HOUR, withdrawn_at=paris("2026-03-31 09:00"))


def left(te="2026-03-29 14:00", received="2026-03-29 15:00", **changes):
    return says("ENC.DISCHARGE", "visit-1|1", te, received, **changes)


def time_at(received, corrections, instant):
    """Return the time of the one fact that was known at an instant, and its flags."""
    known = [one for one in corrected(received, corrections) if one.at <= paris(instant)]
    [fact] = reduce(known).values()
    return fact.low, FLAG in fact.flags


def test_what_was_told_before_the_approval_is_read_otherwise_from_it_on():
    told = [left()]

    assert time_at(told, [HOUR], "2026-03-30 08:59") == (paris("2026-03-29 14:00"), False)
    assert time_at(told, [HOUR], "2026-03-30 09:00") == (paris("2026-03-29 15:00"), True)


def test_what_comes_after_the_approval_is_never_read_wrong():
    told = [left("2026-03-31 10:00", "2026-03-31 11:00")]

    assert time_at(told, [HOUR], "2026-03-31 11:00") == (paris("2026-03-31 11:00"), True)


def test_withdrawn_it_is_read_as_it_was_told():
    told = [left()]

    assert time_at(told, [OVER], "2026-03-31 08:59") == (paris("2026-03-29 15:00"), True)
    assert time_at(told, [OVER], "2026-03-31 09:00") == (paris("2026-03-29 14:00"), False)


def test_allowed_again_after_it_was_withdrawn():
    again = replace(HOUR, number=2, approved_at=paris("2026-04-01 09:00"), offset_s=7200)

    told = left(received="2026-03-29 16:01")

    found = time_at([told], [OVER, again], "2026-04-01 09:00")

    assert found == (paris("2026-03-29 16:00"), True)


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(left(source=f"{SMR}:ADT"), id="of another feed"),
        pytest.param(left("2026-03-29 00:30"), id="before the clock was wrong"),
    ],
)
def test_it_leaves_alone(told):
    assert corrected([told], [HOUR]) == [told]


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(left("2026-03-29", sent="2026-03-29 14:00"), id="of a day"),
        pytest.param(
            says("ENC.DISCH_PLANNED", "visit-1|planned", "2026-04-02 10:00", "2026-03-29 15:00"),
            id="planned",
        ),
    ],
)
def test_what_people_wrote_from_a_calendar_keeps_its_time(told):
    before, after = reduce([told]), reduce(corrected([told], [HOUR]))

    [was], [stands] = before.values(), after.values()
    assert (stands.low, stands.high, stands.attributes) == (was.low, was.high, was.attributes)
    assert FLAG not in stands.flags


def test_what_was_taken_back_stays_taken_back():
    told = [left(revision="1"), left(revision="2", op=Op.RETRACT)]

    assert reduce(corrected(told, [HOUR])) == {}


def test_it_ends_with_the_time_it_was_allowed_for():
    until = replace(HOUR, until=paris("2026-03-29 15:00"))

    assert len(corrected([left("2026-03-29 13:59")], [until])) == 2
    assert len(corrected([left("2026-03-29 14:00")], [until])) == 1


def test_a_later_word_of_the_source_counts_for_more():
    first, moved = left(revision="1"), left("2026-03-29 16:00", "2026-03-29 17:00", revision="2")
    cancelled = left(received="2026-03-29 18:00", revision="3", op=Op.RETRACT)

    assert time_at([first, moved], [HOUR], "2026-04-01 00:00")[0] == paris("2026-03-29 17:00")
    assert reduce(corrected([first, moved, cancelled], [HOUR])) == {}


def test_what_a_movement_told_in_parts_stays_whole():
    first = left(revision="1", mode="8", unit="4401")
    more = left(received="2026-03-29 15:10", revision="2", op=Op.AMEND, destination_code="6")

    [fact] = reduce(corrected([first, more], [HOUR])).values()

    said = (fact.attributes["mode"], fact.attributes["unit"], fact.attributes["destination_code"])
    assert said == ("8", "4401", "6")
    assert fact.low == paris("2026-03-29 15:00")


def test_what_stands_since_its_first_word_stands_since_the_corrected_one():
    letter = [
        says("DOC.LDL_SES", "set-1", "2026-03-29 14:00", "2026-03-29 15:00", revision="1"),
        says("DOC.LDL_SES", "set-1", "2026-03-29 18:00", "2026-03-29 19:00", revision="2"),
    ]

    assert time_at(letter, [HOUR], "2026-04-01 00:00")[0] == paris("2026-03-29 15:00")
    assert time_at(letter, [OVER], "2026-04-01 00:00")[0] == paris("2026-03-29 14:00")


def test_any_order_of_the_words_gives_the_same_facts():
    told = [
        left(revision="1", mode="8"),
        left("2026-03-29 15:30", "2026-03-29 17:00", revision="2", op=Op.AMEND, unit="4401"),
        says("DOC.LDL_SES", "set-1", "2026-03-29 14:00", "2026-03-29 15:00", revision="1"),
        says("DOC.LDL_SES", "set-1", "2026-03-29 18:00", "2026-03-29 19:00", revision="2"),
    ]
    again = replace(HOUR, number=2, approved_at=paris("2026-04-01 09:00"), offset_s=-600)
    words = corrected(told, [OVER, again])
    whole = reduce(words)
    draws = random.Random("clocks")

    for _ in range(50):
        shuffled = draws.sample(words, len(words))
        facts = Facts()
        for one in shuffled:
            facts.add(one)
        assert dict(facts.current()) == whole


# --- the order of the source --------------------------------------------------------------------

#: Everything is told an hour too late until the clock is mended at ten; allowed at eleven.
AHEAD = replace(
    HOUR,
    since=paris("2026-03-30 00:00"),
    until=paris("2026-03-30 10:00"),
    offset_s=-3600,
    approved_at=paris("2026-03-30 11:00"),
)


def sent(clock, received, op=Op.ASSERT, source=ADT, **said):
    """Return a word with its place in the order of the source, by the clock of the sender."""
    at = paris(clock)
    revision = Version(at, at, 2 if op is Op.RETRACT else 0, "").key()
    return left(clock, received, revision=revision, op=op, source=source, sent=clock, **said)


def stands(received, corrections, instant="2026-04-01 00:00"):
    known = [one for one in corrected(received, corrections) if one.at <= paris(instant)]
    return reduce(known)


def test_a_cancellation_by_the_mended_clock_counts_for_more_than_what_it_cancels():
    """Left at 9:50, told as 10:50; taken back at 10:05 by the clock that is right again."""
    told = [
        sent("2026-03-30 10:50", "2026-03-30 09:51"),
        sent("2026-03-30 10:05", "2026-03-30 10:06", op=Op.RETRACT),
    ]

    assert stands(told, [AHEAD], "2026-03-30 10:59") != {}
    assert stands(told, [AHEAD], "2026-03-30 11:00") == {}


def test_withdrawn_the_order_is_that_of_the_source_again():
    told = [
        sent("2026-03-30 10:50", "2026-03-30 09:51"),
        sent("2026-03-30 10:05", "2026-03-30 10:06", op=Op.RETRACT),
    ]
    over = replace(AHEAD, withdrawn_at=paris("2026-03-31 09:00"))

    assert stands(told, [over], "2026-03-31 08:59") == {}
    assert stands(told, [over], "2026-03-31 09:00") != {}


def test_a_word_of_another_feed_takes_its_place_among_the_corrected_ones():
    told = [
        sent("2026-03-30 10:50", "2026-03-30 09:51", mode="8"),
        sent("2026-03-30 10:20", "2026-03-30 10:21", source=f"{MCO}:DOC", mode="7"),
    ]

    [fact] = stands(told, [AHEAD]).values()

    assert fact.attributes["mode"] == "7"


def test_a_word_that_comes_after_the_approval_still_counts_by_its_own_time():
    told = [
        sent("2026-03-30 10:50", "2026-03-30 09:51", mode="8"),
        sent("2026-03-30 12:00", "2026-03-30 12:01", mode="7"),
    ]
    older = [*told, sent("2026-03-30 09:00", "2026-03-30 13:00", mode="6")]

    [fact] = stands(older, [AHEAD]).values()

    assert fact.attributes["mode"] == "7"


def test_what_a_document_promises_stays_with_its_version():
    """Version 1 by the wrong clock, version 2 after: only what version 2 promises stands."""
    setid = {"setid": "s", "source": f"{MCO}:DOC"}
    first, second = "2026-03-30 10:30", "2026-03-30 12:00"
    wrong = replace(AHEAD, feed=f"{MCO}:DOC")

    def letter(clock, version):
        rev = Version(paris(clock), paris(clock), version, "").key()
        common = {"revision": rev, "sent": clock, **setid}
        return [
            says("DOC.LDL_SES", "DOC|s", clock, clock, version=version, **common),
            says("LDL.PROMISE", f"p{version}", clock, clock, version=version, **common),
        ]

    found = stands([*letter(first, 1), *letter(second, 2)], [wrong])

    assert sorted(found) == ["DOC|s", "p2"]


@pytest.mark.parametrize(
    ("told", "received", "offset_s", "expected"),
    [
        pytest.param("10:50", "09:51", -3600, True, id="ahead, before its receipt"),
        pytest.param("10:05", "10:06", -3600, False, id="ahead, mended since"),
        pytest.param("09:30", "08:31", -3600, True, id="ahead, well within"),
        pytest.param("00:30", "00:31", -3600, False, id="ahead, before it was wrong"),
        pytest.param("23:30", "00:31", 3600, True, id="behind, from the first message on"),
        pytest.param("23:30", "23:31", 3600, False, id="behind, before it was wrong"),
        pytest.param("08:55", "09:56", 3600, True, id="behind, to the last message"),
        pytest.param("10:05", "10:06", 3600, False, id="behind, mended since"),
    ],
)  # fmt: skip
def test_around_its_ends_a_word_is_read_by_the_clock_that_fits_its_receipt(
    told, received, offset_s, expected
):
    wrong = replace(AHEAD, offset_s=offset_s)

    def at(clock):
        return paris(f"2026-03-{'29' if clock > '20' else '30'} {clock}")

    assert wrong.covers(ADT, at(told), at(received)) is expected
