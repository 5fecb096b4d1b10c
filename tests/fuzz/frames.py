"""Mutated frames over a real MLLP connection to a gateway in this process.

Each frame is written as the bytes a faulty peer would send. What must hold: one well-formed
answer to each whole frame, or a close that the limits of the door document; and a row or an
incident in the store, so that nothing that was sent is forgotten.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from prometheus_client import CollectorRegistry

from gateway.core.issues import Issue
from gateway.core.messages import Channel, InboxRow, RawMessage
from gateway.core.ports import Transaction
from gateway.entry import wiring
from gateway.entry.doors import House
from gateway.entry.mllp import MllpListener
from gateway.entry.mllp_door import MllpLimits
from gateway.entry.mllp_metrics import MllpMetrics
from gateway.entry.settings import Settings
from gateway.hl7v2 import ack
from gateway.hl7v2.framing import Broken, Fault, Frame, FrameDecoder
from gateway.pipeline.convert import Converter
from gateway.store.memory import MemoryStore
from tests.fuzz.judge import answer_fault, bodies
from tests.fuzz.mutations import mutated

_VT, _FS, _CR = b"\x0b", b"\x1c", b"\r"
_WAIT_S = 20.0
#: Small, so that a frame over it is cheap to send.
_LIMIT = 200_000
#: The one fault that is answered: its sender would send the same for ever.
_ANSWERED = Fault.OVERSIZE
#: Faults that leave no incident: an answer to an answer, and a probe.
_UNKEPT = frozenset({Fault.COMMIT_BLOCK, Fault.HTTP})


@dataclass(slots=True)
class Told:
    """What a run over the socket found.

    Attributes:
        ends: how often each kind of end came: an answer code, silence, or a close.
        wrong: (what is wrong, the bytes sent), the first of each kind.
    """

    ends: Counter[str] = field(default_factory=Counter)
    wrong: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Running:
    """A gateway with one door.

    Attributes:
        port: of the door.
        store: what it keeps.
        converter: reads headers as the gateway does.
    """

    port: int
    store: MemoryStore
    converter: Converter


@asynccontextmanager
async def running() -> AsyncIterator[Running]:
    """Open the MLLP door of a gateway on a free port, over a store in memory."""
    settings, store, clock = Settings(), MemoryStore(), wiring.SystemClock()
    await store.open()
    converter = wiring.build_converter(settings)
    receiver = wiring.build_receiver(settings, store, converter, clock)
    house = House(receiver.receive, _answering(converter), receiver.incident, clock)
    limits = MllpLimits(frame_bytes=_LIMIT)
    listener = MllpListener(house, MllpMetrics(CollectorRegistry()), limits=limits)
    await receiver.start()
    await listener.start("127.0.0.1", 0)
    try:
        yield Running(listener.port, store, converter)
    finally:
        await listener.stop(grace_s=1)
        await receiver.stop()


def _answering(converter: Converter) -> Callable[[bytes, Issue], bytes]:
    def answer(head: bytes, issue: Issue) -> bytes:
        code, number = ack.code_for([issue]), converter.next_control_id()
        return ack.build(head, code, [issue], now=converter.now(), control_id=number)

    return answer


def framed(body: bytes, random: Random) -> bytes:
    """Put frame bytes around a body the way good and bad senders do."""
    chance = random.random()
    if chance < 0.80:
        return _VT + body + _FS + _CR
    if chance < 0.85:
        return b"\r\n\0" + _VT + body + _FS + _CR
    if chance < 0.90:
        return _VT + body[: random.randrange(len(body) + 1)] + _VT + body + _FS + _CR
    if chance < 0.94:
        return _VT + body + _FS
    if chance < 0.96:
        return _VT + body * (1 + _LIMIT // max(1, len(body))) + _FS + _CR
    if chance < 0.98:
        return _VT + random.choice((b"\x06", b"\x15", b"", b"\0")) + _FS + _CR
    return random.choice((b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02", _VT + body))


async def run(seed: int, count: int) -> Told:
    """Send `count` streams, each on a connection of its own, and judge what came of each."""
    random, known, told = Random(seed), bodies(), Told()
    async with running() as made:
        for number in range(count):
            body = _numbered(random.choice(known), number)
            stream = framed(mutated([body], random), random)
            if wrong := await _one(made, stream, told):
                told.wrong.setdefault(wrong, stream)
    return told


def _numbered(body: bytes, number: int) -> bytes:
    """Give a message its own MSH-10, or all but the first would be refused for reusing one."""
    fields = body.split(b"|", 10)
    fields[9] = b"F%d" % number
    return b"|".join(fields)


async def _one(made: Running, stream: bytes, told: Told) -> str:
    """Send one stream and return what is wrong with its end; empty when nothing is."""
    decoder = FrameDecoder(_LIMIT)
    expected = [*decoder.feed(stream), *decoder.close()]
    frames = [event.body for event in expected if isinstance(event, Frame)]
    faults = [event.fault for event in expected if isinstance(event, Broken)]
    before = len(made.store.incidents)
    answers = await _exchange(made.port, stream)
    if answers is None:
        return "the connection stayed open after the end of the stream"
    if fault := next(filter(None, map(answer_fault, answers)), ""):
        return fault
    rows = await _rows(made, frames)
    if None in rows:
        return "a frame left no row"
    answered = [row for row in rows if row is not None and row.answer]
    if len(answers) != len(answered) + faults.count(_ANSWERED):
        return f"{len(answers)} answers to {len(frames)} frames and {faults}"
    kept = sum(fault not in _UNKEPT for fault in faults)
    if not await _until(lambda: len(made.store.incidents) - before == kept):
        return f"{len(made.store.incidents) - before} incidents of {faults}"
    told.ends.update(_code(answer) for answer in answers)
    told.ends.update(fault.value for fault in faults)
    return ""


async def _exchange(port: int, stream: bytes) -> list[bytes] | None:
    """Send a stream and its end; return the unframed answers, None when the door stays open."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
    data = b""
    try:
        async with asyncio.timeout(_WAIT_S):
            # A door that gives the stream up resets what is still on its way.
            with suppress(ConnectionError):
                writer.write(stream)
                await writer.drain()
                writer.write_eof()
            with suppress(ConnectionError):
                while piece := await reader.read(65_536):
                    data += piece
    except TimeoutError:
        return None
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()
    return [piece.removeprefix(_VT) for piece in data.split(_FS + _CR) if piece]


async def _rows(made: Running, sent: Sequence[bytes]) -> list[InboxRow | None]:
    """Return the row each frame is kept in: its own, or that of the same message sent before."""
    now = made.converter.now()
    headers = [made.converter.open(RawMessage(b, Channel.MLLP, now)).header for b in sent]

    def work(tx: Transaction) -> list[InboxRow | None]:
        known = tx.inbox.find_same_control(headers, _long_before(now))
        found = {row.header.canonical_sha256: row for row in known}
        return [found.get(header.canonical_sha256) for header in headers]

    return await made.store.read(work)


def _long_before(now: datetime) -> datetime:
    return now - timedelta(days=30)


def _code(answer: bytes) -> str:
    line = next(line for line in answer.split(b"\r") if line.startswith(b"MSA"))
    return line[4:6].decode()


async def _until(condition: Callable[[], bool], timeout_s: float = 3.0) -> bool:
    """Wait until something is so; tell whether it came to be."""
    loop = asyncio.get_running_loop()
    end = loop.time() + timeout_s
    while not condition():
        if loop.time() > end:
            return False
        await asyncio.sleep(0.005)
    return True
