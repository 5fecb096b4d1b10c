"""What a mail in our mailbox says: reports in many forms, automatic answers, junk."""

from datetime import UTC, datetime

import pytest

from gateway.connectors.mssante_notices import Kind, Reading, read_notice
from gateway.simulation.mail_reports import (
    Original,
    absence,
    delivery_report,
    plain_bounce,
    reading_report,
)

DOMAIN = "app.mssante.example"
KEY = "0123456789abcdef0123456789abcdef"
AT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def original(envelope_id: str = KEY, key: str = KEY, domain: str = DOMAIN) -> Original:
    identifier = f"<{key}@{domain}>"
    return Original(
        sender=f"relais@{DOMAIN}",
        recipient="medecin.7@essai.mssante.example",
        message_id=identifier,
        envelope_id=envelope_id,
        headers=f"Subject: x\r\nMessage-ID: {identifier}\r\n".encode(),
    )


def said(data: bytes) -> Reading:
    return read_notice(data, DOMAIN)


@pytest.mark.parametrize(
    ("action", "status", "diagnostic", "kind", "note"),
    [
        ("delivered", "2.1.5", "250 ok", Kind.DELIVERED, "delivered 2.1.5"),
        ("relayed", "2.0.0", "", Kind.RELAYED, "relayed 2.0.0"),
        ("failed", "5.1.1", "550 5.1.1 <a@b> unknown", Kind.FAILED, "550 mailbox unknown 5.1.1"),
        ("failed", "5.3.4", "552 too big", Kind.FAILED, "552 too large 5.3.4"),
        ("failed", "5.0.0", "", Kind.FAILED, "550 not delivered 5.0.0"),
        ("delayed", "4.4.1", "421 later", Kind.DELAYED, "421 service away 4.4.1"),
    ],
)
def test_a_report_of_delivery_is_told_by_code_and_our_word(action, status, diagnostic, kind, note):
    reading = said(delivery_report(original(), action, status, diagnostic, AT))

    assert reading == Reading(kind, KEY, AT, note)


def test_a_report_without_envelope_id_is_joined_by_the_returned_headers():
    reading = said(delivery_report(original(envelope_id=""), "failed", "5.1.1", "550 no", AT))

    assert (reading.kind, reading.key) == (Kind.FAILED, KEY)


def test_a_report_about_another_sender_is_not_ours():
    theirs = original(envelope_id="", domain="other.mssante.example")

    assert said(delivery_report(theirs, "failed", "5.1.1", "", AT)).kind is Kind.UNREADABLE


@pytest.mark.parametrize(
    ("disposition", "kind", "note"),
    [
        ("automatic-action/MDN-sent-automatically; processed", Kind.INTEGRATED, "processed"),
        ("manual-action/MDN-sent-manually; displayed", Kind.READ, "displayed"),
        ("manual-action/MDN-sent-manually; deleted", Kind.DELIVERED, "deleted"),
        (
            "automatic-action/MDN-sent-automatically;processed/Error: 902^Patient inconnu",
            Kind.NOT_INTEGRATED,
            "902 patient unknown",
        ),
        (
            "automatic-action/mdn-sent-automatically; PROCESSED/error",
            Kind.NOT_INTEGRATED,
            "906 not integrated",
        ),
    ],
)
def test_a_report_of_reading_is_told_by_code_and_our_word(disposition, kind, note):
    reading = said(reading_report(original(), disposition, AT))

    assert (reading.kind, reading.key, reading.note) == (kind, KEY, note)


def test_a_disposition_nobody_knows_is_unreadable():
    assert said(reading_report(original(), "whatever", AT)).kind is Kind.UNREADABLE


def test_a_bounce_in_plain_words_is_a_refusal():
    reading = said(plain_bounce(original(), 550, AT))

    assert (reading.kind, reading.key, reading.note) == (Kind.FAILED, KEY, "550 mailbox unknown")


@pytest.mark.field("FL-270")
def test_an_absence_is_no_refusal():
    assert said(absence(original(), AT)).kind is Kind.AUTOMATIC


@pytest.mark.parametrize(
    "data",
    [b"", b"\x00\xff\xfe", b"Subject: =?nowhere?q?x?=\r\n\r\nhello", b"\r\n\r\n" * 50],
    ids=["empty", "bytes", "charset", "blank"],
)
def test_junk_is_a_letter_of_somebody(data):
    assert said(data).kind is Kind.OTHER


@pytest.mark.parametrize("cut", range(0, 700, 70))
def test_a_report_cut_anywhere_never_breaks_the_reader(cut):
    whole = delivery_report(original(), "failed", "5.1.1", "550 no", AT)

    assert said(whole[:cut]).kind in (Kind.OTHER, Kind.UNREADABLE, Kind.AUTOMATIC, Kind.FAILED)


def test_a_report_packed_in_base64_is_read():
    from base64 import b64encode

    fields = f"Original-Envelope-Id: {KEY}\r\n\r\nAction: failed\r\nStatus: 5.2.2\r\n"
    data = (
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: message/delivery-status\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n" + b64encode(fields.encode()) + b"\r\n--b--\r\n"
    )

    assert said(data).kind is Kind.FAILED
