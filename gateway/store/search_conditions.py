"""Search conditions as SQL: one set of ids for each, or a look at what a row repeats of its index.

A set is read from `index_entry`, which is right for what few resources meet. What many meet is
asked of each row that the rest leaves: a row holds its own entries, so nobody gathers them all.
"""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    exists,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
)

from gateway.core.access import Sight
from gateway.store.columns import TEXT
from gateway.store.search_forms import LINKED, ROW_PARAMS, AlternativeForm, Form
from gateway.store.sight import seen
from gateway.store.sqltext import Compiler
from gateway.store.tables import TABLES

ENTRY_NAMES = ("param", "low", "value", "system", "high")
_ZERO: ColumnElement[int] = literal_column("0")
_ONE: ColumnElement[int] = literal_column("1")
_EMPTY: ColumnElement[str] = literal_column("''")


class Conditions:
    """The conditions of one search; parameters are `p0`, `p1`... in the order of their values.

    Attributes:
        type: parameter of the type.
    """

    def __init__(self, compiler: Compiler, sight: Sight | None = None) -> None:
        self._compiler = compiler
        self._sight = sight
        self._numbers: Iterator[int] = count()
        self._aliases = 0
        self.type = self._next()

    def met(self, forms: Sequence[Form], *, by_id: bool) -> ColumnElement[bool]:
        """Return the condition that a current resource meets every form.

        Args:
            forms: of the search.
            by_id: rows are found by their ids, or walked in the order of these.
        """
        return self._all(TABLES["resource"].c, self.type, forms, by_id=by_id)

    def sets(self, forms: Sequence[Form]) -> list[Select[Any] | None]:
        """Return the query of the ids each form names; None where it is about the row itself."""
        found: list[Select[Any] | None] = []
        for form in forms:
            if form.kind in ROW_PARAMS:
                self._of_row(TABLES["resource"].c, form)
                found.append(None)
            else:
                found.append(self._set(self.type, form))
        return found

    def _next(self) -> ColumnElement[str]:
        return bindparam(f"p{next(self._numbers)}", "", type_=TEXT)

    def _all(
        self, row: Any, of_type: ColumnElement[str], forms: Sequence[Form], *, by_id: bool
    ) -> ColumnElement[bool]:
        # Written out: a partial index serves only a query that says the same. By id none of these
        # is wanted: without statistics PostgreSQL walks through one of them for each id.
        deleted = row.deleted.op("+")(_ZERO) if by_id else row.deleted
        # Here and at the other end of every chain: what is not seen has no effect on an answer.
        shown = [] if self._sight is None else [seen(row, self._sight)]
        met = [self._one(row, of_type, form) for form in forms]
        return and_(row.type == of_type, deleted == _ZERO, *met, *shown)

    def _one(self, row: Any, of_type: ColumnElement[str], form: Form) -> ColumnElement[bool]:
        if form.kind in ROW_PARAMS:
            return self._of_row(row, form)
        if form.by_row:
            own = self._compiler.members(row.entries, ENTRY_NAMES)
            met = exists().where(own.param == self._next(), *self._tests(own, form))
            return ~met if form.is_refusal else met
        return self._compiler.within(row.id, self._set(of_type, form), negated=form.is_refusal)

    def _set(self, of_type: ColumnElement[str], form: Form) -> Select[Any]:
        if form.kind in LINKED:
            return self._linked(of_type, form)
        entry = self._entries()
        found = select(entry.id).where(entry.type == of_type, entry.param == self._next())
        return found.where(*self._tests(entry, form))

    def _tests(self, entry: Any, form: Form) -> list[ColumnElement[bool]]:
        if form.missing is not None:
            return []
        ranged = form.kind in ("date", "quantity")
        tests = [
            self._range(entry, one) if ranged else self._texts(entry, one)
            for one in form.alternatives
        ]
        return [or_(false(), *tests)]

    def _entries(self) -> Any:
        self._aliases += 1
        return TABLES["index_entry"].alias(f"entry_{self._aliases}").c

    def _linked(self, of_type: ColumnElement[str], form: Form) -> Select[Any]:
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
        by_id = any(one.kind != "_lastUpdated" for one in form.inner)
        met = self._all(other, self._next(), form.inner, by_id=by_id)
        ends = self._compiler.within(there, select(other.id).where(met))
        return others.where(entry.low == _EMPTY, here, ends)

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
        met += [getattr(entry, name) == self._next() for name in named]
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
        unit = [getattr(entry, name) == self._next() for name in named]
        # Said by the others already where these end a walk: SQLite would begin it at the first.
        dated = [] if prefix in ("eq", "sa") else [low > _EMPTY]
        return and_(*dated, test, *unit)
