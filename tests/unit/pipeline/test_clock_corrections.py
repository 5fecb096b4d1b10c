"""A wrong clock is corrected when a person allows it, and read as told when that is taken back."""

from datetime import timedelta

import pytest

from gateway.core.errors import RejectedError
from gateway.core.facts import Status
from gateway.entry.settings import load
from gateway.entry.wiring import load_pathway_rules
from gateway.mapping.loader import load_mappings
from gateway.pathway.asof import Moment, feeds_known, standing
from gateway.pathway.explain import explain
from gateway.pipeline.clock_corrections import Wish, approve, withdraw
from gateway.pipeline.histories import history_of
from tests.support.assertions import MCO, PATIENT, SMR, paris, says
from tests.support.feeding import Feeding

ADT, OTHER = f"{MCO}:ADT", f"{SMR}:ADT"
WHY = "Heure d'hiver déjà appliquée, vu avec la DSI"
#: Left at 15:00, told as 14:00; arrived 12 h 30 min after the time that was told.
LEFT = says(
    "ENC.DISCHARGE", "v1|3", "2026-10-24 14:00", "2026-10-24 15:01",
    patient_class="I", mode="7", destination_code="2", visit="v1", estab=MCO,
)  # fmt: skip
ARRIVED = says(
    "ENC.ADMIT", "v2|1", "2026-10-25T02:30:00+02:00", "2026-10-25 09:00",
    patient_class="I", entry_mode="7", visit="v2", estab=SMR, source=OTHER,
)  # fmt: skip


def wish(**changes):
    said = {
        "feed": ADT,
        "since": paris("2026-10-24 00:00"),
        "until": None,
        "offset_s": 3600,
        "author": "anne",
        "reason": WHY,
    }
    return Wish(**{**said, **changes})


async def tell(feeding, number, received):
    """Let an assertion come, as a commit stores it."""
    said = received.assertion

    def work(tx):
        tx.watch.feed_seen([(said.source, received.at, said.sent_at)])
        patients = tx.facts.replace([(number, received.at, [said])])
        tx.watch.touch(dict.fromkeys(patients, received.at))

    await feeding.store.write(work)


@pytest.fixture
async def feeding():
    """A transfer whose arrival is late by the wrong clock, and on time by the right one."""
    made = await Feeding.of()
    for number, one in enumerate((LEFT, ARRIVED), 1):
        await tell(made, number, one)
        made.clock.instant = one.at
        await made.watcher.drain()
    await go_to(made, "2026-10-26 08:00")
    return made


async def go_to(feeding, instant):
    feeding.clock.instant = paris(instant)
    await feeding.watcher.drain()


async def transfer(feeding):
    rows = await feeding.store.read(
        lambda tx: tx.watch.gaps(tuple(Status), 100, rule="TRX-08", opened_only=False)
    )
    [row] = [row for row in rows if row.patient == PATIENT]
    return row


@pytest.mark.field("FL-211")
async def test_an_approved_correction_moves_the_deadline_and_the_ledger_says_when(feeding):
    before = await transfer(feeding)

    feeding.clock.instant = paris("2026-10-26 09:00")
    made, persons = await approve(feeding.store, feeding.clock, wish())
    await feeding.watcher.drain()

    after = await transfer(feeding)
    lines = await feeding.store.read(lambda tx: tx.watch.history(after.gap_id))
    assert (made.number, persons) == (1, 1)
    assert (before.status, after.status) == (Status.MET_LATE, Status.MET)
    assert after.deadline - before.deadline == timedelta(hours=1)
    assert (lines[-1].instant, lines[-1].to_status) == (paris("2026-10-26 09:00"), Status.MET)


@pytest.mark.field("FL-211")
async def test_a_withdrawn_correction_gives_back_what_was_told(feeding):
    before = await transfer(feeding)
    made, _ = await approve(feeding.store, feeding.clock, wish())
    await go_to(feeding, "2026-10-26 10:00")

    feeding.clock.instant = paris("2026-10-26 11:00")
    over, persons = await withdraw(feeding.store, feeding.clock, made.number, "bruno", WHY)
    await feeding.watcher.drain()

    after = await transfer(feeding)
    assert (over.withdrawn_by, persons) == ("bruno", 1)
    assert (after.status, after.deadline) == (before.status, before.deadline)


