"""A sender that keeps several MLLP connections busy and times every acknowledgement."""

import asyncio
import statistics
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass

_START, _END = b"\x0b", b"\x1c\x0d"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run of load found; times in seconds.

    Attributes:
        codes: MSA-1 of the acknowledgements.
    """

    messages: int
    seconds: float
    p50: float
    p99: float
    codes: dict[str, int]


class _Sender(asyncio.Protocol):
    """One connection: sends the next message when the acknowledgement of the last one is here."""

    def __init__(
        self,
        waiting: deque[bytes],
        times: list[float],
        codes: Counter[str],
        free: "asyncio.Queue[_Sender] | None" = None,
    ) -> None:
        self._waiting = waiting
        self._free = free
        self._times = times
        self._codes = codes
        self._buffer = bytearray()
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        if self._free is not None:
            self._free.put_nowait(self)
        else:
            self._next()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._buffer.endswith(_END):
            return
        self._times.append(time.perf_counter() - self._sent_at)
        place = self._buffer.find(b"\rMSA|")
        self._codes[self._buffer[place + 5 : place + 7].decode("ascii", "replace")] += 1
        self._buffer.clear()
        if self._free is not None:
            self._free.put_nowait(self)
        else:
            self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the other side closed"))

    def send(self, body: bytes, due: float) -> None:
        """Send now a message that was due at an instant; its waiting counts as latency."""
        if self._transport is not None:
            self._sent_at = due
            self._transport.write(_START + body + _END)

    def _next(self) -> None:
        if self._transport is None:
            return
        if not self._waiting:
            if not self.done.done():
                self.done.set_result(None)
            self._transport.close()
            return
        body = self._waiting.popleft()
        self._sent_at = time.perf_counter()
        self._transport.write(_START + body + _END)


async def _run(port: int, messages: Sequence[bytes], connections: int) -> Outcome:
    waiting = deque(messages)
    times: list[float] = []
    codes: Counter[str] = Counter()
    loop = asyncio.get_running_loop()
    start = time.perf_counter()
    senders = [
        (await loop.create_connection(lambda: _Sender(waiting, times, codes), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(sender.done for sender in senders))
    elapsed = time.perf_counter() - start
    cuts = statistics.quantiles(times, n=100) if len(times) > 1 else [times[0]] * 99
    return Outcome(len(times), elapsed, cuts[49], cuts[98], dict(codes))


def play(port: int, messages: Sequence[bytes], connections: int) -> Outcome:
    """Send all messages over `connections` connections to a listener of this machine."""
    return asyncio.run(_run(port, messages, connections))


async def _run_paced(
    port: int, messages: Sequence[bytes], rate: float, connections: int
) -> Outcome:
    times: list[float] = []
    codes: Counter[str] = Counter()
    loop = asyncio.get_running_loop()
    free: asyncio.Queue[_Sender] = asyncio.Queue()
    senders = [
        (
            await loop.create_connection(
                lambda: _Sender(deque(), times, codes, free), "127.0.0.1", port
            )
        )[1]
        for _ in range(connections)
    ]
    start = time.perf_counter()
    for number, body in enumerate(messages):
        due = start + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        (await free.get()).send(body, due)
    for _ in senders:
        await free.get()
    elapsed = time.perf_counter() - start
    cuts = statistics.quantiles(times, n=100)
    return Outcome(len(times), elapsed, cuts[49], cuts[98], dict(codes))


def pace(port: int, messages: Sequence[bytes], rate: float, connections: int = 32) -> Outcome:
    """Send messages at a rate a second, whether or not answers keep up.

    Latency counts from the instant a message was due, so that a sender that is held up hides
    nothing.
    """
    return asyncio.run(_run_paced(port, messages, rate, connections))
