"""A call noted over REST closes what waits for a contact; taken back, it is awaited again."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import httpx2
import pytest

from gateway.core.contributions import Json
from gateway.entry.api.app import AppSettings, create_app
from gateway.entry.api.resources import resources_router
from gateway.mapping.yamltext import read_text_yaml
from gateway.pathway.facts import reduce
from gateway.pathway.rules import load
from gateway.store.factory import open_store
from gateway.store.memory import MemoryStore
from tests.integration.rest.conftest import BASE
from tests.support.assertions import paris
from tests.support.opened_gaps import Ward
from tests.support.writing import write_settings

#: Wants a call by the end of the tenth.
CALLED = """
id: TST-01
version: 1
name: {fr: "Appel après la sortie", en: "Call after the discharge"}
applies_from: 2020-01-01
trigger: {event: ENC.DISCHARGE}
deadline: {n: 1, unit: d}
closes: [{event: CALL.DONE}]
needs_feed: []
severity: minor
owner: {role: UNIT, org: trigger.establishment}
legal: {ref: "Relais", kind: default}
"""


@dataclass
class Platform:
    """A ward whose discharge waits for a call, and a platform that writes."""

    ward: Ward
    client: httpx2.AsyncClient
    id: str = ""

    async def note(self, at: str, **changes: object) -> httpx2.Response:
        """Write the call at an instant in Paris; the first time it is created."""
        self.ward.clock.instant = paris(at)
        patient = (await self.ward.rows())[0].patient.id
        body: Json = {
            "resourceType": "Communication",
            "status": "completed",
            "medium": [
                {
                    "coding": [
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode",
                            "code": "PHONE",
                        }
                    ]
                }
            ],
            "subject": {"reference": f"Patient/{patient}"},
            "received": "2026-03-10T11:00:00+01:00",
            **changes,
        }
        if self.id:
            url = f"/fhir/Communication/{self.id}"
            answer = await self.client.put(url, json={**body, "id": self.id})
        else:
            answer = await self.client.post("/fhir/Communication", json=body)
            self.id = answer.json().get("id", "")
        assert answer.status_code in (200, 201), answer.text
        await self.ward.watcher.drain()
        return answer

    async def status(self) -> str:
        return (await self.ward.row("TST-01")).status.value

    async def calls(self) -> list[str]:
        """Return the event times of the calls that are known."""
        patient = (await self.ward.rows())[0].patient.id
        told = await self.ward.store.read(lambda tx: tx.facts.of_person(patient))
        return [
            str(one.attributes["te"]) for one in reduce(told).values() if one.event[:4] == "CALL"
        ]


@pytest.fixture(params=["memory", "sqlite"])
async def platform(request, tmp_path) -> AsyncIterator[Platform]:
    store = MemoryStore() if request.param == "memory" else open_store(f"sqlite:///{tmp_path}/d")
    ward = await Ward.of(store)
    rules = ward.watcher.rules.overlaid(load({"TST-01": read_text_yaml(CALLED, "TST-01.yaml")}))
    await ward.use(replace(ward.watcher, rules=rules, changes=None))
    routers = [resources_router(store, ward.clock, write_settings())]
    app = create_app(store, AppSettings(BASE, "9.9.9", "2026-11-22"), routers=routers)
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE) as client:
        yield Platform(ward, client)
    await store.close()


async def test_a_call_that_is_noted_meets_what_waits_for_it(platform: Platform) -> None:
    assert await platform.status() == "pending"

    await platform.note("2026-03-10 12:00")

    assert await platform.status() == "met"
    assert await platform.calls() == ["2026-03-10T10:00:00Z"]


async def test_noted_late_it_closes_the_gap_by_when_it_took_place(platform: Platform) -> None:
    await platform.ward.at("2026-03-11 09:00")
    assert await platform.status() == "overdue"

    await platform.note("2026-03-11 10:00", received="2026-03-10")

    assert await platform.status() == "met"


@pytest.mark.parametrize("status", ["entered-in-error", "not-done"])
async def test_taken_back_it_is_waited_for_again(platform: Platform, status: str) -> None:
    await platform.note("2026-03-10 12:00")

    await platform.note("2026-03-10 13:00", status=status)

    assert await platform.status() == "pending"
    assert await platform.calls() == []


async def test_deleted_it_is_waited_for_again(platform: Platform) -> None:
    await platform.note("2026-03-10 12:00")
    platform.ward.clock.instant = paris("2026-03-10 13:00")

    await platform.client.delete(f"/fhir/Communication/{platform.id}")
    await platform.ward.watcher.drain()

    assert await platform.status() == "pending"


async def test_corrected_it_is_one_call_at_another_time(platform: Platform) -> None:
    await platform.note("2026-03-10 12:00")

    await platform.note("2026-03-10 13:00", received="2026-03-10T09:30:00+01:00")

    assert await platform.calls() == ["2026-03-10T08:30:00Z"]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"medium": [{"text": "courrier"}]}, id="on paper"),
        pytest.param({"status": "not-done"}, id="nobody answered"),
        pytest.param({"status": "in-progress"}, id="not over"),
    ],
)
async def test_what_is_no_call_meets_nothing(platform: Platform, changes: Json) -> None:
    await platform.note("2026-03-10 12:00", **changes)

    assert await platform.status() == "pending"
