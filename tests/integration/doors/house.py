"""A house behind the doors that tests can slow down, break and ask."""

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CollectorRegistry

from gateway.core.errors import RetriableError
from gateway.core.issues import Issue, Severity
from gateway.core.messages import Incident, Outcome, RawMessage, Receipt
from gateway.entry.doors import House
from gateway.entry.mllp import MllpListener
from gateway.entry.mllp_door import MllpLimits
from gateway.entry.mllp_metrics import MllpMetrics

NOW = datetime(2026, 11, 20, 9, 15, tzinfo=UTC)


def adt(control_id: str = "MSG1", text: str = "") -> bytes:
    """Compose an admission whose sentinel name may appear in no log and no incident text."""
    return (
        f"MSH|^~\\&|DPI|CHU-X|RELAIS|DAC|20261120101500||ADT^A01^ADT_A01|{control_id}|T|2.5"
        f"||||||UNICODE UTF-8\rEVN||20261120101500\rPID|1||80^^^CHU-X^PI||ZZSENTINELLE^{text}\r"
    ).encode()


def framed(body: bytes) -> bytes:
    """Put the frame bytes around a message."""
    return b"\x0b" + body + b"\x1c\r"


def control_id(body: bytes) -> str:
    """Return MSH-10 when the bytes hold it."""
    fields = body.split(b"\r")[0].split(b"|")
    return fields[9].decode() if len(fields) > 9 else ""


def ack(code: str, body: bytes, hl7_code: int | None = None) -> bytes:
    """Compose an answer to a message."""
    error = f"ERR|||{hl7_code}|E\r" if hl7_code else ""
    return (
        "MSH|^~\\&|RELAIS|DAC|DPI|CHU-X|20261120101501||ACK^A01^ACK|9|T|2.5||||||UNICODE UTF-8\r"
        f"MSA|{code}|{control_id(body)}\r{error}"
    ).encode()


def refused(code: str = "RLS-HL7-999") -> Issue:
    """Compose an issue that refuses."""
    return Issue(code, Severity.ERROR, "PID-3", "no identifier.", "Send PID-3.", hl7_code=101)


class Clock:
    """A clock that stands still."""

    def now(self) -> datetime:
        """Return the one instant."""
        return NOW


class FakeHouse:
    """Remembers what came in and answers as told.

    Attributes:
        received: every input, in order of arrival.
        answered: control ids in the order their processing ended.
        gate: processing waits for it.
        receipt: makes the receipt of an input, AA by default.
        incidents: what the doors reported.
    """

    def __init__(self) -> None:
        self.received: list[RawMessage] = []
        self.answered: list[str] = []
        self.incidents: list[Incident] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.receipt: Callable[[RawMessage], Receipt] = lambda raw: Receipt(
            Outcome.ACCEPTED, ack=ack("AA", raw.body)
        )
        self.most_at_once = 0
        self._at_once = 0

    async def receive(self, raw: RawMessage) -> Receipt:
        """Do what a pipeline does, without a store."""
        self.received.append(raw)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await self.gate.wait()
            receipt = self.receipt(raw)
        finally:
            self._at_once -= 1
        self.answered.append(control_id(raw.body))
        return receipt

    async def incident(self, incident: Incident) -> None:
        """Keep an incident."""
        self.incidents.append(incident)

    def answer_for(self, body: bytes, issue: Issue) -> bytes:
        """Refuse: AR when it may be sent again, else AE."""
        return ack("AR" if issue.hl7_code == 206 else "AE", body, issue.hl7_code)

    def outcome(self, issues: Sequence[Issue]) -> bytes:
        """Write issues as one line a code."""
        return "\n".join(issue.code for issue in issues).encode()

    def away(self, _raw: RawMessage) -> Receipt:
        """Fail as a store that is away."""
        raise RetriableError([refused("RLS-STO-001")], retry_after_s=7)

    def doors(self) -> House:
        """Return this house as doors know it."""
        return House(self.receive, self.answer_for, self.incident, Clock())


class Caller:
    """A raw TCP client: nothing of MLLP is done for it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @property
    def address(self) -> str:
        """Return our `host:port`."""
        host, port = self.writer.get_extra_info("sockname")[:2]
        return f"{host}:{port}"

    async def send(self, data: bytes) -> None:
        """Write bytes."""
        self.writer.write(data)
        await self.writer.drain()

    async def ack(self, timeout_s: float = 3.0) -> bytes:
        """Return the next answer, unframed."""
        async with asyncio.timeout(timeout_s):
            frame = await self.reader.readuntil(b"\x1c\r")
        return frame[1:-2]

    async def codes(self, count: int) -> list[tuple[str, str]]:
        """Return (MSA-1, MSA-2) of the next answers."""
        return [msa(await self.ack()) for _ in range(count)]

    async def rest(self, timeout_s: float = 3.0) -> bytes:
        """Return everything up to the end of the stream; a reset ends it too."""
        async with asyncio.timeout(timeout_s):
            try:
                return await self.reader.read()
            except ConnectionResetError:
                return b""

    def reset(self) -> None:
        """Drop the connection with RST, not FIN: nothing tells FIN from a half-close."""
        no_linger = struct.pack("ii", 1, 0)
        number = self.writer.get_extra_info("socket").fileno()
        with socket.socket(fileno=os.dup(number)) as same:
            same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
        self.writer.transport.abort()


def msa(answer: bytes) -> tuple[str, str]:
    """Return MSA-1 and MSA-2."""
    _, code, of = answer.split(b"\r")[1].split(b"|")
    return code.decode(), of.decode()


@asynccontextmanager
async def calling(port: int, **options: Any) -> AsyncIterator[Caller]:
    """Open a connection to a door."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24, **options)
    caller = Caller(reader, writer)
    try:
        yield caller
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


class Open:
    """A listening door with its house and figures."""

    def __init__(self, house: FakeHouse, **options: Any) -> None:
        self.house = house
        self.registry = CollectorRegistry()
        self.listener = MllpListener(house.doors(), MllpMetrics(self.registry), **options)

    @property
    def port(self) -> int:
        """Return its port."""
        return self.listener.port

    def figure(self, name: str, **labels: str) -> float:
        """Return a metric of the door, 0 when it was never touched."""
        labels = {"port": "tls" if self.listener.tls else "plain", **labels}
        return self.registry.get_sample_value(name, labels) or 0.0


@asynccontextmanager
async def listening(house: FakeHouse, limits: MllpLimits | None = None, **options: Any):
    """Open a door on a free port."""
    door = Open(house, limits=limits, **options)
    await door.listener.start("127.0.0.1", 0)
    try:
        yield door
    finally:
        await door.listener.stop(grace_s=0.1)


async def eventually(condition: Callable[[], bool], timeout_s: float = 3.0) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - conditions of several makers, tests only
            await asyncio.sleep(0.005)
