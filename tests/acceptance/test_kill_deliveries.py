"""kill -9 of the gateway, of a subscriber, of the mail operator: told once, sent once, all settled.

Time runs some hundred times faster for the gateway, so that leases and waits end within the test.
"""

import asyncio
import random
from collections import Counter
from contextlib import ExitStack
from datetime import timedelta
from itertools import pairwise

import orjson
import pytest

from gateway.core.deliveries import DeliveryStatus
from gateway.fhir.topics import GAP_OPENED
from gateway.simulation.faults import PERFECT
from gateway.simulation.play import events
from gateway.simulation.region import Region
from gateway.store.factory import open_store
from tests.support import postgres
from tests.support.gaps import parameters, subscription
from tests.support.region_process import (
    SCALE,
    RegionProcess,
    inbox,
    ledger,
    openings,
    openings_of_one_place,
    outbox,
    undisturbed,
)

pytestmark = [pytest.mark.acceptance, pytest.mark.long]

#: How often each is killed in a stretch of time.
VICTIMS = {"gateway": 2, "receiver": 2, "mail": 2}
STRETCHES = 2
ENDS = {DeliveryStatus.CONFIRMED, DeliveryStatus.REFUSED}


@pytest.fixture(scope="module")
def told():
    """Give the HL7 v2 messages of some patients, in stretches of weeks."""
    found = [e for e in events(Region("kill deliveries", 24), PERFECT) if e.door != "cda"]
    size = -(-len(found) // STRETCHES)
    return [found[start : start + size] for start in range(0, len(found), size)]


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request, tmp_path):
    with ExitStack() as stack:
        if request.param == "sqlite":
            yield f"sqlite:///{tmp_path}/kill.db"
        else:
            address = stack.enter_context(postgres.server())
            yield stack.enter_context(postgres.database(address))


@pytest.fixture
def region(store_url, tmp_path, told):
    made = RegionProcess.under(tmp_path, store_url)
    made.clock.move(told[0][0].at - timedelta(hours=1), SCALE)
    try:
        yield made.start()
    finally:
        made.kill()


@pytest.fixture
async def store(region, store_url):
    made = open_store(store_url)
    await made.open()
    yield made
    await made.close()


async def subscribed(region):
    """Ask to be told of gaps in three ways; return the ids once the handshakes are answered."""
    wanted = [
        subscription(region.endpoint),
        subscription(region.endpoint, content="full-resource"),
        {**subscription(region.endpoint), "criteria": GAP_OPENED.url},
    ]
    ids = [region.ask("Subscription", one)["id"] for one in wanted]
    async with asyncio.timeout(20):
        # Only the door of another process tells.
        while any(region.ask(f"Subscription/{id_}")["status"] != "active" for id_ in ids):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    return ids


async def killed(region, chance, acks):
    """Kill each as often as it is due, each time at a step of its own, whatever the others do."""

    async def again_and_again(name, times):
        for _ in range(times):
            await region.step(chance, acks)
            await region.fall(name, chance.uniform(0.0, 0.3))

    await asyncio.gather(*(again_and_again(*one) for one in VICTIMS.items()))


async def lived_through(region, store, told):
    """Play everything, killing; let every deadline pass; return the answers to the messages."""
    chance = random.Random(type(store).__name__)
    acks: dict[bytes, bytes] = {}
    for stretch in told:
        region.clock.move(max(stretch[-1].at, region.clock.now()), SCALE)
        await asyncio.gather(region.send(stretch, acks), killed(region, chance, acks))
        await region.rest(store)
    region.clock.move(region.clock.now() + timedelta(days=40), SCALE)
    await region.rest(store)
    # Ladders go on for days: at their own pace none of their steps falls into the counting. An
    # hour on, because what was written a moment ago may be due a little after our own now.
    region.clock.move(region.clock.now() + timedelta(hours=1), 1.0)
    await region.rest(store)
    return acks


