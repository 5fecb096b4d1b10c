"""Gaps about feeds over REST: worked on, muted, digested and listed like any other.

They are about no patient: what needs one is refused and says so.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx2
import pytest

from gateway.core.contributions import Json
from gateway.core.facts import ExpectationRow, Status
from gateway.core.worklist import Shelf, Wanted, WorkRow
from gateway.entry.api.app import AppSettings, create_app
from gateway.entry.api.mutes import mutes_router
from gateway.entry.api.resources import resources_router
from gateway.entry.api.subscriptions import local_client
from gateway.fhir.identity import Ids
from gateway.pathway.rulefiles import rule_ids
from gateway.pipeline.digests import Digester
from gateway.store.factory import open_store
from gateway.store.memory import MemoryStore
from tests.integration.rest.conftest import BASE, issues
from tests.support.assertions import paris
from tests.support.feeding import ADT, DAY, Feeding
from tests.support.opened_gaps import business
from tests.support.writing import write_settings
from tests.unit.pipeline.test_feed_ailments import mend, refuse, sent

NOTE = "Panne connue, vue avec la DSI."


@dataclass
class Room:
    """Feeds that are watched over, and an operator over REST."""

    feeding: Feeding
    client: httpx2.AsyncClient

    async def row(self, rule: str) -> ExpectationRow:
        [row] = [one for one in await self.feeding.rows() if one.rule == rule]
        return row

    async def task(self, rule: str) -> httpx2.Response:
        """Read the Task of the gap of a rule."""
        id_ = Ids().gap_task((await self.row(rule)).gap_id, 1)
        return await self.client.get(f"/fhir/Task/{id_}")

    async def write(self, at: str, rule: str, **changes: object) -> httpx2.Response:
        """Write the Task as it was read, with changes, at an instant of the day."""
        self.feeding.clock.instant = paris(f"{DAY} {at}")
        read = await self.task(rule)
        sent = {**read.json(), **changes}
        answer = await self.client.put(
            f"/fhir/Task/{sent['id']}", json=sent, headers={"If-Match": read.headers["etag"]}
        )
        await self.feeding.watcher.drain()
        return answer

    async def mute(self, at: str, **values: str) -> httpx2.Response:
        """Ask for a mute at an instant of the day, until the next noon."""
        self.feeding.clock.instant = paris(f"{DAY} {at}")
        said = {"reason": "known-feed-defect", "note": NOTE, **values}
        listed: list[Json] = [{"name": key, "valueString": text} for key, text in said.items()]
        listed.append({"name": "until", "valueDateTime": "2026-03-11T12:00:00+01:00"})
        body = {"resourceType": "Parameters", "parameter": listed}
        answer = await self.client.post("/fhir/$relais-mute", json=body)
        await self.feeding.watcher.drain()
        return answer

    async def listed(self, **wanted: object) -> list[WorkRow]:
        """Return the worklist."""
        asked = Wanted(**{"shelf": Shelf.OPEN, **wanted})  # type: ignore[arg-type]
        found = await self.feeding.store.read(lambda tx: tx.worklist.listed(asked, 20))
        return [row for row, _place in found]


@pytest.fixture(params=["memory", "sqlite"])
async def room(request, tmp_path) -> AsyncIterator[Room]:
    """Give a room whose feed fell silent at 14:05 (FEED-01), then was heard no more."""
    store = MemoryStore() if request.param == "memory" else open_store(f"sqlite:///{tmp_path}/d")
    feeding = await Feeding.of(store)
    app = create_app(
        store,
        AppSettings(BASE, "9.9.9", "2026-11-22"),
        routers=[
            resources_router(store, feeding.clock, write_settings()),
            mutes_router(store, feeding.clock, rule_ids(), local_client),
        ],
    )
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE) as client:
        yield Room(feeding, client)
    await store.close()


async def silent(room: Room) -> None:
    await room.feeding.spoke("14:05")
    await room.feeding.at("14:30", "14:31")


async def rejecting(room: Room) -> list[int]:
    ids = await refuse(room.feeding, "08:10", 12)
    await room.feeding.at("09:00", "13:01")
    return ids


async def skewed(room: Room) -> None:
    await sent(room.feeding, "08:00", 0)
    await room.feeding.at("08:00")
    await sent(room.feeding, "09:00", 3600)
    await room.feeding.at("09:00", "09:16")


BEGINS = {"FEED-01": silent, "FEED-02": skewed, "FEED-03": rejecting}
#: When somebody acts, until when it is put off, and when the ladder comes.
ACTS = {
    "FEED-01": ("14:40", "15:30", "15:40"),
    "FEED-02": ("09:30", "11:00", "11:30"),
    "FEED-03": ("13:10", "15:00", "15:30"),
}


@pytest.mark.parametrize("rule", BEGINS)
async def test_it_is_taken_put_off_and_wakes(room: Room, rule: str) -> None:
    await BEGINS[rule](room)
    at, until, later = ACTS[rule]

    taken = await room.write(at, rule, status="accepted", owner={"display": "Astreinte"})
    slept = await room.write(
        at,
        rule,
        status="on-hold",
        statusReason={"text": "Éditeur prévenu"},
        restriction={"period": {"end": f"{DAY}T{until}:00+01:00"}},
    )
    assert (taken.status_code, slept.status_code) == (200, 200), slept.text
    asleep = [row.gap_id for row in await room.listed(shelf=Shelf.DEFERRED)]
    if rule == "FEED-01":
        # Still silent: what is put off is not over.
        assert (await room.row(rule)).status is Status.OVERDUE
    await room.feeding.at(later)

    woken = (await room.task(rule)).json()
    assert asleep == [(await room.row(rule)).gap_id]
    assert woken["status"] == "in-progress"
    assert woken["owner"] == {"display": "Astreinte"}
    assert "for" not in woken


@pytest.mark.parametrize("rule", BEGINS)
async def test_settled_by_hand_it_stays_what_it_is(room: Room, rule: str) -> None:
    await BEGINS[rule](room)

    done = await room.write(
        ACTS[rule][0],
        rule,
        status="completed",
        output=[
            {
                "type": {"text": "motif"},
                "valueCodeableConcept": {"text": "Flux rétabli à la main"},
            }
        ],
    )

    assert done.status_code == 200, done.text
    assert business(done.json()) == "resolu-manuel"
    assert (await room.row(rule)).status is Status.OVERDUE
    assert await room.listed() == []


async def test_what_ends_it_completes_a_task_that_somebody_has(room: Room) -> None:
    ids = await rejecting(room)
    await room.write("13:10", "FEED-03", status="accepted")

    await mend(room.feeding, ids)
    await room.feeding.at("14:00")

    task = (await room.task("FEED-03")).json()
    assert (await room.row("FEED-03")).status is Status.MET_LATE
    assert task["status"] == "completed"


@pytest.mark.parametrize("rule", BEGINS)
async def test_it_is_listed_under_its_establishment_and_no_patient(room: Room, rule: str) -> None:
    await BEGINS[rule](room)

    [row] = await room.listed(estab="990000027", rule=rule)

    assert (row.rule, row.shelf, row.estab) == (rule, Shelf.OPEN, "990000027")
    found = await room.client.get(f"/fhir/Task/{(await room.task(rule)).json()['id']}")
    assert "for" not in found.json()


@pytest.mark.parametrize("rule", BEGINS)
async def test_muted_nobody_is_told_and_the_end_of_the_mute_brings_it_back(
    room: Room, rule: str
) -> None:
    await BEGINS[rule](room)
    gap = Ids().gap((await room.row(rule)).gap_id)

    made = await room.mute(ACTS[rule][0], scope="gap", gap=gap)
    muted = (await room.task(rule)).json()
    await room.feeding.at("23:59")
    still = (await room.task(rule)).json()
    await room.feeding.at("2026-03-11 12:00", "2026-03-11 12:01")
    after = (await room.task(rule)).json()

    assert made.status_code == 200, made.text
    assert [business(one) for one in (muted, still)] == ["en-sourdine", "en-sourdine"]
    assert business(after) in ("a-traiter", "escalade")
    assert (await room.row(rule)).status is Status.OVERDUE


async def test_a_rule_is_muted_for_the_feeds_of_an_establishment(room: Room) -> None:
    await silent(room)

    made = await room.mute(
        "14:40", scope="rule-establishment", rule="FEED-01", organization="990000027"
    )

    assert made.status_code == 200, made.text
    assert business((await room.task("FEED-01")).json()) == "en-sourdine"


async def test_a_mute_for_a_patient_is_refused_there_is_none(room: Room) -> None:
    await silent(room)

    said = await room.mute("14:40", scope="patient-rule", rule="FEED-01", patient=f"feed:{ADT}")

    assert (said.status_code, issues(said)) == (
        404,
        [("RLS-GAP-023", "not-found", "Parameters.parameter.where(name='patient')")],
    )
    assert business((await room.task("FEED-01")).json()) == "a-traiter"


async def test_what_is_not_critical_is_read_in_the_next_digest_of_its_owner(room: Room) -> None:
    await rejecting(room)
    digester = Digester(room.feeding.store, Ids(), room.feeding.clock)

    await room.feeding.at("13:30")
    left = await digester.step()

    def read(tx):
        page = tx.resources.search("Communication", (), 100, None)
        return [one.body.decode() for one in page.resources]

    told = [one for one in await room.feeding.store.read(read) if '"digest"' in one]
    assert (left, len(told)) == (1, 1)
    assert f"Flux {ADT}, entrées refusées en une heure : 12" in told[0]
    assert "Patient/" not in told[0]


async def test_a_version_somebody_else_wrote_is_refused_as_for_any_gap(room: Room) -> None:
    await silent(room)
    read = await room.task("FEED-01")
    await room.write("14:40", "FEED-01", status="accepted")

    late = await room.client.put(
        f"/fhir/Task/{read.json()['id']}",
        json={**read.json(), "status": "completed"},
        headers={"If-Match": read.headers["etag"]},
    )

    assert late.status_code == 412
