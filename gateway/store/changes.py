"""Versions of many resources as SQL, newest first: the history of a type or of the system."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    exists,
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

_PAST = TABLES["resource_history"]
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
    now = TABLES["resource"]
    both = [
        select(*(table.c[name] for name in _NAMES)).where(
            *_met(table.c, wanted, after), *([] if sight is None else [shown(table.c, sight)])
        )
        for table, shown in ((now, seen), (_PAST, seen_past))
    ]
    found = union_all(*both).subquery("versions").c
    size = bindparam("rows", 0, type_=Integer())
    return (
        select(*(found[name] for name in _NAMES))
        .order_by(found.last_updated.desc(), found.type, found.id, found.version.desc())
        .limit(size)
        # SQLite writes an offset of its own, with a parameter, when none is given.
        .offset(literal_column("0"))
    )


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
        met.append(_behind(row))
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
