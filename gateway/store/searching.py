"""How a search is carried out: which of its conditions lead to resources, and which only test them.

How much each condition names is looked up first, up to a bound. Where one names few, those are
found by their ids; what the others name is asked of each. Where all name many, the listing is
walked from its newest row on: the page is full soon, and nobody counts. Only where a stretch of it
does not fill the page is everything gathered that the conditions name. Some thousands are counted,
and walked for all that: counting them costs little, and sorting them a lot.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select

from gateway.core.access import Sight
from gateway.core.ports import Condition, Sort
from gateway.store import codec, search
from gateway.store import sight as sights
from gateway.store.search import Asked, Place
from gateway.store.search_forms import LINKED, ROW_PARAMS, Form, lower
from gateway.store.sqltext import Compiler, Session, Sql

Build = Callable[[Compiler], Select[Any]]

#: As many resources are sorted faster than a long listing is walked.
_FEW = 5000
#: As many are sorted faster than any listing is walked.
_SORTED = 1000
#: Rows of a listing that are looked at before all that is named is gathered: by time, by id.
_WINDOW, _LISTED = 1000, 20_000
#: Texts of searches that are kept; an application asks few.
_SEARCHES = 512


class Found(NamedTuple):
    """Rows of a page and one more; with `is_cut` they were not counted to the end."""

    rows: Sequence[Any]
    total: int
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class _Plan:
    """How the conditions of a search are used.

    Attributes:
        forms: what leads to resources, and what is asked of each of these.
        few: one of them leads to few.
        walked: the same where a listing is walked; None: it cannot be, or would not pay.
        values: of the conditions.
    """

    forms: tuple[Form, ...]
    few: bool
    walked: tuple[Form, ...] | None
    values: dict[str, Any]


class Searcher:
    """Runs searches in a transaction."""

    __slots__ = ("_known", "_session")

    def __init__(self, session: Session, known: dict[tuple[object, ...], Sql]) -> None:
        self._session = session
        self._known = known

    def search(
        self,
        type_: str,
        conditions: Sequence[Condition],
        rows: int,
        after: Place | None,
        sort: Sequence[Sort],
        sight: Sight | None,
        most: int | None,
    ) -> Found:
        """Return a page, and how many there are on all pages.

        Args:
            type_: resource type, storable.
            conditions: all must be met.
            rows: of a page and one more; 1: only the count is wanted.
            after: the place the page stands behind.
            sort: keys of the order.
            sight: whose sight it is held to.
            most: matches that are counted; None: all.
        """
        plan = self._plan(type_, conditions)
        one = _One(self, plan, rows, after, _words(sort), sight)
        can_walk = plan.walked is not None and rows > 1 and not one.sort
        if plan.few and rows > 1:
            if can_walk:
                found = one.page(few=False, forms=plan.walked, window=True)
                if len(found) == rows:
                    return Found(found, one.count(None))
            found = one.page(few=True)
            if after is None and len(found) < rows:
                return Found(found, len(found))
            return Found(found, one.count(None))
        # More need not be counted: the page is not empty, and not the last.
        if can_walk and most is not None:
            found = one.page(few=False, forms=plan.walked, window=True)
            if len(found) == rows:
                return Found(found, rows, is_cut=True)
        # How many there are decides how they are looked for, up to here.
        bound = None if most is None else max(most, _FEW)
        total = one.count(bound)
        is_cut = bound is not None and total > bound
        if rows <= 1 or not total:
            return Found([], total, is_cut)
        few = bool(conditions or sights.form(sight)) and total <= _FEW
        return Found(one.page(few=few), total, is_cut)

    def listed(
        self,
        type_: str,
        conditions: Sequence[Condition],
        after_id: str,
        limit: int,
        sight: Sight | None,
    ) -> Sequence[Any]:
        """Return ids and versions of what meets every condition, by id."""
        plan = self._plan(type_, conditions)
        values = {**plan.values, "rows": limit, "after": after_id, "window": _LISTED}
        values |= sights.values(sight)

        def ask(forms: tuple[Form, ...], *, window: bool) -> Sequence[Any]:
            return self.run(
                ("listed", window, sights.form(sight), forms),
                values,
                lambda c: search.list_statement(c, Asked(forms, sight=sight), window=window),
            )

        if plan.walked is not None and not plan.few:
            rows = ask(plan.walked, window=True)
            if len(rows) == limit:
                return rows
        return ask(plan.forms, window=False)

    def deleted(
        self, type_: str, since: datetime, after_id: str, limit: int, sight: Sight | None
    ) -> Sequence[Any]:
        """Return ids and versions of what is deleted since an instant, by id."""
        values = {"p0": type_, "since": codec.instant_text(since), "rows": limit}
        return self.run(
            ("deleted", sights.form(sight)),
            {**values, "after": after_id, **sights.values(sight)},
            lambda _: search.deleted_statement(sight),
        )

    def run(
        self, key: tuple[object, ...], values: Mapping[str, Any], build: Build
    ) -> Sequence[Any]:
        """Run a search whose text was made for an earlier one of the same shape, or make it."""
        sql = self._known.get(key)
        if sql is None:
            if len(self._known) >= _SEARCHES:
                self._known.clear()
            compiler = self._session.compiler
            sql = self._known[key] = compiler.free(build(compiler))
        return self._session.rows(sql, tuple([values[name] for name in sql.names]))

    def _plan(self, type_: str, conditions: Sequence[Condition]) -> _Plan:
        forms, texts = lower(type_, conditions)
        values = {f"p{number}": text for number, text in enumerate(texts)}
        if all(form.kind in ROW_PARAMS for form in forms):
            return _plan(forms, [0] * len(forms), values)
        found = self.run(
            ("sizes", forms),
            {**values, "bound": _FEW + 1},
            lambda compiler: search.sizes_statement(compiler, forms),
        )
        sizes = iter(found[0])
        told = [0 if form.kind in ROW_PARAMS else next(sizes) for form in forms]
        return _plan(forms, told, values)


def _plan(forms: tuple[Form, ...], sizes: Sequence[int], values: dict[str, Any]) -> _Plan:
    named = list(zip(forms, sizes, strict=True))
    wide = [form for form, size in named if size > _FEW]
    asked = tuple(
        form._replace(by_row=True) if size > _FEW and form.kind not in LINKED else form
        for form, size in named
    )
    leading = [size for form, size in named if _leads(form) and size <= _FEW]
    if leading:
        return _Plan(asked, True, _walked(named) if min(leading) > _SORTED else None, values)
    can_walk = bool(wide) and not any(form.kind in LINKED for form in wide)
    return _Plan(forms, False, asked if can_walk else None, values)


def _walked(named: Sequence[tuple[Form, int]]) -> tuple[Form, ...] | None:
    """Return conditions that each row of a listing can be asked by itself; None: it cannot be."""
    if any(form.kind in LINKED for form, _size in named):
        return None
    return tuple(form._replace(by_row=True) if size else form for form, size in named)


def _leads(form: Form) -> bool:
    """Tell whether resources are found by a condition; its size says how many."""
    if form.is_refusal or form.kind == "_lastUpdated":
        return False
    return form.kind != "_id" or all(one[0] != "any" for one in form.alternatives)


def _words(sort: Sequence[Sort]) -> Sequence[Sort]:
    """Return the keys of an order; none for that of every listing."""
    return () if [*sort] == [Sort("_lastUpdated", "date", descending=True)] else sort


class _One:
    """One search, on its way."""

    def __init__(
        self,
        searcher: Searcher,
        plan: _Plan,
        rows: int,
        after: Place | None,
        sort: Sequence[Sort],
        sight: Sight | None,
    ) -> None:
        self.sort = sort
        self._searcher, self._plan, self._sight = searcher, plan, sight
        self._goes_on = after is not None
        self._values = {**plan.values, **sights.values(sight), "rows": rows, "window": _WINDOW}
        self._values |= {f"after_{number}": text for number, text in enumerate(after or ())}
        self._values |= {f"sort_{number}": key.param for number, key in enumerate(sort)}

    def page(
        self, *, few: bool, forms: tuple[Form, ...] | None = None, window: bool = False
    ) -> Sequence[Any]:
        asked = Asked(forms or self._plan.forms, few, self._sight)
        order = tuple(
            (key.param in ROW_PARAMS and key.param, key.kind, key.descending) for key in self.sort
        )
        return self._searcher.run(
            ("page", few, window, self._goes_on, order, sights.form(self._sight), asked.forms),
            self._values,
            lambda compiler: search.page_statement(
                compiler, asked, self.sort, goes_on=self._goes_on, window=window
            ),
        )

    def count(self, bound: int | None) -> int:
        asked = Asked(self._plan.forms, self._plan.few, self._sight)
        make = search.count_statement if bound is None else search.bounded_count_statement
        rows = self._searcher.run(
            ("count", bound is None, asked.few, sights.form(self._sight), asked.forms),
            {**self._values, "bound": 0 if bound is None else bound + 1},
            lambda compiler: make(compiler, asked),
        )
        return int(rows[0][0])
