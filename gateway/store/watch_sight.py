"""Which expectations somebody may be shown, as a condition on rows of `expectation`.

A gap is of a person, whatever Patient or part of a dossier carries its trigger: the Patient whose
id the person has stands for all of them, and has the permits of all. Gaps of feeds are of nobody.
"""

from sqlalchemy import ColumnElement, and_, bindparam, exists, func, literal_column, or_, select

from gateway.core.access import Sight
from gateway.core.facts import Status, feed_subject
from gateway.store.codec import instant_text, key_text
from gateway.store.sqltext import Compiler, Sql, given
from gateway.store.tables import TABLES

#: Order of the values of a condition in a statement.
NAMES = ("sight_client", "sight_person", "sight_now")
_ROW = TABLES["expectation"].c


def values(sight: Sight) -> tuple[str, ...]:
    """Return the values of a condition, in the order of `NAMES`."""
    person = key_text(sight.person or sight.client)
    return key_text(sight.client), person, instant_text(sight.now)


def seen(table: str = "expectation") -> ColumnElement[bool]:
    """Return the condition that somebody may be shown an expectation, or a row of work on one."""
    row = TABLES[table]
    person = TABLES["person"].alias("whose").c
    permit = TABLES["access_permit"].alias("permit").c
    found = select(person.person_id).where(person.patient_id == row.c.patient_id)
    linked = found.correlate(row).scalar_subquery()
    permitted = exists().where(
        permit.client.in_((bindparam("sight_client"), bindparam("sight_person"))),
        permit.category == literal_column("'handoff'"),
        permit.patient == func.coalesce(linked, row.c.patient_id),
        permit.until > bindparam("sight_now"),
    )
    # Between the prefix and its successor: what begins with it.
    prefix = feed_subject("")
    after = prefix[:-1] + chr(ord(prefix[-1]) + 1)
    is_feed = and_(
        row.c.patient_id >= literal_column(f"'{prefix}'"),
        row.c.patient_id < literal_column(f"'{after}'"),
    )
    return or_(is_feed, permitted)


def counting(c: Compiler) -> Sql:
    """Build the count of expectations in some states that somebody may be shown, by rule."""
    statement = (
        select(_ROW.rule, _ROW.status, func.count())
        .where(c.among(_ROW.status, "statuses"), seen())
        .group_by(_ROW.rule, _ROW.status)
    )
    return c(statement, "statuses", *NAMES)


def counted(statuses: list[Status], sight: Sight) -> tuple[str, ...]:
    """Return the values of that count."""
    return (given([one.value for one in statuses]), *values(sight))
