"""An application of a hospital that takes messages over MLLP: a double for what leaves.

Takes a message once by its MSH-10, answers as it is told, and remembers what came.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gateway.core.issues import Issue, Severity
from gateway.hl7v2 import ack
from gateway.hl7v2.framing import Frame, FrameDecoder
from gateway.hl7v2.rawheader import header_of

_AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Reply:
    """How one message is answered.

    Attributes:
        codes: MSA-1 of each answer, in order; none: silence.
        error: ERR-3 of a negative answer.
        user_error: ERR-5 of a negative answer.
        raw: written as it is, framed, in the place of an answer.
        echoes: MSA-2 repeats MSH-10.
        cuts: the connection is closed instead of, or after, the answers.
        pause_s: before each answer.
    """

    codes: Sequence[str] = ("AA",)
    error: int = 207
    user_error: int | None = None
    raw: bytes | None = None
    echoes: bool = True
    cuts: bool = False
    pause_s: float = 0.0


@dataclass
class Hospital:
    """The double.

    Attributes:
        reply: chooses the answer to a message.
        tls: context of the listener, None in clear.
        received: every message, in the order of arrival, resends included.
        taken: messages by MSH-10 that were answered with yes, or kept before silence.
    """

    reply: Callable[[bytes], Reply] = lambda _body: Reply()
    tls: ssl.SSLContext | None = None
    received: list[bytes] = field(default_factory=list)
    taken: dict[str, bytes] = field(default_factory=dict)
    connections: int = 0
    port: int = 0
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _serving: set["asyncio.Task[None]"] = field(default_factory=set)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> None:
        """Listen; on the same port again after a stop."""
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", self.port, ssl=self.tls
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and cut what is open."""
        if self._server is not None:
            self._server.close()
            for writer in list(self._writers):
                writer.close()
            await asyncio.gather(*self._serving)
            await self._server.wait_closed()
            self._server = None

    async def arrived(self, count: int, timeout_s: float = 10.0) -> None:
        """Wait until so many messages came."""
        async with asyncio.timeout(timeout_s):
            while len(self.received) < count:
                self._news.clear()
                await self._news.wait()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        decoder = FrameDecoder()
        try:
            while data := await reader.read(1 << 16):
                for event in decoder.feed(data):
                    if isinstance(event, Frame):
                        await self._answer(event.body, writer)
        except OSError:
            # The other side left in the middle: nothing was promised to it.
            pass
        finally:
            self._writers.discard(writer)
            with contextlib.suppress(OSError):
                writer.close()

    async def _answer(self, body: bytes, writer: asyncio.StreamWriter) -> None:
        reply = self.reply(body)
        self.received.append(body)
        self._news.set()
        if any(code in ("AA", "CA") for code in reply.codes):
            self.taken[header_of(body).field(10)] = body
        answers = [reply.raw] if reply.raw is not None else [
            _ack(body, code, reply) for code in reply.codes
        ]  # fmt: skip
        for answer in answers:
            await asyncio.sleep(reply.pause_s)
            writer.write(b"\x0b%b\x1c\r" % answer)
            await writer.drain()
        if reply.cuts:
            writer.close()


def _ack(body: bytes, code: str, reply: Reply) -> bytes:
    issues = []
    if code not in ("AA", "CA"):
        issues.append(
            Issue(
                code="the-double",
                severity=Severity.ERROR,
                where="PID-3",
                what="Refused by the double.",
                fix="None.",
                hl7_code=reply.error,
                hl7_user_code=reply.user_error,
            )
        )
    made = ack.build(body, code, issues, now=_AT, control_id="H1", as_told=True)
    if reply.echoes:
        return made
    lines = made.split(b"\r")
    lines[1] = b"MSA|%b|ANOTHER" % code.encode()
    return b"\r".join(lines)
