"""What the resources of gaps refer to can be read, over a synthetic region."""

from dataclasses import replace
from datetime import UTC, datetime

import httpx2

from gateway.core.contributions import Json
from gateway.entry.api.app import AppSettings, create_app
from gateway.entry.settings import load
from gateway.entry.wiring import build_watcher
from gateway.mapping.loader import load_mappings
from gateway.pipeline.commit import commit
from gateway.simulation.play import events
from gateway.simulation.region import Region
from gateway.store.memory import MemoryStore
from tests.integration.rest.conftest import BASE
from tests.support.gateway import converter, message
from tests.support.pipeline import RULES, HandClock
from tests.support.rest import everything, unreadable

#: Letters leave: one that waits for a qualified INS opens a gap too.
MAILS = replace(RULES, mails=True)
#: Long after the last deadline of the region.
END = datetime(2027, 6, 1, tzinfo=UTC)
#: What a gap of each rule waits for, or is about.
IMPLICATED = {
    "TRX-01": "Encounter",
    "TRX-03": "DocumentReference",
    "TRX-07": "DocumentReference",
    "TRX-08": "Encounter",
    "TRX-09": "Encounter",
    "ORI-06": "Encounter",
    "ORI-08": "Encounter",
    # The answer to a request is no resource of its own.
    "ORI-03": "ServiceRequest",
    "VIL-01": "Encounter",
    "VIL-04": "Appointment",
    "VIL-08": "Encounter",
    "ID-01": "DocumentReference",
    # The record of the meeting, whose programme nobody handed over.
    "ONC-05": "DocumentReference",
}
#: What a letter promises, and nobody was seen to do.
PROMISED = ("Appointment", "ServiceRequest")


async def played(region: Region) -> MemoryStore:
    """Take a region in, looking after each message, and let every deadline pass."""
    store, clock = MemoryStore(), HandClock(datetime(2026, 1, 1, tzinfo=UTC))
    await store.open()
    watcher = build_watcher(load(), store, clock, load_mappings())
    made = converter()
    for event in events(region):
        clock.instant = max(clock.instant, event.at)
        item = made.prepare(made.open(message(event.body)))
        await store.write(lambda tx, item=item: commit(tx, [item], clock.now(), MAILS))
        await watcher.drain()
    clock.instant = END
    await watcher.drain()
    return store


async def test_every_reference_of_a_gap_and_of_its_task_can_be_read() -> None:
    store = await played(Region("references", 30))
    app = create_app(store, AppSettings(BASE, "9.9.9", "2026-11-21"))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE) as client:
        issues = await everything(client, "DetectedIssue")
        tasks = await everything(client, "Task")
        unread = await unreadable(client, (*issues, *tasks))
        [first, *_] = [one for one in issues if "implicated" in one]
        wanted = first["implicated"][0]["reference"]
        about = (await client.get(f"/fhir/DetectedIssue?implicated={wanted}")).json()

    assert len(issues) > 10
    assert unread == {}
    # Each gap says what it is founded on and what waits.
    told = {
        (issue["code"]["coding"][1]["code"], _type(issue.get("implicated", [{}])[0]))
        for issue in issues
    }
    others = {pair for pair in told if pair[1] != IMPLICATED.get(pair[0])}
    assert others == {("VIL-05", kind) for kind in PROMISED}
    assert {rule for rule, _ in told} >= {"TRX-01", "TRX-03"}
    assert all(issue["evidence"][0].get("detail") for issue in issues)
    assert {_type(task["encounter"]) for task in tasks if "encounter" in task} == {"Encounter"}
    assert first["id"] in {entry["resource"]["id"] for entry in about["entry"]}


def _type(reference: Json) -> str:
    return str(reference.get("reference", "")).partition("/")[0]
