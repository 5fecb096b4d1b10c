"""Instants of the invented territory."""

from datetime import UTC, datetime, timedelta

#: Saturday 14 March 2026, 09:40 in Paris.
NOW = datetime(2026, 3, 14, 8, 40, tzinfo=UTC)


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    """Return an instant of March 2026, on the clock of Paris (UTC + 1)."""
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC) - timedelta(hours=1)
