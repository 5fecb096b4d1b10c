"""A letter by secure mail reaches the application of the hospital, once, through every cut."""

from dataclasses import replace as changed
from email import message_from_bytes
from email.header import decode_header, make_header

import pytest

from gateway.connectors.mssante_letters import read_letter
from gateway.connectors.mssante_mailbox import KEPT_FOLDER, READ_FOLDER
from gateway.core.deliveries import DeliveryStatus
from gateway.core.letters import LetterDocument
from gateway.hl7v2 import envelope
from gateway.hl7v2.intake import Action, judge
from gateway.hl7v2.participants import Role, participants
from gateway.hl7v2.reader import read
from gateway.pipeline.letter_receipts import receipt_key
from gateway.simulation.hospital import Reply
from tests.support.arriving import DOCTOR, asking, fields, mail, told
from tests.support.hospital import waiting
from tests.support.mail import SENDER, letter


async def test_a_letter_becomes_a_message_to_the_application(arriving):
    await arriving.arrive(mail(letter()))

    await arriving.workers.read_notices()
    await arriving.deliverer.step()

    [body] = arriving.hospital.received
    message = read(body)
    assert judge(message, processing_ids=frozenset({"T"})).action is Action.PROCESS
    [document] = envelope.documents(message)
    assert document.body == letter()
    assert (message.value("MSH-9"), message.value("MSH-21.2")) == ("MDM", "CISIS_CDA_HL7_LPS")
    assert message.value("PV1-2") == "N"
    assert {one.role: one.address for one in participants(message)} == {
        Role.SENDER: DOCTOR,
        Role.RECIPIENT: SENDER.address,
    }
    assert envelope.flags(message) == dict.fromkeys(
        ("MASQUE_PS", "INVISIBLE_PATIENT", "INVISIBLE_REP_LEGAUX", "MODIF_CONF_CODE"), False
    )
    assert message.value("OBX[2]-3.2").startswith("XDM/1.0/DDM+")
    assert [row.status for row in await waiting(arriving.store)] == [DeliveryStatus.CONFIRMED]
    assert (await arriving.left(), await arriving.left(READ_FOLDER)) == (0, 1)


async def test_masks_of_the_archive_go_with_the_document(arriving):
    await arriving.arrive(mail(letter(), labels=["INVISIBLE_PATIENT"]))

    await arriving.workers.read_notices()
    await arriving.deliverer.step()

    flags = envelope.flags(read(arriving.hospital.received[0]))
    assert [name for name, value in flags.items() if value] == ["INVISIBLE_PATIENT"]


async def test_a_letter_that_replaces_another_says_so(arriving):
    await arriving.arrive(mail(letter(1)))

    await arriving.workers.read_notices()
    await arriving.deliverer.step()

    message = read(arriving.hospital.received[0])
    assert envelope.consistency_issues(message) == []
    assert envelope.request(message) is envelope.Request.REPLACE
    assert message.value("TXA-13") != ""


async def test_a_letter_that_is_taken_back_says_so(arriving):
    found = read_letter(mail(letter(1)))
    [document] = found.documents
    gone = changed(found, documents=(changed(document, is_withdrawn=True),))

    await arriving.workers._letters.take(gone)
    await arriving.deliverer.step()

    message = read(arriving.hospital.received[0])
    assert envelope.consistency_issues(message) == []
    assert envelope.request(message) is envelope.Request.DELETE
    assert (message.value("ORC-1"), message.value("OBX-11")) == ("CA", "D")


@pytest.mark.parametrize("site", [{"mails_to": ""}, {"mailbox": "other@app.mssante.example"}])
async def test_a_letter_nobody_wants_is_put_aside_unsent(arriving, site):
    arriving.again(**site)
    await arriving.arrive(mail(letter()))

    await arriving.workers.read_notices()

    assert (await waiting(arriving.store), await arriving.left(KEPT_FOLDER)) == ([], 1)


