"""Searches as SQL: counts, pages and listings of what meets every condition.

Statements of one form have one text; their values come by name (`p0`, `p1`... those of the
conditions, the rest as each function says).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
)

from gateway.core.access import Sight
from gateway.core.ports import Sort
from gateway.store.columns import TEXT
from gateway.store.search_conditions import ENTRY_NAMES, Conditions
from gateway.store.search_forms import ROW_PARAMS, Form
from gateway.store.sight import seen
from gateway.store.sqltext import Compiler
from gateway.store.tables import TABLES

_RESOURCE = TABLES["resource"].c
_COLUMNS = [_RESOURCE[name] for name in _RESOURCE.keys() if name != "entries"]  # noqa: SIM118 (not a dict)
_ZERO: ColumnElement[int] = literal_column("0")
_ONE: ColumnElement[int] = literal_column("1")
_EMPTY: ColumnElement[str] = literal_column("''")
#: Sorts behind every value: where one is missing in an ascending order.
LAST = "\U0010ffff"
#: A row's place in the order of a search: one value for each key, then its id.
Place = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked for, without values.

    Attributes:
        forms: all of them must be met.
        few: they leave few resources, which are found by id, then sorted. Otherwise a listing is
            walked in its order until the page is full.
        sight: whose sight all that is looked at is held to; None: nobody's.
    """

    forms: tuple[Form, ...]
    few: bool = False
    sight: Sight | None = None


def sizes_statement(compiler: Compiler, forms: Sequence[Form]) -> Select[Any]:
    """Return the query of how much each form names, counted up to the parameter `bound`.

    What is about the row itself is left out.
    """
    bound = bindparam("bound", 1, type_=Integer())
    sets = [found for found in Conditions(compiler).sets(forms) if found is not None]
    counts = [
        select(func.count()).select_from(found.limit(bound).offset(_ZERO).subquery())
        for found in sets
    ]
    return select(*(one.scalar_subquery() for one in counts))


def count_statement(compiler: Compiler, asked: Asked) -> Select[Any]:
    """Return the query of how many current resources meet every condition."""
    met = Conditions(compiler, asked.sight).met(asked.forms, by_id=asked.few)
    return select(func.count()).select_from(TABLES["resource"]).where(met)


def bounded_count_statement(compiler: Compiler, asked: Asked) -> Select[Any]:
    """Return the query of how many there are, counted up to the parameter `bound`."""
    met = Conditions(compiler, asked.sight).met(asked.forms, by_id=asked.few)
    bound = bindparam("bound", 1, type_=Integer())
    inner = select(_ONE.label("one")).select_from(TABLES["resource"]).where(met)
    return select(func.count()).select_from(inner.limit(bound).offset(_ZERO).subquery())


def page_statement(
    compiler: Compiler,
    asked: Asked,
    sort: Sequence[Sort] = (),
    *,
    goes_on: bool = False,
    window: bool = False,
) -> Select[Any]:
    """Return the query of one page behind a place in its order, by default the newest first.

    Parameters: `rows`, size of the page; `after_0`, `after_1`... the place.

    Args:
        compiler: of the database.
        asked: what is looked for.
        sort: keys of the order; their values are columns behind those of the resource.
        goes_on: it stands behind a place.
        window: only as many of the newest are looked at as the parameter `window` says.
    """
    text = Conditions(compiler, asked.sight)
    met = text.met(asked.forms, by_id=asked.few)
    if sort:
        return _sorted(compiler, met, sort, goes_on=goes_on)
    updated: ColumnElement[str] = _RESOURCE.last_updated
    if asked.few:
        # An expression: the index of the listing does not serve it.
        updated = updated.concat(_EMPTY)
    statement = select(*_COLUMNS).where(met)
    behind: list[ColumnElement[bool]] = []
    if goes_on:
        last_updated, id_ = (_given(f"after_{n}") for n in range(2))
        beside = and_(updated == last_updated, _RESOURCE.id > id_)
        # The first condition follows from the second, in a form an index serves.
        behind = [updated <= last_updated, or_(updated < last_updated, beside)]
    if window:
        statement = statement.where(updated >= _window_end(text.type, goes_on))
    return _limited(statement.where(*behind).order_by(updated.desc(), _RESOURCE.id))


