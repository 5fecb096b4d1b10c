"""A plain server of HAPI FHIR on this machine, built by Maven on first use."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

from gateway.core.contributions import Json
from tests.bench import java
from tests.bench.servers import Server


@contextmanager
def serve(patients: Iterable[Json]) -> Iterator[Server]:
    """Serve Patients from memory.

    Raises:
        UnavailableError: there is no Java, or it does not start.
    """
    with tempfile.TemporaryFile() as given:
        given.writelines(orjson.dumps(one) + b"\n" for one in patients)
        given.seek(0)
        with java.started(Path(__file__).parent, "Plain", given=given) as server:
            yield server
