"""The programs under measurement as processes: `relais serve`, and the peer from PyPI."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / ".bench"
#: The best other converter with an MLLP door found on PyPI, pinned so that figures compare.
PEER = "hl7v2-fhir-bridge==0.1.0"
_PEER_ENVIRONMENT = WORK / "peer"


@dataclass(frozen=True, slots=True)
class Server:
    """A listener on this machine."""

    pid: int
    port: int
    http_port: int = 0


class UnavailableError(Exception):
    """A program could not be started; the message says why, for a note."""


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Tell whether a port of this machine is open."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def relais(
    *,
    validation: str = "compiled",
    prepare: Callable[[Path], None] | None = None,
    ack: str = "process",
) -> Iterator[Server]:
    """Serve on a new SQLite file (synchronous=FULL) on the disk of this checkout.

    Args:
        validation: `compiled` or `full`.
        prepare: fills the file before the program starts.
        ack: what every site wants: `process`, an answer after the conversion, or `accept`, one as
            soon as the bytes are kept.
    """
    with _folder() as folder:
        if prepare is not None:
            prepare(folder / "bench.db")
        url = f"sqlite:///{folder / 'bench.db'}"
        more = {"RELAIS_RECEIVE_VALIDATION": validation}
        if ack != "process":
            more["RELAIS_MAPPINGS"] = str(_mappings(folder / "mappings", ack))
        with _role("all", url, folder, more) as server:
            yield server


def _mappings(folder: Path, ack: str) -> Path:
    """Copy the mappings with another mode for every site."""
    shutil.copytree(ROOT / "mappings", folder)
    for path in (folder / "sites").glob("*.yaml"):
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if not line.startswith("ack:")]
        path.write_text("".join([*kept, f"ack: {ack}\n"]), encoding="utf-8")
    return folder


@contextmanager
def roles(url: str) -> Iterator[tuple[Server, Server]]:
    """Serve a PostgreSQL database by two processes: the doors, and what looks."""
    with (
        _folder() as folder,
        _role("doors", url, folder) as doors,
        _role("worker", url, folder) as worker,
    ):
        yield doors, worker


@contextmanager
def _folder() -> Iterator[Path]:
    WORK.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="relais-", dir=WORK))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _role(
    role: str, url: str, folder: Path, more: Mapping[str, str] | None = None
) -> Iterator[Server]:
    port, http_port = free_port(), free_port()
    environment = os.environ | {
        "RELAIS_STORE_URL": url,
        "RELAIS_MLLP_PORT": str(port),
        "RELAIS_HTTP_PORT": str(http_port),
        "RELAIS_LOG_LEVEL": "ERROR",
        **(more or {}),
    }
    command = [sys.executable, "-m", "gateway.entry.cli", "serve", "--role", role]
    # The HTTP door opens last.
    with _process(command, environment, folder, http_port) as server:
        own = http_port if role == "worker" else port
        yield replace(server, port=own, http_port=http_port)


@contextmanager
def peer(authority: str) -> Iterator[Server]:
    """Serve the peer, writing its bundles to files (its fastest sink, no fsync)."""
    program = peer_program()
    folder = Path(tempfile.mkdtemp(prefix="peer-", dir=WORK))
    port = free_port()
    settings = (program.parent.parent / "bridge.toml").read_text(encoding="utf-8")
    settings = settings.replace(
        'accepted_processing_ids = ["P"]', 'accepted_processing_ids = ["T"]'
    )
    settings = settings.replace('"SYNTH_HOSP"', f'"{authority}"')
    config = folder / "bridge.toml"
    config.write_text(settings, encoding="utf-8")
    command = [
        str(program), "serve", "--config", str(config), "--port", str(port),
        "--out", str(folder / "bundles"),
    ]  # fmt: skip
    try:
        with _process(command, dict(os.environ), folder, port) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def peer_program() -> Path:
    """Return the program of the peer, installed on first use in an environment of its own."""
    python = str(installed(PEER, _PEER_ENVIRONMENT))
    program = _PEER_ENVIRONMENT / "bin" / "hl7v2-fhir-bridge"
    config = _PEER_ENVIRONMENT / "bridge.toml"
    if not config.exists():
        script = (
            "import pathlib, v2fhir; "
            "print((pathlib.Path(v2fhir.__file__).parent / '_data/bridge.toml').read_text())"
        )
        shown = subprocess.run([python, "-c", script], capture_output=True, text=True, check=True)
        config.write_text(shown.stdout, encoding="utf-8")
    return program


def installed(requirement: str, environment: Path) -> Path:
    """Return the interpreter of an environment that holds one requirement, made on first use.

    Raises:
        UnavailableError: it cannot be installed.
    """
    python, done_mark = environment / "bin" / "python", environment / "installed"
    if not done_mark.exists():
        environment.parent.mkdir(exist_ok=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(environment)], check=True)
        pip = [str(python), "-m", "pip", "install", "-q", requirement]
        done = subprocess.run(pip, capture_output=True, text=True, timeout=600, check=False)
        if done.returncode:
            lines = done.stderr.strip().splitlines()
            problem = lines[-1] if lines else "?"
            raise UnavailableError(f"{requirement} cannot be installed: {problem}")
        done_mark.touch()
    return python


@contextmanager
def _process(
    command: list[str], environment: dict[str, str], folder: Path, port: int
) -> Iterator[Server]:
    output_file = folder / f"output-{port}.txt"
    with output_file.open("w+") as output:
        process = subprocess.Popen(
            command, env=environment, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            _await_port(process, port, output_file)
            yield Server(process.pid, port)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await_port(process: subprocess.Popen[bytes], port: int, output: Path) -> None:
    for _ in range(300):
        if process.poll() is not None:
            lines = output.read_text().strip().splitlines()
            raise UnavailableError(f"it ended at start: {lines[-1] if lines else 'no output'}")
        if listens(port):
            return
        time.sleep(0.1)
    message = "it does not listen after 30 s"
    raise UnavailableError(message)
