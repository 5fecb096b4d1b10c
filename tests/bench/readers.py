"""(1) The reader alone, every leaf decoded, against the readers of others."""

import importlib.util
import subprocess
from pathlib import Path

from gateway.hl7v2.leaves import leaves
from gateway.hl7v2.reader import read
from tests.bench import inputs, servers
from tests.bench.figures import Report, per_call

_PEER_READS = """
import sys, time
from v2fhir.hl7.parser import parse_bytes
body = sys.stdin.buffer.read()
def work():
    message = parse_bytes(body)
    for segment in message.segments:
        for number in range(1, len(segment.fields) + 1):
            for rep in segment.reps(number):
                for part in range(1, rep.raw.count("^") + 2):
                    rep.get(part)
work()
start, calls = time.process_time(), 0
while time.process_time() - start < 0.5:
    work()
    calls += 1
print((time.process_time() - start) / calls)
"""


def run(report: Report, runs: int) -> None:
    """Measure reading one admission."""
    body = inputs.arrivals(1)[0]
    report.note(f"reader: one ADT^A01 of {len(body)} bytes, {len(leaves(read(body)))} leaves")
    for _ in range(runs):
        report.add(
            "reader relais, every leaf", "CPU us", 1e6 * per_call(lambda: leaves(read(body)))
        )
        report.add("reader relais, 30 fields", "CPU us", 1e6 * per_call(lambda: _thirty(body)))
        _hl7apy(report, body)
        _peer(report, body)
    report.table("Reading one admission", "reader")


_PATHS = tuple(
    f"PID-{number}" for number in (3, 5, 7, 8, 11, 13, 18, 32)
) + tuple(f"PV1-{number}" for number in (2, 3, 4, 7, 10, 14, 17, 19, 21, 44, 51)) + tuple(
    f"ZBE-{number}" for number in (1, 2, 4, 5, 7, 8, 9)
) + ("MSH-9.2", "MSH-10", "EVN-2", "EVN-6")  # fmt: skip


def _thirty(body: bytes) -> None:
    message = read(body)
    for path in _PATHS:
        message.value(path)


def _hl7apy(report: Report, body: bytes) -> None:
    if importlib.util.find_spec("hl7apy") is None:
        report.note("reader: hl7apy is not installed")
        return
    from hl7apy.parser import parse_message

    text = body.decode()

    def work() -> None:
        for segment in parse_message(text, find_groups=False).children:
            for field in segment.children:
                for component in field.children:
                    component.to_er7()

    report.add("reader hl7apy", "CPU us", 1e6 * per_call(work))


def _peer(report: Report, body: bytes) -> None:
    try:
        program = servers.peer_program()
    except servers.UnavailableError as why:
        report.note(f"reader: {why}")
        return
    python = Path(program).parent / "python"
    done = subprocess.run(
        [str(python), "-c", _PEER_READS], input=body, capture_output=True, check=False
    )
    if done.returncode:
        report.note(f"reader: the peer failed: {done.stderr.decode()[-200:]}")
        return
    report.add("reader hl7v2-fhir-bridge", "CPU us", 1e6 * float(done.stdout))
