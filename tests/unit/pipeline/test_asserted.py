"""Facts are stored with the resources of their input, and are as rebuildable."""

from datetime import timedelta

import pytest

from gateway.core.feed_ports import ClockCorrection
from gateway.core.messages import Channel, InboxStatus, RawMessage
from gateway.pipeline.commit import commit
from gateway.pipeline.replay import Replayer
from gateway.store.memory import MemoryStore
from tests.conftest import ROOT
from tests.support.gateway import converter, holdings, take
from tests.support.pipeline import RULES, START, HandClock
from tests.unit.cda.documents import cda
from tests.unit.hl7v2.compose import EVN, PID, PV1, admission, er7, msh
from tests.unit.hl7v2.facts import movement

ER7 = (
    ROOT / "fixtures" / "hl7v2" / "adt_a03_discharge_to_rehabilitation" / "input.er7"
).read_bytes()
OTHER_STAY = er7(msh("ADT^A32^ADT_A21").replace("|G0001|", "|G0032|"), EVN, PID, PV1)


@pytest.fixture
async def store():
    opened = MemoryStore()
    await opened.open()
    return opened


async def said(store) -> list[tuple[str, str, object]]:
    """Return what is asserted about the one patient: event, operation, receipt."""
    (patient,) = await holdings(store, "Patient")
    received = await store.read(lambda tx: tx.facts.of_person(patient.partition("/")[2]))
    return sorted((one.assertion.event, one.assertion.op.value, one.at) for one in received)


async def feeds(store):
    return {feed.feed: feed for feed in await store.read(lambda tx: tx.watch.feeds())}


async def due(store) -> list[str]:
    """Return who is to be looked at, and end that look."""

    def work(tx):
        persons = tx.watch.claim_due(START, 10)
        for person in persons:
            tx.watch.looked_until(person)
            tx.watch.save(person, [], [], START, None)
        return persons

    return await store.write(work)


async def test_a_commit_stores_facts_and_asks_for_a_look(store):
    await take(store, admission())

    (patient,) = await holdings(store, "Patient")
    assert await said(store) == [
        ("ENC.ADMIT", "assert", START),
        ("PAT.INS_OK", "assert", START),
    ]
    assert await due(store) == [patient.partition("/")[2]]


async def test_the_same_message_again_says_nothing_new_and_asks_for_no_look(store):
    await take(store, admission())
    before = await said(store)
    await due(store)

    await take(store, admission())

    assert await said(store) == before
    assert await due(store) == []
    assert (await feeds(store))["990000001:ADT"].count == 1


async def test_every_understood_message_shows_that_its_feed_is_alive(store):
    # A32 is known and has no effect; a document comes by another feed.
    await take(store, admission(), OTHER_STAY, cda())

    found = await feeds(store)

    assert {name: feed.count for name, feed in found.items()} == {
        "990000001:ADT": 2,
        "990000010:DOC": 1,
    }
    assert {feed.last_at for feed in found.values()} == {START}


async def test_a_refused_message_asserts_nothing(store):
    nobody = admission(PID="PID|1||P0012")

    (receipt,) = await take(store, nobody)

    assert receipt.inbox_id is not None
    row = await store.read(lambda tx: tx.inbox.get(receipt.inbox_id))
    assert row.status is InboxStatus.QUARANTINED
    assert await feeds(store) == {}


async def test_a_replay_keeps_facts_and_their_receipt(store):
    await take(store, admission(), movement("A03").replace(b"|G0001|", b"|G0003|"))
    before = await said(store)
    await due(store)
    later = HandClock(START + timedelta(days=3))
    replayer = Replayer(store, converter(), later, RULES)

    replayed = [part async for part in replayer.run()]

    assert sum(part.rows for part in replayed) == 2
    assert await said(store) == before
    assert (await feeds(store))["990000001:ADT"].count == 2
    assert await due(store) == []


async def test_a_replay_takes_back_what_a_row_no_longer_says(store):
    await take(store, admission())

    class Refusing:
        def open(self, raw):
            return converter().open(raw)

        def prepare(self, opened, *, keep_only=False):
            return converter().prepare(
                converter().open(RawMessage(b"MSH|", Channel.MLLP, opened.raw.received_at))
            )

    (patient,) = await holdings(store, "Patient")
    await due(store)
    _ = [part async for part in Replayer(store, Refusing(), HandClock(), RULES).run()]

    name = patient.partition("/")[2]
    assert await store.read(lambda tx: tx.facts.of_person(name)) == []
    assert await due(store) == [name]


async def test_a_failed_commit_leaves_no_fact(store):
    made = converter()
    item = made.prepare(made.open(RawMessage(admission(), Channel.MLLP, START)))

    def work(tx):
        commit(tx, [item], START, RULES)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await store.write(work)

    (patient,) = {part.target.id for part in item.contributions if part.target.type == "Patient"}
    assert await store.read(lambda tx: tx.facts.of_person(patient)) == []
    assert await feeds(store) == {}
    assert await due(store) == []


@pytest.mark.field("FL-211")
async def test_the_watermark_of_a_feed_goes_by_its_corrected_clock(store):
    """Sent at eight by a clock that a person allowed to be read an hour on."""
    hour = ClockCorrection(
        number=1, feed="990000001:ADT", since=START - timedelta(days=1), until=None,
        offset_s=3600, author="anne", reason="Heure d'été non appliquée", approved_at=START,
    )  # fmt: skip
    late = ER7.replace(b"20260309103000", b"20260302080000")
    await store.write(lambda tx: tx.feeds.approve(hour))

    await take(store, late)

    [feed] = (await feeds(store)).values()
    assert feed.lateness_s == (3600.0,)
    assert feed.marks == ((START, START),)


async def test_a_correction_that_is_withdrawn_moves_no_watermark(store):
    hour = ClockCorrection(
        number=1, feed="990000001:ADT", since=START - timedelta(days=1), until=None,
        offset_s=3600, author="anne", reason="Heure d'été non appliquée", approved_at=START,
    )  # fmt: skip
    await store.write(lambda tx: tx.feeds.approve(hour))
    await store.write(lambda tx: tx.feeds.withdraw(1, START, "anne", "juste"))

    await take(store, ER7.replace(b"20260309103000", b"20260302080000"))

    [feed] = (await feeds(store)).values()
    assert feed.marks == ((START, START - timedelta(hours=1)),)
