"""Convert what was answered as soon as it was kept, without slowing the answers to what arrives.

A source in mode `accept` is told that its bytes are kept. While many senders wait for an answer,
only a share of the time goes to conversions, so a burst is taken in as fast as the disk keeps it.
When few wait, or the oldest conversion was put off for long enough, nothing holds them up.
What does not fit here is found in the store by `Receiver.take_backlog`.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple

import structlog
from prometheus_client import Gauge

from gateway.core.errors import RetriableError
from gateway.core.messages import RawMessage, Receipt

_log = structlog.get_logger()
_WAITING = Gauge("relais_kept_waiting", "Inputs that were answered and wait for their conversion")


@dataclass(frozen=True, slots=True)
class KeptLimits:
    """How conversions give way to answers.

    Attributes:
        calm: inputs in process at once before conversions give way.
        beside: conversions in a row while there are more.
        together: conversions in a row otherwise; they share a commit.
        share: of the time, that conversions have while they give way.
        patience_s: a conversion that waits longer gives way no more.
        size: bytes that are held here at most.
    """

    calm: int = 8
    beside: int = 3
    together: int = 32
    share: float = 0.1
    patience_s: float = 60.0
    size: int = 64 * 1024 * 1024


class _Waiting(NamedTuple):
    raw: RawMessage
    row_id: int
    since: float


class Kept:
    """The inputs of sources in mode `accept`, between their answer and their conversion."""

    def __init__(
        self,
        convert: Callable[[RawMessage, int], Awaitable[Receipt]],
        pressure: Callable[[], int],
        limits: KeptLimits | None = None,
    ) -> None:
        """Hold nothing yet.

        Args:
            convert: converts a row that is stored.
            pressure: how many inputs from the doors were in process at once since the last call.
            limits: settings.
        """
        self._convert, self._pressure = convert, pressure
        self._limits = limits or KeptLimits()
        self._waiting: deque[_Waiting] = deque()
        self._ids: set[int] = set()
        self._size = 0
        self._some = asyncio.Event()

    def add(self, raw: RawMessage, row_id: int) -> None:
        """Take an input whose sender is answered; one too many is left to the store."""
        if self._size + len(raw.body) > self._limits.size:
            return
        self._waiting.append(_Waiting(raw, row_id, asyncio.get_running_loop().time()))
        self._ids.add(row_id)
        self._size += len(raw.body)
        _WAITING.inc()
        self._some.set()

    def __contains__(self, row_id: int) -> bool:
        """Tell whether a row waits here."""
        return row_id in self._ids

    async def run(self) -> None:
        """Convert for ever."""
        limits, loop = self._limits, asyncio.get_running_loop()
        while True:
            await self._some.wait()
            began = loop.time()
            is_late = began - self._waiting[0].since > limits.patience_s
            gives_way = not is_late and self._pressure() > limits.calm
            await self._next(limits.beside if gives_way else limits.together)
            if gives_way:
                await asyncio.sleep((loop.time() - began) * (1 / limits.share - 1))

    async def _next(self, count: int) -> None:
        group = [self._waiting.popleft() for _ in range(min(count, len(self._waiting)))]
        if not self._waiting:
            self._some.clear()
        await asyncio.gather(*(self._quietly(one) for one in group))
        self._ids.difference_update(one.row_id for one in group)
        self._size -= sum(len(one.raw.body) for one in group)
        _WAITING.dec(len(group))

    async def _quietly(self, one: _Waiting) -> None:
        try:
            await self._convert(one.raw, one.row_id)
        except RetriableError:
            # The row stays as it is: the backlog takes it once the store is back.
            _log.warning("conversion_postponed", inbox_id=one.row_id)
