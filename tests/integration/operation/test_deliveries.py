"""Deliveries on the pages: what happened to one, sent again or given up with a reason."""

from datetime import timedelta

from gateway.core.deliveries import DeliveryStatus, NewDelivery
from gateway.pipeline.handled import delivery_of
from tests.support.ops_site import OpsSite, dead_letter

REASON = "Boîte créée ce matin par le cabinet"


async def _status(office: OpsSite, number: int) -> DeliveryStatus:
    found = await office.gateway.store.read(lambda tx: delivery_of(tx, number))
    return found.status


async def test_a_dead_letter_says_what_the_other_side_said_and_no_mailbox(office: OpsSite):
    number = await office.gateway.store.write(lambda tx: dead_letter(tx, office.clock))

    listed = (await office.client.get("/deliveries?state=trouble")).text
    page = (await office.client.get(f"/deliveries/{number}")).text

    assert f'<a href="/deliveries/{number}">' in listed
    assert "the mailbox does not exist" in page
    assert "550" in page
    assert "dr.absent" not in page
    assert "…@cabinet.mssante.example" in page


async def test_a_channel_whose_door_is_closed_is_told_above_the_list(office: OpsSite):
    now = office.clock.now()
    items = [NewDelivery("mssante", key, now, details={"to": "a@b.example"}) for key in "ab"]

    def work(tx):
        for number in tx.outbox.queue(items, now):
            note, due = "RLS-MSS-021 no TLS.", now + timedelta(minutes=15)
            tx.outbox.settle(number, DeliveryStatus.RETRY_WAIT, now, note=note, due_at=due)

    before = (await office.client.get("/deliveries")).text
    await office.gateway.store.write(work)
    french = (await office.client.get("/deliveries")).text.replace("\u00a0", " ")
    english = (await office.client.get("/deliveries?lang=en")).text

    assert "ne s’acceptent pas" not in before
    assert "MSSanté et la passerelle ne s’acceptent pas (TLS) : envois qui attendent 2" in french
    assert "(RLS-MSS-021)" in french
    assert "do not accept each other (TLS): deliveries that wait 2" in english
    # Each row says what its code means in the language of the page, then what was told.
    meaning = "L’opérateur et la passerelle ne s’accordent pas sur TLS ou sur le droit d’envoyer."
    assert french.count(meaning) == 2
    assert french.count('<small lang="en">no TLS.</small>') == 2
    assert meaning not in english
    told = '<span><code>RLS-MSS-021</code></span> <bdi lang="en">no TLS.</bdi>'
    assert english.count(told) == 2


async def test_a_dead_letter_is_sent_again_with_a_reason_in_the_journal(office: OpsSite):
    number = await office.gateway.store.write(lambda tx: dead_letter(tx, office.clock))
    path = f"/deliveries/{number}"

    answer = await office.form(path, f"{path}/retry", reason=REASON)
    page = (await office.client.get(answer.headers["location"])).text

    assert (answer.status_code, answer.headers["location"]) == (303, f"{path}?done=retry")
    assert await _status(office, number) is DeliveryStatus.QUEUED
    assert "Relancé : l’envoi repart." in page.replace("\u00a0", " ")
    [entry] = await office.entries("handled")
    assert (entry.details["what"], entry.details["why"]) == (f"retry delivery {number}", REASON)


async def test_what_waits_is_given_up_with_a_reason_once(office: OpsSite):
    now = office.clock.now()
    item = NewDelivery("mssante", "k", now + timedelta(hours=1), details={"to": "a@b.example"})
    [number] = await office.gateway.store.write(lambda tx: tx.outbox.queue([item], now))
    path = f"/deliveries/{number}"

    first = await office.form(path, f"{path}/give-up", reason="Remis en main propre au patient")
    again = await office.form(path, f"{path}/give-up", reason="Remis en main propre au patient")

    assert first.status_code == 303
    assert await _status(office, number) is DeliveryStatus.GIVEN_UP
    assert again.status_code == 409
    assert len(await office.entries("handled")) == 1


async def test_without_a_reason_nothing_happens(office: OpsSite):
    number = await office.gateway.store.write(lambda tx: dead_letter(tx, office.clock))

    answer = await office.form(f"/deliveries/{number}", f"/deliveries/{number}/retry", reason="ok")

    assert answer.status_code == 400
    assert await _status(office, number) is DeliveryStatus.REFUSED
    assert await office.entries("handled") == []


async def test_a_notification_is_not_sent_again_from_here(office: OpsSite):
    now = office.clock.now()
    item = NewDelivery("fhir_hook", "n1", now, details={"subscription": "s-1"})
    [number] = await office.gateway.store.write(lambda tx: tx.outbox.queue([item], now))
    await office.gateway.store.write(lambda tx: tx.outbox.claim(["fhir_hook"], now, 1))
    await office.gateway.store.write(
        lambda tx: tx.outbox.settle(number, DeliveryStatus.GIVEN_UP, now)
    )
    path = f"/deliveries/{number}"

    page = (await office.client.get(path)).text
    token_page = await office.gateway.store.write(lambda tx: dead_letter(tx, office.clock))
    answer = await office.form(f"/deliveries/{token_page}", f"{path}/retry", reason=REASON)

    assert "$events" in page
    assert '<form method="post" action="/deliveries' not in page
    assert answer.status_code == 409


async def test_a_delivery_that_is_not_there_is_not_found(office: OpsSite):
    answers = [await office.client.get(f"/deliveries/{one}") for one in ("99", "x", "0")]

    assert [one.status_code for one in answers] == [404, 404, 404]
