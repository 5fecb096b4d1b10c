"""The outside systems as processes of their own, to be killed and started again.

`python -m tests.support.doubles receiver FOLDER PORT` takes notifications, `… mail FOLDER SMTP
IMAP` takes mails. What they took lies under the folder before they answer; a restart goes on.
"""

import asyncio
import hashlib
import logging
import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from gateway.simulation.mail_operator import Fate, MailOperator, Manners, kept
from gateway.simulation.mail_pki import read_pki
from gateway.simulation.mailbox import MailboxServer
from gateway.simulation.receiver import Answer, Receiver, journal_of
from tests.conftest import ROOT

ADDRESS = "relais@app.mssante.example"
JOURNAL = "journal.ndjson"
TAKEN = "taken"
#: Long enough for a kill to fall between the keeping and the answer.
_ANSWER_S = 0.05
_NOTICE_S = 0.1
_FATES = (Fate.DELIVER, Fate.INTEGRATE, Fate.BOUNCE, Fate.LATER, Fate.CUT, Fate.NOT_INTEGRATED)


def fate(address: str) -> Fate:
    """Return what becomes of mails to an address, by chance of its own and always the same."""
    if address.startswith("ancien."):
        return Fate.UNKNOWN
    return _FATES[hashlib.sha256(address.encode()).digest()[0] % len(_FATES)]


def free_ports(count: int) -> list[int]:
    """Return free ports below those the system gives to clients, so that none takes them."""
    with ExitStack() as stack:
        found: list[int] = []
        for port in range(21_000 + os.getpid() % 5_000, 32_000):
            tried = stack.enter_context(socket.socket())
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
            found.append(port)
            if len(found) == count:
                return found
    raise AssertionError("too few ports are free")


@dataclass
class DoubleProcess:
    """One of the doubles.

    Attributes:
        kind: `receiver` or `mail`.
        folder: its memory.
        ports: it listens on, the same after each start.
    """

    kind: str
    folder: Path
    ports: tuple[int, ...]
    process: subprocess.Popen[bytes] | None = None
    lives: list[Path] = field(default_factory=list)
    _read: int = 0
    _lines: int = 0

    def start(self) -> "DoubleProcess":
        """Start it and wait until it listens."""
        log = self.folder / f"{self.kind}-{len(self.lives)}.log"
        self.lives.append(log)
        with log.open("wb") as err:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "tests.support.doubles", self.kind),
                    *(str(self.folder), *map(str, self.ports)),
                ],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=err,
            )
        assert self.process.stdout is not None
        if self.process.stdout.readline() != b"listens\n":
            raise AssertionError(f"the {self.kind} double did not start:\n{log.read_text()}")
        return self

    def kill(self) -> None:
        """Kill it without warning."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None

    def arrived(self):
        """Return the notifications a receiver took, in order."""
        return journal_of(self.folder / JOURNAL)

    def taken(self):
        """Return the mails an operator took, in order."""
        return kept(self.folder / TAKEN)

    def count_arrived(self) -> int:
        """Return how many notifications a receiver took; cheap enough to be asked all the time."""
        journal = self.folder / JOURNAL
        if journal.exists() and journal.stat().st_size > self._read:
            with journal.open("rb") as file:
                file.seek(self._read)
                new = file.read()
            self._read += len(new)
            self._lines += new.count(b"\n")
        return self._lines

    def count_taken(self) -> int:
        """Return how many mails an operator took."""
        return sum(1 for _ in (self.folder / TAKEN).glob("*.json"))


async def _receive(folder: Path, port: int) -> None:
    receiver = Receiver(port=port, journal=folder / JOURNAL, answer=Answer(200, delay_s=_ANSWER_S))
    await receiver.start()


async def _take_mails(folder: Path, smtp: int, imap: int) -> None:
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    pki = read_pki(folder)
    mailboxes = MailboxServer(ADDRESS, tls=pki.server)
    manners = Manners(fate=fate, delay_s=_NOTICE_S, answer_s=_ANSWER_S)
    operator = MailOperator(pki.server, mailboxes, manners, folder / TAKEN)
    await operator.start(port=smtp)
    await mailboxes.start(port=imap)


async def _live(kind: str, folder: Path, *ports: int) -> None:
    await {"receiver": _receive, "mail": _take_mails}[kind](folder, *ports)
    sys.stdout.write("listens\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_live(sys.argv[1], Path(sys.argv[2]), *map(int, sys.argv[3:])))
