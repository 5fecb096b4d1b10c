"""Messages to applications of the hospital over MLLP, one at a time to each destination.

Sends once and says what happened; what is sent and how often is decided elsewhere
(`pipeline.deliver`). The same row always carries the same MSH-10, so that the other side counts a
message once however often its answer is lost. Standards: HL7 v2 MLLP release 1, HL7 v2.5 2.9.
"""

import asyncio
import contextlib
import ssl
from collections import defaultdict, deque
from collections.abc import Callable, Mapping

from gateway.connectors import mllp_faults as faults
from gateway.core.deliveries import Delivery, DeliveryStatus, Handover
from gateway.core.errors import RejectedError, RetriableError
from gateway.hl7v2.answers import Answer, read_answer, wants_application_ack
from gateway.hl7v2.framing import Event, Frame, FrameDecoder
from gateway.mapping.sites import Destination

#: Faults of the other side, of the network, of the configuration: seconds before another try.
_AWAY_S, _SOON_S, _UNSET_S = 5.0, 2.0, 900.0
#: An answer is small; a stream of anything else is given up.
_LONGEST_ANSWER = 2**20
_CHUNK = 1 << 16


class MllpConnector:
    """Hands messages to the destinations of the site files."""

    name = "mllp"

    def __init__(
        self,
        destinations: Mapping[str, Destination],
        tls: Callable[[], ssl.SSLContext] | None = None,
    ) -> None:
        """Prepare; nothing is opened.

        Args:
            destinations: by `<site>/<name>`.
            tls: makes the context of destinations that ask for TLS; the system's trust by default.
        """
        self._destinations = destinations
        self._tls = tls or ssl.create_default_context
        self._lines: dict[str, _Line] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def send(self, delivery: Delivery) -> Handover:
        """Send once.

        Raises:
            RetriableError: no connection, no answer, an answer to something else, AR, or a commit
                where the word of the application is waited for (RLS-NET-070 to 076).
            RejectedError: AE, CE, or a header the other side does not take (RLS-NET-077).
        """
        name = str(delivery.item.details["destination"])
        destination = self._destinations.get(name)
        if destination is None:
            raise RetriableError([faults.no_destination(name)], _UNSET_S)
        async with self._turns[name]:
            line = await self._line(name, destination)
            try:
                return await _exchange(line, delivery, destination)
            except RejectedError:
                raise
            except BaseException:
                # A late answer must never be taken for that of the next message.
                self._lines.pop(name).close()
                raise

    async def close(self) -> None:
        """Close every connection."""
        while self._lines:
            self._lines.popitem()[1].close()

    async def _line(self, name: str, destination: Destination) -> "_Line":
        known = self._lines.get(name)
        if known is not None and known.is_usable:
            return known
        if known is not None:
            known.close()
        context = self._tls() if destination.tls else None
        try:
            async with asyncio.timeout(destination.timeout_s):
                reader, writer = await asyncio.open_connection(
                    destination.host, destination.port, ssl=context
                )
        except (OSError, TimeoutError) as error:
            raise RetriableError(
                [faults.unreachable(name, type(error).__name__)], _AWAY_S
            ) from None
        self._lines[name] = line = _Line(name, reader, writer)
        return line


async def _exchange(line: "_Line", delivery: Delivery, destination: Destination) -> Handover:
    """Send a message and wait for the answer that settles it."""
    body, details = delivery.item.body, delivery.item.details
    await line.write(body, destination.timeout_s)
    if details.get("kind") == "ack" and not destination.answers_acks:
        return Handover(DeliveryStatus.CONFIRMED, "written", {"code": ""})
    waits = destination.final_ack == "application" or (
        not destination.final_ack and wants_application_ack(body)
    )
    control_id = str(details["control_id"])
    answer = await line.answer(control_id, destination.timeout_s)
    if answer.code == "CA" and waits:
        try:
            answer = await line.answer(control_id, destination.timeout_s)
        except RetriableError:
            # Kept there. Its application may still answer, here or through our own door.
            raise RetriableError(
                [faults.only_committed(line.name)], destination.timeout_s
            ) from None
    return _judged(line.name, answer)


def _judged(name: str, answer: Answer) -> Handover:
    if answer.is_positive:
        return Handover(DeliveryStatus.CONFIRMED, answer.code, {"code": answer.code})
    if answer.may_come_again:
        raise RetriableError([faults.not_now(name, answer.code)], _AWAY_S)
    raise RejectedError([faults.refused(name, answer.code, answer.condition)])


class _Line:
    """One connection with one message in flight."""

    def __init__(
        self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.name = name
        self._reader = reader
        self._writer = writer
        self._decoder = FrameDecoder(_LONGEST_ANSWER, drain_factor=1)
        # Two answers may travel in one packet.
        self._events: deque[Event] = deque()

    @property
    def is_usable(self) -> bool:
        """Tell whether the other side has neither closed it nor spoken without being asked."""
        return not (self._reader.at_eof() or self._writer.is_closing() or self._events)

    async def write(self, body: bytes, timeout_s: float) -> None:
        """Write one frame."""
        try:
            async with asyncio.timeout(timeout_s):
                self._writer.write(b"\x0b%b\x1c\r" % body)
                await self._writer.drain()
        except (OSError, TimeoutError):
            raise RetriableError([faults.cut(self.name)], _SOON_S) from None

    async def answer(self, control_id: str, timeout_s: float) -> Answer:
        """Return the next answer, which must be that to the message in flight.

        Raises:
            RetriableError: none, or one that settles nothing (RLS-NET-072 to 074).
        """
        try:
            async with asyncio.timeout(timeout_s):
                frame = await self._frame()
        except TimeoutError:
            raise RetriableError([faults.no_answer(self.name)], _AWAY_S) from None
        found = read_answer(frame)
        if found is None or found.control_id != control_id:
            raise RetriableError([faults.not_its_answer(self.name)], _AWAY_S)
        return found

    async def _frame(self) -> bytes:
        while not self._events:
            try:
                data = await self._reader.read(_CHUNK)
            except OSError:
                data = b""
            if not data:
                raise RetriableError([faults.cut(self.name)], _SOON_S)
            self._events += self._decoder.feed(data)
            if self._decoder.awaits_cr:
                self._events += self._decoder.settle()
        event = self._events.popleft()
        return event.body if isinstance(event, Frame) else b""

    def close(self) -> None:
        """Give the connection up."""
        with contextlib.suppress(OSError, RuntimeError):
            self._writer.close()
