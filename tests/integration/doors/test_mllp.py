"""The MLLP door over real sockets: what reaches the pipeline, what is answered, in what order."""

import asyncio

import pytest
from structlog.testing import capture_logs

from gateway.core.messages import Channel
from gateway.entry.mllp_door import MllpLimits
from tests.integration.doors.house import (
    NOW,
    ack,
    adt,
    calling,
    eventually,
    framed,
    listening,
    msa,
)


async def test_message_is_handed_over_as_received_and_answered(house):
    async with listening(house) as door, calling(door.port) as caller:
        await caller.send(framed(adt("MSG1")))

        answer = await caller.ack()
        raw = house.received[0]

    assert answer == ack("AA", adt("MSG1"))
    assert (raw.body, raw.channel, raw.received_at) == (adt("MSG1"), Channel.MLLP, NOW)
    assert (raw.peer.address, raw.peer.certificate, raw.flags) == (caller.address, None, ())
    assert door.figure("relais_mllp_frames_total", result="accepted") == 1
    assert door.figure("relais_mllp_ack_seconds_count") == 1


@pytest.mark.field("FL-001")
async def test_frame_in_single_bytes_with_a_late_cr_is_one_message(house):
    async with listening(house) as door, calling(door.port) as caller:
        for byte in framed(adt("MSG1"))[:-1]:
            await caller.send(bytes([byte]))
        await asyncio.sleep(0.3)
        await caller.send(b"\r")
        first = await caller.codes(1)
        await caller.send(framed(adt("MSG2")))
        second = await caller.codes(1)

    assert first + second == [("AA", "MSG1"), ("AA", "MSG2")]
    assert [raw.body for raw in house.received] == [adt("MSG1"), adt("MSG2")]


@pytest.mark.field("FL-002")
async def test_frames_of_one_packet_are_processed_one_at_a_time_and_answered_in_order(house):
    ids = [f"MSG{n}" for n in range(200)]

    async with listening(house) as door, calling(door.port) as caller:
        await caller.send(b"".join(framed(adt(each)) for each in ids))
        answers = await caller.codes(len(ids))

    assert answers == [("AA", each) for each in ids]
    assert house.most_at_once == 1


@pytest.mark.field("FL-003")
async def test_noise_between_frames_is_counted_and_never_closes(house):
    async with listening(house) as door, calling(door.port) as caller:
        await caller.send(framed(adt("MSG1")) + b"\n\0\0" + framed(adt("MSG2")))
        answers = await caller.codes(2)
        await caller.send(b"\r\n\r\n" + framed(adt("MSG3")))
        answers += await caller.codes(1)

    assert [of for _, of in answers] == ["MSG1", "MSG2", "MSG3"]
    assert door.figure("relais_mllp_noise_bytes_total") == 7
    assert house.incidents == []


@pytest.mark.field("FL-004")
@pytest.mark.parametrize("after", [b"", b"\0"], ids=["silence", "NUL"])
async def test_end_block_without_cr_is_accepted_and_flagged(house, after):
    async with listening(house) as door, calling(door.port) as caller:
        await caller.send(b"\x0b" + adt("MSG1") + b"\x1c" + after)
        answers = await caller.codes(1)
        await caller.send(b"\r" + framed(adt("MSG2")))
        answers += await caller.codes(1)

    assert answers == [("AA", "MSG1"), ("AA", "MSG2")]
    assert [raw.flags for raw in house.received] == [("frame-end",), ()]


@pytest.mark.field("FL-005")
async def test_peer_that_hangs_up_inside_a_frame_leaves_an_incident_and_no_message(house):
    cut = b"\x0b" + adt("MSG1")[:-20]

    async with listening(house) as door, calling(door.port) as caller:
        await caller.send(cut)
        caller.writer.write_eof()
        answer = await caller.rest()
        await eventually(lambda: house.incidents != [])

    incident = house.incidents[0]
    assert (answer, house.received) == (b"", [])
    assert (incident.kind, incident.size, incident.excerpt) == (
        "truncated-frame",
        len(cut) - 1,
        cut[1:],
    )
    assert (incident.at, incident.peer) == (NOW, caller.address)
    assert door.figure("relais_mllp_connections_closed_total", reason="truncated-frame") == 1


