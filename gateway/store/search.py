"""Search conditions as SQL: one subquery of `index_entry` for each condition."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, literal_column, or_, select, true

from gateway.core.ports import Condition
from gateway.store.codec import instant_text, key_text, read_instant
from gateway.store.tables import TABLES

_RESOURCE, _ENTRY = TABLES["resource"].c, TABLES["index_entry"].c
_COLUMNS = [_RESOURCE[name] for name in _RESOURCE.keys() if name != "entries"]  # noqa: SIM118 (not a dict)
Alternative = Sequence[str | None]
_ZERO: ColumnElement[int] = literal_column("0")


def count_statement(type_: str, conditions: Sequence[Condition]) -> Select[Any]:
    """Return the query of how many current resources meet every condition."""
    return select(func.count()).select_from(TABLES["resource"]).where(_filter(type_, conditions))


def page_statement(
    type_: str,
    conditions: Sequence[Condition],
    rows: int,
    after: tuple[str, str] | None,
    few: bool,
) -> Select[Any]:
    """Return the query of one page, newest first, behind a place in that order.

    Args:
        type_: resource type.
        conditions: all of them must be met.
        rows: size of the page.
        after: instant and id of the last resource of the page before.
        few: the conditions leave few resources. They are then found first and sorted; otherwise
            the listing is walked in its order until the page is full.
    """
    updated: ColumnElement[str] = _RESOURCE.last_updated
    if few:
        # An expression: the index of the listing does not serve it.
        updated = updated.concat(literal_column("''"))
    statement = select(*_COLUMNS).where(_filter(type_, conditions))
    if after is not None:
        last_updated, id_ = after
        beside = and_(updated == last_updated, _RESOURCE.id > id_)
        # The first condition follows from the second, in a form an index serves.
        statement = statement.where(updated <= last_updated, or_(updated < last_updated, beside))
    return statement.order_by(updated.desc(), _RESOURCE.id).limit(rows)


def _filter(type_: str, conditions: Sequence[Condition]) -> ColumnElement[bool]:
    # Written out: a partial index serves only a query that says the same.
    live = _RESOURCE.deleted == _ZERO
    return and_(_RESOURCE.type == type_, live, *(_condition(type_, c) for c in conditions))


def _condition(type_: str, condition: Condition) -> ColumnElement[bool]:
    if condition.param in ("_id", "_lastUpdated"):
        return _row_condition(condition)
    rows = select(_ENTRY.id).where(_ENTRY.type == type_, _ENTRY.param == condition.param)
    if condition.missing is None:
        test = _date if condition.kind == "date" else _token
        rows = rows.where(or_(false(), *(test(a) for a in condition.alternatives)))
    inside = _RESOURCE.id.in_(rows)
    return ~inside if condition.negated or condition.missing is True else inside


def _row_condition(condition: Condition) -> ColumnElement[bool]:
    if condition.missing is not None:
        return false() if condition.missing else true()
    test = _id if condition.param == "_id" else _updated
    met = or_(false(), *(test(alternative) for alternative in condition.alternatives))
    return ~met if condition.negated else met


def _id(alternative: Alternative) -> ColumnElement[bool]:
    system, value = alternative
    if system:
        return false()
    return true() if value is None else _RESOURCE.id == key_text(value)


def _updated(alternative: Alternative) -> ColumnElement[bool]:
    """Compare the row's instant, which is a range of one microsecond (FHIR R4 3.1.1.4.8)."""
    prefix, low, high = alternative
    at = _RESOURCE.last_updated
    start, end = (instant_text(_instant(text)) for text in (low, high))
    within = and_(at >= start, at < end)
    return {
        "eq": within,
        "ne": ~within,
        "gt": at >= end,
        "lt": at < start,
        "ge": or_(at >= end, within),
        "le": or_(at < start, within),
        "sa": at >= end,
        "eb": at < start,
    }[prefix or "eq"]


def _instant(text: str | None) -> datetime:
    return read_instant(text or "")


def _token(alternative: Alternative) -> ColumnElement[bool]:
    system, value = alternative
    tests = [_ENTRY.low == ""]
    if value is not None:
        tests.append(_ENTRY.value == key_text(value))
    if system is not None:
        tests.append(_ENTRY.system == key_text(system))
    return and_(*tests)


def _date(alternative: Alternative) -> ColumnElement[bool]:
    """Compare ranges (FHIR R4 3.1.1.4.8); an entry that is no date never matches."""
    prefix, start, end = alternative
    low, high = _ENTRY.low, _ENTRY.high
    within = and_(low >= start, high <= end)
    test = {
        "eq": within,
        "ne": or_(low < start, high > end),
        "gt": high > end,
        "lt": low < start,
        "ge": or_(high > end, within),
        "le": or_(low < start, within),
        "sa": low >= end,
        "eb": high <= start,
    }[prefix or "eq"]
    return and_(low > "", test)
