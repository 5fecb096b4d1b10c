"""Queries on the folded resources, current and past."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import bindparam, func, literal_column, select, tuple_, union_all

from gateway.core.access import Sight
from gateway.core.contributions import Target
from gateway.core.ports import Changes, Condition, NewVersion, Page, Sort, StoredResource
from gateway.fhir.compartment import decides, masks_of, patient_of
from gateway.store import changes, codec, places
from gateway.store import sight as sights
from gateway.store.problems import conflict
from gateway.store.searching import Searcher
from gateway.store.sqltext import Compiler, Session, Sql, given
from gateway.store.tables import TABLES

Key = tuple[str, str]
_NOW, _PAST, _ENTRY = (TABLES[name].c for name in ("resource", "resource_history", "index_entry"))
#: The columns of `_read`, in both tables.
_COLUMNS = tuple(_PAST.keys())
_ENTRY_COLUMNS = tuple(_ENTRY.keys())
_UPDATED, _ID = _COLUMNS.index("last_updated"), _COLUMNS.index("id")
_CHANGED = (
    *("version", "last_updated", "deleted", "content_hash", "owner"),
    *("patient", "masks", "entries", "body"),
)


class ResourceSql:
    """The statements of resources for one database."""

    def __init__(self, c: Compiler) -> None:
        now, past, entry = (
            TABLES[name] for name in ("resource", "resource_history", "index_entry")
        )
        current = [_NOW[name] for name in _COLUMNS]

        def of_keys() -> Any:
            keys = c.rows("type", "id")
            return tuple_(_NOW.type, _NOW.id).in_(select(keys.c.type, keys.c.id))

        self.current = c(select(*current).where(of_keys()), "given")
        live = _NOW.deleted == literal_column("0")
        # Written out, as its index has it, so that the index serves. Deleted ones are left out by
        # the caller: a condition on them would draw PostgreSQL to the index of listings.
        of_another = _NOW.owner != literal_column("''")
        self.owned = c(
            union_all(
                select(*current).where(of_keys(), _NOW.owner == literal_column("''")),
                select(*current).where(c.among(_NOW.owner, "targets"), of_another),
            ).order_by("type", "id"),
            "given",
            "targets",
        )
        self.before = c(
            select(_NOW.type, _NOW.id, _NOW.version, _NOW.entries, _NOW.patient, _NOW.masks)
            .where(of_keys())
            .order_by(_NOW.type, _NOW.id)
            .with_for_update(),
            "given",
        )
        self.archive = c(
            past.insert().from_select(_COLUMNS, select(*current).where(of_keys())), "given"
        )
        self.insert = c.insert(now, ("type", "id", *_CHANGED))
        self.mark = c.insert(TABLES["access_mark"], ("due", "patient"))
        self.update = c(
            now.update()
            .where(_NOW.type == bindparam("of_type"), _NOW.id == bindparam("of_id"))
            .values({name: bindparam(name) for name in _CHANGED}),
            *_CHANGED,
            "of_type",
            "of_id",
        )
        self.insert_entry = c.insert_texts(entry, _ENTRY_COLUMNS)
        same = (_ENTRY[name] == bindparam(f"of_{name}") for name in _ENTRY_COLUMNS)
        self.delete_entry = c(
            entry.delete().where(*same), *(f"of_{name}" for name in _ENTRY_COLUMNS)
        )
        self.searches: dict[tuple[object, ...], Sql] = {}
        self.history = self._history(c)
        self.version = c(
            union_all(
                select(*current).where(*_one(_NOW, "a"), _NOW.version == bindparam("version_a")),
                select(*_PAST).where(*_one(_PAST, "b"), _PAST.version == bindparam("version_b")),
            ),
            *("type_a", "id_a", "version_a", "type_b", "id_b", "version_b"),
        )
        self.counts = c(select(_NOW.type, func.count()).where(live).group_by(_NOW.type))

    @staticmethod
    def _history(c: Compiler) -> Sql:
        versions = union_all(
            select(*(_NOW[name] for name in _COLUMNS)).where(*_one(_NOW, "a")),
            select(*_PAST).where(*_one(_PAST, "b")),
        ).subquery("versions")
        statement = (
            select(versions)
            .where(versions.c.version < bindparam("before"))
            .order_by(versions.c.version.desc())
        )
        names = ("type_a", "id_a", "type_b", "id_b", "before", "rows")
        return c(c.limited(statement, "rows"), *names)


def _one(columns: Any, suffix: str) -> tuple[Any, Any]:
    return (
        columns.type == bindparam(f"type_{suffix}"),
        columns.id == bindparam(f"id_{suffix}"),
    )


#: Higher than any version number.
_NO_LIMIT = 2**31 - 1


class SqlResources:
    """`core.ports.ResourceQueries` in a transaction."""

    __slots__ = ("_searcher", "_session", "_sql")

    def __init__(self, session: Session, sql: ResourceSql) -> None:
        self._session = session
        self._sql = sql
        self._searcher = Searcher(session, sql.searches)

    def current(self, keys: Sequence[Key]) -> dict[Key, StoredResource]:
        """Return the current version of each (type, id) that exists, deleted ones included."""
        if not keys:
            return {}
        wanted = (given([_storable(key) for key in keys]),)
        return {(r[0], r[1]): _read(r) for r in self._session.rows(self._sql.current, wanted)}

    def owned(self, targets: Sequence[Target]) -> dict[Target, list[StoredResource]]:
        """Return the current, not deleted resources of each target, by type and id."""
        found: dict[Target, list[StoredResource]] = {}
        if targets:
            keys = [_storable(target) for target in set(targets)]
            wanted = (given(keys), given(["/".join(key) for key in keys]))
            for row in self._session.rows(self._sql.owned, wanted):
                resource = _read(row)
                if not resource.deleted:
                    found.setdefault(resource.owner, []).append(resource)
        return found

    def put(self, versions: Sequence[NewVersion]) -> None:
        """Write new versions: they become current and enter the history."""
        for batch in _rounds(versions):
            self._create([new for new in batch if new.resource.version == 1])
            self._supersede([new for new in batch if new.resource.version != 1])

    def _create(self, versions: Sequence[NewVersion]) -> None:
        rows, entry_rows, marks = [], [], list[tuple[str, str]]()
        for new in versions:
            r, entries = new.resource, codec.entry_columns(new.index)
            patient = patient_of(r.type, r.id, new.index)
            changed = _changed(new, entries, patient, masks_of(new.index))
            rows.append((r.type, r.id, *changed))
            entry_rows += [(r.type, *entry, r.id) for entry in entries]
            if decides(r.type, (entry[0] for entry in entries)):
                marks.append(("", patient))
        self._session.run_many(self._sql.insert, rows)
        self._session.insert_texts(self._sql.insert_entry, entry_rows)
        self._session.run_many(self._sql.mark, marks)

    def _supersede(self, versions: Sequence[NewVersion]) -> None:
        if not versions:
            return
        keys = [(new.resource.type, new.resource.id) for new in versions]
        wanted = (given(keys),)
        before = {(r[0], r[1]): r for r in self._session.rows(self._sql.before, wanted)}
        rows, gained, lost = [], [], []
        marks: list[tuple[str, str]] = []
        for key, new in zip(keys, versions, strict=True):
            old = before.get(key)
            if old is None or old[2] + 1 != new.resource.version:
                raise conflict()
            entries = codec.entry_columns(new.index)
            deleted = new.resource.deleted
            # What is deleted says neither any more, and that it was there is told to nobody else.
            patient: str = old[4] if deleted else patient_of(*key, new.index)
            masks: str = old[5] if deleted else masks_of(new.index)
            rows.append((*_changed(new, entries, patient, masks), *key))
            known = {tuple(entry) for entry in orjson.loads(old[3])}
            more = [e for e in entries if e not in known]
            less = known.difference(entries)
            gained += [(key[0], *e, key[1]) for e in more]
            lost += [(key[0], *e, key[1]) for e in less]
            if decides(key[0], (entry[0] for entry in (*more, *less))):
                marks += [("", one) for one in sorted({patient, old[4]})]
        self._session.run(self._sql.archive, wanted)
        self._session.run_many(self._sql.update, rows)
        self._session.run_many(self._sql.delete_entry, lost)
        self._session.insert_texts(self._sql.insert_entry, gained)
        self._session.run_many(self._sql.mark, marks)

    def version(self, type_: str, id_: str, version: int) -> StoredResource | None:
        """Return one past or current version."""
        key = _storable((type_, id_))
        found = self._session.rows(self._sql.version, (*key, version, *key, version))
        return _read(found[0]) if found else None

    def history(self, type_: str, id_: str, limit: int, before: int | None) -> list[StoredResource]:
        """Return versions, newest first, numbered below `before`."""
        key = _storable((type_, id_))
        end = _NO_LIMIT if before is None else before
        rows = self._session.rows(self._sql.history, (*key, *key, end, limit))
        return [_read(row) for row in rows]

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
        after = None if cursor is None else places.read_place(cursor, len(sort))
        type_ = codec.storable(type_)
        # One row more than asked tells whether there is a next page.
        found = self._searcher.search(type_, conditions, limit + 1, after, sort, sight, most)
        page = [_read(row[: len(_COLUMNS)]) for row in found.rows[:limit]]
        return Page(page, found.total, _next_place(found.rows, limit, sort), found.is_cut)

    def changes(
        self, wanted: Changes, limit: int, cursor: str | None, sight: Sight | None = None
    ) -> tuple[list[StoredResource], str | None]:
        """Return versions of many resources, newest first, and the cursor of the next page."""
        after = None if cursor is None else places.read_change(cursor)
        rows: list[Any] = []
        for one in [wanted] if wanted.type else self._of_each_type(wanted):
            rows += self._searcher.run(
                changes.form(one, after, sight),
                {**changes.values(one, limit + 1, after), **sights.values(sight)},
                lambda _, one=one: changes.statement(one, after, sight),  # type: ignore[misc]
            )
        # Newest first; the rest of the place ascends, the latest version of a resource first.
        rows.sort(key=lambda row: (row[0], row[1], -row[2]))
        rows.sort(key=lambda row: str(row[_UPDATED]), reverse=True)
        page = [_read(row) for row in rows[:limit]]
        return page, places.write_change(page[-1]) if page and len(rows) > limit else None

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
        type_, ask = codec.storable(type_), self._searcher
        if deleted_since is None:
            rows = ask.listed(type_, conditions, after_id, limit, sight)
        else:
            rows = ask.deleted(type_, deleted_since, after_id, limit, sight)
        return [(row[0], row[1]) for row in rows]

    def _of_each_type(self, wanted: Changes) -> list[Changes]:
        types = self._searcher.run(("types",), {}, lambda _: changes.types_statement())
        return [replace(wanted, type=row[0]) for row in types]

    def counts(self) -> dict[str, int]:
        """Return how many current resources of each type exist."""
        return {row[0]: row[1] for row in self._session.rows(self._sql.counts)}


def _next_place(rows: Sequence[Any], limit: int, sort: Sequence[Sort]) -> str | None:
    """Return the place of the last row of a page when there are rows behind it."""
    if len(rows) <= limit or limit < 1:
        return None
    last = rows[limit - 1]
    if sort:
        # The order of every listing comes without columns of its own.
        keys = last[len(_COLUMNS) :] or (last[_UPDATED],)
        return places.write_place([*keys, last[_ID]])
    return codec.write_cursor(last[_UPDATED], last[_ID])


def _rounds(versions: Sequence[NewVersion]) -> Iterator[list[NewVersion]]:
    """Split versions so that a resource is once in each part, and sort each part by key.

    Writers then take row locks in one order.
    """
    rest = list(versions)
    while rest:
        batch: dict[Key, NewVersion] = {}
        later: list[NewVersion] = []
        for new in rest:
            key = (new.resource.type, new.resource.id)
            if key in batch:
                later.append(new)
            else:
                batch[key] = new
        yield [batch[key] for key in sorted(batch)]
        rest = later


def _changed(
    new: NewVersion, entries: Sequence[tuple[str, ...]], patient: str, masks: str
) -> tuple[Any, ...]:
    resource = new.resource
    return (
        resource.version,
        codec.instant_text(resource.last_updated),
        int(resource.deleted),
        resource.content_hash,
        "" if resource.owner == (resource.type, resource.id) else codec.target_text(resource.owner),
        patient,
        masks,
        orjson.dumps(entries),
        codec.seal(resource.body),
    )


def _read(row: Sequence[Any]) -> StoredResource:
    type_, id_, version, last_updated, deleted, content_hash, owner, patient, masks, body = row
    return StoredResource(
        type=type_,
        id=id_,
        version=version,
        last_updated=codec.read_instant(last_updated),
        body=codec.unseal(body) if body else b"",
        deleted=bool(deleted),
        content_hash=content_hash,
        owner=codec.read_target(owner) if owner else Target(type_, id_),
        patient=patient,
        masks=masks,
    )


def _storable(key: Key) -> Key:
    return codec.storable(key[0]), codec.storable(key[1])
