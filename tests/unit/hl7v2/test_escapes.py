"""Escape sequences are decoded once, bounded, and never fail."""

import pytest

from gateway.hl7v2.escapes import decode, encode
from gateway.hl7v2.reader import read
from gateway.hl7v2.separators import STANDARD
from tests.unit.hl7v2.compose import er7, msh


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (r"a\F\b", "a|b"),
        (r"a\S\b\T\c\R\d\E\e", "a^b&c~d\\e"),
        (r"un\.br\deux", "un\ndeux"),
        (r"\H\gras\N\ ", "gras "),
        (r"un\.sp2\deux", "un\n\ndeux"),
        (r"un\.sk3\deux", "un   deux"),
        (r"\.in+4\\.ti-2\texte\.nf\\.fi\ ", "texte "),
    ],
)
def test_known_sequences_are_decoded(raw, text):
    assert decode(raw, STANDARD, "utf-8") == text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        pytest.param(r"a\X0D\\X0A\b", "a\r\nb", id="one byte each"),
        pytest.param(r"a\X0D0A\b", "a\r\nb", id="two bytes"),
        pytest.param(r"a\X000d\b", "a\rb", id="sixteen bits in small letters"),
        pytest.param(r"a\X0A\b", "a\nb", id="line feed"),
        pytest.param(r"\XC3A9\t\XC3\\XA9\ ", "été ", id="character of two bytes"),
        pytest.param(r"a\X0\b", r"a\X0\b", id="odd number of digits stays"),
        pytest.param(r"a\XZZ\b", r"a\XZZ\b", id="no digits stays"),
        pytest.param(r"a\X00\b", "ab", id="NUL is removed"),
    ],
)
@pytest.mark.field("FL-043")
def test_hexadecimal_sequences_are_bytes_of_the_message_charset(raw, text):
    assert decode(raw, STANDARD, "utf-8") == text


@pytest.mark.field("FL-043")
def test_hexadecimal_bytes_follow_the_codec():
    assert decode(r"C\XBC\UR", STANDARD, "iso8859-15") == "CŒUR"


@pytest.mark.field("FL-044")
def test_double_escaping_is_decoded_once():
    assert decode(r"\E\X09\E\ "[:-1], STANDARD, "utf-8") == "\\X09\\"
    assert decode(r"\E\F\E\ "[:-1], STANDARD, "utf-8") == "\\F\\"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (r"bloc 3\4 gauche", r"bloc 3\4 gauche"),
        (r"778^\E\ "[:-1], "778^\\"),
        ("\\", "\\"),
        (r"fin\ "[:-1], "fin\\"),
        (r"\Zlocal\ ouvert\F", r"\Zlocal\ ouvert\F"),
        (r"\4 gauche\F\fin", r"\4 gauche|fin"),
        (r"\\", r"\\"),
    ],
)
@pytest.mark.field("FL-045")
def test_what_is_no_sequence_stays(raw, text):
    assert decode(raw, STANDARD, "utf-8") == text


@pytest.mark.parametrize("raw", [r"\.sp999999999\ "[:-1], r"\.sk99999\ "[:-1] * 1000])
@pytest.mark.field("FL-046")
def test_formatting_commands_do_not_fill_the_memory(raw):
    assert len(decode(raw, STANDARD, "utf-8")) <= 2 * len(raw)


@pytest.mark.field("FL-046")
def test_one_command_gives_a_hundred_lines_at_most():
    text = "x" * 1000 + r"\.sp999\ "[:-1]

    assert decode(text, STANDARD, "utf-8").count("\n") == 100


@pytest.mark.field("FL-047")
def test_a_value_cannot_become_a_segment_on_output():
    assert encode("x\rPID|1|^~&\\\x0b", STANDARD) == r"x\X0D\PID\F\1\F\\S\\R\\T\\E\ "[:-1]


@pytest.mark.parametrize(
    "text", ["a|b^c~d&e\\f", "\\F\\", "\\X09\\", "ligne 1\r\nligne 2\tfin", "\\.br\\", "é€œ"]
)
@pytest.mark.field("FL-047")
def test_what_is_encoded_is_decoded_to_the_same(text):
    assert decode(encode(text, STANDARD), STANDARD, "utf-8") == text


@pytest.mark.field("FL-044")
def test_an_escaped_delimiter_does_not_cut_the_field():
    message = read(er7(msh(), r"PID|||8\S\0\R\1\T\2\F\3^^^A"))

    (node,) = message.select("PID-3")
    assert node.text() == "8^0~1&2|3"
    assert node.component(4) == "A"
