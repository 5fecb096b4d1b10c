"""A gateway in its own process, filled and guarded, for clients that nobody here wrote."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from json import dumps
from pathlib import Path
from time import time

import httpx2
import pytest

from gateway.core.access import Client
from gateway.store.factory import open_store
from tests.integration.rest.conftest import FIRST_COMMIT, Shelf, encounter, patient
from tests.support.process import GatewayProcess
from tests.support.smart import JWKS, assertion, form

#: Persons, by tens a page.
PERSONS = [f"p{number:02}" for number in range(25)]


@dataclass(frozen=True, slots=True)
class Server:
    """Where the gateway is, and with what token it may be asked.

    Attributes:
        base: address of the FHIR door, without trailing slash.
        token: valid for five minutes.
    """

    base: str
    token: str


def _name(number: int) -> list[dict[str, object]]:
    return [{"use": "official", "family": f"ESSAI{number:02}", "given": ["Ada"]}]


async def _fill(url: str) -> None:
    store = open_store(url)
    await store.open()
    shelf = Shelf(store)
    await shelf.put(*(patient(id_, name=_name(n)) for n, id_ in enumerate(PERSONS)))
    changed = patient("p00", name=_name(0), active=True)
    await shelf.put(changed, at=FIRST_COMMIT + timedelta(seconds=9))
    await shelf.put(encounter("e1", subject={"reference": "Patient/p00"}))
    client = Client("dac", "DAC des Essais", "system/*.rs", jwks=dumps(JWKS))
    await store.write(lambda tx: tx.access.put_client(client))
    await store.close()


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """Give `relais serve` on a filled SQLite file."""
    folder: Path = tmp_path_factory.mktemp("clients")
    url = f"sqlite:///{folder / 'relais.db'}"
    asyncio.run(_fill(url))
    process = GatewayProcess(url, folder).start()
    yield process
    process.stop()


@pytest.fixture
def server(gateway: GatewayProcess) -> Server:
    """Give the address of the gateway and a fresh token (SMART Backend Services)."""
    with httpx2.Client(base_url=gateway.url, timeout=60) as http:
        said = http.get("/fhir/.well-known/smart-configuration").json()
        signed = assertion(time(), said["token_endpoint"])
        given = http.post(said["token_endpoint"], data=form(signed))
    return Server(f"{gateway.url}/fhir", given.json()["access_token"])
