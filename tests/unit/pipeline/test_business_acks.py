"""Business acknowledgements: facts about a letter in any order, and words to its sender."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core.deliveries import DeliveryStatus, Notice
from gateway.core.messages import Outcome
from gateway.hl7v2 import zam
from gateway.hl7v2.reader import read
from gateway.pipeline import outgoing
from gateway.pipeline.deliver import Deliverer, DeliveryPolicy
from gateway.pipeline.replay import Replayer
from gateway.store.factory import open_store
from gateway.store.memory import MemoryStore
from tests.support.gateway import holdings
from tests.support.hospital import converter, lines, take, waiting
from tests.support.pipeline import RULES, START, HandClock
from tests.unit.pipeline.test_document_requests import field, letters

ADDRESS = "hoda.adam@essai.mssante.example"


@pytest.fixture(params=["memory", "sqlite"])
async def store(request, tmp_path):
    opened = MemoryStore() if request.param == "memory" else open_store(f"sqlite:///{tmp_path}/z")
    await opened.open()
    yield opened
    await opened.close()


def receipt(trigger=zam.RECEPTION, positive=True, number="Z1", error="", **changes) -> bytes:
    """Compose a ZAM about the first letter, as another gateway sends it."""
    request = read(letters()[0])
    told = zam.BusinessAck(
        trigger, request.control_id, positive, ADDRESS, "801234567897", error, "refused"
    )
    parties = replace(zam.Parties.of(request), **changes)
    happened = START + timedelta(hours=int(number[1:]))
    return zam.build(told, parties, happened=happened, now=happened, control_id=number)


async def sends(store) -> dict[str, dict]:
    """Return what is known of sends: the last word of each key."""

    def work(tx):
        patients = [one.id for one in tx.resources.search("Patient", (), 50, None).resources]
        found = {}
        for person in set(tx.facts.persons(patients).values()):
            for one in tx.facts.of_person(person):
                said = one.assertion
                if not said.event.startswith("SND."):
                    continue
                if said.key not in found or said.revision > found[said.key].revision:
                    found[said.key] = said
        return {said.event: said.attributes for said in found.values()}

    return await store.read(work)


@pytest.mark.parametrize(
    ("trigger", "positive", "event"),
    [
        (zam.DMP, True, "SND.DMP_OK"),
        (zam.DMP, False, "SND.DMP_KO"),
        (zam.RECEPTION, True, "SND.MSS_OK"),
        (zam.RECEPTION, False, "SND.MSS_KO"),
        (zam.READING, True, "SND.MSS_READ"),
        (zam.READING, False, "SND.MSS_KO"),
    ],
)
@pytest.mark.parametrize("first", ["letter", "receipt"])
async def test_a_receipt_is_a_fact_about_its_letter_in_any_order(
    store, trigger, positive, event, first
):
    bodies = [letters()[0], receipt(trigger, positive, error="" if positive else "550")]

    receipts = await take(store, *(bodies if first == "letter" else bodies[::-1]), rules=RULES)

    assert {one.outcome for one in receipts} == {Outcome.ACCEPTED}
    told = await sends(store)
    assert set(told) == {event}
    attributes = told[event]
    assert attributes["about"] in await holdings(store, "DocumentReference")
    assert attributes["channel"] == ("dmp" if trigger == zam.DMP else "mss")
    assert attributes.get("code", "") == ("" if positive else "550")
    if trigger != zam.DMP:
        assert (attributes["recipient"], attributes["address"]) == ("01234567897", ADDRESS)


async def test_a_letter_that_was_read_has_also_arrived(store):
    await take(
        store,
        letters()[0],
        receipt(number="Z1"),
        receipt(zam.READING, number="Z2"),
        rules=RULES,
    )

    assert set(await sends(store)) == {"SND.MSS_OK", "SND.MSS_READ"}


async def test_a_refusal_after_the_arrival_takes_it_back(store):
    late = receipt(zam.READING, positive=False, number="Z2", error="902")

    await take(store, late, letters()[0], receipt(number="Z1"), rules=RULES)

    assert (await sends(store))["SND.MSS_KO"]["code"] == "902"
    assert "SND.MSS_OK" not in await sends(store)


async def test_a_receipt_of_somebody_elses_letter_says_nothing_of_this_one(store):
    await take(store, letters()[0], receipt(theirs=("OTHER", "ELSEWHERE")), rules=RULES)

    assert await sends(store) == {}


async def test_a_replay_keeps_what_receipts_prove(store):
    await take(store, letters()[0], receipt(), rules=RULES)
    before = await sends(store)

    async for _ in Replayer(store, converter(), HandClock(), RULES).run():
        pass

    assert (await sends(store), set(before)) == (before, {"SND.MSS_OK"})


# --- emitted ------------------------------------------------------------------------------------


async def deliverer(store) -> Deliverer:
    return Deliverer(
        store,
        [],
        HandClock(),
        DeliveryPolicy("https://relais.example/fhir"),
        on_settled=outgoing.settled,
        on_notice=outgoing.noticed,
    )


async def mailed(store, body: bytes = b"") -> str:
    """Commit a letter whose mails leave; return the key of one that was handed over."""
    await take(store, body or letters()[0])

    def work(tx):
        [row, *_] = tx.outbox.claim([outgoing.CONNECTOR], START, 10)
        tx.outbox.settle(row.id, DeliveryStatus.SENT, START)
        return row.item.key

    return await store.write(work)


def notice(key, evidence, status=DeliveryStatus.CONFIRMED, note="") -> Notice:
    return Notice(
        outgoing.CONNECTOR, key, status, START + timedelta(minutes=5), note, {"evidence": evidence}
    )


REFUSED = DeliveryStatus.REFUSED


@pytest.mark.parametrize(
    ("notices", "expected"),
    [
        ([("delivered",)], [("Z02", "Y", "")]),
        ([("delivered",), ("delivered",)], [("Z02", "Y", "")]),
        ([("failed", REFUSED, "550 mailbox unknown 5.1.1")], [("Z02", "N", "550")]),
        ([("delivered",), ("read",)], [("Z02", "Y", ""), ("Z03", "Y", "")]),
        (
            [("delivered",), ("not integrated", REFUSED, "902 patient unknown")],
            [("Z02", "Y", ""), ("Z03", "N", "902")],
        ),
        (
            [("delivered",), ("failed", REFUSED, "552 too large")],
            [("Z02", "Y", ""), ("Z02", "N", "552")],
        ),
    ],
)
async def test_the_sender_hears_what_became_of_its_letter(store, notices, expected):
    key = await mailed(store)
    applier = await deliverer(store)

    for one in notices:
        await applier.apply_notice(notice(key, *one))

    found = []
    for row in await waiting(store):
        told = zam.read(read(row.item.body))
        found.append((told.trigger, "Y" if told.positive else "N", told.error))
        assert told.request == field(letters()[0], "MSH", 10)
        assert told.address != ""
        assert row.item.lane == "demo-chu/dpi"
        assert lines(row.item.body)[0].split("|")[4:6] == [
            field(letters()[0], "MSH", 3), field(letters()[0], "MSH", 4),
        ]  # fmt: skip
    assert found == expected


async def test_a_letter_that_was_read_is_a_fact_beside_its_arrival(store):
    key = await mailed(store)
    applier = await deliverer(store)

    await applier.apply_notice(notice(key, "delivered"))
    await applier.apply_notice(notice(key, "read"))

    assert {"SND.MSS_OK", "SND.MSS_READ"} <= set(await sends(store))


async def test_an_arrival_that_is_only_assumed_is_told_to_nobody(store):
    key = await mailed(store)

    await (await deliverer(store)).apply_notice(notice(key, "assumed"))

    assert await waiting(store) == []


async def test_who_did_not_ask_hears_nothing(store):
    quiet = letters()[0]
    for name in ("ACK_RECEPTION", "ACK_LECTURE_MSS"):
        start = quiet.index(f"|{name}^".encode())
        quiet = quiet[:start] + quiet[start:].replace(b"|Y^^", b"|N^^", 1)
    key = await mailed(store, quiet)

    await (await deliverer(store)).apply_notice(notice(key, "read"))

    assert await waiting(store) == []


async def test_a_site_that_names_nobody_hears_nothing(store):
    made = converter(acks_to="")
    await take(store, letters()[0], made=made)
    rows = await store.read(
        lambda tx: tx.outbox.page(list(DeliveryStatus), 0, 10, outgoing.CONNECTOR)
    )

    assert rows
    assert [row.item.details.get("business_acks") for row in rows] == [None] * len(rows)
