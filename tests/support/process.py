"""A gateway in its own process, to be stopped, killed and started again."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import ROOT

_LISTENS = re.compile(rb"(mllps?|http)://127\.0\.0\.1:(\d+)")
_FRAME_END = b"\x1c\r"


@dataclass
class GatewayProcess:
    """`relais serve` on free ports.

    Attributes:
        store_url: the store, kept over restarts.
        folder: working directory and place of the log.
        environment: further settings.
        module: the command line, or the one of `tests.support.moved_serve`.
    """

    store_url: str
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    role: str = "all"
    module: str = "gateway.entry.cli"
    process: subprocess.Popen[bytes] | None = None
    ports: dict[str, int] = field(default_factory=dict)

    def start(self) -> "GatewayProcess":
        """Start it and wait until its doors are open."""
        log = self.folder / f"gateway-{time.monotonic_ns()}.log"
        settings = {
            "RELAIS_STORE_URL": self.store_url,
            "RELAIS_HTTP_PORT": "0",
            "RELAIS_MLLP_PORT": "0",
            **self.environment,
        }
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", self.module, "serve", "--role", self.role],
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": str(ROOT), **settings},
                stderr=out,
                stdout=subprocess.DEVNULL,
            )
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            said = log.read_bytes()
            if b"http://" in said:
                self.ports = {k.decode(): int(v) for k, v in _LISTENS.findall(said)}
                return self
            if self.process.poll() is not None:
                raise AssertionError(f"the gateway ended at once:\n{said.decode()}")
            time.sleep(0.02)
        raise AssertionError(f"the gateway did not start:\n{log.read_text()}")

    @property
    def url(self) -> str:
        """Base address of the HTTP doors."""
        return f"http://127.0.0.1:{self.ports['http']}"

    @property
    def pid(self) -> int:
        """Its process id while it runs."""
        assert self.process is not None
        return self.process.pid

    def log(self) -> str:
        """Everything it wrote so far, over all starts."""
        return "".join(p.read_text() for p in sorted(self.folder.glob("gateway-*.log")))

    def kill(self) -> None:
        """Kill it without warning."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Ask it to stop; give its exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> int:
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(timeout=60)
        self.process = None
        return code


async def send_until_cut(port: int, bodies: list[bytes], acks: dict[bytes, bytes]) -> None:
    """Send messages one by one on a connection, noting each ACK, until the other end is gone."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**26)
    except OSError:
        return
    try:
        for body in bodies:
            writer.write(b"\x0b" + body + _FRAME_END)
            await writer.drain()
            acks[body] = await reader.readuntil(_FRAME_END)
    except (OSError, asyncio.IncompleteReadError):
        return
    finally:
        writer.close()
