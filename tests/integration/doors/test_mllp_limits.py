"""The MLLP door under time limits, crowds and stop; every limit is short here."""

import asyncio
import socket

import pytest
from structlog.testing import capture_logs

from gateway.core.messages import Outcome, Receipt
from gateway.entry.mllp_door import MllpLimits
from tests.integration.doors.house import (
    NOW,
    ack,
    adt,
    calling,
    eventually,
    framed,
    listening,
)


def closed(door, reason):
    return door.figure("relais_mllp_connections_closed_total", reason=reason)


@pytest.mark.field("FL-008")
async def test_dead_peers_are_found_by_keepalive_and_answers_leave_at_once(house):
    async with listening(house) as door, calling(door.port):
        await eventually(lambda: door.figure("relais_mllp_connections") == 1)
        (connection,) = door.listener._connections
        ours = connection._transport.get_extra_info("socket")
        options = [
            ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
            ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
            ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
            ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
            ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY),
        ]

    assert options == [1, 60, 15, 4, 1]


@pytest.mark.field("FL-008")
@pytest.mark.field("FL-009")
async def test_silence_at_a_boundary_closes_quietly(house):
    with capture_logs() as lines:
        async with listening(house, MllpLimits(idle_s=0.15)) as door, calling(door.port) as caller:
            await caller.send(framed(adt("MSG1")))
            await caller.ack()
            rest = await caller.rest()
            await eventually(lambda: closed(door, "idle") == 1)

    ends = [line for line in lines if line["event"] == "mllp_closed"]
    assert rest == b""
    assert [(line["log_level"], line["kind"]) for line in ends] == [("info", "idle")]
    assert house.incidents == []


@pytest.mark.field("FL-008")
async def test_idle_limit_waits_for_an_answer_that_is_due(house):
    house.gate.clear()

    async with listening(house, MllpLimits(idle_s=0.1)) as door, calling(door.port) as caller:
        await caller.send(framed(adt("MSG1")))
        await asyncio.sleep(0.3)
        house.gate.set()
        answers = await caller.codes(1)

    assert answers == [("AA", "MSG1")]


@pytest.mark.field("FL-010")
async def test_slow_sender_is_closed_and_the_others_go_on(house):
    limits = MllpLimits(frame_s=0.2)

    async with (
        listening(house, limits) as door,
        calling(door.port) as slow,
        calling(door.port) as other,
    ):
        await slow.send(b"\x0bMSH|")

        async def trickle():
            while True:
                await slow.send(b"x")
                await asyncio.sleep(0.02)

        trickling = asyncio.create_task(trickle())
        await eventually(lambda: closed(door, "frame-deadline") == 1)
        trickling.cancel()
        await asyncio.gather(trickling, return_exceptions=True)
        await other.send(framed(adt("MSG2")))
        answers = await other.codes(1)
        await eventually(lambda: house.incidents != [])

    incident = house.incidents[0]
    assert answers == [("AA", "MSG2")]
    assert (incident.at, incident.kind, incident.peer) == (NOW, "truncated-frame", slow.address)
    assert incident.details == {"ending": "frame-deadline"}
    assert incident.excerpt.startswith(b"MSH|x")


@pytest.mark.field("FL-010")
async def test_sender_that_pauses_between_frames_is_not_late(house):
    async with listening(house, MllpLimits(frame_s=0.15)) as door, calling(door.port) as caller:
        for n in range(4):
            await caller.send(framed(adt(f"MSG{n}")))
            await caller.ack()
            await asyncio.sleep(0.08)

        assert closed(door, "frame-deadline") == 0


@pytest.mark.field("FL-010")
async def test_peer_that_never_reads_its_answers_is_closed_with_bounded_memory(house):
    big = ack("AA", adt()) + b"x" * 100_000
    house.receipt = lambda raw: Receipt(Outcome.ACCEPTED, ack=big)

    async with listening(house, MllpLimits(ack_write_s=0.6)) as door:
        deaf = socket.create_connection(("127.0.0.1", door.port))
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.setblocking(False)
        sent = framed(adt("MSG1")) * 400
        await asyncio.get_running_loop().sock_sendall(deaf, sent)
        await asyncio.sleep(0.3)
        held = len(house.received)
        await eventually(lambda: closed(door, "ack-deadline") == 1)
        async with calling(door.port) as other:
            await other.send(framed(adt("MSG2")))
            answer = await other.ack()
        deaf.close()

    # 400 answers make 40 MB; what was made is what the kernel took and one more.
    assert held < 150
    assert answer == big