@pytest.mark.field("FL-005")
async def test_reset_inside_a_frame_leaves_an_incident(house):
    async with listening(house) as door, calling(door.port) as caller:
        await caller.send(b"\x0bMSH|half")
        await eventually(lambda: door.listener.pending() != [])
        caller.reset()
        await eventually(lambda: house.incidents != [])

    assert [each.kind for each in house.incidents] == ["truncated-frame"]


@pytest.mark.field("FL-006")
async def test_sender_that_begins_again_is_heard_from_its_second_start(house):
    half = adt("MSG1")[:80]

    async with listening(house) as door, calling(door.port) as caller:
        await caller.send(b"\x0b" + half)
        await caller.send(framed(adt("MSG2", "A\x0bB")))
        answers = await caller.codes(1)

    assert answers == [("AA", "MSG2")]
    assert [raw.body for raw in house.received] == [adt("MSG2", "A\x0bB")]
    assert [(each.kind, each.excerpt) for each in house.incidents] == [("frame-restarted", half)]


async def test_sender_that_only_begins_again_is_closed_after_a_bound(house):
    async with listening(house, MllpLimits(restarts=3)) as door, calling(door.port) as caller:
        await caller.send(b"\x0bMSH|" * 50)
        await caller.rest()

    assert door.figure("relais_mllp_connections_closed_total", reason="noise") == 1


@pytest.mark.field("FL-007")
async def test_run_of_start_bytes_is_cut_off_and_disturbs_nobody(house):
    async with (
        listening(house) as door,
        calling(door.port) as noisy,
        calling(door.port) as other,
    ):
        flood = asyncio.create_task(noisy.send(b"\x0b" * 10_000_000))
        longest = 0.0
        for n in range(20):
            start = asyncio.get_running_loop().time()
            await other.send(framed(adt(f"MSG{n}")))
            await other.ack()
            longest = max(longest, asyncio.get_running_loop().time() - start)
        await noisy.rest()
        await asyncio.gather(flood, return_exceptions=True)

    assert longest < 0.5
    assert door.figure("relais_mllp_connections_closed_total", reason="noise") == 1
    assert 2**20 < door.figure("relais_mllp_noise_bytes_total") < 3 * 2**20


@pytest.mark.field("FL-011")
async def test_frame_over_the_limit_is_refused_with_its_control_id_and_the_door_stays_usable(house):
    big = adt("BIG", "x" * 300_000)

    limits = MllpLimits(frame_bytes=100_000)
    async with listening(house, limits) as door, calling(door.port) as caller:
        await caller.send(framed(big) + framed(adt("NEXT")))
        answers = [await caller.ack(), await caller.ack()]

    assert answers == [ack("AE", big, 207), ack("AA", adt("NEXT"))]
    assert msa(answers[0]) == ("AE", "BIG")
    assert [(each.kind, each.size, len(each.excerpt)) for each in house.incidents] == [
        ("oversize-frame", len(big), 4096)
    ]
    assert len(house.received) == 1


@pytest.mark.field("FL-011")
async def test_frame_beyond_four_limits_closes_the_connection(house):
    async with listening(house, MllpLimits(frame_bytes=1000)) as door, calling(door.port) as caller:
        await caller.send(b"\x0b" + b"x" * 5000)
        answer = await caller.rest()

    assert answer == b""
    assert [each.kind for each in house.incidents] == ["endless-frame"]
    assert door.figure("relais_mllp_connections_closed_total", reason="endless-frame") == 1


@pytest.mark.field("FL-012")
async def test_tls_hello_on_the_plain_port_is_closed_at_once_with_a_hint(house):
    async with listening(house, other_port=2576) as door, calling(door.port) as caller:
        await caller.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        answer = await caller.rest(timeout_s=1)
        await eventually(lambda: house.incidents != [])

    incident = house.incidents[0]
    assert (answer, incident.kind) == (b"", "tls-on-plain-port")
    assert incident.details["hint"] == f"TLS hello on plain port {door.port}; use 2576"


