"""Programs in Java that stand beside ours, built by Maven on first use."""

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tests.bench.servers import Server, UnavailableError, free_port, listens
from tests.official.validator import missing

_START_S = 300.0


def classes(project: Path) -> str:
    """Return the class path of a Maven project, compiled.

    Raises:
        UnavailableError: there is no Java, or Maven cannot build it.
    """
    if (lacks := missing()) is not None:
        raise UnavailableError(lacks)
    found = project / "target" / "classpath.txt"
    build = ["mvn", "-q", "-B", "compile", "dependency:build-classpath"]
    built = subprocess.run([*build, f"-Dmdep.outputFile={found}"], cwd=project, check=False)
    if built.returncode:
        message = "Maven could not build it"
        raise UnavailableError(message)
    return f"{project / 'target' / 'classes'}:{found.read_text(encoding='utf-8')}"


@contextmanager
def started(
    project: Path, main: str, more: Sequence[str] = (), given: IO[bytes] | None = None
) -> Iterator[Server]:
    """Start a server whose first argument is its port, and stop it.

    Args:
        project: folder of its Maven project.
        main: name of its class.
        more: arguments after the port.
        given: its standard input.

    Raises:
        UnavailableError: it cannot be built, or does not start.
    """
    port = free_port()
    process = subprocess.Popen(
        ["java", "-Xmx2g", "-cp", classes(project), main, str(port), *more],
        stdin=subprocess.DEVNULL if given is None else given,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _await(process, port)
        yield Server(process.pid, port, port)
    finally:
        process.terminate()
        process.wait(60)


def _await(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _START_S
    while not listens(port):
        if process.poll() is not None or time.monotonic() > deadline:
            message = "it did not start"
            raise UnavailableError(message)
        time.sleep(0.2)