@pytest.mark.field("FL-014")
async def test_connection_per_message_that_never_closes_evicts_its_own_oldest(house):
    limits = MllpLimits(peer_connections=5)
    callers = []

    with capture_logs() as lines:
        async with listening(house, limits) as door:
            for n in range(60):
                reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
                callers.append((reader, writer))
                writer.write(framed(adt(f"MSG{n}")))
                answer = await reader.readuntil(b"\x1c\r")
                assert f"MSA|AA|MSG{n}".encode() in answer
            await eventually(lambda: closed(door, "evicted") == 55)
            still = door.figure("relais_mllp_connections")
            first = await asyncio.wait_for(callers[0][0].read(), 1)
            for _, writer in callers:
                writer.transport.abort()
            await asyncio.sleep(0.05)

    alarms = [line for line in lines if line["event"] == "mllp_peer_limit"]
    assert (still, first) == (5, b"")
    assert len(alarms) == 55
    assert {(line["log_level"], line["kind"]) for line in alarms} == {("warning", "evicted")}


@pytest.mark.field("FL-014")
async def test_crowd_in_all_is_bounded_too(house):
    async with (
        listening(house, MllpLimits(connections=2)) as door,
        calling(door.port),
        calling(door.port),
    ):
        await eventually(lambda: door.figure("relais_mllp_connections") == 2)
        async with calling(door.port) as newest:
            await newest.send(framed(adt("MSG1")))
            answers = await newest.codes(1)

    assert answers == [("AA", "MSG1")]
    assert closed(door, "evicted") == 1


@pytest.mark.field("FL-014")
async def test_busy_connections_are_not_closed_for_a_newcomer(house):
    house.gate.clear()

    opening = listening(house, MllpLimits(peer_connections=1))
    async with opening as door, calling(door.port) as busy:
        await busy.send(framed(adt("MSG1")))
        await eventually(lambda: len(house.received) == 1)
        async with calling(door.port) as newcomer:
            refused = await newcomer.rest()
        house.gate.set()
        answers = await busy.codes(1)

    assert refused == b""
    assert answers == [("AA", "MSG1")]
    assert closed(door, "full") == 1


@pytest.mark.field("FL-020")
async def test_stop_finishes_begun_frames_and_takes_no_new_connection(house):
    house.gate.clear()

    async with (
        listening(house) as door,
        calling(door.port) as working,
        calling(door.port) as begun,
        calling(door.port) as idle,
    ):
        await working.send(framed(adt("MSG1")))
        await begun.send(framed(adt("MSG2"))[:40])
        await eventually(
            lambda: (
                len(house.received) == 1
                and len(door.listener.pending()) == 1
                and door.figure("relais_mllp_connections") == 3
            )
        )
        stopping = asyncio.create_task(door.listener.stop(grace_s=5))
        gone = await idle.rest()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", door.port)
        await begun.send(framed(adt("MSG2"))[40:])
        house.gate.set()
        answers = [*await working.codes(1), *await begun.codes(1)]
        rests = [await working.rest(), await begun.rest()]
        await stopping

    assert gone == b""
    assert answers == [("AA", "MSG1"), ("AA", "MSG2")]
    assert rests == [b"", b""]
    assert house.incidents == []


@pytest.mark.field("FL-020")
async def test_stop_gives_up_what_does_not_end_and_keeps_the_cut_frame(house):
    async with listening(house) as door, calling(door.port) as caller:
        await caller.send(b"\x0bMSH|half")
        await eventually(lambda: door.listener.pending() != [])
        start = asyncio.get_running_loop().time()
        await door.listener.stop(grace_s=0.1)
        elapsed = asyncio.get_running_loop().time() - start
        await caller.rest()

    assert elapsed < 1
    assert [each.kind for each in house.incidents] == ["truncated-frame"]
    assert closed(door, "stopped") == 1


@pytest.mark.field("FL-020")
async def test_new_process_may_listen_before_the_old_one_has_finished(house):
    async with listening(house) as old:
        await old.listener.stop(grace_s=0.1)
        await old.listener.start("127.0.0.1", 0, reuse_port=True)
        async with listening(house) as new:
            await new.listener.stop(grace_s=0.1)
            await new.listener.start("127.0.0.1", old.port, reuse_port=True)
            ports = (old.port, new.port)

    assert ports[0] == ports[1]


async def test_pipelined_frames_during_stop_are_finished_then_the_connection_closes(house):
    house.gate.clear()

    async with listening(house) as door, calling(door.port) as caller:
        await caller.send(framed(adt("MSG1")) + framed(adt("MSG2")))
        await eventually(lambda: len(house.received) == 1)
        stopping = asyncio.create_task(door.listener.stop(grace_s=5))
        await asyncio.sleep(0.02)
        house.gate.set()
        answers = await caller.codes(2)
        rest = await caller.rest()
        await stopping

    assert answers == [("AA", "MSG1"), ("AA", "MSG2")]
    assert rest == b""
