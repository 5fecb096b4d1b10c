"""The JPA server of HAPI FHIR over a database in a file, built by Maven on first use."""

import http.client
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import orjson

from gateway.core.contributions import Json
from tests.bench import java
from tests.bench.servers import WORK, Server, UnavailableError

_HERE = Path(__file__).parent
#: H2 puts this behind the name of a database.
_END = ".mv.db"


@contextmanager
def serve(name: str, batches: Iterable[Sequence[Json]]) -> Iterator[Server]:
    """Serve a copy of a kept database.

    Args:
        name: of what it holds; a database of this name is filled once.
        batches: resources with ids, each batch one transaction.

    Raises:
        UnavailableError: there is no Java, it does not start, or it refuses a resource.
    """
    kept = WORK / f"hapi-jpa-{name}{_END}"
    if not kept.exists():
        _fill(kept, batches)
    with _folder() as folder:
        shutil.copyfile(kept, folder / f"copy{_END}")
        with _started(folder / "copy") as server:
            yield server


def _fill(kept: Path, batches: Iterable[Sequence[Json]]) -> None:
    with _folder() as folder:
        with _started(folder / "draft") as server:
            connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=600)
            for batch in batches:
                _transaction(connection, batch)
            connection.close()
        (folder / f"draft{_END}").replace(kept)


def _transaction(connection: http.client.HTTPConnection, batch: Sequence[Json]) -> None:
    entries = [
        {
            "resource": resource,
            "request": {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"},
        }
        for resource in batch
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    connection.request(
        "POST", "/fhir", orjson.dumps(bundle), {"Content-Type": "application/fhir+json"}
    )
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != http.HTTPStatus.OK:
        message = f"it refuses a transaction: {answer.status} {body[:200]!r}"
        raise UnavailableError(message)


def _started(database: Path) -> AbstractContextManager[Server]:
    return java.started(_HERE, "Stored", [f"jdbc:h2:file:{database}"])


@contextmanager
def _folder() -> Iterator[Path]:
    WORK.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="hapi-jpa-", dir=WORK))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
