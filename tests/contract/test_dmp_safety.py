"""What leaves for the shared record: for whom, under which certificates, in which bytes."""

import ssl
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from hashlib import sha1

import pytest
import trustme

from gateway.connectors.dmp import DmpConnector
from gateway.connectors.dmp_keys import client_context
from gateway.core.deliveries import DeliveryStatus
from gateway.core.errors import RejectedError, RetriableError
from tests.support.dmp import (
    CONCEPTMAPS,
    EG,
    EJ,
    HOUSE,
    author_of,
    delivery,
    letter,
    minutes,
    record,
)


def code_of(caught):
    return caught.value.issues[0].code


@pytest.fixture
async def shared(tmp_path):
    async with record(tmp_path) as opened:
        yield opened


# --- what must not leave ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("details", "code"),
    [
        ({"ins_trusted": False}, "RLS-DMP-002"),
        ({"ins": "190109902900410"}, "RLS-DMP-004"),
        (
            {"author": {"institution": "X^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^1750000000"}},
            "RLS-DMP-005",
        ),
        ({"kind": "professional"}, "RLS-DMP-006"),
    ],
)
async def test_what_must_not_leave_stays_without_a_connection(shared, details, code):
    with pytest.raises(RejectedError) as caught:
        await shared.connector.send(delivery(letter(), **details))

    assert code_of(caught) == code
    assert shared.repository.requests == []


@pytest.mark.field("FL-289")
@pytest.mark.field("FL-119")
async def test_a_test_ins_does_not_leave_a_production_installation(shared):
    connector = DmpConnector(shared.dialect, replace(HOUSE, production=True), CONCEPTMAPS)

    with pytest.raises(RejectedError) as caught:
        await connector.send(delivery(letter()))

    assert code_of(caught) == "RLS-DMP-003"
    assert shared.repository.requests == []


@pytest.mark.field("FL-281")
async def test_token_metadata_and_document_name_one_patient_in_one_form(shared):
    await shared.connector.send(delivery(letter()))

    [kept] = shared.repository.kept
    assert {asker.patient for asker in shared.repository.askers} == {kept.patient}
    assert kept.patient == kept.entry.ids["patientId"]


@pytest.mark.field("FL-286")
async def test_hash_and_size_are_those_of_the_part_on_the_wire(shared):
    await shared.connector.send(delivery(letter()))

    [(_, sent)] = [one for one in shared.repository.requests if one[0].endswith("-b")]
    head = f"Content-Type: {sent.headers['content-type']}\r\n\r\n".encode()
    message = message_from_bytes(head + sent.body, policy=policy.HTTP)
    parts = [part.get_payload(decode=True) for part in message.iter_parts()]
    [kept] = shared.repository.kept
    assert letter() in parts
    assert kept.entry.slot("hash") == sha1(letter()).hexdigest()  # noqa: S324 - XDS says SHA-1
    assert kept.entry.slot("size") == str(len(letter()))


@pytest.mark.field("FL-276")
@pytest.mark.field("FL-275")
async def test_documents_alone_are_parts_and_certificates_stay_inline(shared):
    await shared.connector.send(delivery(letter()))

    [(_, sent)] = [one for one in shared.repository.requests if one[0].endswith("-b")]
    head = f"Content-Type: {sent.headers['content-type']}\r\n\r\n".encode()
    root, *parts = message_from_bytes(head + sent.body, policy=policy.HTTP).iter_parts()
    text = root.get_payload(decode=True)
    assert len(parts) == text.count(b":Include ") == 2
    assert b"<ds:X509Certificate>MII" in text
    assert [part["Content-Transfer-Encoding"] for part in parts] == ["binary"] * 2


@pytest.mark.field("FL-287")
async def test_the_site_stands_in_token_lot_and_document_and_the_legal_entity_in_the_certificate(
    shared,
):
    await shared.connector.send(delivery(letter(), author=author_of()))

    [kept] = shared.repository.kept
    assert kept.structure == EG
    assert {client.client for _, client in shared.repository.requests} == {EJ}
    [author] = kept.entry.codes["author"]
    assert author.slots["authorInstitution"][0].endswith(f"^{EG}")


# --- TLS, certificates, clocks ---------------------------------------------------------------


async def test_a_missing_client_certificate_is_an_alarm_and_not_the_network(shared):
    def bare():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(shared.pki.authority)
        return context

    with pytest.raises(RetriableError) as caught:
        await shared.another(tls=bare).send(delivery(letter()))

    assert code_of(caught) == "RLS-DMP-021"
    assert caught.value.retry_after_s >= 900
    assert shared.repository.requests == []


async def test_a_record_of_another_authority_gets_nothing(shared, tmp_path):
    stranger = tmp_path / "stranger.pem"
    trustme.CA().cert_pem.write_to_path(stranger)

    with pytest.raises(RetriableError) as caught:
        await shared.another(tls=lambda: client_context(stranger, shared.pki.client)).send(
            delivery(letter())
        )

    assert code_of(caught) == "RLS-DMP-021"
    assert shared.repository.requests == []


async def test_tls_1_2_with_the_suites_of_the_record(shared):
    shared.pki.server.maximum_version = ssl.TLSVersion.TLSv1_2
    shared.pki.server.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")

    handover = await shared.connector.send(delivery(letter()))

    assert handover.status is DeliveryStatus.CONFIRMED


async def test_a_renewed_certificate_counts_without_a_restart(shared):
    connector = shared.connector
    await connector.send(delivery(letter()))
    # The wrong one first: the right one was not kept in memory.
    good = shared.pki.signer.read_bytes()
    shared.pki.signer.write_bytes(shared.pki.client.read_bytes())
    with pytest.raises(RejectedError) as caught:
        await connector.send(delivery(letter(2)))
    shared.pki.signer.write_bytes(good)
    handover = await connector.send(delivery(letter(2)))

    assert code_of(caught) == "RLS-DMP-025"
    assert handover.status is DeliveryStatus.CONFIRMED


@pytest.mark.field("FL-282")
async def test_clocks_that_disagree_are_named_as_such(shared):
    shared.clock.instant += minutes(10)

    with pytest.raises(RetriableError) as caught:
        await shared.connector.send(delivery(letter()))

    assert code_of(caught) == "RLS-DMP-026"
    assert caught.value.retry_after_s >= 900
    assert shared.repository.kept == []


@pytest.mark.field("FL-282")
async def test_a_clock_ninety_seconds_ahead_is_told_by_the_refusal(shared):
    shared.clock.instant += timedelta(seconds=90)

    with pytest.raises(RetriableError) as caught:
        await shared.connector.send(delivery(letter()))

    assert code_of(caught) == "RLS-DMP-026"
