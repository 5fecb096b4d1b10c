"""HL7 timestamps (TS of v2, `@value` of CDA) as FHIR text and as instants.

Does not decide which field an event is dated by, nor whether a date is plausible. Standards: HL7
v2.5 2.A.77 (TS) and 2.A.22 (DTM), CDA R2 data type TS, FHIR R4 `dateTime`.

What is read, the same for everybody:

* the precision is kept: `202603` is the month, never a day of it;
* an offset is kept as sent; without offset a time is that of Paris (flag `tz-assumed`);
* an hour that exists twice (last Sunday of October) is its first occurrence, and
  `bounds_utc` gives both (flag `tz-ambiguous`), unless the time of recording excludes the second;
* an hour that does not exist (last Sunday of March) is shifted by one hour (flag `tz-repair`);
* a date that does not exist is an error; nothing rolls over into the next month or day.

Compare instants, never local times: Python compares two times of one zone by the wall clock.
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from enum import IntEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from gateway.core.values import value

PARIS = ZoneInfo("Europe/Paris")

_TS = re.compile(
    r"([0-9]{4})(?:([0-9]{2})(?:([0-9]{2})"
    r"(?:([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})([0-9]*)(?:\.([0-9]{1,9})[0-9]*)?)?)?)?)?)?"
    r"(?:([+-])([0-9]{2})([0-9]{2})|Z)?"
)
#: Since this year clocks in Paris have changed on whole hours only.
_WHOLE_HOURS = 1976
_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)


class Precision(IntEnum):
    """The smallest part that was sent; a larger number is finer."""

    YEAR = 1
    MONTH = 2
    DAY = 3
    HOUR = 4
    MINUTE = 5
    SECOND = 6
    FRACTION = 7


_ASSUMED = ("tz-assumed",)
#: By the number of parts behind the hour.
_FINEST = (Precision.HOUR, Precision.MINUTE, Precision.SECOND, Precision.FRACTION)


class TimestampError(ValueError):
    """The text is no timestamp, or names a date or time that does not exist."""


@value(frozen=True, slots=True)
class Timestamp:
    """One timestamp.

    Attributes:
        text_fhir: FHIR `dateTime` of the same precision; minutes and seconds that FHIR asks for
            and the sender left out are zero.
        instant_utc: the instant, None when only a date was sent.
        precision: what was sent.
        flags: what had to be assumed or repaired.
        latest_utc: the second reading of an ambiguous hour, else equal to `instant_utc`.
    """

    text_fhir: str
    instant_utc: datetime | None
    precision: Precision
    flags: tuple[str, ...] = ()
    latest_utc: datetime | None = None

    @property
    def date_fhir(self) -> str:
        """Return FHIR `date`: the day, month or year as written, in no other zone."""
        return self.text_fhir[:10]

    @property
    def instant_fhir(self) -> str | None:
        """Return FHIR `instant` with the offset of `text_fhir`, None for a date."""
        return self.text_fhir if self.instant_utc else None

    def bounds_utc(self) -> tuple[datetime, datetime]:
        """Return the first instant it may mean and the end of what it may mean.

        A date is [00:00, 24:00) in Paris; for an instant both are equal unless it is ambiguous.
        """
        if self.instant_utc and self.latest_utc:
            return self.instant_utc, self.latest_utc
        parts = [int(part) for part in self.text_fhir.split("-")]
        year, month, day = ([*parts, 1, 1])[:3]
        if self.precision is Precision.DAY:
            following = date(year, month, day).toordinal() + 1
            end = date.fromordinal(following) if following <= date.max.toordinal() else None
        elif self.precision is Precision.MONTH:
            end = _first_of(year + month // 12, month % 12 + 1)
        else:
            end = _first_of(year + 1, 1)
        return _midnight_utc(date(year, month, day)), _midnight_utc(end) if end else _LAST


def utc_seconds(instant: datetime) -> str:
    """Return an aware instant as `2026-03-02T07:15:00Z`, whole seconds; the rest is cut off."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_timestamp(
    text: str, *, lenient: bool = True, not_after: datetime | None = None
) -> Timestamp:
    """Read a timestamp.

    Args:
        text: TS as sent; anything behind a component separator (TS.2) is ignored.
        lenient: read `19480000` as the year and drop digits behind the seconds, with a flag.
        not_after: when the event was recorded; settles an hour that exists twice.

    Raises:
        TimestampError: no timestamp, or an impossible date or time.
    """
    stamp = _parse(text, lenient)
    if not_after and stamp.latest_utc and stamp.latest_utc != stamp.instant_utc:
        return _settled(stamp, not_after)
    return stamp


