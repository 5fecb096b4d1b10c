"""Take an input, keep it durably, convert it, and only then answer.

Conversion is CPU work and runs in a few threads; a group commit stores all inputs that are ready
and wakes their senders. An input whose conversion is slow is stored on its own first; past the
deadline its sender is told AA, flagged `ack-downgraded`, because the bytes are kept (a later
ACK would make the sender resend). Decision: docs/adr/0003-durable-then-aa.md.
"""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from queue import SimpleQueue

import structlog
from prometheus_client import Counter, Histogram

from gateway.core import tracing
from gateway.core.clock import Clock
from gateway.core.errors import RejectedError, RetriableError
from gateway.core.messages import Channel, InboxStatus, Incident, Outcome, RawMessage, Receipt
from gateway.core.ports import Store, Transaction
from gateway.pipeline import senders, traces, unavailable
from gateway.pipeline.commit import CommitRules, ConflictError, commit, store_bytes
from gateway.pipeline.figures import INPUT_SECONDS
from gateway.pipeline.kept import Kept
from gateway.pipeline.mend import after_refusal
from gateway.pipeline.prepared import Converting, Prepared, let_go
from gateway.pipeline.tickets import Ticket, item_of

_log = structlog.get_logger()
_RECEIVED = Counter(
    "relais_inbox_messages_total", "Inputs by door and outcome", ("channel", "outcome")
)
_COUNTED = {(c, o): _RECEIVED.labels(c.value, o.value) for c in Channel for o in Outcome}
_SECONDS = {channel: INPUT_SECONDS.labels(channel.value) for channel in Channel}
_BATCH = Histogram(
    "relais_commit_batch_size", "Inputs per commit", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256)
)


@dataclass(frozen=True, slots=True)
class ReceiveLimits:
    """Settings of the receiver.

    Attributes:
        threads: conversions at the same time.
        batch: inputs in one commit at most.
        store_early_s: a conversion that takes longer gets its bytes stored before it ends.
        deadline_s: answer no later than this; below the time-out of the senders.
        waiting: inputs in process at most; more are told to come again.
    """

    threads: int = 2
    batch: int = 128
    store_early_s: float = 1.0
    deadline_s: float = 20.0
    waiting: int = 4096


