"""The process of the workbench: what somebody pasted is read beside the gateway, not inside it.

An input that takes too long, or too much memory, costs this process and nothing else: it is ended
and another one starts with the next input. One job at a time; it is started with the first and
ends when nobody asks any more. What it is given it keeps in memory only, until its answer.
"""

import asyncio
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

import structlog

from gateway.core import log
from gateway.core.errors import FatalError, RejectedError, RetriableError
from gateway.core.issues import Issue, Severity
from gateway.entry.settings import Settings
from gateway.pipeline import bugs

_log = structlog.get_logger()
#: Does the work of one kind of job: takes the settings once, then gives answers.
Work = Callable[[Settings], Callable[[Any], Any]]
_SPAWN = get_context("spawn")
#: Starting reads the program and its profiles; waiting for others; leaving an idle one alone.
_START_S, _IDLE_S, _END_S = 60.0, 300.0, 5.0
_WAITING = 4


@dataclass(slots=True)
class _Running:
    process: BaseProcess
    connection: Connection


@dataclass(frozen=True, slots=True)
class _Fault:
    """What is raised on the other side of the connection."""

    issues: tuple[Issue, ...]
    is_fatal: bool = False


class BenchProcess:
    """One worker process, asked by one caller at a time."""

    def __init__(self, settings: Settings, work: Work) -> None:
        """Prepare it; nothing is started yet.

        Args:
            settings: of the installation.
            work: what runs in the process; a function of a module.
        """
        self._settings, self._work = settings, work
        self._lock = asyncio.Lock()
        self._guard = threading.Lock()
        self._running: _Running | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._waiting = 0
        self._warming: asyncio.Task[None] | None = None
        self._is_closed = False

    @property
    def pid(self) -> int | None:
        """Return the id of the process, None when none runs."""
        running = self._running
        return None if running is None else running.process.pid

    async def ask(self, job: Any, seconds: float) -> Any:
        """Return what the work makes of a job.

        Args:
            job: is pickled.
            seconds: longest time for the answer, the start of the process not counted.

        Raises:
            RejectedError: it took too long and was ended (RLS-WEB-123), or it died of the job
                (RLS-WEB-124); what the work itself refuses.
            FatalError: what the work itself says.
            RetriableError: too many others wait (RLS-WEB-125).
        """
        if self._waiting >= _WAITING:
            raise RetriableError([_busy()])
        self._waiting += 1
        try:
            async with self._lock:
                self._stay()
                told = await asyncio.to_thread(self._asked, job, seconds)
        finally:
            self._waiting -= 1
        self._leave_later()
        if isinstance(told, _Fault):
            raise FatalError(told.issues) if told.is_fatal else RejectedError(told.issues)
        return told

    def warm(self) -> None:
        """Start the process for a job that is about to come; wait for nothing."""
        if self._running is None and not self._lock.locked():
            self._warming = asyncio.create_task(self._warm())

    async def _warm(self) -> None:
        async with self._lock:
            with suppress(EOFError, OSError):
                await asyncio.to_thread(self._started)
        self._leave_later()

    def cancel(self) -> None:
        """End the process, whatever it does; who waits for it is told that it died."""
        with self._guard:
            running, self._running = self._running, None
        if running is not None:
            _end(running)

    def close(self) -> None:
        """End the process for good."""
        self._is_closed = True
        self._stay()
        self.cancel()

    def _asked(self, job: Any, seconds: float) -> Any:
        try:
            running = self._started()
            running.connection.send(job)
            if not running.connection.poll(seconds):
                self.cancel()
                raise RejectedError([_too_slow(seconds)])
            return running.connection.recv()
        except (EOFError, OSError, BrokenPipeError) as error:
            self.cancel()
            raise RejectedError([_died()]) from error

    def _started(self) -> _Running:
        with self._guard:
            if self._is_closed:
                raise EOFError
            if self._running is not None and self._running.process.is_alive():
                return self._running
            ours, theirs = _SPAWN.Pipe()
            arguments = (theirs, self._settings, self._work)
            process = _SPAWN.Process(target=serve, args=arguments, daemon=True)
            process.start()
            # Only the process holds its end now, so that its death closes it.
            theirs.close()
            self._running = running = _Running(process, ours)
        if not running.connection.poll(_START_S):
            raise EOFError
        running.connection.recv()
        return running

    def _stay(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _leave_later(self) -> None:
        self._stay()
        self._idle = asyncio.get_running_loop().call_later(_IDLE_S, self._leave)

    def _leave(self) -> None:
        if not self._lock.locked():
            self.cancel()


def serve(connection: Connection, settings: Settings, work: Work) -> None:
    """Answer jobs until the other end hangs up; runs in the process.

    Args:
        connection: gives jobs, takes answers.
        settings: of the installation.
        work: makes what answers.
    """
    # An interrupt is for the gateway, which ends this process itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What a trial tells of virtual gaps and feeds is no event of the gateway.
    log.configure("ERROR")
    answer = work(settings)
    with suppress(EOFError, OSError):
        connection.send("ready")
        while True:
            connection.send(_answered(answer, connection.recv()))


def _answered(answer: Callable[[Any], Any], job: Any) -> Any:
    try:
        return answer(job)
    except (RejectedError, FatalError) as error:
        return _Fault(error.issues, is_fatal=isinstance(error, FatalError))
    except Exception as error:  # noqa: BLE001 - a bug of ours: its words may quote the input
        _log.error("workbench_broke", error=type(error).__name__, place=bugs.place_of(error))
        return _Fault((_died(),))


def _end(running: _Running) -> None:
    running.process.kill()
    # The connection is closed by who holds it last: somebody may still wait at it.
    running.process.join(_END_S)


def _too_slow(seconds: float) -> Issue:
    return Issue(
        code="RLS-WEB-123",
        severity=Severity.ERROR,
        where="workbench",
        what=f"the work was stopped after {seconds:g} s.",
        fix="Try a smaller input, or the command line, which takes its time.",
    )


def _died() -> Issue:
    return Issue(
        code="RLS-WEB-124",
        severity=Severity.ERROR,
        where="workbench",
        what="the work ended before its answer: it was cancelled, or failed on this input.",
        fix="Try again; when it fails again, report it with a message that may leave the house.",
    )


def _busy() -> Issue:
    return Issue(
        code="RLS-WEB-125",
        severity=Severity.ERROR,
        where="workbench",
        what="too many people use the workbench at this moment.",
        fix="Try again in some seconds.",
    )
