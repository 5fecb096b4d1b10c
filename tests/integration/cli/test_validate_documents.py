"""`relais validate` of CDA documents: reports, exit codes, value sets and a test kit by setting."""

import json
import shutil
from importlib.util import find_spec

import pytest

from tests.conftest import ROOT
from tests.support.absent import absent
from tests.support.letters import CASES, changed
from tests.support.small_kit import small_kit

LETTER = CASES / "sound_discharge_letter" / "input.xml"
CUT = ROOT / "fixtures" / "cda" / "truncated_letter_is_refused" / "input.xml"
MESSAGE = ROOT / "fixtures" / "hl7v2" / "adt_a02_transfer_to_rehabilitation" / "input.er7"


@pytest.fixture
def broken(tmp_path):
    """Give a letter without date of birth."""
    path = tmp_path / "letter.xml"
    path.write_bytes(changed(('<birthTime value="19480317"/>', "")))
    return path


def test_a_sound_letter_ends_with_0_and_says_what_was_not_checked(relais):
    ended = relais("validate", LETTER)

    assert ended.code == 0
    first, *rest = ended.out.splitlines()
    assert first == f"{LETTER}: CDA LDL-SES 2022.01, answered 201: no finding"
    assert rest[0].startswith("  checked: header, model and coherence (relais, profiles/cda ")
    assert rest[1:] == [
        "  not checked: value sets (RELAIS_CDA_VALUE_SETS names no folder)",
        "  not checked: schema and schematrons (RELAIS_CDA_TOOLKIT names no test kit)",
    ]


def test_a_letter_that_breaks_a_rule_ends_with_1_and_says_which(relais, broken):
    ended = relais("validate", broken)

    assert ended.code == 1
    place = "/ClinicalDocument/recordTarget/patientRole/patient/birthTime"
    assert f"error RLS-CDA-010 {place}: The header has no usable birthTime." in ended.out
    assert "[HDR birthTime] profile" in ended.out


def test_bytes_that_are_no_document_are_judged_as_such(relais):
    ended = relais("validate", CUT)

    assert ended.code == 1
    assert ended.out.startswith(f"{CUT}: unreadable, answered 422: 1 error")
    assert "not checked: header, model and coherence" in ended.out


def test_messages_and_documents_go_together(relais, broken):
    ended = relais("validate", "--report", "json", MESSAGE, broken, LETTER)

    told = json.loads(ended.out)["inputs"]
    assert ended.code == 1
    assert [one["messageType"] for one in told] == [
        "ADT^A02", "CDA LDL-SES 2022.01", "CDA LDL-SES 2022.01",
    ]  # fmt: skip
    assert [one["refused"] for one in told] == [False, True, False]
    assert [one["answer"] for one in told] == ["AA", "201", "201"]


def test_what_the_conversion_left_out_is_told_where_nothing_else_was(relais, tmp_path):
    path = tmp_path / "letter.xml"
    path.write_bytes(changed((' codeSystem="1.2.250.1.213.2.3.1"', "")))

    ended = relais("validate", path)

    assert ended.code == 0
    assert "warning RLS-CDA-020" in ended.out
    assert "] conversion" in ended.out


def test_value_sets_are_checked_from_the_folder_of_the_setting(relais, monkeypatch):
    monkeypatch.setenv("RELAIS_CDA_VALUE_SETS", str(CASES / "small_toolkit" / "jeuxDeValeurs"))

    ended = relais("validate", LETTER)

    assert ended.code == 0
    assert "  checked: value sets (jeuxDeValeurs (2 lists); sha256 " in ended.out
    assert "information RLS-CDA-372" in ended.out


@pytest.mark.parametrize(
    ("setting", "code"),
    [("RELAIS_CDA_VALUE_SETS", "RLS-CFG-115"), ("RELAIS_CDA_TOOLKIT", "RLS-CFG-122")],
)
def test_a_folder_that_is_not_what_it_should_be_ends_with_2(
    relais, tmp_path, monkeypatch, setting, code
):
    monkeypatch.setenv(setting, str(tmp_path / "nowhere"))

    ended = relais("validate", LETTER)

    assert ended.code == 2
    assert code in ended.err


@pytest.fixture
def kit(tmp_path, monkeypatch):
    if find_spec("saxonche") is None:
        absent("saxonche is not installed: pip install 'relais-gateway[toolkit]'")
    folder = small_kit(tmp_path)
    monkeypatch.setenv("RELAIS_CDA_TOOLKIT", str(folder))
    monkeypatch.setenv("RELAIS_CDA_TOOLKIT_WORKERS", "1")
    return folder


def test_a_test_kit_adds_its_words_and_its_value_sets(relais, kit, broken):
    ended = relais("validate", broken)

    assert ended.code == 1
    assert "the date of birth of {cda:name/cda:family[1]} is missing in patient" in ended.out
    assert "CI-SIS_LDL-SES_2022.01 birth birth-1] schematron" in ended.out
    assert "  checked: value sets (jeuxDeValeurs (2 lists)" in ended.out
    assert "  checked: schema CDA_extended (small_toolkit; sha256 " in ended.out


@pytest.mark.field("FL-175")
def test_a_check_that_could_not_be_made_ends_with_2_unless_a_rule_is_broken(relais, kit, broken):
    (kit / "schematrons" / "profils" / "broken.sch").write_text("<schema", encoding="utf-8")

    sound, refused = relais("validate", LETTER), relais("validate", broken)

    assert (sound.code, refused.code) == (2, 1)
    assert "warning RLS-CDA-387 schematron broken: the check could not be made" in sound.out
    assert "not checked: schematron broken (" in sound.out


@pytest.mark.parametrize("form", ["junit", "sarif"])
def test_machines_get_their_form(relais, kit, broken, form):
    shutil.rmtree(kit / "schematrons" / "profils")

    ended = relais("validate", "--report", form, broken)

    assert ended.code == 1
    assert ended.out.startswith("<?xml" if form == "junit" else "{")
    assert "RLS-CDA-381" in ended.out