async def test_what_was_known_before_the_approval_is_still_answered_so(feeding):
    await approve(feeding.store, feeding.clock, wish())
    await go_to(feeding, "2026-10-26 10:00")
    rules = load_pathway_rules(load(), load_mappings())

    def status_at(text):
        moment = Moment(paris(text), paris(text))

        def work(tx):
            feeds = feeds_known(tx.watch.feeds(), (), moment)
            walked = standing(history_of(tx, PATIENT.id), rules, feeds, "t", moment)
            rows = [row for one in walked for row in one.advance.rows]
            return [row.status for row in rows if row.rule == "TRX-08"]

        return feeding.store.read(work)

    assert await status_at("2026-10-26 07:59") == [Status.MET_LATE]
    assert await status_at("2026-10-26 08:01") == [Status.MET]


async def test_explain_says_who_allowed_it_and_why(feeding):
    await approve(feeding.store, feeding.clock, wish())
    await go_to(feeding, "2026-10-26 10:00")
    row = await transfer(feeding)
    rules = load_pathway_rules(load(), load_mappings())

    history = await feeding.store.read(lambda tx: history_of(tx, PATIENT.id))
    told = explain(row, history.received, rules)

    [line] = [one for one in told.fr if "corrigée" in one]
    assert "+1 h" in line
    assert "24/10/2026 à 14:00" in line
    assert f"anne ({WHY})" in line
    assert any("corrected by +1 h" in one for one in told.en)


async def test_what_comes_under_a_correction_is_right_from_the_first_look_on(feeding):
    await approve(feeding.store, feeding.clock, wish())
    late = says(
        "ENC.DISCHARGE", "v3|1", "2026-10-26 10:00", "2026-10-26 11:00",
        patient_class="I", mode="7", destination_code="2", visit="v3", estab=MCO,
    )  # fmt: skip

    await tell(feeding, 3, late)
    await go_to(feeding, "2026-10-26 11:00")

    rows = await feeding.store.read(
        lambda tx: tx.watch.gaps(tuple(Status), 100, rule="TRX-08", opened_only=False)
    )
    [row] = [row for row in rows if row.trigger == "v3|1"]
    assert row.anchor == paris("2026-10-26 11:00")
    assert "clock-corrected" in row.details["flags"]


async def test_the_same_wish_again_is_no_second_correction(feeding):
    first, _ = await approve(feeding.store, feeding.clock, wish())

    again, persons = await approve(feeding.store, feeding.clock, wish())

    assert (again, persons) == (first, 1)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        pytest.param({"offset_s": 0}, "offset", id="nothing to add"),
        pytest.param({"offset_s": 400 * 86400}, "offset", id="more than a year"),
        pytest.param({"until": paris("2026-10-23 00:00")}, "until", id="ends before it begins"),
        pytest.param({"reason": "parce que"}, "reason", id="no reason"),
        pytest.param({"feed": "990000099:ADT"}, "feed", id="a feed nobody knows"),
    ],
)
async def test_a_wish_that_makes_no_sense_is_refused(feeding, changes, where):
    with pytest.raises(RejectedError) as refused:
        await approve(feeding.store, feeding.clock, wish(**changes))

    assert [(one.code, one.where) for one in refused.value.issues] == [("RLS-PTH-130", where)]


async def test_two_corrections_of_one_time_are_refused(feeding):
    await approve(feeding.store, feeding.clock, wish())

    with pytest.raises(RejectedError) as refused:
        await approve(feeding.store, feeding.clock, wish(offset_s=7200))

    assert [(one.code, one.where) for one in refused.value.issues] == [("RLS-PTH-131", ADT)]


async def test_what_is_over_or_never_was_is_not_withdrawn(feeding):
    made, _ = await approve(feeding.store, feeding.clock, wish())
    await withdraw(feeding.store, feeding.clock, made.number, "anne", WHY)

    for number in (made.number, 7):
        with pytest.raises(RejectedError) as refused:
            await withdraw(feeding.store, feeding.clock, number, "anne", WHY)
        issues = [(one.code, one.where) for one in refused.value.issues]
        assert issues == [("RLS-PTH-132", str(number))]
