"""The life of a gap over REST: taken, put off, passed on; muted, silent, told again."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx2
import pytest

from gateway.core.contributions import Json
from gateway.entry.api.app import AppSettings, create_app
from gateway.entry.api.mutes import mutes_router
from gateway.entry.api.resources import resources_router
from gateway.entry.api.subscriptions import local_client
from gateway.pathway.rulefiles import rule_ids
from gateway.store.factory import open_store
from gateway.store.memory import MemoryStore
from tests.integration.rest.conftest import BASE, issues
from tests.support.assertions import paris
from tests.support.opened_gaps import LETTER, Ward, business, deferred
from tests.support.writing import write_settings

NOTE = "Suivi par le réseau, vu au téléphone."


@dataclass
class Desk:
    """A ward with open gaps, and somebody who works on it over REST."""

    ward: Ward
    client: httpx2.AsyncClient

    async def task(self, rule: str = LETTER) -> httpx2.Response:
        """Read the Task of a gap."""
        return await self.client.get(f"/fhir/Task/{(await self.ward.task(rule))['id']}")

    async def write(self, at: str, **changes: object) -> httpx2.Response:
        """Write the Task as it was read, with changes, at an instant in Paris."""
        self.ward.clock.instant = paris(at)
        read = await self.task()
        headers = {"If-Match": read.headers["etag"]}
        sent = {**read.json(), **changes}
        answer = await self.client.put(f"/fhir/Task/{sent['id']}", json=sent, headers=headers)
        await self.ward.watcher.drain()
        return answer

    async def call(self, at: str, name: str, **values: str) -> httpx2.Response:
        """Call an operation at an instant in Paris."""
        self.ward.clock.instant = paris(at)
        kinds = {"gap": "valueReference", "until": "valueDateTime"}
        listed = [
            {"name": key.replace("_", "-"), kinds.get(key, "valueString"): said(key, value)}
            for key, value in values.items()
        ]
        body = {"resourceType": "Parameters", "parameter": listed}
        answer = await self.client.post(f"/fhir/${name}", json=body)
        await self.ward.watcher.drain()
        return answer


def said(key: str, value: str) -> object:
    return {"reference": value} if key == "gap" else value


@pytest.fixture(params=["memory", "sqlite"])
async def desk(request, tmp_path) -> AsyncIterator[Desk]:
    """Give a desk whose two gaps just opened."""
    store = MemoryStore() if request.param == "memory" else open_store(f"sqlite:///{tmp_path}/d")
    ward = await Ward.of(store)
    await ward.at("2026-03-10 00:00", "2026-03-10 05:59:59")
    app = create_app(
        store,
        AppSettings(BASE, "9.9.9", "2026-11-22"),
        routers=[
            resources_router(store, ward.clock, write_settings()),
            mutes_router(store, ward.clock, rule_ids(), local_client),
        ],
    )
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE) as client:
        yield Desk(ward, client)
    await store.close()


def parts(answer: httpx2.Response, number: int = 0) -> dict[str, object]:
    one = answer.json()["parameter"][number]
    return {part["name"]: next(v for k, v in part.items() if k != "name") for part in one["part"]}


async def test_a_task_is_taken_put_off_wakes_and_is_passed_on(desk: Desk) -> None:
    taken = await desk.write("2026-03-10 09:00", status="accepted", owner={"display": "DAC"})
    slept = await desk.write("2026-03-10 10:00", **deferred("2026-03-12 08:00"))
    assert (taken.status_code, slept.status_code) == (200, 200), slept.text

    await desk.ward.at("2026-03-12 08:00")
    woken = (await desk.task()).json()
    await desk.ward.at("2026-03-12 23:59:59")
    passed_on = (await desk.task()).json()

    assert (woken["status"], business(woken)) == ("in-progress", "en-cours")
    assert (passed_on["status"], passed_on["priority"]) == ("in-progress", "stat")
    assert business(passed_on) == "escalade"
    assert passed_on["owner"] == {"display": "DAC"}


async def test_an_alert_that_left_is_read_and_found(desk: Desk) -> None:
    await desk.ward.at("2026-03-11 23:59:59")
    task = (await desk.task()).json()

    found = await desk.client.get(f"/fhir/Communication?patient={task['for']['reference']}")
    [alert] = [
        one["resource"]
        for one in found.json()["entry"]
        if any(ref["reference"] == f"Task/{task['id']}" for ref in one["resource"]["about"])
    ]
    read = await desk.client.get(f"/fhir/Communication/{alert['id']}")

    assert read.json() == alert
    assert (alert["status"], alert["priority"]) == ("completed", "stat")
    assert alert["recipient"][0]["identifier"]["value"] == "IDEC"


async def test_a_gap_is_muted_silent_and_told_again(desk: Desk) -> None:
    task = (await desk.task()).json()
    gap = task["focus"]["reference"]

    made = await desk.call(
        "2026-03-10 09:00", "relais-mute", scope="gap", gap=gap, reason="false-alarm",
        until="2026-03-15T09:00:00+01:00", note=NOTE, author="Dr Essai",
    )  # fmt: skip
    hidden = (await desk.task()).json()
    await desk.ward.at("2026-03-11 23:59:59", "2026-03-15 09:00")
    again = (await desk.task()).json()
    listed = await desk.client.get("/fhir/$relais-mutes")

    assert made.status_code == 200, made.text
    assert parts(made)["author"] == "Dr Essai (local)"
    assert (hidden["status"], business(hidden)) == ("requested", "en-sourdine")
    assert (business(again), again["priority"]) == ("a-traiter", task["priority"])
    assert parts(listed) == parts(made)
    assert await desk.ward.alerts(LETTER) == []
    issue = (await desk.client.get(f"/fhir/{gap}")).json()
    assert issue["meta"]["versionId"] == "1"


async def test_a_mute_is_lifted_by_whoever_says_so(desk: Desk) -> None:
    gap = (await desk.task()).json()["focus"]["reference"]
    made = await desk.call(
        "2026-03-10 09:00", "relais-mute", scope="gap", gap=gap, reason="duplicate-of",
        until="2026-03-15T09:00:00+01:00", note=NOTE,
    )  # fmt: skip

    ended = await desk.call("2026-03-10 10:00", "relais-unmute", mute=str(parts(made)["id"]))
    again = await desk.call("2026-03-10 11:00", "relais-unmute", mute=str(parts(made)["id"]))

    assert (parts(ended)["lifted"], parts(ended)["lifted-by"]) == ("2026-03-10T09:00:00Z", "local")
    assert business((await desk.task()).json()) == "a-traiter"
    assert (again.status_code, issues(again)[0][0]) == (409, "RLS-GAP-028")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"no", 400, "RLS-GAP-020"),
        (b"[]", 400, "RLS-GAP-020"),
        (b'{"resourceType":"Parameters","parameter":[{"name":"colour"}]}', 422, "RLS-GAP-021"),
        (b'{"resourceType":"Parameters","parameter":[7]}', 422, "RLS-GAP-021"),
        (b'{"resourceType":"Parameters","parameter":[{"name":"note","valueInteger":7}]}', 422,
         "RLS-GAP-021"),
        (b'{"resourceType":"Parameters"}', 422, "RLS-GAP-022"),
    ],
)  # fmt: skip
async def test_bad_parameters_are_named(desk: Desk, body: bytes, status: int, code: str) -> None:
    headers = {"Content-Type": "application/fhir+json"}
    answer = await desk.client.post("/fhir/$relais-mute", content=body, headers=headers)

    assert (answer.status_code, issues(answer)[0][0]) == (status, code)


async def test_metadata_names_the_operations(desk: Desk) -> None:
    stated: Json = (await desk.client.get("/fhir/metadata")).json()

    assert [one["name"] for one in stated["rest"][0]["operation"]] == [
        "relais-mute", "relais-unmute", "relais-mutes", "process-message",
    ]  # fmt: skip
