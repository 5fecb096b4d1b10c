"""Doors of other sides that are closed: one attempt learns it, the others wait for the next try.

A failure that concerns a whole channel (nobody answers, TLS is refused) holds back everything else
that leaves by it for the shortest wait of the retry rule. Then one row is the probe. What is known
stands in memory only: after a restart the first attempts learn it again, and rows that are held
back are in the store with the instant they are tried at.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from gateway.core.deliveries import Delivery, DeliveryStatus
from gateway.core.ports import Transaction
from gateway.pipeline.attempts import Outcome

_log = structlog.get_logger()
#: The fault of a whole door, by which a row in the store is known to wait for one.
CODES = frozenset({"RLS-MSS-020", "RLS-MSS-021", "RLS-MSS-022", "RLS-DMP-020", "RLS-DMP-021"})
#: Rows looked through for those that wait, the newest first.
_LOOKED = 500


@dataclass(slots=True)
class _Closed:
    until: datetime
    outcome: Outcome
    #: The row that is the probe; 0 for none.
    probe: int = 0


class ClosedDoors:
    """What one process knows of the doors it sends to."""

    def __init__(self) -> None:
        """Know of no closed door."""
        self._doors: dict[str, _Closed] = {}

    def open_ones(self, connectors: Iterable[str], now: datetime) -> list[str]:
        """Return the connectors whose door is open, or due for a probe."""
        doors = self._doors
        return [one for one in connectors if one not in doors or doors[one].until <= now]

    def held(self, delivery: Delivery, now: datetime, pause: timedelta) -> Outcome | None:
        """Tell that a row is held back; None: it may be tried.

        Args:
            delivery: the row.
            now: the instant.
            pause: how long it is held back while a probe is on its way.
        """
        door = self._doors.get(delivery.item.connector)
        # Put back, an abandoned attempt would be forgotten, and its mail might leave twice.
        if door is None or delivery.abandoned or door.probe == delivery.id:
            return None
        if now >= door.until and not door.probe:
            door.probe = delivery.id
            return None
        until = door.until if now < door.until else now + pause
        return Outcome(DeliveryStatus.RETRY_WAIT, door.outcome.note, held_until=until)

    def learn(
        self, delivery: Delivery, outcome: Outcome | None, now: datetime, pause: timedelta
    ) -> None:
        """Learn from an attempt that ended; without outcome, or where it says nothing, little.

        Args:
            delivery: the row.
            outcome: how it ended.
            now: the instant.
            pause: how long the door is left alone when it is closed.
        """
        connector = delivery.item.connector
        door = self._doors.get(connector)
        if outcome is not None and outcome.let_in is False:
            if door is None:
                _log.error("channel_closed", kind=connector, code=outcome.codes[0])
            self._doors[connector] = _Closed(now + pause, outcome)
        elif door is not None and outcome is not None and outcome.let_in:
            del self._doors[connector]
            _log.info("channel_open", kind=connector)
        elif door is not None and door.probe == delivery.id:
            door.probe = 0


@dataclass(frozen=True, slots=True)
class Outage:
    """What waits for a door that was closed.

    Attributes:
        connector: the channel.
        code: why an attempt did not come in; `said` in words.
        waiting: rows that were told so, among the newest that wait.
        next_at: when the next of them is tried.
    """

    connector: str
    code: str
    said: str
    waiting: int
    next_at: datetime


def outages(tx: Transaction) -> list[Outage]:
    """Return what waits for a closed door, by channel and fault; read from the rows."""
    found: dict[tuple[str, str], Outage] = {}
    for row in tx.outbox.newest([DeliveryStatus.RETRY_WAIT], 2**62, _LOOKED):
        code, _, said = row.note.partition(" ")
        if code in CODES:
            place = (row.item.connector, code)
            known = found.get(place) or Outage(*place, said, 0, row.due_at)
            next_at = min(known.next_at, row.due_at)
            found[place] = replace(known, waiting=known.waiting + 1, next_at=next_at)
    return [found[place] for place in sorted(found)]
