"""A deadline is shown day by day, and its last day is the one the calendar gives."""

from datetime import date

import pytest

from gateway.pathway.calendar import Pause, due, local
from gateway.pathway.counting import counted_days, read_pauses, written
from tests.support.assertions import paris

#: A stay from 26 to 31 December that does not count.
AWAY = Pause(paris("2025-12-26 03:00"), paris("2025-12-31 10:00"))


def test_the_bridge_of_may_skips_its_holidays_and_week_ends():
    anchor = paris("2026-04-29 15:00")
    deadline = due(anchor, 10, "bd")

    days = counted_days(anchor, deadline, "bd")

    assert local(deadline).date() == date(2026, 5, 18)
    assert days[-1] == (date(2026, 5, 18), 10, "")
    assert [one.day.isoformat() for one in days if one.why == "holiday"] == [
        "2026-05-01", "2026-05-08", "2026-05-14",
    ]  # fmt: skip
    assert [one.number for one in days if one.number] == list(range(1, 11))


def test_days_of_a_pause_do_not_count():
    anchor = paris("2025-12-22 14:00")
    deadline = due(anchor, 7, "d", (AWAY,))

    days = counted_days(anchor, deadline, "d", (AWAY,))

    assert [one.day.day for one in days if one.number] == [23, 24, 25, 31, 1, 2, 3]
    assert [one.day.day for one in days if one.why == "pause"] == [26, 27, 28, 29, 30]


def test_a_saturday_counts_among_working_days_of_six():
    anchor = paris("2026-05-01 09:00")
    deadline = due(anchor, 2, "jo")

    days = counted_days(anchor, deadline, "jo")

    assert days == [
        (date(2026, 5, 2), 1, ""), (date(2026, 5, 3), None, "weekend"), (date(2026, 5, 4), 2, ""),
    ]  # fmt: skip


@pytest.mark.parametrize("unit", ["h", "bh"])
def test_hours_have_no_days(unit):
    anchor = paris("2026-05-01 09:00")

    assert counted_days(anchor, due(anchor, 48, unit), unit) == []


def test_the_holidays_are_those_of_the_place():
    anchor = paris("2026-04-02 09:00")

    assert counted_days(anchor, due(anchor, 1, "bd"), "bd")[0].why == ""
    assert counted_days(anchor, due(anchor, 1, "bd", (), "57"), "bd", (), "57")[0].why == "holiday"


@pytest.mark.parametrize("pause", [AWAY, Pause(AWAY.start, None)], ids=["ended", "open"])
def test_a_pause_is_written_and_read_again(pause):
    assert read_pauses([written(pause)]) == (pause,)
