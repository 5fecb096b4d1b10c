"""When a FHIR dateTime says that something happened; instants counted by hand."""

from datetime import UTC, datetime

import pytest

from gateway.core.facts import Span
from gateway.fhir.moments import moment


def at(text: str) -> datetime:
    """Return an instant of UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("2026-03-02T08:30:00+01:00", "2026-03-02 07:30", "2026-03-02 07:30"),
        ("2026-03-02T07:30:00Z", "2026-03-02 07:30", "2026-03-02 07:30"),
        ("2026-03-02", "2026-03-01 23:00", "2026-03-02 23:00"),
        # The days on which the clocks change have 23 and 25 hours.
        ("2026-03-29", "2026-03-28 23:00", "2026-03-29 22:00"),
        ("2026-10-25", "2026-10-24 22:00", "2026-10-25 23:00"),
    ],
)
def test_a_moment_is_an_instant_or_a_day_of_paris(text, low, high):
    assert moment(text) == Span(at(low), at(high))


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-03", "2026-03-02T08:30:00", "9999-12-31", "2026-02-30", "yesterday"]
)
def test_what_is_neither_is_no_moment(text):
    assert moment(text) is None
