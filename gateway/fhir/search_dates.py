"""Turn FHIR dates into half-open UTC ranges for the search index and for search values.

A date stands for the whole span its precision leaves open (FHIR R4 search, date). A value
without zone is French local time (Europe/Paris), a bare day is a Paris day. Does not compare
ranges; the store does.
"""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

#: Bounds of a period that is open at one end; they sort before and after every real instant.
FIRST = "0001-01-01T00:00:00.000000Z"
LAST = "9999-12-31T23:59:59.999999Z"

_PARIS = ZoneInfo("Europe/Paris")
_FORM = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)
_MICROSECOND = timedelta(microseconds=1)
_SECOND = timedelta(seconds=1)
_MINUTE = timedelta(minutes=1)

Range = tuple[str, str]


def instant_text(instant: datetime) -> str:
    """Write an aware instant as the index does: fixed-width UTC text that sorts as time does."""
    return _utc_text(instant.astimezone(UTC))


def _utc_text(instant: datetime) -> str:
    return instant.isoformat(timespec="microseconds")[:26] + "Z"


# One message says the same few instants in many resources, and folds say them again.
@lru_cache(maxsize=8192)
def date_range(text: str) -> Range | None:
    """Return the start and the exclusive end of a FHIR date, dateTime or instant.

    Args:
        text: `YYYY`, `YYYY-MM`, `YYYY-MM-DD` or a dateTime with at least minutes.

    Returns:
        Both ends as fixed-width UTC text; None when the text is not such a date or does not exist
        in the calendar (nothing is rolled over).
    """
    form = _FORM.fullmatch(text)
    if form is None:
        return None
    try:
        if form[4] is None:
            return _day_range(form[1], form[2], form[3])
        return _instant_range(text, form)
    except ValueError:
        return None


def value_ranges(value: Any) -> list[Range]:
    """Return the ranges of a date, dateTime, instant, Period or Timing of a resource."""
    if isinstance(value, str):
        single = date_range(value)
        return [] if single is None else [single]
    if not isinstance(value, dict):
        return []
    if "start" in value or "end" in value:
        return [_period(value)]
    ranges = [found for item in value.get("event", ()) if (found := date_range(item))]
    bounds = value.get("repeat", {}).get("boundsPeriod")
    if bounds:
        ranges.append(_period(bounds))
    return ranges


def _period(value: dict[str, Any]) -> Range:
    start = date_range(value.get("start", ""))
    end = date_range(value.get("end", ""))
    return (start[0] if start else FIRST, end[1] if end else LAST)


def _day_range(year: str, month: str | None, day: str | None) -> Range:
    start = date(int(year), int(month or 1), int(day or 1))
    if day is not None:
        end = _next(start, 1)
    elif month is not None:
        end = _next(start.replace(day=1), 31)
    else:
        end = _next(start, 366)
    if end is not None and day is None:
        end = end.replace(day=1) if month is not None else end.replace(month=1, day=1)
    return (_midnight(start), LAST if end is None else _midnight(end))


def _next(start: date, days: int) -> date | None:
    try:
        return start + timedelta(days=days)
    except OverflowError:
        return None


def _midnight(day: date) -> str:
    try:
        return instant_text(datetime(day.year, day.month, day.day, tzinfo=_PARIS))
    except OverflowError:
        # Midnight in Paris of the first day there is falls before the first instant in UTC.
        return FIRST


def _instant_range(text: str, form: re.Match[str]) -> Range:
    start = datetime.fromisoformat(text)
    if form[7] is None:
        start = start.replace(tzinfo=_PARIS)
    fraction = form[6]
    if fraction is not None:
        width = max(timedelta(seconds=10.0 ** (1 - len(fraction))), _MICROSECOND)
    else:
        width = _MINUTE if form[5] is None else _SECOND
    try:
        # Added in UTC: local arithmetic would jump an hour on the night the clocks change.
        begin = start.astimezone(UTC)
        return (_utc_text(begin), _utc_text(begin + width))
    except OverflowError:
        edge = FIRST if start.year == 1 else LAST
        return (edge, edge)
