"""Who is told of an open gap, and when; every instant was counted by hand on a calendar."""

from datetime import timedelta

import pytest

from gateway.core.work import Act, Did, Mute, Reason, Scope
from gateway.pathway.facts import stamp
from gateway.pathway.ladder import Opened, ladder, to_wake, wakes_at
from tests.support.assertions import paris
from tests.unit.pathway.conftest import rule

LETTER = rule(
    "trigger: {event: ENC.DISCHARGE}\ndeadline: {n: 0, unit: day0}\ncloses: [DOC.LDL_SES]\n"
    "escalate: [{after: 1bd, to: IDEC}, {after: 3bd, to: CADRE}, {after: 5bd, to: DAC}]"
).versions["TST-01"][0]
BED = rule(
    "trigger: {event: ENC.DISCHARGE}\ndeadline: {n: 4, unit: h}\ncloses: [ENC.ADMIT]\n"
    "severity: critical\nescalate: [{after: 2h, to: ON_CALL}, {after: 6h, to: DAC}]"
).versions["TST-01"][0]


def major(opened, region=""):
    return Opened(paris(opened), "major", region)


def critical(opened):
    return Opened(paris(opened), "critical")


def act(did, at, number=1, **details):
    return Act("g1", 1, did, number, paris(at), details)


def until(text):
    return stamp(paris(text))


def mute(since, end, lifted=None):
    return Mute(
        "m1", Scope.GAP, "gap|g1", Reason.HANDLED_OUTSIDE, "anne", paris(since), paris(end),
        "Vu au téléphone.", lifted and paris(lifted),
    )  # fmt: skip


def dues(rule_, opened, *acts, mutes=()):
    """Return when each rung is due, in Paris, whenever one looks."""
    found = ladder(rule_, opened, acts, mutes, opened.at)
    return [rung.due for rung in found.rungs]


def steps(*texts):
    return [paris(text) for text in texts]


@pytest.mark.parametrize(
    ("opened", "expected"),
    [
        # Tuesday: Wednesday, Friday, Tuesday after the week-end.
        ("2026-11-17 09:00", ["2026-11-18", "2026-11-20", "2026-11-24"]),
        # Friday evening: the week-end does not count.
        ("2026-11-20 19:30", ["2026-11-23", "2026-11-25", "2026-11-27"]),
        # Easter: Friday 3 April is worked, Monday 6 April is not.
        ("2026-04-02 10:00", ["2026-04-03", "2026-04-08", "2026-04-10"]),
        # Ascension Thursday 14 May; the Friday is worked.
        ("2026-05-12 08:00", ["2026-05-13", "2026-05-18", "2026-05-20"]),
        # Christmas on a Friday, New Year's Day on a Friday.
        ("2026-12-23 12:00", ["2026-12-24", "2026-12-29", "2026-12-31"]),
    ],
)
def test_steps_are_business_days_after_the_opening(opened, expected):
    found = dues(LETTER, major(opened))

    assert found == [paris(opened), *steps(*(f"{day} 23:59:59" for day in expected))]


def test_alsace_has_two_more_holidays():
    """Good Friday is 3 April 2026, Easter Monday the 6th."""
    assert dues(LETTER, major("2026-04-02 09:00"))[1] == paris("2026-04-03 23:59:59")
    assert dues(LETTER, major("2026-04-02 09:00", region="6AE"))[1] == paris("2026-04-07 23:59:59")


@pytest.mark.field("FL-206")
@pytest.mark.parametrize(
    ("opened", "first", "second"),
    [
        # Clocks go forward at 02:00 on 29 March 2026: two hours later it is 03:30 + 1 h.
        ("2026-03-29 01:30", "2026-03-29 04:30", "2026-03-29 08:30"),
        # Clocks go back at 03:00 on 25 October 2026: six hours later it is one hour earlier.
        ("2026-10-25 00:30", "2026-10-25 02:30", "2026-10-25 05:30"),
        # A Saturday night: elapsed hours never wait for Monday.
        ("2026-11-21 23:00", "2026-11-22 01:00", "2026-11-22 05:00"),
    ],
)
def test_a_critical_gap_counts_elapsed_hours(opened, first, second):
    assert dues(BED, critical(opened))[1:] == steps(first, second)


