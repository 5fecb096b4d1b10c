"""A client of bulk exports beside the gateway and its worker."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx2
import orjson

from gateway.connectors.jwks import JwksFetcher
from gateway.core.access import Client
from gateway.core.clock import Clock
from gateway.core.contributions import Json
from gateway.core.egress import EgressPolicy
from gateway.core.ports import Store
from gateway.entry.api.app import AppSettings, create_app
from gateway.entry.api.export import ExportSettings, export_router
from gateway.entry.auth.keys import ClientKeys
from gateway.entry.auth.tokens import Tokens
from gateway.pipeline.exporting import Exporter
from tests.integration.rest.conftest import BASE
from tests.support.smart import JWKS, assertion, form

ASYNC = {"Prefer": "respond-async", "Accept": "application/fhir+json"}
FHIR = f"{BASE}/fhir"
TOKEN = f"{BASE}/auth/token"


class Desk:
    """A client application beside the gateway and its worker."""

    def __init__(self, store: Store, clock: Clock, http: httpx2.AsyncClient) -> None:
        self.store, self.clock, self.http = store, clock, http
        self.headers: dict[str, str] = {}

    async def ask(self, path: str, headers: dict[str, str] | None = None) -> httpx2.Response:
        return await self.http.get(f"/fhir/{path}", headers={**self.headers, **(headers or ASYNC)})

    async def work(self) -> int:
        return await Exporter(self.store, self.clock, timedelta(seconds=1), FHIR).step()

    async def status(self, begun: httpx2.Response) -> httpx2.Response:
        return await self.http.get(begun.headers["content-location"], headers=self.headers)

    async def manifest(self, path: str) -> Json:
        """Return the manifest of a new export, made at once."""
        begun = await self.ask(path)
        assert begun.status_code == 202, begun.text
        await self.work()
        done = await self.status(begun)
        assert done.status_code == 200, done.text
        return done.json()

    async def lines(self, manifest: Json, kind: str = "output") -> list[Json]:
        """Return every line of every file, in their order."""
        found = []
        for file in manifest[kind]:
            answer = await self.http.get(file["url"], headers=self.headers)
            assert answer.headers["content-type"] == "application/fhir+ndjson"
            rows = [orjson.loads(line) for line in answer.content.splitlines()]
            assert len(rows) == file["count"]
            assert {row["resourceType"] for row in rows} == {file["type"]}
            found += rows
        return found

    async def exported(self, path: str) -> list[str]:
        return [
            f"{one['resourceType']}/{one['id']}"
            for one in await self.lines(await self.manifest(path))
        ]


@asynccontextmanager
async def opened(store: Store, clock: Clock) -> AsyncIterator[Desk]:
    """Open the doors over a store, which keep two exports of a client for two hours."""
    keys = ClientKeys(JwksFetcher(EgressPolicy(allow_loopback=True)), clock)
    tokens = Tokens(store, clock, keys, TOKEN)
    router = export_router(store, clock, ExportSettings(FHIR, timedelta(hours=2), per_client=2))
    settings = AppSettings(BASE, "9.9.9", "2026-11-21", clock=clock)
    app = create_app(store, settings, routers=[router], tokens=tokens)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=BASE) as http:
        yield Desk(store, clock, http)


async def register(desk: Desk, name: str, scopes: str) -> dict[str, str]:
    """Register a client and return the headers with its token."""
    client = Client(name, name, scopes, jwks=json.dumps(JWKS))
    await desk.store.write(lambda tx: tx.access.put_client(client))
    signed = assertion(desk.clock.now().timestamp(), TOKEN, iss=name, sub=name)
    given = await desk.http.post("/auth/token", data=form(signed))
    return {"Authorization": f"Bearer {given.json()['access_token']}"}
