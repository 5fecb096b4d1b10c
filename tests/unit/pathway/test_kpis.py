"""Shares with their interval, delays with what still waits, ages in working days."""

from bisect import bisect_left
from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.core.handoffs import DELAYS_H, Outcomes, Waits
from gateway.core.timestamps import PARIS
from gateway.pathway.kpis import AGES_BD, age_edges, delay_h, share, waits_together, working_days


def done(**by_class: int) -> Outcomes:
    """Return outcomes by the upper end of their class, `h12=3`."""
    delays = [0] * (len(DELAYS_H) + 1)
    for name, count in by_class.items():
        delays[DELAYS_H.index(int(name[1:]))] = count
    return Outcomes(on_time=sum(delays), delays=tuple(delays))


def waited(*hours: int) -> Waits:
    """Return open handoffs by the class of the hours they wait."""
    places = [bisect_left(DELAYS_H, each) for each in hours]
    return tuple(places.count(place) for place in range(len(DELAYS_H) + 1))


def age_group(deadline: datetime, now: datetime, region: str) -> int:
    return sum(deadline < edge for edge in age_edges(now, region))


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
    assert delay_h(closed, waited(900, 900), 0.5) == pytest.approx(3.4)


def test_when_too_many_wait_there_is_no_median() -> None:
    assert delay_h(done(h4=3), waited(*[900] * 7), 0.5) is None
    assert delay_h(Outcomes(), (), 0.5) is None


def test_who_waits_since_a_moment_says_nothing_yet() -> None:
    assert delay_h(done(h4=10), waited(*[0] * 30), 0.5) == pytest.approx(3)


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


@pytest.mark.parametrize("region", ["", "57"])
@pytest.mark.parametrize(
    "now",
    [
        pytest.param(datetime(2026, 4, 7, 12, tzinfo=UTC), id="behind Easter"),
        pytest.param(datetime(2026, 10, 26, 5, tzinfo=UTC), id="behind the night of 25 hours"),
        pytest.param(datetime(2026, 12, 27, 23, 30, tzinfo=UTC), id="a Monday in Paris only"),
    ],
)
def test_the_groups_of_ages_divide_deadlines_by_their_working_days(
    now: datetime, region: str
) -> None:
    deadlines = [now - timedelta(hours=hours) for hours in range(-30, 24 * 40)]

    ages = [
        working_days(one.astimezone(PARIS).date(), now.astimezone(PARIS).date(), region)
        for one in deadlines
    ]

    assert [age_group(one, now, region) for one in deadlines] == [
        sum(days > limit for limit in AGES_BD) for days in ages
    ]


def test_waits_of_several_cells_add_up() -> None:
    together = waits_together([waited(1, 30), waited(900)])

    assert together == waited(1, 30, 900)
