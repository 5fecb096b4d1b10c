"""Queries on what inputs assert about persons."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, literal_column, or_, select

from gateway.core.facts import Assertion, Received
from gateway.core.pathway_ports import Move
from gateway.store import codec
from gateway.store.archive import ArchiveSql, SqlArchive
from gateway.store.factrules import changed_rows, gone_stale, moves_of, parts_between
from gateway.store.sqltext import Compiler, Session, given
from gateway.store.tables import TABLES
from gateway.store.watchcodec import AssertionColumns, said_once
from gateway.store.watchrules import Watch

_ASSERTION, _PERSON, _MOVE, _WATCHED = (
    TABLES[name].c for name in ("assertion", "person", "person_move", "watched")
)


class FactSql:
    """The statements of facts and persons for one database."""

    def __init__(self, c: Compiler) -> None:
        assertion, person, watched = (TABLES[name] for name in ("assertion", "person", "watched"))
        # Locked: nobody folds them away between this and what replaces them.
        of_inboxes = select(*_ASSERTION).where(c.among(_ASSERTION.inbox_id, "ids"))
        self.of_inboxes = c(of_inboxes.with_for_update(), "ids")
        self.insert = c.insert(assertion, AssertionColumns._fields)
        self.delete = c(
            assertion.delete().where(
                _ASSERTION.inbox_id == bindparam("row_id"), _ASSERTION.aid == bindparam("of_aid")
            ),
            "row_id",
            "of_aid",
        )
        self.hold = c(
            assertion.update()
            .where(
                _ASSERTION.patient_id == bindparam("of_patient"),
                _ASSERTION.aid == bindparam("of_aid"),
            )
            .values(patient_id=bindparam("part")),
            "part",
            "of_patient",
            "of_aid",
        )
        self.of_patients = c(
            select(*_ASSERTION).where(c.among(_ASSERTION.patient_id, "patients")), "patients"
        )
        # Written out, as its index has it, so that the index serves.
        of_feeds = _ASSERTION.patient_id == literal_column("''")
        since = _ASSERTION.received_at >= bindparam("since")
        above = (_ASSERTION.patient_id > bindparam("after"), since)
        told = select(_ASSERTION.patient_id).distinct().where(*above)
        self.told_since = c(
            c.limited(told.order_by(_ASSERTION.patient_id), "rows"), "after", "since", "rows"
        )
        self.of_feeds = c(select(*_ASSERTION).where(of_feeds, since), "since")
        self.persons = c(select(*_PERSON).where(c.among(_PERSON.patient_id, "ids")), "ids")
        self.patients = c(
            select(_PERSON.patient_id, _PERSON.person_id).where(
                or_(_PERSON.person_id == bindparam("a"), _PERSON.patient_id == bindparam("b"))
            ),
            "a",
            "b",
        )
        self.parts = c(
            select(_PERSON.patient_id).where(
                _PERSON.patient_id > bindparam("low"), _PERSON.patient_id < bindparam("high")
            ),
            "low",
            "high",
        )
        self.unlink = c(person.delete().where(c.among(_PERSON.patient_id, "ids")), "ids")
        self.link = c.insert(person, ("patient_id", "person_id"))
        moves = select(*_MOVE).order_by(_MOVE.at, _MOVE.patient_id)
        self.moves = c(moves.where(c.among(_MOVE.patient_id, "ids")), "ids")
        left, joined = c.among(_MOVE.before, "left"), c.among(_MOVE.after, "joined")
        self.moves_between = c(moves.where(or_(left, joined)), "left", "joined")
        self.put_move = c.upsert(TABLES["person_move"], tuple(_MOVE.keys()))
        self.watched = c(
            select(*_WATCHED)
            .where(c.among(_WATCHED.person_id, "ids"))
            .order_by(_WATCHED.person_id)
            .with_for_update(),
            "ids",
        )
        self.put_watched = c.upsert(watched, ("person_id", *Watch._fields))
        self.archive = ArchiveSql(c)


class SqlFacts:
    """`core.pathway_ports.FactQueries` in a transaction."""

    __slots__ = ("_archive", "_session", "_sql")

    def __init__(self, session: Session, sql: FactSql) -> None:
        self._session = session
        self._sql = sql
        self._archive = SqlArchive(session, sql.archive)

    def replace(self, by_inbox: Sequence[tuple[int, datetime, Sequence[Assertion]]]) -> set[str]:
        """Make these the assertions of each inbox row; return the Patients concerned."""
        if not by_inbox:
            return set()
        told = {a.patient.id for _, _, said in by_inbox for a in said if a.patient is not None}
        inputs = [inbox_id for inbox_id, _, _ in by_inbox]
        found = self._session.rows(self._sql.of_inboxes, (given(inputs),))
        if self._archive.unfold(told, inputs):
            found = self._session.rows(self._sql.of_inboxes, (given(inputs),))
        before = [AssertionColumns(*row) for row in found]
        change = changed_rows(before, by_inbox)
        self._session.run_many(self._sql.delete, change.deleted)
        self._session.run_many(self._sql.insert, change.written)
        return change.patients

    def of_person(self, person_id: str) -> list[Received]:
        """Return every assertion about the Patients of a person, in order of (at, order)."""
        patients = self.patients(person_id)
        rows = self._session.rows(self._sql.of_patients, (given(patients),))
        return said_once([*rows, *self._archive.rows(patients)])

    def fold_away(self, person_id: str) -> int:
        """Put the assertions about the Patients of a person where they take little room."""
        return sum(self._archive.fold(patient_id) for patient_id in self.patients(person_id))

    def of_feeds(self, since: datetime) -> list[Received]:
        """Return the assertions without patient received at or after `since`."""
        start = (codec.instant_text(since),)
        return said_once(self._session.rows(self._sql.of_feeds, start))

    def told_since(self, since: datetime, after: str, limit: int) -> list[str]:
        """Return ids of Patients about whom anything was received since, above `after`, sorted."""
        wanted = (after, codec.instant_text(since), limit)
        return [row[0] for row in self._session.rows(self._sql.told_since, wanted)]

    def persons(self, patient_ids: Iterable[str]) -> dict[str, str]:
        """Return the person of each Patient; one that is linked to nobody is its own."""
        found = {patient_id: patient_id for patient_id in patient_ids}
        if found:
            rows = self._session.rows(self._sql.persons, (given(sorted(found)),))
            found.update((patient_id, person_id) for patient_id, person_id in rows)
        return found

    def link(self, persons: Mapping[str, str], at: datetime) -> set[str]:
        """Set the person of Patients; return the persons, old and new, that changed."""
        before = self.persons(persons)
        changed = {p: person for p, person in sorted(persons.items()) if before[p] != person}
        if not changed:
            return set()
        self._archive.unfold(changed)
        self._session.run(self._sql.unlink, (given(list(changed)),))
        self._session.run_many(
            self._sql.link, [(p, person) for p, person in changed.items() if p != person]
        )
        moves = moves_of(before, changed, self.moves(changed), at)
        self._session.run_many(
            self._sql.put_move,
            [(m.patient_id, codec.instant_text(m.at), m.before, m.after) for m in moves],
        )
        touched = {person for p in changed for person in (before[p], changed[p])}
        self._make_stale(touched, moves)
        return touched

    def _make_stale(self, persons: set[str], moves: Sequence[Move]) -> None:
        rows = self._session.rows(self._sql.watched, (given(sorted(persons)),))
        watched = gone_stale({row[0]: Watch(*row[1:]) for row in rows}, moves)
        self._session.run_many(
            self._sql.put_watched, [(person, *watch) for person, watch in watched.items()]
        )

    def moves(self, patient_ids: Iterable[str]) -> list[Move]:
        """Return every move of these Patients, oldest first."""
        rows = self._session.rows(self._sql.moves, (given(sorted(patient_ids)),))
        return [_move(row) for row in rows]

    def moves_between(self, person_ids: Iterable[str]) -> list[Move]:
        """Return every move from or to these persons, oldest first."""
        persons = given(sorted(person_ids))
        rows = self._session.rows(self._sql.moves_between, (persons, persons))
        return [_move(row) for row in rows]

    def patients(self, person_id: str) -> list[str]:
        """Return the Patients of a person, sorted."""
        rows = self._session.rows(self._sql.patients, (person_id, person_id))
        found = {patient_id for patient_id, person in rows if person == person_id}
        # Its own, unless it is linked to another one.
        if all(patient_id != person_id for patient_id, _ in rows):
            found.add(person_id)
        return sorted(found)

    def parts(self, patient_ids: Iterable[str]) -> list[str]:
        """Return the parts of dossiers that were told under these Patients, sorted."""
        rows = [
            row
            for patient_id in sorted(set(patient_ids))
            for row in self._session.rows(self._sql.parts, parts_between(patient_id))
        ]
        return sorted(row[0] for row in rows)

    def set_apart(self, part: str, patient_id: str, aids: Iterable[str]) -> None:
        """Hold assertions of a Patient under a part of a dossier from now on."""
        self._archive.unfold([patient_id])
        self._session.run_many(
            self._sql.hold, [(part, patient_id, codec.storable(aid)) for aid in sorted(set(aids))]
        )
        if self._session.rows(self._sql.persons, (given([part]),)):
            return
        self._session.run(self._sql.link, (part, self.persons([patient_id])[patient_id]))
        self._session.run_many(
            self._sql.put_move,
            [(part, codec.instant_text(m.at), m.before, m.after) for m in self.moves([patient_id])],
        )


def _move(row: Sequence[Any]) -> Move:
    patient_id, at, before, after = row
    return Move(codec.read_instant(at), patient_id, before, after)
