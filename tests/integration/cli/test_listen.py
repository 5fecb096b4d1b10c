"""`relais listen` judges and answers a sender; `relais conformance run` judges a receiver."""

import asyncio
import os
import re
import subprocess
import sys
from contextlib import asynccontextmanager

import pytest
from prometheus_client import CollectorRegistry

from gateway.core.messages import Channel, RawMessage
from gateway.entry.cli_conformance import judge
from gateway.entry.judging import build_judge
from gateway.entry.listening import Listening
from gateway.entry.mllp import MllpListener
from gateway.entry.mllp_metrics import MllpMetrics
from gateway.entry.sender import Address, MllpLine
from gateway.entry.settings import load
from gateway.hl7v2.reader import read
from tests.conftest import ROOT
from tests.support.pipeline import HandClock
from tests.support.process import GatewayProcess
from tests.unit.hl7v2.compose import PID, ZBE, admission, with_field, with_msh

MOVEMENT = with_field(ZBE, 8, "Oncologie^^^^^CHU-DEMO&990000001&M^UF^^^4036")
SOUND = admission(ZBE=MOVEMENT)


@asynccontextmanager
async def listening():
    """Open an answering end on a free port; gives its address and the reports."""
    told = []
    end = Listening(build_judge(load()), HandClock(), told.append)
    listener = MllpListener(end.house(), MllpMetrics(CollectorRegistry()))
    await listener.start("127.0.0.1", 0)
    try:
        yield Address.parse(f"mllp://127.0.0.1:{listener.port}"), told
    finally:
        await listener.stop(grace_s=0.1)


async def answers(address: Address, *bodies: bytes):
    line = await MllpLine.open(address, timeout_s=5)
    try:
        return [read(await line.exchange(body, 5)) for body in bodies]
    finally:
        line.close()


async def test_each_message_is_judged_and_answered_as_it_deserves():
    broken = admission(ZBE=with_field(MOVEMENT, 3, "20261121"), PID=with_field(PID, 8, "X"))
    unknown = admission(MSH=with_msh(9, "ADT^A99^ADT_A01"), ZBE=MOVEMENT)
    async with listening() as (address, told):
        good, bad, foreign = await answers(address, SOUND, broken, unknown)

    assert [one.value("MSA-1") for one in (good, bad, foreign)] == ["AA", "AE", "AR"]
    assert not good.has("ERR")
    places = {(e.field(2), e.field(2, 3), e.field(3)) for e in bad.segments_named("ERR")}
    assert places == {("ZBE", "3", "199"), ("PID", "8", "103")}
    assert [report.is_refused for report in told] == [False, True, True]


async def test_what_is_read_only_after_a_repair_is_refused_to_a_sender_under_test():
    async with listening() as (address, told):
        [ack] = await answers(address, admission(ZBE=with_field(MOVEMENT, 4, "")))

    assert ack.value("MSA-1") == "AE"
    assert told[0].answer == "AA"


async def test_an_acknowledgement_is_judged_and_not_answered():
    end = Listening(build_judge(load()), HandClock(), lambda _: None)
    body = b"MSH|^~\\&|A|B|C|D|20261120||ACK^A01^ACK|1|P|2.5\rMSA|AA|G1\r"

    receipt = await end.receive(RawMessage(body, Channel.MLLP, HandClock().now()))

    assert receipt.ack == b""


def test_the_command_answers_and_ends_after_a_count(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway.entry.cli", "listen", "--port", "0", "--count", "2"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        said = process.stderr.readline().decode()
        address = Address.parse(re.search(r"mllp://\S+", said)[0])
        got = asyncio.run(answers(address, SOUND, admission(ZBE=None)))
        out, _ = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()

    assert [one.value("MSA-1") for one in got] == ["AA", "AE"]
    assert process.returncode == 1
    assert "message 1: ADT^A01, answered AA: no finding" in out.decode()
    assert "error RLS-HL7-032 ZBE:" in out.decode()


def test_a_port_that_is_taken_is_said(relais):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = relais("listen", "--port", taken.getsockname()[1])

    assert ended.code == 2
    assert "RLS-NET-060" in ended.err


async def test_the_suite_finds_what_an_answering_end_does_otherwise():
    async with listening() as (address, _):
        results = await judge(address, "P", 5)

    wrong = {result.check.id: result.why for result in results if not result.passed}
    # It keeps nothing, so that it cannot know a control id again.
    assert wrong == {"reused-id": "answered AA, expected AE"}


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["mllp", "http"])
def test_the_command_passes_a_running_gateway(tmp_path, relais, scheme):
    gateway = GatewayProcess(f"sqlite:///{tmp_path}/kit.db", tmp_path).start()
    try:
        path = "/hl7v2" if scheme == "http" else ""
        target = f"{scheme}://127.0.0.1:{gateway.ports[scheme]}{path}"
        ended = relais("conformance", "run", "--target", target, "--matrix")
    finally:
        gateway.process.kill()
        gateway.process.wait()

    assert ended.out.endswith("hl7v2-ack: 16 of 16 checks passed\n")
    assert ended.code == 0


def test_nobody_at_the_target_fails_every_check(relais):
    ended = relais("conformance", "run", "--target", "mllp://127.0.0.1:1", "--timeout", "2")

    assert ended.code == 1
    assert "0 of 16 checks passed" in ended.out
