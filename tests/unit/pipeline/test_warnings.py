"""People are warned before a deadline where the rule says so; a warning is no gap.

The bed is expected by 9 March 2026 at 22:00, the letter by 23:59:59; both leads are 10 hours.
"""

from datetime import timedelta

import pytest

from gateway.core.contributions import Json
from gateway.core.facts import Op
from gateway.fhir.identity import Ids
from tests.support.assertions import paris
from tests.support.gaps import subscribed_row, subscription
from tests.support.opened_gaps import BED, LETTER, Ward, with_lead

LEAD = timedelta(hours=10)
WINDOW = paris("2026-03-09 12:00")
STAY = {"visit": "V26101", "estab": "990000001"}
DISCHARGE = "https://relais.example/ns/visit/990000001|V26101|M5#990000001"


async def warned_ward(rule: str = BED) -> Ward:
    """Return a ward whose rule has a lead, with a subscriber, before the window."""
    ward = await Ward.of()
    row = subscribed_row("s1", subscription())
    await ward.store.write(lambda tx: tx.subscriptions.put(row))
    await ward.use(with_lead(ward.watcher, rule, LEAD))
    return ward


def state(issue: Json) -> tuple[str, str, str]:
    extension = issue.get("modifierExtension")
    gap = extension[0]["valueCodeableConcept"]["coding"][0]["code"] if extension else ""
    action = issue.get("mitigation", [{"action": {"coding": [{"code": ""}]}}])[0]["action"]
    return issue["status"], gap, action["coding"][0]["code"]


async def states(ward: Ward, rule: str = BED) -> list[tuple[str, str, str]]:
    return [state(one) for one in await ward.issues(rule)]


async def heard(ward: Ward) -> int:
    [row] = await ward.store.read(lambda tx: tx.subscriptions.all())
    return row.events


PROSPECTIVE = ("preliminary", "prospective-gap", "")


async def test_a_warning_begins_to_the_second_and_is_no_work():
    ward = await warned_ward()
    before = await ward.ledger()

    await ward.at("2026-03-09 11:59:59")
    assert await states(ward) == []
    await ward.at(*["2026-03-09 12:00"] * 3, "2026-03-09 15:00")

    [issue] = await ward.issues(BED)
    assert state(issue) == PROSPECTIVE
    assert issue["identifiedDateTime"] == "2026-03-09T21:00:00Z"
    assert not any(one["url"].endswith("gap-task") for one in issue["extension"])
    assert await ward.tasks(BED) == []
    assert await ward.ledger() == before
    assert (await heard(ward), await ward.alerts()) == (1, [])


async def test_the_window_is_a_timer_of_its_own():
    ward = await warned_ward()

    due = await ward.store.write(lambda tx: tx.watch.claim_due(WINDOW - timedelta(seconds=1), 9))
    then = await ward.store.write(lambda tx: tx.watch.claim_due(WINDOW, 9))

    assert (due, then) == ([], [(await ward.row(BED)).person_id])


async def test_without_a_lead_nobody_is_warned():
    ward = await Ward.of()

    await ward.at("2026-03-09 12:00", "2026-03-09 21:59:59")

    assert await ward.issues(BED) == []


async def test_what_opens_is_the_same_gap_with_its_work():
    ward = await warned_ward()
    await ward.at("2026-03-09 12:00", "2026-03-10 00:00")

    first, opened = await ward.issues(BED)

    assert [state(one) for one in (first, opened)] == [PROSPECTIVE, ("final", "open-gap", "")]
    assert first["id"] == opened["id"] == Ids().gap((await ward.row(BED)).gap_id)
    assert len(await ward.tasks(BED)) == 1
    assert await heard(ward) == 2


async def test_what_comes_in_time_closes_the_warning():
    ward = await warned_ward(LETTER)
    await ward.at("2026-03-09 14:00")

    await ward.learn("2026-03-09 17:00", "DOC.LDL_SES", "doc-1", **STAY)

    assert (await ward.row(LETTER)).status == "met"
    assert await states(ward, LETTER) == [PROSPECTIVE, ("final", "closed-gap", "in-time")]
    assert await ward.tasks(LETTER) == []
    assert await heard(ward) == 2
    await ward.at("2026-03-10 06:00")
    assert len(await states(ward, LETTER)) == 2


async def test_what_came_before_the_window_is_never_shown():
    ward = await warned_ward(LETTER)
    await ward.learn("2026-03-09 13:00", "DOC.LDL_SES", "doc-1", **STAY)

    await ward.at("2026-03-09 14:00", "2026-03-10 06:00")

    assert await states(ward, LETTER) == []


async def test_a_trigger_that_is_taken_back_takes_its_warning_back():
    ward = await warned_ward()
    await ward.at("2026-03-09 12:00")

    await ward.learn("2026-03-09 13:00", "ENC.DISCHARGE", DISCHARGE, op=Op.RETRACT, revision="9")

    assert (await ward.row(BED)).status == "void"
    assert await states(ward) == [PROSPECTIVE, ("entered-in-error", "", "")]


async def test_a_death_before_the_deadline_cancels_the_warning():
    ward = await warned_ward()
    await ward.at("2026-03-09 12:00")

    await ward.learn("2026-03-09 13:00", "PAT.DEATH", "death-1", revision="9")

    assert (await ward.row(BED)).status == "cancelled"
    assert await states(ward) == [PROSPECTIVE, ("cancelled", "not-applicable", "")]


@pytest.mark.parametrize("late", ["2026-03-10 00:00", "2026-03-12 09:00"])
async def test_a_look_after_the_opening_warns_of_nothing(late: str) -> None:
    ward = await warned_ward()

    await ward.at(late)

    assert (await states(ward))[0] == ("final", "open-gap", "")


async def test_a_correction_that_moves_the_deadline_takes_the_warning_back_for_a_while():
    """The patient left at 13:00: the bed is expected at 01:00, the window begins at 15:00."""
    ward = await warned_ward()
    await ward.at("2026-03-09 12:00")

    await ward.learn("2026-03-09 13:00", "ENC.DISCHARGE", DISCHARGE, revision="9")
    await ward.at("2026-03-09 14:59:59", "2026-03-09 15:00")

    assert await states(ward) == [
        PROSPECTIVE, ("cancelled", "not-applicable", ""), PROSPECTIVE,
    ]  # fmt: skip
    assert (await ward.issues(BED))[-1]["identifiedDateTime"] == "2026-03-10T00:00:00Z"
