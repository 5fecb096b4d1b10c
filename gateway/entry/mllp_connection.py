"""One MLLP connection: bytes to frames, frames to the pipeline one at a time, answers in order.

Does not accept connections, count them or watch the time: `entry.mllp` does.
Follows HL7 v2 Transport Specification MLLP release 1; original and commit acknowledgements are
the pipeline's matter (HL7 v2.5 2.9).
"""

import asyncio
import ssl
from collections import deque
from datetime import datetime
from time import monotonic
from typing import Any, cast

from gateway.core.errors import RejectedError, RetriableError
from gateway.core.messages import Channel, Incident, Outcome, Peer, RawMessage
from gateway.entry.doors import oversize, unavailable
from gateway.entry.mllp_door import Door
from gateway.entry.mllp_metrics import Ending
from gateway.entry.tls import with_certificate
from gateway.entry.tls_session import TlsSession
from gateway.hl7v2.framing import Broken, Event, Fault, Frame, FrameDecoder

#: Whole frames of one connection that may wait; beyond, reading stops until they are answered.
_WAITING_FRAMES = 64
_WAITING_BYTES = 2**20


class Connection(asyncio.Protocol):
    """The server's end of one connection.

    Attributes:
        peer: the other end; the certificate is known after the handshake.
        host: address without port, the key of the limits.
        last_seen: monotonic time of the last byte.
        frame_since: monotonic time of the first byte of the open frame, None at a boundary.
    """

    def __init__(self, door: Door) -> None:
        self.peer = Peer("")
        self.host = ""
        self._loop = asyncio.get_running_loop()
        self.last_seen = monotonic()
        self.frame_since: float | None = None
        self._door = door
        self._decoder = FrameDecoder(door.limits.frame_bytes)
        self._transport: asyncio.Transport | None = None
        # Frames and faults that wait, the one in process first; with the clock and monotonic times.
        self._queue: deque[tuple[Event, datetime, float]] = deque()
        self._waiting_bytes = 0
        self._work: asyncio.Task[None] | None = None
        self._can_write: asyncio.Future[None] | None = None
        self._blocked_since = 0.0
        self._session = TlsSession(door.tls) if door.tls else None
        self._shaking_since: float | None = self.last_seen if door.tls else None
        self._is_paused = False
        self._has_eof = False
        self._is_gone = False
        self._ending: Ending | None = None
        self._seen_bytes = 0
        self._noise_run = 0
        self._restarts = 0

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or close it at once when there is no room."""
        # uvloop's transports are no subclass of asyncio's: say it to the type checker only.
        transport = cast(asyncio.Transport, transport)
        self._transport = transport
        self.host, address = _address(transport.get_extra_info("peername"))
        self.peer = Peer(address)
        if not self._door.admit(self):
            self.end(Ending.FULL)
            return
        # Whatever the kernel does not take at once counts as an answer that waits.
        transport.set_write_buffer_limits(high=0)

    def data_received(self, data: bytes) -> None:
        """Decode; whole frames go to the queue."""
        if self._ending is not None:
            return
        now = monotonic()
        self.last_seen = now
        self._seen_bytes += len(data)
        if self._session is not None:
            data = self._decrypt(self._session, data)
        decoder = self._decoder
        noise = decoder.noise
        events = decoder.feed(data)
        if decoder.noise != noise:
            self._count_noise(decoder.noise - noise)
        if events:
            self._enqueue(events, now)
        if not decoder.in_frame:
            self.frame_since = None
        elif events or self.frame_since is None:
            self.frame_since = now
        if decoder.awaits_cr:
            self._loop.call_later(self._door.limits.end_grace_s, self._settle)
        if self._session is not None and self._session.has_eof and not self.eof_received():
            self.end(self._natural_ending())

    def eof_received(self) -> bool:
        """Keep our half open until every answer has left."""
        self._has_eof = True
        self._finish_stream()
        return self._work is not None

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end; whole frames are still processed, their resend is a duplicate."""
        self._is_gone = True
        self._finish_stream()
        self.resume_writing()
        self._door.ended(self, self._ending or self._natural_ending(), self._seen_bytes)
        self._leave()

    def pause_writing(self) -> None:
        """Hold the next frame: the peer does not take the last answer."""
        if self._can_write is None:
            self._can_write = self._loop.create_future()
            self._blocked_since = monotonic()

    def resume_writing(self) -> None:
        """Go on with the next frame."""
        if self._can_write is not None and not self._can_write.done():
            self._can_write.set_result(None)
        self._can_write = None

    # What the listener asks.

    @property
    def is_idle(self) -> bool:
        """Tell whether it stands at a frame boundary with nothing to answer."""
        return (
            self.frame_since is None
            and self._work is None
            and self._shaking_since is None
            and self._can_write is None
            and self._ending is None
            and not self._decoder.awaits_cr
            and not self._is_gone
        )

    @property
    def pending_bytes(self) -> int:
        """Return how many bytes of an unfinished frame wait here."""
        return self._decoder.pending_bytes

    @property
    def unanswered_since(self) -> float | None:
        """Return the monotonic time of the oldest whole frame without answer."""
        return self._queue[0][2] if self._queue else None

    def check(self, now: float) -> None:
        """Close when a time limit has passed."""
        limits = self._door.limits
        if self._shaking_since is not None:
            if now - self._shaking_since > limits.handshake_s:
                self.end(self._natural_ending(), abort=True)
        elif self._can_write is not None:
            if now - self._blocked_since > limits.ack_write_s:
                self.end(Ending.ACK_LATE, abort=True)
        elif self.frame_since is not None:
            # While we hold the peer back the delay is ours, not its.
            if not self._is_paused and now - self.frame_since > limits.frame_s:
                self._ending = Ending.FRAME_LATE
                self._finish_stream()
                self.end(Ending.FRAME_LATE)
        elif self.is_idle and now - self.last_seen > limits.idle_s:
            self.end(Ending.IDLE)

    def drain(self) -> None:
        """Close as soon as the frames already begun are answered."""
        if self.is_idle or self._shaking_since is not None:
            self.end(Ending.STOPPED)

    def end(self, reason: Ending, *, abort: bool = False) -> None:
        """Close the connection; answers already written still leave unless `abort`."""
        self._ending = self._ending or reason
        if self._transport is None:
            return
        if abort:
            self._transport.abort()
            return
        if self._session is not None and not self._transport.is_closing():
            self._transport.write(self._session.close())
        self._transport.close()

    def failed(self) -> None:
        """Give up after a fault of our own: without an answer the sender sends again."""
        self._queue.clear()
        self._work = None
        self.end(Ending.FAILED, abort=True)
        self._leave()

    # Inside.

    def _decrypt(self, session: TlsSession, data: bytes) -> bytes:
        """Return what TLS bytes say; a refused handshake ends the connection with an alert."""
        try:
            said = session.receive(data)
        except ssl.SSLError as error:
            said = b""
            if self._shaking_since is None:
                self.end(Ending.FAILED)
            else:
                self.end(self._door.refused_tls(self, error, data))
        if self._transport is not None and (output := session.output()):
            self._transport.write(output)
        if session.is_open and self._shaking_since is not None:
            self._shaking_since = None
            self.peer = with_certificate(self.peer, session.certificate())
        return said

    def _count_noise(self, size: int) -> None:
        self._door.metrics.noise.inc(size)
        self._noise_run += size
        if self._noise_run > self._door.limits.noise_bytes:
            self.end(Ending.NOISE)

    def _settle(self) -> None:
        events = self._decoder.settle()
        if events and self._ending is None:
            self._enqueue(events, monotonic())

    def _finish_stream(self) -> None:
        """Take what the decoder still holds: a frame without CR, or a cut frame."""
        events = self._decoder.close()
        self.frame_since = None
        if events:
            self._enqueue(events, monotonic())

    def _enqueue(self, events: list[Event], now: float) -> None:
        at = self._door.house.clock.now()
        for event in events:
            self._queue.append((event, at, now))
            self._waiting_bytes += _kept_size(event)
        if self._work is None:
            self._work = self._door.spawn(self._process(), self)
        is_full = len(self._queue) > _WAITING_FRAMES or self._waiting_bytes > _WAITING_BYTES
        if is_full and not self._is_paused and self._transport and not self._is_gone:
            self._is_paused = True
            self._transport.pause_reading()

    async def _process(self) -> None:
        """Answer what waits, one at a time and in order."""
        while self._queue:
            event, at, since = self._queue[0]
            if isinstance(event, Frame):
                self._noise_run = self._restarts = 0
                await self._receive(event, at, since)
            else:
                await self._survive(event, at, since)
            self._queue.popleft()
            self._waiting_bytes -= _kept_size(event)
            if self._can_write is not None:
                await self._can_write
        self._work = None
        self._resume_reading()
        if self._has_eof:
            self.end(self._natural_ending())
        elif self._door.is_draining and self.frame_since is None:
            self.end(Ending.STOPPED)
        self._leave()

    async def _receive(self, frame: Frame, at: datetime, since: float) -> None:
        house = self._door.house
        try:
            receipt = await house.receive(
                RawMessage(frame.body, Channel.MLLP, at, self.peer, None, frame.flags)
            )
            outcome, ack = receipt.outcome, receipt.ack
        except RetriableError:
            outcome, ack = Outcome.UNAVAILABLE, house.answer_for(frame.body, unavailable())
        except RejectedError as error:
            outcome, ack = Outcome.REJECTED, house.answer_for(frame.body, error.issues[0])
        self._door.metrics.frame(outcome)
        self._answer(ack, since)

    async def _survive(self, broken: Broken, at: datetime, since: float) -> None:
        """Deal with what is not a message; only an oversize frame has an answer."""
        door, fault = self._door, broken.fault
        door.metrics.frame(fault)
        if fault is Fault.COMMIT_BLOCK:
            return
        if fault is Fault.HTTP:
            self.end(Ending.PROBE)
            return
        if fault is Fault.OVERSIZE:
            issue = oversize(door.limits.frame_bytes)
            self._answer(door.house.answer_for(broken.head, issue), since)
        elif fault is Fault.OVERFLOW:
            self.end(Ending.ENDLESS)
        elif fault is Fault.TLS:
            self.end(Ending.WRONG_PORT)
        elif fault is Fault.RESTARTED:
            self._restarts += 1
            if self._restarts > door.limits.restarts:
                self.end(Ending.NOISE)
        elif fault is Fault.TRUNCATED:
            self._ending = self._ending or Ending.TRUNCATED
        details = door.hint(fault)
        if self._ending is not None:
            details["ending"] = self._ending.value
        await door.report(Incident(at, fault, self.peer.address, broken.size, broken.head, details))

    def _answer(self, ack: bytes, since: float) -> None:
        """Write an answer in one piece: some senders read once (one segment, one `recv`)."""
        if not ack:
            return
        transport = self._transport
        if transport is None or self._is_gone or transport.is_closing():
            self._door.undelivered(self, len(ack))
            return
        answer = b"\x0b%b\x1c\r" % ack
        transport.write(self._session.wrap(answer) if self._session else answer)
        self._door.metrics.ack.observe(monotonic() - since)

    def _resume_reading(self) -> None:
        if not self._is_paused:
            return
        self._is_paused = False
        if self.frame_since is not None:
            self.frame_since = monotonic()
        if self._transport and not self._is_gone and not self._transport.is_closing():
            self._transport.resume_reading()

    def _natural_ending(self) -> Ending:
        is_probe = not self._seen_bytes or self._shaking_since is not None
        return Ending.PROBE if is_probe else Ending.PEER

    def _leave(self) -> None:
        if self._is_gone and self._work is None:
            self._door.release(self)


def _address(peername: Any) -> tuple[str, str]:
    """Return host and `host:port`; a peer that is gone already has no name."""
    if not isinstance(peername, tuple) or len(peername) < 2:
        return "", ""
    host, port = str(peername[0]), peername[1]
    return host, f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _kept_size(event: Event) -> int:
    return len(event.body) if isinstance(event, Frame) else len(event.head)