def _window_end(type_: ColumnElement[str], goes_on: bool) -> ColumnElement[str]:
    """Return the instant of the last row of a window on the listing; empty: it holds the rest."""
    row = TABLES["resource"].alias("of_window").c
    found = select(row.last_updated).where(row.type == type_, row.deleted == _ZERO)
    if goes_on:
        found = found.where(row.last_updated <= _given("after_0"))
    return _last(found.order_by(row.last_updated.desc()), _EMPTY)


def list_statement(compiler: Compiler, asked: Asked, *, window: bool = False) -> Select[Any]:
    """Return the query of ids and versions behind an id, parameters `after` and `rows`.

    Args:
        compiler: of the database.
        asked: what is looked for.
        window: only as many rows are looked at as the parameter `window` says.
    """
    text = Conditions(compiler, asked.sight)
    met = text.met(asked.forms, by_id=True)
    statement = select(_RESOURCE.id, _RESOURCE.version).where(met, _RESOURCE.id > _given("after"))
    if window:
        row = TABLES["resource"].alias("of_window").c
        found = select(row.id).where(row.type == text.type, row.id > _given("after"))
        last = _last(found.order_by(row.id), literal_column(f"'{LAST}'"))
        statement = statement.where(_RESOURCE.id <= last)
    return _limited(statement.order_by(_RESOURCE.id))


def _last(ordered: Select[Any], otherwise: ColumnElement[str]) -> ColumnElement[str]:
    """Return the value of the last row of a window; another where there are not so many."""
    size = bindparam("window", 1, type_=Integer())
    return func.coalesce(ordered.limit(_ONE).offset(size).scalar_subquery(), otherwise)


def deleted_statement(sight: Sight | None = None) -> Select[Any]:
    """Return the query of what is deleted since an instant, parameters also `p0` and `since`."""
    statement = select(_RESOURCE.id, _RESOURCE.version).where(
        _RESOURCE.type == _given("p0"),
        _RESOURCE.deleted == _ONE,
        _RESOURCE.last_updated >= _given("since"),
        _RESOURCE.id > _given("after"),
    )
    if sight is not None:
        statement = statement.where(seen(_RESOURCE, sight))
    return _limited(statement.order_by(_RESOURCE.id))


def _limited(statement: Select[Any]) -> Select[Any]:
    size = bindparam("rows", 1, type_=Integer())
    # SQLite writes an offset of its own, with a parameter, when none is given.
    return statement.limit(size).offset(_ZERO)


def _sorted(
    compiler: Compiler, met: ColumnElement[bool], sort: Sequence[Sort], *, goes_on: bool
) -> Select[Any]:
    keys: list[ColumnElement[str]] = []
    for number, key in enumerate(sort):
        if key.param in ROW_PARAMS:
            keys.append(_RESOURCE.id if key.param == "_id" else _RESOURCE.last_updated)
        else:
            missing = _EMPTY if key.descending else literal_column(f"'{LAST}'")
            keys.append(func.coalesce(_own_value(compiler, number, key), missing))
    columns = [key.label(f"key_{number}") for number, key in enumerate(keys)]
    statement = select(*_COLUMNS, *columns).where(met)
    if goes_on:
        statement = statement.where(_behind(keys, sort))
    order = [key.desc() if one.descending else key for key, one in zip(columns, sort, strict=True)]
    return _limited(statement.order_by(*order, _RESOURCE.id))


def _own_value(compiler: Compiler, number: int, key: Sort) -> ColumnElement[str]:
    """Return the value a resource is sorted by: the lowest its row repeats, or the highest."""
    own = compiler.members(_RESOURCE.entries, ENTRY_NAMES)
    column = own.low if key.kind in ("date", "quantity") else own.value
    extreme = func.max(column) if key.descending else func.min(column)
    return select(extreme).where(own.param == _given(f"sort_{number}")).scalar_subquery()


def _behind(keys: Sequence[ColumnElement[str]], sort: Sequence[Sort]) -> ColumnElement[bool]:
    """Return the condition that a row comes behind a place."""
    *values, id_ = (_given(f"after_{number}") for number in range(len(keys) + 1))
    behind = _RESOURCE.id > id_
    for key, one, value in reversed(list(zip(keys, sort, values, strict=True))):
        further = key < value if one.descending else key > value
        behind = or_(further, and_(key == value, behind))
    return behind


def _given(name: str) -> ColumnElement[str]:
    return bindparam(name, "", type_=TEXT)
