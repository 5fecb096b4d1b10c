"""Rebuilding from the stored bytes."""

import pytest

from gateway.core.messages import InboxStatus
from gateway.pipeline.replay import Replayer
from gateway.store.memory import MemoryStore
from tests.support.gateway import holdings
from tests.support.pipeline import RULES, FakeConverter, HandClock, raw
from tests.unit.pipeline.test_commit import committed


class Corrected(FakeConverter):
    """The converter after a fix: what was bad is good, and every family name changes."""

    def prepare(self, opened, *, keep_only=False):
        text = opened.parsed.replace(":bad", ":7")
        fixed = self.open(raw(text))
        prepared = super().prepare(fixed, keep_only=keep_only)
        for part in prepared.contributions:
            if part.target.type == "Patient":
                part.resource["name"][0]["family"] += "X"
        return prepared


@pytest.fixture
async def store():
    opened = MemoryStore()
    await opened.open()
    return opened


def replayer(store, converter):
    return Replayer(store, converter, HandClock(), RULES, chunk=2)


async def run(store, converter, *span, dry_run=False):
    parts = [part async for part in replayer(store, converter).run(*span, dry_run=dry_run)]
    return (
        sum(part.rows for part in parts),
        [move for part in parts for move in part.moved],
        [change for part in parts for change in part.changes],
    )


async def test_a_replay_with_the_same_mapping_changes_nothing(store):
    await committed(store, "1:p1:0", "2:p1:5", "3:p2:bad", "4:p2:1", "5:p3:2")
    before = await holdings(store)

    rows, moved, changes = await run(store, FakeConverter())

    assert (rows, moved, changes) == (5, [], [])
    assert await holdings(store) == before


async def test_a_replay_after_a_fix_writes_what_differs(store):
    await committed(store, "1:p1:0", "2:p2:bad")

    rows, moved, changes = await run(store, Corrected())

    assert rows == 2
    assert moved == [(2, InboxStatus.QUARANTINED, InboxStatus.CONVERTED)]
    assert sorted(f"{c.after.type}/{c.after.id} {c.after.version}" for c in changes) == [
        "Patient/p1 2",
        "Patient/p2 1",
    ]
    families = {r["name"][0]["family"] for r in (await holdings(store, "Patient")).values()}
    assert families == {"F0X", "F7X"}


async def test_a_dry_run_tells_and_keeps(store):
    await committed(store, "1:p1:0", "2:p2:bad")
    before = await holdings(store)

    _, moved, changes = await run(store, Corrected(), dry_run=True)

    assert (len(moved), len(changes)) == (1, 2)
    assert await holdings(store) == before
    row = await store.read(lambda tx: tx.inbox.get(2))
    assert row.status is InboxStatus.QUARANTINED


async def test_only_the_rows_asked_for_are_replayed(store):
    await committed(store, "1:p1:0", "2:p2:0", "3:p3:0")

    rows, _, changes = await run(store, Corrected(), 2, 2)

    assert rows == 1
    assert [change.after.id for change in changes] == ["p2"]


async def test_a_row_whose_result_breaks_a_rule_goes_to_quarantine_alone(store):
    await committed(store, "1:p1:0", "2:p2:0")

    class Breaking(FakeConverter):
        def prepare(self, opened, *, keep_only=False):
            text = opened.parsed.replace("2:p2:0", "2:p2:shape")
            return super().prepare(self.open(raw(text)), keep_only=keep_only)

    rows, moved, changes = await run(store, Breaking())

    assert rows == 2
    assert moved == [(2, InboxStatus.CONVERTED, InboxStatus.QUARANTINED)]
    assert [(c.after.id, c.after.deleted) for c in changes] == [("p2", True)]


async def test_a_value_that_breaks_its_type_is_left_out_when_a_row_is_replayed(store):
    await committed(store, "1:p1:0", "2:p2:0")

    class Breaking(FakeConverter):
        def prepare(self, opened, *, keep_only=False):
            text = opened.parsed.replace("2:p2:0", "2:p2:value")
            return super().prepare(self.open(raw(text)), keep_only=keep_only)

    rows, moved, changes = await run(store, Breaking())

    assert (rows, moved) == (2, [])
    assert [(c.after.id, b"gender" in c.after.body) for c in changes] == [("p2", False)]


async def test_the_answer_that_was_given_stays_unless_the_outcome_changes(store):
    await committed(store, "1:p1:0", "2:p2:bad")
    first = await store.read(lambda tx: tx.inbox.get(1))

    await run(store, Corrected())

    again = await store.read(lambda tx: tx.inbox.get(1))
    healed = await store.read(lambda tx: tx.inbox.get(2))
    assert again.answer == first.answer
    assert healed.answer.startswith(b"AA 2")
