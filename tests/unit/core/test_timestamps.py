"""HL7 timestamps become FHIR text and instants without inventing or shifting anything."""

from datetime import UTC, datetime

import pytest

from gateway.core.timestamps import Precision, TimestampError, parse_timestamp


@pytest.mark.parametrize(
    ("text", "fhir", "precision"),
    [
        pytest.param("1948", "1948", Precision.YEAR, id="year"),
        pytest.param("202603", "2026-03", Precision.MONTH, id="month"),
        pytest.param("20260301", "2026-03-01", Precision.DAY, id="day"),
        pytest.param("2026030112", "2026-03-01T12:00:00+01:00", Precision.HOUR, id="hour"),
        pytest.param("202607011230", "2026-07-01T12:30:00+02:00", Precision.MINUTE, id="minute"),
        pytest.param(
            "20260301123045", "2026-03-01T12:30:45+01:00", Precision.SECOND, id="second"
        ),
        pytest.param(
            "20260301123045.821", "2026-03-01T12:30:45.821+01:00", Precision.FRACTION, id="fraction"
        ),
        pytest.param(
            "20260301123045.0000+0800",
            "2026-03-01T12:30:45.0000+08:00",
            Precision.FRACTION,
            id="fraction and offset",
        ),
    ],
)  # fmt: skip
@pytest.mark.field("FL-207")
def test_precision_is_kept(text, fhir, precision):
    stamp = parse_timestamp(text)

    assert (stamp.text_fhir, stamp.precision) == (fhir, precision)


@pytest.mark.field("FL-203")
def test_a_time_without_offset_is_paris_time():
    summer, winter = parse_timestamp("20260912100000"), parse_timestamp("20261120100000")

    assert summer.instant_utc == datetime(2026, 9, 12, 8, tzinfo=UTC)
    assert winter.instant_utc == datetime(2026, 11, 20, 9, tzinfo=UTC)
    assert summer.flags == winter.flags == ("tz-assumed",)


@pytest.mark.field("FL-204")
def test_the_offset_of_the_sender_is_kept():
    stamp = parse_timestamp("20261120092805-0400")

    assert stamp.text_fhir == "2026-11-20T09:28:05-04:00"
    assert stamp.instant_fhir == stamp.text_fhir
    assert stamp.instant_utc == datetime(2026, 11, 20, 13, 28, 5, tzinfo=UTC)
    assert stamp.flags == ()


