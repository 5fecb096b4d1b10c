"""Acknowledgements are well formed whatever they answer."""

from datetime import UTC, datetime

import pytest

from gateway.core.issues import Issue, Severity
from gateway.hl7v2 import ack, refusals
from gateway.hl7v2.message import Message
from gateway.hl7v2.reader import read
from tests.unit.hl7v2.compose import admission, er7, msh, named, with_msh

NOW = datetime(2026, 11, 20, 9, 30, 5, tzinfo=UTC)


def answer(source: Message | bytes, code: str, *issues: Issue, **options: bool) -> list[str]:
    """Return the segments of an acknowledgement."""
    raw = ack.build(source, code, issues, now=NOW, control_id="R7", **options)
    segments = raw.decode().split("\r")
    assert segments.pop() == ""
    return segments


def issue(where: str, hl7_code: int = 101, **changes: object) -> Issue:
    """Return an error at a place."""
    values = {"code": "RLS-X", "severity": Severity.ERROR, "what": "Quoi.", "fix": "Que faire."}
    return Issue(where=where, hl7_code=hl7_code, **values | changes)


@pytest.mark.field("FL-068")
def test_a_positive_answer_is_exactly_this():
    header = with_msh(3, "AAA", with_msh(4, "BBB", with_msh(5, "CCC", with_msh(6, "DDD"))))

    assert answer(read(admission(MSH=header)), "AA") == [
        r"MSH|^~\&|CCC|DDD|AAA|BBB|20261120103005||ACK^A01^ACK|R7|P|2.5^FRA^2.11|||||FRA"
        "|UNICODE UTF-8",
        "MSA|AA|G0001",
    ]


def test_a_negative_answer_has_one_err_an_issue():
    found = answer(
        read(admission()),
        "AE",
        issue("PID-3.4"),
        issue("PV1", 100),
        issue("OBX[2]-5[1].5", 102, severity=Severity.WARNING),
    )

    assert found[1:] == [
        "MSA|AE|G0001",
        "ERR||PID^1^3^1^4|101^Required field missing^HL70357|E|||RLS-X: Quoi.|Que faire.",
        "ERR||PV1^1|100^Segment sequence error^HL70357|E|||RLS-X: Quoi.|Que faire.",
        "ERR||OBX^2^5^1^5|102^Data type error^HL70357|W|||RLS-X: Quoi.|Que faire.",
    ]


@pytest.mark.parametrize(
    ("where", "place"),
    [
        ("MSH-9.1", "MSH^1^9^1^1"),
        ("MSH-12", "MSH^1^12"),
        ("MSH-18", "MSH^1^18"),
        ("ZBE-4", "ZBE^1^4"),
        ("PID-3[2]", "PID^1^3^2"),
        ("PID-3[2].4.2", "PID^1^3^2^4^2"),
        ("OBX[1]-5 /ClinicalDocument/id", "OBX^1^5"),
        ("line 3", "UNK"),
        ("/ClinicalDocument/id", "UNK"),
        ("P|D-3", "UNK"),
        ("pid-3", "UNK"),
    ],
)
@pytest.mark.field("FL-081")
@pytest.mark.field("FL-048")
def test_the_place_is_a_segment_that_exists_or_none(where, place):
    (err,) = answer(read(admission()), "AE", issue(where))[2:]

    assert err.split("|")[2] == place


@pytest.mark.parametrize("condition", [206, 207])
def test_a_fault_of_ours_has_no_place_in_the_message(condition):
    (err,) = answer(read(admission()), "AR", issue("store", condition))[2:]

    assert err.split("|")[2] == ""


def test_a_functional_refusal_has_its_user_code():
    refused = issue("PID-3", 207, hl7_user_code=902)

    (adt,) = answer(read(admission()), "AE", refused)[2:]
    (mdm,) = answer(read(er7(msh("MDM^T02^MDM_T02"))), "AE", refused)[2:]

    assert adt.split("|")[3:6] == [
        "207^Application error^HL70357", "E", "902^Identifiant patient inconnu^HL70533"
    ]  # fmt: skip
    assert mdm.split("|")[3:6] == [
        "207^Application error^messageErrorCondition",
        "E",
        "902^Identifiant patient inconnu^applicationErrorCondition",
    ]


