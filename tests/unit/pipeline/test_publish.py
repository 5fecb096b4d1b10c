"""Changed gaps become versions of resources, numbered events and rows of the outbox, once each."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

from gateway.core.contributions import Target
from gateway.core.deliveries import DeliveryStatus
from gateway.core.facts import Status
from gateway.fhir import gap_words, gaps
from gateway.fhir.search import parse
from gateway.fhir.topics import GAP_CLOSED, GAP_OPENED
from gateway.pipeline import subscribed, written
from gateway.pipeline.publish import gap_changes
from gateway.store.memory import MemoryStore
from tests.support.gaps import (
    IDS,
    change,
    closed,
    line,
    opened,
    row,
    subscribed_row,
    subscription,
)
from tests.support.pipeline import START

NOW = START + timedelta(days=4)
ISSUE = ("DetectedIssue", IDS.gap("g1"))
TASK = ("Task", IDS.gap_task("g1", 1))
TASK_2 = ("Task", IDS.gap_task("g1", 2))


@pytest.fixture
async def store() -> AsyncIterator[MemoryStore]:
    made = MemoryStore()
    await made.open()
    yield made
    await made.close()


async def _publish(store, *changes, now=NOW):
    return await store.write(lambda tx: gap_changes(tx, changes, now, IDS))


async def _subscribe(store, id_, resource=None, status="active"):
    made = subscribed_row(id_, resource or subscription(), status)
    await store.write(lambda tx: tx.subscriptions.put(made))


async def _versions(store, key):
    found = await store.read(lambda tx: tx.resources.history(*key, 50, None))
    return [orjson.loads(one.body) for one in reversed(found)]


async def _outbox(store):
    everything = list(DeliveryStatus)
    found = await store.read(lambda tx: tx.outbox.page(everything, 0, 100))
    return [(one.item.key, one.item.lane) for one in found]


async def _subscription(store, id_):
    return await store.read(lambda tx: tx.subscriptions.get(id_))


def _gap_status(issue):
    return issue["modifierExtension"][0]["valueCodeableConcept"]["coding"][0]["code"]


async def test_an_opening_writes_both_resources_and_tells_who_subscribed(store):
    await _subscribe(store, "s1")

    queued = await _publish(store, opened())

    [issue], [task] = await _versions(store, ISSUE), await _versions(store, TASK)
    assert (_gap_status(issue), task["status"]) == ("open-gap", "requested")
    assert issue["meta"]["versionId"] == "1"
    assert (queued, await _outbox(store)) == (1, [("s1:1", "s1")])
    events = await store.read(lambda tx: tx.subscriptions.events("s1", 1, 9))
    assert [(n, focus) for n, focus, _ in events] == [(1, f"DetectedIssue/{ISSUE[1]}/_history/1")]


async def test_resources_of_a_gap_are_found_by_search(store):
    await _publish(store, opened())

    query = parse("Task", [("patient", row().patient.id), ("status", "requested")])
    page = await store.read(lambda tx: tx.resources.search("Task", query.conditions, 10, None))
    assert [found.id for found in page.resources] == [TASK[1]]


async def test_what_never_opened_is_not_shown(store):
    await _subscribe(store, "s1")
    after = row(Status.MET, opened_at=None)

    queued = await _publish(
        store, change(after, line(None, Status.PENDING), line(Status.PENDING, Status.MET))
    )

    assert (queued, await _versions(store, ISSUE), await _versions(store, TASK)) == (0, [], [])


@pytest.mark.field("FL-307")
@pytest.mark.field("FL-243")
async def test_the_same_state_again_writes_and_tells_nothing(store):
    await _subscribe(store, "s1")
    await _publish(store, opened())
    still = change(row(), before=row())

    queued = await _publish(store, still, still, now=NOW + timedelta(hours=1))

    assert queued == 0
    assert len(await _versions(store, ISSUE)) == len(await _versions(store, TASK)) == 1


async def test_a_closed_gap_looked_at_again_is_silent(store):
    await _subscribe(store, "s1")
    await _publish(store, opened(), closed())
    still = closed()

    queued = await _publish(store, replace(still, before=still.after, lines=()))

    assert queued == 0
    assert len(await _versions(store, ISSUE)) == 2


@pytest.mark.field("FL-242")
@pytest.mark.parametrize("status", [Status.MET_LATE, Status.MOOT, Status.VOID])
async def test_an_ending_is_an_event_for_each_subscription_alone(store, status):
    for id_ in ("s1", "s2"):
        await _subscribe(store, id_)

    await _publish(store, opened())
    await _publish(store, closed(status))

    assert await _outbox(store) == [
        ("s1:1", "s1"),
        ("s2:1", "s2"),
        ("s1:2", "s1"),
        ("s2:2", "s2"),
    ]


@pytest.mark.field("FL-247")
async def test_a_gap_that_opened_and_closed_between_two_looks_is_told_twice(store):
    await _subscribe(store, "s1")
    whole = closed()

    queued = await _publish(store, replace(whole, before=None, lines=opened().lines + whole.lines))

    first, second = await _versions(store, ISSUE)
    assert (_gap_status(first), _gap_status(second)) == ("open-gap", "closed-gap")
    assert "mitigation" not in first
    events = await store.read(lambda tx: tx.subscriptions.events("s1", 1, 9))
    assert [focus.rpartition("/")[2] for _, focus, _ in events] == ["1", "2"]
    assert [task["status"] for task in await _versions(store, TASK)] == ["requested", "completed"]
    assert queued == 2


async def test_what_closed_a_gap_is_no_evidence_of_its_opening(store):
    whole = closed()
    trigger, closer = whole.after.trigger, whole.after.closer
    references = {trigger: ("Encounter/e1",), closer: ("Encounter/e2",)}
    after = replace(whole.after, evidence=(trigger, closer))
    lines = opened().lines + whole.lines

    await _publish(
        store, replace(whole, before=None, after=after, lines=lines, references=references)
    )

    issues = await _versions(store, ISSUE)
    assert [gaps.evidence_of(issue) for issue in issues] == [
        ("Encounter/e1",),
        ("Encounter/e1", "Encounter/e2"),
    ]
    assert [issue["implicated"] for issue in issues] == [[{"reference": "Encounter/e1"}]] * 2


async def test_a_reopened_gap_is_a_new_version_with_a_new_task(store):
    await _publish(store, opened(), closed())
    again = row(episode=2, opened_at=NOW, closed_at=None)

    await _publish(
        store, change(again, line(Status.MET_LATE, Status.OVERDUE, NOW, 2), before=closed().after)
    )

    issues = await _versions(store, ISSUE)
    assert [_gap_status(one) for one in issues] == ["open-gap", "closed-gap", "open-gap"]
    assert "mitigation" not in issues[2]
    assert (await _versions(store, TASK))[-1]["status"] == "completed"
    assert [one["status"] for one in await _versions(store, TASK_2)] == ["requested"]


async def test_a_retracted_trigger_takes_back_the_tasks_of_every_episode(store):
    await _publish(store, opened(), closed())
    again = row(episode=2, opened_at=NOW)
    reopened = line(Status.MET_LATE, Status.OVERDUE, NOW, 2)
    await _publish(store, change(again, reopened, before=closed().after))
    void = replace(again, status=Status.VOID, closed_at=NOW)

    await _publish(store, change(void, line(Status.OVERDUE, Status.VOID, NOW, 2), before=again))

    for key in (ISSUE, TASK, TASK_2):
        assert (await _versions(store, key))[-1]["status"] == "entered-in-error"


async def test_a_task_a_person_took_keeps_what_the_person_wrote(store):
    await _publish(store, opened())
    taken = {
        "status": "accepted",
        "businessStatus": gap_words.business("en-cours"),
        "owner": {"reference": "Practitioner/p1"},
    }

    def take(tx):
        current = tx.resources.current([TASK])[TASK]
        written.write(tx, Target(*ISSUE), {**written.read(current), **taken}, current, NOW)

    await store.write(take)
    await _publish(store, change(row(), before=row()))
    accepted = (await _versions(store, TASK))[-1]
    await _publish(store, closed())

    done = (await _versions(store, TASK))[-1]
    assert accepted["status"] == "accepted"
    assert (done["status"], done["owner"]) == ("completed", taken["owner"])
    assert [t["meta"]["versionId"] for t in await _versions(store, TASK)] == ["1", "2", "3"]


async def test_filters_choose_the_events(store):
    mine = f"patient={row().patient.id}"
    await _subscribe(store, "a-mine", subscription("http://localhost/", mine))
    await _subscribe(store, "b-low", subscription("http://localhost/", "severity=low"))
    by_ipp = subscription("http://localhost/", "patient:identifier=urn:ipp|42")
    await _subscribe(store, "c-ipp", by_ipp)

    found = replace(opened(), identifiers=(("urn:ipp", "42"),))
    await _publish(store, found)

    assert [key for key, _ in await _outbox(store)] == ["a-mine:1", "c-ipp:1"]


async def test_a_topic_of_one_kind_tells_that_kind_only(store):
    await _subscribe(store, "opens", {**subscription(), "criteria": GAP_OPENED.url})
    await _subscribe(store, "closes", {**subscription(), "criteria": GAP_CLOSED.url})

    await _publish(store, opened(), closed())

    assert sorted(key for key, _ in await _outbox(store)) == ["closes:1", "opens:1"]


async def test_in_error_events_are_numbered_and_not_sent(store):
    await _subscribe(store, "s1", status="error")

    queued = await _publish(store, opened(), closed())

    assert queued == 0
    assert (await _subscription(store, "s1")).events == 2


@pytest.mark.field("FL-238")
async def test_a_broken_subscription_shows_error_and_stops_nobody(store):
    await _subscribe(store, "a-broken")
    broken = replace(subscribed_row("a-broken", subscription()), body=b"{")
    await store.write(lambda tx: tx.subscriptions.put(broken))
    await _subscribe(store, "b-sound")

    await _publish(store, opened())

    assert await _outbox(store) == [("b-sound:1", "b-sound")]
    found = await _subscription(store, "a-broken")
    assert (found.status, found.error) == ("error", subscribed.BROKEN)


async def test_after_its_end_a_subscription_is_off(store):
    ended = {**subscription(), "end": (NOW - timedelta(seconds=1)).isoformat()}
    await _subscribe(store, "s1", ended)

    await _publish(store, opened())

    assert await _outbox(store) == []
    assert (await _subscription(store, "s1")).status == "off"


async def test_nothing_is_kept_of_a_change_that_fails(store):
    await _subscribe(store, "s1")

    def fail(tx):
        gap_changes(tx, [opened()], NOW, IDS)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.write(fail)

    assert (await _outbox(store), await _versions(store, ISSUE)) == ([], [])
    assert (await _subscription(store, "s1")).events == 0
