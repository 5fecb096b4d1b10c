"""Reads the entries of a transaction or a batch: what each asks for (FHIR R4 http 3.1.0.11).

Judges the requests, not the resources, and resolves nothing.
"""

import re
from dataclasses import dataclass
from typing import Any

from gateway.core.contributions import Json
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue
from gateway.fhir import write_faults as faults

MOST = 1000
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
_WITH_RESOURCE = frozenset({"POST", "PUT", "PATCH"})
_URL = re.compile(
    r"([A-Za-z_$][A-Za-z_$-]{0,60})(?:/([^/?#\s]{1,80}))?(/[^?#\s]{0,200})?(?:\?([^#\s]*))?",
    re.ASCII,
)
_CONDITIONS = ("ifMatch", "ifNoneExist", "ifNoneMatch", "ifModifiedSince")


@dataclass(frozen=True, slots=True)
class Entry:
    """What one entry asks for.

    Attributes:
        number: in the Bundle, from 0.
        type: first part of the address.
        id: second part, empty when there is none.
        rest: what comes behind (`/_history`).
        criteria: behind the question mark; None when there is none.
        resource: as sent; None when there is none.
        full_url: empty when there is none.
        conditions: the headers of the request, by their names in `Bundle.entry.request`.
    """

    number: int
    method: str
    type: str
    id: str
    rest: str
    criteria: str | None
    resource: Json | None
    full_url: str
    conditions: dict[str, str]

    @property
    def place(self) -> str:
        """Return where the entry stands."""
        return f"Bundle.entry[{self.number}]"

    @property
    def url(self) -> str:
        """Return the address below the base, as sent."""
        path = f"{self.type}/{self.id}" if self.id else self.type
        return path + self.rest + ("" if self.criteria is None else f"?{self.criteria}")


def read_entries(bundle: Json, base: str) -> list[Entry]:
    """Read the entries of a Bundle.

    Args:
        bundle: what was sent to the address of the server.
        base: that address, without trailing slash; requests may name it.

    Raises:
        RejectedError: it is no transaction and no batch (RLS-FHR-257), has too many entries
            (RLS-FHR-258), or entries that cannot be understood, one issue each (RLS-FHR-256).
    """
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") not in ("transaction", "batch"):
        raise RejectedError([faults.not_a_bundle()])
    told = bundle.get("entry", [])
    if not isinstance(told, list):
        raise RejectedError([faults.bad_entry("Bundle.entry", "it is no list")])
    if len(told) > MOST:
        raise RejectedError([faults.too_many_entries(MOST)])
    found = [_entry(one, number, base) for number, one in enumerate(told)]
    issues = [one for one in found if isinstance(one, Issue)]
    entries = [one for one in found if isinstance(one, Entry)]
    issues += _said_twice(entries)
    if issues:
        raise RejectedError(issues)
    return entries


def _entry(told: Any, number: int, base: str) -> Entry | Issue:
    where = f"Bundle.entry[{number}]"
    request = told.get("request") if isinstance(told, dict) else None
    if not isinstance(request, dict):
        return faults.bad_entry(where, "it has no request")
    method, url = request.get("method"), request.get("url")
    if not isinstance(method, str) or method not in _METHODS:
        return faults.bad_entry(f"{where}.request.method", "the method is none of HTTP")
    match = _URL.fullmatch(url.removeprefix(f"{base}/")) if isinstance(url, str) else None
    if match is None:
        return faults.bad_entry(
            f"{where}.request.url", "the address is none below the base of this server"
        )
    resource, full_url = told.get("resource"), told.get("fullUrl", "")
    if method in _WITH_RESOURCE and not isinstance(resource, dict):
        return faults.bad_entry(where, "there is no resource to write")
    conditions = {name: request[name] for name in _CONDITIONS if name in request}
    if not all(isinstance(text, str) for text in (full_url, *conditions.values())):
        return faults.bad_entry(where, "a text is none")
    if any(not text.isprintable() or len(text) > 2000 for text in (full_url, *conditions.values())):
        return faults.bad_entry(where, "a text is too long or holds controls")
    type_, id_, rest, criteria = match.groups()
    sent = resource if method in _WITH_RESOURCE else None
    return Entry(number, method, type_, id_ or "", rest or "", criteria, sent, full_url, conditions)


def _said_twice(entries: list[Entry]) -> list[Issue]:
    """Tell which fullUrl stands twice (FHIR R4 bdl-7); reads may share one."""
    seen: set[str] = set()
    issues = []
    for one in entries:
        if one.full_url and one.full_url in seen:
            where = f"{one.place}.fullUrl"
            issues.append(faults.bad_entry(where, "another entry has the same fullUrl"))
        seen.add(one.full_url)
    return issues