def test_a_document_sender_gets_a_user_code_with_each_functional_refusal():
    source = read(er7(msh("ORU^R01^ORU_R01")))

    (functional,) = answer(source, "AE", issue("PID-3", 207))[2:]
    (ours,) = answer(source, "AR", issue("store", 207, severity=Severity.FATAL))[2:]

    assert functional.split("|")[5] == "906^Autre erreur^applicationErrorCondition"
    assert ours.split("|")[5] == ""


@pytest.mark.field("FL-068")
def test_an_old_sender_gets_two_components():
    assert answer(read(admission()), "AA", msh9_short=True)[0].split("|")[8] == "ACK^A01"


@pytest.mark.field("FL-080")
def test_a_sender_of_2_3_1_finds_the_place_in_err_1():
    (err,) = answer(read(admission()), "AE", issue("PID-3"), err1=True)[2:]

    assert err == "ERR|PID^1^3^101&Required field missing&HL70357"


@pytest.mark.parametrize(
    ("msh_15", "msh_16", "code", "sent"),
    [
        ("", "", "AA", "AA"),
        ("AL", "AL", "AA", "CA"),
        ("AL", "NE", "AE", "CE"),
        ("ER", "NE", "AR", "CR"),
        ("SU", "AL", "AA", "CA"),
        ("NE", "AL", "AA", "AA"),
        ("al", "", "AA", "CA"),
    ],
)
@pytest.mark.field("FL-078")
def test_enhanced_mode_gets_commit_codes(msh_15, msh_16, code, sent):
    source = read(admission(MSH=with_msh(15, msh_15, with_msh(16, msh_16))))

    assert answer(source, code)[1] == f"MSA|{sent}|G0001"


@pytest.mark.parametrize(
    ("msh_15", "msh_16", "positive", "negative"),
    [
        ("", "", True, True),
        ("AL", "AL", True, True),
        ("ER", "NE", False, True),
        ("SU", "AL", True, False),
        ("NE", "AL", True, True),
        ("NE", "NE", False, False),
        ("NE", "ER", False, True),
        # Half a wish: an answer too many does less harm than one that is waited for.
        ("NE", "", True, True),
        ("", "NE", True, True),
    ],
)
@pytest.mark.field("FL-078")
def test_enhanced_mode_says_which_answers_are_wanted(msh_15, msh_16, positive, negative):
    source = read(admission(MSH=with_msh(15, msh_15, with_msh(16, msh_16))))

    assert (ack.is_wanted(source, "AA"), ack.is_wanted(source, "AE")) == (positive, negative)


@pytest.mark.parametrize("condition", [200, 201, 202, 203, 206])
def test_circumstances_are_refused_with_ar(condition):
    assert ack.code_for([issue("PID-3"), issue("MSH-9", condition)]) == "AR"


@pytest.mark.parametrize("condition", [100, 101, 102, 103, 198, 199, 204, 205, 207])
def test_content_is_refused_with_ae(condition):
    assert ack.code_for([issue("PID-3", condition)]) == "AE"


def test_what_only_circumstances_cause_is_refused_with_ar():
    assert ack.code_for([issue("store", 207, severity=Severity.FATAL)]) == "AR"


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"MSH|^~\\&|A|B|C|^^\r", id="MSH-6 of separators"),
        pytest.param(b"MSH|^~\\&|A|B|C\r", id="five fields"),
        pytest.param(b"MSH|^~\\&|A|B|C|D|2026||\r", id="MSH-9 empty"),
        pytest.param(b"MSH|^~\\&|A|B|C|D|abc||ADT^A01|7|P|2.5\r", id="MSH-7 of letters"),
        pytest.param(b"MSH|^~\\&|A|B|C|D|||^^^|7|P|2.5\r", id="MSH-9 of separators"),
        pytest.param(b"MSH||||||||||||\r", id="nothing at all"),
        pytest.param(b"MSH", id="the name only"),
        pytest.param(b"", id="no bytes"),
    ],
)
@pytest.mark.field("FL-065")
def test_odd_headers_are_answered(raw):
    segments = answer(raw, "AR", refusals.no_header())

    assert [segment[:3] for segment in segments] == ["MSH", "MSA", "ERR"]
    assert read("\r".join(segments).encode()).value("MSA-1") == "AR"


_CUT = b"MSH|^~\\&|A|B|C|D|2026||ADT^A01|M42|P"