def test_days_with_23_and_25_hours_are_days():
    spring = dues(LETTER, major("2026-03-27 10:00"))
    autumn = dues(LETTER, major("2026-10-23 10:00"))

    assert spring[1] == paris("2026-03-30 23:59:59")
    assert autumn[1] == paris("2026-10-26 23:59:59")
    assert spring[1] - spring[0] == timedelta(
        hours=24 * 3 + 13, minutes=59, seconds=59
    ) - timedelta(hours=1)


def test_the_owner_is_told_first_and_each_step_in_its_turn():
    opened = major("2026-11-17 09:00")

    def at(now, *acts):
        found = ladder(LETTER, opened, acts, (), paris(now))
        return [rung.role for rung in found.tells], [rung.role for rung in found.skipped]

    owner = act(Did.RUNG, "2026-11-17 09:00", 0)
    first = act(Did.RUNG, "2026-11-18 23:59:59", 1)
    assert at("2026-11-17 09:00") == (["UNIT"], [])
    assert at("2026-11-18 23:59:58", owner) == ([], [])
    assert at("2026-11-18 23:59:59", owner) == (["IDEC"], [])
    assert at("2026-11-18 23:59:59", owner, first) == ([], [])


def test_a_look_that_comes_late_tells_the_highest_step_and_says_what_it_passed_over():
    owner = act(Did.RUNG, "2026-11-17 09:00", 0)

    found = ladder(LETTER, major("2026-11-17 09:00"), [owner], (), paris("2026-11-30 08:00"))

    assert [rung.role for rung in found.tells] == ["DAC"]
    assert [rung.role for rung in found.skipped] == ["IDEC", "CADRE"]
    assert found.next is None


def test_steps_of_one_instant_are_told_together():
    both = rule(
        "trigger: {event: ENC.DISCHARGE}\ndeadline: {n: 4, unit: h}\ncloses: [ENC.ADMIT]\n"
        "severity: critical\nescalate: [{after: 0h, to: BEDS}, {after: 6h, to: DAC}]"
    ).versions["TST-01"][0]

    found = ladder(both, critical("2026-11-17 09:00"), (), (), paris("2026-11-17 09:00"))

    assert [(rung.role, rung.is_opening) for rung in found.tells] == [
        ("UNIT", True),
        ("BEDS", True),
    ]


def test_somebody_who_takes_it_is_waited_for_until_the_date_they_gave():
    """Taken on Wednesday 09:00 until Friday 09:00: Wednesday and Thursday noon do not count."""
    taken = act(Did.TAKEN, "2026-11-18 09:00", until=until("2026-11-20 09:00"))

    found = dues(LETTER, major("2026-11-17 09:00"), taken)

    assert found[1:] == steps("2026-11-20 23:59:59", "2026-11-24 23:59:59", "2026-11-26 23:59:59")


def test_hours_go_on_where_they_stood():
    """An hour had passed at 10:00; it goes on at 15:00, one more hour is left."""
    taken = act(Did.TAKEN, "2026-11-17 10:00", until=until("2026-11-17 15:00"))

    found = dues(BED, critical("2026-11-17 09:00"), taken)

    assert found[1:] == steps("2026-11-17 16:00", "2026-11-17 20:00")


def test_nobody_is_waited_for_longer_than_five_business_days():
    """Put off on Tuesday 10:00 for a month: until Tuesday 24 at 23:59:59, so Wednesday counts."""
    deferred = act(Did.DEFERRED, "2026-11-17 10:00", until=until("2026-12-17 09:00"))

    found = dues(LETTER, major("2026-11-17 09:00"), deferred)

    assert found[1] == paris("2026-11-25 23:59:59")


