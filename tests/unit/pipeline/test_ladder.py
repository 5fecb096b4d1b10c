"""What happens to a gap after it opened: who is told, what its Task shows, what wakes it."""

from dataclasses import replace

import pytest

from gateway.core.deliveries import DeliveryStatus
from gateway.core.work import Did
from gateway.pipeline import written
from gateway.pipeline.watch import Watcher
from tests.support.gaps import subscribed_row, subscription
from tests.support.opened_gaps import BED, BED_OPENS, LETTER, LETTER_OPENS, Ward, business, deferred
from tests.support.pipeline import HandClock

WORK = "https://relais.example/fhir/CodeSystem/gap-task-status"


async def opened() -> Ward:
    """Return a ward whose two gaps just opened."""
    ward = await Ward.of()
    await ward.at("2026-03-10 00:00", "2026-03-10 05:59:59")
    return ward


async def roles(ward: Ward, rule: str = LETTER) -> list[str]:
    return [one["recipient"][0]["display"] for one in await ward.alerts(rule)]


async def test_the_gaps_open_when_the_page_of_this_ward_says():
    ward = await opened()

    assert (await ward.row(BED)).opened_at == BED_OPENS
    assert (await ward.row(LETTER)).opened_at == LETTER_OPENS


async def test_nobody_acts_and_the_next_one_is_told_with_the_task_urgent():
    ward = await opened()
    before = await ward.ledger()

    await ward.at("2026-03-11 23:59:58")
    assert [business(one) for one in await ward.tasks()] == ["a-traiter"]
    await ward.at("2026-03-11 23:59:59")

    task = await ward.task()
    assert (task["status"], task["priority"], business(task)) == ("requested", "stat", "escalade")
    assert [one["text"] for one in task["performerType"]] == ["IDEC"]
    assert await roles(ward) == ["IDEC"]
    assert await ward.ledger() == before


async def test_each_rung_is_told_once_however_often_one_looks():
    ward = await opened()

    for day in ("11", "13", "17", "18"):
        await ward.at(*[f"2026-03-{day} 23:59:59"] * 3)

    assert await roles(ward) == ["IDEC", "CADRE", "QUALITE_3C"]
    assert len(await ward.tasks()) == 4
    assert [one["text"] for one in (await ward.task())["performerType"]] == [
        "IDEC", "CADRE", "QUALITE_3C",
    ]  # fmt: skip


async def test_the_gap_says_how_far_its_ladder_was_climbed():
    ward = await opened()
    await ward.at("2026-03-11 23:59:59", "2026-03-13 23:59:59")

    climbed = next(
        one for one in (await ward.issues())[-1]["extension"] if one["url"].endswith("escalation")
    )

    assert climbed["extension"] == [
        {"url": "step", "valuePositiveInt": 2},
        {"url": "audience", "valueCode": "CADRE"},
        {"url": "at", "valueDateTime": "2026-03-13T22:59:59Z"},
    ]


async def test_a_critical_gap_is_told_at_once_and_by_the_hour():
    ward = await Ward.of()
    await ward.at("2026-03-10 00:00", "2026-03-10 02:00", "2026-03-10 06:00")

    told = await ward.alerts(BED)

    assert [(one["category"][0]["coding"][0]["code"], one["sent"]) for one in told] == [
        ("opening", "2026-03-09T23:00:00Z"),
        ("escalation", "2026-03-10T01:00:00Z"),
        ("escalation", "2026-03-10T05:00:00Z"),
    ]
    assert [one["priority"] for one in told] == ["asap", "stat", "stat"]


async def test_a_look_that_comes_late_tells_the_highest_step_and_names_the_others():
    ward = await opened()

    await ward.at("2026-03-20 09:00", "2026-03-21 09:00")

    [alert] = await ward.alerts(LETTER)
    assert alert["recipient"][0]["display"] == "QUALITE_3C"
    assert alert["note"][0]["text"].endswith(
        "IDEC (prévu le 11/03/2026 à 23:59), CADRE (prévu le 13/03/2026 à 23:59)."
    )
    assert [one["text"] for one in (await ward.task())["performerType"]] == ["QUALITE_3C"]


async def test_subscribers_are_told_once_of_each_rung():
    ward = await Ward.of()
    row = subscribed_row("s1", subscription())
    await ward.store.write(lambda tx: tx.subscriptions.put(row))

    await ward.at("2026-03-10 00:00", "2026-03-10 05:59:59", "2026-03-10 06:00")
    await ward.at("2026-03-11 23:59:59", "2026-03-11 23:59:59", "2026-03-13 23:59:59")
    queued = await ward.store.read(lambda tx: tx.outbox.page(list(DeliveryStatus), 0, 99))
    [heard] = await ward.store.read(lambda tx: tx.subscriptions.all())

    # Two openings, two rungs of the bed, two of the letter.
    assert heard.events == len(queued) == 6


async def test_somebody_takes_it_and_the_others_are_told_later():
    ward = await opened()
    await ward.write(
        "2026-03-11 09:00",
        status="accepted",
        restriction={"period": {"end": "2026-03-13T09:00:00+01:00"}},
    )

    await ward.at("2026-03-11 23:59:59", "2026-03-12 23:59:59")
    assert await roles(ward) == []
    await ward.at("2026-03-13 23:59:59")

    task = await ward.task()
    assert await roles(ward) == ["IDEC"]
    assert (task["status"], business(task)) == ("accepted", "escalade")


