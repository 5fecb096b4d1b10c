"""`relais convert`: data on standard output, words on standard error, true exit codes."""

import json

import pytest

from tests.conftest import ROOT

CASES = ROOT / "fixtures"
ADMISSION = CASES / "hl7v2" / "adt_a01_admission_of_a_validated_identity" / "input.er7"
DISCHARGE = CASES / "hl7v2" / "adt_a03_discharge_to_rehabilitation" / "input.er7"
LETTER = CASES / "cda" / "ldl_ses_transfer_to_rehabilitation" / "input.xml"
BOMB = CASES / "cda" / "entity_bomb_is_refused" / "input.xml"


def test_one_file_gives_one_transaction_bundle(relais):
    ended = relais("convert", ADMISSION)

    assert ended.code == 0
    bundle = json.loads(ended.out)
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "transaction")
    for entry in bundle["entry"]:
        name = f"{entry['resource']['resourceType']}/{entry['resource']['id']}"
        assert entry["request"] == {"method": "PUT", "url": name}
        assert entry["fullUrl"] == f"https://relais.example/fhir/{name}"


def test_several_files_give_a_line_each(relais):
    ended = relais("convert", ADMISSION, LETTER)

    lines = ended.out.splitlines()
    assert ended.code == 0
    assert [json.loads(line)["type"] for line in lines] == ["transaction"] * 2


def batch(tmp_path, *bodies: bytes, count: int | None = None):
    """Write a batch file of messages."""
    told = len(bodies) if count is None else count
    trailer = f"BTS|{told}\rFTS|1\r".encode()
    path = tmp_path / "day.hl7"
    path.write_bytes(
        b"FHS|^~\\&|GAM|CHU-DEMO\rBHS|^~\\&|GAM|CHU-DEMO\r" + b"".join(bodies) + trailer
    )
    return path


@pytest.mark.field("FL-058")
def test_a_batch_file_gives_a_line_for_each_message(relais, tmp_path):
    ended = relais("convert", batch(tmp_path, ADMISSION.read_bytes(), DISCHARGE.read_bytes()))

    alone = [relais("convert", "--format", "ndjson", path).out for path in (ADMISSION, DISCHARGE)]
    assert ended.code == 0
    assert ended.out == "".join(alone)
    assert "RLS-HL7-017" not in ended.err


def test_a_batch_file_of_one_message_is_printed_as_one_file(relais, tmp_path):
    ended = relais("convert", batch(tmp_path, ADMISSION.read_bytes()))

    assert ended.out == relais("convert", ADMISSION).out


def test_one_bad_message_of_a_batch_does_not_stop_the_others(relais, tmp_path):
    bad = ADMISSION.read_bytes().replace(b"ADT^A01^ADT_A01", b"ADT^A99^ADT_A99")
    path = batch(tmp_path, bad, DISCHARGE.read_bytes(), count=5)

    ended = relais("convert", path)

    assert ended.code == 1
    assert len(ended.out.splitlines()) == 1
    assert f"{path}[1]: RLS-HL7-022" in ended.err
    assert f"{path}: warning: RLS-HL7-017" in ended.err


def test_an_empty_batch_is_refused(relais, tmp_path):
    ended = relais("convert", batch(tmp_path))

    assert (ended.code, ended.out) == (1, "")
    assert "RLS-CFG-114" in ended.err


def test_facts_and_explanations_of_a_batch_are_those_of_its_messages(relais, tmp_path):
    path = batch(tmp_path, ADMISSION.read_bytes(), DISCHARGE.read_bytes())

    for option in ("--facts", "--explain"):
        alone = [relais("convert", option, one).out for one in (ADMISSION, DISCHARGE)]
        assert relais("convert", option, path).out == "".join(alone)


def test_the_worst_input_decides_the_exit_code_and_the_others_are_printed(relais):
    ended = relais("convert", BOMB, ADMISSION)

    assert ended.code == 1
    assert len(ended.out.splitlines()) == 1
    assert f"{BOMB}: RLS-CDA-" in ended.err


def test_explain_shows_each_value_beside_its_field(relais):
    ended = relais("convert", "--explain", ADMISSION)

    assert ended.code == 0
    lines = ended.out.splitlines()
    [birth] = [line for line in lines if line.startswith("  birthDate = ")]
    assert "<- PID-7" in birth
    assert any("<- PID-3[1]" in line and "identifier[0]" in line for line in lines)
    assert all("[" in line for line in lines if line.startswith("  name"))


def test_facts_are_printed_one_a_line(relais):
    ended = relais("convert", "--facts", DISCHARGE, LETTER)

    assert ended.code == 0
    told = [json.loads(line) for line in ended.out.splitlines()]
    discharge = next(one for one in told if one["event"] == "ENC.DISCHARGE")
    assert discharge["te"] == ["2026-03-09T09:00:00Z"] * 2
    assert discharge["source"] == "990000001:ADT"
    assert discharge["attributes"]["destination_finess"] == "990000027"
    assert {"DOC.LDL_SES", "DOCV.LDL_SES"} <= {one["event"] for one in told}


def test_xml_can_be_read_back(relais):
    from lxml import etree

    ended = relais("convert", "--format", "xml", ADMISSION)

    root = etree.fromstring(ended.out.encode())
    assert ended.code == 0
    assert etree.QName(root).localname == "Bundle"


def test_an_acknowledgement_is_no_input(relais, tmp_path):
    file = tmp_path / "ack.er7"
    file.write_bytes(b"MSH|^~\\&|A|B|C|D|20260302080000||ACK^A01^ACK|1|T|2.5\rMSA|AA|7\r")

    ended = relais("convert", file)

    assert ended.code == 1
    assert ended.out == ""
    assert "RLS-MAP-091" in ended.err


def test_a_file_that_is_not_there_is_said(relais, tmp_path):
    ended = relais("convert", tmp_path / "nothing.er7")

    assert ended.code == 1
    assert "RLS-CFG-110 at file: it cannot be read: no such file or directory." in ended.err


def test_an_unknown_site_names_the_known_ones(relais):
    ended = relais("convert", ADMISSION, "--site", "nowhere")

    assert ended.code == 1
    assert "RLS-CFG-111 at --site: there is no site table 'nowhere'." in ended.err
    assert "demo" in ended.err


@pytest.mark.parametrize(
    "words", [("convert",), ("convert", "--format", "yaml", "x"), ("fly",)], ids=str
)
def test_wrong_usage_ends_with_2(relais, words):
    assert relais(*words).code == 2


def test_a_repair_is_told_as_a_flag(relais, tmp_path):
    relayed = tmp_path / "relayed.er7"
    relayed.write_bytes(ADMISSION.read_bytes().replace(b"~\\&", b"~\\\\&", 1))

    ended = relais("convert", relayed)

    assert ended.code == 0
    assert f"{relayed}: flag: msh2-repair" in ended.err.splitlines()
