"""Bytes become a message: terminators, separators, segment names, repairs."""

import pytest

from gateway.core.errors import RejectedError
from gateway.hl7v2.leaves import leaves
from gateway.hl7v2.reader import read, serialise
from tests.unit.hl7v2.compose import EVN, PID, PV1, ZBE, admission, er7, msh


def refusal(raw: bytes, **options: object) -> tuple[str, str, int]:
    """Return code, place and HL7 condition of the first issue a reading gives."""
    with pytest.raises(RejectedError) as caught:
        read(raw, **options)
    issue = caught.value.issues[0]
    return issue.code, issue.where, issue.hl7_code


NAMES = ("MSH", "EVN", "PID", "PV1", "ZBE")


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(er7(msh(), EVN, PID, PV1, ZBE), id="CR"),
        pytest.param(er7(msh(), EVN, PID, PV1, ZBE, end="\n"), id="LF"),
        pytest.param(er7(msh(), EVN, PID, PV1, ZBE, end="\r\n"), id="CRLF"),
        pytest.param(er7(msh(), EVN, PID, PV1, ZBE) + b"\r\n\r\n", id="blank lines behind"),
        pytest.param(b"\r\r" + er7(msh(), EVN, PID, PV1, ZBE), id="blank lines before"),
        pytest.param(er7(msh(), EVN, PID, PV1, ZBE).rstrip(b"\r"), id="last end missing"),
    ],
)
@pytest.mark.field("FL-034")
def test_every_way_to_end_a_segment_is_read(raw):
    message = read(raw)

    assert message.names == NAMES
    assert message.value("ZBE-9") == "HMS"
    assert message.flags == ()


@pytest.mark.field("FL-035")
def test_a_line_feed_in_a_text_is_text_when_segments_end_in_cr():
    raw = er7(msh("ORU^R01^ORU_R01"), "OBX|1|TX|A^B^L||ligne 1\nligne 2||||||F")

    message = read(raw)

    assert message.value("OBX-5") == "ligne 1\nligne 2"
    assert message.value("OBX-11") == "F"
    assert message.flags == ()


@pytest.mark.field("FL-036")
def test_a_line_that_is_no_segment_continues_the_field():
    raw = er7(msh("ORU^R01^ORU_R01"), "OBR|1|7||SCAN|||||||||douleur", "thoracique||||X")

    message = read(raw)

    assert message.value("OBR-13") == "douleur\nthoracique"
    assert message.value("OBR-17") == "X"
    assert message.flags == ("segment-continuation",)


@pytest.mark.field("FL-036")
def test_a_line_that_is_no_segment_is_refused_with_its_number_by_strict_reading():
    raw = er7(msh("ORU^R01^ORU_R01"), "OBR|1|7||SCAN|||||||||douleur", "thoracique||||")

    assert refusal(raw, lenient=False) == ("RLS-HL7-010", "line 3", 100)


@pytest.mark.field("FL-037")
def test_other_separators_are_honoured():
    raw = (
        b"MSH:;~\\&:HIS:CHU-X:RELAIS:DAC:20261120101500::ADT;A01:7:P:2.5\rPID:::80;;;A&1.2;PI~81\r"
    )

    message = read(raw)

    assert message.trigger_event == "A01"
    assert message.value("PID-3.4.2") == "1.2"
    assert [node.text() for node in message.select("PID-3")] == ["80", "81"]
    assert message.separators.msh_2 == ";~\\&"


@pytest.mark.parametrize(
    ("msh_2", "subcomponent", "flags"),
    [
        pytest.param(r"^~\&#", "2", (), id="five characters"),
        pytest.param(r"^~&", "2", ("msh2-short",), id="no escape"),
        pytest.param("^~\\", "1&2", ("msh2-short",), id="no sub-component"),
        pytest.param("^~", "1&2", ("msh2-short",), id="two characters"),
    ],
)
@pytest.mark.field("FL-038")
def test_msh_2_may_be_longer_or_shorter(msh_2, subcomponent, flags):
    raw = f"MSH|{msh_2}|A|B|C|D|2026||ADT^A01|7|P|2.5\rPID|||80^^^1&2\r".encode()

    message = read(raw)

    whole = message.select("PID-3")[0]
    assert whole.component(4, 2) == ("2" if subcomponent == "2" else "")
    assert whole.component(4) == ("1" if subcomponent == "2" else "1&2")
    assert message.flags == flags
    assert message.separators.msh_2 == msh_2


@pytest.mark.field("FL-038")
def test_without_escape_character_a_backslash_is_text():
    message = read(b"MSH|^~&|A|B|C|D|2026||ADT^A01|7|P|2.5\rPID|||8\\F\\0\r")

    assert message.value("PID-3") == r"8\F\0"


