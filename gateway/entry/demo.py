"""Plays a synthetic region through the real doors of a gateway and counts what happened.

Virtual time is that of receipts, of the engine and of what is due; sockets and TLS live in real
time. Nobody runs ahead of the others by more than a quarter of an hour, and what a letter asks
for has left and been answered before time moves on, or a fast machine would make late what was
in time.
"""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby

from gateway.connectors.http import HttpClient
from gateway.entry.sender import Address, MllpLine, ack_code
from gateway.simulation.play import Event

_TIMEOUT_S = 60.0
#: Events of one such slot of virtual time may arrive side by side.
_SLOT_S = 900
#: Which answers of a door stand for the acknowledgement a message deserves.
_DESERVED = {"AA": ("AA", "200", "201"), "AE": ("AE", "422"), "AR": ("AR", "400", "422")}


class PlayClock:
    """The clock of the demo: the instant of the last event that was sent, never going back.

    When the play is over it goes on at the pace of a real one.
    """

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._going_since: float | None = None

    def now(self) -> datetime:
        """Return the instant played last, or since then what a real clock counted."""
        if self._going_since is None:
            return self._now
        return self._now + timedelta(seconds=time.monotonic() - self._going_since)

    def move(self, instant: datetime) -> None:
        """Go forward to an instant; an earlier one changes nothing."""
        self._now = max(self._now, instant.astimezone(UTC))

    def go_on(self) -> None:
        """Let time pass from here as it does for everybody."""
        self._going_since = time.monotonic()


@dataclass(slots=True)
class Played:
    """What happened.

    Attributes:
        answers: by kind of message, how often each answer came (an MSA-1 code, an HTTP status).
        surprises: messages whose answer was not the one they deserve, as `kind: answer`.
    """

    answers: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    surprises: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """Return how many messages were answered."""
        return sum(sum(found.values()) for found in self.answers.values())


@dataclass(frozen=True, slots=True)
class Doors:
    """Where to send: `host:port` of the MLLP door and the base address of the HTTP doors."""

    host: str
    mllp_port: int
    base_url: str


async def _nothing() -> None:
    """Wait for nothing."""


async def play(
    events: Iterable[Event],
    doors: Doors,
    clock: PlayClock,
    *,
    lanes: int = 8,
    seconds: float | None = None,
    on_answer: Callable[[], None] = lambda: None,
    settle: Callable[[], Awaitable[None]] = _nothing,
    until: datetime | None = None,
) -> Played:
    """Send events in their order per patient, over some connections at the same time.

    Args:
        events: ordered by their instant.
        doors: of the gateway.
        clock: moved to the instant of each event as it is sent.
        lanes: connections; a patient keeps to one, as in a hospital's interface engine.
        seconds: how long it should last; None sends as fast as answers come.
        on_answer: called after each answer.
        settle: awaited when every answer is there, after letters and at the end of each day: what
            they ask for leaves at that instant, not hours later.
        until: the instant at which the play ends; what would arrive later is not sent. None
            plays everything, to the end of the last day.
    """
    listed = [event for event in events if until is None or event.at <= until]
    played = Played()
    pace = _Pace(listed, seconds)
    to = Address.parse(f"mllp://{doors.host}:{doors.mllp_port}")
    lines = [await MllpLine.open(to) for _ in range(lanes)]
    try:
        async with HttpClient() as http:

            async def lane(line: MllpLine, queue: list[Event]) -> None:
                for event in queue:
                    clock.move(event.at)
                    if event.door == "mllp":
                        code = ack_code(await line.exchange(event.body, _TIMEOUT_S))
                    else:
                        code = await _post(http, doors.base_url, event)
                    _count(played, event, code)
                    on_answer()

            for _, day in groupby(listed, key=lambda event: event.at.date()):
                for _, slot in groupby(day, key=lambda event: event.at.timestamp() // _SLOT_S):
                    together = list(slot)
                    await pace.wait(together[0].at)
                    queues: dict[int, list[Event]] = {}
                    for event in together:
                        queues.setdefault(event.label.patient % lanes, []).append(event)
                    await asyncio.gather(*(lane(lines[n], queue) for n, queue in queues.items()))
                    if any(event.label.message.startswith("MDM") for event in together):
                        await settle()
                night = clock.now().replace(hour=23, minute=59, second=0)
                clock.move(min(night, until) if until else night)
                await settle()
        if until is not None and clock.now() < until:
            clock.move(until)
            await settle()
    finally:
        for line in lines:
            line.close()
    return played


async def _post(http: HttpClient, base_url: str, event: Event) -> str:
    is_cda = event.door == "cda"
    url = f"{base_url}/{'cda' if is_cda else 'hl7v2'}"
    kind = "application/xml" if is_cda else "application/hl7-v2"
    reply = await http.post(url, event.body, {"Content-Type": kind}, _TIMEOUT_S)
    return str(reply.status) if is_cda else ack_code(reply.body)


def _count(played: Played, event: Event, code: str) -> None:
    played.answers[event.label.message][code] += 1
    if code not in _DESERVED.get(event.label.answer, ()):
        played.surprises[f"{event.label.message}: {code}"] += 1


class _Pace:
    """Spreads the virtual time of the events over so many real seconds."""

    def __init__(self, events: list[Event], seconds: float | None) -> None:
        self._first = events[0].at if events else datetime.now(UTC)
        span = (events[-1].at - self._first) if events else timedelta()
        self._scale = (seconds / span.total_seconds()) if seconds and span else 0.0
        self._began: float | None = None

    async def wait(self, at: datetime) -> None:
        if not self._scale:
            return
        loop = asyncio.get_running_loop()
        if self._began is None:
            self._began = loop.time()
        due = self._began + (at - self._first).total_seconds() * self._scale
        if due > loop.time():
            await asyncio.sleep(due - loop.time())
