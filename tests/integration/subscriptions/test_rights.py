"""Rights are asked again at each sending: what was lost meanwhile is not sent."""

from dataclasses import replace

import orjson
import pytest
from fhir.resources.R4B.auditevent import AuditEvent

from gateway.core.access import Client
from gateway.core.audit import Wanted
from gateway.sharing.audit import audit_event
from tests.integration.rest.conftest import Shelf
from tests.support.gaps import PATIENT, opened
from tests.support.sharing import HOSPITAL, consent, dac, organisation, person, stay


@pytest.fixture
async def shared(region):
    """Give a region whose subscriber is a platform with a territory, and a person who consented."""
    shelf = Shelf(region.store)
    await shelf.put(
        organisation("hospital", HOSPITAL),
        person(PATIENT),
        stay("e1", PATIENT),
        consent("c1", PATIENT),
    )
    id_ = await region.activate()

    def own(tx) -> None:
        tx.access.put_client(dac())
        row = tx.subscriptions.get(id_)
        tx.subscriptions.put(replace(row, client="dac"))

    await region.store.write(own)
    return region, shelf, id_


def told(receiver) -> list[tuple[int, int]]:
    """Return number and size (entries) of each event that arrived."""
    return [
        (one.number, len(one.bundle["entry"]))
        for one in receiver.arrived
        if one.kind == "event-notification"
    ]


async def test_a_person_who_consented_is_told_of(shared):
    region, _, _ = shared
    await region.publish(opened())
    await region.rest()

    ((number, entries),) = told(region.receiver)
    assert number == 1
    assert entries > 1
    (entry,) = await region.store.read(lambda tx: tx.audit.find(Wanted(patients=(PATIENT,)), 9))
    assert (entry.trace.kind, entry.trace.agent) == ("notification", "dac")
    AuditEvent.model_validate(audit_event(entry.trace, "http://relais.test"))


async def test_without_a_basis_no_number_is_given(shared):
    region, shelf, id_ = shared
    await shelf.put(consent("c1", PATIENT, status="inactive"))
    await region.publish(opened())
    await region.rest()

    row = await region.store.read(lambda tx: tx.subscriptions.get(id_))
    assert (told(region.receiver), row.events) == ([], 0)


@pytest.mark.field("FL-252")
@pytest.mark.parametrize("lost", ["consent", "territory", "client"])
async def test_what_changes_while_an_event_waits_counts_when_it_is_sent(shared, lost):
    region, shelf, _ = shared
    await region.publish(opened())
    if lost == "consent":
        await shelf.put(consent("no", PATIENT, "deny", to=None))
    else:
        changed: Client = (
            replace(dac(), territory=("690000777",))
            if lost == "territory"
            else (replace(dac(), active=False))
        )
        await region.store.write(lambda tx: tx.access.put_client(changed))
    await region.rest()

    # The number is sent, so that the subscriber misses none; of whom it was is not.
    assert told(region.receiver) == [(1, 1)]
    (entry,) = await region.store.read(lambda tx: tx.audit.find(Wanted(kinds=("withheld",)), 9))
    reasons = {"consent": "opposition", "territory": "outside-territory", "client": "client-off"}
    assert (entry.trace.patient, entry.trace.details["why"]) == (PATIENT, reasons[lost])
    body = orjson.dumps(region.receiver.arrived[-1].bundle)
    assert PATIENT.encode() not in body
    assert b"DetectedIssue" not in body


async def test_events_asked_for_again_say_no_more(shared):
    region, shelf, id_ = shared
    await region.publish(opened())
    await region.rest()
    await shelf.put(consent("c1", PATIENT, status="inactive"))
    own = lambda tx: tx.subscriptions.put(  # noqa: E731
        replace(tx.subscriptions.get(id_), client="local")
    )
    hidden = (await _events(region, id_, "dac")).decode()
    await region.store.write(own)

    assert '"event-number"' in hidden
    assert "DetectedIssue" not in hidden
    assert b"DetectedIssue" in await _events(region, id_, "local")


async def _events(region, id_: str, client: str) -> bytes:
    def read(tx) -> bytes:
        from gateway.fhir import notifications
        from gateway.pipeline import hooks, subscribed

        row = replace(tx.subscriptions.get(id_), client=client)
        now = region.clock.now()
        events = hooks.read_events(tx, row, 1, 100, "id-only", now)
        return notifications.query_event(subscribed.head_of(row, "x"), events, "id-only", now)

    return await region.store.read(read)