@lru_cache(maxsize=4096)
def _parse(text: str, lenient: bool) -> Timestamp:
    if len(text) == 14 and text.isascii() and text.isdigit():
        usual = _read_seconds(text)
        if usual is not None:
            return usual
    match = _TS.fullmatch(text.partition("^")[0].strip())
    if match is None:
        msg = "not a timestamp (YYYY[MM[DD[HH[MM[SS[.S]]]]]][+/-ZZZZ])"
        raise TimestampError(msg)
    year, month, day, hour, minute, second, surplus, fraction, *offset = match.groups()
    if surplus and not lenient:
        msg = "digits follow the seconds without a decimal point"
        raise TimestampError(msg)
    if hour is None:
        return _read_date(year, month, day, lenient)
    flags = ("timestamp-cut",) if surplus else ()
    micros = int((fraction or "0").ljust(6, "0")[:6])
    try:
        local = datetime(  # noqa: DTZ001 - the zone is decided below
            int(year), int(month), int(day), int(hour), int(minute or 0), int(second or 0), micros
        )
    except ValueError:
        # The text of `datetime` would quote a part of the value.
        msg = "a date or time that does not exist"
        raise TimestampError(msg) from None
    precision = _FINEST[(minute is not None) + (second is not None) + (fraction is not None)]
    written = f"{year}-{month}-{day}T{hour}:{minute or '00'}:{second or '00'}"
    if fraction:
        written = f"{written}.{fraction}"
    try:
        if offset[0] or text.rstrip().endswith("Z"):
            return _with_offset(local, offset, written, precision, flags)
        return _in_paris(local, written, precision, flags)
    except OverflowError:
        msg = "a year outside of the calendar"
        raise TimestampError(msg) from None


def _read_seconds(text: str) -> Timestamp | None:
    """Read `YYYYMMDDHHMMSS`, what nearly every field of a message holds.

    None leaves to the rest what is to be told, repaired or refused.
    """
    known = _offset_of(text[:10])
    if known is None or text[10] > "5" or text[12] > "5":
        return None
    offset, written, suffix = known
    year, month, day, hour = int(text[:4]), int(text[4:6]), int(text[6:8]), int(text[8:10])
    minute, second = text[10:12], text[12:]
    instant = datetime(year, month, day, hour, int(minute), int(second), 0, UTC) - offset
    text_fhir = f"{written}{minute}:{second}{suffix}"
    return Timestamp(text_fhir, instant, Precision.SECOND, _ASSUMED, instant)


@lru_cache(maxsize=4096)
def _offset_of(hour: str) -> tuple[timedelta, str, str] | None:
    """Return the offset of `YYYYMMDDHH` in Paris with what stands before and behind its minutes.

    None when there is no such hour, or when it has no single offset.
    """
    year, month, day, number = int(hour[:4]), int(hour[4:6]), int(hour[6:8]), int(hour[8:])
    try:
        known = _usual_offset(year, month, day, number) if year >= _WHOLE_HOURS else None
    except ValueError:
        return None
    if known is None:
        return None
    return known[0], f"{hour[:4]}-{hour[4:6]}-{hour[6:8]}T{hour[8:]}:", known[1]


