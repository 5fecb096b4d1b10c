"""By how much the clock of a sender is wrong."""

import pytest

from gateway.pathway.clocks import is_notable, skew, usual_delay

#: Two seconds on the road, now and then a little more.
ROAD = [2.0, 2.0, 3.0, 2.0] * 50


def behind(seconds):
    return [one + seconds for one in ROAD]


@pytest.mark.parametrize(
    ("delays", "found"),
    [
        pytest.param(ROAD, 0, id="right"),
        pytest.param(behind(3600), 3600, id="an hour behind"),
        pytest.param(behind(-7200), -7200, id="two hours ahead"),
        pytest.param(ROAD[:40], None, id="too few to tell"),
        pytest.param([*ROAD[:100], *behind(3600)[:100]], None, id="while it changes"),
        pytest.param([*ROAD[:30], *behind(3600)[:170]], 3600, id="as soon as most agree"),
        # Each waited for the return of its feed: the first for three hours, the last for none.
        pytest.param([10800 - 54.0 * n for n in range(200)], None, id="a backlog"),
    ],
)
def test_the_middle_of_the_delays_tells_when_they_agree(delays, found):
    assert skew(delays, usual=2) == found


def test_what_the_road_takes_is_no_skew():
    slow = [one + 600 for one in ROAD]

    assert usual_delay(slow) == 602
    assert skew(slow, usual=602) == 0


def test_a_clock_that_is_wrong_from_the_start_does_not_pass_for_a_slow_road():
    assert usual_delay(behind(3600)) == 900
    assert usual_delay(behind(-3600)) == 0
    assert usual_delay(ROAD[:49]) is None


def test_two_minutes_are_nobody_s_trouble():
    assert [is_notable(one) for one in (0, 120, -120, 121, -121)] == [False] * 3 + [True] * 2
