"""The HL7 v2 reader and the acknowledgements hold for any bytes."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import RejectedError
from gateway.core.issues import Issue, Severity
from gateway.hl7v2 import ack, envelope
from gateway.hl7v2.canonical import canonical_sha256, header
from gateway.hl7v2.escapes import decode, encode
from gateway.hl7v2.intake import judge
from gateway.hl7v2.leaves import leaves
from gateway.hl7v2.message import Message
from gateway.hl7v2.participants import participants
from gateway.hl7v2.reader import read, serialise
from gateway.hl7v2.separators import STANDARD, parse_separators
from gateway.hl7v2.zbe import with_repaired_zbe
from tests.unit.hl7v2.compose import EVN, PID, PV1, SHIFTED_ZBE, admission, er7, msh

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)

OBX = "OBX|1|ED|A^CR^LN||^TEXT^XML^Base64^PGEvPg==||||||F"
VALID = (
    admission(),
    admission(ZBE=SHIFTED_ZBE),
    er7(msh("MDM^T02^MDM_T02"), EVN, PID, PV1, "ORC|NW", "OBR|1", "TXA|1", OBX, "PRT||||SB"),
    er7(msh("ORU^R01", "8859/15"), "OBX|1|TX|A||é & ^|||||F", encoding="iso8859-15"),
)

#: Bytes that are likely to go far into the reader.
_PIECES = st.sampled_from(
    [b"MSH", b"|", b"^~\\&", b"\r", b"\n", b"PID", b"OBX|1|ED|", b"ZBE", b"\\X0D\\", b"\\.sp99\\",
     b'""', b"\xc3\xa9", b"\xe9", b"\x00", b"\x1c", b"20261120", b"UNICODE UTF-8", b"8859/1",
     b"ADT^A01", b"MDM^T02", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"^^^^QQ==", b"MSH|^~\\&|A|B|C|D|"]
)  # fmt: skip
_NOISE = st.one_of(_PIECES, st.binary(max_size=6))
_HEADED = st.lists(_NOISE, max_size=30).map(lambda parts: b"MSH|^~\\&|" + b"".join(parts))
ANY_BYTES = st.one_of(st.binary(max_size=200), st.lists(_NOISE, max_size=30).map(b"".join), _HEADED)


def use(message: Message) -> None:
    """Do everything the gateway does with a message before it maps it."""
    leaves(message)
    judge(message, processing_ids=frozenset({"P"}))
    judge(message, processing_ids=frozenset({"P"}), lenient=False)
    with_repaired_zbe(message)
    participants(message)
    envelope.document_id(message)
    for opened in (envelope.documents, envelope.labels):
        with suppress(RejectedError):
            opened(message)


def read_or_refuse(raw: bytes, *, lenient: bool = True) -> Message | None:
    """Read; None when the bytes are refused with an issue."""
    try:
        return read(raw, lenient=lenient)
    except RejectedError as error:
        issues = error.issues
    assert issues
    assert all(issue.code.startswith("RLS-HL7-") for issue in issues)
    return None


@given(raw=ANY_BYTES, lenient=st.booleans())
@pytest.mark.field("FL-041")
def test_any_bytes_are_read_or_refused(raw, lenient):
    message = read_or_refuse(raw, lenient=lenient)

    if message is not None:
        use(message)
        assert (
            "\ufffd" not in "".join(leaf[-1] for leaf in leaves(message)) or b"\xef\xbf\xbd" in raw
        )


@given(raw=ANY_BYTES, declared=st.text(max_size=12))
def test_any_charset_of_the_http_header_is_survived(raw, declared):
    with suppress(RejectedError):
        leaves(read(raw, declared_charset=declared))


@given(raw=st.sampled_from(VALID), data=st.data())
def test_a_message_cut_anywhere_is_read_or_refused(raw, data):
    cut = raw[: data.draw(st.integers(0, len(raw)))]

    message = read_or_refuse(cut)

    if message is not None:
        use(message)


@given(raw=st.sampled_from(VALID), data=st.data())
def test_one_wrong_byte_is_read_or_refused(raw, data):
    at = data.draw(st.integers(0, len(raw) - 1))
    changed = raw[:at] + data.draw(st.binary(min_size=1, max_size=2)) + raw[at + 1 :]

    message = read_or_refuse(changed)

    if message is not None:
        use(message)


_ISSUES = st.lists(
    st.builds(
        Issue,
        code=st.just("RLS-HL7-001"),
        severity=st.sampled_from(Severity),
        where=st.one_of(st.text(max_size=20), st.just("PID-3[2].4.2")),
        what=st.text(max_size=300),
        fix=st.text(max_size=300),
        hl7_code=st.sampled_from([0, 100, 102, 199, 200, 207, 999]),
        hl7_user_code=st.sampled_from([None, 902, 999]),
    ),
    max_size=4,
)


@given(
    raw=ANY_BYTES,
    issues=_ISSUES,
    code=st.sampled_from(["AA", "AE", "AR", "CA", "CE", "CR"]),
    short=st.booleans(),
    err1=st.booleans(),
    control_id=st.text(min_size=1, max_size=10),
)
@pytest.mark.field("FL-065")
@pytest.mark.field("FL-048")
def test_every_answer_is_a_message_with_one_err_an_issue(
    raw, issues, code, short, err1, control_id
):
    source = read_or_refuse(raw) or raw

    built = ack.build(
        source, code, issues, now=NOW, control_id=control_id, msh9_short=short, err1=err1
    )

    answer = read(built)
    assert not {0x00, 0x0B, 0x1C} & set(built)
    assert answer.names == ("MSH", "MSA", *["ERR"] * len(issues))
    assert answer.message_type == "ACK"
    assert answer.value("MSA-1")[1] == code[1]
    assert ack.is_wanted(source, code) in (True, False)


@given(raw=ANY_BYTES)
def test_every_input_has_a_header(raw):
    message = read_or_refuse(raw)

    found = header(raw, message)

    assert len(found.raw_sha256) == len(found.canonical_sha256) == 64
    assert not any(ord(character) < 32 for character in found.control_id)


_TEXT = st.text(
    alphabet=st.characters(
        codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"
    ),
    max_size=40,
)


@given(text=_TEXT)
@pytest.mark.field("FL-044")
def test_what_is_encoded_is_decoded_once_to_the_same(text):
    once = encode(text, STANDARD)

    assert decode(once, STANDARD, "utf-8") == text
    assert decode(decode(encode(once, STANDARD), STANDARD, "utf-8"), STANDARD, "utf-8") == text
    assert not set("|^~&\r\n") & set(once)


@given(text=st.text(max_size=60))
@pytest.mark.field("FL-046")
def test_decoding_never_gives_more_than_twice_the_size(text):
    assert len(decode(text, STANDARD, "utf-8")) <= 2 * len(text)


_FIELD = st.text(alphabet='A0é ^~&\\"', max_size=12)
_SEGMENT = st.builds(
    lambda name, fields: "|".join([name, *fields]),
    st.sampled_from(["PID", "OBX", "ZBE", "NTE", "ZZ9", "PV1"]),
    st.lists(_FIELD, min_size=1, max_size=8),
)


@given(segments=st.lists(_SEGMENT, max_size=6), end=st.sampled_from(["\r", "\n", "\r\n"]))
@pytest.mark.field("FL-051")
def test_a_clean_message_is_written_as_it_was_read(segments, end):
    raw = er7(msh(), *segments, end=end)
    message = read(raw)

    use(message)

    assert serialise(message) == raw


@given(segments=st.lists(_SEGMENT, max_size=6))
@pytest.mark.field("FL-051")
def test_every_leaf_is_found_at_its_place(segments):
    message = read(er7(msh(), *segments))

    for name, ordinal, field, repetition, component, subcomponent, text in leaves(message)[19:]:
        place = f"{name}[{ordinal}]-{field}[{repetition}].{component}.{subcomponent}"
        assert message.value(place) == text or not text.strip()


@given(
    seven=st.text("0123456789", max_size=14),
    thirteen=st.text("0123456789", max_size=4),
    end=st.sampled_from(["\r", "\n", "\r\n"]),
)
@pytest.mark.field("FL-071")
def test_a_resend_has_the_same_canonical_hash(seven, thirteen, end):
    fields = msh().split("|")
    fields[6], fields[12] = seven, thirteen

    assert canonical_sha256(er7("|".join(fields), EVN, PID, end=end)) == canonical_sha256(
        er7(msh(), EVN, PID)
    )


@given(field=st.characters(), msh_2=st.text(max_size=7))
def test_separators_are_distinct_visible_characters_or_refused(field, msh_2):
    parsed = parse_separators(field, msh_2)

    if parsed is not None:
        roles = [field, *parsed[0].msh_2]
        assert len(set(roles)) == len(roles)
        assert all("!" <= role <= "~" and not role.isalnum() for role in roles)
