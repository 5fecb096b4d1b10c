"""Search conditions as SQL: one subquery of `index_entry` for each condition."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
)

from gateway.core.access import Sight
from gateway.core.ports import Condition, Sort
from gateway.store.columns import TEXT
from gateway.store.search_forms import ROW_PARAMS, AlternativeForm, Form, lower
from gateway.store.sight import seen
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


def count_statement(
    type_: str, conditions: Sequence[Condition], sight: Sight | None = None
) -> Select[Any]:
    """Return the query of how many current resources meet every condition."""
    met = _Text(type_, conditions, sight).met
    return select(func.count()).select_from(TABLES["resource"]).where(met)


def bounded_count_statement(
    type_: str, conditions: Sequence[Condition], sight: Sight | None = None
) -> Select[Any]:
    """Return the query of how many there are, counted up to the parameter `bound`."""
    met = _Text(type_, conditions, sight).met
    bound = bindparam("bound", 1, type_=Integer())
    inner = select(_ONE.label("one")).select_from(TABLES["resource"]).where(met)
    return select(func.count()).select_from(inner.limit(bound).offset(_ZERO).subquery())


def page_statement(
    type_: str,
    conditions: Sequence[Condition],
    rows: int,
    after: Place | None,
    few: bool,
    sort: Sequence[Sort] = (),
    sight: Sight | None = None,
) -> Select[Any]:
    """Return the query of one page behind a place in its order, by default the newest first.

    Args:
        type_: resource type.
        conditions: all of them must be met.
        rows: size of the page, parameter `rows`.
        after: place of the last resource of the page before, parameters `after_0`, `after_1`...
        few: the conditions leave few resources. They are then found first and sorted; otherwise
            the listing is walked in its order until the page is full.
        sort: keys of the order; their values are columns behind those of the resource.
        sight: whose sight all that is looked at is held to; None: nobody's.
    """
    text = _Text(type_, conditions, sight)
    if sort:
        return _sorted(text, rows, after, sort)
    updated: ColumnElement[str] = _RESOURCE.last_updated
    if few:
        # An expression: the index of the listing does not serve it.
        updated = updated.concat(_EMPTY)
    statement = select(*_COLUMNS).where(text.met)
    if after is not None:
        last_updated, id_ = (_given(f"after_{n}", value) for n, value in enumerate(after))
        beside = and_(updated == last_updated, _RESOURCE.id > id_)
        # The first condition follows from the second, in a form an index serves.
        statement = statement.where(updated <= last_updated, or_(updated < last_updated, beside))
    return _limited(statement.order_by(updated.desc(), _RESOURCE.id), rows)


def list_statement(
    type_: str, conditions: Sequence[Condition], rows: int, sight: Sight | None = None
) -> Select[Any]:
    """Return the query of ids and versions behind an id, parameters `after` and `rows`."""
    met = _Text(type_, conditions, sight).met
    statement = select(_RESOURCE.id, _RESOURCE.version).where(
        met, _RESOURCE.id > _given("after", "")
    )
    return _limited(statement.order_by(_RESOURCE.id), rows)


def deleted_statement(type_: str, rows: int, sight: Sight | None = None) -> Select[Any]:
    """Return the query of what is deleted since an instant, parameters also `p0` and `since`."""
    statement = select(_RESOURCE.id, _RESOURCE.version).where(
        _RESOURCE.type == _given("p0", type_),
        _RESOURCE.deleted == _ONE,
        _RESOURCE.last_updated >= _given("since", ""),
        _RESOURCE.id > _given("after", ""),
    )
    if sight is not None:
        statement = statement.where(seen(_RESOURCE, sight))
    return _limited(statement.order_by(_RESOURCE.id), rows)


def _limited(statement: Select[Any], rows: int) -> Select[Any]:
    size = bindparam("rows", rows, type_=Integer())
    # SQLite writes an offset of its own, with a parameter, when none is given.
    return statement.limit(size).offset(_ZERO)


def _sorted(text: "_Text", rows: int, after: Place | None, sort: Sequence[Sort]) -> Select[Any]:
    joined: Any = TABLES["resource"]
    keys: list[ColumnElement[str]] = []
    for number, key in enumerate(sort):
        if key.param in ROW_PARAMS:
            keys.append(_RESOURCE.id if key.param == "_id" else _RESOURCE.last_updated)
            continue
        values = _values(text.type, number, key).subquery(f"sort_{number}")
        joined = joined.outerjoin(values, values.c.id == _RESOURCE.id)
        missing = _EMPTY if key.descending else literal_column(f"'{LAST}'")
        keys.append(func.coalesce(values.c.key, missing))
    columns = [key.label(f"key_{number}") for number, key in enumerate(keys)]
    statement = select(*_COLUMNS, *columns).select_from(joined).where(text.met)
    if after is not None:
        statement = statement.where(_behind(keys, sort, after))
    order = [key.desc() if one.descending else key for key, one in zip(keys, sort, strict=True)]
    return _limited(statement.order_by(*order, _RESOURCE.id), rows)


def _values(type_: ColumnElement[str], number: int, key: Sort) -> Select[Any]:
    """Return the value each resource of a type is sorted by: its lowest, or its highest."""
    entry = TABLES["index_entry"].c
    column = entry.low if key.kind in ("date", "quantity") else entry.value
    extreme = func.max(column) if key.descending else func.min(column)
    param = _given(f"sort_{number}", key.param)
    return (
        select(entry.id, extreme.label("key"))
        .where(entry.type == type_, entry.param == param)
        .group_by(entry.id)
    )


def _behind(
    keys: Sequence[ColumnElement[str]], sort: Sequence[Sort], after: Place
) -> ColumnElement[bool]:
    """Return the condition that a row comes behind a place."""
    *values, id_ = (_given(f"after_{number}", value) for number, value in enumerate(after))
    behind = _RESOURCE.id > id_
    for key, one, value in reversed(list(zip(keys, sort, values, strict=True))):
        further = key < value if one.descending else key > value
        behind = or_(further, and_(key == value, behind))
    return behind


def _given(name: str, value: str) -> ColumnElement[str]:
    return bindparam(name, value, type_=TEXT)


class _Text:
    """The condition of one search; its parameters are `p0`, `p1`... in the order of the values."""

    def __init__(
        self, type_: str, conditions: Sequence[Condition], sight: Sight | None = None
    ) -> None:
        forms, values = lower(type_, conditions)
        self._sight = sight
        self._values: Iterator[tuple[int, str]] = iter(enumerate(values))
        self._aliases = 0
        self.type = self._next()
        self.met = self._all(TABLES["resource"].c, self.type, forms)

    def _next(self) -> ColumnElement[str]:
        number, value = next(self._values)
        return _given(f"p{number}", value)

    def _all(
        self, row: Any, of_type: ColumnElement[str], forms: Sequence[Form]
    ) -> ColumnElement[bool]:
        # Written out: a partial index serves only a query that says the same.
        live = row.deleted == _ZERO
        # Here and at the other end of every chain: what is not seen has no effect on an answer.
        shown = [] if self._sight is None else [seen(row, self._sight)]
        met = [self._one(row, of_type, form) for form in forms]
        return and_(row.type == of_type, live, *met, *shown)

    def _one(self, row: Any, of_type: ColumnElement[str], form: Form) -> ColumnElement[bool]:
        if form.kind in ROW_PARAMS:
            return self._of_row(row, form)
        if form.kind in ("chain", "has"):
            return self._linked(row, of_type, form)
        entry = self._entries()
        found = select(entry.id).where(entry.type == of_type, entry.param == self._next())
        if form.missing is None:
            ranged = form.kind in ("date", "quantity")
            tests = [
                self._range(entry, one) if ranged else self._texts(entry, one)
                for one in form.alternatives
            ]
            found = found.where(or_(false(), *tests))
        inside: ColumnElement[bool] = row.id.in_(found)
        return ~inside if form.negated or form.missing is True else inside

    def _entries(self) -> Any:
        self._aliases += 1
        return TABLES["index_entry"].alias(f"entry_{self._aliases}").c

    def _linked(self, row: Any, of_type: ColumnElement[str], form: Form) -> ColumnElement[bool]:
        entry = self._entries()
        if form.kind == "chain":
            param, of = self._next(), self._next()
            others = select(entry.id).where(entry.type == of_type, entry.param == param)
            there, here = entry.value, entry.system == of
        else:
            of, param, own = self._next(), self._next(), self._next()
            others = select(entry.value).where(entry.type == of, entry.param == param)
            there, here = entry.id, entry.system == own
        self._aliases += 1
        other = TABLES["resource"].alias(f"resource_{self._aliases}").c
        met = self._all(other, self._next(), form.inner)
        linked: Any = others.where(
            entry.low == _EMPTY, here, there.in_(select(other.id).where(met))
        )
        inside: ColumnElement[bool] = row.id.in_(linked)
        return ~inside if form.negated else inside

    def _of_row(self, row: Any, form: Form) -> ColumnElement[bool]:
        if form.missing is not None:
            return false() if form.missing else true()
        tests = [
            self._id(row, one) if form.kind == "_id" else self._updated(row, one[0])
            for one in form.alternatives
        ]
        met: ColumnElement[bool] = or_(false(), *tests)
        return ~met if form.negated else met

    def _id(self, row: Any, form: AlternativeForm) -> ColumnElement[bool]:
        if form[0] == "is":
            met: ColumnElement[bool] = row.id == self._next()
            return met
        return true() if form[0] == "any" else false()

    def _updated(self, row: Any, prefix: str) -> ColumnElement[bool]:
        """Compare the row's instant, which is a range of one microsecond (FHIR R4 3.1.1.4.8)."""
        at = row.last_updated
        start, end = self._next(), self._next()
        within = and_(at >= start, at < end)
        tests: dict[str, ColumnElement[bool]] = {
            "eq": within,
            "ne": ~within,
            "gt": at >= end,
            "lt": at < start,
            "ge": or_(at >= end, within),
            "le": or_(at < start, within),
            "sa": at >= end,
            "eb": at < start,
            "ap": within,
        }
        return tests[prefix]

    def _texts(self, entry: Any, form: AlternativeForm) -> ColumnElement[bool]:
        test, *named = form
        met: list[ColumnElement[bool]] = [entry.low == _EMPTY]
        if test == "starts":
            met += [entry.value >= self._next(), entry.value < self._next()]
        elif test == "below":
            start = self._next()
            met.append(func.substr(entry.value, _ONE, func.length(start)) == start)
        elif test == "above":
            met.append(func.substr(self._next(), _ONE, func.length(entry.value)) == entry.value)
            met.append(entry.value != _EMPTY)
        elif test == "among":
            met.append(entry.system == self._next())
            met.append(entry.value.in_([self._next() for _ in range(int(named.pop()) - 1)]))
        elif test == "exact":
            met.append(entry.system == self._next())
        elif test in ("contains", "words"):
            column = entry.high if test == "words" else entry.value
            # Compared letter by letter on every database, which LIKE does not do.
            met.append(func.replace(column, self._next(), _EMPTY) != column)
        met += [entry[name] == self._next() for name in named]
        return and_(*met)

    def _range(self, entry: Any, form: AlternativeForm) -> ColumnElement[bool]:
        """Compare ranges (FHIR R4 3.1.1.4.8); an entry that is none never matches."""
        prefix, *named = form
        start, end = self._next(), self._next()
        low, high = entry.low, entry.high
        # The second condition follows from the others, and ends the walk through the index.
        within = and_(low >= start, low <= end, high <= end)
        test = {
            "eq": within,
            "ne": or_(low < start, high > end),
            "gt": high > end,
            "lt": low < start,
            "ge": or_(high > end, within),
            "le": or_(low < start, within),
            "sa": low >= end,
            "eb": high <= start,
            "ap": and_(low < end, high > start),
        }[prefix]
        unit = [entry[name] == self._next() for name in named]
        return and_(low > _EMPTY, test, *unit)
