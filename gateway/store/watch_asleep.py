"""The queries of what waits while nobody is to be woken for it."""

from sqlalchemy import ColumnElement, FromClause, bindparam, func, literal_column, or_, select

from gateway.store.sqltext import Compiler, Sql
from gateway.store.tables import TABLES
from gateway.store.watchrules import Watch

_ROW, _WATCHED, _PERSON = (TABLES[name].c for name in ("expectation", "watched", "person"))


def _with_timers() -> tuple[ColumnElement[str], FromClause]:
    """Return whose expectations are, and the expectations with the timers of their persons."""
    whose = func.coalesce(_PERSON.person_id, _ROW.patient_id)
    joined = (
        TABLES["expectation"]
        .outerjoin(TABLES["person"], _PERSON.patient_id == _ROW.patient_id)
        .outerjoin(TABLES["watched"], _WATCHED.person_id == whose)
    )
    return whose, joined


def expectations(c: Compiler) -> Sql:
    """Build the query of expectations of one kind whose person sleeps on after their deadline.

    It goes by the index of worklists: what waits is detected at its deadline or later.
    """
    whose, joined = _with_timers()
    sleeps = or_(
        _WATCHED.person_id.is_(None),
        (_WATCHED.leased == literal_column("0"))
        & (_WATCHED.wake > bindparam("late"))
        & (_WATCHED.looked_until <= bindparam("seen")),
    )
    statement = (
        select(whose, *_ROW)
        .select_from(joined)
        .where(
            _ROW.status == bindparam("in_status"),
            _ROW.opened == bindparam("is_opened"),
            _ROW.weight == bindparam("of_weight"),
            _ROW.deadline <= bindparam("now"),
            sleeps,
        )
    )
    return c(statement, "in_status", "is_opened", "of_weight", "now", "late", "seen")


def open_gaps(c: Compiler) -> Sql:
    """Build the query of open gaps by id, each with the timer of its person."""
    _, joined = _with_timers()
    statement = (
        select(*_ROW, *(_WATCHED[name] for name in Watch._fields))
        .select_from(joined)
        .where(_ROW.status == bindparam("in_status"), _ROW.gap_id > bindparam("after"))
    )
    return c(c.limited(statement.order_by(_ROW.gap_id), "rows"), "in_status", "after", "rows")
