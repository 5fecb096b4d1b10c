"""French working days and deadlines, counted naively; shares nothing with `gateway.pathway`."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
FOREVER = datetime.max.replace(tzinfo=UTC)
DAY = timedelta(days=1)


def easter(year: int) -> date:
    """Return Easter Sunday (anonymous Gregorian algorithm)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


def is_free(day: date) -> bool:
    """Tell whether nobody works: week-end or public holiday."""
    fixed = {(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)}
    moving = {easter(day.year) + n * DAY for n in (1, 39, 50)}
    return day.weekday() > 4 or (day.month, day.day) in fixed or day in moving


def deadline(anchor: datetime, n: int, unit: str, pauses: list[tuple[datetime, datetime]]):
    """Count day by day, or second by second stretch; None when a pause never ends."""
    if unit == "h":
        left, now = timedelta(hours=n), anchor
        for start, end in sorted(pauses):
            if end <= now:
                continue
            if now + left <= start:
                break
            left -= max(start - now, timedelta(0))
            if end == FOREVER:
                return None
            now = max(end, now)
        return now + left
    day = anchor.astimezone(PARIS).date()
    if unit == "bh":
        return _business_hours(anchor, timedelta(hours=n), day)
    n = 0 if unit == "day0" else n
    while n > 0:
        day += DAY
        if unit == "bd" and is_free(day):
            continue
        noon = datetime.combine(day, time(12), PARIS).astimezone(UTC)
        inside = [end for start, end in pauses if start <= noon < end]
        if any(end == FOREVER for end in inside):
            return None
        n -= not inside
    return datetime.combine(day, time(23, 59, 59), PARIS).astimezone(UTC)


def _business_hours(anchor: datetime, left: timedelta, day: date) -> datetime:
    """Count from 8 to 18 o'clock of working days."""
    while True:
        opens, closes = (
            datetime.combine(day, time(hour), PARIS).astimezone(UTC) for hour in (8, 18)
        )
        begins = max(opens, anchor)
        if not is_free(day) and begins < closes:
            if begins + left <= closes:
                return begins + left
            left -= closes - begins
        day += DAY
