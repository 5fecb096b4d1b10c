"""When a FHIR dateTime or instant says that something happened, as precisely as it says so."""

from datetime import UTC, date, datetime, time, timedelta

from gateway.core.facts import Span
from gateway.core.timestamps import PARIS

_DAY = len("2026-11-14")


def moment(text: str) -> Span | None:
    """Return an instant, or a day of Paris, in UTC; None where it is neither.

    Args:
        text: of a dateTime or instant; a year, a month or a time without zone is no moment.
    """
    try:
        if len(text) == _DAY:
            day = date.fromisoformat(text)
            ends = (datetime.combine(one, time(), PARIS) for one in (day, day + timedelta(days=1)))
            return Span(*(end.astimezone(UTC) for end in ends))
        at = datetime.fromisoformat(text)
        return Span(at.astimezone(UTC), at.astimezone(UTC)) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None
