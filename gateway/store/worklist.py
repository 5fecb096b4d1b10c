"""Queries on the worklist: pages by key, counts that stop, saved views."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, literal_column, select, tuple_
from sqlalchemy.types import Text

from gateway.core.access import Sight
from gateway.core.worklist import Order, SavedView, Wanted, WorkRow
from gateway.store import watch_sight
from gateway.store.codec import storable
from gateway.store.sqltext import Compiler, Session, Sql, given
from gateway.store.tables import TABLES
from gateway.store.worklistcodec import (
    ORDERS,
    WorkColumns,
    conditions,
    limits,
    place,
    place_of,
    read_work,
    work_columns,
)

_TABLE = TABLES["worklist"]
_ROW, _VIEW = _TABLE.c, TABLES["saved_view"].c
#: Which filters a statement has, its order, whether it goes on behind a place, counts,
#: and whether it is held to what somebody may be shown.
Shape = tuple[tuple[str, ...], Order, bool, bool, bool]


class WorklistSql:
    """The statements of the worklist for one database; each shape is compiled when first asked."""

    def __init__(self, c: Compiler) -> None:
        self._compiler = c
        self._shapes: dict[Shape, Sql] = {}
        # SQLite chooses an index for a limit and then sorts; a plus keeps it from that.
        plain: ColumnElement[Any] = _ROW.deadline
        self._deadline = literal_column("+worklist.deadline") if c.is_sqlite else plain
        self.put = c.upsert(_TABLE, WorkColumns._fields)
        self.rows = c(select(*_ROW).where(c.among(_ROW.gap_id, "gaps")), "gaps")
        # From establishment to establishment through the index, not row by row.
        following = select(func.min(_ROW.estab)).where(_ROW.estab > bindparam("after"))
        self.next_estab = c(following, "after")
        own = select(_VIEW.name, _VIEW.query).where(_VIEW.person == bindparam("person"))
        self.views = c(own.order_by(_VIEW.name), "person")
        self.save = c.upsert(TABLES["saved_view"], ("person", "name", "query"))
        one = (_VIEW.person == bindparam("of_person"), _VIEW.name == bindparam("of_name"))
        self.drop = c(TABLES["saved_view"].delete().where(*one), "of_person", "of_name")

    def of(self, shape: Shape) -> Sql:
        """Return the statement of a shape."""
        found = self._shapes.get(shape)
        if found is None:
            found = self._shapes[shape] = self._compiled(shape)
        return found

    def _compiled(self, shape: Shape) -> Sql:
        names, order, goes_on, counts, is_held = shape
        columns, is_last_first = ORDERS[order]
        told: list[ColumnElement[bool]] = []
        for name in names:
            if name in ("since", "before"):
                limit = bindparam(name, type_=Text())
                told.append(self._deadline >= limit if name == "since" else self._deadline < limit)
            else:
                told.append(_ROW[name] == bindparam(f"of_{name}"))
        if is_held:
            told.append(watch_sight.seen("worklist"))
        if counts:
            inner = self._compiler.limited(
                select(literal_column("1").label("one")).where(*told), "rows"
            ).subquery("found")
            return self._compiler.free(select(func.count()).select_from(inner))
        if "weight" in names:
            # Of one severity: the rest of the order is that of the index.
            columns = tuple(name for name in columns if name != "weight")
        if goes_on:
            here = tuple_(*(_ROW[name] for name in columns))
            there = tuple_(*(bindparam(f"at_{name}", type_=_ROW[name].type) for name in columns))
            told.append(here < there if is_last_first else here > there)
        by = [_ROW[name].desc() if is_last_first else _ROW[name] for name in columns]
        statement = select(*_ROW).where(*told).order_by(*by)
        return self._compiler.free(self._compiler.limited(statement, "rows"))


class SqlWorklist:
    """`core.worklist.WorklistQueries` in a transaction."""

    __slots__ = ("_session", "_sql")

    def __init__(self, session: Session, sql: WorklistSql) -> None:
        self._session = session
        self._sql = sql

    def put(self, rows: Sequence[WorkRow]) -> None:
        """Write rows; the row of a gap is one."""
        self._session.run_many(self._sql.put, [work_columns(row) for row in rows])

    def rows(self, gap_ids: Iterable[str]) -> dict[str, WorkRow]:
        """Return the row of each gap that has one."""
        found = self._session.rows(self._sql.rows, (given(sorted(set(gap_ids))),))
        return {row[0]: read_work(row) for row in found}

    def listed(
        self, wanted: Wanted, limit: int, sight: Sight | None = None
    ) -> list[tuple[WorkRow, tuple[str, ...]]]:
        """Return rows in their order, each with its place for `Wanted.after`."""
        behind = dict(zip(_places(wanted.order), place(wanted), strict=False))
        found = self._ask(wanted, behind, limit, sight, counts=False)
        return [(read_work(row), place_of(WorkColumns(*row), wanted.order)) for row in found]

    def counted(self, wanted: Wanted, most: int, sight: Sight | None = None) -> int:
        """Return how many rows there are, `most` when there are as many or more."""
        return int(self._ask(wanted, {}, most, sight, counts=True)[0][0])

    def _ask(
        self,
        wanted: Wanted,
        behind: dict[str, Any],
        limit: int,
        sight: Sight | None,
        *,
        counts: bool,
    ) -> Sequence[Any]:
        equal, between = conditions(wanted), limits(wanted)
        held = sight if sight is not None and sight.has_territory else None
        shape = ((*equal, *between), wanted.order, bool(behind), counts, held is not None)
        values: dict[str, Any] = {f"of_{name}": value for name, value in equal.items()}
        values |= {**between, **behind, "rows": limit}
        if held is not None:
            values |= dict(zip(watch_sight.NAMES, watch_sight.values(held), strict=True))
        sql = self._sql.of(shape)
        return self._session.rows(sql, tuple(values[name] for name in sql.names))

    def estabs(self) -> list[str]:
        """Return the establishments there is work about, sorted."""
        found, after = list[str](), ""
        while row := self._session.rows(self._sql.next_estab, (after,))[0][0]:
            found.append(row)
            after = row
        return found

    def views(self, person: str) -> list[SavedView]:
        """Return the views of somebody, by name."""
        rows = self._session.rows(self._sql.views, (storable(person),))
        return [SavedView(name, query) for name, query in rows]

    def save_view(self, person: str, view: SavedView) -> None:
        """Keep a view; one of the same name is replaced."""
        row = (storable(person), storable(view.name), storable(view.query))
        self._session.run_many(self._sql.save, [row])

    def drop_view(self, person: str, name: str) -> None:
        """Forget a view; nothing happens when there is none."""
        self._session.run(self._sql.drop, (storable(person), storable(name)))


def _places(order: Order) -> tuple[str, ...]:
    return tuple(f"at_{name}" for name in ORDERS[order][0])
