"""Facts and persons in memory."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from gateway.core.facts import Assertion, Received
from gateway.core.pathway_ports import Move
from gateway.store.codec import instant_text
from gateway.store.factrules import changed_rows, gone_stale, moves_of, parts_between
from gateway.store.journal import Journal
from gateway.store.watchcodec import AssertionColumns, said_once
from gateway.store.watchrules import Watch


class MemoryFacts:
    """What inputs assert, kept as the columns the SQL stores write.

    `watched` belongs to `MemoryWatch`: a link makes looks that began stale.
    """

    def __init__(self, journal: Journal, watched: dict[str, Watch]) -> None:
        self._journal = journal
        self._watched = watched
        self._rows: dict[tuple[int, str], AssertionColumns] = {}
        self._of_inbox: dict[int, dict[str, None]] = {}
        self._of_patient: dict[str, dict[tuple[int, str], None]] = {}
        self._person: dict[str, str] = {}
        self._moves: dict[tuple[str, datetime], Move] = {}

    def replace(self, by_inbox: Sequence[tuple[int, datetime, Sequence[Assertion]]]) -> set[str]:
        """Make these the assertions of each inbox row; return the Patients concerned."""
        before = [
            self._rows[inbox_id, aid]
            for inbox_id, _, _ in by_inbox
            for aid in self._of_inbox.get(inbox_id, ())
        ]
        change = changed_rows(before, by_inbox)
        for key in change.deleted:
            self._journal.drop(self._of_patient[self._rows[key].patient_id], key)
            self._journal.drop(self._of_inbox[key[0]], key[1])
            self._journal.drop(self._rows, key)
        for row in change.written:
            key = (row.inbox_id, row.aid)
            self._journal.put(self._rows, key, row)
            self._journal.put(self._of_inbox.setdefault(row.inbox_id, {}), row.aid, None)
            self._journal.put(self._of_patient.setdefault(row.patient_id, {}), key, None)
        return change.patients

    def of_person(self, person_id: str) -> list[Received]:
        """Return every assertion about the Patients of a person, in order of (at, order)."""
        return said_once(
            [
                self._rows[key]
                for patient_id in self.patients(person_id)
                for key in self._of_patient.get(patient_id, ())
            ]
        )

    def fold_away(self, person_id: str) -> int:
        """Fold nothing: memory lives no longer than its process."""
        return 0

    def of_feeds(self, since: datetime) -> list[Received]:
        """Return the assertions without patient received at or after `since`."""
        start = instant_text(since)
        rows = [self._rows[key] for key in self._of_patient.get("", ())]
        return said_once([row for row in rows if row.received_at >= start])

    def told_since(self, since: datetime, after: str, limit: int) -> list[str]:
        """Return ids of Patients about whom anything was received since, above `after`, sorted."""
        start = instant_text(since)
        told = {row.patient_id for row in self._rows.values() if row.received_at >= start}
        return sorted(one for one in told if one > after)[:limit]

    def persons(self, patient_ids: Iterable[str]) -> dict[str, str]:
        """Return the person of each Patient; one that is linked to nobody is its own."""
        return {patient_id: self._person.get(patient_id, patient_id) for patient_id in patient_ids}

    def link(self, persons: Mapping[str, str], at: datetime) -> set[str]:
        """Set the person of Patients; return the persons, old and new, that changed."""
        before = self.persons(persons)
        moves = moves_of(before, persons, self.moves(persons), at)
        for patient_id, person in persons.items():
            if person == patient_id:
                self._journal.drop(self._person, patient_id)
            else:
                self._journal.put(self._person, patient_id, person)
        for move in moves:
            self._journal.put(self._moves, (move.patient_id, move.at), move)
        for person, watch in gone_stale(self._watched, moves).items():
            self._journal.put(self._watched, person, watch)
        moved = {move.patient_id for move in moves}
        return {person for p in moved for person in (before[p], persons[p])}

    def moves(self, patient_ids: Iterable[str]) -> list[Move]:
        """Return every move of these Patients, oldest first."""
        patients = set(patient_ids)
        return sorted(move for move in self._moves.values() if move.patient_id in patients)

    def moves_between(self, person_ids: Iterable[str]) -> list[Move]:
        """Return every move from or to these persons, oldest first."""
        persons = set(person_ids)
        return sorted(m for m in self._moves.values() if persons & {m.before, m.after})

    def patients(self, person_id: str) -> list[str]:
        """Return the Patients of a person, sorted."""
        found = {patient_id for patient_id, person in self._person.items() if person == person_id}
        if person_id not in self._person:
            found.add(person_id)
        return sorted(found)

    def parts(self, patient_ids: Iterable[str]) -> list[str]:
        """Return the parts of dossiers that were told under these Patients, sorted."""
        ranges = [parts_between(one) for one in set(patient_ids)]
        return sorted(o for o in self._person if any(low < o < high for low, high in ranges))

    def set_apart(self, part: str, patient_id: str, aids: Iterable[str]) -> None:
        """Hold assertions of a Patient under a part of a dossier from now on."""
        wanted = set(aids)
        for key in [k for k in self._of_patient.get(patient_id, ()) if k[1] in wanted]:
            row = self._rows[key]._replace(patient_id=part)
            self._journal.drop(self._of_patient[patient_id], key)
            self._journal.put(self._rows, key, row)
            self._journal.put(self._of_patient.setdefault(part, {}), key, None)
        if part in self._person:
            return
        self._journal.put(self._person, part, self.persons([patient_id])[patient_id])
        for move in self.moves([patient_id]):
            self._journal.put(self._moves, (part, move.at), replace(move, patient_id=part))
