"""Mutes are held to the territory of who mutes: on every store."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx2
import pytest

from gateway.connectors.jwks import JwksFetcher
from gateway.core.contributions import Json, Target
from gateway.core.egress import EgressPolicy
from gateway.core.facts import Status
from gateway.core.ports import Store
from gateway.entry.api.app import AppSettings, create_app
from gateway.entry.api.mutes import mutes_router
from gateway.entry.auth.keys import ClientKeys
from gateway.entry.auth.tokens import Tokens
from gateway.entry.auth.wall import client_of
from tests.contract.rest.conftest import Hand
from tests.contract.store.watch_builders import expects, save, turns
from tests.integration.rest.conftest import BASE, Shelf, issues
from tests.support.sharing import (
    CLINIC,
    HOSPITAL,
    Platform,
    consent,
    dac,
    organisation,
    person,
    stay,
)

RULE = "TRX-01"


class Mutes(Platform):
    """A platform that mutes."""

    async def call(self, name: str, **values: str) -> httpx2.Response:
        """Call an operation on mutes."""
        kinds = {"until": "valueDateTime"}
        listed = [
            {"name": key.replace("_", "-"), kinds.get(key, "valueString"): value}
            for key, value in values.items()
        ]
        body: Json = {"resourceType": "Parameters", "parameter": listed}
        headers = {"Authorization": f"Bearer {self.token}"}
        return await self.http.post(f"/fhir/${name}", json=body, headers=headers)

    async def mute(self, scope: str, now: Hand, **about: str) -> httpx2.Response:
        """Mute something for a day."""
        until = (now.now() + timedelta(days=1)).isoformat()
        said = {"reason": "false-alarm", "note": "Suivi par le réseau, vu au téléphone."}
        return await self.call("relais-mute", scope=scope, until=until, **said, **about)

    async def listed(self) -> int:
        """Return how many mutes are shown."""
        answer = await self.get("$relais-mutes")
        assert answer.status_code == 200, answer.text
        return len(answer.json().get("parameter", ()))


@pytest.fixture
async def platform(store: Store, shelf: Shelf, clock: Hand) -> AsyncIterator[Mutes]:
    """Give a platform whose territory is the hospital, where one of two persons was."""
    keys = ClientKeys(JwksFetcher(EgressPolicy()), clock)
    tokens = Tokens(store, clock, keys, f"{BASE}/auth/token")
    await shelf.put(
        organisation("hospital", HOSPITAL),
        organisation("clinic", CLINIC),
        person("p1"),
        person("p2"),
        stay("e1", "p1"),
        stay("e2", "p2", "clinic"),
        consent("c1", "p1"),
    )
    for one in ("p1", "p2"):
        row = expects(
            f"gap-{one}", Status.OVERDUE, person_id=one, patient=Target("Patient", one), rule=RULE
        )
        await save(store, [row], [turns(row.gap_id, row.status)], person=one)
    app = create_app(
        store,
        AppSettings(BASE, "9.9.9", "2026-11-21", clock=clock),
        routers=[mutes_router(store, clock, [RULE], client_of)],
        tokens=tokens,
    )
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=BASE) as http:
        found = Mutes(http, store, f"{BASE}/auth/token")
        await found.enter(dac(scopes="system/*.cruds"), clock.now())
        yield found


@pytest.mark.parametrize(
    ("scope", "shown", "hidden", "code"),
    [
        ("gap", {"gap": "gap-p1"}, {"gap": "gap-p2"}, "RLS-GAP-023"),
        (
            "patient-rule",
            {"patient": "p1", "rule": RULE},
            {"patient": "p2", "rule": RULE},
            "RLS-GAP-023",
        ),
        (
            "rule-establishment",
            {"rule": RULE, "organization": HOSPITAL},
            {"rule": RULE, "organization": CLINIC},
            "RLS-SEC-055",
        ),
    ],
)
async def test_what_is_hidden_is_not_muted(
    platform: Mutes,
    clock: Hand,
    scope: str,
    shown: dict[str, str],
    hidden: dict[str, str],
    code: str,
) -> None:
    refused = await platform.mute(scope, clock, **hidden)
    kept = await platform.store.read(lambda tx: tx.work.mutes())
    made = await platform.mute(scope, clock, **shown)

    assert [one[0] for one in issues(refused)] == [code]
    assert kept == []
    assert made.status_code == 200, made.text
    assert await platform.listed() == 1


async def test_a_hidden_gap_answers_as_one_that_is_not_there(platform: Mutes, clock: Hand) -> None:
    hidden, nowhere = [await platform.mute("gap", clock, gap=one) for one in ("gap-p2", "none")]

    assert (hidden.status_code, hidden.text) == (nowhere.status_code, nowhere.text)


async def test_a_domain_is_muted_by_nobody_with_a_territory(platform: Mutes, clock: Hand) -> None:
    refused = await platform.mute("recipient-domain", clock, domain="mssante.fr")

    assert refused.status_code == 403
    assert [one[0] for one in issues(refused)] == ["RLS-SEC-055"]


async def test_mutes_of_others_are_neither_listed_nor_lifted(platform: Mutes, clock: Hand) -> None:
    operator = dac(id="operator", territory=None, organisation="", scopes="system/*.cruds")
    dac_token = platform.token
    await platform.enter(operator, clock.now())
    mine = await platform.mute("gap", clock, gap="gap-p2")
    [made] = await platform.store.read(lambda tx: tx.work.mutes())
    seen_by_operator = await platform.listed()
    platform.token = dac_token

    assert mine.status_code == 200
    assert seen_by_operator == 1
    assert await platform.listed() == 0
    refused = await platform.call("relais-unmute", mute=made.id)
    assert [one[0] for one in issues(refused)] == ["RLS-GAP-027"]
    [still] = await platform.store.read(lambda tx: tx.work.mutes())
    assert still.lifted_at is None
