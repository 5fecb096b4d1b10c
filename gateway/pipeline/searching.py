"""Run a search: the page of its matches, and what else it asks to be there.

Spec: FHIR R4 search 3.1.1.5.3 (_include, _revinclude). What is included counts neither in the
total nor in the size of a page; deleted and unknown targets are left out.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import orjson

from gateway.core.ports import Condition, StoredResource, Transaction
from gateway.fhir.search import Query, index
from gateway.fhir.search_results import Include
from gateway.fhir.search_table import PARAMETERS

Key = tuple[str, str]
#: What one page holds beside its matches.
MAX_INCLUDED = 1000
#: Matches that are counted without being asked to (FHIR R4 3.1.1.5.3: the server may choose).
COUNTED = 5000
#: How far `:iterate` goes.
_MAX_ROUNDS = 5
_AT_ONCE = 100


class Found(NamedTuple):
    """One page of a search.

    Attributes:
        matches: resources that meet the search.
        total: matches on all pages; None when they were not counted to the end.
        next_cursor: where the next page starts; None on the last.
        included: what is there beside them.
        is_cut: more was to be included than a page holds.
    """

    matches: list[StoredResource]
    total: int | None
    next_cursor: str | None
    included: list[StoredResource]
    is_cut: bool = False


def run(tx: Transaction, query: Query) -> Found:
    """Return the page a search asks for."""
    limit = 0 if query.count_only else query.count
    is_counted = query.count_only or query.total in ("estimate", "accurate")
    most = None if is_counted else 0 if query.total == "none" else COUNTED
    page = tx.resources.search(
        query.type, query.conditions, limit, query.cursor, query.sort, most=most
    )
    if query.count_only:
        return Found([], page.total, None, [])
    added = _Added(tx, page.resources)
    added.gather(page.resources, query.includes)
    total = None if page.is_cut or query.total == "none" else page.total
    return Found(page.resources, total, page.next_cursor, added.found, added.is_cut)


def referenced(tx: Transaction, resources: Sequence[StoredResource]) -> list[StoredResource]:
    """Return what resources point to and that is not among them."""
    added = _Added(tx, resources)
    added.gather(resources, [Include("*", "*")])
    return added.found


class _Added:
    """Collects what is included, each resource once."""

    def __init__(self, tx: Transaction, matches: Iterable[StoredResource]) -> None:
        self._tx = tx
        self._seen = {(row.type, row.id) for row in matches}
        self.found: list[StoredResource] = []
        self.is_cut = False

    def gather(self, matches: Sequence[StoredResource], includes: Sequence[Include]) -> None:
        """Follow every include from the matches, the iterating ones from what they bring too."""
        frontier, wanted = matches, includes
        for _ in range(_MAX_ROUNDS):
            before = len(self.found)
            for include in wanted:
                self._follow(frontier, include)
            frontier = self.found[before:]
            wanted = [include for include in includes if include.iterate]
            if not frontier or not wanted or self.is_cut:
                return

    def _follow(self, frontier: Sequence[StoredResource], include: Include) -> None:
        if include.reverse:
            self._pointing_here(frontier, include)
            return
        keys: dict[Key, None] = {}
        for row in frontier:
            if include.type in ("*", row.type):
                keys.update(dict.fromkeys(_targets(row, include)))
        wanted = [key for key in keys if key not in self._seen]
        rows = self._tx.resources.current(wanted)
        self._add(rows[key] for key in wanted if key in rows)

    def _pointing_here(self, frontier: Sequence[StoredResource], include: Include) -> None:
        here = [(r.type, r.id) for r in frontier if include.target in ("", r.type)]
        for code in _codes(include.type, include.code):
            for first in range(0, len(here), _AT_ONCE):
                condition = Condition(code, "reference", tuple(here[first : first + _AT_ONCE]))
                room = MAX_INCLUDED - len(self.found)
                page = self._tx.resources.search(include.type, [condition], room + 1, None)
                self._add(page.resources)

    def _add(self, rows: Iterable[StoredResource]) -> None:
        for row in rows:
            key = (row.type, row.id)
            if row.deleted or key in self._seen:
                continue
            if len(self.found) == MAX_INCLUDED:
                self.is_cut = True
                return
            self._seen.add(key)
            self.found.append(row)


def _codes(type_: str, code: str) -> list[str]:
    if code != "*":
        return [code]
    return [p.code for p in PARAMETERS.get(type_, ()) if p.kind == "reference"]


def _targets(row: StoredResource, include: Include) -> list[Key]:
    """Return the types and ids a resource points to by the parameter of an include."""
    codes = frozenset(_codes(row.type, include.code))
    return [
        (entry.system, entry.value)
        for entry in index(orjson.loads(row.body))
        if entry.param in codes
        and entry.system
        and entry.value
        and "/" not in entry.value
        and include.target in ("", entry.system)
    ]
