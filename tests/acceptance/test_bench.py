"""The benches of the engine run, at a size that shows it and measures nothing."""

import os
import subprocess
import sys

import orjson
import pytest

from tests.conftest import ROOT

pytestmark = [pytest.mark.acceptance, pytest.mark.long]
_SMALL = (
    "--only", "pathway,engine,history", "--runs", "1", "--expectations", "200", "--seconds", "1",
    "--patients", "20,200", "--events", "10", "--stays", "1,5",
)  # fmt: skip


def test_the_engine_is_measured():
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", *_SMALL],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=ROOT,
        capture_output=True, check=True, timeout=300,
    )  # fmt: skip

    found = orjson.loads(done.stdout.splitlines()[-1])

    figures = {name: one["median"] for name, one in found["figures"].items()}
    places = ("sqlite 1", "sqlite 200", "postgresql 200")
    for place in places:
        assert figures[f"pathway {place} messages"] > 0
        assert figures[f"pathway {place} ledger p99 at most"] > 0
    assert figures["history    5 stays: look CPU an event"] > 0
    for size in ("20", "200"):
        of_size = {name: v for name, v in figures.items() if f" {size} patients" in name}
        assert len(of_size) == 7
        assert all(of_size.values())
    assert not [note for note in found["notes"] if "not a fair figure" in note]


def test_the_fan_out_is_measured():
    small = ("--only", "fanout", "--runs", "1", "--subscribers", "5", "--admissions", "3")
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", *small],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=ROOT,
        capture_output=True, check=True, timeout=120,
    )  # fmt: skip

    found = orjson.loads(done.stdout.splitlines()[-1])

    figures = {name: one["median"] for name, one in found["figures"].items()}
    assert len(figures) == 12
    assert all(figures.values())


def test_letters_to_both_channels_are_measured():
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--only", "documents", "--runs", "1",
         "--letters", "5"],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=ROOT,
        capture_output=True, check=True, timeout=300,
    )  # fmt: skip

    found = orjson.loads(done.stdout.splitlines()[-1])["figures"]

    assert found["documents sends"]["median"] > 0
    assert found["documents backlog cleared"]["median"] > 0
