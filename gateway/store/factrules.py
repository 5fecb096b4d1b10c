"""What a replacement of assertions and a link of persons change; shared by the three stores."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from gateway.core.facts import Assertion, dossier_part
from gateway.core.pathway_ports import Move
from gateway.store.watchcodec import AssertionColumns, assertion_columns
from gateway.store.watchrules import Watch


class FactChange(NamedTuple):
    """What a replacement does.

    Attributes:
        deleted: (inbox id, aid) of rows that go or are written again.
        written: rows that are new or differ.
        patients: ids of the Patients that gained or lost an assertion.
    """

    deleted: list[tuple[int, str]]
    written: list[AssertionColumns]
    patients: set[str]


def changed_rows(
    before: Iterable[AssertionColumns],
    by_inbox: Sequence[tuple[int, datetime, Sequence[Assertion]]],
) -> FactChange:
    """Return what becomes of the assertions of inbox rows; what is said again keeps its receipt."""
    known = {(row.inbox_id, row.aid): row for row in before}
    after: dict[tuple[int, str], AssertionColumns] = {}
    for inbox_id, at, assertions in by_inbox:
        for assertion in assertions:
            row = assertion_columns(inbox_id, at, assertion)
            key = (row.inbox_id, row.aid)
            if key in known:
                row = row._replace(received_at=known[key].received_at)
            after[key] = row
    gone = [key for key, row in known.items() if after.get(key) != row]
    new = [row for key, row in after.items() if known.get(key) != row]
    patients = {known[key].patient_id for key in gone} | {row.patient_id for row in new}
    return FactChange(gone, new, patients - {""})


def moves_of(
    before: Mapping[str, str],
    after: Mapping[str, str],
    known: Iterable[Move],
    at: datetime,
) -> list[Move]:
    """Return what becomes of the history of Patients that change their person.

    Args:
        before: person of each Patient so far.
        after: person of each from now on; those that stay are left out of the result.
        known: earlier moves of these Patients, oldest first.
        at: instant of the commit. A move is never before an earlier one of its Patient, and
            takes the place of one of the same instant.
    """
    latest = {move.patient_id: move for move in known}
    found = []
    for patient_id, person in sorted(after.items()):
        if before[patient_id] == person:
            continue
        move = Move(at, patient_id, before[patient_id], person)
        last = latest.get(patient_id)
        if last is not None and last.at >= at:
            move = Move(last.at, patient_id, last.before, person)
        found.append(move)
    return found


def parts_between(patient_id: str) -> tuple[str, str]:
    """Return the two texts between which the ids of all parts of a Patient's dossiers lie."""
    first = dossier_part(patient_id, "")
    return first, f"{first[:-1]}{chr(ord(first[-1]) + 1)}"


def gone_stale(watched: Mapping[str, Watch], moves: Iterable[Move]) -> dict[str, Watch]:
    """Return the timers of persons that gained or lost a Patient; looks that began run again."""
    persons = {person for move in moves for person in (move.before, move.after)}
    return {person: watched[person].stale() for person in sorted(persons) if person in watched}
