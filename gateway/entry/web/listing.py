"""The address of the worklist: what its query asks for, and the addresses its links lead to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from gateway.entry.web.data import VIEWS, GapFilter, Worklist
from gateway.entry.web.forms import ACTS
from gateway.entry.web.store_worklist import AGES, PAGE
from gateway.entry.web.values import SEVERITIES

#: Filters, by their name in the address and in `GapFilter`.
_FILTERS = {
    "sev": "severity",
    "rule": "rule",
    "owner": "owner",
    "site": "estab",
    "patient": "patient",
    "status": "state",
    "age": "age",
}
KNOWN = (
    "view", *_FILTERS, "sort", "after", "start", "told", "fault", "did", "v", "gap",
)  # fmt: skip
#: States of the work one can filter by.
STATES = ("a-traiter", "en-cours", "attente-etablissement", "attente-patient", "escalade")
_LEFT_OUT = frozenset({"after", "start", "told", "fault", "did", "v", "gap"})
Query = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Did:
    """What the form before did, with the version it wrote: it can be undone."""

    act: str
    version: int
    gap_id: str = ""


def wanted(query: Query, me: str) -> GapFilter:
    """Return what a query asks for; what it does not understand is left out."""
    view = query.get("view", "open")
    told = {name: query.get(short, "")[:80] for short, name in _FILTERS.items()}
    if told["severity"] not in SEVERITIES:
        told["severity"] = ""
    if told["age"] not in AGES:
        told["age"] = ""
    start = query.get("start", "")
    return GapFilter(
        view if view in VIEWS else "open",
        **told,
        sort="deadline" if query.get("sort") == "deadline" else "severity",
        after=tuple(query["after"][:200].split("|")) if query.get("after") else (),
        start=int(start) if start.isascii() and start.isdigit() and len(start) < 9 else 0,
        me=me,
    )


def did(query: Query) -> Did | None:
    """Return what the form before did; None when the page was opened without one."""
    act, version = query.get("did", ""), query.get("v", "")
    if act not in ACTS or not (version.isascii() and version.isdigit() and len(version) < 9):
        return None
    return Did(act, int(version), query.get("gap", "")[:80])


def shown(query: Query, asked: GapFilter, page: Worklist) -> dict[str, Any]:
    """Return the addresses of a page of the list and what its filters say."""
    kept = {k: v for k, v in query.items() if k in KNOWN and k not in _LEFT_OUT and v}
    following = ""
    if page.following:
        following = address({**kept, "after": "|".join(page.following)})
    elif not page.following and asked.start + PAGE < page.total and asked.view in _BY_NUMBER:
        following = address({**kept, "start": str(asked.start + PAGE)})
    filters = {k: v for k, v in kept.items() if k in _FILTERS}
    bare = {} if asked.view == "open" else {"view": asked.view}
    others = {k: v for k, v in kept.items() if k != "sort"}
    return {
        "filters": filters,
        "filtered": bool(filters),
        "cleared": address(bare),
        "first": address(kept) if asked.after or asked.start else "",
        "following": following,
        "back": address(kept),
        "by_severity": address(others),
        "by_deadline": address({**others, "sort": "deadline"}),
        "views": VIEWS,
        "states": STATES,
        "ages": tuple(AGES),
        "did": did(query),
        "fault": query.get("fault", "")[:20],
    }


_BY_NUMBER = ("today", "muted", "unconfirmed")


def address(query: Query) -> str:
    """Return the address of the list with a query."""
    return f"/gaps?{urlencode(query)}" if query else "/gaps"
