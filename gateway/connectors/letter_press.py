"""Sets pages in processes of their own, each page once, within a time limit.

Setting a letter takes longer than all else that is done to send it. Beside the gateway it holds up
no door, and a page that never ends, or kills what sets it, costs that process alone. A page that
was set is kept a while: the next recipient of a letter, and the next attempt, take it from there.
What is drawn, and how, is `connectors.letter_drawing`.
"""

import os
import subprocess
import sys
import threading
import weakref
from collections import OrderedDict
from concurrent.futures import Future
from contextlib import suppress
from hashlib import sha256
from queue import LifoQueue
from struct import Struct
from typing import IO

from gateway.connectors import letter_drawing
from gateway.connectors import mail_faults as faults
from gateway.core.errors import FatalError, RetriableError

#: Longest time for one page, and what finished pages may take together.
_SECONDS, _KEPT_BYTES = 60.0, 16 * 2**20
_MOST_PROCESSES = 4
#: Finds the program where this process does, and nowhere else.
_WORK = (
    "import sys; sys.path[:] = sys.argv[1:]; "
    "from gateway.connectors.letter_press import work; work()"
)
#: How many bytes follow, after the identifier or the word.
_ASKED, _TOLD = Struct(">16sI"), Struct(">cI")
_DRAWN, _BROKEN, _UNABLE = b"d", b"b", b"u"
_NO_PAGE = bytes(16)
_END_S = 5.0


class SlowPageError(Exception):
    """A page took too long, and the process that set it was ended."""


class Press:
    """Some processes that set pages; used from threads, each of which waits for its page."""

    def __init__(self, processes: int = 0, seconds: float = _SECONDS) -> None:
        """Prepare; no process is started before the first page.

        Args:
            processes: how many; 0: one for two processors.
            seconds: longest time for one page.
        """
        count = processes or max(1, min(_MOST_PROCESSES, (os.cpu_count() or 2) // 2))
        self._hands = [_Hand(seconds) for _ in range(count)]
        self._free: LifoQueue[_Hand] = LifoQueue()
        for hand in self._hands:
            self._free.put(hand)
        self._guard = threading.Lock()
        self._kept: OrderedDict[bytes, Future[bytes]] = OrderedDict()
        # A gateway whose start fails never closes it.
        weakref.finalize(self, _end_all, self._hands)

    def check(self) -> None:
        """Look whether this machine can make a PDF.

        Raises:
            FatalError: a library or every font is missing (RLS-MSS-044).
            RetriableError: as `drawn`.
        """
        if not self._set("", _NO_PAGE):
            raise FatalError([faults.cannot_draw()])

    def drawn(self, page: str, identifier: bytes) -> bytes:
        """Return a page as PDF/A-1b; who asks for the same page meanwhile waits for the same one.

        Raises:
            SlowPageError: it took too long.
            RetriableError: what sets it ended or failed (RLS-MSS-048).
            FatalError: a library is missing (RLS-MSS-044).
        """
        key = sha256(identifier + page.encode()).digest()
        with self._guard:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            else:
                mine = self._kept[key] = Future[bytes]()
        if found is not None:
            return found.result()
        try:
            mine.set_result(self._set(page, identifier))
        except BaseException as error:
            with self._guard:
                self._kept.pop(key, None)
            mine.set_exception(error)
            raise
        self._forget()
        return mine.result()

    def close(self) -> None:
        """End the processes; the next page starts one again."""
        _end_all(self._hands)

    def _set(self, page: str, identifier: bytes) -> bytes:
        hand = self._free.get()
        try:
            return hand.ask(page, identifier)
        finally:
            self._free.put(hand)

    def _forget(self) -> None:
        """Let go of the oldest finished pages beyond what may be kept."""
        with self._guard:
            sizes = {key: len(one.result()) for key, one in self._kept.items() if one.done()}
            total = sum(sizes.values())
            for key, size in sizes.items():
                if total <= _KEPT_BYTES:
                    return
                del self._kept[key]
                total -= size


class _Hand:
    """One process, asked by one thread at a time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, page: str, identifier: bytes) -> bytes:
        process = self._running()
        is_late = threading.Event()

        def end() -> None:
            is_late.set()
            process.kill()

        watch = threading.Timer(self._seconds, end)
        watch.daemon = True
        watch.start()
        try:
            word, told = _exchange(process, page, identifier)
        except (EOFError, OSError) as error:
            self.end()
            if is_late.is_set():
                raise SlowPageError from error
            raise RetriableError([faults.press_ended("its process ended")]) from error
        finally:
            watch.cancel()
        if word == _UNABLE:
            raise FatalError([faults.cannot_draw()])
        if word == _BROKEN:
            raise RetriableError([faults.press_ended(told.decode())])
        return told

    def end(self) -> None:
        """End the process, if one runs."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait(_END_S)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.end()
        # A group of its own: Ctrl-C is for the gateway, which ends this process itself. Should
        # the gateway be killed, the pipe ends, and the process with it.
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own words
            [sys.executable, "-c", _WORK, *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        return self._process


def _end_all(hands: list[_Hand]) -> None:
    for hand in hands:
        hand.end()


def _exchange(
    process: "subprocess.Popen[bytes]", page: str, identifier: bytes
) -> tuple[bytes, bytes]:
    """Give a page and return what is told of it.

    Raises:
        EOFError, OSError: the process is gone.
    """
    if process.stdin is None or process.stdout is None:
        raise EOFError
    data = page.encode()
    process.stdin.write(_ASKED.pack(identifier, len(data)) + data)
    process.stdin.flush()
    word, size = _TOLD.unpack(_whole(process.stdout, _TOLD.size))
    return word, _whole(process.stdout, size)


def work() -> None:
    """Set pages until nobody asks any more; runs in the process."""
    asked, told = sys.stdin.buffer, sys.stdout.buffer
    # Nothing but answers goes that way, whatever a library prints.
    sys.stdout = sys.stderr
    with suppress(EOFError, OSError):
        while True:
            identifier, size = _ASKED.unpack(_whole(asked, _ASKED.size))
            word, data = _answered(_whole(asked, size).decode(), identifier)
            told.write(_TOLD.pack(word, len(data)) + data)
            told.flush()


def _answered(page: str, identifier: bytes) -> tuple[bytes, bytes]:
    try:
        if identifier == _NO_PAGE:
            return _DRAWN, b"yes" if letter_drawing.has_font() else b""
        return _DRAWN, letter_drawing.drawn(page, identifier)
    except FatalError:
        return _UNABLE, b""
    except Exception as error:  # noqa: BLE001 - its words may quote the page
        return _BROKEN, type(error).__name__.encode()


def _whole(pipe: IO[bytes], size: int) -> bytes:
    """Return so many bytes.

    Raises:
        EOFError: the other end is gone.
    """
    data = pipe.read(size)
    if len(data) < size:
        raise EOFError
    return data
