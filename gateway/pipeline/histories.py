"""The whole history of everybody, as the store holds it, for questions about the past."""

from collections.abc import Iterator

from gateway.core.facts import feed_subject
from gateway.core.ports import Transaction
from gateway.pathway.asof import History
from gateway.pipeline.persons import cohort_of
from gateway.pipeline.told import told_of

_PAGE = 500


def histories(tx: Transaction) -> Iterator[History]:
    """Give the history of each group of Patients that have ever been one person, then of feeds.

    Of a feed there is one as soon as anything was ever wrong with it.

    Args:
        tx: a reading transaction; it stays open while the histories are taken.
    """
    seen = set[str]()
    for patient_id in _patients(tx):
        if patient_id not in seen:
            history = history_of(tx, tx.facts.persons([patient_id]).get(patient_id, patient_id))
            seen |= history.cohort.persons.keys()
            yield history
    for subject in sorted({feed_subject(one.feed) for one in tx.feeds.troubles()}):
        yield history_of(tx, subject)


def history_of(tx: Transaction, person_id: str) -> History:
    """Return the history of a person and of whoever was one person with them."""
    cohort = cohort_of(tx, person_id, from_the_beginning=True)
    received = told_of(tx, cohort.persons.values())
    return History(cohort, sorted(received, key=lambda one: (one.at, one.order)))


def _patients(tx: Transaction) -> Iterator[str]:
    cursor = None
    while True:
        page = tx.resources.search("Patient", (), _PAGE, cursor)
        yield from (row.id for row in page.resources)
        cursor = page.next_cursor
        if cursor is None:
            return
