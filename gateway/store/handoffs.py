"""Queries on counted handoffs; writing is a part of saving a look (`store.watch`)."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, case, func, literal_column, select
from sqlalchemy.types import Integer, Text

from gateway.core.facts import Status
from gateway.core.handoffs import Cell, Chosen, HandoffGap, Outcomes, Waits
from gateway.store.codec import instant_text, key_text
from gateway.store.columns import NEVER
from gateway.store.handoffcodec import (
    EDGE,
    KEY,
    NUMBERS,
    Counting,
    GapColumns,
    by_class,
    conditions,
    edge_name,
    read_gap,
    read_outcomes,
    wait_edges,
)
from gateway.store.sqltext import Compiler, Session, Sql, given
from gateway.store.tables import TABLES

_WEEK, _GAP = TABLES["handoff_week"].c, TABLES["handoff_gap"].c
_CELL = KEY[1:]
_GROUPS = {"by_cell": _CELL, "by_rule": ("rule",), "by_estab": ("estab",), "by_week": ("week",)}
#: What open handoffs are counted by, and which instant tells their class.
_CLASSED = {"waits": (_CELL, "anchor"), "ages": (("estab",), "deadline")}
_BROKEN = tuple(s.value for s in (Status.MET_LATE, Status.OVERDUE, Status.MOOT))
#: What is asked for, and by which conditions.
Shape = tuple[str, tuple[str, ...]]


class HandoffSql:
    """The statements of the counts for one database; each shape is compiled when first asked."""

    def __init__(self, c: Compiler) -> None:
        self._compiler = c
        self._shapes: dict[Shape, Sql] = {}
        week, gap = TABLES["handoff_week"], TABLES["handoff_gap"]
        more = {n: _WEEK[n] + literal_column(f"excluded.{n}") for n in NUMBERS}
        self.count = c.upsert(week, (*KEY, *NUMBERS), more)
        fields = GapColumns._fields
        changed: dict[str, ColumnElement[Any]] = {
            name: literal_column(f"excluded.{name}") for name in fields[1:]
        }
        self.put = c.upsert(gap, (*fields, "judged"), changed)
        self.drop = c(gap.delete().where(c.among(_GAP.gap_id, "gaps")), "gaps")
        self.judge = c(
            gap.update()
            .where(_GAP.gap_id == bindparam("of_gap"))
            .values(judged=bindparam("judged")),
            "judged",
            "of_gap",
        )
        self.estabs = c(select(_WEEK.estab).distinct())

    def of(self, shape: Shape) -> Sql:
        """Return the statement of a shape."""
        found = self._shapes.get(shape)
        if found is None:
            found = self._shapes[shape] = self._compiled(*shape)
        return found

    def _compiled(self, kind: str, names: tuple[str, ...]) -> Sql:
        row: Any = _WEEK if kind in _GROUPS else _GAP
        told = [
            self._condition(row, name)
            for name in names
            if name not in ("area_end", "rows") and not name.startswith(EDGE)
        ]
        if kind in _GROUPS:
            keys = [row[name] for name in _GROUPS[kind]]
            sums = [func.sum(row[name]) for name in NUMBERS]
            statement = select(*keys, *sums).where(*told).group_by(*keys)
        elif kind == "slots":
            statement = select(row.slot, func.count()).where(*told).group_by(row.slot)
        elif kind in _CLASSED:
            keys, instant = [row[name] for name in _CLASSED[kind][0]], row[_CLASSED[kind][1]]
            edges = [name for name in names if name.startswith(EDGE)]
            told.append(instant != literal_column(f"'{NEVER}'"))
            place = _place(instant, edges).label("place")
            each = select(*keys, place).where(*told).subquery()
            grouped = [each.c[key.name] for key in (*keys, place)]
            statement = select(*grouped, func.count()).group_by(*grouped)
        elif kind == "judged":
            keys = [row.rule, row.status, row.judged]
            told.append(row.opened == literal_column("1"))
            statement = select(*keys, func.count()).where(*told).group_by(*keys)
        else:
            ordered = select(*_GAP).where(*told).order_by(row.gap_id)
            statement = self._compiler.limited(ordered, "rows")
        return self._compiler.free(statement)

    def _condition(self, row: Any, name: str) -> ColumnElement[bool]:
        value = bindparam(name, type_=Text())
        found: ColumnElement[bool]
        if name == "since":
            found = row.week >= value
        elif name == "before":
            found = row.week < value
        elif name == "area":
            found = (row.estab >= value) & (row.estab < bindparam("area_end", type_=Text()))
        elif name == "within":
            found = self._compiler.among(row.estab, name)
        elif name == "statuses":
            found = self._compiler.among(row.status, name)
        elif name == "after":
            found = row.gap_id > value
        elif name == "slot":
            found = row.slot == bindparam(name, type_=row.slot.type)
        else:
            found = row[name] == bindparam(f"of_{name}", type_=Text())
        return found


class SqlHandoffs:
    """`core.handoffs.HandoffQueries` in a transaction."""

    __slots__ = ("_session", "_sql")

    def __init__(self, session: Session, sql: HandoffSql) -> None:
        self._session = session
        self._sql = sql

    def write(self, change: Counting) -> None:
        """Write what a save changes."""
        self._session.run_many(self._sql.count, change.weeks)
        self._session.run_many(self._sql.put, [(*row, "") for row in change.put])
        if change.drop:
            self._session.run(self._sql.drop, (given(sorted(change.drop)),))

    def _ask(self, kind: str, chosen: Chosen, **more: Any) -> Sequence[Any]:
        values: dict[str, Any] = {**conditions(chosen), **more}
        if chosen.within is not None:
            values["within"] = given(sorted(chosen.within))
        sql = self._sql.of((kind, tuple(values)))
        return self._session.rows(sql, tuple(values[n.removeprefix("of_")] for n in sql.names))

    def by_cell(self, chosen: Chosen) -> dict[Cell, Outcomes]:
        """Return what became of the handoffs of each cell."""
        rows = self._ask("by_cell", chosen)
        return {Cell(*row[: len(_CELL)]): read_outcomes(row[len(_CELL) :]) for row in rows}

    def by_rule(self, chosen: Chosen) -> dict[str, Outcomes]:
        """Return what became of the handoffs of each rule."""
        return {row[0]: read_outcomes(row[1:]) for row in self._ask("by_rule", chosen)}

    def by_estab(self, chosen: Chosen) -> dict[str, Outcomes]:
        """Return what became of the handoffs of each establishment; empty: unknown."""
        return {row[0]: read_outcomes(row[1:]) for row in self._ask("by_estab", chosen)}

    def by_week(self, chosen: Chosen) -> dict[date, Outcomes]:
        """Return what became of the handoffs of each week, by its Monday."""
        rows = self._ask("by_week", chosen)
        return {date.fromisoformat(row[0]): read_outcomes(row[1:]) for row in rows}

    def slots(self, chosen: Chosen) -> dict[int, int]:
        """Return how many handoffs broke, by the hour of the week their deadline counts from."""
        return {row[0]: row[1] for row in self._ask("slots", chosen, statuses=given(_BROKEN))}

    def waits(self, chosen: Chosen, now: datetime) -> dict[Cell, Waits]:
        """Return how many handoffs of each cell are still open, by how long they have waited."""
        return {
            Cell(*cell): counts
            for cell, counts in self._classed("waits", chosen, wait_edges(now), len(_CELL)).items()
        }

    def ages(self, chosen: Chosen, edges: Sequence[datetime]) -> dict[str, tuple[int, ...]]:
        """Return how many handoffs of each establishment are open, by age of their deadline."""
        found = self._classed("ages", chosen, edges, 1)
        return {estab: counts for (estab,), counts in found.items()}

    def _classed(
        self, kind: str, chosen: Chosen, edges: Sequence[datetime], keys: int
    ) -> dict[tuple[str, ...], tuple[int, ...]]:
        named = {edge_name(place): instant_text(edge) for place, edge in enumerate(edges)}
        open_now = given([Status.OVERDUE.value])
        rows = self._ask(kind, chosen, statuses=open_now, **named)
        return by_class(((tuple(row[:keys]), *row[keys:]) for row in rows), len(edges) + 1)

    def judged(self, chosen: Chosen) -> dict[tuple[str, Status, str], int]:
        """Return how many gaps of each rule are in a state and were settled for a reason."""
        rows = self._ask("judged", chosen)
        return {(rule, Status(status), judged): n for rule, status, judged, n in rows}

    def gaps(
        self, chosen: Chosen, statuses: Sequence[Status], slot: int | None, after: str, limit: int
    ) -> list[HandoffGap]:
        """Return the gaps behind the counts, by id."""
        more: dict[str, Any] = {"statuses": given([one.value for one in statuses])}
        if slot is not None:
            more["slot"] = slot
        rows = self._ask("gaps", chosen, **more, after=key_text(after), rows=limit)
        return [read_gap(row) for row in rows]

    def estabs(self) -> list[str]:
        """Return the establishments there are counts of, sorted."""
        return sorted(row[0] for row in self._session.rows(self._sql.estabs) if row[0])

    def judge(self, gap_id: str, reason: str) -> None:
        """Keep what a person settled a gap for, or that a mute hides it."""
        self._session.run(self._sql.judge, (key_text(reason), gap_id))


def _place(instant: ColumnElement[str], edges: Sequence[str]) -> ColumnElement[int]:
    """Return in which class an instant lies: how many edges, the latest first, are behind it."""
    # Written out: a driver of PostgreSQL would have to guess the type of a number given.
    whens = [
        (instant >= bindparam(name, type_=Text()), literal_column(str(place), Integer()))
        for place, name in enumerate(edges)
    ]
    return case(*whens, else_=literal_column(str(len(edges)), Integer()))
