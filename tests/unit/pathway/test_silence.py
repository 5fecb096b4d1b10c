"""When a feed that says nothing is to be taken for silent; instants counted by hand."""

from datetime import date, datetime, timedelta

import pytest

from gateway.pathway.silence import Habit, silent_at
from tests.support.assertions import paris

HOUR = timedelta(hours=1)
#: A Tuesday in winter, far from any public holiday.
TUESDAY = "2026-02-10"
EASTER_MONDAY = date(2026, 4, 6)


def habit(minutes, weeks=8, until="2026-02-10 00:00"):
    """Return the habit of a feed that spoke in so many minutes of each hour."""
    end = paris(until)
    at = end - timedelta(weeks=weeks)
    found: dict[datetime, int] = {}
    while at < end + timedelta(days=1):
        found[at] = minutes(at) if callable(minutes) else minutes
        at += HOUR
    return Habit(found, end - timedelta(weeks=weeks))


@pytest.mark.parametrize(
    ("minutes", "last", "found"),
    [
        # 60 an hour: 9.21 minutes are expected after 9.21 minutes; nobody is silent before 15.
        pytest.param(60, "14:05:00", "14:20:00", id="a busy feed by day, at its floor"),
        pytest.param(30, "14:05:00", "14:23:25", id="half as busy: after 18 min 25 s"),
        pytest.param(60, "03:05:00", "03:20:00", id="a busy feed at night too"),
        # 2 an hour: 9.21 after 4 h 36 min 18 s.
        pytest.param(2, "09:00:00", "13:36:18", id="a small feed by day"),
        pytest.param(2, "01:00:00", "07:00:00", id="a small feed at night waits for six hours"),
    ],
)
def test_the_silence_of_a_feed_is_that_which_happens_once_in_ten_thousand(minutes, last, found):
    assert silent_at(paris(f"{TUESDAY} {last}"), habit(minutes)) == paris(f"{TUESDAY} {found}")


def test_quiet_hours_are_waited_out():
    """Nothing at night is usual: the silence is found in the morning."""
    by_day = habit(lambda at: 60 if 8 <= at.astimezone(paris("2026-02-10").tzinfo).hour < 19 else 0)

    found = silent_at(paris(f"{TUESDAY} 20:30:00"), by_day)

    # 08:00 in winter is 07:00 UTC, of Wednesday.
    assert found == paris("2026-02-11 09:09:12")


def test_a_holiday_is_a_sunday():
    """Of 1 May, a Friday, a feed that rests on Sundays is expected nothing."""

    def minutes(at):
        return 0 if at.weekday() == 6 or at.date() == EASTER_MONDAY else 60

    rests = habit(minutes, weeks=9, until="2026-05-04 00:00")

    holiday = silent_at(paris("2026-05-01 10:00"), rests)
    before = silent_at(paris("2026-04-24 10:00"), rests)

    assert before == paris("2026-04-24 10:15")
    assert holiday is not None
    assert holiday >= paris("2026-05-02 00:00")


def test_what_comes_in_one_go_is_no_steady_traffic():
    """A batch at 02:00 counts for one minute: one that is late by an hour is no silence."""
    batch = habit(lambda at: 1 if at.hour == 1 else 0)

    found = silent_at(paris(f"{TUESDAY} 02:03"), batch)

    assert found is not None
    assert found > paris("2026-02-18 00:00")


def test_a_feed_known_for_less_than_a_week_is_given_the_week():
    new = habit(60, weeks=1)

    found = silent_at(paris("2026-02-09 10:00"), Habit(new.minutes, paris("2026-02-08 00:00")))

    assert found is None or found >= paris("2026-02-15 00:00")


def test_what_is_too_rare_is_never_silent():
    once_a_month = habit(lambda at: int(at.day == 3 and at.hour == 9))

    assert silent_at(paris(f"{TUESDAY} 10:00"), once_a_month) is None
    assert silent_at(paris(f"{TUESDAY} 10:00"), Habit({}, paris("2025-01-01 00:00"))) is None
