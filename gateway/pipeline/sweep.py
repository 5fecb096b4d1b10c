"""Find the persons whom no timer wakes, and wake them.

A person has one timer, written with the state it follows from. Should the two ever disagree (a
table restored from another backup, a hand in the database, a fault of ours), a gap would not be
found for as long as nothing arrives about that person. So what waits is compared with the timers
once a minute. Waking is a look, which writes what it would have written in time.

The steps of the ladders of open gaps have no instant of their own in the store: they follow from
rule, acts and mutes. So they are worked out anew for one page of open gaps a minute, of those only
whose person sleeps.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import structlog
from prometheus_client import Counter

from gateway.core.clock import Clock
from gateway.core.ports import Store, Transaction
from gateway.pathway.replay import POLL
from gateway.pathway.rules import Rules
from gateway.pipeline.ladder import plans
from gateway.pipeline.watch import WatchSettings

_log = structlog.get_logger()
_LOST = Counter("relais_pathway_timers_lost_total", "Persons whom the sweep had to wake")
#: Persons woken in one transaction.
_TOGETHER = 500
#: Open gaps whose ladder is looked at in one step.
_GAPS = 1000


@dataclass(slots=True)
class Sweep:
    """Compares what waits with the timers."""

    store: Store
    clock: Clock
    settings: WatchSettings
    #: All versions; without any no ladder is looked at.
    rules: Rules = field(default_factory=Rules)
    #: Last open gap that was looked at; each round begins with the first one.
    _reached: str = ""

    async def step(self) -> int:
        """Wake whom no timer wakes; return how many there were.

        Raises:
            RetriableError: the store is away.
        """
        now = self.clock.now() - self.settings.lag
        asleep = await self.store.read(lambda tx: tx.watch.overslept(now, POLL))
        missed, self._reached = await self.store.read(lambda tx: self._missed(tx, now))
        asleep = sorted({*asleep, *missed})
        for first in range(0, len(asleep), _TOGETHER):
            woken = asleep[first : first + _TOGETHER]
            await self.store.write(partial(_wake, persons=woken, at=now))
        if asleep:
            _LOST.inc(len(asleep))
            _log.error("timers_lost", count=len(asleep))
        return len(asleep)

    def _missed(self, tx: Transaction, now: datetime) -> tuple[list[str], str]:
        """Return who sleeps past a step of a ladder, in one page of open gaps, and its last one."""
        rows, reached = tx.watch.open_asleep(self._reached, now, _GAPS)
        persons = tx.facts.persons({row.patient.id for row in rows})
        found = []
        for person in sorted(set(persons.values())):
            theirs = [row for row in rows if persons[row.patient.id] == person]
            planned = plans(tx, theirs, tx.facts.patients(person), self.rules, now)
            if not all(plan.is_idle for plan in planned):
                found.append(person)
        return found, reached


def _wake(tx: Transaction, persons: Sequence[str], at: datetime) -> None:
    tx.watch.touch(dict.fromkeys(persons, at))
