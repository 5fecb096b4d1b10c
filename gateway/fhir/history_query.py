"""Read the parameters of an instance history (FHIR R4 http, history)."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.core.errors import RejectedError
from gateway.core.issues import Issue
from gateway.fhir.search_dates import date_range
from gateway.fhir.search_query import (
    DEFAULT_COUNT,
    MAX_COUNT,
    bad_cursor,
    bad_value,
    place,
    unknown_parameter,
)

_KNOWN = ("_count", "_cursor", "_format", "_pretty", "_since")


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """A history that was understood.

    Attributes:
        count: versions per page; 0 when only the total is wanted.
        since: earliest `lastUpdated`, in the text form of the search index; empty for all.
        before: version number the page starts below; None for the first page.
        used: name and value pairs that had an effect, for the links.
    """

    count: int = DEFAULT_COUNT
    since: str = ""
    before: int | None = None
    used: tuple[tuple[str, str], ...] = ()


def parse_history(pairs: Sequence[tuple[str, str]]) -> HistoryQuery:
    """Read a history.

    Raises:
        RejectedError: one issue per fault (RLS-FHR-060, RLS-FHR-062, RLS-FHR-065).
    """
    count, since, before = DEFAULT_COUNT, "", None
    used: list[tuple[str, str]] = []
    issues: list[Issue] = []
    for name, value in pairs:
        if name not in _KNOWN:
            issues.append(unknown_parameter(place(name), "a history", _KNOWN))
        elif name == "_count":
            if is_number(value):
                count = min(int(value), MAX_COUNT)
                used.append((name, str(count)))
            else:
                issues.append(bad_value("http._count", "a whole number, 0 or more"))
        elif name == "_since":
            found = date_range(value.replace(" ", "+"))
            since = found[0] if found else ""
            if found is None:
                issues.append(bad_value("http._since", "an instant"))
            used.append((name, value))
        elif name == "_cursor":
            before = int(value) if is_number(value) else None
            if before is None:
                issues.append(bad_cursor())
        elif name == "_format":
            used.append((name, value))
    if issues:
        raise RejectedError(issues)
    return HistoryQuery(count, since, before, tuple(used))


def is_number(text: str) -> bool:
    """Tell whether a text is a plain number that fits every store."""
    return text.isascii() and text.isdigit() and len(text) < 10
