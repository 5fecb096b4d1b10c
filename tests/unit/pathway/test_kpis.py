"""Shares with their interval, delays with what still waits, ages in working days."""

from datetime import UTC, date, datetime

import pytest

from gateway.core.handoffs import DELAYS_H, Outcomes
from gateway.pathway.kpis import age_group, delay_h, share, working_days


def done(**by_class: int) -> Outcomes:
    """Return outcomes by the upper end of their class, `h12=3`."""
    delays = [0] * (len(DELAYS_H) + 1)
    for name, count in by_class.items():
        delays[DELAYS_H.index(int(name[1:]))] = count
    return Outcomes(on_time=sum(delays), delays=tuple(delays))


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    # Newcombe 1998, Statistics in Medicine 17:857, table I, method 3.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_that_of_wilson(part: int, whole: int, low: float, high: float) -> None:
    found = share(part, whole)

    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
    assert found.value == part / whole


def test_a_share_of_nothing_is_between_nothing_and_everything() -> None:
    assert (share(0, 0).value, share(0, 0).low, share(0, 0).high) == (0, 0, 1)


def test_the_median_lies_on_a_line_inside_its_class() -> None:
    assert delay_h(done(h4=10, h6=10), (), 0.5) == pytest.approx(4)
    assert delay_h(done(h4=10), (), 0.5) == pytest.approx(3)


def test_what_still_waits_moves_the_median_back() -> None:
    closed = done(h4=10, h48=2)

    assert delay_h(closed, (), 0.5) == pytest.approx(3.2)
    # Two of fourteen more wait for long: half of fourteen is seven of the ten.
    assert delay_h(closed, (900.0, 900.0), 0.5) == pytest.approx(3.4)


def test_when_too_many_wait_there_is_no_median() -> None:
    assert delay_h(done(h4=3), [900.0] * 7, 0.5) is None
    assert delay_h(Outcomes(), (), 0.5) is None


def test_who_waits_since_a_moment_says_nothing_yet() -> None:
    assert delay_h(done(h4=10), [0.0] * 30, 0.5) == pytest.approx(3)


def test_a_part_behind_the_last_class_is_at_least_that_long() -> None:
    late = Outcomes(late=4, delays=(0,) * len(DELAYS_H) + (4,))

    assert delay_h(late, (), 0.5) == DELAYS_H[-1]


def test_ages_count_working_days_only() -> None:
    friday, tuesday = datetime(2026, 4, 3, 12, tzinfo=UTC), datetime(2026, 4, 7, 12, tzinfo=UTC)
    # Easter Monday is 6 April 2026.
    assert working_days(date(2026, 4, 3), date(2026, 4, 7), "") == 1
    assert age_group(friday, tuesday, "") == 0
    # Good Friday is a holiday in Moselle.
    assert working_days(date(2026, 4, 2), date(2026, 4, 7), "57") == 1
    assert age_group(friday, datetime(2026, 9, 1, tzinfo=UTC), "") == 4