@pytest.mark.parametrize(
    ("raw", "msa"),
    [
        pytest.param(_CUT, "MSA|AR|M42", id="cut behind MSH-11"),
        pytest.param(b"noise " + _CUT + b"|2.5\r", "MSA|AR|M42", id="noise before"),
        pytest.param(_CUT.decode().encode("utf-16"), "MSA|AR|M42", id="UTF-16"),
        pytest.param(b"<M><MSH><MSH.10> M42 </MSH.10></MSH></M>", "MSA|AR|M42", id="XML"),
        # The answer refuses the batch, not its first message.
        pytest.param(b"FHS|^~\\&|A\r" + _CUT, "MSA|AR", id="batch"),
        pytest.param(b"\x00\x01garbage", "MSA|AR", id="garbage"),
    ],
)
@pytest.mark.field("FL-069")
def test_the_control_id_is_recovered_when_it_can_be_found(raw, msa):
    assert answer(raw, "AR", refusals.no_header())[1] == msa


@pytest.mark.field("FL-066")
@pytest.mark.field("FL-067")
def test_an_unreadable_message_gets_a_message_and_no_prose():
    segments = answer(b"%PDF-1.4 \xe2\xe3", "AR", refusals.no_header())

    assert segments == [
        r"MSH|^~\&|||||20261120103005||ACK|R7|P|2.5|||||FRA",
        "MSA|AR",
        "ERR||MSH^1|100^Segment sequence error^HL70357|E|||"
        "RLS-HL7-001: The input does not begin with an MSH segment.|"
        "Send one ER7 message that begins with MSH.",
    ]


@pytest.mark.parametrize(
    ("charset", "encoding", "facility"),
    [("8859/15", "iso8859-15", "HÔPITAL €"), ("UNICODE UTF-8", "utf-8", "HÔPITAL €"),
     ("8859/1", "iso8859-1", "HÔPITAL")],
)  # fmt: skip
@pytest.mark.field("FL-033")
def test_the_answer_is_in_the_charset_of_the_message(charset, encoding, facility):
    raw = er7(with_msh(4, facility, with_msh(18, charset)), encoding=encoding)

    built = ack.build(read(raw), "AA", now=NOW, control_id="R7")

    fields = built.decode(encoding).split("\r")[0].split("|")
    assert (fields[5], fields[17]) == (facility, charset)


@pytest.mark.field("FL-033")
def test_characters_the_charset_lacks_are_replaced_in_texts():
    source = read(named("MARTIN", "8859/1", "iso8859-1"))

    built = ack.build(source, "AE", [issue("PID-3", fix="Œuvre")], now=NOW, control_id="R7")

    assert built.endswith(b"|?uvre\r")


@pytest.mark.parametrize("noise", ["\x1c", "\x0b", "\x00", "\x7f", "\x85"])
@pytest.mark.field("FL-048")
def test_an_echo_cannot_break_the_frame(noise):
    raw = with_msh(3, f"A{noise}B").encode() + b"\r"

    segments = answer(raw, "AR", refusals.no_header())

    assert segments[0].split("|")[4] == "AB"
    assert not any(ord(character) < 32 for segment in segments for character in segment)


def test_texts_of_issues_are_escaped():
    (err,) = answer(read(admission()), "AE", issue("PID-3", what="a|b^c", fix="x\ry"))[2:]

    assert err.endswith(r"|RLS-X: a\F\b\S\c|x\X0D\y")


def test_the_encoding_of_the_message_is_kept():
    raw = b"MSH:;~\\&:HIS:CHU-X:RELAIS:DAC:20261120101500::ADT;A01:7:P:2.5\rPID:::80\r"

    segments = answer(read(raw), "AE", issue("PID-5"))

    assert segments[0].startswith(r"MSH:;~\&:RELAIS:DAC:HIS:CHU-X:20261120103005::ACK;A01;ACK:")
    assert segments[2].startswith("ERR::PID;1;5:101;Required field missing;HL70357:E:")


@pytest.mark.field("FL-038")
def test_missing_separators_are_not_invented():
    raw = b"MSH|^~|A|B|C|D|2026||ADT^A01|7|P|2.5\r"

    segments = answer(read(raw), "AE", issue("PID-5", what="a|b"), err1=True)

    assert segments[0].startswith("MSH|^~|C|D|A|B|")
    assert segments[2] == "ERR|PID^1^5^101"


def test_a_flood_of_issues_is_cut_at_a_hundred():
    segments = answer(read(admission()), "AE", *[issue("PID-3")] * 5000)

    assert len(segments) == 102
