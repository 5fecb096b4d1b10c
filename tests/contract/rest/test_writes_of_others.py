"""A client writes about persons it may be shown, and gives itself no basis."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2
import pytest

from gateway.connectors.jwks import JwksFetcher
from gateway.core.contributions import Json
from gateway.core.egress import EgressPolicy
from gateway.core.ports import Store
from gateway.entry.api.app import AppSettings, create_app
from gateway.entry.api.resources import resources_router
from gateway.entry.auth.keys import ClientKeys
from gateway.entry.auth.tokens import Tokens
from tests.contract.rest.conftest import Hand
from tests.integration.rest.conftest import BASE, Shelf, issues
from tests.support.sharing import HOSPITAL, Platform, consent, dac, organisation, person, stay, team
from tests.support.writing import write_settings

TOKEN = f"{BASE}/auth/token"
DAC = replace(dac(), scopes="system/*.cruds")


@pytest.fixture
async def platform(store: Store, shelf: Shelf, clock: Hand) -> AsyncIterator[Platform]:
    """Give a platform that may be shown p1, not p2."""
    tokens = Tokens(store, clock, ClientKeys(JwksFetcher(EgressPolicy()), clock), TOKEN)
    app = create_app(
        store,
        AppSettings(BASE, "9.9.9", "2026-11-21", clock=clock),
        routers=[resources_router(store, clock, write_settings())],
        tokens=tokens,
    )
    await shelf.put(
        organisation("hospital", HOSPITAL),
        *(person(id_) for id_ in ("p1", "p2")),
        stay("e1", "p1"),
        stay("e2", "p2"),
        consent("c1", "p1", categories=("handoff",)),
        {**team("t2", "p2", "690000777"), "identifier": [{"system": "urn:t", "value": "T2"}]},
    )
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=BASE) as http:
        found = Platform(http, store, TOKEN)
        await found.enter(DAC, clock.now())
        yield found


async def sent(platform: Platform, method: str, path: str, body: Json | None = None, **headers):
    headers |= {"Authorization": f"Bearer {platform.token}"}
    return await platform.http.request(method, f"/fhir/{path}", json=body, headers=headers)


def own(patient: str) -> Json:
    """Return a care team as a client writes it."""
    made = team("x", patient)
    del made["id"]
    return made


async def test_of_a_person_one_may_not_be_shown_nothing_is_written(platform: Platform) -> None:
    hidden = await sent(platform, "POST", "CareTeam", own("p2"))
    unknown = await sent(platform, "POST", "CareTeam", own("nobody"))

    assert (hidden.status_code, issues(hidden)) == (unknown.status_code, issues(unknown))
    assert hidden.status_code in (400, 409, 412, 422)


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_what_is_hidden_can_not_be_changed(platform: Platform, method: str) -> None:
    body = {**own("p1"), "id": "t2"} if method == "PUT" else None

    answer = await sent(platform, method, "CareTeam/t2", body)

    assert answer.status_code == 404


async def test_a_hidden_duplicate_is_no_duplicate(platform: Platform) -> None:
    made = {**own("p1"), "identifier": [{"system": "urn:t", "value": "T2"}]}

    answer = await sent(
        platform, "POST", "CareTeam", made, **{"If-None-Exist": "identifier=urn:t|T2"}
    )

    assert answer.status_code == 201, answer.text


async def test_nobody_gives_itself_a_basis(platform: Platform, shelf: Shelf, clock: Hand) -> None:
    made = await sent(platform, "POST", "CareTeam", own("p1"))
    assert made.status_code == 201, made.text
    await shelf.put(
        {
            "resourceType": "Observation",
            "id": "o1",
            "status": "final",
            "code": {"text": "x"},
            "subject": {"reference": "Patient/p1"},
        }
    )
    refused = (await platform.get("Observation/o1")).status_code
    await platform.enter(replace(DAC, records_consents=True), clock.now())

    assert refused == 404
    assert (await platform.get("Observation/o1")).status_code == 200
