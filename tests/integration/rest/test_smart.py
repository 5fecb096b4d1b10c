"""SMART Backend Services over HTTP: registration, token, scopes, and what is refused."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import httpx2
import pytest

from gateway.connectors.jwks import JwksFetcher
from gateway.core.access import Client
from gateway.core.egress import EgressPolicy
from gateway.entry.api.app import AppSettings, create_app
from gateway.entry.auth.keys import ClientKeys
from gateway.entry.auth.tokens import Tokens
from tests.integration.rest.conftest import BASE, Shelf, patient
from tests.support.pipeline import START, HandClock
from tests.support.smart import EC, JWKS, OTHER, assertion, form

TOKEN = f"{BASE}/auth/token"
SCOPES = "system/Patient.rs system/Task.rus"
DAC = Client("dac", "DAC des Essais", SCOPES, jwks=json.dumps(JWKS))


class Desk:
    """A client application beside the gateway."""

    def __init__(self, shelf: Shelf, clock: HandClock, http: httpx2.AsyncClient) -> None:
        self.shelf, self.clock, self.http = shelf, clock, http

    async def register(self, client: Client = DAC) -> None:
        await self.shelf.store.write(lambda tx: tx.access.put_client(client))

    def assertion(self, key=EC, **over) -> str:
        return assertion(self.clock.now().timestamp(), TOKEN, key, **over)

    async def token(self, signed: str = "", **over: str) -> httpx2.Response:
        return await self.http.post("/auth/token", data=form(signed or self.assertion(), **over))

    async def get(self, path: str, token: str = "") -> httpx2.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return await self.http.get(f"/fhir/{path}", headers=headers)


@pytest.fixture
async def desk(shelf: Shelf) -> AsyncIterator[Desk]:
    """Give a client of the application, which is guarded."""
    clock = HandClock(START)
    keys = ClientKeys(JwksFetcher(EgressPolicy(allow_loopback=True)), clock)
    tokens = Tokens(shelf.store, clock, keys, TOKEN)
    app = create_app(shelf.store, AppSettings(BASE, "9.9.9", "2026-11-22"), tokens=tokens)
    await shelf.put(patient())
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=BASE) as http:
        yield Desk(shelf, clock, http)


def code(answer: httpx2.Response) -> str:
    return answer.json()["issue"][0]["details"]["coding"][0]["code"]


async def test_without_clients_this_machine_may_do_everything(desk: Desk) -> None:
    assert (await desk.get("Patient/p1")).status_code == 200


async def test_from_the_first_client_on_a_token_is_needed(desk: Desk, monkeypatch) -> None:
    monkeypatch.setattr("gateway.entry.auth.wall._BELIEVED_S", 0.0)
    await desk.get("Patient/p1")
    await desk.register()

    refused = await desk.get("Patient/p1")

    assert (refused.status_code, code(refused)) == (401, "RLS-SEC-020")
    assert refused.headers["www-authenticate"] == "Bearer"
    assert (await desk.get("metadata")).status_code == 200
    assert (await desk.get(".well-known/smart-configuration")).json()["token_endpoint"] == TOKEN


async def test_a_client_gets_a_token_and_reads(desk: Desk) -> None:
    await desk.register()
    given = await desk.token(scope="system/Patient.r system/Encounter.r")

    assert given.status_code == 200, given.text
    assert given.headers["cache-control"] == "no-store"
    said = given.json()
    assert (said["token_type"], said["expires_in"], said["scope"]) == (
        "bearer",
        300,
        "system/Patient.r",
    )
    assert (await desk.get("Patient/p1", said["access_token"])).status_code == 200
    searched = await desk.get("Patient", said["access_token"])
    assert (searched.status_code, code(searched)) == (403, "RLS-SEC-021")
    assert (await desk.get("Encounter/nothing", said["access_token"])).status_code == 403


async def test_a_token_ends_and_can_be_taken_back(desk: Desk) -> None:
    await desk.register()
    first, second = [(await desk.token()).json()["access_token"] for _ in range(2)]
    desk.clock.advance(seconds=299)
    assert (await desk.get("Patient/p1", first)).status_code == 200
    desk.clock.advance(seconds=1)
    ended = await desk.get("Patient/p1", first)
    assert (ended.status_code, 'error="invalid_token"' in ended.headers["www-authenticate"]) == (
        401,
        True,
    )
    third = (await desk.token()).json()["access_token"]
    await desk.shelf.store.write(lambda tx: tx.access.drop_grants("dac"))
    assert (await desk.get("Patient/p1", third)).status_code == 401
    assert (await desk.get("Patient/p1", second)).status_code == 401


async def test_a_client_that_is_off_is_nobody(desk: Desk) -> None:
    await desk.register()
    token = (await desk.token()).json()["access_token"]
    off = Client("dac", "DAC", SCOPES, jwks=DAC.jwks, active=False)
    await desk.register(off)

    assert (await desk.get("Patient/p1", token)).status_code == 401
    assert (await desk.token()).json() == {"error": "invalid_client"}


async def test_an_assertion_is_taken_once(desk: Desk) -> None:
    await desk.register()
    signed = desk.assertion()

    assert (await desk.token(signed)).status_code == 200
    again = await desk.token(signed)
    assert (again.status_code, again.json()) == (400, {"error": "invalid_client"})


async def test_an_assertion_that_is_refused_burns_nothing(desk: Desk) -> None:
    await desk.register()

    assert (await desk.token(desk.assertion(jti="the-same-one", aud="x"))).status_code == 400
    assert (await desk.token(desk.assertion(jti="the-same-one"))).status_code == 200


async def test_why_is_told_to_nobody_outside(desk: Desk) -> None:
    await desk.register()
    faults = [
        desk.assertion(OTHER),
        desk.assertion(iss="nobody", sub="nobody"),
        desk.assertion(head={"jku": "https://evil.test"}),
        desk.assertion(exp=int((START + timedelta(hours=1)).timestamp())),
        "nonsense",
    ]

    answers = [await desk.token(one) for one in faults]

    assert {(one.status_code, one.text) for one in answers} == {(400, '{"error":"invalid_client"}')}


@pytest.mark.parametrize(
    ("over", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"client_assertion_type": "other"}, "invalid_request"),
        ({"scope": "system/Encounter.rs"}, "invalid_scope"),
        ({"scope": "junk"}, "invalid_scope"),
    ],
)
async def test_requests_that_get_no_token(desk: Desk, over, error) -> None:
    await desk.register()

    answer = await desk.token(**over)

    assert (answer.status_code, answer.json()) == (400, {"error": error})


async def test_a_parameter_twice_and_another_media_type(desk: Desk) -> None:
    twice = await desk.http.post(
        "/auth/token",
        content="grant_type=client_credentials&grant_type=password",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )

    assert twice.json() == {"error": "invalid_request"}
    assert (await desk.http.post("/auth/token", json={})).status_code == 415


@pytest.mark.parametrize("header", ["Basic abc", "Bearer", "Bearer ", "Bearer unknown", "x"])
async def test_other_credentials_are_none_even_without_clients(desk: Desk, header: str) -> None:
    answer = await desk.http.get("/fhir/Patient/p1", headers={"Authorization": header})

    assert answer.status_code == 401


async def test_a_client_that_asks_too_often_waits(desk: Desk, monkeypatch) -> None:
    monkeypatch.setattr("gateway.entry.auth.wall._BURST", 2.0)
    monkeypatch.setattr("gateway.entry.auth.wall._RATE", 0.1)
    await desk.register()
    token = (await desk.token()).json()["access_token"]

    answers = [await desk.get("Patient/p1", token) for _ in range(4)]

    assert 429 in [one.status_code for one in answers]
    slowed = answers[-1]
    assert (code(slowed), int(slowed.headers["retry-after"]) >= 1) == ("RLS-SEC-022", True)


@pytest.mark.parametrize(
    ("form", "status"),
    [
        pytest.param("active=true", 200, id="a search of the type"),
        pytest.param("_revinclude=Encounter:subject", 200, id="a type of the scopes"),
        pytest.param("_has:Encounter:subject:status=finished", 200, id="another of the scopes"),
        pytest.param("_revinclude=Task:focus", 403, id="a type beyond the scopes"),
        pytest.param("_include=Patient:link", 403, id="any type"),
        pytest.param("general-practitioner:Practitioner.name=x", 403, id="a chain"),
        pytest.param("_has:Encounter:subject:location:Location.name=x", 403, id="a second step"),
    ],
)
async def test_a_search_by_form_looks_no_further_than_the_scopes(
    desk: Desk, form: str, status: int
) -> None:
    scopes = "system/Patient.rs system/Encounter.rs"
    await desk.register(replace(DAC, scopes=scopes))
    token = (await desk.token(scope=scopes)).json()["access_token"]
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/x-www-form-urlencoded",
    }

    answer = await desk.http.post("/fhir/Patient/_search", content=form, headers=headers)

    assert answer.status_code == status
    assert status == 200 or code(answer) == "RLS-SEC-021"


async def test_what_the_server_says_of_itself(desk: Desk) -> None:
    security = (await desk.get("metadata")).json()["rest"][0]["security"]

    assert security["service"][0]["coding"][0]["code"] == "SMART-on-FHIR"


async def test_a_client_that_asks_for_too_many_tokens_waits(desk: Desk) -> None:
    await desk.register()

    answers = [await desk.token() for _ in range(11)]

    assert [one.status_code for one in answers] == [*[200] * 10, 429]
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert answers[-1].json() == {"error": "slow_down"}


async def test_who_is_not_the_client_does_not_use_up_its_tokens(desk: Desk) -> None:
    await desk.register()

    for _ in range(12):
        await desk.token(desk.assertion(OTHER))

    assert (await desk.token()).status_code == 200


@pytest.mark.field("FL-335")
async def test_no_answer_repeats_an_assertion_or_a_token(desk: Desk) -> None:
    await desk.register()
    sentinel = "zzsentinelle"
    answers = [
        await desk.token(desk.assertion(OTHER, jti=sentinel + "0000")),
        await desk.token(desk.assertion(sub=sentinel)),
        await desk.token(sentinel),
        await desk.get("Patient/p1", sentinel),
    ]

    assert [one.status_code for one in answers] == [400, 400, 400, 401]
    assert not any(sentinel in one.text or sentinel in str(one.headers) for one in answers)


async def test_a_search_that_costs_too_much_is_refused(desk: Desk) -> None:
    await desk.register()
    token = (await desk.token()).json()["access_token"]
    many = "&".join(["active=true"] * 31)

    refused = await desk.get(f"Patient?{many}", token)

    assert (refused.status_code, code(refused)) == (400, "RLS-SEC-047")
    assert refused.json()["issue"][0]["code"] == "too-costly"
