"""`relais validate` of messages: reports, true exit codes; unread fields of `convert`."""

import json

import pytest

from gateway.core.messages import InboxStatus
from gateway.entry.cli_convert import read_input
from gateway.entry.judging import build_judge
from gateway.entry.settings import load
from tests.conftest import ROOT
from tests.support.gateway import converter
from tests.unit.conformance.judging import letter

CASES = ROOT / "fixtures" / "hl7v2"
TRANSFER = CASES / "adt_a02_transfer_to_rehabilitation" / "input.er7"
SHIFTED = CASES / "adt_a03_shifted_movement_segment" / "input.er7"
LETTER = ROOT / "fixtures" / "cda" / "ldl_ses_transfer_to_rehabilitation" / "input.xml"


def test_a_sound_message_ends_with_0(relais):
    ended = relais("validate", TRANSFER)

    assert ended.code == 0
    assert ended.out == f"{TRANSFER}: ADT^A02, answered AA: no finding\n"


def test_a_message_that_breaks_a_rule_ends_with_1_and_says_which(relais):
    ended = relais("validate", SHIFTED)

    assert ended.code == 1
    assert "error RLS-HL7-033 ZBE-4:" in ended.out
    assert "[PAM-FR 2.11 6.13.3 and 6.13.4]" in ended.out


def test_the_worst_of_several_inputs_decides(relais):
    ended = relais("validate", "--report", "json", SHIFTED, TRANSFER)

    assert ended.code == 1
    assert [one["refused"] for one in json.loads(ended.out)["inputs"]] == [True, False]


@pytest.mark.parametrize("form", ["junit", "sarif"])
def test_machines_get_their_form(relais, form):
    ended = relais("validate", "--report", form, SHIFTED)

    assert ended.code == 1
    assert ended.out.startswith("<?xml" if form == "junit" else "{")
    assert "RLS-HL7-033" in ended.out


def test_a_site_decides_what_is_answered(relais, tmp_path, monkeypatch):
    assert relais("validate", TRANSFER, "--site", "demo").code == 0
    ended = relais("validate", TRANSFER, "--site", "nowhere")

    assert ended.code == 2
    assert "RLS-CFG-113 at --site: there is no site table 'nowhere'." in ended.err


def test_a_file_that_is_not_there_is_said(relais, tmp_path):
    ended = relais("validate", tmp_path / "nothing.er7")

    assert ended.code == 1
    assert "RLS-CFG-110" in ended.err


def test_what_the_conversion_refuses_is_told_and_answered_as_the_door_does(relais, tmp_path):
    file = tmp_path / "letter.er7"
    file.write_bytes(letter())

    ended = relais("validate", file)

    assert ended.code == 1
    assert "MDM^T02, answered AE" in ended.out
    assert "error RLS-CDA-012 /ClinicalDocument:" in ended.out
    assert "] conversion" in ended.out


@pytest.mark.long
def test_the_answer_of_a_report_is_that_of_the_door():
    judge = build_judge(load())
    for path in sorted(CASES.glob("*/*.er7")):
        raw = read_input(path)
        prepared = converter().prepare(converter().open(raw))
        refused = prepared.status is InboxStatus.QUARANTINED
        assert (judge(raw, path.name).answer != "AA") is refused, path


def test_explain_lists_what_nothing_read(relais):
    ended = relais("convert", "--explain", CASES / "adt_a03_discharge_to_rehabilitation/input.er7")

    lines = ended.out.splitlines()
    listed = lines[lines.index("not read") + 1 :]
    assert "  PV1: PV1-1, PV1-45, PV1-51" in listed
    # What facts read is read, although no resource holds it.
    assert not any("ZFM" in line or "PV1-37" in line for line in listed)


def test_a_document_has_no_unread_fields(relais):
    assert "not read" not in relais("convert", "--explain", LETTER).out