def test_a_critical_gap_is_waited_for_twelve_hours_at_most():
    deferred = act(Did.DEFERRED, "2026-11-17 10:00", until=until("2026-11-19 09:00"))

    found = dues(BED, critical("2026-11-17 09:00"), deferred)

    # One hour of the two had passed: 10:00 + 12 h + 1 h.
    assert found[1] == paris("2026-11-17 23:00")


def test_taking_it_without_a_date_is_waited_for_as_long_as_one_may():
    without = dues(BED, critical("2026-11-17 09:00"), act(Did.TAKEN, "2026-11-17 10:00"))

    assert without[1] == paris("2026-11-17 23:00")


def test_the_last_word_of_people_counts():
    """Deferred to Friday, handed back on Wednesday 13:00: Wednesday noon is lost, no more."""
    opened = major("2026-11-17 09:00")
    deferred = act(Did.DEFERRED, "2026-11-18 09:00", until=until("2026-11-20 18:00"))
    back = act(Did.RETURNED, "2026-11-18 13:00", 2)

    assert dues(LETTER, opened, deferred, back)[1] == paris("2026-11-19 23:59:59")


def test_what_is_settled_by_hand_tells_nobody_any_more():
    settled = act(Did.SETTLED, "2026-11-18 09:00")

    found = ladder(LETTER, major("2026-11-17 09:00"), [settled], (), paris("2026-12-18 09:00"))

    assert found.tells == ()
    assert [rung.due for rung in found.rungs[1:]] == [None, None, None]
    assert found.next is None


def test_nothing_is_told_inside_a_suspension_even_when_its_day_counted():
    """Put off after the noon of the last day, until the next morning: told when that is over."""
    opened = major("2026-11-17 09:00")
    deferred = act(Did.DEFERRED, "2026-11-18 13:00", until=until("2026-11-19 08:00"))

    assert dues(LETTER, opened, deferred)[1] == paris("2026-11-19 08:00")


def test_a_mute_silences_and_the_ladder_goes_on_after_it():
    opened = major("2026-11-17 09:00")
    silenced = mute("2026-11-18 00:00", "2026-11-20 00:00")

    found = dues(LETTER, opened, mutes=[silenced])
    inside = ladder(LETTER, opened, (), [silenced], paris("2026-11-19 12:00"))

    assert found[1] == paris("2026-11-20 23:59:59")
    assert inside.suspended
    assert inside.tells == ()
    assert inside.next == paris("2026-11-20 00:00")


def test_a_mute_that_is_lifted_ends_there():
    silenced = mute("2026-11-18 00:00", "2026-12-20 00:00", lifted="2026-11-18 10:00")

    assert dues(LETTER, major("2026-11-17 09:00"), mutes=[silenced])[1] == paris(
        "2026-11-18 23:59:59"
    )


def test_a_gap_that_opens_muted_is_told_when_the_mute_ends():
    silenced = mute("2026-11-16 00:00", "2026-11-18 07:00")

    found = dues(BED, critical("2026-11-17 09:00"), mutes=[silenced])

    assert found == steps("2026-11-18 07:00", "2026-11-18 09:00", "2026-11-18 13:00")


def test_overlapping_suspensions_count_once():
    taken = act(Did.TAKEN, "2026-11-17 10:00", until=until("2026-11-17 15:00"))
    silenced = mute("2026-11-17 12:00", "2026-11-17 18:00")

    found = dues(BED, critical("2026-11-17 09:00"), taken, mutes=[silenced])

    assert found[1] == paris("2026-11-17 19:00")


def test_a_task_wakes_once_by_the_last_deferral():
    first = act(Did.DEFERRED, "2026-11-17 10:00", 2, until=until("2026-11-18 08:00"))
    second = act(Did.DEFERRED, "2026-11-17 11:00", 3, until=until("2026-11-19 08:00"))
    woken = act(Did.WOKEN, "2026-11-19 08:00", 3)

    assert wakes_at([first, second]) == paris("2026-11-19 08:00")
    assert to_wake([first, second]) == second
    assert to_wake([first, second, woken]) is None
    assert to_wake([first, act(Did.TAKEN, "2026-11-17 12:00", 3)]) is None