def _read_date(year: str, month: str | None, day: str | None, lenient: bool) -> Timestamp:
    flags: tuple[str, ...] = ()
    if lenient and (day == "00" or month == "00"):
        # Registers write an unknown day or month as zeros.
        flags = ("date-zeros",)
        if month == "00" and day not in (None, "00"):
            msg = "a day without month"
            raise TimestampError(msg)
        day = None
        month = None if month == "00" else month
    try:
        date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        msg = "a date that does not exist"
        raise TimestampError(msg) from None
    text = "-".join(part for part in (year, month, day) if part)
    return Timestamp(text, None, Precision(1 + text.count("-")), flags)


def _with_offset(
    local: datetime,
    offset: list[str | None],
    written: str,
    precision: Precision,
    flags: tuple[str, ...],
) -> Timestamp:
    sign, hours, minutes = (part or "" for part in offset)
    if not sign:
        zone, suffix = UTC, "Z"
    else:
        size = timedelta(hours=int(hours), minutes=int(minutes))
        if size > timedelta(hours=14) or int(minutes) > 59:
            msg = "an offset that does not exist"
            raise TimestampError(msg)
        zone = timezone(-size if sign == "-" else size)
        suffix = f"{sign}{hours}:{minutes}"
    instant = local.replace(tzinfo=zone).astimezone(UTC)
    return Timestamp(written + suffix, instant, precision, flags, instant)


def _in_paris(
    local: datetime, written: str, precision: Precision, flags: tuple[str, ...]
) -> Timestamp:
    known = (
        _usual_offset(local.year, local.month, local.day, local.hour)
        if local.year >= _WHOLE_HOURS
        else None
    )
    if known is not None:
        offset, suffix = known
        instant = (local - offset).replace(tzinfo=UTC)
        return Timestamp(written + suffix, instant, precision, (*flags, "tz-assumed"), instant)
    early = local.replace(tzinfo=PARIS)
    instant = latest = early.astimezone(UTC)
    flags = (*flags, "tz-assumed")
    if early.utcoffset() != early.replace(fold=1).utcoffset():
        shifted = instant.astimezone(PARIS)
        if shifted.replace(tzinfo=None) != local:
            written = written.replace(f"T{local.hour:02}", f"T{shifted.hour:02}")
            early = shifted
            flags = (*flags, "tz-repair")
        else:
            latest = early.replace(fold=1).astimezone(UTC)
            flags = (*flags, "tz-ambiguous")
    return Timestamp(written + _suffix(early), instant, precision, flags, latest)


@lru_cache(maxsize=4096)
def _usual_offset(year: int, month: int, day: int, hour: int) -> tuple[timedelta, str] | None:
    """Return the offset of a whole hour in Paris, None when it exists twice or not at all.

    Messages come from a few hours, so most of them find it here.
    """
    local = datetime(year, month, day, hour, tzinfo=PARIS)
    offset = local.utcoffset()
    if offset is None or offset != local.replace(fold=1).utcoffset():
        return None
    return offset, _suffix(local)


def _settled(stamp: Timestamp, not_after: datetime) -> Timestamp:
    """Drop the second reading when the event was recorded before it."""
    if stamp.latest_utc is None or stamp.latest_utc <= not_after:
        return stamp
    flags = tuple(flag for flag in stamp.flags if flag != "tz-ambiguous")
    return Timestamp(stamp.text_fhir, stamp.instant_utc, stamp.precision, flags, stamp.instant_utc)


def _suffix(local: datetime) -> str:
    """Return the offset as FHIR writes it; seconds of the local mean time before 1911 are cut."""
    minutes = int((local.utcoffset() or timedelta()).total_seconds()) // 60
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _first_of(year: int, month: int) -> date | None:
    return date(year, month, 1) if year <= date.max.year else None


@lru_cache(maxsize=4096)
def _midnight_utc(day: date) -> datetime:
    if day.year == 1:
        return _FIRST
    return datetime(day.year, day.month, day.day, tzinfo=PARIS).astimezone(UTC)
