"""Search conditions as SQL: one subquery of `index_entry` for each condition."""

from collections.abc import Mapping, Sequence
from datetime import datetime
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

from gateway.core.ports import Condition
from gateway.store.codec import instant_text, key_text, read_instant
from gateway.store.columns import TEXT
from gateway.store.tables import TABLES

_RESOURCE, _ENTRY = TABLES["resource"].c, TABLES["index_entry"].c
_COLUMNS = [_RESOURCE[name] for name in _RESOURCE.keys() if name != "entries"]  # noqa: SIM118 (not a dict)
_ZERO: ColumnElement[int] = literal_column("0")
#: The values of one alternative under the names its statement gives them.
Named = Mapping[str, str]


def shape(conditions: Sequence[Condition]) -> tuple[object, ...]:
    """Return what the text of a statement depends on: everything but the values."""
    return tuple(
        (c.param, c.kind, c.missing, c.negated, *(_form(c, a) for a in c.alternatives))
        for c in conditions
    )


def values(type_: str, conditions: Sequence[Condition]) -> dict[str, str]:
    """Return the values of the conditions by the names the statements give them."""
    found = {"type": type_}
    for place, condition in enumerate(conditions):
        found[f"param_{place}"] = condition.param
        for named in _named(place, condition):
            found.update(named)
    return found


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
        rows: size of the page, parameter `rows`.
        after: instant and id of the last resource of the page before, parameters `after` and
            `after_id`.
        few: the conditions leave few resources. They are then found first and sorted; otherwise
            the listing is walked in its order until the page is full.
    """
    updated: ColumnElement[str] = _RESOURCE.last_updated
    if few:
        # An expression: the index of the listing does not serve it.
        updated = updated.concat(literal_column("''"))
    statement = select(*_COLUMNS).where(_filter(type_, conditions))
    if after is not None:
        last_updated, id_ = _text("after", after[0]), _text("after_id", after[1])
        beside = and_(updated == last_updated, _RESOURCE.id > id_)
        # The first condition follows from the second, in a form an index serves.
        statement = statement.where(updated <= last_updated, or_(updated < last_updated, beside))
    size = bindparam("rows", rows, type_=Integer())
    # SQLite writes an offset of its own, with a parameter, when none is given.
    return statement.order_by(updated.desc(), _RESOURCE.id).limit(size).offset(_ZERO)


def _text(name: str, value: str) -> ColumnElement[str]:
    return bindparam(name, value, type_=TEXT)


def _form(condition: Condition, alternative: Sequence[str | None]) -> tuple[object, ...]:
    if _is_date(condition):
        return (alternative[0],)
    system, value = alternative
    return (not system if condition.param == "_id" else system is None, value is None)


def _is_date(condition: Condition) -> bool:
    return condition.kind == "date" or condition.param == "_lastUpdated"


def _named(place: int, condition: Condition) -> list[dict[str, str]]:
    """Return for each alternative of a condition its values by their names."""
    found = []
    for number, alternative in enumerate(condition.alternatives):
        end = f"_{place}_{number}"
        if condition.param == "_lastUpdated":
            low, high = (instant_text(_instant(text)) for text in alternative[1:])
            found.append({f"low{end}": low, f"high{end}": high})
        elif condition.kind == "date":
            found.append({f"low{end}": alternative[1] or "", f"high{end}": alternative[2] or ""})
        else:
            told = zip(("system", "value"), alternative, strict=True)
            found.append({f"{n}{end}": key_text(text) for n, text in told if text is not None})
    return found


def _filter(type_: str, conditions: Sequence[Condition]) -> ColumnElement[bool]:
    # Written out: a partial index serves only a query that says the same.
    live = _RESOURCE.deleted == _ZERO
    of_type = _text("type", type_)
    met = (_condition(of_type, place, c) for place, c in enumerate(conditions))
    return and_(_RESOURCE.type == of_type, live, *met)


def _condition(
    of_type: ColumnElement[str], place: int, condition: Condition
) -> ColumnElement[bool]:
    if condition.param in ("_id", "_lastUpdated"):
        return _row_condition(place, condition)
    param = _text(f"param_{place}", condition.param)
    rows = select(_ENTRY.id).where(_ENTRY.type == of_type, _ENTRY.param == param)
    if condition.missing is None:
        tests = [
            _date(alternative[0], named) if condition.kind == "date" else _token(named)
            for alternative, named in zip(
                condition.alternatives, _named(place, condition), strict=True
            )
        ]
        rows = rows.where(or_(false(), *tests))
    inside = _RESOURCE.id.in_(rows)
    return ~inside if condition.negated or condition.missing is True else inside


def _row_condition(place: int, condition: Condition) -> ColumnElement[bool]:
    if condition.missing is not None:
        return false() if condition.missing else true()
    tests = [
        _id(named) if condition.param == "_id" else _updated(alternative[0], named)
        for alternative, named in zip(condition.alternatives, _named(place, condition), strict=True)
    ]
    met = or_(false(), *tests)
    return ~met if condition.negated else met


def _id(named: Named) -> ColumnElement[bool]:
    met: ColumnElement[bool] = true()
    for name, text in named.items():
        if name.startswith("value"):
            met = _RESOURCE.id == _text(name, text)
        elif text:
            return false()
    return met


def _updated(prefix: str | None, named: Named) -> ColumnElement[bool]:
    """Compare the row's instant, which is a range of one microsecond (FHIR R4 3.1.1.4.8)."""
    at = _RESOURCE.last_updated
    start, end = (_text(name, text) for name, text in named.items())
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


def _token(named: Named) -> ColumnElement[bool]:
    tests: list[ColumnElement[bool]] = [_ENTRY.low == literal_column("''")]
    for name, text in named.items():
        column = _ENTRY.value if name.startswith("value") else _ENTRY.system
        tests.append(column == _text(name, text))
    return and_(*tests)


def _date(prefix: str | None, named: Named) -> ColumnElement[bool]:
    """Compare ranges (FHIR R4 3.1.1.4.8); an entry that is no date never matches."""
    start, end = (_text(name, text) for name, text in named.items())
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
    return and_(low > literal_column("''"), test)