@pytest.mark.field("FL-013")
async def test_probes_are_counted_with_one_line_and_no_incident(house):
    with capture_logs() as lines:
        async with listening(house) as door:
            for _ in range(5):
                async with calling(door.port) as caller:
                    caller.writer.write_eof()
                    await caller.rest()
            async with calling(door.port) as caller:
                await caller.send(b"GET / HTTP/1.1\r\nHost: relais\r\n\r\n")
                answer = await caller.rest()
            await eventually(
                lambda: door.figure("relais_mllp_connections_closed_total", reason="probe") == 6
            )

    assert answer == b""
    assert house.incidents == []
    assert [line["event"] for line in lines] == ["mllp_listening", "mllp_probed", "mllp_stopped"]


@pytest.mark.field("FL-015")
async def test_sender_that_goes_before_its_answer_has_its_message_kept(house):
    house.gate.clear()

    with capture_logs() as lines:
        async with listening(house) as door:
            async with calling(door.port) as caller:
                await caller.send(framed(adt("MSG1")))
                await eventually(lambda: len(house.received) == 1)
                caller.reset()
            await eventually(lambda: door.figure("relais_mllp_connections") == 0)
            house.gate.set()
            await eventually(lambda: door.figure("relais_mllp_ack_undelivered_total") == 1)

    assert house.answered == ["MSG1"]
    assert "ack_undelivered" in [line["event"] for line in lines]


@pytest.mark.field("FL-016")
async def test_sender_that_closes_its_half_still_gets_its_answers(house):
    house.gate.clear()

    async with listening(house) as door, calling(door.port) as caller:
        await caller.send(framed(adt("MSG1")) + framed(adt("MSG2")))
        caller.writer.write_eof()
        await eventually(lambda: len(house.received) == 1)
        house.gate.set()
        answers = await caller.codes(2)
        rest = await caller.rest()

    assert answers == [("AA", "MSG1"), ("AA", "MSG2")]
    assert rest == b""


@pytest.mark.field("FL-016")
async def test_frame_without_cr_before_a_half_close_is_accepted(house):
    async with listening(house) as door, calling(door.port) as caller:
        await caller.send(b"\x0b" + adt("MSG1") + b"\x1c")
        caller.writer.write_eof()
        answers = await caller.codes(1)

    assert answers == [("AA", "MSG1")]


@pytest.mark.field("FL-017")
async def test_answer_comes_in_one_piece(house):
    async with listening(house) as door, calling(door.port) as caller:
        await caller.send(framed(adt("MSG1")))
        piece = await caller.reader.read(65536)

    assert piece == framed(ack("AA", adt("MSG1")))


@pytest.mark.field("FL-018")
async def test_frozen_pipeline_gives_no_answer_and_shows_the_age_of_the_oldest_frame(house):
    house.gate.clear()

    async with listening(house) as door, calling(door.port) as caller:
        await caller.send(framed(adt("MSG1")))
        await eventually(lambda: len(house.received) == 1)
        await asyncio.sleep(0.1)
        unanswered = door.figure("relais_mllp_unanswered_frame_seconds")
        house.gate.set()
        answers = await caller.codes(1)
        await eventually(lambda: door.listener.oldest_unanswered_s() == 0)

    assert 0.1 <= unanswered < 2
    assert answers == [("AA", "MSG1")]


@pytest.mark.field("FL-018")
async def test_frame_whose_sender_has_gone_still_counts_as_unanswered(house):
    house.gate.clear()

    async with listening(house) as door:
        async with calling(door.port) as caller:
            await caller.send(framed(adt("MSG1")))
            await eventually(lambda: len(house.received) == 1)
            caller.reset()
        await eventually(lambda: door.figure("relais_mllp_connections") == 0)

        assert door.listener.oldest_unanswered_s() > 0


@pytest.mark.field("FL-019")
async def test_unfinished_frame_is_visible_with_peer_size_and_age(house):
    async with listening(house) as door, calling(door.port) as caller:
        await caller.send(b"\x0bMSH|^~")
        await eventually(lambda: door.listener.pending() != [])
        await asyncio.sleep(0.05)
        pending = door.listener.pending()[0]
        figure = door.figure("relais_mllp_pending_frame_seconds")

    assert (pending.peer, pending.size) == (caller.address, 6)
    assert 0.05 <= pending.age_s <= figure < 2
