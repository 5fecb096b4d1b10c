"""Whatever the network does to the region, the same resources are stored in the end."""

import json
from dataclasses import replace
from typing import Any

from gateway.core.messages import Channel, Outcome, RawMessage
from gateway.core.ports import Store, Transaction
from gateway.entry.settings import Settings, StoreSettings
from gateway.entry.wiring import build_converter, build_rules, build_store
from gateway.pipeline.commit import commit
from gateway.pipeline.convert import Converter
from gateway.simulation.faults import PERFECT, Transport
from gateway.simulation.play import Event, events
from gateway.simulation.region import Region

_SETTINGS = Settings(store=StoreSettings(url="memory://"))
_STORMY = replace(PERFECT, delayed=0.5, duplicated=0.3, resent=0.3, malformed=0.05)


async def _play(converter: Converter, transport: Transport) -> tuple[dict[str, Any], set[Any]]:
    """Return the current resources without version and time, and what each input was told."""
    store = build_store(_SETTINGS)
    await store.open()
    told = {await _receive(store, converter, event) for event in events(Region(1, 12), transport)}
    resources = await store.read(_current)
    await store.close()
    return resources, told


async def _receive(store: Store, converter: Converter, event: Event) -> tuple[str, Outcome]:
    raw = RawMessage(event.body, Channel(event.door), event.at)
    made = converter.prepare(converter.open(raw))
    rules = build_rules(_SETTINGS)
    (receipt,) = await store.write(lambda tx: commit(tx, [made], event.at, rules))
    return (event.label.fault, receipt.outcome)


def _current(tx: Transaction) -> dict[str, Any]:
    found = {}
    for kind, count in tx.resources.counts().items():
        for stored in tx.resources.search(kind, [], count, None).resources:
            resource = json.loads(stored.body)
            del resource["meta"]["versionId"], resource["meta"]["lastUpdated"]
            found[f"{kind}/{stored.id}"] = resource
    return found


async def test_delays_duplicates_and_resends_change_nothing() -> None:
    converter = build_converter(_SETTINGS)

    calm, told_calm = await _play(converter, PERFECT)
    stormy, told_stormy = await _play(converter, _STORMY)

    assert told_calm == {("", Outcome.ACCEPTED)}
    assert {("delayed", Outcome.ACCEPTED), ("duplicated", Outcome.DUPLICATE)} <= told_stormy
    assert ("resent", Outcome.DUPLICATE) in told_stormy
    assert Outcome.REJECTED in {outcome for _, outcome in told_stormy}
    assert stormy == calm
    assert {name.split("/")[0] for name in calm} >= {
        "Patient",
        "Encounter",
        "DocumentReference",
        "Appointment",
    }
