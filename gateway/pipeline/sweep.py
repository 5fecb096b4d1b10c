"""Find the persons whom no timer wakes, and wake them.

A person has one timer, written with the state it follows from. Should the two ever disagree (a
table restored from another backup, a hand in the database, a fault of ours), a gap would not be
found for as long as nothing arrives about that person. So what waits is compared with the timers
once a minute. Waking is a look, which writes what it would have written in time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog
from prometheus_client import Counter

from gateway.core.clock import Clock
from gateway.core.ports import Store, Transaction
from gateway.pathway.replay import POLL
from gateway.pipeline.watch import WatchSettings

_log = structlog.get_logger()
_LOST = Counter("relais_pathway_timers_lost_total", "Persons whom the sweep had to wake")
#: Persons woken in one transaction.
_TOGETHER = 500


@dataclass(frozen=True, slots=True)
class Sweep:
    """Compares what waits with the timers."""

    store: Store
    clock: Clock
    settings: WatchSettings

    async def step(self) -> int:
        """Wake whom no timer wakes; return how many there were.

        Raises:
            RetriableError: the store is away.
        """
        now = self.clock.now() - self.settings.lag
        asleep = await self.store.read(lambda tx: tx.watch.overslept(now, POLL))
        for first in range(0, len(asleep), _TOGETHER):
            woken = asleep[first : first + _TOGETHER]
            await self.store.write(partial(_wake, persons=woken, at=now))
        if asleep:
            _LOST.inc(len(asleep))
            _log.error("timers_lost", count=len(asleep))
        return len(asleep)


def _wake(tx: Transaction, persons: Sequence[str], at: datetime) -> None:
    tx.watch.touch(dict.fromkeys(persons, at))
