"""The journal of accesses: entries that wait a moment for each other, and the proof of the chain.

An entry about a read is kept with those of other reads, in one transaction a fifth of a second
later at most; where an answer must not leave before, `keep` waits for it. Decision: adr/0015.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from gateway.core.audit import Link, Trace, fault
from gateway.core.errors import RetriableError
from gateway.core.issues import Issue, Severity
from gateway.core.ports import Store, Transaction

#: Longest time an entry waits, seconds.
WAIT_S = 0.2
#: Entries in one transaction.
_AT_ONCE = 500
#: Entries that may wait while the store does not take them; then nobody is shown anything.
MOST = 20_000
_PAGE = 1000

_log = structlog.get_logger()


class Journal:
    """Takes entries of one process to the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[Trace] = []
        self._writing = asyncio.Lock()
        self._later: asyncio.Task[None] | None = None
        #: The last write did not say how it ended; its entries may be there.
        self._is_doubtful = False

    @property
    def waiting(self) -> int:
        """Return how many entries wait for the store."""
        return len(self._waiting)

    def note(self, traces: Sequence[Trace]) -> None:
        """Have entries kept soon.

        Raises:
            RetriableError: too many wait already: the store does not take them (RLS-SEC-044).
        """
        if len(self._waiting) + len(traces) > MOST:
            raise RetriableError([_full()], 5.0)
        self._waiting.extend(traces)
        if traces and (self._later is None or self._later.done()):
            self._later = asyncio.create_task(self._soon())

    async def keep(self, traces: Sequence[Trace]) -> None:
        """Keep entries; they are durable when this returns.

        Raises:
            RetriableError: the store does not take them.
        """
        self._waiting.extend(traces)
        await self.flush()

    async def flush(self) -> None:
        """Keep what waits; it waits on when the store is away.

        Whoever asks may give up: what is being written is written to its end.
        """
        writing = asyncio.ensure_future(self._write())
        # Nobody may be left to hear it; what waits is written at the next flush.
        writing.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.shield(writing)

    async def _write(self) -> None:
        async with self._writing:
            while self._waiting:
                batch = self._waiting[:_AT_ONCE]
                look, self._is_doubtful = self._is_doubtful, True
                await self._store.write(
                    lambda tx, batch=batch, look=look: tx.audit.append(  # type: ignore[misc] # bound now
                        _absent(tx, batch) if look else batch
                    )
                )
                self._is_doubtful = False
                del self._waiting[: len(batch)]

    async def close(self) -> None:
        """Keep what waits, as far as the store takes it."""
        if self._later is not None:
            self._later.cancel()
            await asyncio.gather(self._later, return_exceptions=True)
        await self.flush()

    async def _soon(self) -> None:
        while True:
            await asyncio.sleep(WAIT_S)
            try:
                await self.flush()
            except RetriableError as error:
                _log.warning(
                    "audit_postponed", code=error.issues[0].code, waiting=len(self._waiting)
                )
            if not self._waiting:
                return


@dataclass(frozen=True, slots=True)
class Proof:
    """What a look at the whole journal found.

    Attributes:
        head: place of the last entry.
        fault: what is wrong, in words; empty when nothing is.
    """

    head: Link
    fault: str = ""


async def verify(store: Store, anchors: Sequence[Link] = ()) -> Proof:
    """Walk through the journal and prove that nothing in it was changed or taken away.

    Args:
        store: of the installation.
        anchors: places that were written down elsewhere; without one, entries cut off at the end
            are not noticed.
    """
    place = Link()
    wanted = {one.number: one.digest for one in anchors}
    # Read first: entries may be added meanwhile.
    head = await store.read(lambda tx: tx.audit.head())
    while True:
        after = place.number
        entries = await store.read(lambda tx, after=after: tx.audit.after(after, _PAGE))  # type: ignore[misc] # bound now
        found = fault(entries, place)
        if found:
            return Proof(place, found)
        for entry in entries:
            digest = wanted.pop(entry.link.number, entry.link.digest)
            if digest != entry.link.digest:
                return Proof(place, f"entry number {entry.link.number} is not the one anchored")
            place = entry.link
        if not entries:
            break
    missing = min((*wanted, *([place.number + 1] if place.number < head.number else [])), default=0)
    if missing:
        return Proof(place, f"the journal was cut off before number {missing}")
    return Proof(place)


def _absent(tx: Transaction, traces: Sequence[Trace]) -> list[Trace]:
    return [one for one in traces if tx.audit.get(one.id) is None]


def _full() -> Issue:
    return Issue(
        code="RLS-SEC-044",
        severity=Severity.ERROR,
        where="audit",
        what="the journal of accesses cannot be written, so nobody is shown anything.",
        fix="Look at the store; what waits is kept when it answers again.",
    )
