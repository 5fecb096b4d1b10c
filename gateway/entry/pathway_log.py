"""A log of inputs, read from a file and played through the whole pipeline by a virtual clock."""

import base64
import binascii
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count, groupby
from pathlib import Path

import orjson

from gateway.core.errors import RejectedError
from gateway.core.issues import Issue, Severity
from gateway.core.messages import Channel, RawMessage
from gateway.core.ports import Store, Transaction
from gateway.entry.scenario import Fact, fact_of, is_fact, store_facts
from gateway.entry.settings import Settings
from gateway.entry.sources import brought_by
from gateway.entry.wiring import build_converter, build_rules, build_watcher
from gateway.mapping.loader import load_mappings
from gateway.pipeline.commit import commit
from gateway.pipeline.feed_watch import FeedWatch
from gateway.pipeline.prepared import Prepared
from gateway.pipeline.watch import Watcher
from gateway.store.memory import MemoryStore

#: How often a worker looks at the feeds.
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class LogLine:
    """One input of a log: a message, or a fact that is told straight."""

    at: datetime
    input: RawMessage | Fact


class LogClock:
    """The clock of a replay: the receipt of the line that is being read."""

    def __init__(self) -> None:
        self.instant = datetime.fromtimestamp(0, UTC)

    def now(self) -> datetime:
        """Return the instant the replay has reached."""
        return self.instant

    def reach(self, instant: datetime) -> None:
        """Go forward; an earlier instant changes nothing."""
        self.instant = max(self.instant, instant)


async def replayed(
    settings: Settings,
    lines: list[LogLine],
    until: datetime,
    rules_folder: Path | None = None,
    *,
    watches: bool = True,
) -> tuple[Store, Watcher]:
    """Play a log; return the store it filled, and what looked at it.

    Args:
        settings: of the installation whose log it is.
        lines: in order of receipt.
        until: instant the virtual clock runs to; later lines are left out.
        rules_folder: other rules than those of the settings.
        watches: over feeds too; in an excerpt of a log they are silent without being so.
    """
    clock = LogClock()
    mappings = load_mappings(settings.mappings)
    store = MemoryStore()
    await store.open()
    converter = build_converter(settings, clock=clock, mappings=mappings)
    watcher = build_watcher(settings, store, clock, mappings, rules_folder=rules_folder)
    feeds = _Feeds(
        clock,
        watcher,
        FeedWatch(
            store,
            clock,
            watcher.settings,
            brought_by(mappings),
            settings.pathway.rejects_per_hour,
        ),
    )
    rules_of_commit = build_rules(settings)
    # Facts are numbered behind whatever the messages become.
    numbers = count(10**9)
    for at, together in groupby(lines, key=lambda line: line.at):
        if at > until:
            break
        if watches:
            await feeds.until(at)
        clock.reach(at)
        # What was received at one instant was one commit, and no look came between.
        inputs = [line.input for line in together]
        batch = [converter.prepare(converter.open(r)) for r in inputs if isinstance(r, RawMessage)]
        facts = [(next(numbers), fact) for fact in inputs if isinstance(fact, Fact)]

        def work(
            tx: Transaction,
            batch: list[Prepared] = batch,
            facts: list[tuple[int, Fact]] = facts,
            at: datetime = at,
        ) -> None:
            if batch:
                commit(tx, batch, clock.now(), rules_of_commit)
            if facts:
                store_facts(tx, facts, at)

        await store.write(work)
        await watcher.drain()
    if watches:
        await feeds.until(until)
    clock.reach(until)
    if watches:
        await feeds.look()
    await watcher.drain()
    return store, watcher


class _Feeds:
    """The watch over feeds under a virtual clock: once a minute, and when one falls silent."""

    def __init__(self, clock: LogClock, watcher: Watcher, watch: FeedWatch) -> None:
        self._clock, self._watcher, self._watch = clock, watcher, watch
        self._looked_at = clock.now()

    async def until(self, instant: datetime) -> None:
        """Tell what went wrong with feeds before an instant, each silence when it is found."""
        if instant < self._looked_at + _MINUTE:
            return
        self._looked_at = instant
        await self.look()
        while (due := await self._watch.next_silence()) is not None and due < instant:
            self._clock.reach(due)
            if not await self.look():
                return

    async def look(self) -> int:
        """Look at the feeds now; return how much was told of them."""
        told = await self._watch.step()
        if told:
            await self._watcher.drain()
        return told


def read_log(log: Path) -> list[LogLine]:
    """Read a log, in order of receipt; `-` is standard input.

    Raises:
        RejectedError: the file or a line cannot be read (RLS-PTH-120).
    """
    return sorted(_lines(log), key=lambda line: line.at)


def _lines(log: Path) -> Iterator[LogLine]:
    try:
        text = sys.stdin.buffer.read() if str(log) == "-" else log.read_bytes()
    except OSError as error:
        raise RejectedError([_bad_line("log", (error.strerror or "unreadable").lower())]) from error
    yield from lines_of(text)


def lines_of(text: bytes) -> Iterator[LogLine]:
    """Yield the lines of a log as they stand.

    Raises:
        RejectedError: a line cannot be read (RLS-PTH-120).
    """
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield _line(line, f"log line {number}")


def _line(line: bytes, where: str) -> LogLine:
    try:
        read = orjson.loads(line)
        at = instant(read["received_at"], where)
        if is_fact(read):
            return LogLine(at, fact_of(read, at, where))
        channel = Channel(read["channel"])
        body = (
            base64.b64decode(read["body_base64"], validate=True)
            if "body_base64" in read
            else read["body"].encode()
        )
    except binascii.Error as error:
        raise RejectedError([_bad_line(where, "body_base64 is not base64")]) from error
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise RejectedError([_bad_line(where, f"{type(error).__name__}")]) from error
    return LogLine(at, RawMessage(body, channel, at))


def instant(text: str, where: str) -> datetime:
    """Read an instant.

    Raises:
        RejectedError: it is not RFC 3339 with an offset (RLS-PTH-120).
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise RejectedError([_bad_line(where, "an instant is not RFC 3339")]) from error
    if found.tzinfo is None:
        raise RejectedError([_bad_line(where, "an instant has no offset")])
    return found.astimezone(UTC)


def _bad_line(where: str, what: str) -> Issue:
    return Issue(
        code="RLS-PTH-120",
        severity=Severity.ERROR,
        where=where,
        what=f"it cannot be read: {what}.",
        fix="Write received_at (RFC 3339 with offset), channel (mllp, http, cda) and body or "
        "body_base64 on each line, or a fact (event, key, te).",
    )
