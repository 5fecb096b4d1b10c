"""Deadlines: working days, holidays, changes of the clocks, pauses."""

from datetime import date, timedelta

import pytest

from gateway.pathway.calendar import (
    Pause,
    due,
    end_of_day,
    is_working_day,
    public_holidays,
    region_of,
)
from tests.support.assertions import paris


@pytest.mark.parametrize(
    ("year", "monday", "ascension", "whit", "worked"),
    [
        (2025, "2025-04-21", "2025-05-29", "2025-06-09", 251),
        (2026, "2026-04-06", "2026-05-14", "2026-05-25", 252),
        (2027, "2027-03-29", "2027-05-06", "2027-05-17", 254),
        (2028, "2028-04-17", "2028-05-25", "2028-06-05", 251),
        (2029, "2029-04-02", "2029-05-10", "2029-05-21", 252),
        (2030, "2030-04-22", "2030-05-30", "2030-06-10", 251),
    ],
)
def test_movable_feasts_and_working_days_of_a_year(year, monday, ascension, whit, worked):
    feasts = {date.fromisoformat(day) for day in (monday, ascension, whit)}
    days = [date(year, 1, 1) + timedelta(n) for n in range(366)]

    assert feasts <= public_holidays(year, "")
    assert sum(day.year == year and is_working_day(day, "bd", "") for day in days) == worked


def test_two_feasts_on_one_day_count_once():
    assert len(public_holidays(2008, "")) == 10
    assert date(2008, 5, 1) in public_holidays(2008, "")


@pytest.mark.parametrize(
    ("finess", "day", "is_free"),
    [
        ("690000011", date(2026, 4, 3), False),
        ("670000017", date(2026, 4, 3), True),
        ("680000017", date(2026, 12, 26), True),
        ("570000017", date(2026, 12, 26), True),
        ("970400017", date(2026, 12, 20), True),
        ("970100017", date(2026, 5, 27), True),
    ],
    ids=["Lyon", "Strasbourg", "Colmar", "Metz", "La Réunion", "Guadeloupe"],
)
def test_holidays_are_those_of_the_establishment(finess, day, is_free):
    assert (day in public_holidays(day.year, region_of(finess))) is is_free


def test_an_unknown_establishment_has_the_common_calendar():
    assert region_of(None) == region_of("690000011") == ""


@pytest.mark.field("FL-206")
@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2025-10-25 15:00", "2025-10-26T02:00+01:00"),
        ("2026-03-28 20:00", "2026-03-29 09:00"),
        ("2026-10-24 20:00", "2026-10-25 07:00"),
    ],
    ids=["into winter", "into summer", "into winter by night"],
)
def test_twelve_hours_are_twelve_hours_when_clocks_change(start, end):
    assert due(paris(start), 12, "h") == paris(end)


@pytest.mark.parametrize(
    ("start", "n", "unit", "end"),
    [
        ("2025-11-14 16:40", 0, "day0", "2025-11-14 23:59:59"),
        ("2025-11-14 23:59:59", 0, "day0", "2025-11-14 23:59:59"),
        ("2025-11-14 16:40", 1, "bd", "2025-11-17 23:59:59"),
        ("2025-11-15 10:00", 1, "bd", "2025-11-17 23:59:59"),
        ("2025-11-14 16:40", 1, "jo", "2025-11-15 23:59:59"),
        ("2025-11-14 16:40", 7, "d", "2025-11-21 23:59:59"),
        ("2026-04-29 10:00", 10, "bd", "2026-05-18 23:59:59"),
        ("2025-11-14 16:00", 4, "bh", "2025-11-17 10:00"),
        ("2025-11-15 12:00", 4, "bh", "2025-11-17 12:00"),
        ("2025-11-10 17:00", 2, "bh", "2025-11-12 09:00"),
        ("2025-12-31 10:00", 0, "d", "2025-12-31 23:59:59"),
    ],
    ids=[
        "end of the day",
        "last second of the day",
        "Friday to Monday",
        "Saturday to Monday",
        "Saturday is a jour ouvrable",
        "a week",
        "bridges of May",
        "business hours over a week-end",
        "business hours from a Saturday",
        "business hours around 11 November",
        "no day is the end of this one",
    ],
)
def test_deadline_in_each_unit(start, n, unit, end):
    assert due(paris(start), n, unit) == paris(end)


@pytest.mark.field("FL-212")
def test_deadline_over_a_long_weekend():
    # Thursday 13 May 2027; Whit Monday is the 17th.
    assert due(paris("2027-05-13 18:00"), 2, "bd") == paris("2027-05-18 23:59:59")
    assert due(paris("2027-05-13 18:00"), 0, "day0") == end_of_day(date(2027, 5, 13))


def test_a_day_counts_when_its_noon_is_outside_of_every_pause():
    readmitted = Pause(paris("2025-12-26 03:00"), paris("2025-12-31 10:00"))

    assert due(paris("2025-12-22 14:00"), 7, "d", [readmitted]) == paris("2026-01-03 23:59:59")


def test_a_pause_without_end_leaves_the_deadline_open():
    assert due(paris("2025-12-22 14:00"), 7, "d", [Pause(paris("2025-12-26 03:00"), None)]) is None
    assert due(paris("2025-12-22 14:00"), 48, "h", [Pause(paris("2025-12-23 03:00"), None)]) is None


def test_a_pause_behind_the_deadline_changes_nothing():
    later = Pause(paris("2025-12-30 03:00"), None)

    assert due(paris("2025-12-22 14:00"), 7, "d", [later]) == paris("2025-12-29 23:59:59")
    assert due(paris("2025-12-22 14:00"), 48, "h", [later]) == paris("2025-12-24 14:00")


def test_elapsed_hours_stand_still_in_pauses_that_overlap():
    pauses = [
        Pause(paris("2025-12-22 15:00"), paris("2025-12-22 18:00")),
        Pause(paris("2025-12-22 17:00"), paris("2025-12-22 20:00")),
    ]

    assert due(paris("2025-12-22 14:00"), 2, "h", pauses) == paris("2025-12-22 21:00")


def test_business_hours_stand_still_in_a_pause():
    pause = Pause(paris("2025-11-14 09:00"), paris("2025-11-14 17:00"))

    assert due(paris("2025-11-14 08:00"), 3, "bh", [pause]) == paris("2025-11-17 09:00")
