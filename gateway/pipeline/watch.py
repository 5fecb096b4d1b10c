"""Look at persons whose facts or timers ask for it: facts to ledger, gaps and notifications.

One look advances one person from the instant of its last look to now, through every receipt and
every timer between, so that the ledger is the same whatever the number of workers or the moment
of the look. State, resources and outbox rows of a look are one transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from time import perf_counter

import orjson
import structlog
from prometheus_client import Histogram

from gateway.core.clock import Clock
from gateway.core.errors import FatalError, RejectedError
from gateway.core.facts import ExpectationRow, LedgerLine
from gateway.core.ports import Store, Transaction
from gateway.fhir.identity import Ids
from gateway.pathway.explain import explain
from gateway.pathway.replay import advance
from gateway.pathway.rules import Rules
from gateway.pathway.watermarks import Feeds
from gateway.pipeline.publish import GapChange, gap_changes

_log = structlog.get_logger()
_LOOK = Histogram("relais_pathway_look_seconds", "Time to look at one person")


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """How the engine looks.

    Attributes:
        tenant: secret part of every gap id.
        persons: looks in one transaction at most.
        lag: how far the look stays behind the clock; above the longest commit when several
            processes store inputs, so that no receipt turns up behind a look.
        declared: feeds that site tables promise.
    """

    tenant: str
    persons: int = 32
    lag: timedelta = timedelta(0)
    declared: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Watcher:
    """Claims persons that are due and looks at them."""

    store: Store
    rules: Rules
    ids: Ids
    clock: Clock
    settings: WatchSettings

    async def step(self) -> int:
        """Look at the persons that are due; return how many there were.

        Raises:
            RetriableError: the store is away; nothing of the step is kept.
        """
        now = self.clock.now() - self.settings.lag
        try:
            return await self.store.write(lambda tx: self._step(tx, now))
        except (RejectedError, FatalError):
            return await self._one_by_one(now)

    async def _one_by_one(self, now: datetime) -> int:
        """Look at due persons each in a transaction of its own, after a batch broke.

        Whom the engine cannot look at keeps its lease, is tried again when that ends, and stalls
        nobody else.
        """
        limit = self.settings.persons
        due = await self.store.write(lambda tx: tx.watch.claim_due(now, limit))
        for person_id in due:
            try:
                await self.store.write(partial(self._look, persons=[person_id], now=now))
            except (RejectedError, FatalError) as error:
                _log.error("look_broke", code=error.issues[0].code, where=error.issues[0].where)
        return len(due)

    async def drain(self) -> int:
        """Look until nobody is due; return how many looks it took."""
        total = 0
        while taken := await self.step():
            total += taken
        return total

    def _step(self, tx: Transaction, now: datetime) -> int:
        due = tx.watch.claim_due(now, self.settings.persons)
        if due:
            self._look(tx, due, now)
        return len(due)

    def _look(self, tx: Transaction, persons: Sequence[str], now: datetime) -> None:
        feeds = Feeds.of(tx.watch.feeds(), self.settings.declared)
        changes: list[GapChange] = []
        for person_id in persons:
            began = perf_counter()
            changes += look(tx, person_id, self.rules, feeds, self.settings.tenant, now)
            _LOOK.observe(perf_counter() - began)
        told = gap_changes(tx, changes, now, self.ids)
        if changes:
            _log.info("gaps_changed", count=len(changes), waiting=told)


def look(
    tx: Transaction,
    person_id: str,
    rules: Rules,
    feeds: Feeds,
    tenant: str,
    now: datetime,
) -> list[GapChange]:
    """Advance one person to `now`, store its state, and say which gaps changed.

    Args:
        tx: an open transaction.
        person_id: whose facts.
        rules: all rule versions.
        feeds: for the completeness of what was received.
        tenant: secret part of every gap id.
        now: no receipt is later.
    """
    # First: a look that ends meanwhile is then noticed when this one is saved.
    looked_until = tx.watch.looked_until(person_id)
    received = tx.facts.of_person(person_id)
    before = {row.gap_id: row for row in tx.watch.expectations(person_id)}
    done = advance(
        received,
        rules,
        feeds,
        tenant,
        tuple(before.values()),
        looked_until,
        now,
        person_id=person_id,
    )
    tx.watch.save(person_id, done.changed, done.lines, now, done.next_due)
    lines: dict[str, list[LedgerLine]] = {}
    for line in done.lines:
        lines.setdefault(line.gap_id, []).append(line)
    if not lines:
        return []
    after = {row.gap_id: row for row in done.rows}
    names = identifiers(tx, {after[gap_id].patient.id for gap_id in lines})
    return [
        GapChange(
            before=before.get(gap_id),
            after=after[gap_id],
            lines=tuple(found),
            sentences=explain(after[gap_id], received, rules).fr,
            identifiers=names.get(after[gap_id].patient.id, ()),
        )
        for gap_id, found in lines.items()
        if was_shown(before.get(gap_id), after[gap_id])
    ]


def was_shown(before: ExpectationRow | None, after: ExpectationRow) -> bool:
    """Tell whether a gap was ever opened: what was met in time is nobody's work."""
    return after.opened_at is not None or (before is not None and before.opened_at is not None)


def identifiers(
    tx: Transaction, patient_ids: set[str]
) -> Mapping[str, tuple[tuple[str, str], ...]]:
    """Return the identifiers each Patient shows, as (system, value)."""
    current = tx.resources.current([("Patient", patient_id) for patient_id in sorted(patient_ids)])
    return {
        id_: tuple(
            (item.get("system", ""), item.get("value", ""))
            for item in orjson.loads(stored.body).get("identifier", ())
        )
        for (_, id_), stored in current.items()
        if not stored.deleted
    }
