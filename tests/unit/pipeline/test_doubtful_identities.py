"""Identities that are doubtful are said to be, and joined with nobody."""

import pytest

from gateway.core.contributions import Target
from gateway.core.messages import Outcome
from gateway.pipeline import written
from gateway.pipeline.replay import Replayer
from tests.support.gateway import converter, holdings, take
from tests.support.merged import (
    kept,
    links,
    opened,
    record,
    same_in_any_order,
)
from tests.support.merging import (
    INS,
    identity,
    merge,
    pair,
)
from tests.support.pipeline import RULES, START, HandClock

PHONE = {"f13": "^PRN^PH^^^^^^^^^0611111111"}


# --- doubts ---------------------------------------------------------------------------------


def doubts(patient: dict) -> list[str]:
    return [tag["code"] for tag in patient["meta"].get("tag", ())]


@pytest.mark.field("FL-116")
async def test_a_number_given_to_another_person_is_kept_as_sent_and_trusted_no_more():
    found = await same_in_any_order(
        identity("80", "202603010800", INS),
        identity("80", "202603020800", INS, event="A28", f5="AUTRE^PAUL^PAUL^^^^L",
                 f7="19550101", f8="M"),
    )  # fmt: skip

    patient = record(found, "80")
    assert patient["name"][0]["family"] == "AUTRE"
    assert doubts(patient) == ["identity-discontinuity"]
    assert "279035121518989" not in str(patient["identifier"])


OTHER = identity("80", "202603020800", INS, event="A28", f5="AUTRE^PAUL^PAUL^^^^L",
                 f7="19550101", f8="M")  # fmt: skip


def work(found: dict[str, dict]) -> dict[str, str]:
    """Return the status of the Task of each doubt."""
    return {
        one["reasonCode"]["coding"][0]["code"]: one["status"]
        for name, one in found.items()
        if name.startswith("Task/")
    }


@pytest.mark.field("FL-116")
async def test_a_number_given_to_another_person_is_flagged_and_asks_for_work_once():
    store = await opened()

    receipts = await take(store, identity("80", "202603010800", INS), OTHER, OTHER)

    assert ["identity-discontinuity" in one.flags for one in receipts] == [False, True, False]
    found = await holdings(store)
    assert work(found) == {"identity-discontinuity": "requested"}
    [task] = [one for name, one in found.items() if name.startswith("Task/")]
    assert task["for"] == {"reference": f"Patient/{record(found, '80')['id']}"}
    assert "IPP" in task["description"]


@pytest.mark.field("FL-116")
async def test_a_number_given_to_another_person_joins_it_with_nobody():
    store = await opened()
    there = identity("P9", "202603010830", INS).replace(b"990000001", b"990000002")
    await take(store, identity("80", "202603010800", INS), there)
    ids = [name.partition("/")[2] for name in await holdings(store, "Patient")]
    joined = await store.read(lambda tx: tx.facts.persons(ids))

    await take(store, OTHER)

    parted = await store.read(lambda tx: tx.facts.persons(ids))
    assert (len(set(joined.values())), len(set(parted.values()))) == (1, 2)


@pytest.mark.field("FL-132")
async def test_a_usurped_identity_shows_no_ins_and_asks_for_work_until_it_is_put_right():
    store = await opened()
    await take(
        store,
        identity("501", "202603010800", INS),
        identity("501", "202603011000", INS, f32="VALI~USUR"),
    )
    usurped = await holdings(store)

    await take(store, identity("501", "202603011100", INS))

    assert doubts(record(usurped, "501")) == ["identity-usurped"]
    assert "279035121518989" not in str(record(usurped, "501"))
    assert work(usurped) == {"identity-usurped": "requested"}
    righted = await holdings(store)
    assert doubts(record(righted, "501")) == []
    assert "279035121518989" in str(record(righted, "501"))
    assert work(righted) == {}


async def test_work_that_somebody_took_is_theirs_and_a_doubt_that_returns_asks_again():
    usurped = identity("501", "202603011000", f32="USUR")
    store = await opened()
    await take(store, usurped, identity("501", "202603011100"))
    again = await holdings(store)
    await take(store, identity("501", "202603011200", f32="USUR"))
    assert (work(again), work(await holdings(store))) == (
        {},
        {"identity-usurped": "requested"},
    )

    def start(tx):
        [row] = tx.resources.search("Task", (), 9, None).resources
        task = {**written.read(row), "status": "in-progress"}
        written.write(tx, Target("Task", row.id), task, row, START)

    await store.write(start)
    await take(store, identity("501", "202603011300"))

    assert work(await holdings(store)) == {"identity-usurped": "in-progress"}


async def test_a_replay_opens_no_work_twice_and_keeps_the_flags():
    store = await opened()
    await take(
        store,
        identity("80", "202603010800", INS),
        OTHER,
        merge("501", "999", "202603011000"),
        identity("999", "202603011100"),
    )
    before = await holdings(store), await flags(store)

    replayer = Replayer(store, converter(), HandClock(), RULES, chunk=2)
    _ = [part async for part in replayer.run()]

    assert (await holdings(store), await flags(store)) == before
    assert before[1] == [(), ("identity-discontinuity",), (), ("merged-id-used",)]


async def flags(store) -> list[tuple[str, ...]]:
    return [row.flags for row in await store.read(lambda tx: tx.inbox.page(None, 0, 20))]


async def test_a_corrected_name_is_no_other_person():
    found = await kept(
        identity("80", "202603010800", INS),
        identity("80", "202603020800", INS, f5="ESAI^CLAIRE^CLAIRE^^^^L", f7="19790329"),
    )

    assert doubts(record(found, "80")) == []


@pytest.mark.field("FL-127")
async def test_twins_are_reported_and_stay_two():
    found = await same_in_any_order(
        identity("501", "202603010800"),
        identity("502", "202603010900", f5="ESSAI^JULIE^JULIE^^^^L"),
    )

    for number in ("501", "502"):
        assert doubts(record(found, number)) == ["potential-duplicate"]
        assert links(record(found, number)) == []


async def test_twins_that_were_looked_at_are_reported_no_more():
    found = await same_in_any_order(
        identity("501", "202603010800"),
        identity("502", "202603010900", f5="ESSAI^JULIE^JULIE^^^^L"),
        pair("A37", "501", "502", "202603011100"),
    )

    assert [doubts(record(found, number)) for number in ("501", "502")] == [[], []]


# --- warnings -------------------------------------------------------------------------------


@pytest.mark.field("FL-121")
@pytest.mark.parametrize(("status", "codes"), [("VALI", ["RLS-INS-013"]), ("PROV", [])])
async def test_an_unknown_birth_place_of_a_validated_identity_is_kept_with_a_warning(status, codes):
    store = await opened()

    [receipt] = await take(
        store, identity("501", "202603010800", f11="^^^^^^BDL^^99999", f32=status)
    )

    assert receipt.outcome is Outcome.ACCEPTED
    assert [issue.code for issue in receipt.issues] == codes
    assert "99999" in str(record(await holdings(store), "501")["extension"])
