"""kill -9 while an export is made and while it is fetched: made whole, once, and fetched whole."""

import asyncio
import json
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse

import orjson
import psycopg
import pytest

from gateway.store.factory import open_store
from tests.integration.rest.conftest import Shelf, encounter, patient
from tests.support import postgres
from tests.support.moved_serve import VARIABLE, MovedClock
from tests.support.process import GatewayProcess

pytestmark = [pytest.mark.acceptance, pytest.mark.long]

#: The minute of a lease lasts less than a second.
SCALE = 100.0
PATIENTS, STAYS, BATCH = 3000, 3000, 1000
#: A job is begun three times at most.
KILLS = 2
#: More than the sockets between two processes hold is still to come when the first byte is there.
WORDS = "ce qui remplit une ligne " * 100
#: Alternatives that all mean every stay: each is looked for, so that making takes a while.
YEARS = [f"Encounter?date=ge{year}" for year in range(1960, 1990)]


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request, tmp_path):
    with ExitStack() as stack:
        if request.param == "sqlite":
            yield f"sqlite:///{tmp_path}/kill.db"
        else:
            address = stack.enter_context(postgres.server())
            yield stack.enter_context(postgres.database(address))


async def fill(store_url: str) -> set[str]:
    """Put stays with many words and their patients into the store; return their names."""
    made = [
        *(patient(f"p{number}") for number in range(PATIENTS)),
        *(
            encounter(
                f"e{number}",
                period={"start": "2026-03-01T08:00:00+01:00"},
                text={"status": "generated", "div": WORDS},
            )
            for number in range(STAYS)
        ),
    ]
    store = open_store(store_url)
    await store.open()
    try:
        for start in range(0, len(made), BATCH):
            await Shelf(store).put(*made[start : start + BATCH])
    finally:
        await store.close()
    if store_url.startswith("postgresql"):
        # As a server does by itself a minute after so much was written.
        with psycopg.connect(store_url.replace("+psycopg", "")) as connection:
            connection.execute("ANALYZE")
    return {f"{one['resourceType']}/{one['id']}" for one in made}


class Client:
    """A client that fetches; what is cut off is asked for again."""

    def __init__(self, gateway: GatewayProcess) -> None:
        self.gateway = gateway

    @contextmanager
    def ask(self, path: str) -> Iterator[HTTPResponse]:
        """Send a request and give its answer once its head is there."""
        connection = HTTPConnection("127.0.0.1", self.gateway.ports["http"], timeout=60)
        headers = {"Prefer": "respond-async", "Accept": "application/fhir+json"}
        try:
            connection.request("GET", path, headers=headers)
            yield connection.getresponse()
        finally:
            connection.close()

    def begin(self, path: str) -> str:
        """Begin an export; return the address of its job."""
        with self.ask(path) as answer:
            assert answer.status == 202, answer.read()
            return below(answer.getheader("Content-Location"))

    def fetch(self, path: str) -> bytes:
        """Return a file to its end."""
        with self.ask(path) as answer:
            return answer.read()

    def status(self, job: str) -> tuple[int, str, bytes]:
        """Return status, progress and body of a job."""
        with self.ask(job) as answer:
            return answer.status, answer.getheader("X-Progress", ""), answer.read()

    def until(self, job: str, progress: str) -> bytes:
        """Look until a job has come so far, or is done. Return the body."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            status, told, body = self.status(job)
            assert status in (200, 202), (body, self.gateway.log())
            if status == 200 or told == progress:
                return body
            # Another process tells nobody of its steps: it is looked at.
            time.sleep(0.005)
        raise AssertionError(f"never {progress}: {told}")


def below(address: str) -> str:
    """Return an address without its server: each start has another port."""
    return "/fhir/" + address.partition("/fhir/")[2]


def test_an_export_is_whole_whenever_its_process_is_killed(store_url, tmp_path):
    chance = random.Random(store_url.partition(":")[0])
    names = asyncio.run(fill(store_url))
    clock = MovedClock(tmp_path / "clock.json")
    clock.move(datetime(2026, 3, 9, 12, tzinfo=UTC), SCALE)
    gateway = GatewayProcess(
        store_url, tmp_path, {VARIABLE: str(clock.path)}, module="tests.support.moved_serve"
    )
    client = Client(gateway)
    gateway.start()
    try:
        wanted = f"_type=Patient,Encounter&_typeFilter={','.join(YEARS)}"
        job = client.begin(f"/fhir/$export?{wanted}")
        for _ in range(KILLS):
            client.until(job, "in progress")
            time.sleep(chance.uniform(0.0, 0.3))
            gateway.kill()
            gateway.start()

        manifest = json.loads(client.until(job, "done"))
        files = {below(one["url"]): one["count"] for one in manifest["output"]}
        stays = next(below(one["url"]) for one in manifest["output"] if one["type"] == "Encounter")
        with client.ask(stays) as cut:
            cut.read(100)
            gateway.kill()
            with pytest.raises((HTTPException, OSError)):
                cut.read()
        gateway.start()

        told = json.loads(client.until(job, "done"))
        lines = {path: client.fetch(path).splitlines() for path in files}
    finally:
        gateway.kill()

    assert _apart_from_addresses(told) == _apart_from_addresses(manifest)
    assert {path: len(found) for path, found in lines.items()} == files
    rows = [orjson.loads(line) for found in lines.values() for line in found]
    found = [f"{one['resourceType']}/{one['id']}" for one in rows]
    assert len(found) == len(set(found))
    assert set(found) == names


def _apart_from_addresses(manifest: dict) -> dict:
    output = [{**one, "url": below(one["url"])} for one in manifest["output"]]
    return {**manifest, "output": output, "request": below(manifest["request"])}
