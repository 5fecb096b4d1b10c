"""Facts of persons about whom nothing has happened for long, folded to one row a Patient.

What a Patient's inputs assert is kept byte for byte; only where it stands is different, so a
ledger cannot tell. It is read through by whoever asks for the facts of a person, and put back
whenever a row of it may change: a late word, a correction, a replay, a merge.
"""

import zlib
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import bindparam, select

from gateway.store.codec import json_bytes, seal, unseal
from gateway.store.sqltext import Compiler, Session, given
from gateway.store.tables import TABLES
from gateway.store.watchcodec import AssertionColumns

_FOLDED, _INPUT = (TABLES[name].c for name in ("archived_facts", "archived_input"))


class ArchiveSql:
    """The statements of the archive for one database."""

    def __init__(self, c: Compiler) -> None:
        assertion, folded, inputs = (
            TABLES[name] for name in ("assertion", "archived_facts", "archived_input")
        )
        of_patient = assertion.c.patient_id == bindparam("one")
        # What another process takes back or moves at this moment is waited for.
        self.take = c(assertion.delete().where(of_patient).returning(*assertion.c), "one")
        self.put_back = c.insert(assertion, AssertionColumns._fields)
        self.folded = c(select(*_FOLDED).where(c.among(_FOLDED.patient_id, "ids")), "ids")
        self.fold = c.insert(folded, ("patient_id", "facts"))
        self.unfold = c(folded.delete().where(_FOLDED.patient_id == bindparam("one")), "one")
        self.patients = c(select(_INPUT.patient_id).where(c.among(_INPUT.inbox_id, "ids")), "ids")
        self.add_input = c.insert(inputs, ("inbox_id", "patient_id"))
        self.drop_input = c(
            inputs.delete().where(
                _INPUT.inbox_id == bindparam("row"), _INPUT.patient_id == bindparam("one")
            ),
            "row",
            "one",
        )


class SqlArchive:
    """What is folded away, and back, in a transaction."""

    __slots__ = ("_session", "_sql")

    def __init__(self, session: Session, sql: ArchiveSql) -> None:
        self._session = session
        self._sql = sql

    def rows(self, patients: Iterable[str]) -> list[AssertionColumns]:
        """Return what is folded away of Patients."""
        found = self._session.rows(self._sql.folded, (given(sorted(patients)),))
        return [row for patient_id, facts in found for row in unfolded(patient_id, facts)]

    def fold(self, patient_id: str) -> int:
        """Fold what stands open of a Patient; return how many assertions that were."""
        if self.rows([patient_id]):
            return 0
        rows = [AssertionColumns(*r) for r in self._session.rows(self._sql.take, (patient_id,))]
        if not rows:
            return 0
        self._session.run(self._sql.fold, (patient_id, folded(rows)))
        inputs = sorted({row.inbox_id for row in rows})
        self._session.run_many(self._sql.add_input, [(row_id, patient_id) for row_id in inputs])
        return len(rows)

    def unfold(self, patients: Iterable[str], inputs: Iterable[int] = ()) -> bool:
        """Put back what is folded of these Patients, and of those these inputs tell of.

        Returns:
            Whether there was anything.
        """
        wanted = set(patients)
        if ids := sorted(inputs):
            wanted |= {row[0] for row in self._session.rows(self._sql.patients, (given(ids),))}
        by_patient: dict[str, list[AssertionColumns]] = {}
        for row in self.rows(wanted) if wanted else ():
            by_patient.setdefault(row.patient_id, []).append(row)
        for patient_id, rows in sorted(by_patient.items()):
            self._session.run_many(self._sql.put_back, rows)
            self._session.run(self._sql.unfold, (patient_id,))
            gone = sorted({row.inbox_id for row in rows})
            self._session.run_many(self._sql.drop_input, [(row_id, patient_id) for row_id in gone])
        return bool(by_patient)


def folded(rows: Sequence[AssertionColumns]) -> bytes:
    """Return assertions of one Patient as one value."""
    told = [[r.inbox_id, r.aid, r.received_at, unseal(r.payload).decode()] for r in sorted(rows)]
    return seal(zlib.compress(json_bytes(told)))


def unfolded(patient_id: str, facts: Any) -> list[AssertionColumns]:
    """Return the assertions that a value holds."""
    return [
        AssertionColumns(inbox_id, aid, patient_id, received_at, seal(payload.encode()))
        for inbox_id, aid, received_at, payload in orjson.loads(zlib.decompress(unseal(facts)))
    ]