@pytest.mark.field("FL-039")
def test_a_doubled_backslash_in_msh_2_is_undone():
    message = read(b"MSH|^~\\\\&|A|B|C|D|2026||ADT^A01|7|P|2.5\rPID|||80^^^1&2\r")

    assert message.value("PID-3.4.2") == "2"
    assert message.flags == ("msh2-repair",)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"MSH\0^~\\&\0A\r", id="NUL"),
        pytest.param(b"MSH||||A|B\r", id="empty MSH-2"),
        pytest.param(b"MSH|^^\\&|A\r", id="two equal"),
        pytest.param(b"MSHA^~\\&A\r", id="letter"),
        pytest.param(b"MSH1^~\\&1\r", id="digit"),
        pytest.param(b"MSH|abcd|A\r", id="letters in MSH-2"),
        pytest.param(b"MSH\r", id="nothing behind MSH"),
        pytest.param(b"MSH", id="the end of the input behind MSH"),
        pytest.param(b"MSH|^~\\&#$|A\r", id="six characters"),
        pytest.param(b"MSH|^\x1b\\&|A\r", id="control character in MSH-2"),
    ],
)
@pytest.mark.field("FL-041")
def test_separators_that_cannot_cut_are_refused(raw):
    assert refusal(raw) == ("RLS-HL7-003", "MSH-2", 100)


@pytest.mark.field("FL-021")
def test_lost_line_ends_are_named_and_not_taken_for_a_fault_of_the_charset():
    raw = admission().replace(b"\r", b"").replace(b"CLAIRE", b"CLAIR\xc9")

    assert refusal(raw, lenient=False) == ("RLS-HL7-004", "MSH", 100)


@pytest.mark.field("FL-057")
def test_two_messages_in_one_frame_are_refused_whole():
    assert refusal(admission() + admission()) == ("RLS-HL7-005", "MSH[2]", 100)


@pytest.mark.parametrize("envelope", [b"FHS|^~\\&|A\r", b"BHS|^~\\&|A\r"])
@pytest.mark.field("FL-058")
def test_a_batch_is_refused_with_a_hint(envelope):
    assert refusal(envelope + admission()) == ("RLS-HL7-006", "MSH-9.1", 200)


@pytest.mark.field("FL-061")
def test_the_xml_encoding_is_refused():
    raw = b'<?xml version="1.0"?><ADT_A01 xmlns="urn:hl7-org:v2xml"/>'

    assert refusal(raw) == ("RLS-HL7-007", "MSH-9.1", 200)


@pytest.mark.parametrize("raw", [b"", b"   \r\n", b"hello", b"PID|1\rMSH|^~\\&|\r", b"\xff\x00"])
def test_what_does_not_begin_with_msh_is_refused(raw):
    assert refusal(raw) == ("RLS-HL7-001", "MSH", 100)


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-16"])
@pytest.mark.field("FL-032")
def test_utf_16_is_refused_by_name(codec):
    assert refusal(admission().decode().encode(codec)) == ("RLS-HL7-002", "MSH", 100)


@pytest.mark.field("FL-031")
def test_a_byte_order_mark_is_stripped():
    message = read(b"\xef\xbb\xbf" + admission())

    assert message.names == NAMES
    assert message.flags == ("bom",)


@pytest.mark.parametrize(
    "noise", [b"\x00", b"\x01", b"\x1c", b"\x7f", b"\xef\xbf\xbe", b"\xef\xbf\xbf"]
)
@pytest.mark.field("FL-049")
def test_characters_no_text_may_hold_are_removed(noise):
    message = read(admission().replace(b"rue du Test", b"rue" + noise + b" du Test"))

    assert message.value("PID-11.1") == "1 rue du Test"
    assert message.flags == ("control-char",)


@pytest.mark.field("FL-049")
def test_strict_reading_refuses_control_characters():
    raw = admission().replace(b"rue du Test", b"rue\x00 du Test")

    assert refusal(raw, lenient=False) == ("RLS-HL7-012", "MSH", 102)


@pytest.mark.parametrize(
    "line",
    ["pid|||80", "PID |||80", " PID|||80", "Pid|||80"],
    ids=["small", "behind", "before", "mixed"],
)
@pytest.mark.field("FL-060")
def test_sloppy_segment_names_are_read(line):
    message = read(er7(msh(), EVN, line))

    assert message.value("PID-3") == "80"
    assert message.flags == ("segment-name-repair",)


@pytest.mark.field("FL-060")
def test_sloppy_segment_names_are_refused_by_strict_reading():
    assert refusal(er7(msh(), EVN, "pid|||80"), lenient=False) == ("RLS-HL7-011", "line 3", 100)


@pytest.mark.field("FL-060")
def test_a_line_of_text_with_a_separator_is_no_sloppy_segment():
    message = read(er7(msh(), "NTE|1||avant", "des|bilans"))

    assert message.names == ("MSH", "NTE")
    assert message.value("NTE-3") == "avant\ndes"


