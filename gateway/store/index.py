"""Queries on the search index as a whole: what it was made by, and writing it anew."""

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import bindparam, select

from gateway.core.index_ports import Reindexed
from gateway.store import codec
from gateway.store.resources import ResourceSql
from gateway.store.sqltext import Compiler, Session, given
from gateway.store.tables import TABLES

_NOW = TABLES["resource"].c
_NAME = "resources"


class IndexSql:
    """The statements of the index for one database."""

    def __init__(self, c: Compiler, resources: ResourceSql) -> None:
        mark = TABLES["index_mark"]
        self.mark = c(select(mark.c.mark).where(mark.c.name == bindparam("of_name")), "of_name")
        self.set_mark = c.upsert(mark, ("name", "mark"))
        here = (_NOW.type == bindparam("of_type"), _NOW.id == bindparam("of_id"))
        values: dict[str, Any] = {"entries": bindparam("entries")}
        update = TABLES["resource"].update().where(*here).values(values)
        self.update = c(update, "entries", "of_type", "of_id")
        self.resources = resources


class SqlIndex:
    """`core.index_ports.IndexQueries` in a transaction."""

    __slots__ = ("_session", "_sql")

    def __init__(self, session: Session, sql: IndexSql) -> None:
        self._session = session
        self._sql = sql

    def mark(self) -> str:
        """Return which search parameters every resource is indexed by."""
        rows = self._session.rows(self._sql.mark, (_NAME,))
        return str(rows[0][0]) if rows else ""

    def set_mark(self, mark: str) -> None:
        """Say which search parameters every resource is indexed by."""
        self._session.run(self._sql.set_mark, (_NAME, mark))

    def rewrite(self, rows: Sequence[Reindexed]) -> int:
        """Index current versions anew; return how many changed."""
        wanted = (given([(row.type, row.id) for row in rows]),)
        # Locked: nobody writes a version between the look and the change.
        before = {(r[0], r[1]): r for r in self._session.rows(self._sql.resources.before, wanted)}
        changed: list[tuple[Any, ...]] = []
        gained, lost = [], []
        for row in rows:
            key = (row.type, row.id)
            old = before.get(key)
            if old is None or old[2] != row.version:
                continue
            entries = codec.entry_columns(row.index)
            known = {tuple(entry) for entry in orjson.loads(old[3])}
            if known == set(entries):
                continue
            changed.append((orjson.dumps(entries), *key))
            gained += [(row.type, *e, row.id) for e in entries if e not in known]
            lost += [(row.type, *e, row.id) for e in known.difference(entries)]
        self._session.run_many(self._sql.update, changed)
        self._session.run_many(self._sql.resources.delete_entry, lost)
        self._session.insert_texts(self._sql.resources.insert_entry, gained)
        return len(changed)
