"""A sender of HL7 v2 messages over MLLP, MLLPS or HTTP that tells each answer and its delay.

For `relais send`, the demo and the benches; deliveries to other systems go through
`gateway.connectors` and their outbox. Never sends a message again by itself: a second try is the
caller's decision (a resend before the time-out multiplies messages).
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from time import monotonic

from gateway.core.errors import FatalError, RetriableError
from gateway.core.issues import Issue, Severity
from gateway.entry.sender_lines import (
    Address,
    HttpAnswer,
    HttpLine,
    HttpPost,
    Line,
    MllpLine,
    Scheme,
    ack_code,
)
from gateway.entry.tls import client_context

__all__ = ["Address", "HttpAnswer", "HttpPost", "MllpLine", "SendPlan", "Sent", "ack_code", "send"]


@dataclass(frozen=True, slots=True)
class SendPlan:
    """How a series of messages is sent.

    Attributes:
        connections: at the same time; one keeps the order of the messages.
        repeat: how often the whole series is sent.
        rate: messages a second over all connections; None sends as fast as answers come.
        timeout_s: time an answer may take.
        tls: context for `mllps`.
        post: client for `http` and `https`.
    """

    connections: int = 1
    repeat: int = 1
    rate: float | None = None
    timeout_s: float = 30.0
    tls: ssl.SSLContext | None = None
    post: HttpPost | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one message.

    Attributes:
        index: of the message in the series.
        ack: the answer, unframed; empty when none came.
        code: MSA-1 (AA, AE, AR, CA...), empty when there is none.
        latency_s: from the first byte written to the answer.
        issue: why it is not known what became of the message.
    """

    index: int
    ack: bytes
    code: str
    latency_s: float
    issue: Issue | None = None


async def send(bodies: Sequence[bytes], to: Address, plan: SendPlan) -> AsyncIterator[Sent]:
    """Send messages and give out what became of each as it is known.

    Raises:
        RetriableError: nobody answers at the address (RLS-NET-011).
        FatalError: an HTTP address without client (RLS-NET-015).
    """
    total = len(bodies) * plan.repeat
    results: asyncio.Queue[Sent | None] = asyncio.Queue()
    series = _Series(bodies, to, plan, results)
    workers = [asyncio.create_task(series.work()) for _ in range(min(plan.connections, total))]
    watcher = asyncio.create_task(_close_after(workers, results))
    try:
        while (result := await results.get()) is not None:
            yield result
        await watcher
    finally:
        for task in (watcher, *workers):
            task.cancel()
        await asyncio.gather(watcher, *workers, return_exceptions=True)


class _Series:
    """The messages that wait, shared by the connections."""

    def __init__(
        self,
        bodies: Sequence[bytes],
        to: Address,
        plan: SendPlan,
        results: "asyncio.Queue[Sent | None]",
    ) -> None:
        self._bodies = bodies
        self._to = to
        self._plan = plan
        self._results = results
        self._total = len(bodies) * plan.repeat
        self._next = 0
        self._start = monotonic()

    async def work(self) -> None:
        """Send on one connection until nothing waits; open it again when it was lost."""
        line: Line | None = None
        try:
            while self._next < self._total:
                index = self._next
                self._next += 1
                if self._plan.rate:
                    due = self._start + index / self._plan.rate
                    await asyncio.sleep(max(0.0, due - monotonic()))
                line = line or await self._open()
                sent = await self._exchange(line, index)
                if sent.issue is not None:
                    line.close()
                    line = None
                self._results.put_nowait(sent)
        finally:
            if line is not None:
                line.close()

    async def _exchange(self, line: Line, index: int) -> Sent:
        body = self._bodies[index % len(self._bodies)]
        start = monotonic()
        try:
            ack = await line.exchange(body, self._plan.timeout_s)
        except RetriableError as error:
            return Sent(index, b"", "", monotonic() - start, error.issues[0])
        return Sent(index, ack, ack_code(ack), monotonic() - start)

    async def _open(self) -> Line:
        to, plan = self._to, self._plan
        if to.scheme in (Scheme.HTTP, Scheme.HTTPS):
            if plan.post is None:
                raise FatalError([_no_client()])
            return HttpLine(to, plan.post)
        tls = plan.tls or client_context() if to.scheme is Scheme.MLLPS else None
        return await MllpLine.open(to, tls=tls, timeout_s=plan.timeout_s)


async def _close_after(
    workers: Sequence["asyncio.Task[None]"], results: "asyncio.Queue[Sent | None]"
) -> None:
    """End the results when all connections are done; the first failure is the caller's."""
    try:
        await asyncio.gather(*workers)
    finally:
        results.put_nowait(None)


def _no_client() -> Issue:
    return Issue(
        code="RLS-NET-015",
        severity=Severity.FATAL,
        where="sender",
        what="an HTTP address needs an HTTP client and none was given.",
        fix="Use an mllp:// address, or report this as a fault of the gateway.",
    )