@pytest.mark.field("FL-062", "FL-268")
async def test_each_is_told_and_sent_once_whoever_is_killed(region, store, told):
    subscriptions = await subscribed(region)

    acks = await lived_through(region, store, told)
    asked = {id_: region.ask(f"Subscription/{id_}/$events") for id_ in subscriptions}
    states = {region.ask(f"Subscription/{id_}")["status"] for id_ in subscriptions}
    assert region.gateway.stop() == 0
    now = region.clock.now()

    assert region.kills == {name: times * STRETCHES for name, times in VICTIMS.items()}
    assert {ack.split(b"MSA|")[1][:2] for ack in acks.values()} == {b"AA"}
    lines = await ledger(store)
    stepped_soundly(lines)
    found = openings(lines)
    assert set(found.values()) == {1}
    reference = await undisturbed(await inbox(store), now)
    alone = await openings_of_one_place(store)
    assert alone == await openings_of_one_place(reference)
    assert len(alone) > 4
    shown = (await store.read(lambda tx: tx.resources.counts()))["DetectedIssue"]
    assert shown == len({gap_id for _, gap_id, _ in found}) > 10
    rows = await outbox(store)
    assert states == {"active"}
    every, full, only_opened = (told_once(region, id_, asked[id_], rows) for id_ in subscriptions)
    assert every == full
    assert len(only_opened) == len(found)
    mailed_once(region, rows)


def stepped_soundly(lines):
    """Check that each gap goes on from the state it was in."""
    gaps = {}
    for line in lines:
        gaps.setdefault(line.gap_id, []).append(line)
    for history in gaps.values():
        assert history[0].from_status is None
        assert all(one.to_status is two.from_status for one, two in pairwise(history))


def told_once(region, subscription_id, asked, rows):
    """Check numbers and contents of one subscription; return what was told, by number."""
    contents: dict[int, set[bytes]] = {}
    for one in region.receiver.arrived():
        named = parameters(one.bundle)["subscription"] if one.number else {"reference": ""}
        if named["reference"].endswith(subscription_id):
            contents.setdefault(one.number, set()).add(one.body)
    numbers = list(range(1, len(contents) + 1))
    assert sorted(contents) == numbers
    assert {len(bodies) for bodies in contents.values()} == {1}
    assert list(events_in(asked)) == numbers
    focus = {n: events_in(orjson.loads(body))[n] for n, (body,) in contents.items()}
    assert focus == events_in(asked)
    queued = [row for row in rows if row.item.details.get("subscription") == subscription_id]
    assert {row.status for row in queued} == {DeliveryStatus.CONFIRMED}
    assert sum(row.item.details["kind"] == "event" for row in queued) == len(numbers)
    return focus


def events_in(bundle):
    """Return (instant, focus) of the events of a notification, by number."""
    found = {}
    for parameter in bundle["entry"][0]["resource"]["parameter"]:
        part = {one["name"]: one for one in parameter.get("part", ())}
        if part:
            at = part["timestamp"]["valueInstant"]
            found[int(part["event-number"]["valueString"])] = (
                at,
                part["focus"]["valueReference"]["reference"],
            )
    return found


def mailed_once(region, rows):
    """Check that each letter that left is one mail, sound, and that every row came to its end."""
    mails = [row for row in rows if row.item.connector == "mssante"]
    left = {row.item.key: row for row in mails if row.status is not DeliveryStatus.HELD}
    taken = region.mail.taken()
    ids = Counter(mail.message_id.strip("<>").partition("@")[0] for mail in taken)
    assert len(left) > 15
    assert {row.status for row in left.values()} == ENDS
    unknown = {key for key, row in left.items() if row.item.details["to"].startswith("ancien.")}
    assert set(ids) == set(left) - unknown
    assert [mail.wrong for mail in taken if mail.wrong] == []
    # The operator keeps its word, so every notice comes in the time it is waited for.
    assert set(ids.values()) == {1}, f"{sum(ids.values()) - len(ids)} mails left again"
