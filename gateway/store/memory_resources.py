"""Folded resources and their search in memory."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from gateway.core.access import Sight
from gateway.core.contributions import Target
from gateway.core.index_ports import Reindexed
from gateway.core.ports import Changes, Condition, NewVersion, Page, Sort, StoredResource
from gateway.fhir.compartment import decides, masks_of, patient_of
from gateway.store import codec, places
from gateway.store.codec import EntryColumns, instant_text
from gateway.store.journal import Journal
from gateway.store.memory_search import Held, behind, order
from gateway.store.problems import conflict
from gateway.store.sight import MemorySight

Key = tuple[str, str]


class MemoryResources:
    """Current and past versions."""

    def __init__(
        self,
        journal: Journal,
        mark: Callable[[Iterable[str]], None],
        sight_of: Callable[[Sight], MemorySight],
    ) -> None:
        """Prepare.

        Args:
            journal: of the transaction.
            mark: has it decided anew who may see Patients.
            sight_of: gives the condition of what a client may be shown.
        """
        self._journal = journal
        self._mark, self._sight_of = mark, sight_of
        self._current: dict[Key, StoredResource] = {}
        self._of_type: dict[str, dict[Key, None]] = {}
        self._past: dict[Key, tuple[StoredResource, ...]] = {}
        self._entries: dict[Key, list[EntryColumns]] = {}
        self._owned: dict[Target, dict[Key, None]] = {}
        self.own_index = MemoryIndex(journal, self._current, self._entries)

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
            if before is None:
                self._journal.put(self._of_type.setdefault(row.type, {}), key, None)
            else:
                self._journal.put(self._past, key, (*self._past.get(key, ()), before))
            patient, masks = patient_of(*key, new.index), masks_of(new.index)
            if before is not None and row.deleted:
                # It says neither any more, and that it was there is told to nobody else.
                patient, masks = before.patient, before.masks
            row = replace(row, patient=patient, masks=masks)
            self._journal.put(self._current, key, row)
            entries = codec.entry_columns(new.index)
            changed = {entry[0] for entry in {*entries} ^ {*self._entries.get(key, ())}}
            self._journal.put(self._entries, key, entries)
            if decides(row.type, changed):
                self._mark({patient, *(() if before is None else (before.patient,))})
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

    def changes(
        self, wanted: Changes, limit: int, cursor: str | None, sight: Sight | None = None
    ) -> tuple[list[StoredResource], str | None]:
        """Return versions of many resources, newest first."""
        shown = None if sight is None else self._sight_of(sight)
        found: list[tuple[tuple[str, str, str, int], StoredResource]] = []
        place = None if cursor is None else places.read_change(cursor)
        for key in self._current:
            versions = self._versions(key)
            for row, later in zip(versions, [*versions[1:], None], strict=True):
                if shown is not None and not shown.sees_past(row, self._current):
                    continue
                if _is_wanted(row, later, wanted):
                    found.append((places.change_place(row), row))
        # Newest first; the rest of the place ascends, the latest version of a resource first.
        found.sort(key=lambda one: (*one[0][1:3], -one[0][3]))
        found.sort(key=lambda one: one[0][0], reverse=True)
        rows = [row for here, row in found if place is None or places.is_older(here, place)]
        more = len(rows) > limit
        return rows[:limit], places.write_change(rows[limit - 1]) if more and limit else None

    def search(
        self,
        type_: str,
        conditions: Sequence[Condition],
        limit: int,
        cursor: str | None,
        sort: Sequence[Sort] = (),
        sight: Sight | None = None,
        most: int | None = None,
    ) -> Page:
        """Return current resources that meet every condition."""
        place = None if cursor is None else places.read_place(cursor, len(sort))
        shown = (lambda _: True) if sight is None else self._sight_of(sight).sees
        held = self._held(shown)
        found = order(held.matches(type_, conditions))
        if sort:
            return _sorted(held, found, limit, place, sort)
        after = [row for row in found if place is None or _is_after(row, place)]
        page = after[:limit]
        more = bool(page) and len(after) > limit
        last = (
            codec.write_cursor(instant_text(page[-1].last_updated), page[-1].id) if more else None
        )
        return Page(page, len(found), last)

    def patients(self) -> list[str]:
        """Return the id of every Patient there is."""
        return [row.id for row in self._rows("Patient") if not row.deleted]

    def listed(
        self,
        type_: str,
        conditions: Sequence[Condition],
        after_id: str,
        limit: int,
        deleted_since: datetime | None = None,
        sight: Sight | None = None,
    ) -> list[tuple[str, int]]:
        """Return (id, version) of current resources that meet every condition, by id."""
        shown = (lambda _: True) if sight is None else self._sight_of(sight).sees
        if deleted_since is None:
            found = self._held(shown).matches(type_, conditions)
        else:
            found = [
                row
                for row in self._rows(type_)
                if row.deleted and row.last_updated >= deleted_since
                if shown(row)
            ]
        rows = sorted((row.id, row.version) for row in found if row.id > after_id)
        return rows[:limit]

    def counts(self) -> dict[str, int]:
        """Return how many current resources of each type exist."""
        counts: dict[str, int] = {}
        for row in self._current.values():
            if not row.deleted:
                counts[row.type] = counts.get(row.type, 0) + 1
        return counts

    def _rows(self, type_: str) -> Iterator[StoredResource]:
        """Return the current version of every resource of a type, the deleted ones too."""
        return (self._current[key] for key in self._of_type.get(type_, ()))

    def _held(self, shown: Callable[[StoredResource], bool]) -> Held:
        return Held(self._current, self._of_type, self._entries, shown)


class MemoryIndex:
    """The index of the current versions as a whole."""

    def __init__(
        self,
        journal: Journal,
        current: dict[Key, StoredResource],
        entries: dict[Key, list[EntryColumns]],
    ) -> None:
        self._journal = journal
        self._current = current
        self._entries = entries
        self._marks: dict[str, str] = {}

    def mark(self) -> str:
        """Return which search parameters every resource is indexed by."""
        return self._marks.get("resources", "")

    def set_mark(self, mark: str) -> None:
        """Say which search parameters every resource is indexed by."""
        self._journal.put(self._marks, "resources", mark)

    def rewrite(self, rows: Sequence[Reindexed]) -> int:
        """Index current versions anew; return how many changed."""
        changed = 0
        for row in rows:
            key = (row.type, row.id)
            entries = codec.entry_columns(row.index)
            same = key in self._current and self._current[key].version == row.version
            if same and set(self._entries[key]) != set(entries):
                self._journal.put(self._entries, key, entries)
                changed += 1
        return changed


def _sorted(
    held: Held,
    found: list[StoredResource],
    limit: int,
    place: Sequence[str] | None,
    sort: Sequence[Sort],
) -> Page:
    rows = sorted(found, key=lambda row: row.id)
    for number, key in reversed(list(enumerate(sort))):
        rows.sort(key=lambda row, n=number: held.values(row, sort)[n], reverse=key.descending)  # type: ignore[misc]
    after = [
        row for row in rows if place is None or behind(place, held.values(row, sort), row.id, sort)
    ]
    page = after[:limit]
    more = bool(page) and len(after) > limit
    last = places.write_place([*held.values(page[-1], sort), page[-1].id]) if more else None
    return Page(page, len(found), last)


def _is_wanted(row: StoredResource, later: StoredResource | None, wanted: Changes) -> bool:
    if row.type != (wanted.type or row.type) or row.id != (wanted.id or row.id):
        return False
    if wanted.since is not None and row.last_updated < wanted.since:
        return False
    if wanted.at is None:
        return True
    start, end = wanted.at
    return row.last_updated < end and (later is None or later.last_updated > start)


def _is_after(row: StoredResource, place: Sequence[str]) -> bool:
    updated = instant_text(row.last_updated)
    return updated < place[0] or (updated == place[0] and row.id > place[1])
