"""Digests leave at 08:30 and 13:30 in Paris on business days; counted by hand on a calendar."""

import pytest

from gateway.pathway.slots import last_slot
from tests.support.assertions import paris


@pytest.mark.parametrize(
    ("now", "slot"),
    [
        ("2026-11-17 08:30", "2026-11-17 08:30"),
        ("2026-11-17 08:29:59", "2026-11-16 13:30"),
        ("2026-11-17 13:29:59", "2026-11-17 08:30"),
        ("2026-11-17 23:00", "2026-11-17 13:30"),
        # A Sunday, then Monday before the morning: still Friday's.
        ("2026-11-22 12:00", "2026-11-20 13:30"),
        ("2026-11-23 08:00", "2026-11-20 13:30"),
        # Wednesday 11 November is a public holiday.
        ("2026-11-11 14:00", "2026-11-10 13:30"),
        # Easter Monday, 6 April 2026.
        ("2026-04-07 08:00", "2026-04-03 13:30"),
        # Clocks went forward on Sunday 29 March, back on Sunday 25 October.
        ("2026-03-30 08:30", "2026-03-30 08:30"),
        ("2026-03-30 08:29:59", "2026-03-27 13:30"),
        ("2026-10-26 08:30", "2026-10-26 08:30"),
        ("2026-10-26 08:29:59", "2026-10-23 13:30"),
    ],
)
def test_the_last_slot(now: str, slot: str) -> None:
    assert last_slot(paris(now)) == paris(slot)


def test_the_slots_of_two_weeks_are_an_hour_apart_on_the_utc_line_when_clocks_change():
    before, after = last_slot(paris("2026-03-27 09:00")), last_slot(paris("2026-03-30 09:00"))

    assert (before.hour, after.hour) == (7, 6)


def test_good_friday_is_no_business_day_in_alsace():
    assert last_slot(paris("2026-04-03 14:00"), "6AE") == paris("2026-04-02 13:30")
    assert last_slot(paris("2026-04-03 14:00")) == paris("2026-04-03 13:30")
