"""What runs beside the doors: looks, lost timers, archives, digests, deliveries, notices.

Each loop claims its work from the store, so any number of processes may run them. A store or an
operator that is away postpones a loop and ends none.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic

import structlog

from gateway.connectors.mssante_mailbox import NoticeReader
from gateway.core.errors import RetriableError
from gateway.entry.vitals import LoopState
from gateway.pipeline.archive import Archivist
from gateway.pipeline.bugs import place_of
from gateway.pipeline.deliver import Deliverer
from gateway.pipeline.digests import Digester
from gateway.pipeline.directory import DirectoryWatch
from gateway.pipeline.exporting import Exporter
from gateway.pipeline.feed_watch import FeedWatch
from gateway.pipeline.letters import LetterTaker
from gateway.pipeline.rights import Settler
from gateway.pipeline.sweep import Sweep
from gateway.pipeline.watch import Watcher

_log = structlog.get_logger()
#: Pause after a fault that goes away by itself.
_AWAY_S = 2.0


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Pauses of the loops when there is nothing to do, seconds."""

    watch_s: float = 0.5
    deliver_s: float = 0.25
    notices_s: float = 30.0
    sweep_s: float = 60.0
    archive_s: float = 60.0
    digests_s: float = 5.0
    rights_s: float = 1.0
    feeds_s: float = 60.0
    rules_s: float = 1.0
    exports_s: float = 1.0
    directory_s: float = 60.0


class Workers:
    """The loops of one process."""

    def __init__(
        self,
        watcher: Watcher,
        deliverer: Deliverer,
        notices: NoticeReader | None,
        rhythm: Rhythm | None = None,
        letters: LetterTaker | None = None,
        sweep: Sweep | None = None,
        archivist: Archivist | None = None,
        digester: Digester | None = None,
        settler: Settler | None = None,
        feeds: FeedWatch | None = None,
        exporter: Exporter | None = None,
        directory: DirectoryWatch | None = None,
    ) -> None:
        """Prepare; nothing runs.

        Args:
            watcher: looks at persons that are due.
            deliverer: sends what is due.
            notices: the mailbox of notices; None where no mail leaves.
            rhythm: pauses.
            letters: takes what somebody writes to the mailbox; None where nobody wants it.
            sweep: finds lost timers; None where nobody lives long enough to lose one.
            archivist: folds away what is settled; None where nothing gets old.
            digester: makes the digests of owners; None where nobody reads any.
            settler: decides who may be shown whom; None: reads decide when they need it.
            feeds: finds silent feeds; None where none has habits.
            exporter: makes bulk exports; None where nobody asks for one.
            directory: asks about recipients without mailbox; None where no service is named.
        """
        self._watcher = watcher
        self._deliverer = deliverer
        self._notices = notices
        self._rhythm = rhythm or Rhythm()
        self._letters = letters
        self._sweep = sweep
        self._archivist = archivist
        self._digester = digester
        self._settler = settler
        self._feeds = feeds
        self._exporter = exporter
        self._directory = directory
        # The mailbox remembers what it gave last, so one look at a time.
        self._reading = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        #: When each loop ended a step, by name; of `monotonic`.
        self._beats: dict[str, float] = {}

    def loops(self) -> dict[str, LoopState]:
        """Return how each loop is."""
        now = monotonic()
        return {
            task.get_name(): LoopState(task.done(), now - self._beats[task.get_name()])
            for task in self._tasks
        }

    def start(self) -> None:
        """Run every loop in this event loop."""
        rhythm = self._rhythm
        self._run("watch", self._watcher.step, rhythm.watch_s)
        if self._watcher.changes is not None:
            self._run("rules", self._watcher.follow_rules, rhythm.rules_s)
        self._run("deliver", self._deliverer.step, rhythm.deliver_s)
        if self._sweep is not None:
            self._run("sweep", self._sweep.step, rhythm.sweep_s)
        if self._archivist is not None:
            self._run("archive", self._archivist.step, rhythm.archive_s)
        if self._digester is not None:
            self._run("digests", self._digester.step, rhythm.digests_s)
        if self._settler is not None:
            self._run("rights", self._settler.step, rhythm.rights_s)
        if self._feeds is not None:
            self._run("feeds", self._feeds.step, rhythm.feeds_s)
        if self._exporter is not None:
            self._run("exports", self._exporter.step, rhythm.exports_s)
        if self._directory is not None:
            self._run("directory", self._directory.step, rhythm.directory_s)
        if self._notices is not None:
            self._run("notices", self.read_notices, rhythm.notices_s)

    async def stop(self) -> None:
        """End every loop; what was claimed is due again when its lease ends."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        await self._deliverer.close()

    async def read_notices(self) -> int:
        """Settle what the mailbox tells; return how many notices were about mails of ours.

        Raises:
            RetriableError: mailbox or store are away; the notices come again.
        """
        if self._notices is None:
            return 0
        async with self._reading:
            found = await self._notices.poll()
            for issue in self._notices.issues:
                _log.warning("notice_not_read", code=issue.code)
            ours = 0
            for notice in found:
                ours += await self._deliverer.apply_notice(notice)
            if self._letters is not None:
                for letter in self._notices.letters:
                    await self._letters.take(letter)
            if found or self._notices.issues or self._notices.letters:
                await self._notices.done()
        return ours

    async def catch_up(self) -> None:
        """Look and deliver until nothing is due at this instant of the clock."""
        while await self._watcher.drain() + await self._digested() + await self._deliverer.step():
            pass

    async def _digested(self) -> int:
        return 0 if self._digester is None else await self._digester.step()

    def _run(self, name: str, step: Callable[[], Awaitable[int]], pause_s: float) -> None:
        self._beats[name] = monotonic()
        task = asyncio.create_task(self._forever(name, step, pause_s), name=name)
        task.add_done_callback(_tell_end)
        self._tasks.append(task)

    async def _forever(self, name: str, step: Callable[[], Awaitable[int]], pause_s: float) -> None:
        while True:
            taken, pause = 0, pause_s
            try:
                taken = await step()
            except RetriableError as error:
                _log.warning("worker_postponed", kind=name, code=error.issues[0].code)
                pause = _AWAY_S
            self._beats[name] = monotonic()
            # Yield between two steps, or a long backlog would keep the doors waiting.
            await asyncio.sleep(0 if taken else pause)


def _tell_end(task: asyncio.Task[None]) -> None:
    """Tell that a loop ended by a fault of ours: the process is not well until it starts anew."""
    error = None if task.cancelled() else task.exception()
    if isinstance(error, Exception):
        told = {"error": type(error).__name__, "place": place_of(error)}
        _log.critical("worker_stopped", kind=task.get_name(), **told)