async def test_a_deferral_that_ends_wakes_its_task_once():
    ward = await opened()
    waits = {"coding": [{"system": WORK, "code": "attente-patient"}]}
    await ward.write("2026-03-10 10:00", status="in-progress", businessStatus=waits)
    slept = await ward.write("2026-03-10 11:00", **deferred("2026-03-12 09:00"))

    await ward.at("2026-03-12 08:59:59")
    assert (slept["status"], (await ward.task())["status"]) == ("on-hold", "on-hold")
    await ward.at(*["2026-03-12 09:00"] * 3)

    woken = await ward.task()
    assert (woken["status"], business(woken)) == ("in-progress", "attente-patient")
    assert "statusReason" not in woken
    assert [one["status"] for one in await ward.tasks()] == [
        "requested", "in-progress", "on-hold", "in-progress",
    ]  # fmt: skip


async def test_a_task_nobody_had_wakes_as_work_to_be_done():
    ward = await opened()
    await ward.write("2026-03-10 11:00", **deferred("2026-03-10 15:00"))
    again = await ward.write("2026-03-10 12:00", **deferred("2026-03-10 18:00"))

    await ward.at("2026-03-10 15:00")
    assert (await ward.task())["status"] == again["status"] == "on-hold"
    await ward.at("2026-03-10 18:00")

    woken = await ward.task()
    assert (woken["status"], business(woken)) == ("requested", "a-traiter")


async def test_nobody_sleeps_through_the_ladder():
    """A critical gap is put off for three days: after 12 hours the ladder goes on."""
    ward = await Ward.of()
    await ward.at("2026-03-10 00:00")
    await ward.write("2026-03-10 01:00", BED, **deferred("2026-03-13 09:00"))

    await ward.at("2026-03-10 13:00", "2026-03-10 13:59:59")
    assert (await ward.task(BED))["status"] == "on-hold"
    await ward.at("2026-03-10 14:00")

    task = await ward.task(BED)
    assert (task["status"], business(task)) == ("requested", "escalade")
    await ward.at("2026-03-13 09:00")
    assert (await ward.task(BED))["status"] == "requested"


async def test_what_is_settled_by_hand_is_told_nobody():
    ward = await opened()
    found = [{"type": {"text": "Action"}, "valueString": "Lettre retrouvée"}]
    await ward.write("2026-03-10 10:00", status="completed", output=found)

    await ward.at("2026-03-11 23:59:59", "2026-03-20 09:00")

    assert await roles(ward) == []
    assert (await ward.task())["status"] == "completed"


async def test_a_clock_that_jumps_back_tells_nothing_twice():
    ward = await opened()
    await ward.at("2026-03-11 23:59:59", "2026-03-09 12:00", "2026-03-11 12:00")
    person = (await ward.row()).person_id
    await ward.store.write(lambda tx: tx.watch.touch({person: ward.clock.instant}))
    await ward.at("2026-03-11 12:00", "2026-03-12 09:00")

    assert await roles(ward) == ["IDEC"]


async def test_two_workers_tell_each_rung_once():
    ward = await opened()
    other = Watcher(
        ward.store, ward.watcher.rules, ward.watcher.ids, HandClock(), ward.watcher.settings
    )
    person = (await ward.row()).person_id
    for text in ("2026-03-11 23:59:59", "2026-03-13 23:59:59"):
        await ward.at(text)
        now = ward.clock.instant
        await ward.store.write(lambda tx, now=now: tx.watch.touch({person: now}))
        await replace(other, clock=HandClock(now)).drain()

    assert await roles(ward) == ["IDEC", "CADRE"]
    acts = await ward.store.read(lambda tx: tx.work.acts([]))
    assert acts == {}


async def test_what_was_done_is_kept_with_what_was_told():
    ward = await opened()
    await ward.write("2026-03-10 10:00", status="accepted")
    await ward.write("2026-03-10 11:00", note=[{"text": "Rien de neuf"}])
    await ward.write("2026-03-10 12:00", status="rejected", statusReason={"text": "Pas à nous"})
    gap_id = (await ward.row()).gap_id

    acts = await ward.store.read(lambda tx: tx.work.acts([gap_id]))

    assert [(act.did, act.number) for act in acts[gap_id]] == [
        (Did.RUNG, 0),
        (Did.TAKEN, 2),
        (Did.RETURNED, 4),
    ]


@pytest.mark.parametrize("fails", ["Communication", "DetectedIssue"])
async def test_a_transaction_that_breaks_leaves_the_rung_to_be_told(fails, monkeypatch):
    ward = await opened()
    honest = written.write

    def write(tx, owner, resource, *rest):
        if resource["resourceType"] == fails:
            raise RuntimeError(fails)
        return honest(tx, owner, resource, *rest)

    with monkeypatch.context() as broken:
        broken.setattr(written, "write", write)
        with pytest.raises(RuntimeError):
            await ward.at("2026-03-11 23:59:59")
    assert await roles(ward) == []
    await ward.at("2026-03-12 00:01")

    assert await roles(ward) == ["IDEC"]


@pytest.mark.field("FL-151")
@pytest.mark.parametrize("died", ["2026-03-10 12:00", "2026-03-09 20:00"], ids=["after", "before"])
async def test_nobody_is_told_any_more_of_a_patient_who_died(died: str) -> None:
    ward = await opened()
    before = len(await ward.alerts())

    await ward.learn("2026-03-10 12:00", "PAT.DEATH", "death-1", te=died, revision="9")
    await ward.at("2026-03-11 23:59:59", "2026-03-20 09:00")

    assert {(await ward.task(rule))["status"] for rule in (BED, LETTER)} == {"cancelled"}
    assert len(await ward.alerts()) == before
