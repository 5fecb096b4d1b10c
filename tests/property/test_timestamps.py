"""Timestamps agree with the calendar of Paris, and nothing but their own error leaves them."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.timestamps import Timestamp, TimestampError, parse_timestamp

PARIS = ZoneInfo("Europe/Paris")

#: Any minute, and the minutes around the changes of the clock.
_MINUTES = st.one_of(
    st.datetimes(datetime(1912, 1, 1), datetime(2037, 1, 1)),  # noqa: DTZ001 - local times
    st.builds(
        datetime,
        st.integers(1976, 2036),
        st.sampled_from([3, 9, 10]),
        st.integers(24, 30),
        st.integers(0, 4),
        st.integers(0, 59),
    ),
)


@given(local=_MINUTES)
def test_local_time_is_that_of_the_time_zone_database(local):
    stamp = parse_timestamp(local.strftime("%Y%m%d%H%M"))

    assert stamp.instant_utc == local.replace(second=0, microsecond=0, tzinfo=PARIS).astimezone(UTC)
    assert datetime.fromisoformat(stamp.text_fhir) == stamp.instant_utc
    assert stamp.latest_utc - stamp.instant_utc in (timedelta(0), timedelta(hours=1))


_DIGITS = st.one_of(
    _MINUTES.map(lambda local: local.strftime("%Y%m%d%H%M%S")),
    st.text("0123456789", min_size=14, max_size=14),
    # Near what exists: months to 19, days to 39, hours to 29, minutes and seconds to 69.
    st.from_regex(r"\A(19|20)[0-9]{2}[01][0-9][0-3][0-9][0-2][0-9][0-6][0-9][0-6][0-9]\Z"),
)


@given(text=_DIGITS)
def test_the_usual_form_is_read_as_any_other(text):
    """What is behind `^` (TS.2) says nothing, and sends the text the long way."""

    def read(sent: str) -> Timestamp | str:
        try:
            return parse_timestamp(sent)
        except TimestampError as error:
            return str(error)

    assert read(text) == read(f"{text}^")


@given(text=st.one_of(st.text(max_size=20), st.text("0123456789.+-Z^", max_size=24)))
def test_any_text_is_a_timestamp_or_its_own_error(text):
    with suppress(TimestampError):
        stamp = parse_timestamp(text)
        low, high = stamp.bounds_utc()
        assert low <= high
        assert stamp.date_fhir == stamp.text_fhir[:10]
