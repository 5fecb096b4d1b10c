"""A feed that falls silent in a log is told by a replay as by a gateway, and asked about later."""

import asyncio
from datetime import timedelta

import pytest

from gateway.core.facts import Status, feed_subject
from gateway.core.messages import Channel, RawMessage
from gateway.entry.pathway_log import LogLine, replayed
from gateway.entry.settings import load
from gateway.entry.wiring import load_pathway_rules
from gateway.mapping.loader import load_mappings
from gateway.pathway.asof import Moment, feeds_known, open_rows, standing
from gateway.pathway.backtest import outcome
from gateway.pathway.watermarks import Feeds
from gateway.pipeline.histories import histories
from gateway.simulation.establishments import CHU
from gateway.simulation.play import event_of
from gateway.simulation.stories import Telling, at

FEED = f"{CHU.finess}:ADT"
END = at("2026-03-18 21:00")
#: Two messages an hour for eight days, then none for nine hours, then two an hour again.
QUIET, BACK = at("2026-03-18 10:00"), at("2026-03-18 19:00")


@pytest.fixture(scope="module")
def played():
    """What a replay of the log came to: its store, its rules."""
    told = Telling(1)
    instant = at("2026-03-10 08:00")
    while instant < END:
        if not QUIET < instant < BACK:
            told.news(instant, CHU, "A31")
        instant += timedelta(minutes=30)
    events = map(event_of, told.planned())
    lines = [LogLine(e.at, RawMessage(e.body, Channel(e.door), e.at)) for e in events]
    store, _ = asyncio.run(replayed(load(), lines, END))
    return store, load_pathway_rules(load(), load_mappings())


async def test_the_silence_is_one_gap_of_its_operators_until_it_is_over(played):
    store, _ = played

    rows = await store.read(lambda tx: tx.watch.gaps(tuple(Status), 100))
    [row] = [row for row in rows if row.rule == "FEED-01" and row.details["feed"] == FEED]
    lines = await store.read(lambda tx: tx.watch.history(row.gap_id))

    assert row.patient.id == feed_subject(FEED)
    assert row.status is Status.MET_LATE
    [opened] = [line.instant for line in lines if line.to_status is Status.OVERDUE]
    assert QUIET + timedelta(hours=3) < opened < BACK
    # The next look at the feeds is a minute later at most.
    assert BACK <= lines[-1].instant <= BACK + timedelta(minutes=31)


async def test_what_the_screen_showed_of_it_is_answered(played):
    store, rules = played

    def shown(instant):
        moment = Moment(instant, instant)

        def work(tx):
            feeds = feeds_known(tx.watch.feeds(), (), moment, tx.feeds.troubles())
            return [
                row.details["feed"]
                for history in histories(tx)
                for row in open_rows(standing(history, rules, feeds, "t", moment))
                if row.rule == "FEED-01"
            ]

        return store.read(work)

    assert FEED in await shown(BACK - timedelta(minutes=10))
    assert await shown(QUIET) == []
    assert await shown(END) == []


async def test_a_back_test_counts_it(played):
    store, rules = played

    def work(tx):
        feeds = Feeds.of(tx.watch.feeds(), troubles=tx.feeds.troubles())
        return outcome(list(histories(tx)), rules, feeds, "t", END)

    found = await store.read(work)

    assert "FEED-01" in {gap.rule for gap in found.gaps.values()}
    assert found.owners()["OPS"].openings >= 1
