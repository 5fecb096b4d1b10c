"""What people do with a gap over REST: the Task, the gap it shows, who is told, what is learned."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import httpx2
import pytest

from gateway.core.contributions import Json
from gateway.core.facts import Status
from gateway.core.messages import Channel
from gateway.core.ports import Store
from gateway.entry.api.app import AppSettings, create_app
from gateway.entry.api.resources import resources_router
from gateway.entry.settings import load
from gateway.entry.wiring import build_replayer, build_watcher
from gateway.mapping.loader import load_mappings
from gateway.pipeline.watch import Watcher
from gateway.store.factory import open_store
from gateway.store.memory import MemoryStore
from tests.conftest import ROOT
from tests.integration.rest.conftest import BASE, issues
from tests.support.gaps import subscribed_row, subscription
from tests.support.gateway import START, converter, take
from tests.support.pipeline import HandClock
from tests.support.rest import everything
from tests.support.writing import write_settings

CASES = ROOT / "fixtures" / "hl7v2"
DISCHARGE = (CASES / "adt_a03_discharge_to_rehabilitation" / "input.er7").read_bytes()
REASON = [{"type": {"text": "Action"}, "valueString": "Place trouvée par téléphone"}]


@dataclass
class Desk:
    """A gateway with an open gap, and somebody who works on it."""

    store: Store
    clock: HandClock
    watcher: Watcher
    client: httpx2.AsyncClient

    async def task(self, rule: str = "TRX-08") -> httpx2.Response:
        """Read the Task of the gap of a rule."""
        for issue in await everything(self.client, "DetectedIssue"):
            if issue["code"]["coding"][1]["code"] == rule:
                extension = next(e for e in issue["extension"] if e["url"].endswith("/gap-task"))
                return await self.client.get(f"/fhir/{extension['valueReference']['reference']}")
        raise AssertionError(rule)

    async def gap(self, task: Json) -> Json:
        """Read the DetectedIssue of a Task."""
        return (await self.client.get(f"/fhir/{task['focus']['reference']}")).json()

    async def write(self, read: httpx2.Response, **changes: object) -> httpx2.Response:
        """Write a Task as it was read, with changes."""
        sent = {**read.json(), **changes}
        headers = {"If-Match": read.headers["etag"]}
        return await self.client.put(f"/fhir/Task/{sent['id']}", json=sent, headers=headers)


@pytest.fixture(params=["memory", "sqlite"])
async def desk(request, tmp_path) -> AsyncIterator[Desk]:
    """Give a desk with the gaps of a discharge a year ago."""
    store = MemoryStore() if request.param == "memory" else open_store(f"sqlite:///{tmp_path}/d")
    await store.open()
    clock = HandClock(START)
    watcher = build_watcher(load(), store, clock, load_mappings())
    await take(store, DISCHARGE)
    clock.advance(days=365)
    await watcher.drain()
    app = create_app(
        store,
        AppSettings(BASE, "9.9.9", "2026-11-22"),
        routers=[resources_router(store, clock, write_settings())],
    )
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE) as client:
        yield Desk(store, clock, watcher, client)
    await store.close()


def gap_status(issue: Json) -> str:
    return issue["modifierExtension"][0]["valueCodeableConcept"]["coding"][0]["code"]


async def facts(desk: Desk) -> list[str]:
    rows = await desk.store.read(lambda tx: tx.watch.gaps((Status.OVERDUE,), 9, opened_only=True))
    found = await desk.store.read(lambda tx: tx.facts.of_person(rows[0].person_id))
    return [one.assertion.event for one in found if one.assertion.event.startswith("TASK.")]


async def test_a_gap_is_taken_and_stays_open(desk: Desk) -> None:
    read = await desk.task()

    answer = await desk.write(read, status="accepted", owner={"display": "DAC des Essais"})

    assert answer.status_code == 200, answer.text
    assert answer.headers["etag"] == f'W/"{int(read.json()["meta"]["versionId"]) + 1}"'
    assert answer.json()["businessStatus"]["coding"][0]["code"] == "en-cours"
    assert gap_status(await desk.gap(read.json())) == "open-gap"
    assert await facts(desk) == ["TASK.ACK"]


async def test_what_is_settled_by_hand_is_shown_so_and_stays_missed(desk: Desk) -> None:
    read = await desk.task()

    answer = await desk.write(read, status="completed", output=REASON)
    issue = await desk.gap(read.json())
    await desk.watcher.drain()
    rows = await desk.store.read(lambda tx: tx.watch.gaps((Status.OVERDUE,), 9, opened_only=True))

    assert answer.status_code == 200, answer.text
    assert gap_status(issue) == "closed-gap"
    assert issue["mitigation"][0]["action"]["coding"][0]["code"] == "resolved-by-person"
    assert issue["evidence"][0]["detail"]
    assert "TRX-08" in {row.rule for row in rows}
    assert await facts(desk) == ["TASK.DONE"]
    assert (await desk.gap(read.json()))["meta"]["versionId"] == issue["meta"]["versionId"]


async def test_the_last_version_that_was_read_is_the_one_that_is_written(desk: Desk) -> None:
    read = await desk.task()
    assert (await desk.write(read, status="accepted")).status_code == 200

    late = await desk.write(read, status="completed", output=REASON)
    sent = read.json()
    blind = await desk.client.put(f"/fhir/Task/{sent['id']}", json=sent)

    assert (late.status_code, issues(late)[0][0]) == (412, "RLS-GAP-011")
    assert (blind.status_code, issues(blind)[0][0]) == (428, "RLS-GAP-010")


async def test_what_is_not_theirs_to_write_is_refused_and_writes_nothing(desk: Desk) -> None:
    read = await desk.task()

    answer = await desk.write(read, status="accepted", priority="routine")
    other = await desk.client.put("/fhir/Task/other", json=read.json(), headers={"If-Match": "*"})
    wrong = {**read.json(), "id": "other"}
    mixed = await desk.client.put(
        f"/fhir/Task/{read.json()['id']}", json=wrong, headers={"If-Match": "*"}
    )
    gone = {**read.json(), "id": "unknown"}
    unknown = await desk.client.put("/fhir/Task/unknown", json=gone, headers={"If-Match": "*"})
    words = await desk.client.put("/fhir/Task/x", content=b"no", headers=JSON | {"If-Match": "*"})

    assert (answer.status_code, issues(answer)[0][0]) == (422, "RLS-GAP-002")
    assert (other.status_code, issues(other)[0][0]) == (400, "RLS-FHR-242")
    assert (mixed.status_code, issues(mixed)[0][0]) == (400, "RLS-GAP-009")
    assert (unknown.status_code, issues(unknown)[0][0]) == (412, "RLS-FHR-249")
    assert (words.status_code, issues(words)[0][0]) == (400, "RLS-FHR-240")
    assert (await desk.task()).headers["etag"] == read.headers["etag"]
    assert await facts(desk) == []
    gone = await desk.client.delete(f"/fhir/Task/{read.json()['id']}")
    assert (gone.status_code, issues(gone)[0][0]) == (403, "RLS-FHR-244")


async def test_a_patch_is_judged_as_the_whole_task_is(desk: Desk) -> None:
    read = await desk.task()
    headers = {"Content-Type": "application/json-patch+json", "If-Match": read.headers["etag"]}
    address = f"/fhir/Task/{read.json()['id']}"

    taken = [{"op": "replace", "path": "/status", "value": "accepted"}]
    answer = await desk.client.patch(address, json=taken, headers=headers)
    again = await desk.client.patch(address, json=taken, headers=headers)
    theirs = [{"op": "replace", "path": "/priority", "value": "routine"}]
    refused = await desk.client.patch(
        address, json=theirs, headers=headers | {"If-Match": answer.headers["etag"]}
    )

    assert (answer.status_code, answer.json()["status"]) == (200, "accepted")
    assert (again.status_code, issues(again)[0][0]) == (412, "RLS-GAP-011")
    assert (refused.status_code, issues(refused)[0][0]) == (422, "RLS-GAP-002")
    assert await facts(desk) == ["TASK.ACK"]


JSON = {"Content-Type": "application/fhir+json"}


async def test_what_is_retracted_takes_the_work_with_it_and_leaves_the_notes(desk: Desk) -> None:
    read = await desk.task()
    taken = await desk.write(read, status="in-progress", note=[{"text": "Le SMR rappelle"}])
    await take(desk.store, cancelled(DISCHARGE))
    await desk.watcher.drain()

    task = (await desk.task()).json()

    assert taken.status_code == 200
    assert task["status"] == "entered-in-error"
    assert task["note"] == [{"text": "Le SMR rappelle"}]


def cancelled(discharge: bytes) -> bytes:
    """Return the cancellation of a discharge, entered an hour later."""
    made = discharge.replace(b"ADT^A03^ADT_A03", b"ADT^A13^ADT_A01").replace(
        b"|INSERT|", b"|CANCEL|"
    )
    fields = made.split(b"|")
    fields[9] += b"X"
    return b"|".join(fields)


async def test_subscribers_are_told_of_what_people_settle(desk: Desk) -> None:
    resource = {**subscription(), "id": "s1"}
    await desk.store.write(lambda tx: tx.subscriptions.put(subscribed_row("s1", resource)))
    read = await desk.task()

    await desk.write(read, status="completed", output=REASON)

    row = await desk.store.read(lambda tx: tx.subscriptions.get("s1"))
    assert row is not None
    told = await desk.store.read(lambda tx: tx.subscriptions.events("s1", 1, 9))
    assert len(told) == 1


async def test_a_replay_leaves_what_people_did(desk: Desk) -> None:
    read = await desk.task()
    await desk.write(read, status="accepted")
    made = converter()
    settings = load()

    parts = [part async for part in build_replayer(settings, desk.store, made).run()]
    kept = await desk.store.read(lambda tx: tx.inbox.page(None, 0, 9, with_body=True))

    assert sum(part.rows for part in parts) == 1
    assert [row.channel for row in kept] == [Channel.MLLP, Channel.FHIR]
    assert (await desk.task()).json()["status"] == "accepted"


async def test_a_task_is_put_off_and_taken_up_again(desk: Desk) -> None:
    read = await desk.task()
    until = (desk.clock.now() + timedelta(days=2)).isoformat()

    held = await desk.write(
        read, status="on-hold", statusReason={"text": "Le SMR rappelle lundi"},
        restriction={"period": {"end": until}},
    )  # fmt: skip
    again = await desk.write(held, status="in-progress")

    assert held.json()["businessStatus"]["coding"][0]["code"] == "reporte"
    assert again.status_code == 200, again.text
    assert again.json()["businessStatus"]["coding"][0]["code"] == "en-cours"
    assert await facts(desk) == ["TASK.ACK"]


async def test_the_statement_says_that_tasks_are_written(desk: Desk) -> None:
    found = (await desk.client.get("/fhir/metadata")).json()
    task = next(one for one in found["rest"][0]["resource"] if one["type"] == "Task")

    assert {"code": "update"} in task["interaction"]
    assert task["versioning"] == "versioned-update"
