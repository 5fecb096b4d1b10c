"""A letter that is withdrawn: mails that have not left stop, the others are followed by a word."""

import re

import pytest

from gateway.core.deliveries import DeliveryStatus
from gateway.core.messages import Outcome
from gateway.pipeline import outgoing
from gateway.store.factory import open_store
from gateway.store.memory import MemoryStore
from tests.support import hospital
from tests.support.mail import messages
from tests.support.pipeline import START
from tests.unit.pipeline.test_document_requests import changed, withdrawal

LETTER = messages()[0].decode("iso8859-15").replace("|8859/15|", "|UNICODE UTF-8|").encode()
TELLS = hospital.converter(withdrawal_mails=True)
SILENT = hospital.converter(withdrawal_mails=False)


@pytest.fixture(params=["memory", "sqlite"])
async def store(request, tmp_path):
    opened = MemoryStore() if request.param == "memory" else open_store(f"sqlite:///{tmp_path}/d")
    await opened.open()
    yield opened
    await opened.close()


async def mails(store):
    return await store.read(
        lambda tx: tx.outbox.page(list(DeliveryStatus), 0, 100, outgoing.CONNECTOR)
    )


async def settle(store, status: DeliveryStatus) -> None:
    """Let every mail end in a state."""

    def work(tx):
        for one in tx.outbox.claim([outgoing.CONNECTOR], START, 100):
            tx.outbox.settle(one.id, status, START, receipt={"evidence": "delivered"})
            [known] = tx.outbox.page([status], one.id - 1, 1)
            outgoing.settled(tx, known, START)

    await store.write(work)


async def sends(store) -> set[str]:
    """Return the events of every fact about a send."""

    def work(tx):
        rows = tx.outbox.page(list(DeliveryStatus), 0, 100)
        said = [row.item.details["pathway"] for row in rows if "pathway" in row.item.details]
        patients = [one["patient"] for one in said]
        persons = set(tx.facts.persons(patients).values())
        found = [one for person in persons for one in tx.facts.of_person(person)]
        return {one.assertion.event for one in found if one.assertion.event.startswith("SND")}

    return await store.read(work)


def told(rows) -> list[tuple[str, str]]:
    return [
        ("withdrawal" if "withdraws" in row.item.details else "letter", row.status.value)
        for row in rows
    ]


@pytest.mark.field("FL-171")
@pytest.mark.parametrize("ended", [DeliveryStatus.SENT, DeliveryStatus.CONFIRMED])
async def test_those_who_got_the_letter_are_told_once(store, ended):
    await hospital.take(store, LETTER, made=TELLS)
    await settle(store, ended)

    await hospital.take(store, withdrawal(LETTER), withdrawal(LETTER, "W2"), made=TELLS)

    first, second, *words = await mails(store)
    assert told(words) == [("withdrawal", "queued")] * 2
    for letter, word in zip((first, second), words, strict=True):
        assert word.item.details["to"] == letter.item.details["to"]
        assert word.item.details["withdraws"] == letter.item.key
        assert word.item.about == letter.item.about
        assert word.item.key != letter.item.key


@pytest.mark.field("FL-171")
async def test_the_end_of_the_word_proves_nothing_about_the_letter(store):
    await hospital.take(store, LETTER, made=TELLS)
    await settle(store, DeliveryStatus.REFUSED)
    before = await sends(store)
    await hospital.take(store, withdrawal(LETTER), made=TELLS)

    assert before == {"SND.MSS_KO"}
    assert told(await mails(store)) == [("letter", "refused")] * 2
    await settle(store, DeliveryStatus.CONFIRMED)
    assert await sends(store) == before


@pytest.mark.field("FL-171")
async def test_the_word_makes_no_fact_of_its_own(store):
    await hospital.take(store, LETTER, made=TELLS)
    await settle(store, DeliveryStatus.SENT)
    await hospital.take(store, withdrawal(LETTER), made=TELLS)

    await settle(store, DeliveryStatus.CONFIRMED)

    assert told(await mails(store))[2:] == [("withdrawal", "confirmed")] * 2
    assert await sends(store) == set()


@pytest.mark.field("FL-171")
async def test_a_site_that_does_not_ask_sends_no_word(store):
    await hospital.take(store, LETTER, made=SILENT)
    await settle(store, DeliveryStatus.SENT)

    await hospital.take(store, withdrawal(LETTER), made=SILENT)

    assert told(await mails(store)) == [("letter", "sent")] * 2


@pytest.mark.field("FL-171")
@pytest.mark.parametrize("made", [TELLS, SILENT])
async def test_a_mail_that_has_not_left_stops(store, made):
    await hospital.take(store, LETTER, withdrawal(LETTER), made=made)

    assert told(await mails(store)) == [("letter", "skipped")] * 2


@pytest.mark.field("FL-171")
async def test_a_mail_that_waits_for_the_ins_waits_no_more(store):
    unqualified = re.sub(rb"\|VALI", b"|PROV", LETTER)
    await hospital.take(store, unqualified, made=TELLS)
    held = await sends(store)

    await hospital.take(store, withdrawal(unqualified), made=TELLS)

    assert held == {"SND.HELD_NO_INS"}
    assert told(await mails(store)) == [("letter", "skipped")] * 2
    assert await sends(store) == set()


@pytest.mark.field("FL-171")
async def test_an_attempt_nobody_saw_the_end_of_is_stopped_and_followed(store):
    await hospital.take(store, LETTER, made=TELLS)
    await settle(store, DeliveryStatus.RETRY_WAIT)

    await hospital.take(store, withdrawal(LETTER), made=TELLS)

    assert told(await mails(store)) == [
        ("letter", "skipped"),
        ("letter", "skipped"),
        ("withdrawal", "queued"),
        ("withdrawal", "queued"),
    ]


@pytest.mark.field("FL-171")
async def test_a_letter_that_comes_after_its_withdrawal_is_not_mailed(store):
    receipts = await hospital.take(store, withdrawal(LETTER), LETTER, made=TELLS)

    assert {one.outcome for one in receipts} == {Outcome.ACCEPTED}
    assert told(await mails(store)) == [("letter", "skipped")] * 2


@pytest.mark.field("FL-171")
async def test_a_withdrawal_that_names_nobody_still_tells_who_got_the_letter(store):
    await hospital.take(store, LETTER, made=TELLS)
    await settle(store, DeliveryStatus.SENT)
    bare = b"\r".join(
        line for line in withdrawal(LETTER).split(b"\r") if not line.startswith(b"PRT|")
    )

    await hospital.take(store, changed(bare, MSH_10="W3"), made=TELLS)

    assert told(await mails(store))[2:] == [("withdrawal", "queued")] * 2
