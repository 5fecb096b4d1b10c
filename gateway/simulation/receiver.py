"""The receiver of a coordination platform: takes notifications, and fails in every way they do.

A double for tests and the demonstration: a small HTTP server on this machine, not a product. It
keeps what it received and answers by a script, one entry an attempt, then by its standing answer.
With a journal it keeps them on disk before it answers, so that they outlive the process.
"""

import asyncio
import json
from collections import deque
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from ssl import SSLContext
from typing import Any

_LONGEST = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Answer:
    """How one request is answered.

    Attributes:
        status: HTTP status; 0 cuts the connection without an answer.
        delay_s: time before it.
        headers: added to it.
        body: of the answer.
        endless: never end the body.
    """

    status: int = 200
    delay_s: float = 0.0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    endless: bool = False


#: Never answers.
HANG = Answer(status=0, delay_s=3600.0)
CUT = Answer(status=0)


@dataclass(frozen=True, slots=True)
class Arrived:
    """One request as received.

    Attributes:
        kind: type of the notification: handshake, heartbeat, event-notification.
        number: of its event, 0 when it has none.
        bundle_id: id of the Bundle.
        status: we answered it with this status.
    """

    path: str
    headers: dict[str, str]
    body: bytes
    kind: str
    number: int
    bundle_id: str
    status: int

    @property
    def bundle(self) -> dict[str, Any]:
        """Return the notification."""
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass(slots=True)
class Receiver:
    """An HTTP server that receives notifications.

    Attributes:
        arrived: every complete request in the order of arrival, refused ones included.
        script: answers of the next requests.
        answer: of requests beyond the script.
        connections: open at this moment.
        journal: file each request is added to before it is answered; see `journal_of`.
    """

    arrived: list[Arrived] = field(default_factory=list)
    script: deque[Answer] = field(default_factory=deque)
    answer: Answer = Answer()
    connections: int = 0
    port: int = 0
    journal: Path | None = None
    _scheme: str = "http"
    _server: asyncio.Server | None = None
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Return the address notifications are sent to."""
        return f"{self._scheme}://localhost:{self.port}/notify"

    @property
    def events(self) -> list[int]:
        """Return the numbers of the events it took, in order of arrival."""
        return [
            one.number
            for one in self.arrived
            if one.kind == "event-notification" and 200 <= one.status < 300
        ]

    async def start(self, tls: SSLContext | None = None) -> None:
        """Listen, on the port of the last time after a `stop`."""
        self._scheme = "https" if tls else "http"
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, ssl=tls, limit=_LONGEST
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Go away: refuse connections and cut those that are open."""
        if self._server is None:
            return
        self._server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._open.add(task)
        self.connections += 1
        try:
            await self._exchange(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            # The sender gave up, or the receiver goes away: both are what a double is for.
            writer.transport.abort()
        finally:
            self.connections -= 1
            if task is not None:
                self._open.discard(task)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines if line)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        answer = self.script.popleft() if self.script else self.answer
        kind, number, bundle_id = _read(body)
        self._keep(
            Arrived(first.split(" ")[1], headers, body, kind, number, bundle_id, answer.status)
        )
        await asyncio.sleep(answer.delay_s)
        await _reply(writer, answer)

    def _keep(self, request: Arrived) -> None:
        self.arrived.append(request)
        if self.journal is None:
            return
        line = json.dumps({**asdict(request), "body": request.body.decode("latin-1")})
        # One write to a file opened for appending: a kill leaves the line whole or not there.
        with self.journal.open("ab", buffering=0) as out:
            out.write(line.encode() + b"\n")


def journal_of(path: Path) -> list[Arrived]:
    """Read the journal of a receiver, in order of arrival; empty when nothing arrived."""
    lines = path.read_bytes().splitlines() if path.exists() else []
    read = [json.loads(line) for line in lines]
    return [Arrived(**{**one, "body": one["body"].encode("latin-1")}) for one in read]


async def _reply(writer: asyncio.StreamWriter, answer: Answer) -> None:
    if answer.status == 0:
        writer.transport.abort()
        return
    lines = [f"HTTP/1.1 {answer.status} Answer", "Connection: close"]
    if not answer.endless:
        lines.append(f"Content-Length: {len(answer.body)}")
    lines += [f"{name}: {value}" for name, value in answer.headers]
    writer.write("\r\n".join((*lines, "", "")).encode("latin-1") + answer.body)
    await writer.drain()
    while answer.endless:
        writer.write(b"x" * 65536)
        await writer.drain()


def _read(body: bytes) -> tuple[str, int, str]:
    """Return kind, event number and Bundle id; empty where the body is no notification."""
    try:
        bundle = json.loads(body)
        parameters = bundle["entry"][0]["resource"]["parameter"]
    except (ValueError, KeyError, IndexError, TypeError):
        return "", 0, ""
    kind = next((p["valueCode"] for p in parameters if p["name"] == "type"), "")
    numbers = [
        int(part["valueString"])
        for parameter in parameters
        for part in parameter.get("part", ())
        if part["name"] == "event-number"
    ]
    return kind, numbers[0] if numbers else 0, str(bundle.get("id", ""))
