"""The header of the inbox: who sent what, under which number, with which hashes."""

import hashlib
from datetime import UTC, datetime

import pytest

from gateway.hl7v2.canonical import canonical_sha256, header
from gateway.hl7v2.reader import read
from tests.unit.hl7v2.compose import EVN, PID, PV1, ZBE, admission, er7, msh, with_msh


def test_the_header_of_a_readable_message():
    raw = admission(MSH=with_msh(3, "GAM&sub^1.2^ISO", with_msh(4, "CHU-DEMO^990000001^M")))

    found = header(raw, read(raw))

    assert found.sender == ("GAM&sub", "CHU-DEMO")
    assert (found.control_id, found.message_type) == ("G0001", "ADT^A01")
    assert found.raw_sha256 == hashlib.sha256(raw).hexdigest()
    assert found.sent_at == datetime(2026, 11, 20, 7, 30, tzinfo=UTC)


@pytest.mark.field("FL-069")
def test_an_unreadable_message_gives_what_can_be_found():
    raw = b"MSH|^~\\&|GAM|CHU|R|D|20261120083000||ADT^A01|M42|P|2.5\rMSH|^~\\&|\r"

    found = header(raw, None)

    assert (found.sender, found.control_id, found.message_type) == (
        ("GAM", "CHU"),
        "M42",
        "ADT^A01",
    )
    assert found.sent_at == datetime(2026, 11, 20, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize("raw", [b"", b"garbage", b"MSH", b"\x06", b"<x/>"])
def test_garbage_has_an_empty_header_and_its_hash(raw):
    found = header(raw, None)

    assert (found.sender, found.control_id, found.message_type) == (("", ""), "", "")
    assert found.sent_at is None
    assert found.raw_sha256 == hashlib.sha256(raw).hexdigest()


@pytest.mark.parametrize(
    ("value", "expected"),
    [("abc", None), ("", None), ("20261120", datetime(2026, 11, 19, 23, tzinfo=UTC))],
)
def test_msh_7_may_be_no_instant(value, expected):
    raw = admission(MSH=with_msh(7, value))

    assert header(raw, read(raw)).sent_at == expected


@pytest.mark.parametrize(
    "resent",
    [
        pytest.param(admission(MSH=with_msh(7, "20261120083030")), id="MSH-7 rebuilt"),
        pytest.param(admission(MSH=with_msh(13, "17")), id="MSH-13 counted on"),
        pytest.param(er7(msh(), EVN, PID, PV1, ZBE, end="\n"), id="LF"),
        pytest.param(er7(msh(), EVN, PID, PV1, ZBE, end="\r\n"), id="CRLF"),
        pytest.param(b"\r\n" + admission() + b"\r\n\r\n", id="blank lines"),
        pytest.param(b"\xef\xbb\xbf" + admission(), id="byte-order mark"),
    ],
)
@pytest.mark.field("FL-071")
def test_an_honest_resend_has_the_same_canonical_hash(resent):
    assert canonical_sha256(resent) == canonical_sha256(admission())
    assert hashlib.sha256(resent).digest() != hashlib.sha256(admission()).digest()


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(admission(MSH=with_msh(10, "G0002")), id="control id"),
        pytest.param(admission(MSH=with_msh(6, "DAC2")), id="MSH-6"),
        pytest.param(admission(MSH=with_msh(8, "X")), id="MSH-8"),
        pytest.param(admission(EVN="EVN||20261120083001"), id="EVN-2"),
        pytest.param(admission(ZBE=None), id="a segment less"),
    ],
)
def test_another_content_has_another_canonical_hash(other):
    assert canonical_sha256(other) != canonical_sha256(admission())


def test_a_header_cut_before_msh_13_is_the_same_as_an_empty_one():
    short, long = b"MSH|^~\\&|A|B|C|D|1||ADT^A01|7|P|2.5", b"MSH|^~\\&|A|B|C|D|2||ADT^A01|7|P|2.5|9"

    assert canonical_sha256(short) == canonical_sha256(long)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("101", 101), ("-1", -1), ("0", 0), ("", None), ("A1", None), ("²", None), ("9" * 16, None)],
)
def test_the_number_of_a_sender_that_counts(value, expected):
    raw = admission(MSH=with_msh(13, value))

    assert header(raw, read(raw)).number == expected
