"""A region as files: the log, what really went wrong, what the run is made of."""

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter

import pytest

from gateway.entry.pathway_log import read_log
from gateway.simulation.behaviours import Cause
from gateway.simulation.faults import PERFECT, all_faults
from gateway.simulation.play import events
from gateway.simulation.recorded import LOG, MANIFEST, SIZES, TRUTH, record, record_stories
from gateway.simulation.region import Region
from gateway.simulation.stories import STORIES

_FILES = (LOG, TRUTH, MANIFEST)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A region of forty patients with every fault."""
    folder = tmp_path_factory.mktemp("written")
    record(Region(5, 40), all_faults(90), folder)
    return folder


def _lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_log_holds_every_arrival_in_order_and_can_be_replayed(written) -> None:
    played = list(events(Region(5, 40), all_faults(90)))

    log = read_log(written / LOG)

    assert [line.input.body for line in log] == [event.body for event in played]
    assert [line.at for line in log] == sorted(line.at for line in log)


def test_the_truth_names_rule_cause_person_visit_and_time(written) -> None:
    region = Region(5, 40)

    told = [one for one in _lines(written / TRUTH) if one["patient"]]

    truths = [truth for patient in region.patients() for truth in patient.truths]
    assert [(one["rule"], one["cause"], one["visit"]) for one in told] == [
        (truth.rule, truth.cause, truth.visit) for truth in truths
    ]
    for one in told:
        values = {each["value"] for each in one["identifiers"]}
        assert region.patient(one["patient"]).person.matricule in values
        assert one["begins"].endswith("Z")
        assert one["ends"] is None or one["ends"] > one["begins"]


def test_silent_feeds_are_told_without_a_person(written) -> None:
    silent = [one for one in _lines(written / TRUTH) if not one["patient"]]

    assert {one["cause"] for one in silent} == {Cause.SILENT}
    assert {len(one["identifiers"]) for one in silent} == {0}


def test_the_manifest_counts_the_files_and_digests_them(written) -> None:
    told = json.loads((written / MANIFEST).read_text())

    log = (written / LOG).read_text(encoding="utf-8").splitlines()
    truth = (written / TRUTH).read_bytes()
    assert sum(told["messages"].values()) == len(log)
    assert sum(told["truths"].values()) == len(truth.splitlines())
    assert told["truth_sha256"] == hashlib.sha256(truth).hexdigest()
    assert (told["seed"], told["patients"], told["days"]) == (5, 40, 90)


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_the_command_writes_the_same_bytes_in_any_process(written, tmp_path, hash_seed) -> None:
    words = ("--size", "tiny", "--patients", "40", "--seed", "5", "--out", str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-m", "gateway.entry.cli", "simulate", *words],
        env=os.environ
        | {
            "PYTHONPATH": os.pathsep.join(sys.path),
            "PYTHONHASHSEED": hash_seed,
            "TZ": "Asia/Tokyo",
            "LC_ALL": "C",
        },
        capture_output=True,
        text=True,
        check=True,
    )

    for name in _FILES:
        assert (tmp_path / name).read_bytes() == (written / name).read_bytes()
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_sizes_grow_and_their_days_are_lived() -> None:
    longest = Region(1, 300, days=SIZES["region"].days)

    starts = Counter(patient.steps[0].sent.month for patient in longest.patients())

    assert [size.patients for size in SIZES.values()] == [12, 2000, 20_000]
    assert len(starts) == 11


def test_all_faults_silence_feeds_again_and_again_and_lose_some_messages() -> None:
    year = all_faults(365)

    lost = list(events(Region(1, 30), PERFECT))
    kept = list(events(Region(1, 30), all_faults(90)))

    assert len(year.outages) > 3 * len(all_faults(90).outages)
    assert {event.body for event in kept} != {event.body for event in lost}


def test_the_smallest_size_tells_the_stories_of_the_rules(tmp_path) -> None:
    told = record_stories(tmp_path)

    log = read_log(tmp_path / LOG)
    truths = _lines(tmp_path / TRUTH)
    assert list(told["stories"]) == list(STORIES)
    assert sum(told["messages"].values()) == len(log)
    assert [line.at for line in log] == sorted(line.at for line in log)
    assert {one["rule"] for one in truths} == {"TRX-01", "TRX-08"}
    assert json.loads((tmp_path / MANIFEST).read_text()) == told