@pytest.mark.field("FL-204")
def test_the_zone_of_the_machine_does_not_matter(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")

    assert parse_timestamp("20261120092806").text_fhir == "2026-11-20T09:28:06+01:00"


@pytest.mark.parametrize(
    ("text", "day"),
    [("19880512", "1988-05-12"), ("19700101000000+0200", "1970-01-01"), ("194805", "1948-05")],
)
@pytest.mark.field("FL-205")
def test_a_date_never_slips_a_day(text, day):
    assert parse_timestamp(text).date_fhir == day


@pytest.mark.field("FL-210")
def test_a_date_is_no_instant_and_lasts_a_day_in_paris():
    stamp = parse_timestamp("20261120")

    assert (stamp.instant_utc, stamp.instant_fhir) == (None, None)
    assert stamp.bounds_utc() == (
        datetime(2026, 11, 19, 23, tzinfo=UTC),
        datetime(2026, 11, 20, 23, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("202612", datetime(2026, 12, 31, 23, tzinfo=UTC)),
        ("2026", datetime(2026, 12, 31, 23, tzinfo=UTC)),
        ("202602", datetime(2026, 2, 28, 23, tzinfo=UTC)),
        ("99991231", datetime.max.replace(tzinfo=UTC)),
        ("9999", datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_bounds_end_where_the_next_month_or_year_begins(text, end):
    assert parse_timestamp(text).bounds_utc()[1] == end


@pytest.mark.field("FL-206")
def test_an_hour_that_exists_twice_has_two_readings():
    stamp = parse_timestamp("20261025023000")

    first, second = stamp.bounds_utc()
    assert first == stamp.instant_utc == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert second == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert stamp.text_fhir == "2026-10-25T02:30:00+02:00"
    assert "tz-ambiguous" in stamp.flags


@pytest.mark.field("FL-206")
def test_the_time_of_recording_settles_an_hour_that_exists_twice():
    recorded = datetime(2026, 10, 25, 0, 45, tzinfo=UTC)

    stamp = parse_timestamp("20261025023000", not_after=recorded)

    assert stamp.bounds_utc() == (stamp.instant_utc, stamp.instant_utc)
    assert "tz-ambiguous" not in stamp.flags


@pytest.mark.field("FL-206")
def test_a_later_recording_leaves_both_readings():
    recorded = datetime(2026, 10, 25, 6, tzinfo=UTC)

    assert "tz-ambiguous" in parse_timestamp("20261025023000", not_after=recorded).flags


@pytest.mark.field("FL-206")
def test_an_hour_that_does_not_exist_is_shifted_by_one():
    stamp = parse_timestamp("20260329023000")

    assert stamp.text_fhir == "2026-03-29T03:30:00+02:00"
    assert stamp.instant_utc == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert "tz-repair" in stamp.flags


@pytest.mark.field("FL-206")
def test_instants_of_the_long_night_compare_as_they_happened():
    early, late = parse_timestamp("20261025023000+0200"), parse_timestamp("20261025020000+0100")

    assert early.instant_utc < late.instant_utc


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("20240230", id="30 February"),
        pytest.param("20230229", id="29 February of a common year"),
        pytest.param("20241301", id="month 13"),
        pytest.param("202401012400", id="hour 24"),
        pytest.param("202401012360", id="minute 60"),
        pytest.param("20240101235960", id="second 60"),
        pytest.param("00000000", id="nothing but zeros"),
        pytest.param("19480012", id="a day without month"),
        pytest.param("20240101120000+1500", id="offset of 15 hours"),
        pytest.param("20240101120000+0170", id="offset of 70 minutes"),
    ],
)
@pytest.mark.field("FL-208")
def test_an_impossible_date_is_an_error(text):
    with pytest.raises(TimestampError):
        parse_timestamp(text)


@pytest.mark.parametrize("text", ["", "abc", "2024-01-01", "24", "2024010", "٢٠٢٤", "2024 01"])
def test_what_is_no_timestamp_is_an_error_without_the_value(text):
    with pytest.raises(TimestampError) as caught:
        parse_timestamp(text)

    assert str(caught.value).startswith("not a timestamp")


@pytest.mark.parametrize(("text", "year"), [("194800", "1948"), ("19480000", "1948")])
@pytest.mark.field("FL-209")
def test_zeros_for_an_unknown_month_are_cut(text, year):
    stamp = parse_timestamp(text)

    assert (stamp.text_fhir, stamp.flags) == (year, ("date-zeros",))


def test_zeros_are_an_error_where_nothing_is_lenient():
    with pytest.raises(TimestampError):
        parse_timestamp("19480000", lenient=False)


@pytest.mark.field("FL-207")
def test_digits_behind_the_seconds_are_cut_with_a_flag():
    stamp = parse_timestamp("20261120143134920350")

    assert stamp.text_fhir == "2026-11-20T14:31:34+01:00"
    assert "timestamp-cut" in stamp.flags


@pytest.mark.field("FL-207")
def test_digits_behind_the_seconds_are_an_error_where_nothing_is_lenient():
    with pytest.raises(TimestampError):
        parse_timestamp("20261120143134920350", lenient=False)


@pytest.mark.field("FL-207")
def test_the_degree_of_precision_component_is_ignored():
    assert parse_timestamp("20261120143134^YYYYMMDDHHMMSS").text_fhir == (
        "2026-11-20T14:31:34+01:00"
    )


def test_universal_time_may_be_written_z():
    assert parse_timestamp("20261120143134Z").text_fhir == "2026-11-20T14:31:34Z"
