"""Search conditions on resources in memory: the same answers as `store.search` gives in SQL."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta

from gateway.core.ports import Condition, Sort, StoredResource
from gateway.store import codec
from gateway.store.codec import EntryColumns, instant_text
from gateway.store.search import LAST
from gateway.store.search_forms import ROW_PARAMS

Key = tuple[str, str]


class Held:
    """What is in memory, as conditions see it."""

    def __init__(
        self,
        current: Mapping[Key, StoredResource],
        of_type: Mapping[str, Iterable[Key]],
        entries: Mapping[Key, Sequence[EntryColumns]],
        shown: Callable[[StoredResource], bool] = lambda _: True,
    ) -> None:
        self._current = current
        self._of_type = of_type
        self._entries = entries
        self._shown = shown

    def matches(self, type_: str, conditions: Sequence[Condition]) -> list[StoredResource]:
        """Return the current resources of a type that meet every condition."""
        rows = ((key, self._current[key]) for key in self._of_type.get(type_, ()))
        return [
            row
            for key, row in rows
            if not row.deleted
            and self._shown(row)
            and all(self._meets(row, self._entries[key], one) for one in conditions)
        ]

    def values(self, row: StoredResource, sort: Sequence[Sort]) -> list[str]:
        """Return the value of a row for each key of an order."""
        return [self._value(row, key) for key in sort]

    def _value(self, row: StoredResource, key: Sort) -> str:
        if key.param == "_id":
            return row.id
        if key.param == "_lastUpdated":
            return instant_text(row.last_updated)
        place = 1 if key.kind in ("date", "quantity") else 2
        entries = self._entries[row.type, row.id]
        found = [entry[place] for entry in entries if entry[0] == key.param]
        if not found:
            return "" if key.descending else LAST
        return max(found) if key.descending else min(found)

    def _meets(
        self, row: StoredResource, entries: Sequence[EntryColumns], condition: Condition
    ) -> bool:
        if condition.kind in ("chain", "has"):
            return self._linked(row, entries, condition) is not condition.negated
        if condition.param in ROW_PARAMS:
            own: Iterable[EntryColumns] = [_row_entry(row, condition.param)]
        else:
            own = [entry for entry in entries if entry[0] == condition.param]
        if condition.missing is not None:
            return condition.missing is not bool(own)
        test = _test(condition)
        # FHIR R4 search prefixes are defined on instants; row instants are compared in one
        # notation.
        wanted = [
            _normalised(alternative) if condition.param == "_lastUpdated" else alternative
            for alternative in condition.alternatives
        ]
        met = any(test(entry, alternative) for entry in own for alternative in wanted)
        return met is not condition.negated

    def _linked(
        self, row: StoredResource, entries: Sequence[EntryColumns], condition: Condition
    ) -> bool:
        others = self.matches(condition.of, condition.inner)
        if condition.kind == "chain":
            wanted = {(condition.of, other.id) for other in others}
            return any(
                entry[0] == condition.param and not entry[1] and (entry[3], entry[2]) in wanted
                for entry in entries
            )
        here = (condition.param, "", row.id, row.type)
        return any(
            entry[:4] == here for other in others for entry in self._entries[other.type, other.id]
        )


def order(rows: list[StoredResource]) -> list[StoredResource]:
    """Sort rows as a listing is: the newest first, then by id."""
    rows.sort(key=lambda row: row.id)
    rows.sort(key=lambda row: row.last_updated, reverse=True)
    return rows


def behind(place: Sequence[str], values: Sequence[str], id_: str, sort: Sequence[Sort]) -> bool:
    """Tell whether a row comes behind a place in an order of its own."""
    *wanted, last_id = place
    for value, other, key in zip(values, wanted, sort, strict=True):
        if value != other:
            return value < other if key.descending else value > other
    return id_ > last_id


def _row_entry(row: StoredResource, param: str) -> EntryColumns:
    if param == "_id":
        return param, "", row.id, "", ""
    end = row.last_updated + timedelta(microseconds=1)
    return param, instant_text(row.last_updated), "", "", instant_text(end)


def _normalised(alternative: Sequence[str | None]) -> tuple[str | None, ...]:
    prefix, low, high = alternative
    instants = [instant_text(codec.read_instant(text)) for text in (low, high) if text]
    return (prefix, *instants)


Test = Callable[[EntryColumns, Sequence[str | None]], bool]


def _test(condition: Condition) -> Test:
    if condition.kind in ("date", "quantity"):
        return _in_range
    return _TESTS[condition.test or ("starts" if condition.kind == "string" else "")]


def _is(entry: EntryColumns, alternative: Sequence[str | None]) -> bool:
    system, value = alternative
    _, low, entry_value, entry_system, _ = entry
    return (
        not low
        and (system is None or entry_system == codec.key_text(system))
        and (value is None or entry_value == codec.key_text(value))
    )


def _among(entry: EntryColumns, alternative: Sequence[str | None]) -> bool:
    system, *codes = (codec.key_text(text or "") for text in alternative)
    return not entry[1] and entry[3] == system and entry[2] in codes


def _words(entry: EntryColumns, alternative: Sequence[str | None]) -> bool:
    value, fragment = alternative
    return (
        not entry[1]
        and (fragment or "") in entry[4]
        and (value is None or entry[2] == codec.key_text(value))
    )


def _on_value(holds: Callable[[str, str], bool], column: int = 2) -> Test:
    def test(entry: EntryColumns, alternative: Sequence[str | None]) -> bool:
        return not entry[1] and holds(entry[column], codec.key_text(alternative[1] or ""))

    return test


_TESTS: dict[str, Test] = {
    "": _is,
    "among": _among,
    "words": _words,
    "starts": _on_value(str.startswith),
    "contains": _on_value(str.__contains__),
    "exact": _on_value(str.__eq__, 3),
    "below": _on_value(str.startswith),
    "above": _on_value(lambda held, given: bool(held) and given.startswith(held)),
}

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
    "ap": lambda low, high, start, end: low < end and high > start,
}


def _in_range(entry: EntryColumns, alternative: Sequence[str | None]) -> bool:
    prefix, start, end, *unit = alternative
    _, low, value, system, high = entry
    if not low or not _RANGES[prefix or "eq"](low, high, start or "", end or ""):
        return False
    asked = zip(unit, (system, value), strict=False)
    return all(not text or held == codec.key_text(text) for text, held in asked)
