"""Dates as ranges: precision, French zone, edges of the calendar."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from gateway.fhir.search_dates import FIRST, LAST, date_range, instant_text, value_ranges


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        pytest.param("2026", "2025-12-31T23:00:00", "2026-12-31T23:00:00", id="year"),
        pytest.param("2026-02", "2026-01-31T23:00:00", "2026-02-28T23:00:00", id="month"),
        pytest.param("2026-12", "2026-11-30T23:00:00", "2026-12-31T23:00:00", id="december"),
        pytest.param("2026-03-08", "2026-03-07T23:00:00", "2026-03-08T23:00:00", id="day"),
        pytest.param(
            "2026-03-29", "2026-03-28T23:00:00", "2026-03-29T22:00:00", id="day of 23 hours"
        ),
        pytest.param(
            "2026-10-25", "2026-10-24T22:00:00", "2026-10-25T23:00:00", id="day of 25 hours"
        ),
        pytest.param(
            "2026-03-08T00:30", "2026-03-07T23:30:00", "2026-03-07T23:31:00", id="minute in Paris"
        ),
        pytest.param(
            "2026-07-08T00:30:00", "2026-07-07T22:30:00", "2026-07-07T22:30:01", id="summer time"
        ),
        pytest.param(
            "2026-03-08T00:30:00-04:00",
            "2026-03-08T04:30:00",
            "2026-03-08T04:30:01",
            id="offset of the sender",
        ),
    ],
)
def test_precision_decides_the_width(text: str, low: str, high: str) -> None:
    assert date_range(text) == (f"{low}.000000Z", f"{high}.000000Z")


@pytest.mark.field("FL-229")
@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        pytest.param("2026-03-08T20:00:00Z", "20:00:00.000000", "20:00:01.000000", id="second 00"),
        pytest.param("2026-03-08T20:00Z", "20:00:00.000000", "20:01:00.000000", id="no second"),
        pytest.param("2026-03-08T20:00:00.5Z", "20:00:00.500000", "20:00:00.600000", id="tenth"),
        pytest.param("2026-03-08T20:00:00.821Z", "20:00:00.821000", "20:00:00.822000", id="milli"),
        pytest.param(
            "2026-03-08T20:00:00.123456789Z", "20:00:00.123456", "20:00:00.123457", id="nano"
        ),
    ],
)
def test_seconds_and_fractions_are_read_from_the_text(text: str, low: str, high: str) -> None:
    assert date_range(text) == (f"2026-03-08T{low}Z", f"2026-03-08T{high}Z")


@pytest.mark.parametrize(
    "text",
    ["", "20260308", "2026-3-8", "2024-02-30", "2026-13", "2026-03-08T25:00", "2026-03-08T10",
     "2026-03-08T10:00:60Z", "2026-W10", "0000", "2026-03-08T10:00:00+25:00", "٢٠٢٦"],
)  # fmt: skip
def test_what_is_no_date_gives_nothing(text: str) -> None:
    assert date_range(text) is None


def test_the_ends_of_the_calendar_stay_inside_the_bounds() -> None:
    assert date_range("0001-01-01") == (FIRST, "0001-01-01T23:50:39.000000Z")
    assert date_range("9999-12-31") == ("9999-12-30T23:00:00.000000Z", LAST)
    assert date_range("9999") == ("9998-12-31T23:00:00.000000Z", LAST)
    assert date_range("0001-01-01T00:00:00+02:00") == (FIRST, FIRST)


def test_an_instant_is_written_in_utc_with_microseconds() -> None:
    summer = timezone(timedelta(hours=2))

    written = instant_text(datetime(2026, 7, 8, 1, 2, 3, 45, tzinfo=summer))

    assert written == "2026-07-07T23:02:03.000045Z"
    assert instant_text(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00.000000Z"


def test_a_period_reaches_to_the_bound_of_its_open_end() -> None:
    started = value_ranges({"start": "2026-03-08T00:30:00+01:00"})
    ended = value_ranges({"end": "2026-03-08"})

    assert started == [("2026-03-07T23:30:00.000000Z", LAST)]
    assert ended == [(FIRST, "2026-03-08T23:00:00.000000Z")]


def test_a_timing_gives_its_events_and_its_bounds() -> None:
    timing = {"event": ["2026-03-08"], "repeat": {"boundsPeriod": {"start": "2026-04-01"}}}

    assert value_ranges(timing) == [
        ("2026-03-07T23:00:00.000000Z", "2026-03-08T23:00:00.000000Z"),
        ("2026-03-31T22:00:00.000000Z", LAST),
    ]
