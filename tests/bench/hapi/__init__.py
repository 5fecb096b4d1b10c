"""A plain server of HAPI FHIR on this machine, built by Maven on first use."""

import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

from gateway.core.contributions import Json
from tests.bench.servers import Server, UnavailableError, free_port, listens
from tests.official.validator import missing

_HERE = Path(__file__).parent
_START_S = 300.0


@contextmanager
def serve(patients: Iterable[Json]) -> Iterator[Server]:
    """Serve Patients from memory.

    Raises:
        UnavailableError: there is no Java, or it does not start.
    """
    if (lacks := missing()) is not None:
        raise UnavailableError(lacks)
    classpath = _HERE / "target" / "classpath.txt"
    build = ["mvn", "-q", "-B", "compile", "dependency:build-classpath"]
    built = subprocess.run([*build, f"-Dmdep.outputFile={classpath}"], cwd=_HERE, check=False)
    if built.returncode:
        message = "Maven could not build it"
        raise UnavailableError(message)
    classes = f"{_HERE / 'target' / 'classes'}:{classpath.read_text(encoding='utf-8')}"
    port = free_port()
    with tempfile.TemporaryFile() as given:
        given.writelines(orjson.dumps(one) + b"\n" for one in patients)
        given.seek(0)
        process = subprocess.Popen(
            ["java", "-Xmx2g", "-cp", classes, "Plain", str(port)],
            stdin=given,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    try:
        _await(process, port)
        yield Server(process.pid, port, port)
    finally:
        process.terminate()
        process.wait(20)


def _await(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _START_S
    while not listens(port):
        if process.poll() is not None or time.monotonic() > deadline:
            message = "it did not start"
            raise UnavailableError(message)
        time.sleep(0.2)
