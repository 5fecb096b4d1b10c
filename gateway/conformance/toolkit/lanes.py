"""One worker process behind a lock: asks it, waits no longer than it may, starts another.

Does not know what is asked (`worker`). A process is spawned, never forked, when it is first needed,
and stays: what it compiled is compiled once.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from gateway.conformance.toolkit.worker import Answer, Job, serve

#: What runs in the process: takes its end of the connection and the engine.
Serve = Callable[[Connection, tuple[str, ...]], None]
_SPAWN = get_context("spawn")
_END_S = 5.0


class WorkerDiedError(Exception):
    """The process ended before it answered; `args` holds its exit code."""


class WorkerSlowError(Exception):
    """The process was ended because it took too long."""


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    connection: Connection


class Lane:
    """One worker process, asked by one caller at a time."""

    def __init__(self, engine: tuple[str, ...], seconds: float, target: Serve = serve) -> None:
        """Prepare a lane; nothing is started yet.

        Args:
            engine: for the worker.
            seconds: longest time for one answer.
            target: what runs in the process.
        """
        self._engine = engine
        self._seconds = seconds
        self._target = target
        self._lock = threading.Lock()
        self._worker: _Worker | None = None
        self._started = 0

    @property
    def started(self) -> int:
        """Return how many processes were started."""
        return self._started

    @property
    def pid(self) -> int | None:
        """Return the id of the process, None when none runs."""
        worker = self._worker
        return None if worker is None else worker.process.pid

    def ask(self, job: Job) -> Answer:
        """Give a job to the worker and return its answer.

        Waiting for other callers does not count.

        Raises:
            WorkerDiedError: it ended before it answered.
            WorkerSlowError: it took too long and was ended.
        """
        with self._lock:
            worker = self._running()
            try:
                worker.connection.send(job)
                if not worker.connection.poll(self._seconds):
                    self._end()
                    raise WorkerSlowError(self._seconds)
                answer: Answer = worker.connection.recv()
            except (EOFError, OSError) as error:
                worker.process.join(_END_S)
                code = worker.process.exitcode
                self._end()
                raise WorkerDiedError(code) from error
            return answer

    def close(self) -> None:
        """End the worker."""
        with self._lock:
            self._end()

    def _running(self) -> _Worker:
        if self._worker is None:
            ours, theirs = _SPAWN.Pipe()
            process = _SPAWN.Process(target=self._target, args=(theirs, self._engine), daemon=True)
            process.start()
            # Only the worker holds its end now, so that its death closes it.
            theirs.close()
            self._worker = _Worker(process, ours)
            self._started += 1
        return self._worker

    def _end(self) -> None:
        worker, self._worker = self._worker, None
        if worker is None:
            return
        worker.connection.close()
        worker.process.kill()
        worker.process.join(_END_S)
        worker.process.close()
