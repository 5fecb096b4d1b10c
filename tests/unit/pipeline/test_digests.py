"""Each owner reads once a slot what is new, passed on to them, or soon due.

The letter opens on Tuesday 10 March 2026 at 05:59:59 and is passed on, each time at 23:59:59, to
IDEC on Wednesday 11, to CADRE on Friday 13, to QUALITE_3C on Tuesday 17.
"""

import asyncio
from datetime import timedelta

import pytest

from gateway.core.contributions import Json
from gateway.fhir.identity import FINESS_SYSTEM, Ids
from gateway.fhir.topics import DELIVERY_CHANGED
from gateway.pathway.rulefiles import rule_ids
from gateway.pipeline.digests import Digester
from gateway.pipeline.mutes import mute
from gateway.store.factory import open_store
from tests.support.assertions import paris
from tests.support.gaps import subscribed_row, subscription
from tests.support.opened_gaps import BED, LETTER, Ward, with_lead
from tests.support.pipeline import HandClock
from tests.unit.pipeline.test_mutes import wish

PLACE = f"Organization/{Ids().organization(FINESS_SYSTEM, '990000001')}"


async def digest(ward: Ward, *instants: str) -> list[int]:
    """Go to instants in Paris, look, and make the digests; return how many left at each."""
    made = Digester(ward.store, Ids(), ward.clock)
    left = []
    for text in instants:
        await ward.at(text)
        left.append(await made.step())
    return left


async def digests(ward: Ward) -> list[Json]:
    return await ward.alerts(kinds=["digest"])


async def opened() -> Ward:
    ward = await Ward.of()
    await ward.at("2026-03-10 00:00", "2026-03-10 05:59:59")
    return ward


async def test_what_opened_in_the_night_is_read_in_the_morning():
    ward = await opened()

    left = await digest(ward, "2026-03-10 08:29:59", "2026-03-10 08:30", "2026-03-10 08:30:01")

    assert left == [0, 1, 0]
    [one] = await digests(ward)
    row = await ward.row(LETTER)
    assert one["about"] == [{"reference": f"DetectedIssue/{Ids().gap(row.gap_id)}"}]
    assert one["recipient"][0]["identifier"]["value"] == "SECRETARIAT_UNIT"
    assert one["recipient"][1] == {"reference": PLACE}
    first, second = (part["contentString"] for part in one["payload"])
    assert first == "Point du 10/03/2026 à 08:30 : 1 nouvelle rupture."
    assert second == f"Nouvelle rupture : {(await ward.issues())[0]['detail']}"
    assert "subject" not in one


async def test_nothing_new_is_no_digest():
    ward = await opened()

    assert await digest(ward, "2026-03-10 08:30", "2026-03-10 13:30", "2026-03-11 08:30") == [
        1,
        0,
        0,
    ]


async def test_what_is_passed_on_is_read_by_whom_it_is_passed_on_to():
    ward = await opened()

    # Friday night: read on Monday morning.
    left = await digest(
        ward, "2026-03-10 09:00", "2026-03-11 23:59:59", "2026-03-12 08:30",
        "2026-03-13 23:59:59", "2026-03-14 09:00", "2026-03-16 08:29:59", "2026-03-16 08:30",
    )  # fmt: skip

    assert left == [1, 0, 1, 0, 0, 0, 1]
    told = await digests(ward)
    assert [one["recipient"][0]["display"] for one in told] == [
        "SECRETARIAT_UNIT", "IDEC", "CADRE",
    ]  # fmt: skip
    assert told[1]["payload"][0]["contentString"].endswith(": 1 rupture transmise.")


async def test_a_critical_gap_left_at_once_and_is_in_no_digest():
    ward = await Ward.of()

    await digest(ward, "2026-03-10 00:00", "2026-03-10 02:00", "2026-03-10 05:59:58")

    assert len(await ward.alerts(BED)) == 2
    assert await digests(ward) == []


