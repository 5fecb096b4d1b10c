"""Folded resources and their search in memory."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from gateway.core.contributions import Target
from gateway.core.ports import Condition, NewVersion, Page, StoredResource
from gateway.store import codec
from gateway.store.codec import EntryColumns, instant_text
from gateway.store.journal import Journal
from gateway.store.problems import conflict

Key = tuple[str, str]
_ROW_PARAMS = ("_id", "_lastUpdated")


class MemoryResources:
    """Current and past versions."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._current: dict[Key, StoredResource] = {}
        self._past: dict[Key, tuple[StoredResource, ...]] = {}
        self._entries: dict[Key, list[EntryColumns]] = {}
        self._owned: dict[Target, dict[Key, None]] = {}

    def current(self, keys: Sequence[Key]) -> dict[Key, StoredResource]:
        """Return the current version of each key that exists."""
        return {key: self._current[key] for key in keys if key in self._current}

    def owned(self, targets: Sequence[Target]) -> dict[Target, list[StoredResource]]:
        """Return the current, not deleted resources of each target, by type and id."""
        found: dict[Target, list[StoredResource]] = {}
        for target in set(targets):
            rows = [self._current[key] for key in sorted(self._owned.get(target, ()))]
            live = [row for row in rows if not row.deleted and row.owner == target]
            if live:
                found[target] = live
        return found

    def put(self, versions: Sequence[NewVersion]) -> None:
        """Write new versions."""
        for new in versions:
            row = new.resource
            key = (row.type, row.id)
            before = self._current.get(key)
            if row.version != (1 if before is None else before.version + 1):
                raise conflict()
            if before is not None:
                self._journal.put(self._past, key, (*self._past.get(key, ()), before))
            self._journal.put(self._current, key, row)
            self._journal.put(self._entries, key, codec.entry_columns(new.index))
            self._journal.put(self._owned.setdefault(row.owner, {}), key, None)

    def version(self, type_: str, id_: str, version: int) -> StoredResource | None:
        """Return one past or current version."""
        return next((r for r in self._versions((type_, id_)) if r.version == version), None)

    def history(self, type_: str, id_: str, limit: int, before: int | None) -> list[StoredResource]:
        """Return versions, newest first, numbered below `before`."""
        versions = [r for r in self._versions((type_, id_)) if before is None or r.version < before]
        return sorted(versions, key=lambda r: r.version, reverse=True)[:limit]

    def _versions(self, key: Key) -> list[StoredResource]:
        current = self._current.get(key)
        return [] if current is None else [*self._past.get(key, ()), current]

    def search(
        self, type_: str, conditions: Sequence[Condition], limit: int, cursor: str | None
    ) -> Page:
        """Return current resources that meet every condition."""
        place = None if cursor is None else codec.read_cursor(cursor)
        found = [
            row
            for key, row in self._current.items()
            if row.type == type_
            and not row.deleted
            and all(_meets(row, self._entries[key], condition) for condition in conditions)
        ]
        found.sort(key=lambda row: row.id)
        found.sort(key=lambda row: row.last_updated, reverse=True)
        after = [row for row in found if place is None or _is_after(row, place)]
        page = after[:limit]
        more = bool(page) and len(after) > limit
        last = (
            codec.write_cursor(instant_text(page[-1].last_updated), page[-1].id) if more else None
        )
        return Page(page, len(found), last)

    def counts(self) -> dict[str, int]:
        """Return how many current resources of each type exist."""
        counts: dict[str, int] = {}
        for row in self._current.values():
            if not row.deleted:
                counts[row.type] = counts.get(row.type, 0) + 1
        return counts


def _place(row: StoredResource) -> str:
    return codec.write_cursor(instant_text(row.last_updated), row.id)


def _is_after(row: StoredResource, place: tuple[str, str]) -> bool:
    updated = instant_text(row.last_updated)
    return updated < place[0] or (updated == place[0] and row.id > place[1])


def _meets(row: StoredResource, entries: Sequence[EntryColumns], condition: Condition) -> bool:
    if condition.param in _ROW_PARAMS:
        own = [_row_entry(row, condition.param)]
    else:
        own = [entry for entry in entries if entry[0] == condition.param]
    if condition.missing is not None:
        return condition.missing is not bool(own)
    test = _in_range if condition.kind == "date" else _is_token
    # FHIR R4 search prefixes are defined on instants; row instants are compared in one notation.
    wanted = [
        _normalised(alternative) if condition.param == "_lastUpdated" else alternative
        for alternative in condition.alternatives
    ]
    met = any(test(entry, alternative) for entry in own for alternative in wanted)
    return met is not condition.negated


def _row_entry(row: StoredResource, param: str) -> EntryColumns:
    if param == "_id":
        return param, "", row.id, "", ""
    end = row.last_updated + timedelta(microseconds=1)
    return param, instant_text(row.last_updated), "", "", instant_text(end)


def _normalised(alternative: Sequence[str | None]) -> tuple[str | None, ...]:
    prefix, low, high = alternative
    instants = [instant_text(codec.read_instant(text)) for text in (low, high) if text]
    return (prefix, *instants)


def _is_token(entry: EntryColumns, alternative: Sequence[str | None]) -> bool:
    system, value = alternative
    _, low, entry_value, entry_system, _ = entry
    return (
        not low
        and (system is None or entry_system == codec.key_text(system))
        and (value is None or entry_value == codec.key_text(value))
    )


#: FHIR R4 3.1.1.4.8: (low, high) of the resource against (low, high) of the search.
_RANGES: dict[str, Callable[[str, str, str, str], bool]] = {
    "eq": lambda low, high, start, end: low >= start and high <= end,
    "ne": lambda low, high, start, end: low < start or high > end,
    "gt": lambda low, high, start, end: high > end,
    "lt": lambda low, high, start, end: low < start,
    "ge": lambda low, high, start, end: high > end or (low >= start and high <= end),
    "le": lambda low, high, start, end: low < start or (low >= start and high <= end),
    "sa": lambda low, high, start, end: low >= end,
    "eb": lambda low, high, start, end: high <= start,
}


def _in_range(entry: EntryColumns, alternative: Sequence[str | None]) -> bool:
    prefix, start, end = alternative
    _, low, _, _, high = entry
    return bool(low) and _RANGES[prefix or "eq"](low, high, start or "", end or "")
