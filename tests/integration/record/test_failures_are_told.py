"""What goes wrong on the way to the shared record ends in a state a person can read and act on."""

from datetime import UTC, datetime, timedelta

import trustme

from gateway.core.deliveries import DeliveryStatus
from gateway.pipeline.document_timeline import document_timeline
from gateway.simulation.dmp_repository import Mishap
from tests.support.dmp import PATIENTS, letter, named
from tests.support.mail import messages
from tests.unit.pipeline.test_document_requests import cda
from tests.unit.pipeline.test_submissions import LETTER

C, R, S = DeliveryStatus.CONFIRMED, DeliveryStatus.REFUSED, DeliveryStatus.SKIPPED
W, G = DeliveryStatus.RETRY_WAIT, DeliveryStatus.GIVEN_UP


async def shown(feeding):
    """Return state and code of each row, and what its document's timeline says last of it."""

    def work(tx):
        found = []
        for row in tx.outbox.page(list(DeliveryStatus), 0, 100, "dmp"):
            told = document_timeline(tx, row.item.about.partition("/")[2])
            own = [one.what for one in told.moments if one.channel == "dmp"]
            # An end is told to the sender besides (ZAM).
            assert ("told" in own) == (row.status in (C, R, S, G))
            last = [what for what in own if what != "told"][-1]
            found.append((row.status, row.note.split(" ")[0].rstrip(":"), last))
        return found

    return await feeding.store.read(work)


def mishap(feeding, *what):
    feeding.shared.repository.manners.mishaps[:] = what


async def test_a_record_that_is_away_for_days_is_given_up_for_a_person(feeding):
    feeding.shared.repository.manners.closed = True
    await feeding.take(LETTER)
    await feeding.later(minutes=1)
    waits = await shown(feeding)
    for _ in range(5):
        await feeding.later(days=1)

    assert waits[0][0] is W
    assert waits[0][2] == "waits"
    [(status, _, last)] = await shown(feeding)
    assert (status, last) == (G, "given_up")


async def test_a_certificate_that_has_ended_is_an_alarm_and_mends_with_the_next(feeding, tmp_path):
    good = feeding.shared.pki.client.read_bytes()
    past = datetime.now(UTC) - timedelta(days=1)
    # Of the right subject, of the past and of nobody the record trusts.
    ended = trustme.CA(key_type=trustme.KeyType.RSA).issue_cert(
        "auth-cli.ch.example", not_before=past - timedelta(days=30), not_after=past,
        key_type=trustme.KeyType.RSA,
    )  # fmt: skip
    ended.private_key_and_cert_chain_pem.write_to_path(feeding.shared.pki.client)
    await feeding.take(LETTER)
    await feeding.later(minutes=1)
    alarmed = await shown(feeding)
    feeding.shared.pki.client.write_bytes(good)
    await feeding.later(hours=1)

    assert alarmed == [(W, "RLS-DMP-021", "waits")]
    assert await shown(feeding) == [(C, "Success;", "delivered")]


async def test_a_document_that_is_too_large_is_refused_at_once(feeding):
    mishap(feeding, Mishap.TOO_LARGE)
    await feeding.take(LETTER)
    await feeding.later(minutes=1)

    assert await shown(feeding) == [(R, "RLS-DMP-063", "refused")]


async def test_a_closed_record_is_told_by_its_name(feeding):
    feeding.shared.repository.manners.patients[PATIENTS[0]] = "terminated"
    await feeding.take(LETTER)
    await feeding.later(minutes=1)

    assert await shown(feeding) == [(S, "DMPClosed", "not_sent")]


async def test_a_letter_about_somebody_else_does_not_leave(feeding):
    other = cda(LETTER, lambda text: text.replace(PATIENTS[0], PATIENTS[1]))
    await feeding.take(other)
    await feeding.later(minutes=1)

    assert feeding.shared.repository.kept == []
    assert {status for status, _, _ in await shown(feeding)} <= {R, DeliveryStatus.HELD}


async def test_a_letter_the_record_never_takes_keeps_no_other_from_it(feeding):
    mishap(feeding, Mishap.ODD_ERROR)
    await feeding.take(LETTER, messages()[1], messages()[2])
    await feeding.later(minutes=1)

    rows = await shown(feeding)
    assert sorted(status for status, _, _ in rows) == sorted([R, C, C])
    assert [(code, last) for status, code, last in rows if status is R] == [
        ("RLS-DMP-024", "refused")
    ]


async def test_an_answer_that_is_lost_and_a_second_asking_are_one_document(feeding):
    mishap(feeding, Mishap.CUT_AFTER)
    await feeding.take(LETTER)
    await feeding.later(minutes=1)
    await feeding.take(LETTER)
    await feeding.later(hours=1)
    await feeding.later(hours=1)

    assert feeding.shared.repository.unique_ids == [named(letter())]
    assert await feeding.status() == [C]
    assert len(feeding.shared.repository.lots) == 1
