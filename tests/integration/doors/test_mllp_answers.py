"""What an MLLP door answers, and what it never does."""

import asyncio

import pytest
from structlog.testing import capture_logs

from gateway.core.errors import FatalError, RejectedError
from gateway.core.messages import Outcome, Receipt
from tests.integration.doors.house import (
    ack,
    adt,
    calling,
    eventually,
    framed,
    listening,
    refused,
)


@pytest.mark.field("FL-023")
@pytest.mark.parametrize("block", [b"\x06", b"\x15"], ids=["ACK", "NAK"])
async def test_commit_block_is_counted_and_never_answered(house, block):
    async with listening(house) as door, calling(door.port) as caller:
        await caller.send(framed(block) + framed(adt("MSG1")))
        answers = await caller.codes(1)

    assert answers == [("AA", "MSG1")]
    assert len(house.received) == 1
    assert door.figure("relais_mllp_frames_total", result="commit-block") == 1


@pytest.mark.field("FL-023")
async def test_message_the_pipeline_does_not_answer_gets_nothing(house):
    answers = {"ACK1": Receipt(Outcome.UNANSWERED)}
    house.receipt = lambda raw: answers.pop(
        raw.body.split(b"|")[9].decode(), Receipt(Outcome.ACCEPTED, ack=ack("AA", raw.body))
    )

    async with listening(house) as door, calling(door.port) as caller:
        await caller.send(framed(ack("AA", b"").replace(b"|9|", b"|ACK1|")) + framed(adt("MSG2")))
        got = await caller.codes(1)

    assert got == [("AA", "MSG2")]
    assert door.figure("relais_mllp_frames_total", result="unanswered") == 1


@pytest.mark.field("FL-067")
@pytest.mark.parametrize("code", ["AE", "AR"])
async def test_refused_message_is_answered_and_the_connection_stays(house, code):
    house.receipt = lambda raw: Receipt(Outcome.REJECTED, (refused(),), ack(code, raw.body))

    async with listening(house) as door, calling(door.port) as caller:
        await caller.send(framed(adt("MSG1")))
        answers = await caller.codes(1)
        await caller.send(framed(adt("MSG2")))
        answers += await caller.codes(1)

    assert answers == [(code, "MSG1"), (code, "MSG2")]


@pytest.mark.field("FL-083")
async def test_store_that_is_away_is_answered_with_a_refusal_that_invites_to_try_again(house):
    house.receipt = house.away

    async with listening(house) as door, calling(door.port) as caller:
        await caller.send(framed(adt("MSG1")))
        answer = await caller.ack()

    assert answer == ack("AR", adt("MSG1"), 206)
    assert door.figure("relais_mllp_frames_total", result="unavailable") == 1


async def test_refusal_that_is_raised_is_answered(house):
    def refuse(_raw):
        raise RejectedError([refused()])

    house.receipt = refuse

    async with listening(house) as door, calling(door.port) as caller:
        await caller.send(framed(adt("MSG1")))
        answer = await caller.ack()

    assert answer == ack("AE", adt("MSG1"), 101)


@pytest.mark.field("FL-066")
@pytest.mark.parametrize("fault", [FatalError([refused()]), KeyError("ZZSENTINELLE")])
async def test_fault_of_our_own_closes_without_prose_and_without_a_name_in_the_log(house, fault):
    def break_down(_raw):
        raise fault

    house.receipt = break_down

    with capture_logs() as lines:
        async with listening(house) as door, calling(door.port) as caller:
            await caller.send(framed(adt("MSG1")))
            answer = await caller.rest()
            await eventually(
                lambda: door.figure("relais_mllp_connections_closed_total", reason="failed") == 1
            )

    failed = [line for line in lines if line["event"] == "mllp_failed"]
    assert answer == b""
    assert [line["kind"] for line in failed] == [type(fault).__name__]
    assert "SENTINELLE" not in str(lines)


async def test_log_lines_hold_places_and_sizes_only(house):
    with capture_logs() as lines:
        async with listening(house) as door, calling(door.port) as caller:
            await caller.send(framed(adt("MSG1")) + b"\x0b" + adt("MSG2")[:150])
            await caller.ack()
            caller.writer.write_eof()
            await caller.rest()

    assert {key for line in lines for key in line} <= {
        "event",
        "log_level",
        "address",
        "size",
        "kind",
    }
    assert "SENTINELLE" not in str(lines)


async def test_many_large_frames_in_a_row_do_not_pile_up_in_memory(house):
    house.gate.clear()
    sent = 0

    async with listening(house) as door, calling(door.port) as caller:

        async def flood() -> None:
            nonlocal sent
            for n in range(64):
                await caller.send(framed(adt(f"MSG{n}", "x" * 500_000)))
                sent += 1

        flooding = asyncio.create_task(flood())
        await asyncio.sleep(0.3)
        held = sent
        house.gate.set()
        answers = await caller.codes(64)
        await flooding

    # 32 MB were offered; what the kernel takes beside our own bound is a few MB.
    assert held < 40
    assert [of for _, of in answers] == [f"MSG{n}" for n in range(64)]
