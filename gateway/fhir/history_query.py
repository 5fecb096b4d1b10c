"""Read the parameters of a history (FHIR R4 http, history)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.core.errors import RejectedError
from gateway.core.issues import Issue
from gateway.core.ports import Changes
from gateway.fhir import page_tokens
from gateway.fhir.search_dates import date_range
from gateway.fhir.search_faults import bad_value, place, unknown_parameter
from gateway.fhir.search_results import DEFAULT_COUNT, read_count

_KNOWN = ("_at", "_count", "_cursor", "_format", "_pretty", "_since")


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """A history that was understood.

    Attributes:
        wanted: which versions.
        count: versions per page; 0 when only the total is wanted.
        cursor: place the page starts at; None for the first page.
        issued: when the page was offered; None for the first.
        used: name and value pairs that had an effect, for the links.
    """

    wanted: Changes
    count: int = DEFAULT_COUNT
    cursor: str | None = None
    issued: datetime | None = None
    used: tuple[tuple[str, str], ...] = ()

    def page_token(self, cursor: str, now: datetime | None) -> str:
        """Return the token that continues this history at a store cursor, given out now."""
        return page_tokens.write(self._asked(), cursor, now)

    def own_token(self) -> str | None:
        """Return the token of this page; None for the first."""
        return None if self.cursor is None else self.page_token(self.cursor, self.issued)

    def at(self, token: str, now: datetime | None) -> "HistoryQuery":
        """Return this history from the page of a token on.

        Raises:
            RejectedError: the token is of another one, or too old (RLS-FHR-065, RLS-FHR-072).
        """
        opened = page_tokens.read(self._asked(), token, now)
        return replace(self, cursor=opened.cursor, issued=opened.issued)

    def _asked(self) -> str:
        return f"history\n{self.wanted}"


def parse_history(
    pairs: Sequence[tuple[str, str]],
    now: datetime | None = None,
    *,
    type_: str = "",
    id_: str = "",
) -> HistoryQuery:
    """Read a history.

    Args:
        pairs: decoded names and values of the address, in order.
        now: what the life of a page is measured from.
        type_: history of one type; empty for that of the system.
        id_: history of one resource of the type; empty for all.

    Raises:
        RejectedError: one issue per fault (RLS-FHR-060, RLS-FHR-062, RLS-FHR-065, RLS-FHR-072).
    """
    count: int | None = DEFAULT_COUNT
    token = None
    spans: dict[str, tuple[datetime, datetime]] = {}
    used: list[tuple[str, str]] = []
    issues: list[Issue] = []
    for name, value in pairs:
        if name not in _KNOWN:
            issues.append(unknown_parameter(place(name), "a history", _KNOWN))
        elif name == "_count":
            count = read_count(value)
            used.append((name, str(count)))
            if count is None:
                issues.append(bad_value("http._count", "a whole number, 0 or more"))
        elif name in ("_since", "_at"):
            found = _span(value)
            used.append((name, value))
            if found is None:
                issues.append(bad_value(f"http.{name}", "an instant or a date"))
            else:
                spans[name] = found
        elif name == "_cursor":
            token = value
        elif name == "_format":
            used.append((name, value))
    if issues:
        raise RejectedError(issues)
    since = spans["_since"][0] if "_since" in spans else None
    wanted = Changes(type_, id_, since, spans.get("_at"))
    query = HistoryQuery(wanted, count or 0, used=tuple(used))
    return query if token is None else query.at(token, now)


def _span(text: str) -> tuple[datetime, datetime] | None:
    # An unescaped plus in an address arrives as a space.
    found = date_range(text.replace(" ", "+"))
    if found is None:
        return None
    low, high = found
    return datetime.fromisoformat(low), datetime.fromisoformat(high)


def is_number(text: str) -> bool:
    """Tell whether a text is a plain number that fits every store."""
    return text.isascii() and text.isdigit() and len(text) < 10