@pytest.mark.field("FL-050")
def test_separators_at_the_end_change_nothing():
    short, long = (
        read(er7(msh(), "EVN||20261120", "DG1|1")),
        read(er7(msh(), "EVN||20261120||||", "DG1|1||||")),
    )

    assert leaves(short) == leaves(long)


@pytest.mark.field("FL-050")
def test_a_segment_without_any_field_is_a_segment():
    message = read(er7(msh(), "PV1", PID))

    assert message.names == ("MSH", "PV1", "PID")
    assert message.flags == ()


@pytest.mark.parametrize(
    "segment",
    [
        "PID|||~80^^^CHU-X^PI||||||||||^PRN^PH^^^^^^^^^0400000000~^PRN^CP",
        'PID|||80||DUPONT^Orianne^^^^^L~""^Orianne^^^^^D',
        r"PID|||bloc 3\4 gauche|\F\\E\ \X0D\|",
        "ZZZ|^^^|&&|~~|",
    ],
    ids=["empty parts", "said empty", "escapes", "separators only"],
)
@pytest.mark.field("FL-051")
def test_reading_and_writing_gives_the_same_bytes(segment):
    raw = er7(msh(), EVN, segment, PV1)
    message = read(raw)
    assert leaves(message)

    assert serialise(message) == raw


@pytest.mark.field("FL-051")
def test_empty_repetitions_and_components_keep_their_place():
    message = read(er7(msh(), "PID|||~80^^^CHU-X^PI||||||||||^PRN^PH^^^^^^^^^0400000000~^PRN^CP"))

    assert message.select("PID-3[1]") == []
    assert message.value("PID-3[2].4") == "CHU-X"
    assert message.value("PID-13[1].12") == "0400000000"
    assert message.value("PID-13[2].3") == "CP"


@pytest.mark.field("FL-055")
def test_segments_no_grammar_knows_are_kept_in_order():
    raw = er7(msh(), EVN, PID, PV1, ZBE, "PRT||UC||SB", "ZQQ|1", "IN1|1", "DG1|1", "PRT||UC||RCT")

    assert read(raw).names == (
        "MSH", "EVN", "PID", "PV1", "ZBE", "PRT", "ZQQ", "IN1", "DG1", "PRT"
    )  # fmt: skip


@pytest.mark.field("FL-159")
def test_the_last_field_of_the_last_segment_is_read_to_its_end():
    message = read(er7(msh("ORU^R01^ORU_R01"), "OBX|1|TX|A||fin du texte").rstrip(b"\r"))

    assert message.value("OBX-5") == "fin du texte"


@pytest.mark.field("FL-059")
def test_a_field_of_many_megabytes_is_read_whole():
    data = "QUJD" * 1_500_000
    raw = er7(msh("ORU^R01^ORU_R01"), f"OBX|1|ED|A||^TEXT^XML^Base64^{data}||||||F")

    message = read(raw)

    assert message.value("OBX-5.5") == data
    assert message.value("OBX-11") == "F"


@pytest.mark.parametrize(
    "segment",
    [
        pytest.param("PID|||" + "~".join(f"{n}^^^A^PI" for n in range(50_000)), id="repetitions"),
        pytest.param("ZZZ|" + "&" * 1_000_000, id="sub-components"),
        pytest.param("ZZZ|" + "\\X4" * 300_000, id="open escapes"),
        pytest.param("NTE|1||" + "\n".join(["a"] * 200_000), id="lines"),
        pytest.param("\r".join(["continued line"] * 100_000), id="continuations"),
    ],
)
@pytest.mark.field("FL-319")
def test_hostile_shapes_are_read_in_a_bounded_number_of_passes(segment):
    found = leaves(read(er7(msh(), segment)))

    assert len(found) >= 12


def test_the_bytes_are_kept_as_received():
    raw = b"\xef\xbb\xbf" + admission()

    assert read(raw).raw is raw


_TILDE = "PID|||1^^^A^PI\u02dc2^^^B^INS||MARTIN\u02dc"


@pytest.mark.parametrize(
    ("charset", "encoding"), [("UNICODE UTF-8", "utf-8"), ("8859/1", "cp1252")]
)
@pytest.mark.field("FL-040")
def test_a_typographic_tilde_separates_identifiers(charset, encoding):
    message = read(er7(msh(charset=charset), _TILDE, encoding=encoding))

    assert [node.component(5) for node in message.select("PID-3")] == ["PI", "INS"]
    assert message.value("PID-5") == "MARTIN\u02dc"
    assert "tilde-repair" in message.flags


@pytest.mark.field("FL-040")
def test_a_typographic_tilde_is_refused_by_strict_reading():
    assert refusal(er7(msh(), _TILDE), lenient=False) == ("RLS-HL7-013", "PID-3", 102)
