"""The demo, over real sockets: what it tells, and that what it finds is what went wrong."""

import json
import os
import subprocess
import sys
from collections import Counter

import httpx2
import pytest

from gateway.core.facts import Status
from gateway.simulation.region import Region
from tests.support.demonstration import demonstration
from tests.support.rest import everything, unreadable

#: Rules whose truth is known to the letter: nothing else closes or opens what they look for.
EXACT = ("TRX-01", "TRX-08", "ORI-06", "ORI-08", "VIL-08")
_ALL = tuple(Status)


@pytest.mark.long
def test_the_demo_ends_by_itself_with_one_json_object(tmp_path):
    command = [sys.executable, "-m", "gateway.entry.cli", "demo", "--exit", "--seed", "11"]

    done = subprocess.run(
        [*command, "--patients", "12"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    assert set(told) == {
        "messages", "resources", "gaps", "notifications", "deliveries", "record", "seconds",
    }  # fmt: skip
    assert {code for found in told["messages"].values() for code in found} <= {
        "AA", "AE", "AR", "200", "201", "400", "422",
    }  # fmt: skip
    gaps = told["gaps"]
    assert gaps["opened"] > 0
    assert gaps["closed"] > 0
    assert gaps["open"] == gaps["opened"] - gaps["closed"]
    assert sum(one["opened"] for one in gaps["by_rule"].values()) == gaps["opened"]
    assert told["resources"]["DetectedIssue"] > 0
    # Every opening and every closing is told, each under its own number.
    assert told["notifications"] >= gaps["opened"] + gaps["closed"]
    assert told["deliveries"]["confirmed"] > 0
    assert told["deliveries"]["sent"] == told["deliveries"]["confirmed"]
    assert told["record"]["fed"] > 0
    assert told["record"]["refused"] == 0


async def _play(region, folder):
    """Play a region without transport faults; return what the store holds and the doubles."""
    async with demonstration(region, folder) as (gateway, doubles, played):
        rows = await gateway.store.read(lambda tx: tx.watch.gaps(_ALL, 10_000))
        events_of = await gateway.store.read(
            lambda tx: {row.id: row.events for row in tx.subscriptions.all()}
        )
        async with httpx2.AsyncClient(base_url=gateway.local_url, timeout=60) as client:
            issues = await everything(client, "DetectedIssue")
            tasks = await everything(client, "Task")
            unread = await unreadable(client, (*issues, *tasks))
        # What is told of a gap can be followed, whatever it was founded on.
        assert (len(issues) > 10, unread) == (True, {})
        bare = [issue for issue in issues if not issue["evidence"][0].get("detail")]
        assert bare == []
        return played, rows, events_of, doubles


@pytest.mark.long
async def test_what_opens_is_what_went_wrong(tmp_path):
    region = Region("truth", 40)
    truths = [truth for patient in region.patients() for truth in patient.truths]

    played, rows, numbered, doubles = await _play(region, tmp_path)

    assert played.surprises == Counter()
    opened = {
        (row.rule, row.details["estab"], row.details["visit"])
        for row in rows
        if row.rule in EXACT and row.status is not Status.VOID
    }
    true = {(truth.rule, truth.finess, truth.visit) for truth in truths if truth.rule in EXACT}
    assert {rule for rule, _, _ in true} >= {"TRX-01", "ORI-08"}
    assert opened == true
    # Each event number reached the subscriber, in order, none twice.
    assert [doubles.subscriber.events] == [list(range(1, n + 1)) for n in numbered.values()]
    # One mail by Message-ID.
    assert set(doubles.operator.by_message_id.values()) == {1}
