"""The HTTP application over a store in memory, with a few invented resources."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx2
import orjson
import pytest

from gateway.core.contributions import Json, Target
from gateway.core.ports import NewVersion, Store, StoredResource
from gateway.entry.api.app import AppSettings, create_app
from gateway.fhir import search
from gateway.store.memory import MemoryStore

BASE = "http://relais.test:8080"
FIRST_COMMIT = datetime(2026, 3, 8, 7, 5, 9, 821_000, tzinfo=UTC)


class Shelf:
    """Puts resources into a store as a commit does."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def put(self, *resources: Json, at: datetime = FIRST_COMMIT) -> None:
        """Write the next version of each resource, all in one transaction."""
        keys = [(r["resourceType"], r["id"]) for r in resources]
        known = await self.store.read(lambda tx: tx.resources.current(keys))
        versions = []
        for resource, key in zip(resources, keys, strict=True):
            number = known[key].version + 1 if key in known else 1
            meta = {**resource.get("meta", {}), "versionId": str(number)}
            body = orjson.dumps({**resource, "meta": meta})
            row = StoredResource(*key, number, at, body, False, f"{number}", Target(*key))
            versions.append(NewVersion(row, search.index(resource)))
        await self.store.write(lambda tx: tx.resources.put(versions))

    async def delete(self, type_: str, id_: str, at: datetime = FIRST_COMMIT) -> None:
        """Write the deletion of a resource."""
        key = (type_, id_)
        before = (await self.store.read(lambda tx: tx.resources.current([key])))[key]
        row = StoredResource(*key, before.version + 1, at, b"", True, "", before.owner)
        await self.store.write(lambda tx: tx.resources.put([NewVersion(row, ())]))


def patient(id_: str = "p1", **elements: object) -> Json:
    """Return an invented Patient."""
    identifier = [{"system": "urn:oid:1.2.250.1.213.1.4.10", "value": "255068815400233"}]
    return {"resourceType": "Patient", "id": id_, "identifier": identifier, **elements}


def encounter(id_: str, **elements: object) -> Json:
    """Return an invented stay of patient p1."""
    return {
        "resourceType": "Encounter",
        "id": id_,
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "subject": {"reference": "Patient/p1"},
        **elements,
    }


def later(seconds: float) -> datetime:
    """Return an instant after the first commit."""
    return FIRST_COMMIT + timedelta(seconds=seconds)


@pytest.fixture
async def shelf() -> AsyncIterator[Shelf]:
    """Give an open store in memory."""
    store = MemoryStore()
    await store.open()
    yield Shelf(store)
    await store.close()


@pytest.fixture
async def client(shelf: Shelf) -> AsyncIterator[httpx2.AsyncClient]:
    """Give a client of the application over that store."""
    app = create_app(shelf.store, AppSettings(BASE, "9.9.9", "2026-11-21"))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE) as found:
        yield found


def issues(answer: httpx2.Response) -> list[tuple[str, str, str]]:
    """Return (our code, FHIR issue type, place) of each issue of an OperationOutcome."""
    outcome = answer.json()
    assert outcome["resourceType"] == "OperationOutcome"
    return [
        (
            issue["details"]["coding"][0]["code"],
            issue["code"],
            (issue.get("location") or issue.get("expression"))[0],
        )
        for issue in outcome["issue"]
    ]
