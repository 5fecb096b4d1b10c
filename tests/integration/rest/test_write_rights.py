"""What the scopes of a client let it write, also inside a Bundle and by criteria (SMART 2.2)."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2
import pytest

from gateway.connectors.jwks import JwksFetcher
from gateway.core.access import Client
from gateway.core.contributions import Json
from gateway.core.egress import EgressPolicy
from gateway.entry.api.app import AppSettings, create_app
from gateway.entry.api.resources import resources_router
from gateway.entry.api.transactions import transactions_router
from gateway.entry.auth.keys import ClientKeys
from gateway.entry.auth.tokens import Tokens
from tests.integration.rest.conftest import BASE, Shelf, issues
from tests.support.pipeline import START, HandClock
from tests.support.smart import JWKS, assertion, form
from tests.support.writing import care_team, write_settings

TOKEN = f"{BASE}/auth/token"
T1 = {"If-None-Exist": "identifier=urn:example:teams|T-1"}
DAC = Client("dac", "DAC des Essais", "", jwks=json.dumps(JWKS))


class Desk:
    """A client application whose scopes a test chooses."""

    def __init__(self, shelf: Shelf, clock: HandClock, http: httpx2.AsyncClient) -> None:
        self.shelf, self.clock, self.http = shelf, clock, http

    async def with_scopes(self, scopes: str) -> dict[str, str]:
        """Register the client with scopes; return the header of its token."""
        client = replace(DAC, scopes=scopes)
        await self.shelf.store.write(lambda tx: tx.access.put_client(client))
        signed = assertion(self.clock.now().timestamp(), TOKEN)
        answer = await self.http.post("/auth/token", data=form(signed))
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}


@pytest.fixture
async def desk(shelf: Shelf) -> AsyncIterator[Desk]:
    """Give a client of the application, which is guarded and takes writes."""
    clock = HandClock(START)
    keys = ClientKeys(JwksFetcher(EgressPolicy(allow_loopback=True)), clock)
    tokens = Tokens(shelf.store, clock, keys, TOKEN)
    routers = [
        transactions_router(shelf.store, clock, write_settings()),
        resources_router(shelf.store, clock, write_settings()),
    ]
    settings = AppSettings(BASE, "9.9.9", "2026-11-22")
    app = create_app(shelf.store, settings, routers=routers, tokens=tokens)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=BASE) as http:
        yield Desk(shelf, clock, http)


def bundle(type_: str, *entries: tuple[str, str, Json | None]) -> Json:
    """Return a Bundle of requests."""
    made = [
        {**({"resource": one} if one else {}), "request": {"method": method, "url": url}}
        for method, url, one in entries
    ]
    return {"resourceType": "Bundle", "type": type_, "entry": made}


ALL = ("create", "found", "update", "put new", "patch", "delete", "by criteria", "transaction")


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [
        ("system/CareTeam.c", {"create", "transaction"}),
        ("system/CareTeam.cs", {"create", "found", "transaction"}),
        ("system/CareTeam.cu", {"create", "update", "put new", "patch", "transaction"}),
        ("system/CareTeam.u", {"update", "patch"}),
        ("system/CareTeam.d", {"delete"}),
        ("system/CareTeam.ds", {"delete", "by criteria"}),
        ("system/CareTeam.rs", set()),
        ("system/Task.cruds", set()),
        ("system/*.cruds", set(ALL)),
    ],
)
async def test_a_client_writes_what_its_scopes_allow(
    desk: Desk, scopes: str, allowed: set[str]
) -> None:
    full = await desk.with_scopes("system/*.cruds")
    for id_ in ("a", "b", "c"):
        await desk.http.put(f"/fhir/CareTeam/{id_}", json=care_team(id=id_), headers=full)
    who = await desk.with_scopes(scopes)
    patch = who | {"Content-Type": "application/json-patch+json"}
    renamed = [{"op": "replace", "path": "/name", "value": "Autre"}]
    changed = care_team(id="a", name="Neuve")

    answers = {
        "create": await desk.http.post("/fhir/CareTeam", json=care_team(), headers=who),
        "found": await desk.http.post(
            "/fhir/CareTeam",
            json=care_team(),
            headers=who | {"If-None-Exist": "identifier=urn:x|0"},
        ),
        "update": await desk.http.put("/fhir/CareTeam/a", json=changed, headers=who),
        "put new": await desk.http.put("/fhir/CareTeam/n", json=care_team(id="n"), headers=who),
        "patch": await desk.http.patch("/fhir/CareTeam/b", json=renamed, headers=patch),
        "delete": await desk.http.delete("/fhir/CareTeam/c", headers=who),
        "by criteria": await desk.http.delete("/fhir/CareTeam?identifier=urn:x|9", headers=who),
        "transaction": await desk.http.post(
            "/fhir", json=bundle("transaction", ("POST", "CareTeam", care_team())), headers=who
        ),
    }

    refused = {name for name, answer in answers.items() if answer.status_code == 403}
    assert refused == set(ALL) - allowed
    for name in refused:
        assert issues(answers[name])[0][0] == "RLS-SEC-021"
    assert all(answers[name].status_code < 300 for name in allowed)


async def test_one_entry_that_is_not_allowed_stops_the_whole(desk: Desk) -> None:
    who = await desk.with_scopes("system/CareTeam.c")
    communication = {"resourceType": "Communication", "status": "completed"}
    entries = (("POST", "CareTeam", care_team()), ("POST", "Communication", communication))

    all_or_none = await desk.http.post("/fhir", json=bundle("transaction", *entries), headers=who)
    each = await desk.http.post("/fhir", json=bundle("batch", *entries), headers=who)
    who = await desk.with_scopes("system/*.rs")
    kept = await desk.http.get("/fhir/CareTeam", headers=who)

    assert all_or_none.status_code == 403
    assert [one["response"]["status"][:3] for one in each.json()["entry"]] == ["201", "403"]
    assert kept.json()["total"] == 1
