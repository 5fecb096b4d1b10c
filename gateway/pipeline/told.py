"""What was told of persons, as it is to be read now: orders under one number, clocks corrected."""

from collections.abc import Iterable, Sequence

from gateway.core.facts import Received
from gateway.core.feed_ports import ClockCorrection
from gateway.core.ports import Transaction
from gateway.pathway.corrected import corrected
from gateway.pathway.numbers import joined


def told_of(
    tx: Transaction,
    persons: Iterable[str],
    corrections: Sequence[ClockCorrection] | None = None,
) -> list[Received]:
    """Return every assertion about persons.

    Args:
        tx: an open transaction.
        persons: their ids.
        corrections: of the clocks of feeds; asked of the store when they are not given.
    """
    said = [one for person in sorted(set(persons)) for one in tx.facts.of_person(person)]
    known = tx.feeds.corrections() if corrections is None else corrections
    return corrected(joined(said), known)
