"""The websocket channel over real sockets: bound once, told in order, closed when it must be."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import count

import orjson
import pytest
from structlog.testing import capture_logs

from gateway.core.access import Client
from gateway.store.factory import migrate, open_store
from gateway.store.memory import MemoryStore
from tests.integration.rest.conftest import issues
from tests.support.gaps import (
    closed,
    extension,
    opened,
    parameters,
    subscription,
)
from tests.support.pipeline import HandClock
from tests.support.sockets import (
    SUBSCRIPTIONS,
    Door,
    close_code,
    heard,
    numbers,
    serving,
)


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    store = MemoryStore()
    await store.open()
    async with serving(store, HandClock()) as made:
        yield made
    await store.close()


async def test_a_bound_socket_is_greeted_and_told_in_order(door):
    id_ = await door.subscribe()
    before = (await door.client.get(f"{SUBSCRIPTIONS}/{id_}")).json()["status"]

    async with door.bound(id=id_) as socket:
        greeting = await heard(socket, 1)
        await door.publish(opened(), closed())
        told = await heard(socket, 2)

    after = (await door.client.get(f"{SUBSCRIPTIONS}/{id_}")).json()["status"]
    assert (before, after) == ("requested", "active")
    assert greeting == [("handshake",)]
    assert told == [("event-notification", 1), ("event-notification", 2)]
    assert await door.store.read(lambda tx: tx.outbox.counts()) == {}


async def test_the_ticket_says_what_it_binds_and_where(door):
    first, second = await door.subscribe(), await door.subscribe()

    answer = await door.client.get(f"{SUBSCRIPTIONS}/$get-ws-binding-token")
    one = await door.client.post(f"{SUBSCRIPTIONS}/{first}/$get-ws-binding-token")
    metadata = (await door.client.get("/fhir/metadata")).json()

    named = [p["valueString"] for p in answer.json()["parameter"] if p["name"] == "subscription"]
    assert sorted(named) == sorted([first, second])
    found = {p["name"]: p for p in one.json()["parameter"]}
    assert found["subscription"]["valueString"] == first
    assert found["websocket-url"]["valueUrl"] == "ws://localhost/fhir/ws"
    assert found["expiration"]["valueDateTime"] == "2026-03-02T08:00:30.000Z"
    assert metadata["rest"][0]["extension"][0]["valueUri"] == "ws://localhost/fhir/ws"


async def test_one_socket_serves_several_subscriptions_and_tickets(door):
    first = await door.subscribe()
    second = await door.subscribe("code=OTHER")
    third = await door.subscribe()

    async with door.bound(f"?id={first}&id={second}") as socket:
        assert await heard(socket, 2) == [("handshake",)] * 2
        more = await door.ticket(id=third)
        await socket.send(f"bind-with-token: {more['token']}")
        assert await heard(socket, 1) == [("handshake",)]
        await door.publish(opened())
        told = [json.loads(await asyncio.wait_for(socket.recv(), 5)) for _ in range(2)]

    about = {parameters(one)["subscription"]["reference"].rpartition("/")[2] for one in told}
    assert about == {first, third}


async def test_events_are_given_again_from_a_number_on(door):
    id_ = await door.subscribe()
    async with door.bound(id=id_) as socket:
        await heard(socket, 1)
    await door.publish(opened(), closed())
    await door.publish(opened(gap_id="g2"))

    async with door.bound(id=id_, eventsSinceNumber="2") as socket:
        missed = await heard(socket, 3)
    async with door.bound(id=id_) as socket:
        fresh = await heard(socket, 1)
        await door.publish(closed(gap_id="g2"))
        fresh += await heard(socket, 1)

    assert missed == [("handshake",), ("event-notification", 2), ("event-notification", 3)]
    assert fresh == [("handshake",), ("event-notification", 4)]


async def test_many_events_travel_together_when_that_is_asked_for(door):
    id_ = await door.subscribe(extension=[extension("backport-max-count", valuePositiveInt=3)])
    async with door.bound(id=id_) as socket:
        await heard(socket, 1)
        await door.publish(*(opened(gap_id=f"g{n}") for n in range(5)))

        told = await heard(socket, 2)

    assert told == [("event-notification", 1, 2, 3), ("event-notification", 4, 5)]


async def test_xml_and_heartbeats_come_as_agreed(door):
    id_ = await door.subscribe(
        payload="application/fhir+xml",
        extension=[extension("backport-heartbeat-period", valueUnsignedInt=10)],
    )

    async with door.bound(id=id_) as socket:
        greeting = await asyncio.wait_for(socket.recv(), 5)
        door.clock.advance(seconds=11)
        beat = await asyncio.wait_for(socket.recv(), 5)

    assert 'valueCode value="handshake"' in greeting
    assert 'valueCode value="heartbeat"' in beat


@pytest.mark.field("FL-246")
async def test_an_event_of_another_process_reaches_the_socket_of_this_one(tmp_path):
    url = f"sqlite:///{tmp_path / 'relais.db'}"
    migrate(url)
    here, there = open_store(url, timeout_s=10), open_store(url, timeout_s=10)
    await here.open()
    await there.open()
    async with serving(here, HandClock()) as door, serving(there, HandClock()) as other:
        id_ = await other.subscribe()
        given = await other.ticket(id=id_)
        async with door.open() as socket:
            await socket.send(f"bind-with-token {given['token']}")
            assert await heard(socket, 1) == [("handshake",)]
            await other.publish(opened())
            assert await heard(socket, 1) == [("event-notification", 1)]
    await here.close()
    await there.close()


async def test_a_ticket_is_used_once_and_not_late(door):
    id_ = await door.subscribe()
    used, late = await door.ticket(id=id_), await door.ticket(id=id_)
    async with door.open() as socket:
        await socket.send(f"bind-with-token {used['token']}")
        await heard(socket, 1)
    codes = []
    for given, seconds in ((used, 0), (late, 31)):
        door.clock.advance(seconds=seconds)
        async with door.open() as socket:
            await socket.send(f"bind-with-token {given['token']}")
            codes.append(await close_code(socket))

    assert codes == [4401, 4401]


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        pytest.param(None, 4408, id="no frame"),
        pytest.param("hello", 4401, id="another word"),
        pytest.param(b"\x00", 4401, id="bytes"),
        pytest.param("bind-with-token " + "a" * 43, 4401, id="a ticket of nobody"),
        pytest.param("x" * 2000, 4401, id="a long frame"),
        pytest.param("x" * 2**20, 1009, id="a frame of a megabyte"),
    ],
)
async def test_who_brings_no_ticket_is_sent_away(door, frame, code):
    async with door.open() as socket:
        if frame is not None:
            await socket.send(frame)

        assert await close_code(socket) == code


@pytest.mark.parametrize(("origin", "code"), [("https://evil.test", 4403), ("http://localhost", 0)])
async def test_a_page_of_another_site_opens_no_socket(door, origin, code):
    id_ = await door.subscribe()
    given = await door.ticket(id=id_)

    async with door.open(origin=origin) as socket:
        if code:
            assert await close_code(socket) == code
        else:
            await socket.send(f"bind-with-token {given['token']}")
            assert await heard(socket, 1) == [("handshake",)]


@pytest.mark.parametrize("end", ["deleted", "off", "over"])
async def test_the_end_of_a_subscription_closes_its_socket(door, end):
    id_ = await door.subscribe()
    read = (await door.client.get(f"{SUBSCRIPTIONS}/{id_}")).json()
    address = f"{SUBSCRIPTIONS}/{id_}"

    async with door.bound(id=id_) as socket:
        await heard(socket, 1)
        if end == "deleted":
            await door.client.delete(address)
        elif end == "off":
            await door.client.put(address, json={**read, "status": "off"})
        else:
            row = await door.store.read(lambda tx: tx.subscriptions.get(id_))
            body = {**orjson.loads(row.body), "end": "2026-03-02T08:00:10Z"}
            changed = replace(row, body=orjson.dumps(body))
            await door.store.write(lambda tx: tx.subscriptions.put(changed))
            door.clock.advance(seconds=20)

        assert await close_code(socket) == 1000


async def test_a_client_that_loses_its_rights_loses_its_socket(door):
    id_ = await door.subscribe()

    async with door.bound(id=id_) as socket:
        await heard(socket, 1)
        # From the first registration on, nobody is let in without a token.
        await door.store.write(lambda tx: tx.access.put_client(Client("dac", "DAC", "system/*.r")))

        assert await close_code(socket) == 4401


async def test_a_reader_that_never_reads_is_cut_and_asks_for_what_it_missed(door):
    id_ = await door.subscribe(content="full-resource")
    given = await door.ticket(id=id_)
    with capture_logs() as logs:
        async with door.open(max_queue=1, compression=None) as reader:
            await reader.send(f"bind-with-token {given['token']}")
            # The reader stops: the buffers of both sides fill, the rest stays in the store.
            async with asyncio.timeout(30):
                for number in count():
                    long = replace(opened(gap_id=f"g{number}"), sentences=("Long. " * 50_000,))
                    await door.publish(long)
                    if any(log["event"] == "socket_too_slow" for log in logs):
                        break
            code = await close_code(reader)
    missed = (await door.client.get(f"{SUBSCRIPTIONS}/{id_}/$events?content=empty")).json()

    assert code == 1013
    assert numbers(missed)[:3] == [1, 2, 3]


async def test_no_ticket_for_what_is_no_websocket(door):
    other = (
        await door.client.post(SUBSCRIPTIONS, json=subscription("http://localhost:9/n"))
    ).json()
    path = f"{SUBSCRIPTIONS}/{other['id']}/$get-ws-binding-token"

    answers = [
        await door.client.get(path),
        await door.client.get(f"{SUBSCRIPTIONS}/$get-ws-binding-token"),
        await door.client.get(f"{SUBSCRIPTIONS}/nobody/$get-ws-binding-token"),
    ]

    assert [(one.status_code, issues(one)[0][0]) for one in answers] == [
        (422, "RLS-SUB-020"),
        (422, "RLS-SUB-020"),
        (404, "RLS-SUB-014"),
    ]


async def test_one_socket_too_many_is_told_to_come_later(door):
    id_ = await door.subscribe()
    async with door.bound(id=id_) as first, door.bound(id=id_) as second:
        assert [await heard(one, 1) for one in (first, second)] == [[("handshake",)]] * 2
        async with door.open() as third:
            assert await close_code(third) == 1013
    async with door.bound(id=id_) as again:
        assert await heard(again, 1) == [("handshake",)]
