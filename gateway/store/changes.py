"""Versions of many resources as SQL, newest first: the history of a type or of the system.

Each of three indexes gives the newest of what it holds (current, deleted, superseded), and the
page is the newest of these: nobody sorts a whole type. A system is looked through type by type.
"""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
    union_all,
)

from gateway.core.access import Sight
from gateway.core.ports import Changes
from gateway.store.codec import instant_text, storable
from gateway.store.columns import TEXT
from gateway.store.places import ChangePlace
from gateway.store.sight import form as sight_form
from gateway.store.sight import seen, seen_past
from gateway.store.tables import TABLES

_NOW, _PAST = TABLES["resource"], TABLES["resource_history"]
_NAMES = tuple(_PAST.c.keys())


def form(
    wanted: Changes, after: ChangePlace | None, sight: Sight | None = None
) -> tuple[object, ...]:
    """Return what the text of the statement depends on."""
    has = (bool(wanted.type), bool(wanted.id), wanted.since is not None, wanted.at is not None)
    return ("changes", *has, after is not None, sight_form(sight))


def values(wanted: Changes, rows: int, after: ChangePlace | None) -> dict[str, Any]:
    """Return the values of the statement by their names."""
    found: dict[str, Any] = {"rows": rows, "type": wanted.type, "id": storable(wanted.id)}
    if wanted.since is not None:
        found["since"] = instant_text(wanted.since)
    if wanted.at is not None:
        found["start"], found["end"] = map(instant_text, wanted.at)
    if after is not None:
        found |= dict(zip(("updated", "after_type", "after_id", "number"), after, strict=True))
    return found


def statement(
    wanted: Changes, after: ChangePlace | None, sight: Sight | None = None
) -> Select[Any]:
    """Return the query of one page behind a place."""
    met = {table: _met(table.c, wanted, after) for table in (_NOW, _PAST)}
    if sight is not None:
        met[_NOW].append(seen(_NOW.c, sight))
        met[_PAST].append(seen_past(_PAST.c, sight))
    if wanted.id:
        parts = [select(*_columns(table.c)).where(*conditions) for table, conditions in met.items()]
    else:
        # Written out, as their indexes have it, so that the indexes serve.
        states = [_NOW.c.deleted == literal_column(text) for text in ("0", "1")]
        parts = [_newest(_NOW.c, [*met[_NOW], state]) for state in states]
        parts.append(_newest(_PAST.c, met[_PAST]))
    found = union_all(*parts).subquery("versions").c
    order = (found.last_updated.desc(), found.type, found.id, found.version.desc())
    return _limited(select(*_columns(found)).order_by(*order))


def types_statement() -> Select[Any]:
    """Return the query of the types there are: one look at the index for each."""
    types = select(func.min(_NOW.c.type).label("type")).cte("types", recursive=True)
    following = (
        select(func.min(_NOW.c.type))
        .where(_NOW.c.type > types.c.type)
        .correlate(types)
        .scalar_subquery()
    )
    types = types.union_all(select(following).where(types.c.type.is_not(None)))
    return select(types.c.type).where(types.c.type.is_not(None))


def _newest(row: Any, conditions: list[ColumnElement[bool]]) -> Select[Any]:
    """Return the newest of one index, as a part of a union."""
    order = (row.last_updated.desc(), row.id, row.version.desc())
    newest = _limited(select(*_columns(row)).where(*conditions).order_by(*order))
    return select(*_columns(newest.subquery().c))


def _columns(row: Any) -> list[Any]:
    return [row[name] for name in _NAMES]


def _limited(statement: Select[Any]) -> Select[Any]:
    size = bindparam("rows", 0, type_=Integer())
    # SQLite writes an offset of its own, with a parameter, when none is given.
    return statement.limit(size).offset(literal_column("0"))


def _text(name: str) -> ColumnElement[str]:
    return bindparam(name, "", type_=TEXT)


def _met(row: Any, wanted: Changes, after: ChangePlace | None) -> list[ColumnElement[bool]]:
    met: list[ColumnElement[bool]] = []
    if wanted.type:
        met.append(row.type == _text("type"))
    if wanted.id:
        met.append(row.id == _text("id"))
    if wanted.since is not None:
        met.append(row.last_updated >= _text("since"))
    if wanted.at is not None:
        met += [row.last_updated < _text("end"), ~_replaced(row)]
    if after is not None:
        # The first condition follows from the second, in a form an index serves.
        met += [row.last_updated <= _text("updated"), _behind(row)]
    return met


def _replaced(row: Any) -> ColumnElement[bool]:
    """Return the condition that the next version was there when the span began."""
    tables = (TABLES["resource"].alias("next_now"), _PAST.alias("next_past"))
    return or_(
        *(
            exists().where(
                table.c.type == row.type,
                table.c.id == row.id,
                table.c.version == row.version + literal_column("1"),
                table.c.last_updated <= _text("start"),
            )
            for table in tables
        )
    )


def _behind(row: Any) -> ColumnElement[bool]:
    updated, type_, id_ = (_text(name) for name in ("updated", "after_type", "after_id"))
    number = bindparam("number", 0, type_=Integer())
    same = and_(row.type == type_, row.id == id_, row.version < number)
    later = or_(row.type > type_, and_(row.type == type_, row.id > id_), same)
    return or_(row.last_updated < updated, and_(row.last_updated == updated, later))
