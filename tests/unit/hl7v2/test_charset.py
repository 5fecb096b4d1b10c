"""The character set of a message: declared, contradicted, misspelt, absent."""

import subprocess
import sys
from pathlib import Path

import pytest

from gateway.core.errors import RejectedError
from gateway.hl7v2.reader import read
from tests.unit.hl7v2.compose import admission, named, with_msh

ROOT = Path(__file__).resolve().parents[3]


def family(raw: bytes, **options: object) -> tuple[str, tuple[str, ...]]:
    """Return the family name that is read, and the flags."""
    message = read(raw, **options)
    return message.value("PID-5.1"), message.flags


@pytest.mark.parametrize(
    ("declared", "encoding", "name"),
    [
        ("UNICODE UTF-8", "utf-8", "HÉLOÏSE-CŒUR €"),
        ("8859/15", "iso8859-15", "HÉLOÏSE-CŒUR €"),
        ("8859/1", "iso8859-1", "HÉLOÏSE"),
        ("ASCII", "ascii", "HELOISE"),
    ],
)
def test_a_true_declaration_is_followed_without_a_flag(declared, encoding, name):
    assert family(named(name, declared, encoding)) == (name, ())


@pytest.mark.parametrize("declared", ["8859/1", "8859/15", "ASCII"])
@pytest.mark.field("FL-025")
def test_utf_8_under_a_single_byte_declaration_is_read_as_utf_8(declared):
    raw = named("FRANÇOIS", declared, "utf-8")

    assert family(raw) == ("FRANÇOIS", ("charset_fallback",))


@pytest.mark.parametrize(
    ("declared", "encoding"), [("8859/1", "utf-8"), ("UNICODE UTF-8", "iso8859-15")]
)
@pytest.mark.field("FL-025")
@pytest.mark.field("FL-026")
def test_strict_reading_refuses_bytes_that_contradict_msh_18(declared, encoding):
    with pytest.raises(RejectedError) as caught:
        read(named("FRANÇOIS", declared, encoding), lenient=False)

    (issue,) = caught.value.issues
    assert (issue.code, issue.where, issue.hl7_code) == ("RLS-HL7-008", "MSH-18", 102)


@pytest.mark.parametrize(
    ("encoding", "name"), [("iso8859-15", "LÉA-CŒUR"), ("cp1252", "LÉA-CŒUR’S")]
)
@pytest.mark.field("FL-026")
def test_single_bytes_under_a_utf_8_declaration_are_not_lost(encoding, name):
    raw = named(name, "UNICODE UTF-8", encoding)

    message = read(raw)

    assert message.value("PID-5.1") == name
    assert message.flags == ("charset_fallback",)
    assert message.raw == raw


@pytest.mark.field("FL-026")
def test_one_stray_byte_does_not_spoil_the_rest():
    raw = admission().replace(b"ESSAI", b"ESSA\xcf").replace(b"CLAIRE", "ÉLÉONORE".encode())

    message = read(raw)

    assert (message.value("PID-5.1"), message.value("PID-5.2")) == ("ESSAÏ", "ÉLÉONORE")


@pytest.mark.field("FL-026")
def test_bytes_of_no_charset_at_all_never_become_a_replacement_character():
    raw = admission().replace(b"ESSAI", bytes(range(0x80, 0x100)))

    assert "\ufffd" not in read(raw).value("PID-5.1")


@pytest.mark.parametrize("settings", [{"LC_ALL": "C"}, {"PYTHONUTF8": "0"}, {"PYTHONUTF8": "1"}])
@pytest.mark.field("FL-027")
def test_the_locale_of_the_process_does_not_matter(settings):
    program = (
        "from gateway.hl7v2.reader import read;"
        "from tests.unit.hl7v2.compose import named;"
        "print(ascii(read(named('CŒUR', '8859/15', 'iso8859-15')).value('PID-5.1')))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **settings},
        capture_output=True,
        check=True,
        timeout=60,
    )

    assert done.stdout.strip() == rb"'C\u0152UR'"


@pytest.mark.field("FL-028")
def test_8859_15_is_not_read_as_8859_1():
    raw = admission(MSH=with_msh(18, "8859/15")).replace(b"ESSAI", b"\x43\xbc\x55\x52")

    assert family(raw) == ("CŒUR", ())


@pytest.mark.field("FL-028")
def test_a_sign_inside_a_word_makes_8859_1_suspicious():
    raw = admission(MSH=with_msh(18, "8859/1")).replace(b"ESSAI", b"\x43\xbc\x55\x52")

    assert family(raw) == ("C¼UR", ("charset-suspect",))


@pytest.mark.field("FL-028")
def test_a_sign_beside_a_digit_is_not_suspicious():
    raw = admission(MSH=with_msh(18, "8859/1")).replace(b"1 rue du Test", b"1 \xbd rue du Test")

    assert read(raw).flags == ()


@pytest.mark.parametrize(
    ("encoding", "flags"),
    [
        ("utf-8", ("charset-undeclared",)),
        ("iso8859-15", ("charset-undeclared", "charset_fallback")),
    ],
)
@pytest.mark.field("FL-029")
def test_a_name_without_declared_charset_is_read(encoding, flags):
    assert family(named("HÉLÈNE", "", encoding)) == ("HÉLÈNE", flags)


def test_an_undeclared_message_without_accents_is_plain():
    assert family(named("MARTIN", "", "ascii")) == ("MARTIN", ())


@pytest.mark.parametrize(
    ("number", "value"),
    [
        pytest.param(18, "UTF-8", id="without UNICODE"),
        pytest.param(18, "utf8", id="small letters"),
        pytest.param(18, "UNICODE", id="half of the name"),
        pytest.param(18, "8859/1~UNICODE UTF-8", id="repeated"),
        pytest.param(17, "UNICODE UTF-8", id="one field too early"),
        pytest.param(19, "UNICODE UTF-8", id="one field too late"),
        pytest.param(20, "UNICODE UTF-8", id="two fields too late"),
    ],
)
@pytest.mark.field("FL-030")
def test_a_misspelt_or_misplaced_charset_is_found(number, value):
    header = with_msh(number, value, with_msh(18, ""))

    raw = named("ZOÉ", "", "utf-8").replace(with_msh(18, "").encode(), header.encode())

    assert family(raw) == ("ZOÉ", ("msh18-repair",))


@pytest.mark.field("FL-030")
def test_an_unknown_charset_alone_does_not_refuse():
    raw = named("ZOÉ", "EBCDIC", "utf-8")

    assert family(raw) == ("ZOÉ", ("msh18-unknown", "charset-undeclared"))


@pytest.mark.field("FL-030")
def test_strict_reading_refuses_an_unknown_charset():
    with pytest.raises(RejectedError) as caught:
        read(named("ZOÉ", "EBCDIC", "utf-8"), lenient=False)

    (issue,) = caught.value.issues
    assert (issue.code, issue.where, issue.hl7_code) == ("RLS-HL7-009", "MSH-18", 103)


def test_the_charset_of_the_http_header_serves_when_msh_18_is_empty():
    raw = named("CŒUR", "", "iso8859-15")

    assert family(raw, declared_charset="ISO-8859-15") == ("CŒUR", ())


def test_msh_18_wins_over_the_http_header():
    raw = named("CŒUR", "8859/15", "iso8859-15")

    assert family(raw, declared_charset="utf-8") == ("CŒUR", ())