async def test_after_a_stop_one_digest_tells_everything_that_waited():
    ward = await opened()
    await ward.at("2026-03-11 23:59:59", "2026-03-13 23:59:59", "2026-03-17 23:59:59")

    left = await digest(ward, "2026-03-20 10:00", "2026-03-20 10:01")

    # The one who owns it, and each of the three it was passed on to.
    assert left == [4, 0]
    assert {one["payload"][0]["contentString"][:27] for one in await digests(ward)} == {
        "Point du 20/03/2026 à 08:30"
    }


async def test_what_is_over_is_not_read():
    ward = await opened()
    said = [{"type": {"text": "Action"}, "valueString": "Lettre retrouvée"}]
    await ward.write("2026-03-10 07:00", status="completed", output=said)

    assert await digest(ward, "2026-03-10 08:30", "2026-03-10 13:30") == [0, 0]
    assert await ward.store.read(lambda tx: tx.work.untold(ward.clock.instant)) == []


async def test_what_is_muted_is_read_when_the_mute_is_over():
    ward = await opened()
    ward.clock.instant = paris("2026-03-10 07:00")
    said = wish(until="2026-03-12 09:00", parts={"gap": (await ward.row()).gap_id})
    now = ward.clock.instant
    await ward.store.write(lambda tx: mute(tx, said, rule_ids(), now))

    left = await digest(ward, "2026-03-10 08:30", "2026-03-11 13:30", "2026-03-12 13:30")

    assert left == [0, 0, 1]


async def test_a_deadline_that_comes_near_is_read():
    ward = await Ward.of()
    await ward.use(with_lead(ward.watcher, LETTER, timedelta(hours=16)))

    left = await digest(ward, "2026-03-09 08:00", "2026-03-09 08:30", "2026-03-09 13:30")

    [one] = await digests(ward)
    assert left == [0, 1, 0]
    assert one["payload"][0]["contentString"] == "Point du 09/03/2026 à 08:30 : 1 échéance proche."


async def test_subscribers_of_the_owner_are_told():
    ward = await Ward.of()
    mine = subscription("http://localhost:9/notify", f"Communication?recipient={PLACE}")
    others = subscription("http://localhost:9/n", "Communication?recipient=Organization/other")
    gaps = subscription()
    deliveries = {"criteria": DELIVERY_CHANGED.url}
    wanted = {"s1": {**mine, **deliveries}, "s2": {**others, **deliveries}, "s3": gaps}
    for id_, one in wanted.items():
        row = subscribed_row(id_, one)
        await ward.store.write(lambda tx, row=row: tx.subscriptions.put(row))

    await digest(ward, "2026-03-10 05:59:59", "2026-03-10 08:30")

    heard = await ward.store.read(lambda tx: {one.id: one.events for one in tx.subscriptions.all()})
    left = len(await ward.alerts())
    # Alerts: two rungs of the bed, whose opening was looked at late, and the digest of the letter.
    # Gaps: two openings, and the two rungs.
    assert (left, heard) == (3, {"s1": 3, "s2": 0, "s3": 4})
    [number] = await ward.store.read(lambda tx: tx.subscriptions.events("s1", left, left))
    assert number[1].startswith("Communication/")


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_two_makers_of_digests_tell_an_owner_once(kind: str, tmp_path) -> None:
    store = open_store("memory://" if kind == "memory" else f"sqlite:///{tmp_path}/digests.db")
    ward = await Ward.of(store)
    await ward.at("2026-03-10 00:00", "2026-03-10 05:59:59")
    at = paris("2026-03-10 08:30")
    clocks = [at, at, at - timedelta(minutes=1), at + timedelta(hours=1)]
    makers = [Digester(store, Ids(), HandClock(one)) for one in clocks]

    left = await asyncio.gather(*(one.step() for one in makers))
    told = await digests(ward)
    await store.close()

    assert (sum(left), len(told)) == (1, 1)


async def test_a_clock_that_jumps_back_makes_no_second_digest():
    ward = await opened()
    first = await digest(ward, "2026-03-10 13:30")

    assert (first, await digest(ward, "2026-03-10 08:30", "2026-03-10 13:30")) == ([1], [0, 0])
