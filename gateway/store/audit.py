"""Queries on the journal of accesses."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Integer, Select, bindparam, func, literal_column, select

from gateway.core.audit import START, Entry, Link, Sealed, Trace, Wanted
from gateway.store.auditcodec import AuditColumns, chained, read_entry, read_sealed
from gateway.store.codec import instant_text, key_text, storable
from gateway.store.columns import TEXT
from gateway.store.sqltext import Compiler, Session, Sql, given
from gateway.store.tables import TABLES

_ROW = TABLES["audit_event"].c
_HEAD = TABLES["audit_head"].c
#: There is one chain.
_CHAIN = "main"
_NO_LIMIT = 2**62


class AuditSql:
    """The statements of the journal for one database."""

    def __init__(self, c: Compiler) -> None:
        event, head = TABLES["audit_event"], TABLES["audit_head"]
        self.begin = c.insert(head, ("chain", "number", "digest"), ignore=True)
        place = select(_HEAD.number, _HEAD.digest).where(_HEAD.chain == bindparam("of_chain"))
        self.head = c(place, "of_chain")
        # Whoever adds waits here for the one who adds at the moment.
        self.lock = c(place.with_for_update(), "of_chain")
        self.add = c.insert(event, AuditColumns._fields)
        self.move = c.upsert(head, ("chain", "number", "digest"))
        after = select(*_ROW).where(_ROW.number > bindparam("of_number")).order_by(_ROW.number)
        self.after = c(c.limited(after, "rows"), "of_number", "rows")
        self.get = c(select(*_ROW).where(_ROW.id == bindparam("of_id")), "of_id")
        self.finds: dict[tuple[object, ...], Sql] = {}


class SqlAudit:
    """`core.audit_ports.AuditQueries` in a transaction."""

    __slots__ = ("_session", "_sql")

    def __init__(self, session: Session, sql: AuditSql) -> None:
        self._session = session
        self._sql = sql

    def append(self, traces: Sequence[Trace]) -> None:
        """Add entries at the end of the chain."""
        if not traces:
            return
        self._session.run(self._sql.begin, (_CHAIN, 0, START))
        number, digest = self._session.rows(self._sql.lock, (_CHAIN,))[0]
        rows, head = chained(Link(number, bytes(digest)), traces)
        self._session.run_many(self._sql.add, rows)
        self._session.run(self._sql.move, (_CHAIN, head.number, head.digest))

    def head(self) -> Link:
        """Return the place of the last entry."""
        rows = self._session.rows(self._sql.head, (_CHAIN,))
        return Link(rows[0][0], bytes(rows[0][1])) if rows else Link()

    def after(self, number: int, limit: int) -> list[Sealed]:
        """Return the entries behind a number, in order."""
        return [read_sealed(row) for row in self._session.rows(self._sql.after, (number, limit))]

    def get(self, event_id: str) -> Entry | None:
        """Return one entry by the id of its AuditEvent."""
        rows = self._session.rows(self._sql.get, (key_text(event_id),))
        return read_entry(rows[0]) if rows else None

    def find(self, wanted: Wanted, limit: int, before: int | None = None) -> list[Entry]:
        """Return entries, newest first, numbered below `before`."""

        def page(c: Compiler) -> Select[Any]:
            found = select(*_ROW).where(*_met(c, wanted), _ROW.number < bindparam("before"))
            size = bindparam("rows", 0, type_=Integer())
            return found.order_by(_ROW.number.desc()).limit(size).offset(literal_column("0"))

        more = {"before": _NO_LIMIT if before is None else before, "rows": limit}
        return [read_entry(row) for row in self._run("find", page, wanted, more)]

    def count(self, wanted: Wanted) -> int:
        """Return how many entries are wanted."""

        def total(c: Compiler) -> Select[Any]:
            return select(func.count()).select_from(TABLES["audit_event"]).where(*_met(c, wanted))

        return int(self._run("count", total, wanted, {})[0][0])

    def _run(self, name: str, build: Any, wanted: Wanted, more: dict[str, Any]) -> Sequence[Any]:
        has = (wanted.patients, wanted.agent, wanted.kinds, wanted.outcomes)
        key = (name, *map(bool, has), wanted.start is None, wanted.end is None)
        sql = self._sql.finds.get(key)
        if sql is None:
            sql = self._session.compiler.free(build(self._session.compiler))
            self._sql.finds[key] = sql
        values = {**_values(wanted), **more}
        return self._session.rows(sql, tuple(values[one] for one in sql.names))


def _met(c: Compiler, wanted: Wanted) -> list[Any]:
    met: list[Any] = []
    if wanted.patients:
        met.append(c.among(_ROW.patient, "patients"))
    if wanted.agent:
        met.append(_ROW.agent == bindparam("of_agent", type_=TEXT))
    if wanted.kinds:
        met.append(c.among(_ROW.kind, "kinds"))
    if wanted.outcomes:
        met.append(c.among(_ROW.outcome, "outcomes"))
    if wanted.start is not None:
        met.append(_ROW.at >= bindparam("start", type_=TEXT))
    if wanted.end is not None:
        met.append(_ROW.at < bindparam("end", type_=TEXT))
    return met


def _values(wanted: Wanted) -> dict[str, Any]:
    found: dict[str, Any] = {
        "patients": given([storable(one) for one in wanted.patients]),
        "of_agent": key_text(wanted.agent),
        "kinds": given(wanted.kinds),
        "outcomes": given(wanted.outcomes),
    }
    if wanted.start is not None:
        found["start"] = instant_text(wanted.start)
    if wanted.end is not None:
        found["end"] = instant_text(wanted.end)
    return found
