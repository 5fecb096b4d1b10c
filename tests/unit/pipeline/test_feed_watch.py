"""A silent feed: told once, opened as a gap of nobody, closed when it speaks again."""

import asyncio

import pytest

from gateway.core.facts import Status
from gateway.fhir.identity import FINESS_SYSTEM, Ids
from gateway.pipeline.feed_watch import FeedWatch
from tests.support.assertions import paris
from tests.support.feeding import ADT, DAY, Feeding


@pytest.fixture
async def feeding():
    return await Feeding.of()


@pytest.mark.field("FL-308")
async def test_a_feed_that_falls_silent_is_one_gap_of_its_operators(feeding):
    await feeding.spoke("14:05")

    await feeding.at("14:20", "14:30", "14:31", "15:00")

    [row] = await feeding.rows()
    assert (row.rule, row.status, row.severity) == ("FEED-01", Status.OVERDUE, "critical")
    assert (row.anchor, row.opened_at) == (paris(f"{DAY} 14:05:01"), paris(f"{DAY} 14:31"))
    assert row.details["feed"] == ADT
    assert feeding.told == 1


async def test_the_gap_of_a_feed_names_its_establishment_and_nobody(feeding):
    await feeding.spoke("14:05")

    await feeding.at("14:30", "14:31")

    [row] = await feeding.rows()
    issue, task = [await feeding.current(type_, row) for type_ in ("DetectedIssue", "Task")]
    place = f"Organization/{Ids().organization(FINESS_SYSTEM, '990000027')}"
    assert {"reference": place} in [one.get("valueReference") for one in issue["extension"]]
    assert ("patient" in issue, "for" in task) == (False, False)
    assert issue["detail"] == f"Flux {ADT}, silencieux depuis le 10/03/2026 à 14:05."
    assert task["status"] == "requested"


async def test_the_gap_closes_by_itself_when_the_feed_speaks(feeding):
    await feeding.spoke("14:05")
    await feeding.at("14:30", "14:31")

    await feeding.hear("16:00")
    await feeding.at("16:01", "16:02")

    [row] = await feeding.rows()
    assert (row.status, row.closed_at) == (Status.MET_LATE, paris(f"{DAY} 16:01"))
    assert row.details["happened_at"] == "2026-03-10T15:00:00Z"
    assert await feeding.steps() == [
        (paris(f"{DAY} 14:30"), "pending"),
        (paris(f"{DAY} 14:31"), "overdue"),
        (paris(f"{DAY} 16:01"), "met_late"),
    ]
    assert (await feeding.current("Task", row))["status"] == "completed"


async def test_another_silence_is_another_gap(feeding):
    await feeding.spoke("14:05")
    await feeding.at("14:30", "14:31")
    await feeding.hear("15:00")

    await feeding.at("15:01", "15:30", "15:31")

    rows = await feeding.rows()
    assert sorted(row.status.value for row in rows) == ["met_late", "overdue"]


async def test_a_feed_that_speaks_is_never_silent(feeding):
    await feeding.spoke("14:05")

    await feeding.at("14:06", "14:19")

    assert await feeding.rows() == []


async def test_several_watches_tell_a_silence_once(feeding):
    await feeding.spoke("14:05")
    feeding.clock.instant = paris(f"{DAY} 14:40")
    others = [FeedWatch(feeding.store, feeding.clock, feeding.watch.settings) for _ in range(4)]

    told = await asyncio.gather(*(one.step() for one in others))
    await feeding.watcher.drain()

    assert sorted(told) == [0, 0, 0, 1]
    assert len(await feeding.ledger()) == 1


async def test_a_watch_that_died_between_two_steps_leaves_nothing_half_told(feeding):
    """A new process finds what the old one told, and tells the end of it."""
    await feeding.spoke("14:05")
    await feeding.at("14:30", "14:31")
    await feeding.hear("15:00")

    feeding.watch = FeedWatch(feeding.store, feeding.clock, feeding.watch.settings)
    await feeding.at("15:01", "15:02")

    assert [state for _, state in await feeding.steps()] == ["pending", "overdue", "met_late"]


async def test_nobody_acted_upon_is_passed_on_to_those_on_call(feeding):
    await feeding.spoke("14:05")

    await feeding.at("14:30", "14:31", "16:32")

    [row] = await feeding.rows()
    task = await feeding.current("Task", row)
    assert (task["priority"], task["performerType"][-1]["text"]) == ("stat", "OPS_ON_CALL")


async def test_a_virtual_clock_is_told_when_the_next_silence_comes(feeding):
    await feeding.spoke("14:05")

    # 30 minutes of an hour: 9.21 of them are expected after 18 min 25 s.
    assert await feeding.watch.next_silence() == paris(f"{DAY} 14:23:25")


@pytest.mark.field("FL-309")
async def test_one_event_that_falls_silent_is_told_while_its_feed_speaks(feeding):
    """After an upgrade of the sender admissions go on and discharges do not come any more."""
    await feeding.spoke("08:00", "A01", "A03")
    for minute in range(60):
        await feeding.hear(f"08:{minute:02}", "A01")

    await feeding.at("08:15", "08:59", "09:00")

    [row] = await feeding.rows()
    assert (row.rule, row.details["feed"]) == ("FEED-01", f"{ADT}:A03")
    [trouble] = await feeding.store.read(lambda tx: tx.feeds.troubles())
    assert (trouble.part, "ENC.DISCHARGE" in trouble.lost) == (f"{ADT}:A03", True)


async def test_the_silence_of_a_feed_is_not_told_again_for_each_event(feeding):
    """Nor when the feed is back, before each event had the time to come again."""
    await feeding.spoke("08:00", "A01", "A03")
    await feeding.at("08:30", "08:31", "12:00")
    await feeding.hear("12:05", "A01")

    await feeding.at("12:06", "12:10")

    assert [row.details["feed"] for row in await feeding.rows()] == [ADT]


async def test_an_event_that_comes_again_ends_its_silence_only(feeding):
    await feeding.spoke("08:00", "A01", "A03")
    for minute in range(60):
        await feeding.hear(f"08:{minute:02}", "A01")
    await feeding.at("08:59", "09:00")

    await feeding.hear("09:01", "A03")
    await feeding.at("09:02")

    [row] = await feeding.rows()
    assert (row.status, row.details["happened_at"]) == (Status.MET_LATE, "2026-03-10T08:01:00Z")


async def test_the_gap_of_a_feed_claims_no_profile_of_a_handoff(feeding):
    await feeding.spoke("14:05")

    await feeding.at("14:30", "14:31")

    [row] = await feeding.rows()
    made = [await feeding.current(type_, row) for type_ in ("DetectedIssue", "Task")]
    assert ["profile" in one["meta"] for one in made] == [False, False]


async def test_an_event_that_comes_seldom_is_not_missed(feeding):
    """Merges come twice a day: five days without any are no silence anybody is told of."""
    await feeding.spoke("08:00", *["A01"] * 359, "A40")
    later = "2026-03-15 12:00"

    await feeding.hear_at(later)
    await feeding.at(later)

    assert await feeding.rows() == []