class Receiver:
    """The one way in, whatever the door."""

    def __init__(
        self,
        store: Store,
        converter: Converting,
        clock: Clock,
        rules: CommitRules,
        limits: ReceiveLimits | None = None,
    ) -> None:
        self._store = store
        self._converter = converter
        self._clock = clock
        self._rules = rules
        self._limits = limits or ReceiveLimits()
        self._work: SimpleQueue[Ticket | None] = SimpleQueue()
        self._done: deque[Ticket] = deque()
        self._drain_scheduled = False
        self._ready: list[Ticket] = []
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._in_flight: dict[int, Ticket] = {}
        self._first_of: dict[tuple[str, ...], Ticket] = {}
        self._threads: list[threading.Thread] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._peak = 0
        self._kept = Kept(self.convert_stored, self._pressure)
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        """Start the conversion threads, the committer and the watch on slow inputs."""
        self._loop = asyncio.get_running_loop()
        for number in range(self._limits.threads):
            thread = threading.Thread(
                target=self._convert_forever, name=f"convert-{number}", daemon=True
            )
            thread.start()
            self._threads.append(thread)
        self._tasks = [
            asyncio.create_task(self._commit_forever(), name="committer"),
            asyncio.create_task(self._watch_slow(), name="slow-inputs"),
            asyncio.create_task(self._kept.run(), name="kept-inputs"),
        ]

    async def stop(self) -> None:
        """Finish what was begun, then stop the threads."""
        if self._in_flight:
            self._idle.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), self._limits.deadline_s)
        for _ in self._threads:
            self._work.put(None)
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def stalled_for(self) -> float:
        """Return the age in seconds of the oldest input that is not stored yet; 0 when none."""
        if not self._in_flight or self._loop is None:
            return 0.0
        oldest = min(ticket.started for ticket in self._in_flight.values())
        return self._loop.time() - oldest

    async def incident(self, incident: Incident) -> None:
        """Keep what a door survived that is not a message.

        Raises:
            RetriableError: the store is away.
        """
        await self._store.write(lambda tx: tx.inbox.add_incidents([incident]))

    async def receive(self, raw: RawMessage) -> Receipt:
        """Take one input and return its answer, after what the answer tells is durable."""
        loop = asyncio.get_running_loop()
        if len(self._in_flight) >= self._limits.waiting:
            return self._count(
                raw, unavailable.unavailable(self._converter.open(raw), unavailable.busy())
            )
        ticket = self._take(raw, loop)
        try:
            receipt = await ticket.answer
        except RetriableError as error:
            opened = ticket.opened or self._converter.open(raw)
            receipt = unavailable.unavailable(opened, error.issues)
        if senders.FLAG in receipt.flags:
            await self.incident(senders.incident(raw, self._clock.now()))
        _SECONDS[raw.channel].observe(loop.time() - ticket.started)
        return self._count(raw, receipt)

    def _take(self, raw: RawMessage, loop: asyncio.AbstractEventLoop) -> Ticket:
        ticket = Ticket(raw, loop.create_future(), loop.time())
        self._in_flight[id(ticket)] = ticket
        self._peak = max(self._peak, len(self._in_flight))
        self._work.put(ticket)
        return ticket

    def _settle(self, ticket: Ticket, outcome: Receipt | RetriableError) -> None:
        """Answer a ticket, unless it was answered at the deadline, and forget it."""
        self._in_flight.pop(id(ticket), None)
        traces.ended(ticket.span, outcome)
        if not self._in_flight:
            self._idle.set()
        if ticket.key is not None and self._first_of.get(ticket.key) is ticket:
            del self._first_of[ticket.key]
        if ticket.prepared is not None and isinstance(outcome, Receipt):
            let_go(ticket.prepared)
        if ticket.answer.done():
            return
        if isinstance(outcome, Receipt):
            ticket.answer.set_result(outcome)
        else:
            ticket.answer.set_exception(outcome)

    def _count(self, raw: RawMessage, receipt: Receipt) -> Receipt:
        _COUNTED[raw.channel, receipt.outcome].inc()
        return receipt

    # --- conversion threads -------------------------------------------------------------

    def _convert_forever(self) -> None:
        while (ticket := self._work.get()) is not None:
            with ticket.span.child("open"):
                ticket.opened = self._converter.open(ticket.raw)
            first = self._first(ticket)
            if first is ticket:
                keep_only = ticket.row_id is None and not ticket.opened.policy.process
                with ticket.span.child("prepare"):
                    ticket.prepared = self._converter.prepare(ticket.opened, keep_only=keep_only)
                self._done.append(ticket)
                if not self._drain_scheduled:
                    self._drain_scheduled = True
                    self._call_loop(self._drain)
            else:
                self._call_loop(self._attach, ticket, first)

    def _first(self, ticket: Ticket) -> Ticket:
        """Return the ticket of the same input that is in process already, else this one."""
        opened = ticket.opened
        if opened is None or ticket.row_id is not None:
            return ticket
        header = opened.header
        key = (*header.sender, header.control_id, header.canonical_sha256)
        first = self._first_of.setdefault(key, ticket)
        if first is ticket:
            ticket.key = key
        return first

    def _call_loop(self, call: Callable[..., None], *args: Ticket) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop closed while we converted
                self._loop.call_soon_threadsafe(call, *args)

    def _drain(self) -> None:
        self._drain_scheduled = False
        while self._done:
            self._ready.append(self._done.popleft())
        self._wake.set()

    def _attach(self, ticket: Ticket, first: Ticket) -> None:
        """Give a resend that came while its first copy is in process the same answer."""

        def copy(answer: asyncio.Future[Receipt]) -> None:
            error = answer.exception()
            if isinstance(error, RetriableError):
                self._settle(ticket, error)
                return
            receipt = answer.result()
            same = receipt.outcome in (Outcome.ACCEPTED, Outcome.IGNORED)
            outcome = Outcome.DUPLICATE if same else receipt.outcome
            self._settle(
                ticket, replace(receipt, outcome=outcome, flags=(*receipt.flags, "duplicate"))
            )

        first.answer.add_done_callback(copy)

    # --- slow conversions ---------------------------------------------------------------

    async def _watch_slow(self) -> None:
        """Store the bytes of slow inputs early; answer those whose deadline passed."""
        limits = self._limits
        pause = min(limits.store_early_s, limits.deadline_s) / 4
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(pause)
            now = loop.time()
            for ticket in list(self._in_flight.values()):
                age = now - ticket.started
                slow = ticket.prepared is None and ticket.row_id is None and ticket.early is None
                if age >= limits.store_early_s and slow:
                    ticket.early = asyncio.create_task(self._store_early(ticket))
                if age >= limits.deadline_s and not ticket.answer.done():
                    ticket.answer.set_result(self._at_deadline(ticket))

    async def _store_early(self, ticket: Ticket) -> None:
        opened = ticket.opened or self._converter.open(ticket.raw)
        try:
            now = self._clock.now()
            ticket.row_id = await self._store.write(lambda tx: store_bytes(tx, opened, now))
        except RetriableError:
            _log.warning("early_store_failed", size=len(ticket.raw.body))

    def _at_deadline(self, ticket: Ticket) -> Receipt:
        """Answer when the result is not there in time: AA if the bytes are kept."""
        opened = ticket.opened or self._converter.open(ticket.raw)
        if ticket.row_id is None:
            return unavailable.unavailable(opened, unavailable.late())
        _log.warning("ack_downgraded", inbox_id=ticket.row_id)
        return Receipt(
            outcome=Outcome.ACCEPTED,
            ack=opened.answer("AA", ()),
            inbox_id=ticket.row_id,
            flags=("ack-downgraded",),
        )

    # --- group commit -------------------------------------------------------------------

    async def _commit_forever(self) -> None:
        while True:
            await self._wake.wait()
            batch = self._ready[: self._limits.batch]
            del self._ready[: self._limits.batch]
            if not self._ready:
                self._wake.clear()
            if batch:
                await self._commit_batch(batch)

    async def _commit_batch(self, batch: list[Ticket]) -> None:
        for ticket in batch:
            if ticket.early is not None:
                await asyncio.wait([ticket.early])
        items = [item_of(ticket) for ticket in batch]
        _BATCH.observe(len(items))
        try:
            with tracing.start("commit", [one.span for one in batch], inputs=len(batch)):
                receipts = await self._write(items)
        except RejectedError as error:
            await self._isolate(batch, error)
            return
        except RetriableError as error:
            for ticket in batch:
                self._settle(ticket, error)
            return
        for ticket, receipt in zip(batch, receipts, strict=True):
            self._settle(ticket, receipt)
            kept = ticket.prepared is not None and ticket.prepared.status is InboxStatus.RECEIVED
            if kept and receipt.inbox_id is not None and receipt.outcome is Outcome.ACCEPTED:
                self._kept.add(ticket.raw, receipt.inbox_id)

    async def _write(self, items: list[Prepared]) -> list[Receipt]:
        """Commit; when another process stored one of the inputs meanwhile, look again."""
        for _ in range(3):
            try:
                return await self._store.write(self._committing(items))
            except ConflictError:
                continue
        raise RetriableError([unavailable.contended()])

    def _committing(self, items: list[Prepared]) -> Callable[[Transaction], list[Receipt]]:
        now = self._clock.now()
        return lambda tx: commit(tx, items, now, self._rules)

    async def _isolate(self, batch: list[Ticket], error: RejectedError) -> None:
        """Commit one by one after a batch was refused, so that only the culprit is."""
        if len(batch) > 1:
            for ticket in batch:
                await self._commit_batch([ticket])
            return
        ticket = batch[0]
        ticket.prepared = after_refusal(self._converter, item_of(ticket), error)
        await self._commit_batch([ticket])

    # --- rows stored before, to be converted ----------------------------------------------

    async def take_backlog(self, older_than: timedelta, limit: int = 100) -> int:
        """Convert rows in state `received`: accepted early, or left by a crash.

        Returns:
            How many rows were taken.
        """
        before = self._clock.now() - older_than
        rows = await self._store.write(lambda tx: tx.inbox.claim_received(limit, before))
        busy = {ticket.row_id for ticket in self._in_flight.values()}
        free = [row for row in rows if row.id not in busy and row.id not in self._kept]
        raws = [RawMessage(r.body, r.channel, r.received_at, flags=r.flags) for r in free]
        await asyncio.gather(
            *(self.convert_stored(raw, row.id) for raw, row in zip(raws, free, strict=True))
        )
        return len(free)

    def _pressure(self) -> int:
        """Return how many inputs were in process at once since this was asked last."""
        peak, self._peak = self._peak, 0
        return peak

    async def convert_stored(self, raw: RawMessage, row_id: int) -> Receipt:
        """Convert an input whose row is stored already, and write how it ended.

        Raises:
            RetriableError: the store is away; the row stays `received`.
        """
        loop = asyncio.get_running_loop()
        ticket = Ticket(raw, loop.create_future(), loop.time())
        ticket.row_id = row_id
        self._in_flight[id(ticket)] = ticket
        self._work.put(ticket)
        return await ticket.answer