async def test_a_damaged_archive_goes_nowhere(arriving):
    data = mail(letter())
    parts = list(message_from_bytes(data).walk())
    content = next(p.get_payload() for p in parts if p.get_filename() == "IHE_XDM.zip")
    await arriving.arrive(data.replace(content[200:260].encode(), b"A" * 60, 1))

    await arriving.workers.read_notices()

    assert (await waiting(arriving.store), await arriving.left(KEPT_FOLDER)) == ([], 1)


async def test_a_kill_before_the_mail_was_put_aside_queues_it_once(arriving):
    await arriving.arrive(mail(letter()))
    reader = arriving.workers._notices
    await reader.poll()
    for one in reader.letters:
        await arriving.workers._letters.take(one)

    # The process died here: the mail lies in the inbox still.
    arriving.again()
    await arriving.workers.read_notices()

    assert len(await waiting(arriving.store)) == 1


async def test_a_kill_between_send_and_answer_resends_under_the_same_number(arriving):
    await arriving.arrive(mail(letter()))
    await arriving.workers.read_notices()
    [row] = await arriving.store.write(
        lambda tx: tx.outbox.claim(["mllp"], arriving.clock.now(), 1)
    )
    await arriving.connector.send(row)

    # The process died before it wrote the answer: nobody holds the row.
    await arriving.connector.close()
    arriving.again()
    arriving.clock.advance(minutes=6)
    await arriving.deliverer.step()

    assert [one.split(b"|")[9] for one in arriving.hospital.received] == [row.item.key.encode()] * 2
    assert arriving.hospital.received[0] == arriving.hospital.received[1]
    assert len(arriving.hospital.taken) == 1
    assert [one.status for one in await waiting(arriving.store)] == [DeliveryStatus.CONFIRMED]


async def test_messages_keep_their_order_while_the_application_is_away(arriving):
    for number in range(2):
        await arriving.arrive(mail(letter(number)))
    await arriving.workers.read_notices()
    await arriving.hospital.stop()
    await arriving.deliverer.step()
    waits = [row.status for row in await waiting(arriving.store)]
    await arriving.hospital.start()

    for _ in range(4):
        arriving.clock.advance(minutes=5)
        await arriving.deliverer.step()

    assert waits == [DeliveryStatus.RETRY_WAIT, DeliveryStatus.QUEUED]
    sent = [one.split(b"|")[9].decode() for one in arriving.hospital.received]
    assert sent == [row.item.key for row in await waiting(arriving.store)]


@pytest.mark.field("FL-098")
async def test_a_message_that_is_refused_for_good_holds_nobody_up(arriving):
    first = True

    def reply(_body):
        nonlocal first
        refuses, first = first, False
        return Reply(["AE"], user_error=902) if refuses else Reply()

    arriving.hospital.reply = reply
    for number in range(2):
        await arriving.arrive(mail(letter(number)))
    await arriving.workers.read_notices()
    for _ in range(2):
        await arriving.deliverer.step()

    assert [row.status for row in await waiting(arriving.store)] == [
        DeliveryStatus.REFUSED,
        DeliveryStatus.CONFIRMED,
    ]


@pytest.mark.field("FL-076")
async def test_a_message_that_is_never_answered_ends_where_a_person_sees_it(arriving):
    arriving.hospital.reply = lambda _body: Reply(raw=b"fail")
    await arriving.arrive(mail(letter()))
    await arriving.workers.read_notices()

    for _ in range(4):
        await arriving.deliverer.step()
        arriving.clock.advance(minutes=40)

    [row] = await waiting(arriving.store)
    assert row.status is DeliveryStatus.GIVEN_UP
    assert "RLS-NET-074" in row.note


# --- the word of the hospital goes back to the author ---------------------------------------------


