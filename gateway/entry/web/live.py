"""Server-sent events for the pages: that a zone changed, never what is in it (WHATWG HTML, SSE).

One look at the store per interval serves every open page; without an open page nobody looks. An
event is numbered `<epoch>-<n>`: a browser that comes back with a number this process still holds
misses nothing, any other is told to reload.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import orjson
import structlog

from gateway.core.errors import RetriableError
from gateway.entry.web.data import Pulse

_log = structlog.get_logger()
_KEPT = 1000
_STREAMS = 500
_COMMENT_S = 15.0
#: Browsers come back after this long.
_RETRY_MS = 3000


#: Gives what of some zones a reader may be told of.
Sieve = Callable[[list[str]], Awaitable[list[str] | None]]


@dataclass(slots=True, eq=False)
class _Listener:
    """One open stream: zones not told yet, and whether it has to end."""

    zones: dict[str, None] = field(default_factory=dict)
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    bye: str = ""


class Hub:
    """Looks at the store while somebody listens, and tells who listens what changed."""

    def __init__(
        self,
        pulse: Callable[[int], Awaitable[Pulse]],
        epoch: str,
        *,
        every_s: float = 1.0,
        pause_s: float = 0.4,
    ) -> None:
        """Prepare; nothing runs until somebody listens.

        Args:
            pulse: gives the state of the store, see `PageData.pulse`.
            epoch: a word that no earlier process of this address used.
            every_s: seconds between two looks.
            pause_s: a stream sends at most one event in this time.
        """
        self._pulse, self._epoch = pulse, epoch
        self._every_s, self._pause_s = every_s, pause_s
        self._number = 0
        self._kept: deque[tuple[int, frozenset[str]]] = deque(maxlen=_KEPT)
        self._listeners: deque[_Listener] = deque()
        self._watch: asyncio.Task[None] | None = None
        self._before: Pulse | None = None

    def close(self) -> None:
        """End every stream with `bye`; browsers come back to the next process."""
        for listener in self._listeners:
            listener.bye = "restart"
            listener.woken.set()
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    async def listen(self, after: str = "", sieve: Sieve | None = None) -> AsyncIterator[bytes]:
        """Yield the bytes of one stream until its reader goes or the hub closes.

        Args:
            after: number of the last event the browser had; empty for a new page.
            sieve: gives what of some zones the reader may be told of, None when the reader is
                not in any more; None: everything is told.
        """
        listener = _Listener()
        if len(self._listeners) >= _STREAMS:
            oldest = self._listeners[0]
            oldest.bye = "restart"
            oldest.woken.set()
        self._listeners.append(listener)
        try:
            self._start()
            yield f"retry: {_RETRY_MS}\n\n".encode()
            missed = self._missed(after)
            if missed is None:
                yield self._event("reset", {})
            elif missed:
                told = await _sifted(sorted(missed), sieve)
                yield self._event("change", {"zones": told or []})
            async for event in self._told(listener, sieve):
                yield event
        finally:
            self._listeners.remove(listener)
            if not self._listeners and self._watch is not None:
                self._watch.cancel()
                self._watch = None

    async def _told(self, listener: _Listener, sieve: Sieve | None) -> AsyncIterator[bytes]:
        while True:
            try:
                await asyncio.wait_for(listener.woken.wait(), _COMMENT_S)
            except TimeoutError:
                yield b": k\n\n"
                continue
            listener.woken.clear()
            if listener.bye:
                yield self._event("bye", {"why": listener.bye})
                return
            zones, listener.zones = list(listener.zones), {}
            told = await _sifted(zones, sieve)
            if told is None:
                yield self._event("bye", {"why": "session"})
                return
            if told:
                yield self._event("change", {"zones": told})
            await asyncio.sleep(self._pause_s)

    def _event(self, name: str, data: dict[str, object]) -> bytes:
        head = f"id: {self._epoch}-{self._number}\nevent: {name}\ndata: "
        return head.encode() + orjson.dumps(data) + b"\n\n"

    def _missed(self, after: str) -> frozenset[str] | None:
        """Return the zones that changed since an event, None when that is not known."""
        if not after:
            return frozenset()
        epoch, _, number = after.rpartition("-")
        if epoch != self._epoch or not number.isdecimal() or int(number) > self._number:
            return None
        if int(number) < self._number - len(self._kept):
            return None
        changed = [zones for n, zones in self._kept if n > int(number)]
        return frozenset().union(*changed)

    def _start(self) -> None:
        if self._watch is None:
            self._watch = asyncio.create_task(self._look())

    async def _look(self) -> None:
        while True:
            try:
                pulse = await self._pulse(self._before.ledger if self._before else -1)
            except RetriableError as error:
                _log.warning("live_postponed", code=error.issues[0].code)
            else:
                if self._before is not None:
                    self.tell(changed_zones(self._before, pulse))
                self._before = pulse
            await asyncio.sleep(self._every_s)

    def tell(self, zones: frozenset[str]) -> None:
        """Tell every stream that these zones changed."""
        if not zones:
            return
        self._number += 1
        self._kept.append((self._number, zones))
        for listener in self._listeners:
            listener.zones.update(dict.fromkeys(sorted(zones)))
            listener.woken.set()


async def _sifted(zones: list[str], sieve: Sieve | None) -> list[str] | None:
    return zones if sieve is None else await sieve(zones)


def changed_zones(before: Pulse, after: Pulse) -> frozenset[str]:
    """Return the zones of the pages that two looks at the store tell apart."""
    zones: set[str] = set()
    if after.ledger != before.ledger:
        zones |= {"overview", "list", "badges"}
        zones |= {f"gap:{gap_id}" for gap_id in after.touched}
    written = after.work - before.work
    if written:
        zones |= {"overview", "list", "badges", *(f"gap:{gap_id}" for gap_id, _ in written)}
    if after.inbox != before.inbox:
        zones |= {"overview", "messages", "badges"}
    if after.outbox != before.outbox:
        zones |= {"overview", "deliveries"}
    return frozenset(zones)
