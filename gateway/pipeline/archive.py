"""Fold away the facts of persons about whom all is settled and nothing was heard for long.

What waits for nothing costs nothing but room; so it is put where it takes little. A late word, a
correction or a merge brings it back by itself (`core.pathway_ports.FactQueries.fold_away`), and
the ledger is the same with and without.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import structlog

from gateway.core.clock import Clock
from gateway.core.facts import Status
from gateway.core.ports import Store, Transaction

_log = structlog.get_logger()
#: Persons walked past in one step, and folded in one transaction.
_PAGE, _TOGETHER = 1000, 50
_UNSETTLED = (Status.PENDING, Status.UNCONFIRMED, Status.PAUSED, Status.OVERDUE)


class Archivist:
    """Walks through everybody, again and again, a page at each step."""

    def __init__(self, store: Store, clock: Clock, after: timedelta) -> None:
        """Prepare.

        Args:
            store: of the installation.
            clock: of the engine.
            after: how long ago the last look at a person was, at least.
        """
        self._store = store
        self._clock = clock
        self._after = after
        self._reached = ""

    async def step(self) -> int:
        """Fold who is quiet among the next persons; return 0, so that the walk is slow.

        Raises:
            RetriableError: the store is away.
        """
        since = self._clock.now() - self._after
        reached = self._reached
        quiet, self._reached = await self._store.read(
            lambda tx: tx.watch.quiet(reached, since, _PAGE)
        )
        folded = 0
        for first in range(0, len(quiet), _TOGETHER):
            some = quiet[first : first + _TOGETHER]
            folded += await self._store.write(partial(_fold, persons=some))
        if folded:
            _log.info("facts_archived", count=folded)
        return 0

    async def walk(self) -> None:
        """Walk past everybody once."""
        self._reached = ""
        while True:
            await self.step()
            if not self._reached:
                return


def _fold(tx: Transaction, persons: Sequence[str]) -> int:
    return sum(fold_settled(tx, person) for person in persons)


def fold_settled(tx: Transaction, person_id: str) -> int:
    """Fold the facts of a person, unless something is still open; return how many."""
    if tx.facts.persons([person_id])[person_id] != person_id:
        # A Patient that is one person with another; its turn comes with that one.
        return 0
    if any(row.status in _UNSETTLED for row in tx.watch.expectations(person_id)):
        return 0
    return tx.facts.fold_away(person_id)
