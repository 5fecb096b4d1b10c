"""`relais admin deliveries`: what did not leave is told without its address or its patient."""

import asyncio
from datetime import UTC, datetime

import orjson
import pytest

from gateway.core.deliveries import DeliveryStatus, NewDelivery
from gateway.store.factory import open_store

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
REFUSED, CONFIRMED = DeliveryStatus.REFUSED, DeliveryStatus.CONFIRMED
NOTE = "RLS-MSS-024 The operator refused with 550 mailbox unknown."


@pytest.fixture
def rows(tmp_path):
    """Put a refused mail, one that waits and one that arrived into the store of the command."""

    async def fill():
        store = open_store(f"sqlite:///{tmp_path}/cli.db")
        await store.open()

        def work(tx):
            details = {"to": "dr.absent@cabinet.mssante.example", "ins": "254039902200377"}
            items = [
                NewDelivery("mssante", key, NOW, details=details, about=f"DocumentReference/{key}")
                for key in ("a", "b", "c")
            ]
            first, waits, last = tx.outbox.queue(items, NOW)
            tx.outbox.settle(first, REFUSED, NOW, note=NOTE)
            retry = DeliveryStatus.RETRY_WAIT
            tx.outbox.settle(waits, retry, NOW, note="RLS-MSS-020 It is away.", due_at=NOW)
            tx.outbox.settle(last, CONFIRMED, NOW, note="delivered 2.0.0")

        await store.write(work)
        await store.close()

    asyncio.run(fill())


def test_what_is_in_trouble_is_listed_with_its_code_the_newest_first(relais, rows):
    ended = relais("admin", "deliveries")

    waits, refused = [orjson.loads(line) for line in ended.out.splitlines()]
    assert (refused["status"], refused["note"]) == ("refused", NOTE)
    assert (refused["about"], refused["next_at"]) == ("DocumentReference/a", None)
    assert (waits["status"], waits["next_at"]) == ("retry_wait", "2026-03-02T09:30:00Z")
    door = "mssante: 1 wait, RLS-MSS-020 It is away. Next try 2026-03-02T09:30:00Z.\n"
    assert (ended.code, ended.err) == (0, f"{door}2 deliveries.\n")
    assert "dr.absent" not in ended.out
    assert "254039902200377" not in ended.out


def test_states_are_chosen(relais, rows):
    ended = relais("admin", "deliveries", "--state", "confirmed")

    assert [orjson.loads(line)["about"] for line in ended.out.splitlines()] == [
        "DocumentReference/c"
    ]


def test_a_state_that_is_none_is_wrong_usage(relais):
    assert relais("admin", "deliveries", "--state", "lost").code == 2
