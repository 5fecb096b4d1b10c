"""Clocks that are wrong and inputs that are refused: gaps of the operators of a feed."""

from datetime import timedelta

import pytest

from gateway.core.facts import Status
from gateway.core.feed_ports import Refusal
from gateway.core.inbox_ports import InboxResult
from gateway.core.messages import Channel, Header, InboxStatus, NewInboxRow
from gateway.store.feedmarks import SAMPLES
from tests.support.assertions import paris
from tests.support.feeding import ADT, DAY, Feeding


@pytest.fixture
async def feeding():
    return await Feeding.of()


async def sent(feeding, until, seconds, count=SAMPLES):
    """Let messages come, each by a clock that is behind by so many seconds."""
    end = paris(f"{DAY} {until}")
    at = [end - timedelta(seconds=10 * (count - n)) for n in range(1, count + 1)]
    late = timedelta(seconds=seconds + 2)
    await feeding.store.write(lambda tx: tx.watch.feed_seen([(ADT, one, one - late) for one in at]))


@pytest.mark.field("FL-211")
async def test_a_clock_that_is_an_hour_behind_is_one_gap_until_it_is_right(feeding):
    await sent(feeding, "08:00", 0)
    await feeding.at("08:00")
    await sent(feeding, "09:00", 3600)

    await feeding.at("09:00", "09:01", "09:16")
    [row] = await feeding.rows()
    await sent(feeding, "10:00", 0)
    await feeding.at("10:00", "10:01")

    assert (row.rule, row.rule_version, row.status) == ("FEED-02", 2, Status.OVERDUE)
    assert (row.severity, row.details["skew_s"]) == ("minor", 3600)
    [after] = await feeding.rows()
    assert after.status is Status.MET_LATE


async def test_another_skew_is_told_again_and_all_end_together(feeding):
    await sent(feeding, "08:00", 0)
    await feeding.at("08:00")
    await sent(feeding, "09:00", 3600)
    await feeding.at("09:00")
    await sent(feeding, "10:00", -3600)
    await feeding.at("10:00")

    rows = await feeding.rows()
    assert sorted(row.details["skew_s"] for row in rows) == [-3600, 3600]

    await sent(feeding, "11:00", 0)
    await feeding.at("11:00")
    assert {row.status for row in await feeding.rows()} == {Status.MET_LATE}


async def test_up_to_two_minutes_nobody_is_told(feeding):
    await sent(feeding, "08:00", 0)
    await feeding.at("08:00")
    await sent(feeding, "09:00", 118)

    await feeding.at("09:00", "09:30")

    assert await feeding.rows() == []


async def test_a_backlog_is_no_skew(feeding):
    await sent(feeding, "08:00", 0)
    await feeding.at("08:00")
    end = paris(f"{DAY} 12:00")
    waited = [(ADT, end, end - timedelta(minutes=n)) for n in range(SAMPLES)]
    await feeding.store.write(lambda tx: tx.watch.feed_seen(waited))

    await feeding.at("12:00", "12:30")

    assert await feeding.rows() == []


# --- refused ----------------------------------------------------------------------------------


async def refuse(feeding, at, count):
    """Let inputs go to the quarantine; return the numbers of their rows."""
    instant = paris(f"{DAY} {at}")
    rows = [
        NewInboxRow(
            instant,
            Channel.MLLP,
            "peer",
            Header(("A", "F"), f"{at}-{n}", "ADT^A01", f"{at}-{n}", f"{at}-{n}", instant),
            b"bad",
            InboxStatus.QUARANTINED,
        )
        for n in range(count)
    ]

    def work(tx):
        ids = tx.inbox.insert(rows)
        tx.feeds.refuse([Refusal(id_, ADT, instant) for id_ in ids])
        return ids

    return await feeding.store.write(work)


async def mend(feeding, ids):
    """Convert inputs of the quarantine after all."""

    def work(tx):
        for id_ in ids:
            tx.inbox.reopen(id_)
        tx.inbox.set_results([InboxResult(id_, InboxStatus.CONVERTED, b"") for id_ in ids])

    await feeding.store.write(work)


async def test_many_refusals_are_one_gap_until_the_quarantine_is_empty(feeding):
    first = await refuse(feeding, "08:10", 6)
    more = await refuse(feeding, "08:40", 6)

    await feeding.at("09:00", "09:01", "13:01")
    [row] = await feeding.rows()
    await mend(feeding, first)
    await feeding.at("13:30")
    [still] = await feeding.rows()
    await mend(feeding, more)
    await feeding.at("14:00")

    assert (row.rule, row.status, row.details["rejects"]) == ("FEED-03", Status.OVERDUE, 12)
    assert row.deadline == paris(f"{DAY} 13:00")
    assert still.status is Status.OVERDUE
    [after] = await feeding.rows()
    assert after.status is Status.MET_LATE


async def test_some_refusals_an_hour_are_usual(feeding):
    await refuse(feeding, "07:00", 8)
    await refuse(feeding, "08:30", 8)

    await feeding.at("09:00")

    assert await feeding.rows() == []
