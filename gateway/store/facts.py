"""Queries on what inputs assert about persons."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import bindparam, func, literal_column, or_, select

from gateway.core.facts import Assertion, Received
from gateway.store import codec
from gateway.store.factrules import changed_rows, moved
from gateway.store.sqltext import Compiler, Session, given
from gateway.store.tables import TABLES
from gateway.store.watchcodec import AssertionColumns, said_once
from gateway.store.watchrules import Watch

_ASSERTION, _PERSON, _WATCHED = (TABLES[name].c for name in ("assertion", "person", "watched"))


class FactSql:
    """The statements of facts and persons for one database."""

    def __init__(self, c: Compiler) -> None:
        assertion, person, watched = (TABLES[name] for name in ("assertion", "person", "watched"))
        self.of_inboxes = c(select(*_ASSERTION).where(c.among(_ASSERTION.inbox_id, "ids")), "ids")
        self.insert = c.insert(assertion, AssertionColumns._fields)
        self.delete = c(
            assertion.delete().where(
                _ASSERTION.inbox_id == bindparam("row_id"), _ASSERTION.aid == bindparam("of_aid")
            ),
            "row_id",
            "of_aid",
        )
        self.of_patients = c(
            select(*_ASSERTION).where(c.among(_ASSERTION.patient_id, "patients")), "patients"
        )
        # Written out, as its index has it, so that the index serves.
        of_feeds = _ASSERTION.patient_id == literal_column("''")
        since = _ASSERTION.received_at >= bindparam("since")
        self.of_feeds = c(select(*_ASSERTION).where(of_feeds, since), "since")
        self.persons = c(select(*_PERSON).where(c.among(_PERSON.patient_id, "ids")), "ids")
        self.patients = c(
            select(_PERSON.patient_id, _PERSON.person_id).where(
                or_(_PERSON.person_id == bindparam("a"), _PERSON.patient_id == bindparam("b"))
            ),
            "a",
            "b",
        )
        self.unlink = c(person.delete().where(c.among(_PERSON.patient_id, "ids")), "ids")
        self.link = c.insert(person, ("patient_id", "person_id"))
        self.watched = c(
            select(*_WATCHED)
            .where(c.among(_WATCHED.person_id, "ids"))
            .order_by(_WATCHED.person_id)
            .with_for_update(),
            "ids",
        )
        self.put_watched = c.upsert(watched, ("person_id", *Watch._fields))
        self.count = c(select(func.count()).select_from(assertion))


class SqlFacts:
    """`core.pathway_ports.FactQueries` in a transaction."""

    __slots__ = ("_session", "_sql")

    def __init__(self, session: Session, sql: FactSql) -> None:
        self._session = session
        self._sql = sql

    def replace(self, by_inbox: Sequence[tuple[int, datetime, Sequence[Assertion]]]) -> set[str]:
        """Make these the assertions of each inbox row; return the Patients concerned."""
        if not by_inbox:
            return set()
        ids = (given([inbox_id for inbox_id, _, _ in by_inbox]),)
        before = [AssertionColumns(*row) for row in self._session.rows(self._sql.of_inboxes, ids)]
        change = changed_rows(before, by_inbox)
        self._session.run_many(self._sql.delete, change.deleted)
        self._session.run_many(self._sql.insert, change.written)
        return change.patients

    def of_person(self, person_id: str) -> list[Received]:
        """Return every assertion about the Patients of a person, in order of (at, order)."""
        patients = (given(self.patients(person_id)),)
        return said_once(self._session.rows(self._sql.of_patients, patients))

    def of_feeds(self, since: datetime) -> list[Received]:
        """Return the assertions without patient received at or after `since`."""
        start = (codec.instant_text(since),)
        return said_once(self._session.rows(self._sql.of_feeds, start))

    def persons(self, patient_ids: Iterable[str]) -> dict[str, str]:
        """Return the person of each Patient; one that is linked to nobody is its own."""
        found = {patient_id: patient_id for patient_id in patient_ids}
        if found:
            rows = self._session.rows(self._sql.persons, (given(sorted(found)),))
            found.update((patient_id, person_id) for patient_id, person_id in rows)
        return found

    def link(self, persons: Mapping[str, str]) -> set[str]:
        """Set the person of Patients; return the persons, old and new, that changed."""
        before = self.persons(persons)
        changed = {p: person for p, person in sorted(persons.items()) if before[p] != person}
        if not changed:
            return set()
        self._session.run(self._sql.unlink, (given(list(changed)),))
        self._session.run_many(
            self._sql.link, [(p, person) for p, person in changed.items() if p != person]
        )
        return self._carry({(before[p], person) for p, person in changed.items()})

    def _carry(self, moves: set[tuple[str, str]]) -> set[str]:
        """Keep what is written in the ledger written, whichever person it was written for."""
        touched = {person for move in moves for person in move}
        rows = self._session.rows(self._sql.watched, (given(sorted(touched)),))
        watched = moved({row[0]: Watch(*row[1:]) for row in rows}, moves)
        self._session.run_many(
            self._sql.put_watched, [(person, *watch) for person, watch in watched.items()]
        )
        return touched

    def patients(self, person_id: str) -> list[str]:
        """Return the Patients of a person, sorted."""
        rows = self._session.rows(self._sql.patients, (person_id, person_id))
        found = {patient_id for patient_id, person in rows if person == person_id}
        # Its own, unless it is linked to another one.
        if all(patient_id != person_id for patient_id, _ in rows):
            found.add(person_id)
        return sorted(found)
