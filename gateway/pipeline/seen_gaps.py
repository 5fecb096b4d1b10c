"""The gaps as one person or client may be shown them: what is hidden is absent.

Beside `pipeline.seen`, which does the same for resources. A gap is shown with its person; gaps of
feeds are of nobody and shown to whoever may open the pages.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import cast

from gateway.core.access import Sight
from gateway.core.facts import ExpectationRow, LedgerLine, Status, feed_of
from gateway.core.handoffs import HandoffQueries
from gateway.core.pathway_ports import FeedState, WatchQueries
from gateway.core.ports import Transaction
from gateway.pipeline.seen_handoffs import SeenHandoffs

_HANDOFF = "handoff"
#: States that are counted for somebody with a territory: those that wait for a person.
_COUNTED = (Status.OVERDUE, Status.UNCONFIRMED)


class SeenGaps:
    """What reads of `core.pathway_ports.WatchQueries` give somebody; nothing is written by it."""

    def __init__(self, tx: Transaction, sight: Sight, watch: WatchQueries) -> None:
        self._tx, self._sight, self._all = tx, sight, watch

    @property
    def handoffs(self) -> HandoffQueries:
        """Return the counts of handoffs of the perimeter."""
        return cast(HandoffQueries, SeenHandoffs(self._tx, self._sight, self._all.handoffs))

    def gaps(
        self,
        statuses: Sequence[Status],
        limit: int,
        rule: str = "",
        opened_only: bool = True,
        severity: str = "",
        sight: Sight | None = None,
    ) -> list[ExpectationRow]:
        """Return expectations in these states that are shown, most severe first."""
        held = sight or self._sight
        return self._all.gaps(statuses, limit, rule, opened_only, severity, held)

    def gap(self, gap_id: str) -> ExpectationRow | None:
        """Return one expectation, None when it is not shown."""
        found = self._all.gap(gap_id)
        return found if found is not None and self._is_shown(found.patient.id) else None

    def some(self, gap_ids: Iterable[str]) -> dict[str, ExpectationRow]:
        """Return each expectation among these that is there and shown."""
        found = self._all.some(gap_ids)
        return {one: row for one, row in found.items() if self._is_shown(row.patient.id)}

    def expectations(self, person_id: str) -> list[ExpectationRow]:
        """Return the expectations of a person; none when the person is not shown."""
        return self._all.expectations(person_id) if self._is_shown(person_id) else []

    def history(self, gap_id: str) -> list[LedgerLine]:
        """Return the ledger of one expectation that is shown."""
        return [] if self.gap(gap_id) is None else self._all.history(gap_id)

    def counts(self) -> dict[tuple[str, Status], int]:
        """Return how many expectations that are shown each rule has, open or unconfirmed."""
        return self._all.counts_seen(_COUNTED, self._sight)

    def ledger(self, after: int, limit: int) -> list[tuple[int, LedgerLine]]:
        """Return lines of the ledger: a gap id is a hash, what it is about comes from `gap`."""
        return self._all.ledger(after, limit)

    def last_line(self) -> int:
        """Return the sequence number of the last ledger line, whoever it is about."""
        return self._all.last_line()

    def feeds(self, since: datetime | None = None) -> list[FeedState]:
        """Return every feed: feeds are of nobody."""
        return self._all.feeds(since)

    def feeds_now(self) -> list[FeedState]:
        """Return every feed with its newest mark only."""
        return self._all.feeds_now()

    def complete_at(self, feed: str, instant: datetime) -> datetime | None:
        """Return the receipt that made a feed complete up to an instant."""
        return self._all.complete_at(feed, instant)

    def _is_shown(self, holder: str) -> bool:
        if feed_of(holder):
            return True
        person, sight = self._tx.facts.persons([holder])[holder], self._sight
        found = self._tx.access.permits(sight.client, [person], sight.now, sight.person)
        return (person, _HANDOFF) in found
