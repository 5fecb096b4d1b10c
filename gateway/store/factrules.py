"""What a replacement of assertions and a link of persons change; shared by the three stores."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from gateway.core.facts import Assertion
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


def moved(watched: Mapping[str, Watch], moves: Iterable[tuple[str, str]]) -> dict[str, Watch]:
    """Return the timers of persons after Patients moved from one (first) to another (second).

    Both keep every instant up to which one of them was written: what the ledger tells is never
    told again by the person an expectation came to.
    """
    after = dict(watched)
    for old, new in sorted(moves):
        if old in watched:
            after[new] = after.get(new, Watch()).joined(watched[old])
            after[old] = after[old].joined(watched[old])
    return after
