"""The outbox leaves: claim, send once, settle; retries with full jitter, then a dead letter.

A row is settled after the other side answered. A crash in between sends the same row again, under
the same key: at least once, never under a new number. Nothing is sent beyond the lease of its row:
two workers never send one row at the same time. A door that is closed is learned by one attempt,
the others wait for it (`pipeline.closed_doors`). What is sent, and who decides, is elsewhere.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import SystemRandom

import structlog

from gateway.core.clock import Clock
from gateway.core.deliveries import (
    SETTLED,
    Connector,
    Delivery,
    DeliveryStatus,
    Notice,
    Stay,
)
from gateway.core.ports import Store, Transaction
from gateway.pipeline import hooks, subscribed, upkeep
from gateway.pipeline.attempts import Outcome, attempt, tell
from gateway.pipeline.closed_doors import ClosedDoors
from gateway.pipeline.figures import count_attempt
from gateway.pipeline.hooks import Skip, Wait

_log = structlog.get_logger()
#: How often subscriptions are looked through; the shortest period of heartbeats is longer.
_HEARTBEAT_LOOK = timedelta(seconds=5)
#: An attempt ends so long before its lease does: clocks of two machines differ a little.
_MARGIN = timedelta(seconds=10)

#: Looks at a row that is due once more: the row as it leaves, or why it does not.
Guard = Callable[[Transaction, Delivery, datetime], Delivery | Stay]


@dataclass(frozen=True, slots=True)
class RetryRule:
    """How long and how often one connector tries.

    Attributes:
        horizon: from when a row could leave first to its end as a dead letter.
        first_s: ceiling of the first wait; it doubles with each attempt.
        longest_s: ceiling of every wait.
        refusals: a refusal is final from this attempt on.
    """

    horizon: timedelta = timedelta(days=3)
    first_s: float = 2.0
    longest_s: float = 3600.0
    refusals: int = 1


@dataclass(frozen=True, slots=True)
class DeliveryPolicy:
    """Settings of the deliverer.

    Attributes:
        base: public address of the FHIR door, without trailing slash.
        rule: for connectors without a rule of their own.
        rules: by connector. A receiver of notifications may answer 404 while it is installed, so
            its refusals are tried a few times.
        concurrency: attempts at the same time; `batch`: rows claimed at once.
        wait_s: how long events wait for the answer to a handshake before they look again.
        off_after: a subscription so long in error without its client is turned off.
        kept_events: events of each subscription that can be asked for.
        per_second: events a second to one subscription at most; 0: as many as there are.
    """

    base: str
    rule: RetryRule = RetryRule()
    rules: Mapping[str, RetryRule] = field(
        default_factory=lambda: {subscribed.HOOK: RetryRule(refusals=3)}
    )
    concurrency: int = 16
    batch: int = 64
    wait_s: float = 1.0
    off_after: timedelta = timedelta(days=30)
    kept_events: int = 100_000
    per_second: int = 0

    def of(self, connector: str) -> RetryRule:
        """Return the rule of a connector."""
        return self.rules.get(connector, self.rule)


@dataclass(frozen=True, slots=True)
class _Ended:
    """An attempt that ended; without outcome its lease did before."""

    delivery: Delivery
    outcome: Outcome | None
    at: datetime


class Deliverer:
    """Takes rows from the outbox and sends them."""

    def __init__(
        self,
        store: Store,
        connectors: Sequence[Connector],
        clock: Clock,
        policy: DeliveryPolicy,
        *,
        draw: Callable[[], float] | None = None,
        on_settled: Callable[[Transaction, Delivery, datetime], None] | None = None,
        on_notice: Callable[[Transaction, Delivery, Notice, datetime], None] | None = None,
        guards: Mapping[str, Guard] | None = None,
    ) -> None:
        """Prepare; nothing is sent.

        Args:
            store: holds the outbox.
            connectors: by their names.
            clock: tells when rows are due.
            policy: settings.
            draw: gives numbers from 0 to 1 for the jitter; those of the system by default.
            on_settled: called with each row after its state was written, in the transaction.
            on_notice: called with each notice about a row of ours, after it was applied.
            guards: by connector: looks at a row that is due once more before it leaves.
        """
        self._store = store
        self._connectors = {connector.name: connector for connector in connectors}
        self._clock = clock
        self._policy = policy
        self._draw = draw or SystemRandom().random
        self._on_settled = on_settled
        self._on_notice = on_notice
        self._guards = guards or {}
        self._gate = asyncio.Semaphore(policy.concurrency)
        self._doors = ClosedDoors()
        self._next_look = datetime.min.replace(tzinfo=UTC)

    async def step(self) -> int:
        """Claim due rows, send them, write how each ended.

        Returns:
            Rows taken; 0 when nothing is due.

        Raises:
            RetriableError: the store is away; rows that left are sent again after their lease.
        """
        now = self._clock.now()
        taken, ready = await self._store.write(lambda tx: self._claim(tx, now))
        ended: asyncio.Queue[_Ended] = asyncio.Queue()
        settling = asyncio.create_task(self._settle_all(ended, len(ready)))
        try:
            await asyncio.gather(*(self._deliver(one, ended) for one in ready))
            # All are settled before the first failure of the store is told.
            failures = await settling
        finally:
            settling.cancel()
        for failure in failures:
            raise failure
        return taken

    async def close(self) -> None:
        """Close the connections that connectors keep open between two rows."""
        for connector in self._connectors.values():
            close = getattr(connector, "close", None)
            if close is not None:
                await close()

    async def apply_notice(self, notice: Notice) -> bool:
        """Settle what was sent by what arrived about it later.

        A refusal wins over a confirmation, whichever came first: a bounce takes back a delivery
        that was taken for granted. The same notice again changes nothing.

        Returns:
            Whether it is about something that was sent from here.
        """
        now = self._clock.now()

        def work(tx: Transaction) -> bool:
            is_ours = _apply(tx, notice, now)
            if is_ours:
                self._report(tx, notice.connector, notice.key, now)
            kept = tx.outbox.by_key(notice.connector, notice.key) if self._on_notice else None
            if self._on_notice is not None and kept is not None:
                self._on_notice(tx, kept, notice, now)
            return is_ours

        return await self._store.write(work)

    def _report(self, tx: Transaction, connector: str, key: str, now: datetime) -> None:
        """Say where a row stands now; a word that came too late changed nothing."""
        if self._on_settled is None:
            return
        kept = tx.outbox.by_key(connector, key)
        if kept is not None:
            self._on_settled(tx, kept, now)

    def _claim(self, tx: Transaction, now: datetime) -> tuple[int, list[Delivery]]:
        if now >= self._next_look:
            self._next_look = now + _HEARTBEAT_LOOK
            if subscribed.HOOK in self._connectors:
                upkeep.look(tx, now, self._policy.off_after, self._policy.kept_events)
        names = self._doors.open_ones(sorted(self._connectors), now)
        claimed = tx.outbox.claim(names, now, self._policy.batch)
        ready: list[Delivery] = []
        for delivery in claimed:
            made: Delivery | Skip | Wait = delivery
            if delivery.item.connector == subscribed.HOOK:
                made = hooks.prepare(tx, delivery, now, self._policy.base, self._policy.per_second)
            elif guard := self._guards.get(delivery.item.connector):
                looked = guard(tx, delivery, now)
                if isinstance(looked, Stay):
                    tx.outbox.settle(delivery.id, looked.status, now, note=looked.note)
                    continue
                made = looked
            if isinstance(made, Skip):
                tx.outbox.settle(delivery.id, DeliveryStatus.SKIPPED, now, note=made.note)
            elif isinstance(made, Wait):
                until = made.until or now + timedelta(seconds=self._policy.wait_s)
                tx.outbox.put_back(delivery.id, until, made.note)
            else:
                ready.append(made)
        return len(claimed), ready

    async def _deliver(self, delivery: Delivery, ended: asyncio.Queue[_Ended]) -> None:
        outcome = self._held(delivery)
        try:
            if outcome is None:
                async with self._gate:
                    # Closed while it waited for its turn.
                    outcome = self._held(delivery) or await self._within_lease(delivery)
        finally:
            now = self._clock.now()
            if outcome is None or outcome.held_until is None:
                self._doors.learn(delivery, outcome, now, self._pause(delivery, outcome))
            ended.put_nowait(_Ended(delivery, outcome, now))

    def _held(self, delivery: Delivery) -> Outcome | None:
        """Hold a row back from a closed door; one at its horizon is tried, whatever is known."""
        now = self._clock.now()
        if now >= delivery.begun_at + self._policy.of(delivery.item.connector).horizon:
            return None
        return self._doors.held(delivery, now, self._pause(delivery))

    def _pause(self, delivery: Delivery, outcome: Outcome | None = None) -> timedelta:
        """Return how long a closed door is left alone: never longer than any row of it waits."""
        asked_s = outcome.retry_after_s if outcome else 0.0
        first_s = self._policy.of(delivery.item.connector).first_s
        return timedelta(seconds=max(asked_s, first_s))

    async def _settle_all(self, ended: asyncio.Queue[_Ended], count: int) -> list[Exception]:
        """Settle what ends; one transaction takes all that ended while the one before was written.

        Returns:
            What the store said of those it did not take; they are sent again after their lease.
        """
        failures: list[Exception] = []
        while count:
            batch = [await ended.get()]
            while not ended.empty():
                batch.append(ended.get_nowait())
            count -= len(batch)
            failures += await self._settle_some([one for one in batch if one.outcome is not None])
        return failures

    async def _settle_some(self, batch: Sequence[_Ended]) -> list[Exception]:
        if not batch:
            return []
        written = self._store.write(lambda tx: self._write(tx, batch))
        [failure] = await asyncio.gather(written, return_exceptions=True)
        if not isinstance(failure, BaseException):
            for one, (status, outcome) in zip(batch, failure, strict=True):
                if outcome.held_until is None:
                    tell(one.delivery, status, outcome)
                    count_attempt(one.delivery, status, one.at)
            return []
        if not isinstance(failure, Exception):
            raise failure
        if len(batch) == 1:
            return [failure]
        # One that cannot be settled keeps no other from it.
        parts = [await self._settle_some([one]) for one in batch]
        return [one for part in parts for one in part]

    async def _within_lease(self, delivery: Delivery) -> Outcome | None:
        """Send as long as the row is ours; None when its lease ends before the attempt does.

        Another worker takes the row then. Sending on, or writing how it ended, would be a second
        hand in the same row.
        """
        left = delivery.due_at - self._clock.now() - _MARGIN
        if left > timedelta(0):
            try:
                async with asyncio.timeout(left.total_seconds()):
                    return await attempt(self._connectors[delivery.item.connector], delivery)
            except TimeoutError:
                # Cancelled by us: what a connector raises itself ends as an outcome.
                pass
        _log.error("delivery_overran", outbox_id=delivery.id, kind=delivery.item.connector)
        return None

    def _write(
        self, tx: Transaction, batch: Sequence[_Ended]
    ) -> list[tuple[DeliveryStatus, Outcome]]:
        tx.outbox.hold([one.delivery.item for one in batch])
        return [self._settle(tx, one) for one in batch]

    def _settle(self, tx: Transaction, ended: _Ended) -> tuple[DeliveryStatus, Outcome]:
        delivery, now = ended.delivery, ended.at
        outcome = ended.outcome or Outcome(DeliveryStatus.RETRY_WAIT)
        if outcome.held_until is not None:
            tx.outbox.put_back(delivery.id, outcome.held_until, outcome.note)
            self._report(tx, delivery.item.connector, delivery.item.key, now)
            return outcome.status, outcome
        status, why = self._judge(delivery, outcome, now)
        due = self._due(delivery, outcome, now) if status is DeliveryStatus.RETRY_WAIT else None
        tx.outbox.settle(
            delivery.id, status, now, note=outcome.note, receipt=outcome.receipt, due_at=due
        )
        if status in SETTLED and delivery.item.connector == subscribed.HOOK:
            hooks.settled(tx, delivery, status, outcome.codes, why, now)
        self._report(tx, delivery.item.connector, delivery.item.key, now)
        return status, outcome

    def _judge(
        self, delivery: Delivery, outcome: Outcome, now: datetime
    ) -> tuple[DeliveryStatus, str]:
        """Decide whether a failed attempt was the last one."""
        rule = self._policy.of(delivery.item.connector)
        kind = delivery.item.details.get("kind")
        status = outcome.status
        if status is DeliveryStatus.REFUSED:
            is_final = hooks.GONE in outcome.codes or delivery.attempts >= rule.refusals
            status = DeliveryStatus.REFUSED if is_final else DeliveryStatus.RETRY_WAIT
        if status is DeliveryStatus.RETRY_WAIT and kind in ("handshake", "heartbeat"):
            # One try: the client asks for another handshake, the next heartbeat comes anyway.
            return DeliveryStatus.REFUSED, outcome.why
        if status is DeliveryStatus.RETRY_WAIT and now >= delivery.begun_at + rule.horizon:
            days = f"{rule.horizon / timedelta(days=1):g}"
            return DeliveryStatus.GIVEN_UP, f"{outcome.why} It was tried for {days} days."
        return status, outcome.why

    def _due(self, delivery: Delivery, outcome: Outcome, now: datetime) -> datetime:
        rule = self._policy.of(delivery.item.connector)
        doublings = min(max(delivery.attempts, 1) - 1, 32)
        ceiling = min(rule.longest_s, rule.first_s * 2**doublings)
        wait = max(outcome.retry_after_s, ceiling * self._draw())
        # The last try is at the horizon and not behind it.
        end = delivery.begun_at + rule.horizon
        return min(now + timedelta(seconds=wait), end)


def _apply(tx: Transaction, notice: Notice, now: datetime) -> bool:
    delivery = tx.outbox.by_key(notice.connector, notice.key)
    if delivery is None:
        return False
    is_bounce = notice.status is DeliveryStatus.REFUSED
    waits = delivery.status not in SETTLED
    if waits or (is_bounce and delivery.status is DeliveryStatus.CONFIRMED):
        tx.outbox.settle(delivery.id, notice.status, now, note=notice.note, receipt=notice.receipt)
    return True