async def test_the_author_is_told_that_a_letter_was_integrated(arriving):
    await arriving.arrive(asking(letter()))

    await arriving.workers.read_notices()
    before = await arriving.deliverer.step(), list(arriving.office.operator.taken)
    await arriving.deliverer.step()

    assert before == (1, [])
    [notice] = arriving.office.operator.taken
    assert notice.wrong == ()
    assert (notice.sender, notice.recipient) == ("<>", DOCTOR)
    assert not any(notice.notify)
    assert fields(notice) == {
        "Reporting-UA": "Relais",
        "Original-Recipient": f"rfc822;{SENDER.address}",
        "Final-Recipient": f"rfc822;{SENDER.address}",
        "Original-Message-ID": message_from_bytes(mail(letter()))["Message-ID"],
        "Disposition": "automatic-action/MDN-sent-automatically; processed",
    }
    kinds = [part.get_content_type() for part in told(notice)]
    assert kinds[2:] == ["message/rfc822", "application/zip", "application/pdf"]


@pytest.mark.parametrize(
    ("user_error", "said"),
    [(902, "902^Identifiant patient inconnu"), (904, "904^INS differente de celle connue"),
     (None, "906^Autre erreur")],
)  # fmt: skip
async def test_the_author_is_told_why_a_letter_was_refused(arriving, user_error, said):
    arriving.hospital.reply = lambda _body: Reply(["AE"], user_error=user_error)
    await arriving.arrive(asking(letter()))

    await arriving.workers.read_notices()
    for _ in range(3):
        await arriving.deliverer.step()

    [notice] = arriving.office.operator.taken
    assert notice.wrong == ()
    assert fields(notice)["Disposition"].endswith(f"; processed/Error: {said}")
    subject = str(make_header(decode_header(message_from_bytes(notice.data)["Subject"])))
    assert subject.startswith(f"[KO Intégration système !][{said[:3]}] XDM/1.0/DDM+")


@pytest.mark.parametrize("asked", [mail(letter()), asking(letter(), "other@essai.mssante.example")])
async def test_nobody_is_told_who_did_not_ask_from_where_the_mail_came(arriving, asked):
    await arriving.arrive(asked)

    await arriving.workers.read_notices()
    for _ in range(2):
        await arriving.deliverer.step()

    assert arriving.office.operator.taken == []
    assert [row.status for row in await waiting(arriving.store)] == [DeliveryStatus.CONFIRMED]


async def test_a_kill_between_the_answer_and_the_notice_sends_one(arriving):
    await arriving.arrive(asking(letter()))
    await arriving.workers.read_notices()
    await arriving.deliverer.step()

    await arriving.connector.close()
    arriving.again()
    await arriving.arrive(asking(letter()))
    await arriving.workers.read_notices()
    for _ in range(3):
        await arriving.deliverer.step()

    assert len(arriving.office.operator.taken) == 1
    assert len(arriving.hospital.taken) == 1


async def test_a_mail_of_two_documents_is_told_of_when_both_are_answered(arriving):
    codes = iter(["AA", "AE"])
    arriving.hospital.reply = lambda _body: Reply([next(codes)], user_error=903)
    documents = tuple(LetterDocument(letter(number)) for number in range(2))
    found = read_letter(asking(letter()))
    taker = arriving.workers._letters

    await taker.take(changed(found, documents=documents))
    await arriving.deliverer.step()
    half = list(arriving.office.operator.taken)
    for _ in range(3):
        await arriving.deliverer.step()

    assert half == []
    [notice] = arriving.office.operator.taken
    assert fields(notice)["Disposition"].endswith("; processed/Error: 903^INS absente du document")


async def test_a_hospital_that_never_answers_says_nothing(arriving):
    arriving.hospital.reply = lambda _body: Reply(raw=b"fail")
    await arriving.arrive(asking(letter()))
    await arriving.workers.read_notices()

    for _ in range(5):
        await arriving.deliverer.step()
        arriving.clock.advance(minutes=40)

    assert arriving.office.operator.taken == []
    key = receipt_key(read_letter(asking(letter())))
    row = await arriving.store.read(lambda tx: tx.outbox.by_key("mssante", key))
    assert (row.status, row.note) == (DeliveryStatus.SKIPPED, "hospital-silent")
